//! Films in several languages: nothing that can be heard or read is lost on the way.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::json;

use crate::origin::Origin;
use crate::support::fixture;
use crate::transcode::has_ffmpeg;

const WORDS: &str = "1\n00:00:00,500 --> 00:00:01,500\nFirst words\n\n2\n00:00:02,000 --> 00:00:03,000\nLast words\n";

/// Matroska with pictures, `sounds` in the languages named, and text in English.
fn film(folder: &Path, sounds: &[&str]) -> std::path::PathBuf {
    let words = folder.join("words.srt");
    std::fs::write(&words, WORDS).expect("written");
    let file = folder.join(format!("film-{}.mkv", sounds.len()));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi"]);
    command.args(["-i", "testsrc2=size=320x180:rate=25:duration=4", "-i"]);
    command.arg(&words);
    for index in 0..sounds.len() {
        let pitch = format!("sine=frequency={}:duration=4", 300 * (index + 1));
        command.args(["-f", "lavfi", "-i", &pitch]);
    }
    command.args([
        "-map",
        "0:v",
        "-map",
        "1:s",
        "-metadata:s:s:0",
        "language=eng",
    ]);
    for (index, language) in sounds.iter().enumerate() {
        command.args(["-map", &format!("{}:a", index + 2)]);
        let of_track = format!("-metadata:s:a:{index}");
        command.args([&of_track, &format!("language={language}")]);
    }
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "50"]);
    command.args(["-c:a", "aac", "-c:s", "srt"]).arg(&file);
    assert!(command.status().expect("ffmpeg runs").success());
    file
}

async fn multivariant(origin: &Origin, profile: &str, film: &Path) -> String {
    let asset = origin
        .publish_as(&json!({ "profile": profile }), film)
        .await;
    let id = asset["id"].as_str().expect("an id");
    let answer = origin.get(&format!("/vod/{id}/v1/multivariant.m3u8")).await;
    assert_eq!(answer.status, 200, "{asset}");
    answer.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ladder_keeps_every_sound_and_every_text() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let origin = Origin::start(&[]);
    let sounds: [&[&str]; 2] = [&["eng", "deu"], &[]];
    for sounds in sounds {
        let film = film(folder.path(), sounds);
        for profile in ["copy", "web"] {
            let playlist = multivariant(&origin, profile, &film).await;
            let named = |kind: &str, language: &str| {
                let (kind, language) =
                    (format!("TYPE={kind},"), format!("LANGUAGE=\"{language}\""));
                playlist
                    .lines()
                    .filter(|line| line.contains(&kind) && line.contains(&language))
                    .count()
            };
            let audible = playlist.matches("TYPE=AUDIO").count();
            assert_eq!(audible, sounds.len(), "{profile}\n{playlist}");
            if !sounds.is_empty() {
                assert_eq!((named("AUDIO", "en"), named("AUDIO", "de")), (1, 1));
            }
            assert_eq!(named("SUBTITLES", "en"), 1, "{profile}\n{playlist}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subtitles_are_uploaded_beside_a_film() {
    let origin = Origin::start(&[]);
    let id = origin.create("film").await;
    let put = async |name: &str, text: &str| {
        let path = format!("/v1/assets/{id}/subtitles/{name}");
        origin.admin(Method::PUT, &path, text.to_owned()).await
    };
    let words = WORDS.replace("First", "Erste");
    for (name, text) in [
        ("de?default=true&name=Deutsch", words.as_str()),
        ("en-sdh?language=en&sdh=true&default=true", WORDS),
    ] {
        let answer = put(name, text).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for (name, text, status) in [
        ("fr", "no subtitles", 400),
        ("not-a-language-at-all?language=!", WORDS, 400),
        ("a.b", WORDS, 400),
        ("fr?colour=red", WORDS, 400),
    ] {
        let answer = put(name, text).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    let stranger = format!("/v1/assets/{id}/subtitles/de");
    let refused = origin
        .send(Method::PUT, &stranger, &[], WORDS.to_owned())
        .await;
    assert_eq!(refused.status, 401);

    let film = fixture("bigbuckbunny-720p-5s.mp4");
    origin.upload(&id, &film).await;
    let asset = origin.settled(&id).await;
    assert_eq!(asset["subtitles"]["de"]["default"], false, "{asset}");
    let listed = |playlist: String| -> Vec<String> {
        let lines = playlist.lines();
        lines
            .filter(|line| line.contains("TYPE=SUBTITLES"))
            .map(str::to_owned)
            .collect()
    };
    let playlist = |version: u32| format!("/vod/{id}/v{version}/multivariant.m3u8");
    let found = listed(origin.get(&playlist(1)).await.text());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("NAME=\"Deutsch\"") && found[0].contains("DEFAULT=NO"));
    assert!(found[1].contains("LANGUAGE=\"en\"") && found[1].contains("DEFAULT=YES"));
    assert!(found[1].contains("public.accessibility.describes-music-and-sound"));
    let text = found[0]
        .split("URI=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let folder = text
        .expect("an address")
        .rsplit_once('/')
        .expect("a folder")
        .0;
    let segment = origin
        .get(&format!("/vod/{id}/v1/{folder}/00001.vtt"))
        .await;
    assert!(segment.text().contains("Erste words"), "{}", segment.text());

    // What is taken away stays in the version that has it.
    let path = format!("/v1/assets/{id}/subtitles/de");
    let gone = origin.admin(Method::DELETE, &path, "").await;
    assert_eq!(gone.status, 204);
    let gone = origin.admin(Method::DELETE, &path, "").await;
    assert_eq!(gone.status, 404);
    let again = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
        .await;
    assert_eq!(again.status, 202);
    origin.settled(&id).await;
    assert_eq!(listed(origin.get(&playlist(2)).await.text()).len(), 1);
    assert_eq!(listed(origin.get(&playlist(1)).await.text()).len(), 2);
}
