//! The message around the claims: published examples, tags, headers, keys.

use super::*;

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
            SigningKey::from_pem(include_str!("../keys/rsa-2048.pem")).unwrap(),
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
