//! What a check costs, in nanoseconds: natively with `cargo bench -p token-check --bench verify`, and in WebAssembly with
//! `cargo build -p token-check --bench verify --profile wasm --target wasm32-wasip2` and `wasmtime run` of the file it names.
#![allow(missing_docs, clippy::unwrap_used)] // A bench: a failure here is a failed run.

use std::hint::black_box;
use std::time::Instant;

use token_check::format::Verifier;
use token_check::format::jwt::{Jwt, JwtRules};
use token_check::keys::{Key, KeySet, read_jwks};
use token_check::mint::{CatClaims, JwtClaims, Minter, Tags};
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::TestHost;
use weir_module::{HeadBuffer, HeaderNames, Module, RequestHead};

/// RFC 7515 appendix A.2: an RSA key and its signature, since a wasm build does not sign with RSA.
const RSA: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// Part of a measurement's name, given as an argument: only what has it is run.
fn wanted(name: &str) -> bool {
    std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"))
        .is_none_or(|part| name.contains(&part))
}

/// A fixed piece of work of some half microsecond, in a chain so that nothing of it can be saved: what the machine gives at the moment.
fn yardstick() {
    let mut value = black_box(1_u64);
    for _ in 0..400 {
        value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value >> 29;
    }
    black_box(value);
}

/// Nanoseconds for each of `count` runs.
fn time(count: u32, run: &mut impl FnMut()) -> f64 {
    let begin = Instant::now();
    (0..count).for_each(|_| run());
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

/// The best of many short rounds, each of about half a millisecond: a busy machine leaves some of them undisturbed. Beside it the
/// median of the ratios to the yardstick, each taken right after a round, so that whatever else the machine does cancels out.
fn measure(name: &str, mut run: impl FnMut()) {
    if !wanted(name) {
        return;
    }
    let mut yard = yardstick;
    let mut count = 1_u32;
    while time(count, &mut run) * f64::from(count) < 500_000.0 && count < 1 << 20 {
        count *= 2;
    }
    let mut ratios = Vec::new();
    let mut best = f64::INFINITY;
    for _ in 0..400 {
        let one = time(count, &mut run);
        ratios.push(one / time(500, &mut yard));
        best = best.min(one);
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    println!("{name:<44} {best:>10.0} ns {ratio:>10.2} yardsticks");
}

fn main() {
    let claims = JwtClaims {
        expires: Some(2_000_000_000),
        ..JwtClaims::default()
    }
    .cover("/vod/film/*");
    for (name, key) in [
        ("HS256", SigningKey::secret(&[1; 32]).unwrap()),
        ("EdDSA", SigningKey::ed25519(&[2; 32])),
        ("ES256", SigningKey::p256(&[3; 32]).unwrap()),
        ("ES384", SigningKey::p384(&[4; 48]).unwrap()),
    ] {
        let minter = Minter::new(key);
        let token = minter.jwt(&claims).unwrap();
        let keys = KeySet::new(vec![minter.verifying_key().unwrap().into()], false);
        let jwt = Jwt::new(JwtRules::default());
        measure(&format!("JWT {name}, whole verification"), || {
            black_box(jwt.verify(black_box(&token), &keys).unwrap());
        });
    }
    let keys = KeySet::new(
        read_jwks(RSA.as_bytes(), false)
            .unwrap()
            .into_iter()
            .map(Into::into)
            .collect(),
        false,
    );
    let jwt = Jwt::new(JwtRules::default());
    measure("JWT RS256 (2048 bits), whole verification", || {
        black_box(jwt.verify(black_box(RSA_TOKEN), &keys).unwrap());
    });
    fresh_key();
    cat();
    decide();
}

/// The first check under a key makes its table.
fn fresh_key() {
    let signing = SigningKey::p256(&[3; 32]).unwrap();
    let signature = signing.sign(Algorithm::Es256, b"message").unwrap();
    let der = signing.verifying_key().unwrap().to_spki_der().unwrap();
    measure("ES256 under a key never used before", || {
        let key = token_check::VerifyingKey::from_spki_der(&der).unwrap();
        assert!(black_box(key.verify(
            Algorithm::Es256,
            b"message",
            &signature
        )));
    });
}

fn cat() {
    let minter = Minter::new(SigningKey::secret(&[1; 32]).unwrap());
    let claims = CatClaims {
        expires: Some(2_000_000_000),
        path_prefix: Some("/vod/".to_owned()),
        ..CatClaims::default()
    };
    let token = minter
        .cat(
            &claims,
            Tags {
                cwt: true,
                cose: true,
            },
        )
        .unwrap();
    let key = Key::new(
        minter.verifying_key().unwrap().material().clone(),
        &[Algorithm::Hs256],
    )
    .unwrap();
    let keys = KeySet::new(vec![key.into()], false);
    let cat = token_check::format::cat::Cat::new(token_check::format::cat::CatRules::default());
    measure("CAT HS256, whole verification", || {
        black_box(cat.verify(black_box(&token), &keys).unwrap());
    });
}

/// A whole decision over the flat head, the token remembered, as a segment request has it.
fn decide() {
    let minter = Minter::new(SigningKey::ed25519(&[2; 32]));
    let claims = JwtClaims {
        expires: Some(2_000_000_000),
        subject: Some("ada".to_owned()),
        tier: Some("premium".to_owned()),
        session: Some("s1".to_owned()),
        ..JwtClaims::default()
    };
    let token = minter.jwt(&claims.cover("/vod/film/*")).unwrap();
    let x = minter.public_jwk().unwrap()["x"]
        .as_str()
        .unwrap()
        .to_owned();
    let config = format!("client-address = \"weir-client-ip\"\n[[keys]]\ned25519 = \"{x}\"\n");
    for (name, config) in [
        ("", config.clone()),
        (
            ", query carrier alone",
            format!("{config}[formats.jwt]\ntype = \"jwt\"\ncarriers = [\"query:token\"]\n"),
        ),
    ] {
        let mut module = TokenCheck::configure(&config).unwrap();
        let names = HeaderNames::new(module.headers());
        let mut buffer = HeadBuffer::default();
        buffer
            .start(
                "GET",
                &format!("/vod/film/video/1080p/segment-00042.m4s?token={token}"),
            )
            .unwrap();
        buffer
            .named(&names, "weir-client-ip", b"192.0.2.7")
            .unwrap();
        let mut host: TestHost = TestHost {
            now_ns: 1_800_000_000_000_000_000,
            ..TestHost::default()
        };
        measure(&format!("decide, token remembered{name}"), || {
            let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
            black_box(module.decide(&head, &mut host));
        });
    }
}
