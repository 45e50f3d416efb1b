//! What is published: containers, compressed twins, and the linter's word before it.

use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::minio::Minio;
use crate::support::{find_program, fixture, skip_or_fail};

fn film() -> std::path::PathBuf {
    fixture("bigbuckbunny-720p-5s.mp4")
}

/// An origin with profiles of its own.
fn with_profiles(profiles: &[(&str, &str)], more: &[(&str, &str)]) -> (Origin, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in profiles {
        std::fs::write(folder.path().join(format!("{name}.toml")), text).expect("written");
    }
    let path = folder.path().to_str().expect("text");
    let mut environment = vec![("WEIR_ORIGIN__TRANSCODE__PROFILE_FOLDER", path)];
    environment.extend(more);
    (Origin::start(&environment), folder)
}

/// What packaging itself broke. What another encoding would mend (one bit rate alone) is no matter here.
fn broken_by_packaging(asset: &Value) -> Vec<String> {
    let lint = &asset["versions"][0]["lint"];
    assert!(lint["must"].is_u64(), "it was not checked: {asset}");
    lint["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["severity"] == "MUST" && one["concern"] == "packaging")
        .map(|one| one["rule"].as_str().expect("a rule").to_owned())
        .collect()
}

fn variant(asset: &Value) -> String {
    let name = asset["versions"][0]["report"]["variants"][0]["playlist"]
        .as_str()
        .unwrap_or_else(|| panic!("no playlist in {asset}"));
    format!("/vod/{}/v1/{name}", asset["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_chooses_transport_streams_and_keys() {
    let Some(ffprobe) = find_program("ffprobe") else {
        return skip_or_fail("ffprobe", "apt-get install ffmpeg");
    };
    let profile = "container = \"ts\"\n[protection]\nscheme = \"aes-128\"\n";
    let (origin, folder) = with_profiles(&[("ts", profile)], &[]);
    let asset = origin
        .publish_as(&json!({ "profile": "ts" }), &film())
        .await;
    assert_eq!(broken_by_packaging(&asset), [""; 0]);
    let path = variant(&asset);
    let playlist = origin.get(&path).await.text();
    assert!(!playlist.contains("#EXT-X-MAP"), "{playlist}");
    let base = path.rsplit_once('/').expect("a folder").0;
    let segment = playlist
        .lines()
        .find(|line| line.ends_with(".ts"))
        .expect("a segment");
    let answer = origin.get(&format!("{base}/{segment}")).await;
    assert_eq!(answer.header("content-type"), "video/mp2t");
    assert_ne!(answer.body[0], 0x47, "it is encrypted");

    // A player of its own reads it, with the key.
    let id = asset["id"].as_str().expect("an id");
    let token = origin.token(id).await;
    let mut absolute = String::new();
    for line in playlist.lines() {
        if let Some((before, rest)) = line.split_once("URI=\"/vod/") {
            let (key, after) = rest.split_once('"').expect("quoted");
            absolute.push_str(&format!(
                "{before}URI=\"{}?token={token}\"{after}",
                origin.url(&format!("/vod/{key}"))
            ));
        } else if line.starts_with('#') {
            absolute.push_str(line);
        } else {
            absolute.push_str(&origin.url(&format!("{base}/{line}")));
        }
        absolute.push('\n');
    }
    let file = folder.path().join("film.m3u8");
    std::fs::write(&file, absolute).expect("written");
    let output = Command::new(ffprobe)
        .args([
            "-v",
            "error",
            "-protocol_whitelist",
            "file,http,tcp,crypto",
            "-allowed_extensions",
            "ALL",
            "-extension_picky",
            "0",
        ])
        .args([
            "-count_packets",
            "-show_entries",
            "stream=codec_name,nb_read_packets",
            "-of",
            "json",
        ])
        .arg(&file)
        .output()
        .expect("ffprobe runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stream = &report["streams"][0];
    assert_eq!(
        stream["codec_name"],
        "h264",
        "{report} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packets: u32 = stream["nb_read_packets"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a count");
    assert!(packets > 100, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_gone_publishes_nothing() {
    let (origin, folder) = with_profiles(&[("mine", "[protection]\nscheme = \"aes-128\"\n")], &[]);
    let data = origin.data();
    let id = origin.create_as(&json!({ "profile": "mine" })).await;
    let path = format!("/v1/assets/{id}/source?package=false");
    let bytes = std::fs::read(film()).expect("a film");
    assert_eq!(origin.admin(Method::PUT, &path, bytes).await.status, 200);
    let key = origin.admin_key.clone();
    // The same store without the profile.
    let kept = tempfile::tempdir().expect("a folder");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&data)
        .arg(kept.path())
        .status();
    assert!(copied.expect("cp runs").success());
    drop((origin, folder));
    let store = kept.path().join("data");
    let mut origin = Origin::start(&[(
        "WEIR_ORIGIN__STORAGE__FILE__PATH",
        store.to_str().expect("text"),
    )]);
    origin.admin_key = key;
    let queued = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
        .await;
    assert_eq!(queued.status, 202, "{}", queued.text());
    let asset = origin.settled(&id).await;
    assert_eq!(asset["failure"]["code"], "protection-failed", "{asset}");
    assert_eq!(asset["live_version"], Value::Null);
}

/// Fetches a playlist as it is and compressed; both must say the same.
async fn compare_twins(origin: &Origin, asset: &Value) {
    use std::io::Read;
    let path = variant(asset);
    let plain = origin.get(&path).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("vary"), "accept-encoding");
    let gzip = [("accept-encoding", "gzip")];
    let zipped = origin.send(Method::GET, &path, &gzip, "").await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert_eq!(zipped.header("content-type"), plain.header("content-type"));
    assert_ne!(zipped.header("etag"), plain.header("etag"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&zipped.body[..])
        .read_to_string(&mut text)
        .expect("gzip");
    assert_eq!(text, plain.text());
    let known = [
        ("accept-encoding", "gzip"),
        ("if-none-match", zipped.header("etag")),
    ];
    assert_eq!(
        origin.send(Method::GET, &path, &known, "").await.status,
        304
    );
    let twin = origin.get(&format!("{path}.gz")).await;
    assert_eq!(twin.status, 200);
    assert!(twin.body == zipped.body, "the stored twin is what is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_are_compressed_once() {
    let origin = Origin::start(&[]);
    let asset = origin.publish(&film()).await;
    compare_twins(&origin, &asset).await;

    let origin = Origin::start(&[("WEIR_ORIGIN__PACKAGING__GZIP", "false")]);
    let asset = origin.publish(&film()).await;
    let path = variant(&asset);
    assert_eq!(origin.get(&format!("{path}.gz")).await.status, 404);
    let zipped = origin
        .send(Method::GET, &path, &[("accept-encoding", "gzip")], "")
        .await;
    assert_eq!(
        zipped.header("content-encoding"),
        "gzip",
        "compressed while the viewer waits"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_holds_twins_keys_and_checked_versions() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let origin = Origin::start_with(&minio.environment("films"));
    let body = json!({ "protection": { "scheme": "aes-128" } });
    let asset = origin.publish_as(&body, &film()).await;
    compare_twins(&origin, &asset).await;
    assert_eq!(broken_by_packaging(&asset), [""; 0]);
    let id = asset["id"].as_str().expect("an id");
    let kid = asset["versions"][0]["protection"]["key_ids"][0]
        .as_str()
        .expect("an id");
    let token = origin.token(id).await;
    let key = origin
        .get(&format!("/vod/{id}/keys/{kid}?token={token}"))
        .await;
    assert_eq!((key.status.as_u16(), key.body.len()), (200, 16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_is_read_before_it_is_published() {
    let origin = Origin::start(&[]);
    let asset = origin.publish(&film()).await;
    let lint = &asset["versions"][0]["lint"];
    assert_eq!(broken_by_packaging(&asset), [""; 0]);
    assert!(
        lint["playlists"].as_u64() >= Some(3) && lint["segments"].as_u64() >= Some(2),
        "{lint}"
    );
    let origin = Origin::start(&[("WEIR_ORIGIN__PACKAGING__LINT", "off")]);
    let asset = origin.publish(&film()).await;
    assert_eq!(asset["versions"][0]["lint"], Value::Null);
}
