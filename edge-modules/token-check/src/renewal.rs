//! Renewal of a token by its own instruction: the same claims, a new expiry, the same key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::carrier::Place;
use crate::cbor::{self, Value};
use crate::cose::seal;
use crate::format::Presented;
use crate::format::cat::label;
use crate::grant::{Grant, Renewal};
use crate::path::NormalPath;

impl Renewal {
    /// True in the last seconds before the expiry, as many as the token says.
    pub(crate) fn is_due(&self, grant: &Grant, now: i64) -> bool {
        grant
            .expires
            .is_some_and(|expires| now >= expires.saturating_sub(self.deadline))
    }

    /// The new token; none when it cannot be signed.
    pub(crate) fn mint(&self, now: i64) -> Option<String> {
        let signer = self.signer.as_ref()?;
        let mut claims = self.claims.clone();
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
            self.tags,
            |message| signer.key.sign(signer.algorithm, message),
        );
        sealed
            .ok()
            .flatten()
            .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
    }
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
