//! Create, upload, package, play, package again, delete.

use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::fixture;
use crate::support::minio::Minio;

fn film() -> std::path::PathBuf {
    fixture("media/bbb-480p-30s.mp4")
}

#[tokio::test]
async fn in_a_folder() {
    whole_life(&Origin::start(&[])).await;
}

#[tokio::test]
async fn in_minio() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let origin = Origin::start_with(&minio.environment("tenant-1"));
    whole_life(&origin).await;
    let left = minio
        .independent_client()
        .objects()
        .list_v2(&minio.bucket)
        .prefix("tenant-1/assets/")
        .send()
        .await
        .expect("listed");
    assert_eq!(
        left.contents.len(),
        0,
        "deleting leaves nothing: {:?}",
        left.contents
    );
}

async fn whole_life(origin: &Origin) {
    let asset = origin.publish(&film()).await;
    let id = asset["id"].as_str().expect("an id").to_owned();
    assert_eq!(asset["live_version"], 1);
    let version = &asset["versions"][0];
    assert!(
        (version["duration"].as_f64().expect("a number") - 30.0).abs() < 0.05,
        "{version}"
    );
    let media = every_file(origin, &id, version).await;
    assert!(media > 1_500_000, "about the size of the source: {media}");

    let again = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
        .await;
    assert_eq!(again.status, 202, "{}", again.text());
    let asset = origin.settled(&id).await;
    assert_eq!(
        (
            &asset["live_version"],
            asset["versions"].as_array().map(Vec::len)
        ),
        (&json!(2), Some(2)),
        "{asset}"
    );
    every_file(origin, &id, &asset["versions"][0]).await;
    every_file(origin, &id, &asset["versions"][1]).await;

    let path = format!(
        "/vod/{id}/v2/{}",
        version["multivariant"].as_str().expect("a path")
    );
    let deleted = origin
        .admin(Method::DELETE, &format!("/v1/assets/{id}"), "")
        .await;
    assert_eq!(deleted.status, 204);
    assert_eq!(
        origin
            .admin(Method::GET, &format!("/v1/assets/{id}"), "")
            .await
            .status,
        404
    );
    assert_eq!(origin.get(&path).await.status, 404);
    assert_eq!(
        origin
            .admin(Method::DELETE, &format!("/v1/assets/{id}"), "")
            .await
            .status,
        404
    );
}

/// Fetches every playlist and every file that one names; returns the bytes of media.
async fn every_file(origin: &Origin, id: &str, version: &Value) -> usize {
    let base = format!("/vod/{id}/v{}/", version["number"]);
    let mut playlists = vec![version["multivariant"].as_str().expect("a path").to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    let mut media = 0;
    while let Some(playlist) = playlists.pop() {
        if !seen.insert(playlist.clone()) {
            continue;
        }
        let answer = origin.get(&format!("{base}{playlist}")).await;
        assert_eq!(answer.status, 200, "{playlist}");
        let text = answer.text();
        assert!(text.starts_with("#EXTM3U\n"), "{playlist}: {text}");
        let folder = playlist
            .rsplit_once('/')
            .map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for uri in uris(&text) {
            let path = format!("{folder}{uri}");
            if uri.ends_with(".m3u8") {
                playlists.push(path);
            } else if seen.insert(path.clone()) {
                let answer = origin.get(&format!("{base}{path}")).await;
                assert_eq!(answer.status, 200, "{path}");
                media += answer.body.len();
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    media
}

fn uris(playlist: &str) -> Vec<String> {
    let plain = playlist
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned);
    let quoted = playlist
        .lines()
        .filter_map(|line| Some(line.split_once("URI=\"")?.1.split_once('"')?.0.to_owned()));
    plain.chain(quoted).collect()
}

#[tokio::test]
async fn broken_media_is_refused_and_kept() {
    let origin = Origin::start(&[]);
    let id = origin.create("broken").await;
    let upload = format!("/v1/assets/{id}/source");
    for bytes in [
        b"this is no film at all, only words".to_vec(),
        std::fs::read(film()).expect("readable")[..200_000].to_vec(),
    ] {
        let size = bytes.len();
        let answer = origin.admin(Method::PUT, &upload, bytes).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (422, "application/problem+json"),
            "{}",
            answer.text()
        );
        let problem = answer.json();
        assert_eq!(
            problem["type"], "urn:weir:problem:media-broken",
            "{problem}"
        );
        assert!(!problem["detail"].as_str().expect("a reason").is_empty());
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        let asset = origin.asset(&id).await;
        assert_eq!(
            (
                &asset["state"],
                &asset["source"]["size"],
                &asset["live_version"]
            ),
            (&json!("failed"), &json!(size), &Value::Null),
            "{asset}"
        );
        assert_eq!(asset["failure"]["code"], "media-broken");
    }
    // Another try with the same asset.
    let answer = origin.upload(&id, &film()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let asset = origin.settled(&id).await;
    assert_eq!(
        (&asset["state"], &asset["failure"]),
        (&json!("ready"), &Value::Null),
        "{asset}"
    );
}

#[tokio::test]
async fn digests_and_sizes_are_checked() {
    let origin = Origin::start(&[("WEIR_ORIGIN__LIMITS__UPLOAD_BYTES", "1000000")]);
    let id = origin.create("film").await;
    let path = format!("/v1/assets/{id}/source");
    let bearer = format!("Bearer {}", origin.admin_key);
    let wrong = [
        ("authorization", bearer.as_str()),
        (
            "content-digest",
            "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
        ),
    ];
    let answer = origin.send(Method::PUT, &path, &wrong, "some bytes").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["type"].as_str()),
        (400, Some("urn:weir:problem:body-mismatch")),
        "{}",
        answer.text()
    );
    assert_eq!(origin.upload(&id, &film()).await.status, 413);
    assert_eq!(
        origin.asset(&id).await["state"],
        "created",
        "nothing was stored"
    );
}

#[tokio::test]
async fn events_tell_how_it_goes() {
    let origin = Origin::start(&[]);
    let id = origin.create("film").await;
    let uploaded = origin.upload(&id, &film()).await;
    assert_eq!(uploaded.status, 202);
    let address = origin.url("").trim_start_matches("http://").to_owned();
    let request = format!(
        "GET /v1/assets/{id}/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
        origin.admin_key
    );
    let text = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&address)
            .await
            .expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains("\"state\":\"ready\"") {
            let count = stream.read(&mut buffer).await.expect("readable");
            assert_ne!(count, 0, "it ended early: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        text
    });
    let text = text.await.expect("ready in time");
    assert!(
        text.contains("content-type: text/event-stream") && text.contains("event: asset"),
        "{text}"
    );
}

#[tokio::test]
async fn a_second_start_finds_everything_and_finishes_what_was_queued() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let environment = minio.environment("");
    let first = Origin::start_with(&environment);
    let id = first.create("film").await;
    assert_eq!(first.upload(&id, &film()).await.status, 202);
    let key = first.admin_key.clone();
    assert!(first.stop().success());
    let mut second = Origin::start_with(&environment);
    assert_eq!(second.admin_key, "", "the key is printed once only");
    second.admin_key = key;
    let asset = second.settled(&id).await;
    assert_eq!(asset["state"], "ready", "{asset}\n{}", second.logged());
}
