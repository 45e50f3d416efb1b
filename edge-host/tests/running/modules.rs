//! The built modules in the node, through both doors.

use std::path::Path;

use crate::support::{Origin, Running, dist, field, whole};

/// A module's table: its fast door, its standard handler, or both.
pub(crate) fn table(name: &str, folder: &Path, door: bool, handler: bool, config: &str) -> String {
    let file = |ending: &str| folder.join(format!("{name}{ending}"));
    let mut text = format!("[modules.{name}]\n");
    if door {
        text += &format!("door = {:?}\n", file(".door.wasm"));
    }
    if handler {
        text += &format!("path = {:?}\n", file(".wasm"));
    }
    format!("{text}{config}\n")
}

pub(crate) fn compiled() -> String {
    // Shared by the tests and kept: compiling is most of the time that they take.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-modules");
    format!("[wasm]\ncompiled = {folder:?}\ninstances = 16\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_one_quota_through_either_door() {
    let Some(folder) = dist() else { return };
    for (door, handler) in [(true, false), (false, true)] {
        let origin =
            Origin::start(|_| whole(200, &[("cache-control", "max-age=60")], "segment")).await;
        let config = "[modules.rate-limit.config.client]\nsource = \"weir-client-ip\"\n";
        let more = compiled() + &table("rate-limit", &folder, door, handler, config);
        let node = Running::start(&origin, &more, "viewer = [\"rate-limit\"]").await;
        let mut allowed = 0;
        loop {
            let response = node.get("/a.m4s", &[]).await;
            if response.status() != 200 {
                assert_eq!(response.status(), 429);
                assert!(!field(&response, "retry-after").is_empty());
                assert_eq!(field(&response, "content-type"), "application/problem+json");
                break;
            }
            assert!(
                field(&response, "ratelimit").contains("free"),
                "{response:?}"
            );
            allowed += 1;
            assert!(allowed < 200, "no end of it");
        }
        // The shipped default for viewers without a tier; a unit may have come back meanwhile.
        assert!((100..=110).contains(&allowed), "{allowed}");
        assert_eq!(origin.seen().len(), 1, "the cache served the others");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_rewritten_by_the_handler_and_a_segment_passes_the_door() {
    let Some(folder) = dist() else { return };
    let origin = Origin::start(|seen| {
        if seen.target.contains(".m3u8") {
            whole(
                200,
                &[
                    ("cache-control", "max-age=60"),
                    ("content-type", "application/vnd.apple.mpegurl"),
                ],
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.m4s\n#EXT-X-ENDLIST\n",
            )
        } else {
            whole(200, &[("cache-control", "max-age=60")], "segment")
        }
    })
    .await;
    let config = "[modules.manifest-rewrite.config.token]\nparameters = [\"token\"]\n";
    let more = compiled() + &table("manifest-rewrite", &folder, true, true, config);
    let node = Running::start(&origin, &more, "viewer = [\"manifest-rewrite\"]").await;
    for _ in 0..2 {
        let playlist = node.get("/v/main.m3u8?token=abc", &[]).await;
        assert_eq!(playlist.status(), 200, "{playlist:?}");
        let text = String::from_utf8(playlist.body().to_vec()).unwrap();
        assert!(text.contains("a.m4s?token=abc"), "{text}");
        assert!(field(&playlist, "cache-control").contains("private"));
    }
    assert_eq!(&node.get("/v/a.m4s", &[]).await.body()[..], b"segment");
    let playlists = origin
        .seen()
        .iter()
        .filter(|seen| seen.target.contains("m3u8"))
        .count();
    assert_eq!(
        playlists, 1,
        "the parent is stored, the rewritten one is not"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_with_a_wrong_configuration_does_not_start() {
    let Some(folder) = dist() else { return };
    let text = format!(
        "{}{}[origins.main]\nurls = [\"http://127.0.0.1:9\"]\n[[routes]]\nname = \"all\"\norigin = \"main\"\nviewer = [\"rate-limit\"]\n",
        compiled(),
        table(
            "rate-limit",
            &folder,
            true,
            false,
            "[modules.rate-limit.config]\nnonsense = 1\n"
        ),
    );
    let config = weir_edge::config::Config::from_text(&text).unwrap();
    let built = tokio::task::spawn_blocking(move || weir_edge::Node::build(config))
        .await
        .unwrap();
    let error = built.err().expect("refused").to_string();
    assert!(
        error.contains("rate-limit") && error.contains("nonsense"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_the_node_cannot_start_in_its_memory_fails_alone() {
    let Some(folder) = dist() else { return };
    let origin = Origin::start(|_| whole(200, &[], "fine")).await;
    // 64 KiB hold no module.
    let module = table(
        "manifest-rewrite",
        &folder,
        false,
        true,
        "memory = \"64KiB\"\n",
    );
    let guarded = "[[routes]]\nname = \"guarded\"\npaths = [\"/guarded/\"]\norigin = \"main\"\nviewer = [\"manifest-rewrite\"]\n";
    let node = Running::start(&origin, &(compiled() + &module + guarded), "").await;
    let failed = node.get("/guarded/a.m3u8", &[]).await;
    assert_eq!(failed.status(), 502);
    assert!(String::from_utf8_lossy(failed.body()).contains("module-failed"));
    assert_eq!(&node.get("/open", &[]).await.body()[..], b"fine");
}
