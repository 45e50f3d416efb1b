//! Minting the tokens and signed URLs that CDNs made for themselves.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{MintError, Minter};
use crate::format::{bunny, cloudfront, edge_auth, hmac, media_cdn, secure_link};
use crate::signature::{Algorithm, SigningKey, VerifyingKey};

/// What an EdgeAuth token or a Media CDN token says. Times are Unix seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EdgeAuthClaims {
    /// `exp`.
    pub expires: i64,
    /// `st`.
    pub not_before: Option<i64>,
    /// `acl`: patterns. Without any the token is for `url` alone.
    pub acl: Vec<String>,
    /// The path of a token without `acl`.
    pub url: Option<String>,
    /// `ip`.
    pub address: Option<IpAddr>,
    /// `id`.
    pub session: Option<String>,
    /// `data`.
    pub data: Option<String>,
    /// The salt that is agreed.
    pub salt: Option<String>,
    /// Whether values are escaped before they are signed.
    pub escape_early: bool,
}

/// What a Media CDN token covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCdnScope {
    /// One path.
    FullPath(String),
    /// Patterns joined by `,` or `!`.
    PathGlobs(String),
    /// Every URL that begins so, scheme and host included.
    UrlPrefix(String),
}

/// What a Media CDN token says. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaCdnClaims {
    /// What it covers.
    pub scope: MediaCdnScope,
    /// `Starts`.
    pub not_before: Option<i64>,
    /// `Expires`.
    pub expires: i64,
    /// `SessionID`.
    pub session: Option<String>,
    /// `Data`.
    pub data: Option<String>,
    /// `Headers`: names and the values that requests must have.
    pub headers: Vec<(String, String)>,
    /// `IPRanges`, as written.
    pub networks: Vec<String>,
}

/// What a Bunny token says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BunnyClaims {
    /// The path of the URL.
    pub path: String,
    /// Unix seconds.
    pub expires: i64,
    /// `token_path`: the directory that is covered.
    pub token_path: Option<String>,
    /// `token_countries`, comma-separated.
    pub countries: Option<String>,
    /// `token_countries_blocked`, comma-separated.
    pub countries_blocked: Option<String>,
    /// `limit`, kilobytes in a second.
    pub limit: Option<u32>,
    /// The client's address that the token is bound to.
    pub address: Option<IpAddr>,
    /// Whether other parameters of the URL are left unsigned.
    pub ignore_parameters: bool,
    /// Whether the token goes into the path.
    pub in_path: bool,
}

impl Minter {
    /// An EdgeAuth token (`exp=…~acl=…~hmac=…`).
    ///
    /// # Errors
    /// [`MintError`]: a key that is no secret, or neither `acl` nor `url`.
    pub fn edge_auth(&self, claims: &EdgeAuthClaims) -> Result<String, MintError> {
        if claims.acl.is_empty() == claims.url.is_none() {
            return Err(MintError::Field {
                field: "acl",
                reason: "give patterns, or a url",
            });
        }
        let escape = |text: &str| {
            if claims.escape_early {
                edge_auth::escape(text)
            } else {
                text.to_owned()
            }
        };
        let mut fields = Vec::new();
        fields.extend(
            claims
                .address
                .map(|address| format!("ip={}", escape(&address.to_string()))),
        );
        fields.extend(claims.not_before.map(|from| format!("st={from}")));
        fields.push(format!("exp={}", claims.expires));
        if !claims.acl.is_empty() {
            fields.push(format!("acl={}", claims.acl.join("!")));
        }
        fields.extend(
            claims
                .session
                .as_deref()
                .map(|id| format!("id={}", escape(id))),
        );
        fields.extend(
            claims
                .data
                .as_deref()
                .map(|data| format!("data={}", escape(data))),
        );
        if fields.iter().any(|field| field.contains('~')) {
            return Err(MintError::Field {
                field: "data",
                reason: "`~` separates fields: escape it",
            });
        }
        let fields = fields.join("~");
        let signed = edge_auth::message(
            &fields,
            claims.url.as_deref(),
            claims.salt.as_deref(),
            claims.escape_early,
        );
        let code = self.key.sign(self.algorithm, signed.as_bytes())?;
        Ok(format!("{fields}~hmac={}", hex::encode(code)))
    }

    /// A Media CDN token.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn media_cdn(&self, claims: &MediaCdnClaims) -> Result<String, MintError> {
        let mut fields = Vec::new();
        let mut path = "";
        fields.push(match &claims.scope {
            MediaCdnScope::FullPath(full) => {
                path = full;
                "FullPath".to_owned()
            }
            MediaCdnScope::PathGlobs(globs) => format!("PathGlobs={globs}"),
            MediaCdnScope::UrlPrefix(prefix) => {
                format!("URLPrefix={}", URL_SAFE_NO_PAD.encode(prefix))
            }
        });
        fields.extend(claims.not_before.map(|from| format!("Starts={from}")));
        fields.push(format!("Expires={}", claims.expires));
        fields.extend(
            claims
                .session
                .as_deref()
                .map(|id| format!("SessionID={id}")),
        );
        fields.extend(claims.data.as_deref().map(|data| format!("Data={data}")));
        let names: Vec<&str> = claims
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.is_empty() {
            fields.push(format!("Headers={}", names.join(",")));
        }
        if !claims.networks.is_empty() {
            fields.push(format!(
                "IPRanges={}",
                URL_SAFE_NO_PAD.encode(claims.networks.join(","))
            ));
        }
        if fields.iter().any(|field| field.contains('~')) {
            return Err(MintError::Field {
                field: "Data",
                reason: "`~` separates fields",
            });
        }
        let fields = fields.join("~");
        let values: Vec<String> = claims
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let signed = media_cdn::message(&fields, path, &values.join(","));
        let proof = self.key.sign(self.algorithm, signed.as_bytes())?;
        Ok(match self.algorithm {
            Algorithm::EdDsa => format!("{fields}~Signature={}", URL_SAFE_NO_PAD.encode(proof)),
            _ => format!("{fields}~hmac={}", hex::encode(proof)),
        })
    }

    /// The query parameters of a CloudFront URL with a canned policy: `Expires=…&Signature=…&Key-Pair-Id=…`.
    ///
    /// # Errors
    /// [`MintError`]: a minter without an id, or an algorithm other than RS1, RS256, ECDSA-SHA1 and ES256.
    pub fn cloudfront_canned(&self, url: &str, expires: i64) -> Result<String, MintError> {
        let policy = cloudfront::canned_policy(url, expires);
        Ok(format!(
            "Expires={expires}&{}",
            self.cloudfront_proof(&policy)?
        ))
    }

    /// The query parameters of a CloudFront URL with a custom policy, a JSON text: `Policy=…&Signature=…&Key-Pair-Id=…`.
    ///
    /// # Errors
    /// As [`Minter::cloudfront_canned`].
    pub fn cloudfront_custom(&self, policy: &str) -> Result<String, MintError> {
        let proof = self.cloudfront_proof(policy)?;
        Ok(format!(
            "Policy={}&{proof}",
            cloudfront::encode(policy.as_bytes())
        ))
    }

    /// The signature of a policy, ECDSA in DER, and whose it is.
    fn cloudfront_proof(&self, policy: &str) -> Result<String, MintError> {
        let hash = match self.algorithm {
            Algorithm::Rs1 | Algorithm::EcdsaSha1 => "",
            Algorithm::Rs256 | Algorithm::Es256 => "&Hash-Algorithm=SHA256",
            _ => {
                return Err(MintError::Field {
                    field: "algorithm",
                    reason: "CloudFront takes RS1, RS256, ECDSA-SHA1 and ES256",
                });
            }
        };
        let mut signature = self.key.sign(self.algorithm, policy.as_bytes())?;
        if let Some(der) = cloudfront::ecdsa_der(self.algorithm, &signature) {
            signature = der;
        }
        Ok(format!(
            "Signature={}&Key-Pair-Id={}{hash}",
            cloudfront::encode(&signature),
            self.key_pair()?
        ))
    }

    fn key_pair(&self) -> Result<&str, MintError> {
        self.id.as_deref().ok_or(MintError::Field {
            field: "Key-Pair-Id",
            reason: "the minter has no id",
        })
    }

    /// The query parameters of an nginx secure link, `md5=…&expires=…`, for a decoded path.
    ///
    /// # Errors
    /// [`MintError`]: an expression that cannot be read, or a key that is no secret.
    pub fn secure_link(
        &self,
        expression: &str,
        path: &str,
        expires: i64,
        address: Option<IpAddr>,
        host: &str,
    ) -> Result<String, MintError> {
        let pieces = secure_link::read_expression(expression).map_err(|_| MintError::Field {
            field: "expression",
            reason: "not an expression that can be read",
        })?;
        let expires = expires.to_string();
        let address = address
            .map(|address| address.to_string())
            .unwrap_or_default();
        let values = secure_link::Values {
            expires: &expires,
            uri: path,
            address: &address,
            host,
        };
        let hash = secure_link::digest(&pieces, &values, self.secret()?);
        Ok(format!(
            "md5={}&expires={expires}",
            URL_SAFE_NO_PAD.encode(hash)
        ))
    }

    /// A Bunny URL's path and query.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn bunny(&self, claims: &BunnyClaims) -> Result<String, MintError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: Option<String>| {
            parameters.extend(value.map(|value| (name.to_owned(), value)));
        };
        if claims.ignore_parameters {
            put("token_ignore_params", Some("true".to_owned()));
        } else {
            put("token_countries", claims.countries.clone());
            put("token_countries_blocked", claims.countries_blocked.clone());
            put("limit", claims.limit.map(|limit| limit.to_string()));
        }
        put("token_path", claims.token_path.clone());
        parameters.sort();
        let expires = claims.expires.to_string();
        let signed_path = claims.token_path.as_deref().unwrap_or(&claims.path);
        let address = claims.address.map(bunny::address_bytes).unwrap_or_default();
        let signed = bunny::message(signed_path, &expires, &address, &parameters);
        let code = self.key.sign(Algorithm::Hs256, &signed)?;
        let flag = if claims.address.is_some() { "1-" } else { "" };
        let token = format!("HS256-{flag}{}", URL_SAFE_NO_PAD.encode(code));
        let further: String = parameters
            .iter()
            .map(|(name, value)| format!("&{name}={}", percent_encode(value)))
            .collect();
        Ok(match claims.in_path {
            true => format!(
                "/bcdn_token={token}{further}&expires={expires}{}",
                claims.path
            ),
            false => format!("{}?token={token}{further}&expires={expires}", claims.path),
        })
    }

    /// The query parameters of a plain HMAC, `expires=…&signature=…`, for a normal path.
    ///
    /// # Errors
    /// [`MintError`]: a template that cannot be read, or a key that is no secret.
    pub fn hmac(
        &self,
        template: &str,
        encoding: hmac::Encoding,
        path: &str,
        expires: i64,
        address: Option<IpAddr>,
    ) -> Result<String, MintError> {
        let pieces = hmac::read_template(template).map_err(|_| MintError::Field {
            field: "template",
            reason: "not a template that can be read",
        })?;
        let expires = expires.to_string();
        let address = address
            .map(|address| address.to_string())
            .unwrap_or_default();
        let values = hmac::Values {
            path,
            expires: &expires,
            client_ip: &address,
            method: "GET",
            ..Default::default()
        };
        let code = self
            .key
            .sign(self.algorithm, hmac::fill(&pieces, &values).as_bytes())?;
        Ok(format!(
            "expires={expires}&signature={}",
            percent_encode(&encoding.encode(&code))
        ))
    }

    fn secret(&self) -> Result<&[u8], MintError> {
        match &self.key {
            SigningKey::Secret(secret) => Ok(secret),
            _ => Err(MintError::Field {
                field: "key",
                reason: "the format needs a shared secret",
            }),
        }
    }

    /// A minter with a secret of any length but none: some formats have short ones.
    ///
    /// # Errors
    /// An empty secret.
    pub fn with_short_secret(secret: &[u8]) -> Result<Self, MintError> {
        match VerifyingKey::Secret(secret.into()) {
            VerifyingKey::Secret(secret) if !secret.is_empty() => {
                Ok(Self::new(SigningKey::Secret(secret)))
            }
            _ => Err(MintError::Field {
                field: "secret",
                reason: "empty",
            }),
        }
    }
}

fn percent_encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
