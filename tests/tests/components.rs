//! The built components in Wasmtime, each by itself: what only a whole request and response can show.
#![allow(clippy::unwrap_used)]

#[path = "components/pictures.rs"]
mod pictures;

use std::sync::Arc;

use bytes::Bytes;
use weir_tests::locate;
use weir_tests::playlist;
use weir_tests::tokens;
use weir_tests::wasm::{Exchanged, Handler, environment};

/// A module's standard file under a configuration.
fn handler(module: &str, configuration: &str) -> Handler {
    Handler::load(
        &locate::dist(&format!("node/{module}.wasm")),
        &[environment(module, configuration)],
    )
    .unwrap_or_else(|error| panic!("{module}: {error:#}"))
}

fn get(target: &str, headers: &[(&str, &str)]) -> http::Request<Bytes> {
    let mut request = http::Request::builder().uri(format!("http://cdn.example{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).expect("a plain request")
}

/// Sends a request to `handler` before a chain that answers `content_type` and `body`.
fn call(
    handler: &Handler,
    request: http::Request<Bytes>,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Exchanged {
    let body = body.into();
    let next = move |_: &http::Request<Bytes>| {
        http::Response::builder()
            .header("content-type", content_type)
            .header("cache-control", "public, max-age=31536000, immutable")
            .header("etag", "\"v1\"")
            .body(body.clone())
            .expect("a plain response")
    };
    handler
        .call(request, Arc::new(next))
        .unwrap_or_else(|error| panic!("{error:#}"))
}

fn header<'a>(exchanged: &'a Exchanged, name: &str) -> &'a str {
    exchanged
        .response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://key\"\n\
                        #EXTINF:6.0,\nseg-1.m4s\n#EXTINF:6.0,\nseg-2.m4s?x=1\n#EXT-X-ENDLIST\n";

#[test]
fn manifest_rewrite_carries_the_token_and_changes_nothing_else() {
    let rewrite = handler("manifest-rewrite", "");
    let request = get(
        "/vod/film/v1/video.m3u8",
        &[("weir-token", "query:token=abc.def.ghi")],
    );
    let plain = call(
        &rewrite,
        get("/vod/film/v1/video.m3u8", &[]),
        "application/vnd.apple.mpegurl",
        PLAYLIST,
    );
    assert_eq!(
        plain.response.body(),
        PLAYLIST,
        "without a token nothing is to be done"
    );
    let exchanged = call(&rewrite, request, "application/vnd.apple.mpegurl", PLAYLIST);
    assert_eq!(exchanged.response.status(), 200);
    let text = String::from_utf8(exchanged.response.body().to_vec()).expect("a playlist is text");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&text).len(), lines(PLAYLIST).len(), "{text}");
    for (uri, _) in playlist::uris(&text) {
        if uri.starts_with("skd:") {
            assert_eq!(uri, "skd://key", "a key of another system is none of ours");
        } else {
            assert!(
                uri.contains("token=abc.def.ghi"),
                "`{uri}` carries no token:\n{text}"
            );
        }
    }
    let cache = header(&exchanged, "cache-control");
    assert!(
        cache.contains("private") || cache.contains("no-store"),
        "a personal playlist is not shared: `{cache}`"
    );
    assert!(
        exchanged.to_next[0].headers().get("weir-token").is_none(),
        "the token stays at the edge"
    );
}

#[test]
fn manifest_rewrite_leaves_segments_alone() {
    let rewrite = handler("manifest-rewrite", "");
    let body: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let request = get(
        "/vod/film/v1/seg-1.m4s",
        &[("weir-token", "query:token=abc"), ("range", "bytes=0-")],
    );
    let exchanged = call(&rewrite, request, "video/iso.segment", body.clone());
    assert_eq!(exchanged.response.body(), &body);
    assert!(header(&exchanged, "cache-control").contains("immutable"));
}

#[test]
fn thumbnail_shrinks_a_picture_and_says_what_it_depends_on() {
    let thumbnail = handler("thumbnail", "");
    let picture = picture("640x360");
    for (accept, kind, signature) in [
        ("image/jpeg", "image/jpeg", b"\xff\xd8\xff".as_slice()),
        ("image/avif,image/webp,*/*", "image/webp", b"RIFF"),
    ] {
        let request = get(
            "/vod/film/v1/poster.jpg?w=160&format=auto",
            &[("accept", accept)],
        );
        let exchanged = call(&thumbnail, request, "image/jpeg", picture.clone());
        let body = exchanged.response.body();
        assert_eq!(
            exchanged.response.status(),
            200,
            "{}",
            String::from_utf8_lossy(body)
        );
        assert_eq!(header(&exchanged, "content-type"), kind);
        assert!(body.starts_with(signature), "{kind}: {:?}", &body[..12]);
        assert!(
            header(&exchanged, "vary")
                .to_ascii_lowercase()
                .contains("accept"),
            "{}",
            header(&exchanged, "vary")
        );
        assert!(
            body.len() < picture.len(),
            "{kind}: {} of {} bytes",
            body.len(),
            picture.len()
        );
        assert_eq!(size(body), (160, 90), "{kind}");
    }
    let whole = call(
        &thumbnail,
        get("/vod/film/v1/poster.jpg", &[]),
        "image/jpeg",
        picture.clone(),
    );
    assert_eq!(
        whole.response.body(),
        &picture,
        "without options a picture is not touched"
    );
}

#[test]
fn thumbnail_refuses_what_is_no_picture_and_what_is_cut() {
    let thumbnail = handler("thumbnail", "");
    let picture = picture("640x360");
    let bodies: [(&str, Bytes); 3] = [
        ("text", Bytes::from_static(b"this is no picture")),
        ("cut", picture.slice(..200)),
        ("noise", Bytes::from(vec![0xa5; 10_000])),
    ];
    for (name, body) in bodies {
        let exchanged = call(
            &thumbnail,
            get("/vod/film/v1/poster.jpg?w=160", &[]),
            "image/jpeg",
            body,
        );
        assert_eq!(
            exchanged.response.status(),
            422,
            "{name}: {}",
            String::from_utf8_lossy(exchanged.response.body())
        );
        assert_eq!(
            header(&exchanged, "content-type"),
            "application/problem+json",
            "{name}"
        );
    }
}

#[test]
fn a_wrong_configuration_answers_500_and_never_lets_a_request_pass() {
    for (module, configuration, key) in [
        ("token-check", "acess = \"public\"", "acess"),
        ("rate-limit", "default-tier = 7", "default-tier"),
        ("manifest-rewrite", "[token]\nform = \"sideways\"", "form"),
        ("thumbnail", "no-such-key = 1", "no-such-key"),
        ("geo-block", "", "rules"),
        ("experiment", "unit = [\"nobody\"]", "unit"),
    ] {
        let exchanged = call(
            &handler(module, configuration),
            get("/vod/film/v1/x.m3u8", &[]),
            "text/plain",
            "secret",
        );
        assert_eq!(exchanged.response.status(), 500, "{module}");
        assert!(
            exchanged.to_next.is_empty(),
            "{module} let a request pass under a wrong configuration"
        );
        let body = String::from_utf8_lossy(exchanged.response.body()).into_owned();
        assert!(body.contains(key), "{module} does not name `{key}`: {body}");
    }
}

#[test]
fn token_check_removes_the_token_and_says_who_asks() {
    let configuration = format!(
        "[[keys]]\nsecret = \"{}\"\nalgorithms = [\"HS256\"]\n",
        tokens::SECRET
    );
    let check = handler("token-check", &configuration);
    let token = tokens::signed(&tokens::claims("ada", "/vod/film/"));
    let request = get(
        &format!("/vod/film/v1/x.m3u8?a=1&token={token}&b=2"),
        &[("weir-subject", "root"), ("cookie", "a=b")],
    );
    let exchanged = call(&check, request, "text/plain", "body");
    assert_eq!(exchanged.response.status(), 200);
    let asked = &exchanged.to_next[0];
    assert_eq!(
        asked
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .as_deref(),
        Some("/vod/film/v1/x.m3u8?a=1&b=2")
    );
    assert_eq!(
        asked.headers()["weir-subject"],
        "ada",
        "what a client says of itself is not believed"
    );
    assert_eq!(asked.headers()["cookie"], "a=b");
}

#[test]
fn rate_limit_counts_over_instances_through_the_hosts_counters() {
    let limit = handler("rate-limit", "[tiers.free]\nrate = \"3/1m\"\n");
    let request = || {
        get(
            "/vod/film/v1/1.m4s",
            &[("weir-subject", "ada"), ("weir-tier", "free")],
        )
    };
    // Each call is a fresh instance: only the host's counters connect them.
    let statuses: Vec<_> = (0..5)
        .map(|_| {
            call(&limit, request(), "video/mp4", "x")
                .response
                .status()
                .as_u16()
        })
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[test]
fn origin_fetch_sends_to_its_origin_and_passes_the_answer_back() {
    let fetch = handler(
        "origin-fetch",
        "[[origins]]\nurl = \"http://origin.example:81/media\"\nsecret-header = \"x-edge\"\nsecret = \"s3cret\"\n",
    );
    let request = get(
        "/vod/a.m4s?x=1",
        &[
            ("range", "bytes=0-9"),
            ("weir-token", "t"),
            ("te", "trailers"),
        ],
    );
    let exchanged = call(&fetch, request, "video/mp4", "0123456789");
    assert_eq!(exchanged.response.status(), 200);
    assert_eq!(exchanged.response.body(), "0123456789");
    let [sent] = exchanged.sent.as_slice() else {
        panic!("{} requests were sent", exchanged.sent.len())
    };
    assert_eq!(
        sent.uri().to_string(),
        "http://origin.example:81/media/vod/a.m4s?x=1"
    );
    assert_eq!(sent.headers()["x-edge"], "s3cret");
    assert_eq!(sent.headers()["range"], "bytes=0-9");
    assert!(
        sent.headers().get("weir-token").is_none(),
        "the token never leaves the edge"
    );
    assert!(
        sent.headers().get("te").is_none(),
        "a header of one connection stays behind"
    );
}

/// A JPEG of a test pattern.
fn picture(size: &str) -> Bytes {
    let ffmpeg = locate::tool("ffmpeg", &[], "apt-get install ffmpeg")
        .expect("pictures for this test are made by ffmpeg");
    let source = format!("testsrc2=size={size}");
    let output = std::process::Command::new(ffmpeg)
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-frames:v",
            "1",
            "-q:v",
            "3",
            "-f",
            "mjpeg",
            "-",
        ])
        .output()
        .expect("ffmpeg runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout.into()
}

/// Width and height, by ffprobe: an independent reader.
fn size(picture: &[u8]) -> (u32, u32) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), picture).expect("the picture is written");
    let ffprobe = locate::tool("ffprobe", &[], "apt-get install ffmpeg")
        .expect("pictures are measured by ffprobe");
    let output = std::process::Command::new(ffprobe)
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=width,height",
            "-of",
            "csv=p=0",
        ])
        .arg(file.path())
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text
        .trim()
        .split(',')
        .map(|number| number.parse().expect("a number"));
    (
        numbers.next().expect("a width"),
        numbers.next().expect("a height"),
    )
}
