//! How published files are served.

use http::Method;

use crate::origin::{Answer, Origin};
use crate::support::fixture;

struct Published {
    origin: Origin,
    base: String,
    playlist: String,
    segment: String,
}

async fn published(environment: &[(&str, &str)]) -> Published {
    let origin = Origin::start(environment);
    let asset = origin.publish(&fixture("bigbuckbunny-720p-5s.mp4")).await;
    let base = format!("/vod/{}/v1/", asset["id"].as_str().expect("an id"));
    let multivariant = asset["versions"][0]["multivariant"]
        .as_str()
        .expect("a path");
    let variant = asset["versions"][0]["report"]["variants"][0]["playlist"]
        .as_str()
        .expect("a path");
    let secret = environment
        .iter()
        .find(|(name, _)| name.ends_with("EDGE_SECRET"))
        .map_or("", |(_, value)| value);
    let text = origin
        .send(
            Method::GET,
            &format!("{base}{variant}"),
            &[("weir-edge-secret", secret)],
            "",
        )
        .await
        .text();
    let name = text
        .lines()
        .find(|line| !line.starts_with('#'))
        .expect("a segment")
        .to_owned();
    let folder = variant
        .rsplit_once('/')
        .map_or(String::new(), |(folder, _)| format!("{folder}/"));
    Published {
        playlist: format!("{base}{multivariant}"),
        segment: format!("{base}{folder}{name}"),
        origin,
        base,
    }
}

impl Published {
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.origin.send(Method::GET, path, headers, "").await
    }
}

#[tokio::test]
async fn ranges_conditions_and_compression_follow_http() {
    let site = published(&[]).await;
    let whole = site.get(&site.segment, &[]).await;
    let size = whole.body.len();
    assert_eq!(
        (
            whole.status.as_u16(),
            whole.header("content-length").parse()
        ),
        (200, Ok(size))
    );
    assert_eq!(whole.header("content-type"), "video/iso.segment");
    assert_eq!(
        whole.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("access-control-allow-origin"), "*");
    let id = site.base.split('/').nth(2).expect("an id");
    assert!(
        whole.header("cache-groups").contains(&format!("\"{id}\""))
            && whole.header("surrogate-key").contains(id)
    );

    for (range, start, end) in [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-7", size - 7, size),
        ("bytes=5-99999999", 5, size),
    ] {
        let part = site.get(&site.segment, &[("range", range)]).await;
        assert_eq!(
            (part.status.as_u16(), &part.body[..]),
            (206, &whole.body[start..end]),
            "{range}"
        );
        assert_eq!(
            part.header("content-range"),
            format!("bytes {start}-{}/{size}", end - 1),
            "{range}"
        );
        assert_eq!(part.header("etag"), whole.header("etag"));
    }
    let outside = site
        .get(&site.segment, &[("range", &format!("bytes={size}-"))])
        .await;
    assert_eq!(
        (outside.status.as_u16(), outside.header("content-range")),
        (416, format!("bytes */{size}").as_str())
    );
    for ignored in ["bytes=9-5", "bytes=0-1,4-5", "lines=1-2"] {
        assert_eq!(
            site.get(&site.segment, &[("range", ignored)]).await.status,
            200,
            "{ignored}"
        );
    }
    let etag = whole.header("etag");
    let if_range = |value: &str| {
        vec![
            ("range".to_owned(), "bytes=0-1".to_owned()),
            ("if-range".to_owned(), value.to_owned()),
        ]
    };
    for (value, status) in [
        (etag, 206),
        ("\"other\"", 200),
        (whole.header("last-modified"), 206),
    ] {
        let headers = if_range(value);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            site.get(&site.segment, &headers).await.status,
            status,
            "{value}"
        );
    }
    let unchanged = site.get(&site.segment, &[("if-none-match", etag)]).await;
    assert_eq!(
        (
            unchanged.status.as_u16(),
            unchanged.body.len(),
            unchanged.header("etag")
        ),
        (304, 0, etag)
    );
    assert_eq!(
        site.get(&site.segment, &[("if-none-match", "\"other\"")])
            .await
            .status,
        200
    );
    assert_eq!(
        site.get(
            &site.segment,
            &[("if-modified-since", whole.header("last-modified"))]
        )
        .await
        .status,
        304
    );
    assert_eq!(
        site.get(&site.segment, &[("if-match", "\"other\"")])
            .await
            .status,
        412
    );

    let head = site.origin.send(Method::HEAD, &site.segment, &[], "").await;
    assert_eq!(
        (
            head.status.as_u16(),
            head.body.len(),
            head.header("content-length").parse()
        ),
        (200, 0, Ok(size))
    );
    assert_eq!(head.header("etag"), etag);
}

#[tokio::test]
async fn playlists_are_compressed_and_media_is_not() {
    use std::io::Read;
    let site = published(&[]).await;
    let plain = site.get(&site.playlist, &[]).await;
    assert_eq!(
        (plain.header("content-type"), plain.header("vary")),
        ("application/vnd.apple.mpegurl", "accept-encoding")
    );
    let zipped = site
        .get(&site.playlist, &[("accept-encoding", "gzip, br")])
        .await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert_ne!(
        zipped.header("etag"),
        plain.header("etag"),
        "another form, another tag"
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(&zipped.body[..])
        .read_to_string(&mut text)
        .expect("gzip");
    assert_eq!(text, plain.text());
    let unchanged = site
        .get(
            &site.playlist,
            &[
                ("accept-encoding", "gzip"),
                ("if-none-match", zipped.header("etag")),
            ],
        )
        .await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(
        site.get(&site.playlist, &[("accept-encoding", "gzip;q=0")])
            .await
            .header("content-encoding"),
        ""
    );
    assert_eq!(
        site.get(&site.segment, &[("accept-encoding", "gzip")])
            .await
            .header("content-encoding"),
        ""
    );
}

#[tokio::test]
async fn nothing_but_published_files_is_reachable() {
    let site = published(&[]).await;
    for path in [
        "../asset.json",
        "%2e%2e/asset.json",
        "..%2fasset.json",
        "../source/original",
        "..%2Fsource%2Foriginal",
        "a//b",
        "",
        "%00",
        "none.m4s",
    ] {
        let answer = site.get(&format!("{}{path}", site.base), &[]).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 404),
            "{path}: {}",
            answer.status
        );
    }
    for version in ["v2", "v0", "source", "v01"] {
        let path = site.playlist.replace("/v1/", &format!("/{version}/"));
        assert_eq!(site.get(&path, &[]).await.status, 404, "{version}");
    }
    let preflight = site
        .origin
        .send(
            Method::OPTIONS,
            &site.segment,
            &[
                ("origin", "https://a.example"),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "range"),
            ],
            "",
        )
        .await;
    assert!(
        preflight.status.is_success()
            && preflight
                .header("access-control-allow-headers")
                .contains("range"),
        "{preflight:?}"
    );
}

#[tokio::test]
async fn viewers_cannot_go_round_the_edge() {
    let site = published(&[(
        "WEIR_ORIGIN__SERVER__EDGE_SECRET",
        "between the edge and us",
    )])
    .await;
    let refused = site.get(&site.segment, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["type"].as_str()),
        (403, Some("urn:weir:problem:not-through-the-edge"))
    );
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "*",
        "players can read why"
    );
    assert_eq!(
        site.get(&site.segment, &[("weir-edge-secret", "wrong")])
            .await
            .status,
        403
    );
    assert_eq!(
        site.get(
            &site.playlist,
            &[("weir-edge-secret", "between the edge and us")]
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn logs_hold_no_paths_keys_or_tokens() {
    let site = published(&[]).await;
    let path = format!("{}?token=secret-token-of-a-viewer", site.segment);
    assert_eq!(site.get(&path, &[]).await.status, 200);
    site.get("/vod/a-path-of-somebody/x/y", &[]).await;
    let log = site.origin.logged();
    assert!(log.contains("answered"), "it does log: {log}");
    for secret in [
        "secret-token-of-a-viewer",
        "a-path-of-somebody",
        site.origin.admin_key.as_str(),
        site.segment.as_str(),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
