//! Renewal of signed Common Access Tokens: by the key that signed them, by a key of the operator's own, or a stated refusal.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::cbor::Value;
use token_check::format::Verifier;
use token_check::format::cat::{Cat, CatRules, label, parse};
use token_check::keys::{Key, KeySet};
use token_check::mint::{CatClaims, Minter, Tags};
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, Verdict};

const NOW: i64 = 1_800_000_000;

fn issuer() -> SigningKey {
    SigningKey::p256(&[3; 32]).unwrap()
}

/// A token of the issuer that asks to be renewed in a header.
fn token(key: SigningKey) -> String {
    let renew = Value::Map(vec![
        (0.into(), 2.into()),
        (1.into(), 300.into()),
        (2.into(), 120.into()),
    ]);
    let claims = CatClaims {
        issuer: Some("https://id.example".to_owned()),
        expires: Some(NOW + 60),
        more: vec![(label::CATR, renew)],
        ..CatClaims::default()
    };
    let tags = Tags {
        cwt: true,
        cose: true,
    };
    Minter::new(key).with_id("k").cat(&claims, tags).unwrap()
}

fn ask(keys: &str, token: &str) -> Verdict {
    let config = format!("[formats.cat]\ntype = \"cat\"\n{keys}");
    let mut module = TokenCheck::configure(&config).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/a?CAT={token}"),
        &[],
    )
}

fn renewed(verdict: Verdict) -> String {
    let Verdict::Pass(edits) = verdict else {
        panic!("refused: {verdict:?}");
    };
    let found = edits.iter().find_map(|edit| match edit {
        Edit::SetResponse("cta-common-access-token", value) => Some(value.to_vec()),
        _ => None,
    });
    String::from_utf8(found.unwrap()).unwrap()
}

fn public(key: &SigningKey, id: &str) -> String {
    let jwk = Minter::new(key.clone()).with_id(id).public_jwk().unwrap();
    format!("[[keys]]\nid = \"{id}\"\njwks = '{jwk}'\n")
}

fn private(key: &SigningKey, id: &str) -> String {
    let pem = key.to_pem().unwrap();
    format!("[[keys]]\nid = \"{id}\"\npem = '''{pem}'''\n")
}

fn expiry(token: &str, key: &SigningKey, algorithm: Algorithm) -> Option<i64> {
    let key = Key::new(key.verifying_key().unwrap(), &[algorithm]).unwrap();
    let key = key.with_signer(std::sync::Arc::new(SigningKey::ed25519(&[1; 32])));
    let keys = KeySet::new(vec![key.into()], false);
    let grant = Cat::new(CatRules::default()).verify(token, &keys).unwrap();
    grant.expires
}

#[test]
fn the_key_itself_renews_when_its_private_half_is_here() {
    for (key, algorithm) in [
        (issuer(), Algorithm::Es256),
        (SigningKey::ed25519(&[7; 32]), Algorithm::EdDsa),
        (SigningKey::p384(&[5; 48]).unwrap(), Algorithm::Es384),
    ] {
        let new = renewed(ask(&private(&key, "k"), &token(key.clone())));
        assert_eq!(
            expiry(&new, &key, algorithm),
            Some(NOW + 300),
            "{algorithm}"
        );
        let (message, claims) = parse(&new).unwrap();
        assert_eq!(message.key_id.as_deref(), Some(b"k".as_slice()));
        assert!(message.cwt_tag && message.cose_tag);
        assert!(claims.get(label::CATR).is_some(), "and it renews again");
    }
}

#[test]
fn an_operators_key_renews_what_an_issuer_signed() {
    let own = SigningKey::ed25519(&[8; 32]);
    let keys = format!("{}{}", public(&issuer(), "k"), private(&own, "edge"));
    let new = renewed(ask(&keys, &token(issuer())));
    assert_eq!(expiry(&new, &own, Algorithm::EdDsa), Some(NOW + 300));
    let (message, _) = parse(&new).unwrap();
    assert_eq!(message.key_id.as_deref(), Some(b"edge".as_slice()));
    // What it made is renewed again.
    assert!(matches!(ask(&keys, &new), Verdict::Pass(_)));
}

#[test]
fn a_token_that_nobody_here_can_renew_is_refused_by_name() {
    let own = SigningKey::ed25519(&[8; 32]);
    let elsewhere = private(&own, "edge").replace("pem", "issuer = \"https://other.example\"\npem");
    let shared = "[[keys]]\nid = \"shared\"\nsecret = \"a secret of more than sixteen bytes\"\n";
    let not_taken = format!(
        "algorithms = [\"ES256\"]\n{}{}",
        public(&issuer(), "k"),
        private(&own, "edge")
    );
    for keys in [
        public(&issuer(), "k"),
        format!("{}{elsewhere}", public(&issuer(), "k")),
        format!("{}{shared}", public(&issuer(), "k")),
        not_taken,
    ] {
        let Verdict::Answer(answer) = ask(&keys, &token(issuer())) else {
            panic!("passed");
        };
        assert_eq!(answer.status, 403);
        let body = format!("{:?}", answer.body);
        assert!(
            body.contains("claim-unsupported") && body.contains("catr"),
            "{body}"
        );
    }
}
