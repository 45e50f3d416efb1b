//! Common Access Token (CTA-5007): a CWT (RFC 8392) in a `COSE_Mac0` or `COSE_Sign1`, base64url without padding.
//!
//! Every claim that CTA-5007 registers is either enforced or refuses the token by name; nothing that restricts is passed over. The
//! text of the standard is not free, so labels and shapes follow what its open implementations agree on.

mod claims;
mod instructions;
pub mod label;
mod matches;
mod places;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use weir_module::RequestHead;

pub use self::instructions::CatrLabels;
use super::{MAX_TOKEN, Presented, Verifier};
use crate::carrier::Carrier;
use crate::cbor::{self, Value};
use crate::cose::{Message, Tags};
use crate::grant::{Grant, RenewedClaims};
use crate::keys::KeySet;
use crate::path::NormalPath;
use crate::reason::{Reason, Refused};
use crate::signature::Algorithm;
use crate::surroundings::Surroundings;

/// What a Common Access Token must be like.
#[derive(Debug, Clone)]
pub struct CatRules {
    /// Where it travels.
    pub carriers: Vec<Carrier>,
    /// The algorithms taken; empty for all that the keys are bound to.
    pub algorithms: Vec<Algorithm>,
    /// The issuers taken; empty for any that a key's binding allows.
    pub issuers: Vec<String>,
    /// The names that this service goes by; `*` for any.
    pub audiences: Vec<String>,
    /// Claims that must be there, by label.
    pub require: Vec<i64>,
    /// Headers that `cath` may name.
    pub headers: Vec<String>,
    /// Which numbers the parameters of `catr` have.
    pub catr_labels: CatrLabels,
    /// Headers that tell what some claims are about.
    pub surroundings: Surroundings,
    /// Whether a claim with an unknown number from 0 up refuses the token.
    pub refuse_unknown: bool,
    /// Seconds of clock difference forgiven.
    pub clock_skew: i64,
}

impl Default for CatRules {
    fn default() -> Self {
        let header = |name: &str| Carrier::Header(name.to_owned());
        Self {
            carriers: vec![
                header("cta-common-access-token"),
                header("common-access-token"),
                Carrier::Query("CAT".to_owned()),
                Carrier::Query("cat".to_owned()),
                Carrier::Cookie("cta-common-access-token".to_owned()),
            ],
            algorithms: Vec::new(),
            issuers: Vec::new(),
            audiences: Vec::new(),
            require: vec![label::EXP],
            headers: ["user-agent", "referer", "origin", "host", "accept-language"]
                .map(str::to_owned)
                .to_vec(),
            catr_labels: CatrLabels::Short,
            surroundings: Surroundings::default(),
            refuse_unknown: true,
            clock_skew: 0,
        }
    }
}

impl CatRules {
    /// Whether a claim is enforced under these rules.
    fn enforces(&self, number: i64) -> bool {
        let row = label::ALL.iter().find(|(known, ..)| *known == number);
        match row.map_or(label::Enforced::No, |(_, _, enforced)| *enforced) {
            label::Enforced::Yes => true,
            label::Enforced::No => false,
            label::Enforced::WhenTold => {
                let told = &self.surroundings;
                match number {
                    label::CATGEOCOORD | label::GEOHASH => told.coordinates.is_some(),
                    label::CATGEOALT => told.altitude.is_some(),
                    label::CATALPN => told.alpn.is_some(),
                    label::CATTPK => told.tls_public_key.is_some(),
                    _ => false,
                }
            }
        }
    }
}

/// The CAT format.
#[derive(Debug, Clone)]
pub struct Cat {
    rules: CatRules,
}

impl Cat {
    /// A verifier by these rules.
    pub fn new(rules: CatRules) -> Self {
        Self { rules }
    }
}

/// Takes a token apart without checking it.
///
/// # Errors
/// [`Reason::TokenMalformed`] and what [`Message::decode`] answers.
pub fn parse(text: &str) -> Result<(Message, Value), Refused> {
    if text.len() > MAX_TOKEN {
        return Err(Reason::TokenMalformed.into());
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Reason::TokenMalformed)?;
    let message = Message::decode(&bytes)?;
    let claims = cbor::decode(&message.payload).map_err(|_| Reason::TokenMalformed)?;
    if claims.as_map().is_none() {
        return Err(Reason::TokenMalformed.into());
    }
    Ok((message, claims))
}

/// Base64url whose first byte is a COSE tag, the CWT tag or an array of four.
pub(crate) fn looks_like_cat(text: &str) -> bool {
    let first = text
        .get(..2)
        .map(|two| format!("{two}AA"))
        .and_then(|four| URL_SAFE_NO_PAD.decode(four).ok());
    let begins = first.is_some_and(|bytes| matches!(bytes[0], 0xd8 | 0xd1 | 0xd2 | 0x84));
    begins
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Verifier for Cat {
    fn headers(&self) -> Vec<String> {
        let mut names = super::carrier_headers(&self.rules.carriers);
        names.extend([":scheme", ":authority", "host"].map(str::to_owned));
        names.extend(self.rules.headers.iter().cloned());
        names.extend(self.rules.surroundings.names().map(str::to_owned));
        names
    }

    fn present<'a>(
        &'a self,
        head: &RequestHead<'a>,
        path: &'a NormalPath<'a>,
        out: &mut Vec<Presented<'a>>,
    ) {
        super::present_single(&self.rules.carriers, head, path, out);
    }

    fn recognises(&self, text: &str) -> bool {
        looks_like_cat(text)
    }

    fn path_token(&self, path: &NormalPath<'_>) -> Option<usize> {
        super::path_token(&self.rules.carriers, path, looks_like_cat)
    }

    fn verify(&self, text: &str, keys: &KeySet) -> Result<Grant, Refused> {
        let (message, claims) = parse(text)?;
        if !self.rules.algorithms.is_empty() && !self.rules.algorithms.contains(&message.algorithm)
        {
            return Err(Reason::AlgorithmNotAllowed.into());
        }
        let key = keys.verify(
            message.key_id.as_deref(),
            message.algorithm,
            &message.signed(),
            &message.signature,
        )?;
        let mut grant = claims::grant(&claims, key, &self.rules)?;
        if let Some(renewal) = &mut grant.renewal {
            let named = key.id().map(<[u8]>::to_vec).or(message.key_id);
            let allowed = |algorithm: Algorithm| {
                algorithm.to_cose().is_some()
                    && (self.rules.algorithms.is_empty()
                        || self.rules.algorithms.contains(&algorithm))
            };
            let issuer = grant.issuer.as_deref();
            let own = (message.algorithm, named);
            // Nobody here could renew it: that is said, not found out when the session ends.
            let signer = keys.renewer(key, own, issuer, allowed);
            renewal.signer = Some(signer.ok_or_else(|| claims::unsupported(label::CATR))?);
            if let RenewedClaims::Cat(_, tags) = &mut renewal.claims {
                *tags = Tags {
                    cwt: message.cwt_tag,
                    cose: message.cose_tag,
                };
            }
        }
        Ok(grant)
    }

    fn clock_skew(&self) -> i64 {
        self.rules.clock_skew
    }
}
