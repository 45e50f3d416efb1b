//! Where the keys of protected assets come from: the call itself, CPIX documents, and a key server.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::key_server::{self, KeyServer, Manner};
use crate::origin::Origin;
use crate::protection::{KEY, KID, assert_no_key, film, id_of, key_ids, media_playlist};
use crate::support::{find_program, skip_or_fail};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_keys_encrypt_and_rest_encrypted() {
    let Some(ffmpeg) = find_program("ffmpeg") else {
        return skip_or_fail("ffmpeg", "apt-get install ffmpeg");
    };
    let storage_key = "5e".repeat(32);
    // ffmpeg 5.1 finds the encrypted samples of a file's first fragment only: without I-frame playlists there is one for each segment.
    let origin = Origin::start(&[
        ("WEIR_ORIGIN__PROTECTION__STORAGE_KEY", &storage_key),
        ("WEIR_ORIGIN__PACKAGING__I_FRAME_PLAYLISTS", "false"),
    ]);
    let plain = STANDARD.encode(hex::decode(KEY).expect("digits"));
    let cpix = format!(
        "<CPIX xmlns=\"urn:dashif:org:cpix\" xmlns:p=\"urn:ietf:params:xml:ns:keyprov:pskc\"><ContentKeyList>\
         <ContentKey kid=\"{KID}\" commonEncryptionScheme=\"cenc\"><Data><p:Secret><p:PlainValue>{plain}</p:PlainValue></p:Secret></Data></ContentKey>\
         </ContentKeyList></CPIX>"
    );
    let protection = json!({ "scheme": "cenc", "systems": ["clearkey"], "key_source": "given" });
    for keys in [json!([format!("{KID}:{KEY}")]), json!(cpix)] {
        let body = json!({ "protection": protection, "keys": keys });
        let asset = origin.publish_as(&body, &film()).await;
        assert_eq!(key_ids(&asset), [KID]);
        let kept = origin.data().join("keys/content").join(id_of(&asset));
        for file in ["given.json", "v1.json"] {
            let stored = std::fs::read_to_string(kept.join(file)).expect("kept");
            assert!(
                stored.contains("sealed") && !stored.contains(KID),
                "{stored}"
            );
            assert_no_key(file, &stored, KEY);
        }
        assert_no_key(
            "the record",
            &origin.asset(id_of(&asset)).await.to_string(),
            KEY,
        );
        decodes(&ffmpeg, &origin, &asset).await;
    }
    assert_no_key("the log", &origin.logged(), KEY);
}

/// Decrypts a film's pictures with ffmpeg.
async fn decodes(ffmpeg: &Path, origin: &Origin, asset: &Value) {
    let (folder, playlist) = media_playlist(origin, asset).await;
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let init = playlist
        .lines()
        .find(|line| line.starts_with("#EXT-X-MAP"))
        .and_then(quoted);
    let segments = playlist
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned);
    let mut film = Vec::new();
    for name in init.into_iter().chain(segments) {
        film.extend(origin.get(&format!("{folder}/{name}")).await.body);
    }
    let place = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(place.path(), film).expect("written");
    let frames = |key: &str| {
        let output = Command::new(ffmpeg)
            .args(["-v", "error", "-xerror", "-decryption_key", key, "-i"])
            .arg(place.path())
            .args(["-f", "null", "-"])
            .output()
            .expect("ffmpeg runs");
        output.status.success() && output.stderr.is_empty()
    };
    assert!(frames(KEY), "it cannot be decoded with its key");
    assert!(!frames(KID), "it can be decoded with any key");
}

fn with_key_server(url: &str, certificate: &Path) -> Vec<(String, String)> {
    let set = |name: &str, value: &str| {
        (
            format!("WEIR_ORIGIN__PROTECTION__SPEKE__{name}"),
            value.to_owned(),
        )
    };
    vec![
        set("URL", url),
        set("CA_FILE", certificate.to_str().expect("text")),
        set("SECRET", "Basic dGVzdA=="),
    ]
}

/// What the server says of Widevine stands in the manifest and in both kinds of playlists as it came.
async fn assert_is_said(origin: &Origin, asset: &Value, ids: &[String], media: &str) {
    let version = &asset["versions"][0];
    let file = |name: &Value| {
        let name = name.as_str().expect("a name");
        format!("/vod/{}/v1/{name}", id_of(asset))
    };
    let manifest = origin.get(&file(&version["dash"])).await.text();
    for id in ids {
        let said = key_server::descriptor(id);
        assert_eq!(manifest.matches(&said).count(), 1, "{said}: {manifest}");
    }
    let widevine = manifest
        .split("urn:uuid:edef8ba9-")
        .nth(1)
        .expect("Widevine");
    let widevine = widevine
        .split("</ContentProtection>")
        .next()
        .expect("its end");
    assert!(
        !widevine.contains("<cenc:pssh>"),
        "the server's, not ours beside it: {widevine}"
    );
    let multivariant = origin.get(&file(&version["multivariant"])).await.text();
    for (text, tag) in [
        (media, "#EXT-X-KEY:"),
        (&*multivariant, "#EXT-X-SESSION-KEY:"),
    ] {
        let line = format!(
            "KEYID=0x{},KEYFORMAT=\"urn:uuid:edef8ba9",
            ids[0].to_uppercase()
        );
        let has = |one: &str| one.starts_with(tag) && one.contains(&line);
        assert!(text.lines().any(has), "{tag} with {line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_server_is_asked_again_and_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = folder.path().join("ca.pem");
    let manner = Manner {
        unwell: 2,
        ..Manner::default()
    };
    let server = KeyServer::start(&certificate, manner).await;
    let mut settings = with_key_server(&server.url, &certificate);
    settings.push(("WEIR_ORIGIN__PACKAGING__DASH".to_owned(), "true".to_owned()));
    let origin = Origin::start_with(&settings);
    let protection = json!({ "scheme": "cbcs", "systems": ["fairplay", "widevine", "clearkey"], "key_source": "speke",
        "separate_audio_key": true });
    let asset = origin
        .publish_as(&json!({ "protection": protection }), &film())
        .await;
    let ids = key_ids(&asset);
    assert_eq!(ids.len(), 2);
    let (_, playlist) = media_playlist(&origin, &asset).await;
    assert!(
        playlist.contains(&format!("skd://keys.example/{}", ids[0])),
        "{playlist}"
    );
    assert_is_said(&origin, &asset, &ids, &playlist).await;
    let kept = origin
        .data()
        .join("keys/content")
        .join(id_of(&asset))
        .join("v1.json");
    assert!(
        std::fs::read_to_string(kept)
            .expect("kept")
            .contains(key_server::KEY)
    );
    assert_no_key("the log", &origin.logged(), key_server::KEY);
    assert!(
        !origin.logged().contains("dGVzdA"),
        "the log shows the credential"
    );

    let asked = server.asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 3, "twice unwell, then well");
    let (headers, document) = &asked[2];
    assert_eq!(headers["x-speke-version"], "2.0");
    assert_eq!(headers["authorization"], "Basic dGVzdA==");
    assert!(
        document.contains(&format!("contentId=\"{}\"", id_of(&asset))),
        "{document}"
    );
    for part in [
        "intendedTrackType=\"VIDEO\"",
        "intendedTrackType=\"AUDIO\"",
        "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
    ] {
        assert!(document.contains(part), "{part}: {document}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_a_key_server_encrypts_are_opened() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/cpix");
    let folder = tempfile::tempdir().expect("a folder");
    let private = own_file(folder.path(), &vectors.join("recipient-key.pem"));
    let pem = std::fs::read_to_string(&private).expect("text");
    let der: String = pem.lines().filter(|line| !line.contains("-----")).collect();
    let manner = Manner {
        recipient: Some(STANDARD.decode(der).expect("Base64")),
        ..Manner::default()
    };
    let authority = folder.path().join("ca.pem");
    let server = KeyServer::start(&authority, manner).await;
    let certificate = vectors.join("recipient-certificate.pem");
    let mut settings = with_key_server(&server.url, &authority);
    for (name, file) in [("KEY", &private), ("CERTIFICATE", &certificate)] {
        settings.push((
            format!("WEIR_ORIGIN__PROTECTION__DELIVERY_{name}_FILE"),
            file.to_str().expect("text").to_owned(),
        ));
    }
    let origin = Origin::start_with(&settings);
    let protection = json!({ "scheme": "cbcs", "systems": ["clearkey"], "key_source": "speke" });
    let asset = origin
        .publish_as(&json!({ "protection": protection }), &film())
        .await;
    let kept = origin.data().join("keys/content").join(id_of(&asset));
    let kept = std::fs::read_to_string(kept.join("v1.json")).expect("kept");
    assert!(kept.contains(key_server::KEY), "it keeps another key");
    let own: String = std::fs::read_to_string(&certificate)
        .expect("text")
        .lines()
        .filter(|line| !line.contains("-----"))
        .collect();
    let asked = server.asked.lock().expect("not poisoned")[0].1.clone();
    assert!(asked.contains(&own), "the certificate is not sent");

    // The same from a document that comes with the asset; and one that was changed on the way.
    let document = std::fs::read_to_string(vectors.join("document.xml")).expect("text");
    let protection = json!({ "scheme": "cbcs", "systems": ["clearkey"], "key_source": "given" });
    let asset = origin
        .publish_as(
            &json!({ "protection": protection, "keys": document }),
            &film(),
        )
        .await;
    assert_eq!(
        key_ids(&asset),
        [
            "98ee5596cd3e420d963ae382420c6eff",
            "53abdba2f21043cbbc90f18f9a890a02"
        ]
    );
    let (_, playlist) = media_playlist(&origin, &asset).await;
    assert!(playlist.contains("#EXT-X-KEY"), "{playlist}");
    let changed = document.replacen("<pskc:ValueMAC>", "<pskc:ValueMAC>AAAA", 1);
    let answer = origin
        .admin(
            Method::POST,
            "/v1/assets",
            json!({ "protection": protection, "keys": changed }).to_string(),
        )
        .await;
    assert_eq!(answer.status, 400);
    let said = answer.json()["detail"].to_string();
    assert!(
        said.contains("98ee5596cd3e420d963ae382420c6eff") && said.contains("ValueMAC"),
        "{said}"
    );
}

/// A copy of a file that nobody else may read, as a checkout cannot have it.
fn own_file(folder: &Path, of: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("key.pem");
    std::fs::copy(of, &file).expect("copied");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_server_that_refuses_is_quoted() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = folder.path().join("ca.pem");
    let manner = Manner {
        refusal: Some((422, "Unsupported CPIX@version\n")),
        ..Manner::default()
    };
    let server = KeyServer::start(&certificate, manner).await;
    let origin = Origin::start_with(&with_key_server(&server.url, &certificate));
    let body = json!({ "protection": { "scheme": "cbcs", "systems": ["fairplay"], "key_source": "speke" } });
    let id = origin.create_as(&body).await;
    assert_eq!(origin.upload(&id, &film()).await.status, 202);
    let asset = origin.settled(&id).await;
    assert_eq!(
        (&asset["state"], &asset["failure"]["code"]),
        (&json!("failed"), &json!("key-server-failed")),
        "{asset}"
    );
    let detail = asset["failure"]["detail"].as_str().expect("a sentence");
    assert!(
        detail.contains("422") && detail.contains("Unsupported CPIX@version"),
        "{detail}"
    );
    assert!(
        asset["source"]["size"].as_u64() > Some(0),
        "the upload is kept"
    );
    assert_eq!(
        server.asked.lock().expect("not poisoned").len(),
        1,
        "a refusal is not asked again"
    );
    assert!(
        !origin
            .data()
            .join("keys/content")
            .join(&id)
            .join("v1.json")
            .exists()
    );
}
