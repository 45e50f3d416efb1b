//! Just-in-time packaging gives the very files that packaging gives.

use http::Method;

use crate::origin::Origin;
use crate::support::fixture;

#[tokio::test]
async fn an_upload_plays_at_once_and_is_what_packaging_makes_of_it() {
    let origin = Origin::start(&[]);
    let id = origin.create("film").await;
    assert_eq!(
        origin
            .get(&format!("/jit/{id}/multivariant.m3u8"))
            .await
            .status,
        404,
        "nothing uploaded yet"
    );
    let film = std::fs::read(fixture("media/bbb-480p-30s.mp4")).expect("readable");
    let stored = origin
        .admin(
            Method::PUT,
            &format!("/v1/assets/{id}/source?package=false"),
            film,
        )
        .await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    let grant = origin
        .admin(
            Method::POST,
            &format!("/v1/assets/{id}/playback"),
            r#"{"just_in_time": true}"#,
        )
        .await
        .json();
    assert_eq!(grant["scope"], format!("/jit/{id}/"));
    let at_once = origin
        .get(grant["urls"][0]["path"].as_str().expect("a path"))
        .await;
    assert_eq!(
        (at_once.status.as_u16(), at_once.header("content-type")),
        (200, "application/vnd.apple.mpegurl"),
        "{}",
        at_once.text()
    );

    assert_eq!(
        origin
            .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
            .await
            .status,
        202
    );
    assert_eq!(origin.settled(&id).await["state"], "ready");
    let mut waiting = vec!["multivariant.m3u8".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let requested = origin.get(&format!("/jit/{id}/{path}")).await;
        let packaged = origin.get(&format!("/vod/{id}/v1/{path}")).await;
        assert_eq!(
            (requested.status.as_u16(), packaged.status.as_u16()),
            (200, 200),
            "{path}"
        );
        assert!(requested.body == packaged.body, "{path}: the same bytes");
        assert_eq!(
            requested.header("content-type"),
            packaged.header("content-type"),
            "{path}"
        );
        if path.ends_with(".m3u8") {
            let folder = path
                .rsplit_once('/')
                .map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let text = requested.text();
            let plain = text
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(str::to_owned);
            let quoted = text.lines().filter_map(|line| {
                Some(line.split_once("URI=\"")?.1.split_once('"')?.0.to_owned())
            });
            waiting.extend(plain.chain(quoted).map(|uri| format!("{folder}{uri}")));
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    let segment = seen
        .iter()
        .find(|path| path.ends_with(".m4s"))
        .expect("a segment");
    let whole = origin.get(&format!("/jit/{id}/{segment}")).await;
    let part = origin
        .send(
            Method::GET,
            &format!("/jit/{id}/{segment}"),
            &[("range", "bytes=100-199")],
            "",
        )
        .await;
    assert_eq!(
        (part.status.as_u16(), &part.body[..]),
        (206, &whole.body[100..200])
    );
    let known = origin
        .send(
            Method::GET,
            &format!("/jit/{id}/{segment}"),
            &[("if-none-match", whole.header("etag"))],
            "",
        )
        .await;
    assert_eq!(known.status, 304);
    assert_eq!(origin.get(&format!("/jit/{id}/none.m4s")).await.status, 404);
}

/// The files beside a source: its index, by what it holds.
fn sidecar(origin: &Origin, id: &str) -> std::path::PathBuf {
    let folder = origin.data().join(format!("assets/{id}/source"));
    let mut found = std::fs::read_dir(folder).expect("readable").flatten();
    let is_index = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("index-");
    let name = found.find_map(|entry| Some(entry.file_name()).filter(is_index));
    let name = name.expect("an index beside the source");
    origin.data().join(format!("assets/{id}/source")).join(name)
}

/// Segments of the video in the playlist that is made on request.
async fn segments(origin: &Origin, id: &str) -> usize {
    let answer = origin.get(&format!("/jit/{id}/video-1/media.m3u8")).await;
    answer.text().matches("#EXTINF:").count()
}

/// What an index beside a source is not good for is found out, told, and put right, by whichever process comes next.
#[tokio::test]
async fn an_index_of_other_options_or_of_another_film_is_written_anew() {
    let mut origin = Origin::start(&[]);
    let id = origin.create("film").await;
    let film = std::fs::read(fixture("media/bbb-480p-30s.mp4")).expect("readable");
    let upload = format!("/v1/assets/{id}/source?package=false");
    let stored = origin.admin(Method::PUT, &upload, film).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert_eq!(segments(&origin, &id).await, 5);
    origin = origin.restart(&[]);
    let file = sidecar(&origin, &id);
    let first = std::fs::read(&file).expect("readable");

    // Other options: the index serves, and is written as a process with these options finds it useful.
    let shorter = [("WEIR_ORIGIN__PACKAGING__SEGMENT_SECONDS", "2")];
    origin = origin.restart(&shorter);
    let cut = segments(&origin, &id).await;
    assert_eq!(cut, 15);
    assert!(
        origin.logged().contains("made with other options"),
        "{}",
        origin.logged()
    );
    origin = origin.restart(&shorter);
    let second = std::fs::read(&file).expect("readable");
    assert_ne!(first, second);
    assert_eq!(segments(&origin, &id).await, cut);
    assert!(
        !origin.logged().contains("made with other options"),
        "it fits now"
    );

    // Of another version, of another film, and no index at all: the source is read again.
    let mut version = second.clone();
    version[7] ^= 1;
    let mut film = second.clone();
    film[19] ^= 1;
    for broken in [version, film, b"no index".to_vec()] {
        std::fs::write(&file, &broken).expect("written");
        origin = origin.restart(&shorter);
        assert_eq!(segments(&origin, &id).await, cut);
        assert!(
            origin.logged().contains("the source is read again"),
            "{}",
            origin.logged()
        );
        origin = origin.restart(&shorter);
        assert_eq!(std::fs::read(&file).expect("readable"), second, "put right");
    }
}
