//! Common Access Tokens: published vectors, every claim, and what attackers make of them.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

mod claims;
mod limits;
mod messages;
mod renewal;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use token_check::cbor::{self, Value};
use token_check::format::Verifier;
use token_check::format::cat::label::Enforced;
use token_check::format::cat::{Cat, CatRules, label, parse};
use token_check::grant::Grant;
use token_check::keys::{Key, KeySet};
use token_check::mint::{CatClaims, Minter, Tags};
use token_check::reason::Reason;
use token_check::{Algorithm, SigningKey, TokenCheck, VerifyingKey};
use weir_module::counters::{Counters, LeaseOutcome, Limit, Standing, StoreError, Takeover};
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, Edit, Edits, Module, Verdict};

/// The key of RFC 8392 appendix A.2.2, which the tokens in the tests of Eyevinn/node-cat use as well.
const KEY: &str = "403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388";

const NOW: i64 = 1_800_000_000;

fn secret() -> SigningKey {
    SigningKey::secret(&hex::decode(KEY).unwrap()).unwrap()
}

fn minter() -> Minter {
    Minter::new(secret()).with_id("k")
}

const TAGS: Tags = Tags {
    cwt: true,
    cose: true,
};

fn loose() -> CatRules {
    CatRules {
        require: Vec::new(),
        ..CatRules::default()
    }
}

fn verify(rules: CatRules, token: &str) -> Result<Grant, (Reason, String)> {
    let key = Key::new(secret().verifying_key().unwrap(), &[Algorithm::Hs256]).unwrap();
    let keys = KeySet::new(vec![key.into()], false);
    Cat::new(rules)
        .verify(token, &keys)
        .map_err(|refused| (refused.reason, refused.subject.into_owned()))
}

fn with(more: Vec<(i64, Value)>) -> String {
    minter()
        .cat(
            &CatClaims {
                expires: Some(NOW + 600),
                more,
                ..CatClaims::default()
            },
            TAGS,
        )
        .unwrap()
}

fn texts(list: &[&str]) -> Value {
    Value::Array(list.iter().map(|text| (*text).into()).collect())
}

fn map(entries: Vec<(i64, Value)>) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(number, value)| (number.into(), value))
            .collect(),
    )
}

// ---- through the module ----

fn config(more: &str) -> String {
    format!(
        "client-address = \"weir-client-ip\"\n[[keys]]\nsecret-hex = \"{KEY}\"\n[formats.cat]\ntype = \"cat\"\n{more}"
    )
}

fn ask(target: &str, headers: &[(&str, &str)], more: Vec<(i64, Value)>) -> Verdict {
    let mut module = TokenCheck::configure(&config("")).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let token = with(more);
    let mut all = vec![
        ("cta-common-access-token", token.as_str()),
        (":scheme", "https"),
        (":authority", "cdn.example:8443"),
        ("weir-client-ip", "192.0.2.7"),
        ("weir-country", "DE"),
        ("user-agent", "player/1.0"),
    ];
    all.extend_from_slice(headers);
    decide(&mut module, &mut host, "GET", target, &all)
}

fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Answer(answer) => header(answer, "weir-reason"),
        _ => None,
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let (_, value) = answer.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

fn edits(verdict: Verdict) -> Edits {
    match verdict {
        Verdict::Pass(edits) => edits,
        other => panic!("refused: {other:?}"),
    }
}
