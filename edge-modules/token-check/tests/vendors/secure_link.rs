//! Nginx secure_link: the example of the module's documentation.

use super::*;

#[test]
fn secure_links_hold() {
    let config = "[[keys]]\nsecret = \"secret\"\nallow-short = true\n[formats.link]\ntype = \"secure-link\"\n";
    let edge = || Edge::new(config, 2_147_483_646).with("weir-client-ip", "127.0.0.1");
    let minter = Minter::with_short_secret(b"secret").unwrap();
    let expression = "$secure_link_expires$uri$remote_addr $secret";
    let minted = minter
        .secure_link(
            expression,
            "/s/link",
            2_147_483_647,
            Some("127.0.0.1".parse().unwrap()),
            "",
        )
        .unwrap();
    assert_eq!(minted, "md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647");
    assert_eq!(
        edge().get(&format!("/s/link?{minted}")),
        Ok("/s/link".to_owned())
    );
    assert_eq!(
        edge().get(&format!("/s/link2?{minted}")),
        no("signature-invalid")
    );
    assert_eq!(
        edge().get(&format!(
            "/s/link?{}",
            minted.replace("2147483647", "2147483646")
        )),
        no("signature-invalid")
    );
    assert_eq!(
        edge().get("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw"),
        no("signature-invalid")
    );
    assert_eq!(
        edge()
            .with("weir-client-ip", "127.0.0.2")
            .get(&format!("/s/link?{minted}")),
        no("signature-invalid")
    );
    assert_eq!(
        edge().get("/s/link?expires=2147483647"),
        no("token-missing")
    );
    let mut late = edge();
    late.now = 2_147_483_647;
    assert_eq!(
        late.get(&format!("/s/link?{minted}")),
        Ok("/s/link".to_owned())
    );
    late.now += 1;
    assert_eq!(late.get(&format!("/s/link?{minted}")), no("token-expired"));
    for expression in [
        "$uri secret",
        "$secret",
        "$uri$request_uri$secret",
        "${uri $secret",
    ] {
        let text = format!("{config}expression = \"{expression}\"\n");
        assert_eq!(
            TokenCheck::configure(&text)
                .err()
                .map(|error| error.key().to_owned())
                .as_deref(),
            Some("formats.link.expression")
        );
    }
    // An `expires` that the expression does not sign.
    let unsigned = format!("{config}expression = \"$uri $secret\"\n");
    let forged = minter
        .secure_link("$uri $secret", "/a", 2_000_000_000, None, "")
        .unwrap();
    assert_eq!(
        Edge::new(&unsigned, 1).get(&format!("/a?{forged}")),
        no("claim-missing")
    );

    // secure_link_secret: the MD5 of `link` and the secret.
    let old = format!("{config}prefix = \"p\"\n");
    let hash = "5e814704a28d9bc1914ff19fa0c4a00a"; // printf 'linksecret' | md5sum
    assert_eq!(
        Edge::new(&old, 1).get(&format!("/p/{hash}/link")),
        Ok("/link".to_owned())
    );
    assert_eq!(
        Edge::new(&old, 1).get(&format!("/p/{hash}/other")),
        no("signature-invalid")
    );
    assert_eq!(Edge::new(&old, 1).get("/link"), no("token-missing"));
}
