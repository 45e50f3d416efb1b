//! Where the CDNs' own schemes are weak or read differently: what a link may not become, and which spellings of one token are taken.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::mint::Minter;
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Module, Verdict};

const NOW: u64 = 1_700_000_000;

/// `pass`, or the code of the refusal.
fn outcome(config: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut module = TokenCheck::configure(config).unwrap_or_else(|error| panic!("{error}"));
    let mut host: TestHost = TestHost {
        now_ns: NOW * 1_000_000_000,
        ..TestHost::default()
    };
    match decide(&mut module, &mut host, "GET", target, headers) {
        Verdict::Pass(_) => "pass".to_owned(),
        Verdict::Answer(answer) => {
            let reason = answer
                .headers
                .iter()
                .find(|(name, _)| name == "weir-reason");
            String::from_utf8(reason.unwrap().1.clone()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

const SECRET: &str = "a secret of more than sixteen bytes";

fn mac(algorithm: Algorithm, message: &str) -> Vec<u8> {
    let key = SigningKey::secret(SECRET.as_bytes()).unwrap();
    key.sign(algorithm, message.as_bytes()).unwrap()
}

/// Schemes that join path and expiry without a separator: the digit at the end of one path must not become the first of an expiry.
#[test]
fn a_digit_of_the_path_is_no_digit_of_the_expiry() {
    let keys = format!("[[keys]]\nsecret = \"{SECRET}\"\n");
    let bunny = format!("{keys}[formats.b]\ntype = \"bunny\"\n");
    let token = base64url(&mac(Algorithm::Hs256, "/film21700000001"));
    let link = |path: &str, expires: &str| format!("{path}?token=HS256-{token}&expires={expires}");
    assert_eq!(outcome(&bunny, &link("/film2", "1700000001"), &[]), "pass");
    assert_eq!(
        outcome(&bunny, &link("/film", "21700000001"), &[]),
        "token-malformed"
    );
    assert_eq!(
        outcome(&bunny, &link("/film21", "700000001"), &[]),
        "token-expired"
    );

    let plain = format!("{keys}[formats.p]\ntype = \"hmac\"\ntemplate = \"{{path}}{{expires}}\"\n");
    let token = hex::encode(mac(Algorithm::Hs256, "/film21700000001"));
    let link = |path: &str, expires: &str| format!("{path}?signature={token}&expires={expires}");
    assert_eq!(outcome(&plain, &link("/film2", "1700000001"), &[]), "pass");
    assert_eq!(
        outcome(&plain, &link("/film", "21700000001"), &[]),
        "token-malformed"
    );

    let nginx = format!(
        "{keys}[formats.n]\ntype = \"secure-link\"\nexpression = \"$uri$secure_link_expires $secret\"\n"
    );
    let minter = Minter::new(SigningKey::secret(SECRET.as_bytes()).unwrap());
    let hash = minter
        .secure_link(
            "$uri$secure_link_expires $secret",
            "/film2",
            1_700_000_001,
            None,
            "",
        )
        .unwrap();
    let link = |path: &str, expires: &str| {
        format!(
            "{path}?{}",
            hash.replace("expires=1700000001", &format!("expires={expires}"))
        )
    };
    assert_eq!(
        outcome(&nginx, &link("/film2", "1700000001"), &[]),
        "pass",
        "{hash}"
    );
    assert_eq!(
        outcome(&nginx, &link("/film", "21700000001"), &[]),
        "token-malformed"
    );
}

/// A generator may be given the path as it is requested or as people write it, with the query or without.
#[test]
fn edge_auth_urls_come_in_several_spellings() {
    let key = "00112233445566778899aabbccddeeff";
    let sign = |text: &str| {
        let key = SigningKey::secret(&hex::decode(key).unwrap()).unwrap();
        hex::encode(key.sign(Algorithm::Hs256, text.as_bytes()).unwrap())
    };
    let config = |more: &str| {
        format!("[[keys]]\nsecret-hex = \"{key}\"\n[formats.e]\ntype = \"edge-auth\"\n{more}")
    };
    let ask = |more: &str, path: &str, query: &str, signed: &str| {
        let token = format!(
            "exp=1700000001~hmac={}",
            sign(&format!("exp=1700000001~url={signed}"))
        );
        outcome(&config(more), &format!("{path}?{query}hdnts={token}"), &[])
    };
    assert_eq!(ask("", "/a/b.ts", "", "/a/b.ts"), "pass");
    assert_eq!(ask("", "/a/b.ts", "hello=world&", "/a/b.ts"), "pass");
    assert_eq!(
        ask("", "/a/b.ts", "hello=world&", "/a/b.ts?hello=world"),
        "pass"
    );
    assert_eq!(
        ask("", "/a/b.ts", "hello=moon&", "/a/b.ts?hello=world"),
        "signature-invalid"
    );
    assert_eq!(
        ask("", "/a/b.ts", "", "/a/b.ts?hello=world"),
        "signature-invalid"
    );
    assert_eq!(ask("", "/a/b%20c.ts", "", "/a/b%20c.ts"), "pass");
    assert_eq!(ask("", "/a/b%20c.ts", "", "/a/b c.ts"), "pass");
    assert_eq!(ask("", "/a/c.ts", "", "/a/b.ts"), "signature-invalid");
    let early = "escape-early = true\n";
    assert_eq!(ask(early, "/a/b%20c.ts", "", "%2fa%2fb+c.ts"), "pass");
    assert_eq!(ask(early, "/a/b.ts", "x=1&", "%2fa%2fb.ts%3fx%3d1"), "pass");
    // A scope that was escaped with a plus for its space.
    let fields = "exp=1700000001~acl=%2fa+b%2f%2a";
    let token = format!("{fields}~hmac={}", sign(fields));
    assert_eq!(
        outcome(&config(early), &format!("/a%20b/c.ts?hdnts={token}"), &[]),
        "pass"
    );
    assert_eq!(
        outcome(&config(early), &format!("/ab/c.ts?hdnts={token}"), &[]),
        "path-not-allowed"
    );
}

/// A key is used with the algorithms that it is bound to and with no other: whoever asks for SHA-256 does not take SHA-1.
#[test]
fn cloudfront_keys_keep_their_algorithm() {
    let signing = SigningKey::from_pem(include_str!("keys/rsa-2048.pem")).unwrap();
    let pem = signing.to_pem().unwrap();
    let config = |algorithm: &str| {
        format!(
            "[[keys]]\nid = \"K1\"\nalgorithms = [\"{algorithm}\"]\npem = \"\"\"{pem}\"\"\"\n[formats.cf]\ntype = \"cloudfront\"\n"
        )
    };
    let policy = r#"{"Statement":[{"Resource":"https://cdn.example/a.mp4","Condition":{"DateLessThan":{"AWS:EpochTime":1700000001}}}]}"#;
    let sign = |algorithm| {
        use base64::Engine;
        let signature = signing.sign(algorithm, policy.as_bytes()).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(signature);
        text.replace('+', "-").replace('=', "_").replace('/', "~")
    };
    let place = [(":scheme", "https"), (":authority", "cdn.example")];
    for (algorithm, hash, bound, expected) in [
        (Algorithm::Rs1, "", "RS1", "pass"),
        (Algorithm::Rs1, "SHA1", "RS1", "pass"),
        (Algorithm::Rs256, "SHA256", "RS256", "pass"),
        (Algorithm::Rs1, "", "RS256", "algorithm-not-allowed"),
        (Algorithm::Rs256, "SHA256", "RS1", "algorithm-not-allowed"),
        (Algorithm::Rs256, "", "RS1", "signature-invalid"),
        (Algorithm::Rs256, "MD5", "RS256", "algorithm-not-allowed"),
    ] {
        let signature = sign(algorithm);
        let hash_parameter = if hash.is_empty() {
            String::new()
        } else {
            format!("&Hash-Algorithm={hash}")
        };
        let target = format!(
            "/a.mp4?Expires=1700000001&Signature={signature}&Key-Pair-Id=K1{hash_parameter}"
        );
        let case = format!("{algorithm} {hash} {bound}");
        assert_eq!(outcome(&config(bound), &target, &place), expected, "{case}");
        let hash_cookie = if hash.is_empty() {
            String::new()
        } else {
            format!("; CloudFront-Hash-Algorithm={hash}")
        };
        let cookie = format!(
            "CloudFront-Expires=1700000001; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=K1{hash_cookie}"
        );
        let headers = [place[0], place[1], ("cookie", cookie.as_str())];
        assert_eq!(
            outcome(&config(bound), "/a.mp4", &headers),
            expected,
            "{case}, as cookies"
        );
    }
}
