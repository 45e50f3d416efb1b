//! Renewal of a token by its own instruction: the same claims, a new expiry, the same key or the operator's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::carrier::Place;
use crate::cbor::{self, Value};
use crate::cose::{Tags, seal};
use crate::format::Presented;
use crate::format::cat::label;
use crate::grant::{Grant, Renewal, RenewedClaims, Signer};
use crate::mint::compact;
use crate::path::NormalPath;

impl Renewal {
    /// True in the last seconds before the expiry, as many as the token says.
    pub(crate) fn is_due(&self, grant: &Grant, now: i64) -> bool {
        self.deadline.is_none_or(|deadline| {
            grant
                .expires
                .is_some_and(|expires| now >= expires.saturating_sub(deadline))
        })
    }

    /// The new token; none when it cannot be signed.
    pub(crate) fn mint(&self, now: i64) -> Option<String> {
        let signer = self.signer.as_ref()?;
        match &self.claims {
            RenewedClaims::Cat(claims, tags) => self.mint_cat(claims, *tags, signer, now),
            RenewedClaims::Jwt(claims) => self.mint_jwt(claims, signer, now),
        }
    }

    /// RFC 9246 sections 2.1.4 to 2.1.7 and 2.1.12: the expiry counts from now, a time of issue is now, an id is a new one, and all else
    /// stays.
    fn mint_jwt(&self, claims: &Map<String, Json>, signer: &Signer, now: i64) -> Option<String> {
        let mut claims = claims.clone();
        claims.insert("exp".to_owned(), now.saturating_add(self.lasts).into());
        if let Some(issued_at) = claims.get_mut("iat") {
            *issued_at = now.into();
        }
        if let Some(Json::String(id)) = claims.get_mut("jti") {
            // A token of one use hands its use on: the new id is nobody else's, since the old one was used just now and never again.
            let digest = Sha256::digest(format!("{now} {id}"));
            *id = URL_SAFE_NO_PAD.encode(&digest[..16]);
        }
        let mut header = json!({ "alg": signer.algorithm.name() });
        if let Some(id) = &signer.key_id {
            header["kid"] = std::str::from_utf8(id).ok()?.into();
        }
        compact(
            &signer.key,
            signer.algorithm,
            &header,
            &Json::Object(claims),
        )
        .ok()
    }

    fn mint_cat(&self, claims: &Value, tags: Tags, signer: &Signer, now: i64) -> Option<String> {
        let mut claims = claims.clone();
        let Value::Map(entries) = &mut claims else {
            return None;
        };
        for (number, time) in [
            (label::EXP, now.saturating_add(self.lasts)),
            (label::IAT, now),
        ] {
            let wanted = Value::from(number);
            match entries.iter_mut().find(|(key, _)| *key == wanted) {
                Some((_, value)) => *value = time.into(),
                None if number == label::EXP => entries.push((wanted, time.into())),
                None => {}
            }
        }
        let sealed = seal(
            signer.algorithm,
            signer.key_id.as_deref(),
            &cbor::encode(&claims),
            tags,
            |message| signer.key.sign(signer.algorithm, message),
        );
        sealed
            .ok()
            .flatten()
            .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The path that a cookie comes back with: the first segments of this one (RFC 9246 section 2.1.14). None when it has fewer.
pub(crate) fn path_below(path: &NormalPath<'_>, depth: usize) -> Option<String> {
    let mut out = String::from(if depth == 0 { "/" } else { "" });
    let mut segments = path.segments().filter(|segment| !segment.is_empty());
    for _ in 0..depth {
        out.push('/');
        out.push_str(segments.next()?);
    }
    Some(out)
}

/// A cookie or header value with its attributes.
pub(crate) fn with_parameters(value: &str, parameters: &[String]) -> String {
    let mut out = value.to_owned();
    for parameter in parameters {
        out.push_str("; ");
        out.push_str(parameter);
    }
    out
}

/// The same URL with the new token in the old one's place; none when the old one was in no URL.
pub(crate) fn location(
    old: &Presented<'_>,
    token: &str,
    path: &NormalPath<'_>,
    clean: &NormalPath<'_>,
    query: &str,
) -> Option<String> {
    match old.places.as_slice() {
        [Place::Query(name)] => {
            let and = if query.is_empty() { "" } else { "&" };
            Some(format!("{}?{query}{and}{name}={token}", clean.encoded()))
        }
        [Place::Path(count)] => {
            let prefix: Vec<&str> = path.segments().take(count.checked_sub(1)?).collect();
            let prefix = prefix
                .iter()
                .map(|segment| format!("/{segment}"))
                .collect::<String>();
            let query = if query.is_empty() {
                String::new()
            } else {
                format!("?{query}")
            };
            Some(format!("{prefix}/{token}{}{query}", clean.encoded()))
        }
        _ => None,
    }
}
