//! A variant that a tester asks for, signed by whoever holds the secret.
//!
//! `<experiment>:<variant>[,…].<expires>.<signature>`: `expires` in Unix seconds, the signature 64 hexadecimal digits of HMAC-SHA-256
//! over `weir-experiment-force`, a line feed, and what stands before the last dot.

use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use weir_module::wire::WireError;
use weir_module::{Edit, Edits};

use crate::config::ForceConfig;
use crate::request::Request;
use crate::trial::{Trial, Variant};

/// Reads and checks forced variants.
#[derive(Debug, Clone)]
pub(crate) struct Force {
    secrets: Vec<Secret>,
    parameter: String,
    cookie: Option<String>,
    cookie_attributes: String,
    longest: i64,
}

/// A text that no log and no debug output shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// What a request forces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Forced<'a> {
    choices: &'a str,
    expires: i64,
    /// The whole text, when it came by query and is good.
    by_query: Option<&'a str>,
    /// Why it was ignored.
    pub(crate) refused: Option<&'static str>,
}

impl Forced<'_> {
    /// The variant that is forced for an experiment. A name that does not exist forces nothing.
    pub(crate) fn variant<'t>(&self, trial: &'t Trial) -> Option<&'t Variant> {
        let mut choices = self
            .choices
            .split(',')
            .filter_map(|choice| choice.split_once(':'));
        let (_, variant) = choices.find(|(name, _)| *name == trial.name)?;
        trial.variant(variant)
    }
}

impl Force {
    /// Checks with this configuration.
    pub(crate) fn new(config: &ForceConfig) -> Self {
        Self {
            secrets: config.secrets.clone(),
            parameter: config.parameter.clone(),
            cookie: Some(config.cookie.clone()).filter(|name| !name.is_empty()),
            cookie_attributes: config.cookie_attributes.clone(),
            longest: i64::try_from(config.longest.unsigned_abs().as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// What the request forces: by query, else by the cookie that an earlier query left.
    pub(crate) fn read<'a>(&self, request: &Request<'a>, now: i64) -> Forced<'a> {
        let query = request.parameter(&self.parameter);
        let cookie = || request.cookie(self.cookie.as_deref()?);
        let Some(text) = query.or_else(cookie) else {
            return Forced::default();
        };
        match self.check(text, now) {
            Ok((choices, expires)) => Forced {
                choices,
                expires,
                by_query: query,
                refused: None,
            },
            // A cookie that has run out is no mistake of anybody.
            Err(why) => Forced {
                refused: query.map(|_| why),
                ..Forced::default()
            },
        }
    }

    /// Choices and expiry of a text that holds.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn check<'a>(
        &self,
        text: &'a str,
        now: i64,
    ) -> Result<(&'a str, i64), &'static str> {
        const SHAPE: &str = "not of the form <choices>.<expires>.<signature>";
        let (signed, signature) = text.rsplit_once('.').ok_or(SHAPE)?;
        let (choices, expires) = signed.rsplit_once('.').ok_or(SHAPE)?;
        let signature = hex::decode(signature).map_err(|_| SHAPE)?;
        let canonical =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let expires: i64 = Some(expires)
            .filter(|digits| canonical(digits))
            .and_then(|digits| digits.parse().ok())
            .ok_or(SHAPE)?;
        let mut holds = false;
        for secret in &self.secrets {
            holds |= mac(secret.as_str(), signed)
                .is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        }
        if !holds {
            return Err("its signature does not hold");
        }
        if expires <= now {
            return Err("it has expired");
        }
        if expires - now > self.longest {
            return Err("it runs for longer than `force.longest`");
        }
        Ok((choices, expires))
    }

    /// Takes the parameter off the target, and leaves a cookie so that the requests that follow are forced too.
    ///
    /// # Errors
    /// An edit that does not fit.
    pub(crate) fn tidy(
        &self,
        request: &Request<'_>,
        forced: &Forced<'_>,
        now: i64,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let clean = request.target_without(&self.parameter);
        if clean != request.head.target() {
            edits.push(Edit::SetTarget(&clean))?;
        }
        if let (Some(text), Some(name)) = (forced.by_query, &self.cookie)
            && request.cookie(name) != Some(text)
        {
            let mut cookie = format!("{name}={text}; Max-Age={}", forced.expires - now);
            if !self.cookie_attributes.is_empty() {
                cookie.push_str("; ");
                cookie.push_str(&self.cookie_attributes);
            }
            edits.push(Edit::AppendResponse("set-cookie", cookie.as_bytes()))?;
            edits.push(Edit::SetResponse("cache-control", b"private, no-store"))?;
        }
        Ok(())
    }
}

fn mac(secret: &str, signed: &str) -> Option<Hmac<Sha256>> {
    // HMAC takes a key of any length, so this is always there.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(b"weir-experiment-force\n");
    mac.update(signed.as_bytes());
    Some(mac)
}

/// Signs choices, for testers' tools: the value of the query parameter.
///
/// ```
/// let text = experiment::sign_force("sixteen characters", "ladder:low", 1_800_000_000);
/// assert!(text.starts_with("ladder:low.1800000000."));
/// ```
pub fn sign_force(secret: &str, choices: &str, expires: i64) -> String {
    let signed = format!("{choices}.{expires}");
    let signature = mac(secret, &signed).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("{signed}.{}", signature.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "sixteen characters";

    fn force(secrets: &[&str]) -> Force {
        Force {
            secrets: secrets
                .iter()
                .map(|&secret| Secret(secret.to_owned()))
                .collect(),
            parameter: "weir-force".into(),
            cookie: None,
            cookie_attributes: String::new(),
            longest: 1_000,
        }
    }

    #[test]
    fn only_a_whole_and_fresh_signature_holds() {
        let force = force(&["another secret, older", SECRET]);
        let good = sign_force(SECRET, "ladder:low,banner:red", 2_000);
        assert_eq!(
            force.check(&good, 1_500),
            Ok(("ladder:low,banner:red", 2_000))
        );
        assert!(force.check(&good, 1_999).is_ok());
        assert!(force.check(&good, 2_000).is_err(), "expired");
        assert!(force.check(&good, 999).is_err(), "runs for too long");
        for wrong in [
            good.replace("low", "mid"),
            good.replace("2000", "2001"),
            good.replace("2000", "+2000"),
            good[..good.len() - 2].to_owned(),
            good.clone() + "00",
            sign_force("a secret of somebody else", "ladder:low", 2_000),
            "ladder:low.2000.".into(),
            String::new(),
        ] {
            assert!(force.check(&wrong, 1_500).is_err(), "{wrong}");
        }
        assert!(!format!("{force:?}").contains("secret,"), "{force:?}");
    }

    #[test]
    fn the_documented_signature() {
        // printf 'weir-experiment-force\nladder:low.1800000000' | openssl dgst -sha256 -hmac 'sixteen characters'
        assert_eq!(
            sign_force(SECRET, "ladder:low", 1_800_000_000),
            "ladder:low.1800000000.31eaf7233f4c4e5bdc9086a52ffe64e5101a03ee33c98e860130eca3f3a15420"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}", now: i64) {
            prop_assert!(force(&[SECRET]).check(&text, now.max(0)).is_err());
        }

        #[test]
        fn one_changed_byte_is_refused(at in 0_usize..86, byte in 0x20_u8..0x7f) {
            let good = sign_force(SECRET, "ladder:low", 1_800_000_000);
            let mut bytes = good.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            // Hexadecimal digits may be written in capitals.
            if !changed.eq_ignore_ascii_case(&good) {
                prop_assert!(force(&[SECRET]).check(&changed, 1_799_999_500).is_err());
            }
        }
    }
}
