//! The fuzz targets' logic over saved inputs and mutations of them, bounded, in the ordinary tests.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use proptest::prelude::*;
use token_check::mint::{CatClaims, JwtClaims, Minter, Tags};
use token_check::{SigningKey, TokenCheck, fuzz};
use weir_module::testing::{TestHost, damage, decide};
use weir_module::{Module, Verdict};

/// What is mutated: one good input of each kind.
fn seeds() -> Vec<Vec<u8>> {
    let minter = Minter::new(SigningKey::secret(&[5; 32]).unwrap()).with_id("k");
    let jwt = minter
        .jwt(
            &JwtClaims {
                expires: Some(2_000_000_000),
                ..JwtClaims::default()
            }
            .cover("/vod/*"),
        )
        .unwrap();
    let claims = CatClaims {
        expires: Some(2_000_000_000),
        path_prefix: Some("/vod/".to_owned()),
        ..CatClaims::default()
    };
    let cat = minter
        .cat(
            &claims,
            Tags {
                cwt: true,
                cose: true,
            },
        )
        .unwrap();
    let ed = Minter::new(SigningKey::ed25519(&[7; 32])).with_id("e");
    let jwks = serde_json::json!({ "keys": [ed.public_jwk().unwrap()] }).to_string();
    use base64::Engine;
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(&cat)
        .unwrap();
    let texts = [
        jwt,
        cat,
        jwks,
        "/vod/%2e%2e/a//b;c/%c3%a9".to_owned(),
        "/vod/*/x?.m4s\n/vod/a/x1.m4s".to_owned(),
        include_str!("keys/rsa-2048.pem").to_owned(),
        "exp=1800000000~acl=/vod/*~hmac=00".to_owned(),
    ];
    texts
        .into_iter()
        .map(String::into_bytes)
        .chain([raw])
        .collect()
}

fn all(bytes: &[u8]) {
    fuzz::path(bytes);
    fuzz::pattern(bytes);
    fuzz::cbor(bytes);
    fuzz::token(bytes);
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec(any::<(usize, u8, u8)>(), 0..6);
    (prop::sample::select(seeds()), changes).prop_map(|(mut bytes, changes)| {
        damage(&mut bytes, &changes);
        bytes
    })
}

/// One configuration that takes every format at once.
fn everything() -> TokenCheck {
    let formats = [
        "jwt",
        "cat",
        "uri-signing",
        "edge-auth",
        "media-cdn",
        "cloudfront",
        "cloudflare-stream",
        "secure-link",
        "bunny",
        "hmac",
    ];
    let mut text = "client-address = \"weir-client-ip\"\n[[keys]]\nid = \"k\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n".to_owned();
    for format in formats {
        text.push_str(&format!("[formats.{format}]\ntype = \"{format}\"\n"));
    }
    TokenCheck::configure(&text).unwrap()
}

#[test]
fn good_inputs_are_no_trouble() {
    seeds().iter().for_each(|seed| all(seed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn broken_inputs_are_refused_quietly(bytes in mutated()) {
        all(&bytes);
    }

    #[test]
    fn random_inputs_are_refused_quietly(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all(&bytes);
    }

    /// Whatever a client sends without the key, the module refuses, and does so without a panic.
    #[test]
    fn nobody_gets_in_without_the_key(
        path in "/[ -~]{0,30}",
        query in "([A-Za-z_-]{1,12}=[ -~]{0,20}&){0,4}",
        name in prop::sample::select(vec!["token", "CAT", "hdnts", "edge-cache-token", "Signature", "Policy", "md5", "signature", "URISigningPackage"]),
        bytes in mutated(),
        cookie in "[ -~]{0,40}",
    ) {
        thread_local! {
            static MODULE: std::cell::RefCell<TokenCheck> = std::cell::RefCell::new(everything());
        }
        let value: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        let plain: String = String::from_utf8_lossy(&bytes).chars().filter(|c| c.is_ascii_graphic() && *c != '&' && *c != '#').collect();
        let path = path.replace(['?', '#'], "");
        for value in [value, plain] {
            let target = format!("{path}?{query}{name}={value}");
            let mut host: TestHost = TestHost { now_ns: 1_800_000_000_000_000_000, ..TestHost::default() };
            let headers = [("cookie", cookie.as_str()), (":scheme", "https"), (":authority", "cdn.example"), ("weir-client-ip", "192.0.2.7")];
            let verdict = MODULE.with_borrow_mut(|module| decide(module, &mut host, "GET", &target, &headers));
            prop_assert!(matches!(verdict, Verdict::Answer(_)), "{target}");
        }
    }

    #[test]
    fn no_signature_holds_by_chance(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let keys = [
            SigningKey::secret(&[1; 32]).unwrap().verifying_key().unwrap(),
            SigningKey::ed25519(&[2; 32]).verifying_key().unwrap(),
            SigningKey::p256(&[3; 32]).unwrap().verifying_key().unwrap(),
        ];
        fuzz::signature(&bytes, &keys);
    }

    /// A configuration that was changed anywhere is refused, or still refuses whoever has no token.
    #[test]
    fn a_mutated_configuration_never_fails_open(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f, how in 0_u8..3) {
        let mut text = b"[[keys]]\nid = \"k\"\nsecret = \"0123456789abcdef\"\nalgorithms = [\"HS256\"]\n[[routes]]\npaths = [\"/vod/*\"]\nformats = [\"main\"]\n[formats.main]\ntype = \"jwt\"\nrequire = [\"exp\"]\n".to_vec();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => { text.remove(at); }
            _ => text.insert(at, byte),
        }
        if let Ok(mut module) = TokenCheck::configure(&String::from_utf8_lossy(&text)) {
            let mut host: TestHost = TestHost { now_ns: 1_800_000_000_000_000_000, ..TestHost::default() };
            for target in ["/vod/a", "/other", "/vod/a?token=x.y.z"] {
                let verdict = decide(&mut module, &mut host, "GET", target, &[]);
                prop_assert!(matches!(verdict, Verdict::Answer(_)), "{}", String::from_utf8_lossy(&text));
            }
        }
    }
}
