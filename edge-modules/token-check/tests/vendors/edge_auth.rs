//! Akamai EdgeAuth: made by the 70 lines of akamai/EdgeAuth-Token-Python, which publishes no fixed vectors.

use super::*;

const EDGE_KEY: &str = "00112233445566778899aabbccddeeff";

fn edge_auth(more: &str) -> Edge {
    Edge::new(
        &format!(
            "[[keys]]\nsecret-hex = \"{EDGE_KEY}\"\n[formats.edge]\ntype = \"edge-auth\"\n{more}"
        ),
        1_799_999_999,
    )
}

fn edge_minter() -> Minter {
    Minter::new(SigningKey::secret(&hex::decode(EDGE_KEY).unwrap()).unwrap())
}

#[test]
fn edge_auth_tokens_hold() {
    let acl = EdgeAuthClaims {
        expires: 1_800_000_000,
        acl: vec!["/vod/*".to_owned(), "/live/a?c".to_owned()],
        ..EdgeAuthClaims::default()
    };
    let token = edge_minter().edge_auth(&acl).unwrap();
    assert!(
        token.starts_with("exp=1800000000~acl=/vod/*!/live/a?c~hmac="),
        "{token}"
    );
    let carried = token.replace('?', "%3f");
    let mut edge = edge_auth("");
    assert_eq!(
        edge.get(&format!("/vod/a/b.ts?hdnts={carried}&x=1")),
        Ok("/vod/a/b.ts?x=1".to_owned())
    );
    assert_eq!(
        edge.get(&format!("/live/abc?hdnea={carried}")),
        Ok("/live/abc".to_owned())
    );
    assert_eq!(
        edge.get(&format!("/live/abcd?hdnts={carried}")),
        no("path-not-allowed")
    );
    assert_eq!(
        edge.get(&format!("/vod/../live/x?hdnts={carried}")),
        no("path-not-allowed")
    );
    assert_eq!(
        edge.get(&format!(
            "/vod/a?hdnts={}",
            carried.replace("1800000000", "1900000000")
        )),
        no("signature-invalid")
    );
    assert_eq!(
        edge.get(&format!("/vod/a?hdnts=exp=1900000000~{carried}")),
        no("signature-invalid")
    );
    for broken in ["", "x", "exp=1~hmac=", "exp=1~hmac=zz", "~hmac=00"] {
        assert!(
            edge.get(&format!("/vod/a?hdnts={broken}")).is_err(),
            "{broken}"
        );
    }
    edge.now = 1_800_000_000;
    assert_eq!(
        edge.get(&format!("/vod/a?hdnts={carried}")),
        no("token-expired")
    );

    let url = EdgeAuthClaims {
        expires: 1_800_000_000,
        not_before: Some(1_799_000_000),
        url: Some("/vod/film.mp4".to_owned()),
        address: Some("192.0.2.7".parse().unwrap()),
        session: Some("s1".to_owned()),
        data: Some("x=y".to_owned()),
        ..EdgeAuthClaims::default()
    };
    let token = edge_minter().edge_auth(&url).unwrap();
    assert!(
        token.starts_with("ip=192.0.2.7~st=1799000000~exp=1800000000~id=s1~data=x=y~hmac="),
        "{token}"
    );
    let mut edge = edge_auth("");
    assert_eq!(
        edge.get(&format!("/vod/film.mp4?hdnts={token}")),
        Ok("/vod/film.mp4".to_owned())
    );
    assert_eq!(
        edge.get(&format!("/vod/other.mp4?hdnts={token}")),
        no("signature-invalid")
    );
    assert_eq!(
        edge_auth("")
            .with("weir-client-ip", "192.0.2.8")
            .get(&format!("/vod/film.mp4?hdnts={token}")),
        no("address-not-allowed")
    );
    // The acl of another token cannot be taken: it is signed.
    assert_eq!(
        edge.get(&format!(
            "/vod/x?hdnts={}",
            token.replacen("~id=", "~acl=/*~id=", 1)
        )),
        no("signature-invalid")
    );

    for (more, salt, early, algorithm) in [
        (
            "salt = \"pepper\"\n",
            Some("pepper"),
            false,
            Algorithm::Hs256,
        ),
        ("algorithm = \"sha1\"\n", None, false, Algorithm::HmacSha1),
        (
            "algorithm = \"md5\"\nescape-early = true\n",
            None,
            true,
            Algorithm::HmacMd5,
        ),
    ] {
        let claims = EdgeAuthClaims {
            salt: salt.map(str::to_owned),
            escape_early: early,
            data: Some("a b/c".to_owned()),
            ..url.clone()
        };
        let token = edge_minter()
            .with_algorithm(algorithm)
            .edge_auth(&claims)
            .unwrap();
        let token = if early {
            token
        } else {
            token.replace(' ', "%20")
        };
        assert_eq!(
            edge_auth(more).get(&format!("/vod/film.mp4?hdnts={token}")),
            Ok("/vod/film.mp4".to_owned()),
            "{more}"
        );
        assert!(
            edge_auth("")
                .get(&format!("/vod/film.mp4?hdnts={token}"))
                .is_err(),
            "{more}"
        );
    }
}
