//! `weir-origin package` and `probe` on files and buckets.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::fixture;
use crate::support::minio::Minio;

fn weir(arguments: &[&str], environment: &[(String, String)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir-origin"));
    command
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("it runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// Every file that the playlists of a folder name, checked to be there.
fn named_files(root: &Path) -> usize {
    let mut waiting = vec![root.join("multivariant.m3u8")];
    let mut count = 0;
    while let Some(path) = waiting.pop() {
        let playlist = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let plain = playlist
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let quoted = playlist
            .lines()
            .filter_map(|line| Some(line.split_once("URI=\"")?.1.split_once('"')?.0));
        for uri in plain.chain(quoted) {
            let named = path.with_file_name(uri.rsplit('/').next().unwrap_or(uri));
            let named = if uri.contains('/') {
                root.join(uri)
            } else {
                named
            };
            assert!(named.is_file(), "{} names {uri}", path.display());
            count += 1;
            if uri.ends_with(".m3u8") {
                waiting.push(named);
            }
        }
    }
    count
}

#[test]
fn a_film_is_packaged_into_a_folder_in_both_layouts() {
    let film = fixture("media/bbb-480p-30s.mp4");
    for layout in [&[][..], &["--single-file"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = [
            &["package", text(&film), text(folder.path()), "--json"],
            layout,
        ]
        .concat();
        let output = weir(&arguments, &[]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            report["report"]["variants"][0]["resolution"],
            serde_json::json!([854, 480])
        );
        assert!(named_files(folder.path()) > 8, "{layout:?}");
        let bytes = report["bytes"].as_u64().expect("a number");
        let media = std::fs::metadata(&film).expect("there").len();
        assert!(
            bytes > media * 9 / 10 && bytes < media * 12 / 10,
            "{bytes} of {media}"
        );
        let parts = walk(folder.path())
            .into_iter()
            .filter(|name| name.ends_with(".part"))
            .count();
        assert_eq!(parts, 0, "nothing unfinished stays");
    }
}

#[test]
fn several_files_and_subtitles_are_one_film() {
    let film = fixture("media/bbb-480p-30s.mp4");
    let folder = tempfile::tempdir().expect("a folder");
    // Pictures and sound in files of their own.
    let apart = folder.path().join("apart");
    let made = weir(
        &["package", "--single-file", text(&film), text(&apart)],
        &[],
    );
    assert!(made.status.success(), "{made:?}");
    let [pictures, sound] = ["video-1", "audio-1"].map(|track| apart.join(track).join("media.mp4"));
    let words = folder.path().join("words.srt");
    std::fs::write(&words, "1\n00:00:01,000 --> 00:00:02,000\nWörter\n").expect("written");
    let out = folder.path().join("out");
    let said = format!("de,default,Deutsch={}", text(&words));
    let output = weir(
        &[
            "package",
            text(&pictures),
            text(&sound),
            text(&out),
            "--subtitles",
            &said,
            "--program-date-time",
            "2026-11-20T20:15:00Z",
            "--quiet",
        ],
        &[],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    named_files(&out);
    let playlist = std::fs::read_to_string(out.join("multivariant.m3u8")).expect("there");
    for wanted in [
        "RESOLUTION=854x480",
        "TYPE=AUDIO",
        "LANGUAGE=\"de\"",
        "NAME=\"Deutsch\"",
    ] {
        assert!(playlist.contains(wanted), "{wanted} in {playlist}");
    }
    let media = std::fs::read_to_string(out.join("video-1/media.m3u8")).expect("there");
    assert!(
        media.contains("#EXT-X-PROGRAM-DATE-TIME:2026-11-20T20:15:00"),
        "{media}"
    );
    let output = weir(
        &["package", text(&film), text(&out), "--subtitles", "de"],
        &[],
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("de=film.srt"));
}

fn walk(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("readable").flatten();
    entries
        .flat_map(|entry| {
            if entry.path().is_dir() {
                walk(&entry.path())
            } else {
                vec![entry.path().display().to_string()]
            }
        })
        .collect()
}

#[tokio::test]
async fn a_film_goes_from_bucket_to_bucket() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let film = std::fs::read(fixture("bigbuckbunny-720p-5s.mp4")).expect("readable");
    let client = minio.independent_client();
    client
        .objects()
        .put(&minio.bucket, "in/film.mp4")
        .body_bytes(film)
        .send()
        .await
        .expect("written");
    let environment = minio.environment("");
    let output = weir(
        &[
            "probe",
            "--json",
            &format!("s3://{}/in/film.mp4", minio.bucket),
        ],
        &environment,
    );
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found["tracks"].as_array().map(Vec::len), Some(2), "{found}");
    let bucket = format!("s3://{}/in/film.mp4", minio.bucket);
    let output = weir(
        &[
            "package",
            "--quiet",
            &bucket,
            &format!("s3://{}/out/film", minio.bucket),
        ],
        &environment,
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let playlist = client
        .objects()
        .get(&minio.bucket, "out/film/multivariant.m3u8")
        .send()
        .await
        .expect("there");
    assert_eq!(
        playlist.content_type.as_deref(),
        Some("application/vnd.apple.mpegurl")
    );
    assert!(
        playlist
            .bytes()
            .await
            .expect("readable")
            .starts_with(b"#EXTM3U\n")
    );
}

#[test]
fn a_package_is_linted_and_a_broken_one_is_caught() {
    let film = fixture("media/bbb-480p-30s.mp4");
    let folder = tempfile::tempdir().expect("a folder");
    let made = weir(&["package", text(&film), text(folder.path())], &[]);
    assert!(made.status.success(), "{made:?}");
    let lint = |more: &[&str]| {
        let output = weir(&[&["lint", text(folder.path())], more].concat(), &[]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code(), report, output)
    };
    let broken = |report: &Value| -> Vec<String> {
        report["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|finding| finding["severity"] == "must" && finding["concern"] == "packaging")
            .map(|finding| finding["rule"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let (_, report, output) = lint(&["--json"]);
    assert!(broken(&report).is_empty(), "{output:?}");

    let playlist = folder.path().join("multivariant.m3u8");
    let original = std::fs::read_to_string(&playlist).expect("a playlist");
    std::fs::write(&playlist, original.replace("BANDWIDTH=", "BANDWIDHT=")).expect("written");
    let (code, report, output) = lint(&["--json"]);
    assert_eq!(code, Some(1), "{output:?}");
    assert!(!broken(&report).is_empty(), "{output:?}");
    let (code, _, output) = lint(&[]);
    assert_eq!(code, Some(1));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("multivariant.m3u8"), "{told}");

    let explained = weir(&["lint", "--explain", "rfc-4.2-type"], &[]);
    assert!(explained.status.success() && !explained.stdout.is_empty());
    let listed = weir(&["lint", "--all-rules"], &[]);
    assert!(String::from_utf8_lossy(&listed.stdout).lines().count() > 200);
    assert_eq!(weir(&["lint", "/nowhere"], &[]).status.code(), Some(2));
    assert_eq!(
        weir(&["lint", "--explain", "no-such-rule"], &[])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn errors_say_what_and_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, "no film").expect("written");
    for (arguments, words) in [
        (vec!["probe", text(&broken)], "moov"),
        (
            vec!["package", "/does/not/exist.mp4", text(folder.path())],
            "No such file",
        ),
        (
            vec![
                "package",
                text(&broken),
                text(folder.path()),
                "--profile",
                "gold",
            ],
            "no such profile",
        ),
        (
            vec![
                "package",
                text(&broken),
                text(folder.path()),
                "--segment-seconds=-1",
            ],
            "segment-seconds",
        ),
    ] {
        let output = weir(&arguments, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(words),
            "{arguments:?}: {said}"
        );
    }
}
