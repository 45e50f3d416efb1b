//! The published COSE examples that fit a token: `COSE_Sign1` and `COSE_Mac0`, and the CWTs of RFC 8392. Re-typed from cose-wg/Examples
//! (sign1-tests, mac0-tests, ecdsa-examples, hmac-examples, eddsa-examples, CWT); their payload is mostly no claim set.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use token_check::cose::Message;
use token_check::format::Verifier;
use token_check::format::cat::{Cat, CatRules};
use token_check::keys::{Key, KeySet};
use token_check::reason::Reason;
use token_check::{Algorithm, VerifyingKey};

/// Every key of the examples, named as there; the secrets are prefixes of one another and have no name.
fn keys() -> KeySet {
    let point = |x: &str, y: &str| {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        [vec![4], bytes(x), bytes(y)].concat()
    };
    let p256 = point(
        "usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8",
        "IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4",
    );
    let p384 = point(
        "kTJyP2KSsBBhnb4kjWmMF7WHVsY55xUPgb7k64rDcjatChoZ1nvjKmYmPh5STRKc",
        "mM0weMVU2DKsYDxDJkEP9hZiRZtB8fPfXbzINZj_fF7YQRynNWedHEyzAJOX2e8s",
    );
    let secret = hex::decode("849B57219DAE48DE646D07DBB533566E976686457C1491BE3A76DCEA6C42718800112233778899AA2122232425262728AABBCCDDEEFFA5A6A7A8A9A0B1B2B3B4").unwrap();
    let bound = |material, algorithm| Key::new(material, &[algorithm]).unwrap();
    let keys = [
        bound(VerifyingKey::p256(&p256).unwrap(), Algorithm::Es256).with_id("11"),
        bound(VerifyingKey::p384(&p384).unwrap(), Algorithm::Es384).with_id("P384"),
        bound(
            VerifyingKey::secret(&secret[..32]).unwrap(),
            Algorithm::Hs256,
        ),
        bound(
            VerifyingKey::secret(&secret[..48]).unwrap(),
            Algorithm::Hs384,
        ),
        bound(VerifyingKey::secret(&secret).unwrap(), Algorithm::Hs512),
    ];
    KeySet::new(keys.into_iter().map(Into::into).collect(), false)
}

fn check(message: &str) -> Result<(), Reason> {
    let message =
        Message::decode(&hex::decode(message).unwrap()).map_err(|refused| refused.reason)?;
    keys()
        .verify(
            message.key_id.as_deref(),
            message.algorithm,
            &message.signed(),
            &message.signature,
        )
        .map(drop)
}

#[test]
fn messages_of_the_working_group_hold() {
    for (title, message) in [
        (
            "sign-pass-03: no tag",
            "8443A10126A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
        ),
        (
            "ecdsa-sig-01: ES256, with a content type",
            "D28445A201260300A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E172727F48461FABBBA2E343492DDECAC3983686250BC68E9F1A7A07D41225B59F",
        ),
        (
            "ecdsa-sig-02: ES384",
            "D28444A1013822A104445033383454546869732069732074686520636F6E74656E742E5860B8F85EFF78C88F5351CED2F1887B79B296490795594B62E41E22529BB90208B7D8CDDD4A46D0E9C986464D83D0A5D1EDF39B3E2C5750364230D0E8D76460D8808E76C83830FBBD1978CC174066EB437F17887979ECF027DCC9D51BAF6C4FD8C0",
        ),
        (
            "HMac-01: HS256",
            "D18443A10105A054546869732069732074686520636F6E74656E742E5820A1A848D3471F9D61EE49018D244C824772F223AD4F935293F1789FC3A08D8C58",
        ),
        (
            "HMac-enc-02: HS384",
            "D18443A10106A054546869732069732074686520636F6E74656E742E5830998D26C6459AAEECF44ED20CE00C8CCEDF0A1F3D22A92FC05DB08C5AEB1CB594CAAF5A5C5E2E9D01CCE7E77A93AA8C62",
        ),
        (
            "HMac-enc-03: HS512",
            "D18443A10107A054546869732069732074686520636F6E74656E742E58404A555BF971F7C1891D9DDF304A1A132E2D6F817449474D813E6D04D65962BED8BBA70C17E1F5308FA39962959A4B9B8D7DA8E6D849B209DCD3E98CC0F11EDDF2",
        ),
    ] {
        assert_eq!(check(message), Ok(()), "{title}");
    }
}

#[test]
fn messages_that_must_fail_are_refused() {
    use Reason::{AlgorithmNotAllowed, SignatureInvalid, TokenMalformed};
    for (title, message, reason) in [
        (
            "sign-fail-01: tag 998",
            "D903E68443A10126A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
            TokenMalformed,
        ),
        (
            "sign-fail-02: another payload",
            "D28443A10126A10442313154546869732069732074686520636F6E74656E742F5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
            SignatureInvalid,
        ),
        (
            "sign-fail-03: algorithm -999",
            "D28445A1013903E6A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
            AlgorithmNotAllowed,
        ),
        (
            "sign-fail-04: algorithm `unknown`",
            "D2844AA10167756E6B6E6F776EA10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
            AlgorithmNotAllowed,
        ),
        (
            "sign-fail-06: a protected attribute more",
            "D28445A201260300A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794",
            SignatureInvalid,
        ),
        (
            "sign-fail-07: a protected attribute less",
            "D28443A10126A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E172727F48461FABBBA2E343492DDECAC3983686250BC68E9F1A7A07D41225B59F",
            SignatureInvalid,
        ),
        (
            "mac-fail-02: another code",
            "D18443A10105A054546869732069732074686520636F6E74656E742E5820A1A848D3471F9D61EE49018D244C824772F223AD4F935293F1789FC3A08D8C59",
            SignatureInvalid,
        ),
        (
            "mac-fail-03: algorithm -999",
            "D18445A1013903E6A054546869732069732074686520636F6E74656E742E5820A1A848D3471F9D61EE49018D244C824772F223AD4F935293F1789FC3A08D8C58",
            AlgorithmNotAllowed,
        ),
        (
            "mac-fail-06: a protected attribute more",
            "D18445A201050300A054546869732069732074686520636F6E74656E742E5820A1A848D3471F9D61EE49018D244C824772F223AD4F935293F1789FC3A08D8C58",
            SignatureInvalid,
        ),
        (
            "mac-fail-07: a protected attribute less",
            "D18443A10105A054546869732069732074686520636F6E74656E742E5820BB9E11EF2BD673F766A398D4E3FAD78E0F0BE2806BF73FB647471E40B3D98734",
            SignatureInvalid,
        ),
        // Valid COSE that no token here may be: the algorithm stands where nothing protects it, or is none of ours.
        (
            "sign-pass-01: algorithm not protected",
            "D28441A0A201260442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E11A02E5F0344BF2D4EE5C7FD75A68A9F5E0B3CC1F1FC1409C189566586FF9D610",
            AlgorithmNotAllowed,
        ),
        (
            "mac-pass-03: algorithm not protected, no tag",
            "8440A1010554546869732069732074686520636F6E74656E742E5820176DCE14C1E57430C13658233F41DC89AA4FA0FF9B8783F23B0EF51CA6B026BC",
            AlgorithmNotAllowed,
        ),
        (
            "ecdsa-sig-04: P-256 with SHA-512",
            "D28444A1013823A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E14A37288571498A1B64BA08D2063B8749D75CDC9D7F61EB752D23819473F6BD65",
            AlgorithmNotAllowed,
        ),
        (
            "HMac-enc-05: HMAC 256/64",
            "D18443A10104A054546869732069732074686520636F6E74656E742E4811F9E357975FB849",
            AlgorithmNotAllowed,
        ),
        (
            "eddsa-sig-02: Ed448 under the name of EdDSA",
            "D28443A10127A10445336434343854546869732069732074686520636F6E74656E742E5872988240A3A2F189BD486DE14AA77F54686C576A09F2E7ED9BAE910DF9139C2AC3BE7C27B7E10A20FA17C9D57D3510A2CF1F634BC0345AB9BE00849842171D1E9E98B2674C0E38BFCF6C557A1692B01B71015A47AC9F7748840CAD1DA80CBB5B349309FEBB912672B377C8B2072AF1598B3700",
            AlgorithmNotAllowed,
        ),
    ] {
        assert_eq!(check(message), Err(reason), "{title}");
    }
}

/// RFC 9864: algorithms whose name says the curve. What is signed differs by the number alone, so a signature serves one name.
#[test]
fn fully_specified_algorithms_are_known() {
    for (number, algorithm) in [
        (-9, Algorithm::Es256),
        (-51, Algorithm::Es384),
        (-19, Algorithm::EdDsa),
    ] {
        assert_eq!(Algorithm::from_cose(number), Some(algorithm));
    }
    assert_eq!(Algorithm::Es256.to_cose(), Some(-7));
    for unknown in [-52, -53, -261, -47, -36, 4, 0] {
        assert_eq!(Algorithm::from_cose(unknown), None, "{unknown}");
    }
}

/// RFC 8392 appendix A.4 and A.6: the MAC is cut to 64 bits, which no Common Access Token may be; under another algorithm's name it fails.
#[test]
fn a_short_code_never_holds() {
    let secret =
        hex::decode("403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388").unwrap();
    let key = Key::new(VerifyingKey::secret(&secret).unwrap(), &[Algorithm::Hs256]).unwrap();
    let keys = KeySet::new(vec![key.into()], false);
    let token = "d83dd18443a10104a1044c53796d6d65747269633235365850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7148093101ef6d789200";
    let verify = |token: &str| {
        let text = URL_SAFE_NO_PAD.encode(hex::decode(token).unwrap());
        let refused = Cat::new(CatRules::default()).verify(&text, &keys);
        refused.unwrap_err().reason
    };
    assert_eq!(verify(token), Reason::AlgorithmNotAllowed);
    assert_eq!(
        verify(&token.replace("43a10104", "43a10105")),
        Reason::SignatureInvalid
    );
}
