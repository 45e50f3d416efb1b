//! Plain HMAC.

use super::*;

#[test]
fn templates_hold() {
    let secret = "a secret of more than sixteen bytes";
    let minter = Minter::new(SigningKey::secret(secret.as_bytes()).unwrap());
    let config = |more: &str| {
        format!("[[keys]]\nsecret = \"{secret}\"\n[formats.plain]\ntype = \"hmac\"\n{more}")
    };
    let now = 1_800_000_000;
    let address = Some("192.0.2.7".parse().unwrap());
    for (more, template, encoding) in [
        ("", "{path}\n{expires}", Encoding::Hex),
        (
            "template = \"{expires}{path}{client-ip}\"\nencoding = \"base64url\"\n",
            "{expires}{path}{client-ip}",
            Encoding::Base64url,
        ),
        (
            "template = \"{method}{path}{expires}\"\nencoding = \"base64\"\n",
            "{method}{path}{expires}",
            Encoding::Base64,
        ),
    ] {
        let query = minter
            .hmac(template, encoding, "/vod/a.m3u8", now + 60, address)
            .unwrap();
        let query = query
            .replace("%3D", "=")
            .replace("%2B", "+")
            .replace("%2F", "/");
        let edge = || Edge::new(&config(more), now);
        assert_eq!(
            edge().get(&format!("/vod/a.m3u8?x=1&{query}")),
            Ok("/vod/a.m3u8?x=1".to_owned()),
            "{more}"
        );
        assert_eq!(
            edge().get(&format!("/vod/b.m3u8?{query}")),
            no("signature-invalid")
        );
        assert_eq!(
            edge().get(&format!(
                "/vod/a.m3u8?{}",
                query.replace("1800000060", "1800000061")
            )),
            no("signature-invalid")
        );
        assert_eq!(
            edge().get(&format!("/vod/a.m3u8?{query}&subject=eve")),
            no("claim-unsupported")
        );
        let moved = edge()
            .with("weir-client-ip", "192.0.2.8")
            .get(&format!("/vod/a.m3u8?{query}"));
        assert_eq!(moved.is_ok(), !template.contains("client-ip"));
    }
    let directory = config("template = \"{directory}{expires}\"\n");
    let query = minter
        .hmac(
            "{directory}{expires}",
            Encoding::Hex,
            "/vod/film/a",
            now + 60,
            None,
        )
        .unwrap();
    assert_eq!(
        Edge::new(&directory, now).get(&format!("/vod/film/b.ts?{query}")),
        Ok("/vod/film/b.ts".to_owned())
    );
    assert_eq!(
        Edge::new(&directory, now).get(&format!("/vod/b.ts?{query}")),
        no("signature-invalid")
    );
    for template in ["{expires}", "{path}", "{path", "{nope}{path}{expires}"] {
        let error = TokenCheck::configure(&config(&format!("template = \"{template}\"\n")))
            .err()
            .unwrap();
        assert_eq!(error.key(), "formats.plain.template");
    }
}
