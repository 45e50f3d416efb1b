//! The examples of the RFCs.

use super::*;

/// Algorithm, protected header, payload, signature, key as JWK.
fn examples() -> Vec<(&'static str, &'static str, String, &'static str, Value)> {
    vec![
        (
            // RFC 7515 appendix A.1
            "HS256",
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            JOE.to_owned(),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" }),
        ),
        (
            // RFC 7515 appendix A.2
            "RS256",
            "eyJhbGciOiJSUzI1NiJ9",
            JOE.to_owned(),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }),
        ),
        (
            // RFC 7515 appendix A.3
            "ES256",
            "eyJhbGciOiJFUzI1NiJ9",
            JOE.to_owned(),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
        ),
        (
            // RFC 8037 appendix A.4
            "EdDSA",
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        ),
        (
            // RFC 7520 section 4.1
            "RS256",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            BILBO.to_owned(),
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
            bilbo(),
        ),
        (
            // RFC 7520 section 4.2
            "PS384",
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            BILBO.to_owned(),
            "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
            bilbo(),
        ),
        (
            // RFC 7520 section 4.4
            "HS256",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            BILBO.to_owned(),
            "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
            json!({ "kty": "oct", "kid": "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "use": "sig", "alg": "HS256", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg" }),
        ),
    ]
}

#[test]
fn published_signatures_hold_and_broken_ones_do_not() {
    for (name, header, payload, signature, jwk) in examples() {
        let keys = set(&[jwk]);
        let algorithm = Algorithm::from_jose(name).unwrap();
        let signed = format!("{header}.{payload}");
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(
            keys.verify(None, algorithm, signed.as_bytes(), &bytes)
                .is_ok(),
            "{name}"
        );
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(
                keys.verify(None, algorithm, signed.as_bytes(), &broken)
                    .is_err(),
                "{name} byte {at}"
            );
        }
        assert!(
            keys.verify(None, algorithm, format!("{signed}A").as_bytes(), &bytes)
                .is_err(),
            "{name}"
        );
        assert!(
            keys.verify(
                None,
                algorithm,
                signed.as_bytes(),
                &[bytes.as_slice(), &[0]].concat()
            )
            .is_err(),
            "{name}"
        );
        assert!(
            keys.verify(None, algorithm, signed.as_bytes(), &vec![0; bytes.len()])
                .is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_published_token_is_read_whole() {
    let (_, header, payload, signature, jwk) = examples().remove(2);
    let token = format!("{header}.{payload}.{signature}");
    let grant = Jwt::new(JwtRules::default())
        .verify(&token, &set(&[jwk]))
        .unwrap();
    assert_eq!(
        (grant.issuer.as_deref(), grant.expires),
        (Some("joe"), Some(1_300_819_380))
    );
    assert_eq!(
        grant.check_times(1_300_819_380, 0).unwrap_err().reason,
        Reason::TokenExpired
    );
    assert!(grant.check_times(1_300_819_379, 0).is_ok());
}
