//! Whole decisions: configuration and request head in, verdict out.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

mod configuration;
mod refusals;
mod tokens;

use token_check::mint::{JwtClaims, Minter};
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, Edit, Edits, Module, Verdict};

const NOW: i64 = 1_800_000_000;

const SECRET: &str = "a secret of more than sixteen bytes";

fn host() -> TestHost {
    TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    }
}

fn module(text: &str) -> TokenCheck {
    TokenCheck::configure(text).unwrap()
}

fn simple() -> String {
    format!("[[keys]]\nid = \"k1\"\nsecret = \"{SECRET}\"\n")
}

fn minter() -> Minter {
    Minter::new(SigningKey::secret(SECRET.as_bytes()).unwrap()).with_id("k1")
}

fn claims() -> JwtClaims {
    JwtClaims {
        expires: Some(NOW + 60),
        ..JwtClaims::default()
    }
}

fn token(claims: &JwtClaims) -> String {
    minter().jwt(claims).unwrap()
}

fn ask(module: &mut TokenCheck, target: &str, headers: &[(&str, &str)]) -> Verdict {
    decide(module, &mut host(), "GET", target, headers)
}

fn passed(verdict: Verdict) -> Edits {
    match verdict {
        Verdict::Pass(edits) => edits,
        other => panic!("refused: {other:?}"),
    }
}

fn refused(verdict: Verdict) -> (u16, String) {
    match verdict {
        Verdict::Answer(answer) => (answer.status, header(&answer, "weir-reason").unwrap()),
        other => panic!("passed: {other:?}"),
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let (_, value) = answer.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

fn target(edits: &Edits) -> Option<String> {
    edits.iter().find_map(|edit| match edit {
        Edit::SetTarget(target) => Some(target.to_owned()),
        _ => None,
    })
}

fn set(edits: &Edits, wanted: &str) -> Option<String> {
    edits.iter().find_map(|edit| match edit {
        Edit::SetRequest(name, value) if name == wanted => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    })
}

fn removed(edits: &Edits, wanted: &str) -> bool {
    edits.any(|edit| edit == Edit::RemoveRequest(wanted))
}
