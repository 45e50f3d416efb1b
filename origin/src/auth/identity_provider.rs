//! Administration by tokens of an identity provider.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::{Caller, Role};
use crate::config::JwtSettings;

/// Clock difference in seconds that is forgiven.
const LEEWAY_SECONDS: u64 = 30;

/// Verifies JSON Web Tokens against a fixed set of public keys.
pub struct IdentityProvider {
    keys: Vec<(Option<String>, Algorithm, DecodingKey)>,
    settings: JwtSettings,
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// Reads the configured keys; `None` when none are configured.
    ///
    /// # Errors
    /// A sentence that says what is wrong with `auth.jwt.jwks`.
    pub fn new(settings: &JwtSettings) -> Result<Option<Self>, String> {
        if settings.jwks.is_empty() {
            return Ok(None);
        }
        let set: JwkSet = serde_json::from_str(&settings.jwks)
            .map_err(|error| format!("auth.jwt.jwks is no JWKS document: {error}"))?;
        let keys = set.keys.iter().map(|jwk| {
            let algorithm = algorithm_of(jwk)
                .ok_or("auth.jwt.jwks holds a key of no supported public-key algorithm")?;
            let key = DecodingKey::from_jwk(jwk)
                .map_err(|error| format!("auth.jwt.jwks holds an unusable key: {error}"))?;
            Ok((jwk.common.key_id.clone(), algorithm, key))
        });
        let keys = keys.collect::<Result<Vec<_>, String>>()?;
        if keys.is_empty() {
            return Err("auth.jwt.jwks holds no key".to_owned());
        }
        Ok(Some(Self {
            keys,
            settings: settings.clone(),
        }))
    }

    /// Who the token speaks for.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Caller> {
        let header = decode_header(token).ok()?;
        // The algorithm belongs to the key, never to the token: RFC 8725, 3.1.
        let candidates = self.keys.iter().filter(|(id, algorithm, _)| {
            *algorithm == header.alg && (header.kid.is_none() || *id == header.kid)
        });
        for (_, algorithm, key) in candidates {
            let mut validation = Validation::new(*algorithm);
            validation.leeway = LEEWAY_SECONDS;
            validation.validate_nbf = true;
            validation.set_issuer(&[&self.settings.issuer]);
            validation.set_audience(&[&self.settings.audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            if let Ok(verified) = decode::<Map<String, Value>>(token, key, &validation) {
                return self.caller(&verified.claims);
            }
        }
        None
    }

    fn caller(&self, claims: &Map<String, Value>) -> Option<Caller> {
        let subject = claims.get("sub")?.as_str()?;
        let role_of = |value: &Value| serde_json::from_value::<Role>(value.clone()).ok();
        let role = match claims.get(&self.settings.role_claim) {
            // Roles of other systems may stand beside ours; the highest that we know counts.
            Some(Value::Array(values)) => values.iter().filter_map(role_of).max()?,
            Some(value) => role_of(value)?,
            None => self.settings.default_role?,
        };
        Some(Caller {
            id: format!("subject:{subject}"),
            role,
        })
    }
}

/// The one algorithm that a public key is used with; shared secrets are refused.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    use jsonwebtoken::jwk::EllipticCurve;
    let named = jwk
        .common
        .key_algorithm
        .and_then(|algorithm| algorithm.to_string().parse::<Algorithm>().ok());
    match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => None,
        AlgorithmParameters::OctetKeyPair(_) => Some(Algorithm::EdDSA),
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => Some(Algorithm::ES256),
            EllipticCurve::P384 => Some(Algorithm::ES384),
            _ => None,
        },
        AlgorithmParameters::RSA(_) => {
            let rsa = [
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ];
            Some(
                named
                    .filter(|algorithm| rsa.contains(algorithm))
                    .unwrap_or(Algorithm::RS256),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use token_check::SigningKey;
    use token_check::mint::{JwtClaims, Minter};

    fn minter() -> Minter {
        Minter::new(SigningKey::ed25519(&[9; 32])).with_id("idp-1")
    }

    fn provider() -> IdentityProvider {
        let jwks = json!({ "keys": [minter().public_jwk().expect("a public key")] }).to_string();
        let settings = JwtSettings {
            jwks,
            issuer: "https://idp.example".into(),
            audience: "weir".into(),
            ..JwtSettings::default()
        };
        IdentityProvider::new(&settings)
            .expect("valid")
            .expect("configured")
    }

    fn claims(role: Value) -> JwtClaims {
        let mut claims = JwtClaims {
            issuer: Some("https://idp.example".into()),
            subject: Some("ada".into()),
            audiences: vec!["weir".into()],
            expires: Some(jiff::Timestamp::now().as_second() + 60),
            ..JwtClaims::default()
        };
        claims.more.insert("role".into(), role);
        claims
    }

    #[test]
    fn the_role_comes_from_the_claim() {
        let role = |value| {
            provider()
                .verify(&minter().jwt(&claims(value)).expect("signed"))
                .map(|caller| caller.role)
        };
        assert_eq!(role(json!("user")), Some(Role::User));
        assert_eq!(role(json!(["reader", "admin", "guest"])), Some(Role::Admin));
        assert_eq!(role(json!("root")), None);
        assert_eq!(role(json!([])), None);
    }

    #[test]
    fn expired_foreign_and_unsigned_tokens_are_refused() {
        let verify = |claims: &JwtClaims| provider().verify(&minter().jwt(claims).expect("signed"));
        assert!(verify(&claims(json!("admin"))).is_some());
        assert!(
            verify(&JwtClaims {
                expires: Some(1_000),
                ..claims(json!("admin"))
            })
            .is_none()
        );
        assert!(
            verify(&JwtClaims {
                expires: None,
                ..claims(json!("admin"))
            })
            .is_none()
        );
        assert!(
            verify(&JwtClaims {
                issuer: Some("https://evil.example".into()),
                ..claims(json!("admin"))
            })
            .is_none()
        );
        assert!(
            verify(&JwtClaims {
                audiences: vec!["other".into()],
                ..claims(json!("admin"))
            })
            .is_none()
        );
        let stranger = Minter::new(SigningKey::ed25519(&[1; 32])).with_id("idp-1");
        assert!(
            provider()
                .verify(&stranger.jwt(&claims(json!("admin"))).expect("signed"))
                .is_none()
        );
        // Algorithm confusion: an HMAC keyed with public bytes is not even a candidate.
        let secret =
            Minter::new(SigningKey::secret(&[9; 32]).expect("long enough")).with_id("idp-1");
        assert!(
            provider()
                .verify(&secret.jwt(&claims(json!("admin"))).expect("signed"))
                .is_none()
        );
        assert!(provider().verify("").is_none() && provider().verify("a.b.c").is_none());
    }
}
