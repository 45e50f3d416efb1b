//! Claims that tell the edge what to do: `catif` (what to answer when a claim fails) and `catr` (how to renew the token).

use super::claims::{malformed, unsupported};
use super::label;
use crate::cbor::Value;
use crate::cose::Tags;
use crate::grant::{FailureAnswer, Renewal, RenewalCarrier, RenewedClaims};
use crate::reason::{Reason, Refused};

/// Which numbers the parameters of `catr` have: implementations disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatrLabels {
    /// Cookie name 3, header name 4, cookie parameters 5, header parameters 6, status 7 (node-cat and its relatives).
    Short,
    /// With the parent path as 5: cookie parameters 6, header parameters 7, status 8 (EdgeWorkers' CAT module).
    WithParentPath,
}

/// `catif`: what to answer when a claim fails: `{ claim: [status, { header: value }, key id?] }`.
pub(super) fn failure_answers(value: &Value) -> Result<Vec<(Reason, FailureAnswer)>, Refused> {
    let bad = || malformed(label::CATIF);
    let mut answers = Vec::new();
    for (key, action) in value.as_map().ok_or_else(bad)? {
        let reason = match key.as_integer().ok_or_else(bad)? {
            label::EXP => Reason::TokenExpired,
            label::NBF => Reason::TokenNotYetValid,
            label::CATU => Reason::PathNotAllowed,
            label::CATM => Reason::MethodNotAllowed,
            label::CATH => Reason::HeaderNotAllowed,
            label::CATNIP => Reason::AddressNotAllowed,
            label::CATGEOISO3166 => Reason::CountryNotAllowed,
            label::CATREPLAY => Reason::TokenReplayed,
            // The claim refuses in another way, or before its action could be read.
            _ => continue,
        };
        let parts = action.as_array().ok_or_else(bad)?;
        let status = parts
            .first()
            .and_then(Value::as_integer)
            .and_then(|status| u16::try_from(status).ok());
        let status = status
            .filter(|status| (300..600).contains(status))
            .ok_or_else(bad)?;
        let mut headers = Vec::new();
        for (name, value) in parts
            .get(1)
            .map_or(Some(&[][..]), Value::as_map)
            .ok_or_else(bad)?
        {
            // A value that asks for a token to be minted is left out: the refusal stands without it.
            if let (Some(name), Some(value)) = (name.as_text(), value.as_text()) {
                let plain = !name.is_empty()
                    && name.bytes().all(crate::carrier::is_token_byte)
                    && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
                headers.extend(plain.then(|| (name.to_ascii_lowercase(), value.to_owned())));
            }
        }
        answers.push((reason, FailureAnswer { status, headers }));
    }
    Ok(answers)
}

/// `catr`: how the token is renewed. What would renew in a way not known here is an error, not a silent end of the session.
pub(super) fn renewal(
    value: &Value,
    claims: &Value,
    labels: CatrLabels,
) -> Result<Option<Renewal>, Refused> {
    let bad = || malformed(label::CATR);
    let number = |at: i64| {
        value
            .get(at)
            .map(|value| value.as_integer().ok_or_else(bad))
            .transpose()
    };
    let name = |at: i64| match value.get(at) {
        None => Ok(None),
        Some(value) => {
            let text = value
                .as_text()
                .filter(|text| !text.is_empty() && text.bytes().all(crate::carrier::is_token_byte));
            text.map(|text| Some(text.to_owned())).ok_or_else(bad)
        }
    };
    let parameters = |at: i64| match value.get(at) {
        None => Ok(Vec::new()),
        Some(value) => {
            let plain = |item: &Value| {
                item.as_text()
                    .filter(|text| text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b';'))
                    .map(str::to_owned)
            };
            value
                .as_array()
                .and_then(|list| list.iter().map(plain).collect::<Option<Vec<_>>>())
                .ok_or_else(bad)
        }
    };
    let shift = i64::from(labels == CatrLabels::WithParentPath);
    let kind = number(0)?.ok_or_else(bad)?;
    let lasts = number(1)?
        .filter(|lasts| (1..=31_536_000).contains(lasts))
        .ok_or_else(bad)?;
    let deadline = number(2)?.unwrap_or(60);
    let usual = || "cta-common-access-token".to_owned();
    let by = match kind {
        // Automatic leaves the way to the server: a cookie comes back by itself.
        0 | 1 => RenewalCarrier::Cookie(name(3)?.unwrap_or_else(usual), parameters(5 + shift)?),
        2 => {
            let header = name(4)?.unwrap_or_else(usual);
            RenewalCarrier::Header(header.to_ascii_lowercase(), parameters(6 + shift)?)
        }
        3 => {
            let status = number(7 + shift)?.unwrap_or(302);
            let status = u16::try_from(status)
                .ok()
                .filter(|status| matches!(status, 301 | 302 | 303 | 307 | 308));
            RenewalCarrier::Redirect(status.ok_or_else(bad)?)
        }
        _ => return Err(unsupported(label::CATR)),
    };
    let tags = Tags {
        cwt: false,
        cose: false,
    };
    Ok(Some(Renewal {
        by,
        lasts,
        deadline: Some(deadline),
        claims: RenewedClaims::Cat(claims.clone(), tags),
        signer: None,
    }))
}
