//! Common Access Tokens: published vectors, every claim, and what attackers make of them.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

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

/// Tokens of Eyevinn/node-cat, src/index.test.ts (MIT), re-typed.
#[test]
fn tokens_of_another_implementation_are_read() {
    let token = "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2WCijAXgYY29hcDovL2pvbmFzLmV4YW1wbGUuY29tBhpn1JipBRpn1JipWCCX4nQb8SYQoa0SFLxE2Rh35DdTjoA9TzOSy1IP9O1BGQ";
    let grant = verify(loose(), token).unwrap();
    assert_eq!(grant.issuer.as_deref(), Some("coap://jonas.example.com"));
    assert_eq!(
        (grant.issued_at, grant.not_before),
        (Some(1_741_985_961), Some(1_741_985_961))
    );
    let missing = verify(CatRules::default(), token).unwrap_err();
    assert_eq!(missing, (Reason::ClaimMissing, "exp".to_owned()));
    let stranger = CatRules {
        issuers: vec!["coap://other".to_owned()],
        ..loose()
    };
    assert_eq!(
        verify(stranger, token).unwrap_err().0,
        Reason::IssuerNotAllowed
    );

    let running = "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2U6MEGnUCOrsGGmfXRKwFGmfXRKxYIOM6yRx830uqAamWFv1amFYRa5vaV2z5lIQTqFEvFh8z";
    assert!(
        verify(CatRules::default(), running)
            .unwrap()
            .check_times(NOW, 0)
            .is_ok()
    );
    let expired = "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2U6MEGmfXP_YGGmfXQAsFGmfXQAtYINTT_KlOyhaV6NaSxFXkqJWfBagSkPkem10dysoA-C0w";
    let refused = verify(CatRules::default(), expired)
        .unwrap()
        .check_times(NOW, 0)
        .unwrap_err();
    assert_eq!(refused.reason, Reason::TokenExpired);

    let audience = "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2V6MDgmNvbmVjdHdvBhpn12R8BRpn12R8WCAdnSbUN4KbIvaHLn-q4f4YRpfq6ERYotByjbIyZ-EkfQ";
    let ours = |names: &[&str]| CatRules {
        audiences: names.iter().map(|n| (*n).to_owned()).collect(),
        ..loose()
    };
    assert!(verify(ours(&["one", "three"]), audience).is_ok());
    assert_eq!(
        verify(ours(&["three"]), audience).unwrap_err().0,
        Reason::AudienceNotAllowed
    );
    assert_eq!(
        verify(loose(), audience).unwrap_err().0,
        Reason::AudienceNotAllowed
    );
}

/// RFC 8392 appendix A.3: ECDSA, key id in the unprotected header.
#[test]
fn the_signed_example_of_the_rfc_holds() {
    let token = "d28443a10126a104524173796d6d657472696345434453413235365850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7158405427c1ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca5acd08c8d4d4f96131680c429a01f85951ecee743a52b9b63632c57209120e1c9e30";
    let bytes = hex::decode(token).unwrap();
    let x = "143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f";
    let y = "60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9";
    let point = hex::decode(format!("04{x}{y}")).unwrap();
    let key = Key::new(VerifyingKey::p256(&point).unwrap(), &[Algorithm::Es256]).unwrap();
    let keys = KeySet::new(vec![key.with_id("AsymmetricECDSA256").into()], false);
    let rules = CatRules {
        audiences: vec!["coap://light.example.com".to_owned()],
        ..CatRules::default()
    };
    let grant = Cat::new(rules.clone())
        .verify(&URL_SAFE_NO_PAD.encode(&bytes), &keys)
        .unwrap();
    assert_eq!(
        (grant.subject.as_deref(), grant.expires),
        (Some("erikw"), Some(1_444_064_944))
    );
    assert_eq!(grant.token_id.as_deref(), Some("0b71"));
    // Byte 7 is the label of the key id: the unprotected header may lose its id and the token is still this one.
    for at in (0..bytes.len()).filter(|at| *at != 7) {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        assert!(
            Cat::new(rules.clone())
                .verify(&URL_SAFE_NO_PAD.encode(&broken), &keys)
                .is_err(),
            "byte {at}"
        );
    }
}

/// cose-wg/Examples, mac0-tests/HMac-01: the MAC over a payload that is no claim set.
#[test]
fn the_mac_example_of_the_working_group_holds() {
    let bytes = hex::decode("D18443A10105A054546869732069732074686520636F6E74656E742E5820A1A848D3471F9D61EE49018D244C824772F223AD4F935293F1789FC3A08D8C58").unwrap();
    let message = token_check::cose::Message::decode(&bytes).unwrap();
    let key = VerifyingKey::secret(
        &hex::decode("849B57219DAE48DE646D07DBB533566E976686457C1491BE3A76DCEA6C427188").unwrap(),
    )
    .unwrap();
    assert!(key.verify(message.algorithm, &message.signed(), &message.signature));
    assert!(
        parse(&URL_SAFE_NO_PAD.encode(&bytes)).is_err(),
        "the payload is no map"
    );
}

#[test]
fn tags_may_be_absent_but_never_wrong() {
    for (cwt, cose) in [(true, true), (false, true), (false, false)] {
        let claims = CatClaims {
            expires: Some(NOW),
            ..CatClaims::default()
        };
        assert!(
            verify(
                CatRules::default(),
                &minter().cat(&claims, Tags { cwt, cose }).unwrap()
            )
            .is_ok()
        );
    }
    let token = URL_SAFE_NO_PAD.decode(with(vec![])).unwrap();
    assert_eq!(token[..3], [0xd8, 61, 0xd1]);
    let respell = |head: &[u8]| URL_SAFE_NO_PAD.encode([head, &token[3..]].concat());
    assert!(verify(CatRules::default(), &respell(&[0xd1])).is_ok());
    for (head, reason) in [
        (&[0xd8, 61, 0xd2][..], Reason::AlgorithmNotAllowed), // a MAC under the tag of a signature
        (&[0xd2], Reason::AlgorithmNotAllowed),
        (&[0xd8, 61], Reason::TokenMalformed),
        (&[0xd8, 61, 0xd8, 61, 0xd1], Reason::TokenMalformed),
        (&[0xd1, 0xd1], Reason::TokenMalformed),
        (&[0xd8, 98], Reason::TokenMalformed),
        (&[0xd8, 16], Reason::TokenMalformed),
    ] {
        assert_eq!(
            verify(CatRules::default(), &respell(head)).unwrap_err().0,
            reason,
            "{head:?}"
        );
    }
    assert!(
        verify(
            CatRules::default(),
            &URL_SAFE_NO_PAD.encode([&token[..], &[0]].concat())
        )
        .is_err()
    );
}

/// Builds a message by hand and signs it rightly: only the form is wrong.
fn sealed(protected: Value, unprotected: Value, payload: &[u8]) -> String {
    let protected = cbor::encode(&protected);
    let structure = cbor::encode(&Value::Array(vec![
        "MAC0".into(),
        protected.as_slice().into(),
        Value::Bytes(vec![]),
        payload.into(),
    ]));
    let mac = secret().sign(Algorithm::Hs256, &structure).unwrap();
    let parts = vec![
        protected.as_slice().into(),
        unprotected,
        payload.into(),
        Value::Bytes(mac),
    ];
    URL_SAFE_NO_PAD.encode(cbor::encode(&Value::Array(parts)))
}

#[test]
fn headers_and_payloads_that_can_be_read_two_ways_refuse() {
    let none = || Value::Map(vec![]);
    let alg = || map(vec![(1, 5.into())]);
    let good = cbor::encode(&map(vec![(4, NOW.into())]));
    assert!(verify(CatRules::default(), &sealed(alg(), none(), &good)).is_ok());
    let in_protected = map(vec![(1, 5.into()), (4, Value::Bytes(b"k".to_vec()))]);
    assert!(
        verify(
            CatRules::default(),
            &sealed(in_protected.clone(), none(), &good)
        )
        .is_ok()
    );
    let id = || map(vec![(4, Value::Bytes(b"other".to_vec()))]);
    for (protected, unprotected, reason) in [
        (in_protected, id(), Reason::TokenMalformed), // a key id in both buckets
        (alg(), map(vec![(1, 5.into())]), Reason::TokenMalformed),
        (
            none(),
            map(vec![(1, 5.into())]),
            Reason::AlgorithmNotAllowed,
        ), // the algorithm is not protected
        (
            map(vec![(1, (-7).into())]),
            none(),
            Reason::AlgorithmNotAllowed,
        ),
        (
            map(vec![(1, 4.into())]),
            none(),
            Reason::AlgorithmNotAllowed,
        ), // HMAC 256/64, cut short
        (
            map(vec![(1, "HS256".into())]),
            none(),
            Reason::AlgorithmNotAllowed,
        ),
        (none(), none(), Reason::AlgorithmNotAllowed),
        (
            map(vec![(1, 5.into()), (2, Value::Array(vec![1.into()]))]),
            none(),
            Reason::CriticalUnsupported,
        ),
        (
            map(vec![(1, 5.into()), (4, "k".into())]),
            none(),
            Reason::TokenMalformed,
        ), // the id is no byte string
    ] {
        assert_eq!(
            verify(
                CatRules::default(),
                &sealed(protected.clone(), unprotected, &good)
            )
            .unwrap_err()
            .0,
            reason,
            "{protected:?}"
        );
    }
    for payload in [
        "a204000401",
        "a21804000401",
        "a10400ff",
        "bf0400ff",
        "a1041a7735940000",
        "80",
        "f6",
        "",
        "a1fb7ff800000000000000",
    ] {
        let token = sealed(alg(), none(), &hex::decode(payload).unwrap());
        assert_eq!(
            verify(loose(), &token).unwrap_err().0,
            Reason::TokenMalformed,
            "{payload}"
        );
    }
}

#[test]
fn key_confusion_is_refused() {
    // An HMAC keyed with the bytes of a public key.
    let signer = SigningKey::p256(&[3; 32]).unwrap();
    let public = signer.verifying_key().unwrap();
    let point = public.to_spki_der().unwrap();
    let forged = Minter::new(SigningKey::secret(&point).unwrap())
        .cat(
            &CatClaims {
                expires: Some(NOW),
                ..CatClaims::default()
            },
            TAGS,
        )
        .unwrap();
    let keys = KeySet::new(
        vec![Key::new(public, &[Algorithm::Es256]).unwrap().into()],
        false,
    );
    assert_eq!(
        Cat::new(CatRules::default())
            .verify(&forged, &keys)
            .unwrap_err()
            .reason,
        Reason::AlgorithmNotAllowed
    );
    for (signing, algorithm) in [
        (SigningKey::p256(&[3; 32]).unwrap(), Algorithm::Es256),
        (
            SigningKey::from_pem(include_str!("keys/rsa-2048.pem")).unwrap(),
            Algorithm::Ps256,
        ),
        (SigningKey::ed25519(&[4; 32]), Algorithm::EdDsa),
    ] {
        let minter = Minter::new(signing).with_algorithm(algorithm);
        let token = minter
            .cat(
                &CatClaims {
                    expires: Some(NOW),
                    ..CatClaims::default()
                },
                TAGS,
            )
            .unwrap();
        let keys = KeySet::new(vec![minter.verifying_key().unwrap().into()], false);
        assert!(
            Cat::new(CatRules::default()).verify(&token, &keys).is_ok(),
            "{algorithm}"
        );
    }
}

#[test]
fn claims_that_cannot_be_enforced_refuse_by_name() {
    for (number, name, enforced) in label::ALL {
        // Without `client-headers` nothing tells what some claims are about.
        if enforced != Enforced::Yes {
            let refused = verify(CatRules::default(), &with(vec![(number, 1.into())])).unwrap_err();
            assert_eq!(refused, (Reason::ClaimUnsupported, name.to_owned()));
            // Nor hidden in a composition.
            for composition in [label::OR, label::NOR, label::AND] {
                let sets = Value::Array(vec![
                    map(vec![(number, 1.into())]),
                    map(vec![(label::CATM, texts(&["GET"]))]),
                ]);
                let refused =
                    verify(CatRules::default(), &with(vec![(composition, sets)])).unwrap_err();
                assert_eq!(refused, (Reason::ClaimUnsupported, name.to_owned()));
            }
        }
    }
    assert_eq!(
        verify(CatRules::default(), &with(vec![(999, 1.into())]))
            .unwrap_err()
            .0,
        Reason::ClaimUnsupported
    );
    let lax = CatRules {
        refuse_unknown: false,
        ..CatRules::default()
    };
    assert!(verify(lax.clone(), &with(vec![(999, 1.into())])).is_ok());
    assert!(verify(CatRules::default(), &with(vec![(-70_000, 1.into())])).is_ok());
    for (crit, good) in [
        (vec![label::CATM], true),
        (vec![label::CATM, 999], false),
        (vec![label::CATU], false), // not there
        (vec![label::CATTPK], false),
    ] {
        let list = Value::Array(crit.iter().map(|number| (*number).into()).collect());
        let token = with(vec![
            (label::CRIT, list),
            (label::CATM, texts(&["GET"])),
            (999, 1.into()),
        ]);
        assert_eq!(verify(lax.clone(), &token).is_ok(), good, "{crit:?}");
    }
}

#[test]
fn claims_of_the_wrong_shape_refuse() {
    let tag = |tag, value| Value::Tag(tag, Box::new(value));
    for (number, value, reason) in [
        (label::EXP, "x".into(), Reason::ClaimMalformed),
        (label::EXP, tag(1, NOW.into()), Reason::ClaimMalformed), // RFC 8392 section 2: the tag is left out
        (label::EXP, Value::Float(1e300), Reason::ClaimMalformed),
        (label::EXP, Value::Integer(1 << 70), Reason::ClaimMalformed),
        (label::ISS, 1.into(), Reason::ClaimMalformed),
        (label::CTI, "x".into(), Reason::ClaimMalformed),
        (label::AUD, map(vec![]), Reason::ClaimMalformed),
        (label::CATV, 2.into(), Reason::ClaimUnsupported),
        (label::CATV, "1".into(), Reason::ClaimUnsupported),
        (label::CATM, "GET".into(), Reason::ClaimMalformed),
        (
            label::CATM,
            Value::Array(vec![1.into()]),
            Reason::ClaimMalformed,
        ),
        (label::CATU, Value::Array(vec![]), Reason::ClaimMalformed),
        (
            label::CATU,
            map(vec![(9, map(vec![(0, "x".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(5, "x".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(1, 7.into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(4, "(".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(-1, Value::Bytes(vec![1]))]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            "not an address".into(),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            Value::Array(vec![tag(52, Value::Bytes(vec![1; 5]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            Value::Array(vec![tag(
                52,
                Value::Array(vec![33.into(), Value::Bytes(vec![])]),
            )]),
            Reason::ClaimMalformed,
        ),
        (label::CATREPLAY, 3.into(), Reason::ClaimMalformed),
        (
            label::CATH,
            Value::Map(vec![("x-secret".into(), map(vec![(0, "v".into())]))]),
            Reason::ClaimUnsupported,
        ),
        (
            label::CATR,
            map(vec![(0, 9.into()), (1, 60.into())]),
            Reason::ClaimUnsupported,
        ),
        (
            label::CATR,
            map(vec![(0, 1.into())]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATR,
            map(vec![(0, 1.into()), (1, 60.into()), (3, "a b".into())]),
            Reason::ClaimMalformed,
        ),
        (label::OR, Value::Array(vec![]), Reason::ClaimMalformed),
        (
            label::NOR,
            Value::Array(vec![map(vec![(label::CATR, 1.into())])]),
            Reason::ClaimUnsupported,
        ),
    ] {
        let refused =
            verify(CatRules::default(), &with(vec![(number, value.clone())])).unwrap_err();
        assert_eq!(refused.0, reason, "{number} {value:?}");
    }
    // Compositions nest four deep and no deeper.
    let mut nested = map(vec![(label::CATM, texts(&["GET"]))]);
    for depth in 1..8 {
        nested = map(vec![(label::AND, Value::Array(vec![nested]))]);
        let Value::Map(entries) = nested.clone() else {
            unreachable!()
        };
        assert_eq!(
            verify(
                CatRules::default(),
                &with(vec![(label::AND, entries[0].1.clone())])
            )
            .is_ok(),
            depth <= 4,
            "{depth}"
        );
    }
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

#[test]
fn claims_hold_requests_to_their_limits() {
    let rule = |part: i64, kind: i64, text: &str| {
        (
            label::CATU,
            map(vec![(part, map(vec![(kind, text.into())]))]),
        )
    };
    let digest = |text: &str| {
        use sha2::Digest;
        Value::Bytes(sha2::Sha256::digest(text).to_vec())
    };
    let v4 = |bytes: &[u8]| Value::Tag(52, Box::new(Value::Bytes(bytes.to_vec())));
    let prefix = |length: i64, bytes: &[u8]| {
        Value::Tag(
            52,
            Box::new(Value::Array(vec![
                length.into(),
                Value::Bytes(bytes.to_vec()),
            ])),
        )
    };
    let agent = |kind: i64, text: &str| {
        (
            label::CATH,
            Value::Map(vec![("User-Agent".into(), map(vec![(kind, text.into())]))]),
        )
    };
    let set = |claims: Vec<(i64, Value)>| map(claims);
    let pass = None;
    let refuse = |code: &'static str| Some(code);
    for (claim, expected) in [
        (rule(0, 0, "https"), pass),
        (rule(0, 0, "http"), refuse("path-not-allowed")),
        (rule(1, 0, "cdn.example"), pass),
        (rule(1, 2, ".evil"), refuse("path-not-allowed")),
        (rule(2, 0, "8443"), pass),
        (rule(2, 0, "443"), refuse("path-not-allowed")),
        (rule(3, 1, "/vod/"), pass),
        (rule(3, 1, "/live/"), refuse("path-not-allowed")),
        (rule(3, 4, "^/vod/[a-z]+/seg-[0-9]+\\.m4s$"), pass),
        (rule(3, 4, "^/vod/[0-9]+/"), refuse("path-not-allowed")),
        (rule(4, 0, "q=1"), pass),
        (rule(4, 0, "q=2"), refuse("path-not-allowed")),
        (rule(5, 0, "/vod/film"), pass),
        (rule(5, 0, "/vod"), refuse("path-not-allowed")),
        (rule(6, 0, "seg-1.m4s"), pass),
        (rule(7, 0, "seg-1"), pass),
        (rule(8, 0, ".m4s"), pass),
        (rule(8, 0, ".mpd"), refuse("path-not-allowed")),
        (
            (
                label::CATU,
                map(vec![(8, Value::Array(vec![0.into(), ".m4s".into()]))]),
            ),
            pass,
        ),
        (
            (label::CATU, map(vec![(8, map(vec![(-1, digest(".m4s"))]))])),
            pass,
        ),
        (
            (label::CATU, map(vec![(8, map(vec![(-1, digest(".ts"))]))])),
            refuse("path-not-allowed"),
        ),
        // Every match of a component must hold, not the first alone.
        (
            (
                label::CATU,
                map(vec![(
                    3,
                    map(vec![(1, "/vod/".into()), (2, ".mp4".into())]),
                )]),
            ),
            refuse("path-not-allowed"),
        ),
        ((label::CATM, texts(&["GET", "HEAD"])), pass),
        (
            (label::CATM, texts(&["POST"])),
            refuse("method-not-allowed"),
        ),
        (agent(1, "player/"), pass),
        (agent(0, "other"), refuse("header-not-allowed")),
        (
            (label::CATNIP, Value::Array(vec![v4(&[192, 0, 2, 7])])),
            pass,
        ),
        (
            (label::CATNIP, Value::Array(vec![v4(&[192, 0, 2, 8])])),
            refuse("address-not-allowed"),
        ),
        // One of several is enough.
        (
            (
                label::CATNIP,
                Value::Array(vec![64_512.into(), prefix(24, &[192, 0, 2])]),
            ),
            pass,
        ),
        (
            (label::CATNIP, Value::Array(vec![prefix(8, &[10])])),
            refuse("address-not-allowed"),
        ),
        (
            (label::CATNIP, Value::Array(vec![])),
            refuse("address-not-allowed"),
        ),
        ((label::CATGEOISO3166, texts(&["FR", "DE"])), pass),
        (
            (label::CATGEOISO3166, texts(&["DE-BY"])),
            refuse("country-not-allowed"),
        ),
        (
            (
                label::OR,
                Value::Array(vec![
                    set(vec![(label::CATM, texts(&["POST"]))]),
                    set(vec![(label::CATM, texts(&["GET"]))]),
                ]),
            ),
            pass,
        ),
        (
            (
                label::OR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["POST"]))])]),
            ),
            refuse("path-not-allowed"),
        ),
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["POST"]))])]),
            ),
            pass,
        ),
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["GET"]))])]),
            ),
            refuse("path-not-allowed"),
        ),
        // The autonomous system is not known: a negated claim about it must not pass by ignorance.
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(
                    label::CATNIP,
                    Value::Array(vec![64_512.into()]),
                )])]),
            ),
            refuse("path-not-allowed"),
        ),
        (
            (
                label::AND,
                Value::Array(vec![set(vec![(label::EXP, (NOW - 1).into())])]),
            ),
            refuse("token-expired"),
        ),
        (
            (
                label::AND,
                Value::Array(vec![set(vec![(label::NBF, (NOW + 1).into())])]),
            ),
            refuse("token-not-yet-valid"),
        ),
    ] {
        let verdict = ask("/vod/film/seg-1.m4s?q=1", &[], vec![claim.clone()]);
        assert_eq!(reason(&verdict).as_deref(), expected, "{claim:?}");
    }
}

#[test]
fn a_failure_is_answered_as_the_token_says() {
    let action = Value::Array(vec![
        307.into(),
        Value::Map(vec![
            ("Location".into(), "https://auth.example/renew".into()),
            ("bad\r\nname".into(), "x".into()),
        ]),
    ]);
    let claims = vec![
        (label::EXP, (NOW - 1).into()),
        (label::CATIF, map(vec![(label::EXP, action)])),
    ];
    let Verdict::Answer(answer) = ask("/vod/a", &[], claims) else {
        panic!("passed")
    };
    assert_eq!(answer.status, 307);
    assert_eq!(
        header(&answer, "location").as_deref(),
        Some("https://auth.example/renew")
    );
    assert_eq!(
        answer
            .headers
            .iter()
            .filter(|(name, _)| name.contains('\r'))
            .count(),
        0
    );
    // A status that would let the viewer pass is no action.
    let action = Value::Array(vec![200.into(), Value::Map(vec![])]);
    let claims = vec![
        (label::EXP, (NOW - 1).into()),
        (label::CATIF, map(vec![(label::EXP, action)])),
    ];
    assert_eq!(
        reason(&ask("/vod/a", &[], claims)).as_deref(),
        Some("claim-malformed")
    );
}

fn catr(kind: i64, more: Vec<(i64, Value)>) -> (i64, Value) {
    let mut entries = vec![(0, kind.into()), (1, 300.into()), (2, 120.into())];
    entries.extend(more);
    (label::CATR, map(entries))
}

#[test]
fn renewal_counts_from_now() {
    let soon = || (label::EXP, (NOW + 60).into());
    let cookie = catr(
        1,
        vec![
            (3, "cat".into()),
            (5, texts(&["Secure", "HttpOnly", "SameSite=None"])),
        ],
    );
    let passed = edits(ask("/vod/a", &[], vec![soon(), cookie.clone()]));
    let set = passed.iter().find_map(|edit| match edit {
        Edit::AppendResponse("set-cookie", value) => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    });
    let set = set.unwrap();
    let token = set.strip_prefix("cat=").unwrap().split(';').next().unwrap();
    assert!(set.ends_with("; Secure; HttpOnly; SameSite=None"), "{set}");
    let renewed = verify(CatRules::default(), token).unwrap();
    assert_eq!(
        renewed.expires,
        Some(NOW + 300),
        "from now, not from the old expiry"
    );
    assert!(renewed.renewal.is_some(), "and it renews again");
    assert!(passed.any(|edit| edit == Edit::SetResponse("cache-control", b"private, no-store")));

    let early = edits(ask(
        "/vod/a",
        &[],
        vec![(label::EXP, (NOW + 121).into()), cookie],
    ));
    assert!(!early.any(|edit| edit.is_response_header()));
    let in_header = edits(ask("/vod/a", &[], vec![soon(), catr(2, vec![])]));
    assert!(in_header.any(|edit| matches!(edit, Edit::SetResponse("cta-common-access-token", _))));
    // An expired token is not renewed.
    assert_eq!(
        reason(&ask(
            "/vod/a",
            &[],
            vec![(label::EXP, NOW.into()), catr(2, vec![])]
        ))
        .as_deref(),
        Some("token-expired")
    );
}

#[test]
fn renewal_by_redirect_keeps_the_url() {
    let mut module =
        TokenCheck::configure(&config("carriers = [\"query:CAT\", \"path:t\"]\n")).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let token = with(vec![
        (label::EXP, (NOW + 60).into()),
        catr(3, vec![(7, 307.into())]),
    ]);
    for (target, begins, ends) in [
        (format!("/vod/a?x=1&CAT={token}"), "/vod/a?x=1&CAT=", ""),
        (format!("/vod/a?CAT={token}"), "/vod/a?CAT=", ""),
        (format!("/t/{token}/vod/a?x=1"), "/t/", "/vod/a?x=1"),
    ] {
        let Verdict::Answer(answer) = decide(&mut module, &mut host, "GET", &target, &[]) else {
            panic!("passed")
        };
        assert_eq!(answer.status, 307);
        let location = header(&answer, "location").unwrap();
        assert!(
            location.starts_with(begins) && location.ends_with(ends),
            "{location}"
        );
        assert!(!location.contains(&token));
        assert!(
            matches!(
                decide(&mut module, &mut host, "GET", &location, &[]),
                Verdict::Pass(_)
            ),
            "{location}"
        );
    }
}

/// Counters of one number each, for tests of replay.
#[derive(Default, Debug)]
struct Numbers(std::collections::HashMap<Vec<u8>, i64>);

impl Counters for Numbers {
    fn increment(&mut self, key: &[u8], by: i64, _ttl_ns: u64) -> Result<i64, StoreError> {
        let number = self.0.entry(key.to_vec()).or_default();
        *number += by;
        Ok(*number)
    }
    fn take(&mut self, _: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        unreachable!()
    }
    fn lease(
        &mut self,
        _: &[u8],
        _: &[u8],
        _: u32,
        _: u64,
        _: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        unreachable!()
    }
    fn release(&mut self, _: &[u8], _: &[u8]) -> Result<bool, StoreError> {
        unreachable!()
    }
    fn get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        unreachable!()
    }
    fn put_if(&mut self, _: &[u8], _: Option<&[u8]>, _: &[u8], _: u64) -> Result<bool, StoreError> {
        unreachable!()
    }
    fn delete(&mut self, _: &[u8]) -> Result<bool, StoreError> {
        unreachable!()
    }
}

#[test]
fn a_token_for_one_use_is_used_once() {
    let mut module = TokenCheck::configure(&config("")).unwrap();
    let now_ns = NOW.unsigned_abs() * 1_000_000_000;
    let mut host = TestHost {
        now_ns,
        counters: Numbers::default(),
        ..TestHost::default()
    };
    let token = with(vec![
        (label::CATREPLAY, 1.into()),
        (label::CTI, Value::Bytes(vec![1, 2])),
    ]);
    let headers = [("cta-common-access-token", token.as_str())];
    assert!(matches!(
        decide(&mut module, &mut host, "GET", "/a", &headers),
        Verdict::Pass(_)
    ));
    assert_eq!(
        reason(&decide(&mut module, &mut host, "GET", "/a", &headers)).as_deref(),
        Some("token-replayed")
    );
    // Without shared state nobody can tell.
    let mut alone: TestHost = TestHost {
        now_ns,
        ..TestHost::default()
    };
    assert_eq!(
        reason(&decide(&mut module, &mut alone, "GET", "/a", &headers)).as_deref(),
        Some("state-unavailable")
    );
}

#[test]
fn keys_come_as_a_cose_key_set() {
    let set = Value::Array(vec![map(vec![
        (1, 4.into()),
        (2, Value::Bytes(b"k".to_vec())),
        (3, 5.into()),
        (-1, Value::Bytes(hex::decode(KEY).unwrap())),
    ])]);
    let text = format!(
        "[[keys]]\ncose-keys = \"{}\"\n[formats.cat]\ntype = \"cat\"\n",
        URL_SAFE_NO_PAD.encode(cbor::encode(&set))
    );
    let mut module = TokenCheck::configure(&text).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let token = with(vec![]);
    let verdict = decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/a?CAT={token}"),
        &[],
    );
    assert!(matches!(verdict, Verdict::Pass(_)), "{verdict:?}");
    let shown = token_check::inspect(&token).unwrap();
    assert_eq!(
        (shown.format, &shown.content["claims"]["exp"]),
        ("cat", &serde_json::json!(NOW + 600))
    );
}
