//! A film goes in at the origin and comes out at the node, as it would for an operator and a viewer: every playlist and segment,
//! over a folder and over a real MinIO. Who may watch is the matter of `access.rs`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::json;
use weir_tests::locate::{self, sample_film};
use weir_tests::playlist;
use weir_tests::system::{Store, System};
use weir_tests::viewer::{Fetched, Viewer};

/// The tests over one kind of store.
macro_rules! over {
    ($name:ident, $store:expr) => {
        mod $name {
            #[test]
            fn a_film_is_published_and_played_whole() {
                super::plays_whole($store);
            }
            #[test]
            fn a_new_version_does_not_break_a_viewer_of_the_old() {
                super::versions_live_side_by_side($store);
            }
        }
    };
}
over!(folder, super::Store::Folder);
over!(minio, super::Store::Minio);

/// What does not depend on the store is tested over a folder alone; the names put it into that step.
mod folder_only {
    mod folder {
        #[test]
        fn a_poster_is_made_smaller_at_the_edge_and_kept() {
            super::super::thumbnails();
        }
        #[test]
        fn the_node_caches_what_the_origin_allows() {
            super::super::cache();
        }
    }
}

fn start(store: Store) -> Option<System> {
    System::start(store).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The signed URL of the multivariant playlist.
fn signed(system: &System, id: &str, wishes: &serde_json::Value) -> String {
    let grant = system
        .origin
        .playback(id, wishes)
        .unwrap_or_else(|error| panic!("{error:#}"));
    grant["urls"][0]["url"]
        .as_str()
        .expect("a grant has a URL")
        .to_owned()
}

fn publish(system: &System) -> String {
    system
        .origin
        .publish(&sample_film())
        .unwrap_or_else(|error| panic!("{error:#}"))
}

/// Tells nothing of the token, so that a failed test may be shown to anybody.
fn shown(fetched: &Fetched) -> String {
    format!("{} {}", fetched.status, fetched.url.path())
}

fn plays_whole(store: Store) {
    let Some(system) = start(store) else { return };
    let id = publish(&system);
    let url = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium" }),
    );
    assert!(
        url.starts_with(&system.node.url("/vod/")),
        "the playback URL leads to the edge: {url}"
    );

    let everything = Viewer::default().play(&url).unwrap();
    for fetched in &everything {
        assert!(matches!(fetched.status, 200 | 206), "{}", shown(fetched));
        assert!(!fetched.body.is_empty(), "{} is empty", shown(fetched));
    }
    let ending = |end: &str| {
        everything
            .iter()
            .filter(|fetched| fetched.url.path().ends_with(end))
            .collect::<Vec<_>>()
    };
    let playlists = ending(".m3u8");
    assert!(
        playlists.len() >= 3,
        "multivariant, video, audio and I-frame playlists: {}",
        playlists.len()
    );
    let (multivariant, media): (Vec<&Fetched>, Vec<&Fetched>) = playlists
        .into_iter()
        .partition(|playlist| playlist.text().contains("#EXT-X-STREAM-INF"));
    assert_eq!(multivariant.len(), 1);
    for playlist in &media {
        // Personal: the token stands in it.
        assert!(
            playlist.header("cache-control").contains("private"),
            "{}: {}",
            shown(playlist),
            playlist.header("cache-control")
        );
        let text = playlist.text();
        assert!(
            text.contains("#EXT-X-ENDLIST"),
            "{} is a whole film",
            shown(playlist)
        );
        if !text.contains("#EXT-X-I-FRAMES-ONLY") {
            let duration = playlist::duration(&text);
            assert!(
                (duration - 30.0).abs() < 0.1,
                "{}: {duration} s",
                shown(playlist)
            );
        }
        for (uri, _) in playlist::uris(&text) {
            assert!(
                uri.contains("token="),
                "{}: `{uri}` has no token",
                shown(playlist)
            );
        }
    }
    // Initialisation sections begin with `ftyp`, media segments with `styp` or `moof` (ISO/IEC 14496-12).
    let boxes: BTreeMap<&[u8], usize> = everything
        .iter()
        .filter(|fetched| !fetched.url.path().ends_with(".m3u8"))
        .filter_map(|fetched| fetched.body.get(4..8))
        .fold(BTreeMap::new(), |mut boxes, kind| {
            *boxes.entry(kind).or_default() += 1;
            boxes
        });
    assert!(
        boxes
            .get(b"ftyp".as_slice())
            .is_some_and(|&count| count >= 2),
        "two initialisation sections: {boxes:?}"
    );
    let segments: usize = boxes
        .iter()
        .filter(|(kind, _)| matches!(**kind, b"styp" | b"moof" | b"sidx" | b"prft"))
        .map(|(_, count)| count)
        .sum();
    assert!(
        segments >= 10,
        "five segments of video and five of audio: {boxes:?}"
    );
}

fn versions_live_side_by_side(store: Store) {
    let Some(system) = start(store) else { return };
    let id = publish(&system);
    let before = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium" }),
    );
    let again = system
        .origin
        .admin()
        .send_json(
            "POST",
            &system.origin.url(&format!("/v1/assets/{id}/package")),
            &json!({}),
        )
        .unwrap();
    assert!(
        (200..300).contains(&again.status),
        "package again: {}: {}",
        again.status,
        again.text()
    );
    let asset = system.origin.settled(&id).unwrap();
    assert_eq!(asset["live_version"], 2, "{asset}");
    let after = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium" }),
    );
    assert!(
        before.contains("/v1/") && after.contains("/v2/"),
        "{before} and {after}"
    );
    for url in [before, after] {
        for fetched in Viewer::default().play(&url).unwrap() {
            assert!(matches!(fetched.status, 200 | 206), "{}", shown(&fetched));
        }
    }
}

fn cache() {
    let system = start(Store::Folder).expect("a folder is always there");
    let id = publish(&system);
    let ada = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium" }),
    );
    let bob = signed(
        &system,
        &id,
        &json!({ "subject": "bob", "tier": "premium" }),
    );
    let segment = |url: &str| {
        let everything = Viewer::default().play(url).unwrap();
        // Whole ones: the I-frame playlist names parts of the same files.
        let mut segments = everything
            .into_iter()
            .filter(|fetched| fetched.status == 200)
            .filter(|fetched| {
                fetched
                    .body
                    .get(4..8)
                    .is_some_and(|kind| matches!(kind, b"styp" | b"moof"))
            });
        segments.next().expect("a film has segments")
    };
    let first = segment(&ada);
    assert!(
        first.header("cache-control").contains("immutable"),
        "{}",
        first.header("cache-control")
    );
    let bobs = segment(&bob);
    let again = Viewer::default().get(bobs.url.as_str()).unwrap();
    assert!(
        is_shared(&again),
        "another viewer's segment: {}",
        again.header("cache-status")
    );
    assert_eq!(again.body, bobs.body);
    let part = Viewer::default()
        .with("range", "bytes=4-7")
        .get(bobs.url.as_str())
        .unwrap();
    assert_eq!((part.status, part.body.as_slice()), (206, &bobs.body[4..8]));
    let head = Viewer::default()
        .send("HEAD", bobs.url.as_str(), None)
        .unwrap();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, bobs.body.len().to_string().as_str())
    );
    let same = Viewer::default()
        .with("if-none-match", bobs.header("etag"))
        .get(bobs.url.as_str())
        .unwrap();
    assert_eq!((same.status, same.body.len()), (304, 0));
}

/// The response was there already, or was on its way for somebody else: its last byte goes out a moment before it counts as
/// stored.
fn is_shared(fetched: &Fetched) -> bool {
    let status = fetched.header("cache-status");
    status.contains("hit") || status.contains("collapsed")
}

fn thumbnails() {
    // Posters are cut out of the film by ffmpeg.
    let install = "apt-get install ffmpeg";
    if locate::tool("ffmpeg", &[], install).is_none() {
        return;
    }
    let system = start(Store::Folder).expect("a folder is always there");
    let id = publish(&system);
    let grant = system
        .origin
        .playback(&id, &json!({ "subject": "ada", "tier": "premium" }))
        .unwrap();
    let token = grant["token"].as_str().expect("a grant has a token");
    let poster = system.node.url(&format!("/vod/{id}/v1/poster.jpg"));
    let viewer = Viewer::default().with("accept", "image/avif,image/webp,image/*;q=0.8");
    let whole = viewer.get(&format!("{poster}?token={token}")).unwrap();
    assert_eq!(
        (whole.status, whole.header("content-type")),
        (200, "image/jpeg"),
        "{}",
        whole.text()
    );
    let ask = |options: &str| {
        viewer
            .get(&format!("{poster}?{options}&token={token}"))
            .unwrap()
    };
    let small = ask("w=160&format=auto");
    assert_eq!(
        (small.status, small.header("content-type")),
        (200, "image/webp"),
        "{}",
        small.text()
    );
    assert!(
        small.body.len() * 4 < whole.body.len(),
        "{} of {} bytes",
        small.body.len(),
        whole.body.len()
    );
    let again = ask("w=160&format=auto");
    assert!(
        is_shared(&again),
        "a picture is made once: {}",
        again.header("cache-status")
    );
    assert_eq!(again.body, small.body);
    assert_eq!(ask("w=0").status, 400, "an impossible width");
    assert_eq!(ask("colour=red").status, 400, "an unknown option");
    assert_eq!(
        viewer.get(&format!("{poster}?w=160")).unwrap().status,
        401,
        "pictures need a token too"
    );
}
