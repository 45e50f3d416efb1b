//! Protected assets: who gets keys, and where none may be seen.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::fixture;

pub(crate) const KID: &str = "9eb4050de44b4802932e27d75083e266";
pub(crate) const KEY: &str = "166634c675823c235a4a9446fad52e4d";

pub(crate) fn film() -> std::path::PathBuf {
    fixture("bigbuckbunny-720p-5s.mp4")
}

pub(crate) fn id_of(asset: &Value) -> &str {
    asset["id"].as_str().expect("an id")
}

pub(crate) fn key_ids(asset: &Value) -> Vec<String> {
    let ids = asset["versions"][0]["protection"]["key_ids"].as_array();
    ids.unwrap_or_else(|| panic!("no protection in {asset}"))
        .iter()
        .map(|id| id.as_str().expect("text").to_owned())
        .collect()
}

/// The first media playlist of a film's pictures, and the folder it lies in.
pub(crate) async fn media_playlist(origin: &Origin, asset: &Value) -> (String, String) {
    let name = asset["versions"][0]["report"]["variants"][0]["playlist"]
        .as_str()
        .expect("a playlist");
    let path = format!("/vod/{}/v1/{name}", id_of(asset));
    let text = origin.get(&path).await.text();
    let folder = path.rsplit_once('/').expect("a folder").0.to_owned();
    (folder, text)
}

/// No form of a key in a text.
pub(crate) fn assert_no_key(what: &str, text: &str, key: &str) {
    let bytes = hex::decode(key).expect("digits");
    for form in [
        key.to_owned(),
        key.to_uppercase(),
        STANDARD.encode(&bytes),
        URL_SAFE_NO_PAD.encode(&bytes),
        format!("{bytes:?}"),
    ] {
        assert!(!text.contains(&form), "{what} shows a key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_for_those_who_may_watch() {
    let origin = Origin::start(&[]);
    let body = json!({ "protection": { "scheme": "aes-128" } });
    let asset = origin.publish_as(&body, &film()).await;
    let (id, kid) = (id_of(&asset), key_ids(&asset).remove(0));
    let (_, playlist) = media_playlist(&origin, &asset).await;
    let path = format!("/vod/{id}/keys/{kid}");
    assert!(
        playlist.contains(&format!("METHOD=AES-128,URI=\"{path}\"")),
        "{playlist}"
    );

    let other = origin.create("other").await;
    let _ = origin.upload(&other, &film()).await;
    origin.settled(&other).await;
    let (good, foreign) = (origin.token(id).await, origin.token(&other).await);
    for place in [path.clone(), format!("/keys/{id}/{kid}")] {
        assert_eq!(origin.get(&place).await.status, 401, "{place}");
        let answer = origin.get(&format!("{place}?token={foreign}")).await;
        assert_eq!(answer.status, 403, "{place}: {}", answer.text());
        let answer = origin.get(&format!("{place}?token={good}x")).await;
        assert_eq!(answer.status, 403, "{place}");
        let answer = origin.get(&format!("{place}?token={good}")).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 16));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
    }
    let bearer = format!("Bearer {good}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("origin", "https://player.example"),
    ];
    let answer = origin.send(Method::GET, &path, &headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let key = hex::encode(&answer.body);
    let preflight = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = origin
        .send(
            Method::OPTIONS,
            &format!("/vod/{id}/keys/license"),
            &preflight,
            "",
        )
        .await;
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("POST"),
        "{answer:?}"
    );
    for (nowhere, status) in [
        (format!("/vod/{id}/keys/{KID}?token={good}"), 404),
        (format!("/vod/{id}/keys/nonsense?token={good}"), 404),
        (format!("/vod/{other}/keys/{kid}?token={foreign}"), 404),
    ] {
        assert_eq!(origin.get(&nowhere).await.status, status, "{nowhere}");
    }

    // The upload is in the clear, and nobody gets it.
    assert_eq!(
        origin
            .get(&format!("/jit/{id}/multivariant.m3u8"))
            .await
            .status,
        404
    );
    let wish = json!({ "just_in_time": true }).to_string();
    let refused = origin
        .admin(Method::POST, &format!("/v1/assets/{id}/playback"), wish)
        .await;
    assert_eq!(refused.status, 409, "{}", refused.text());

    let kept = origin.data().join("keys/content").join(id);
    let stored = std::fs::read_to_string(kept.join("v1.json")).expect("kept apart");
    assert!(stored.contains(&key));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(kept.join("v1.json"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "for the origin's user alone");
    assert_no_key("the record", &origin.asset(id).await.to_string(), &key);
    let listed = origin.admin(Method::GET, "/v1/assets", "").await.text();
    assert_no_key("the list", &listed, &key);
    assert_no_key("the log", &origin.logged(), &key);
    let public = Command::new("grep")
        .args(["-rl", &key])
        .arg(origin.data().join("assets"))
        .output()
        .expect("grep runs");
    assert!(public.stdout.is_empty(), "a key lies among the media");

    let deleted = origin
        .admin(Method::DELETE, &format!("/v1/assets/{id}"), "")
        .await;
    assert_eq!(deleted.status, 204);
    assert!(!kept.join("v1.json").exists(), "keys go with their asset");
    assert_eq!(
        origin.get(&format!("{path}?token={good}")).await.status,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_proves_itself_has_checked_the_viewer() {
    let origin = Origin::start(&[("WEIR_ORIGIN__SERVER__EDGE_SECRET", "a-secret-of-the-edge")]);
    let body = json!({ "protection": { "scheme": "sample-aes" } });
    let asset = origin.publish_as(&body, &film()).await;
    let (id, kid) = (id_of(&asset), key_ids(&asset).remove(0));
    let token = origin.token(id).await;
    let edge = [("weir-edge-secret", "a-secret-of-the-edge")];
    let path = format!("/vod/{id}/keys/{kid}");
    assert_eq!(origin.send(Method::GET, &path, &edge, "").await.status, 200);
    let around = origin.get(&format!("{path}?token={token}")).await;
    assert_eq!(around.status, 403, "nobody goes round the edge");
    // An edge may have no rule for this path, so that the token is asked for here.
    let bare = format!("/keys/{id}/{kid}");
    assert_eq!(origin.send(Method::GET, &bare, &edge, "").await.status, 401);
    let with_token = format!("{bare}?token={token}");
    assert_eq!(
        origin
            .send(Method::GET, &with_token, &edge, "")
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_key_licences_hold_what_was_asked_for() {
    let origin = Origin::start(&[("WEIR_ORIGIN__PACKAGING__SEGMENT_SECONDS", "2")]);
    let protection = json!({ "scheme": "cbcs", "systems": ["clearkey", "widevine"], "rotation_seconds": 10,
        "separate_audio_key": true, "clear_lead_seconds": 2 });
    let asset = origin
        .publish_as(
            &json!({ "protection": protection }),
            &fixture("media/bbb-480p-30s.mp4"),
        )
        .await;
    let (id, ids) = (id_of(&asset), key_ids(&asset));
    assert_eq!(
        ids.len(),
        6,
        "pictures and sound, three periods of 10 s: {ids:?}"
    );
    let (_, playlist) = media_playlist(&origin, &asset).await;
    let first_key = playlist.find("#EXT-X-KEY").expect("a key");
    assert!(
        playlist.find("#EXTINF").expect("a segment") < first_key,
        "{playlist}"
    );
    assert!(
        playlist.matches("org.w3.clearkey").count() >= 2,
        "keys take turns: {playlist}"
    );

    let token = origin.token(id).await;
    let ask = async |kids: Vec<String>, more: Value| {
        let mut request = json!({ "kids": kids });
        request
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let path = format!("/vod/{id}/keys/license?token={token}");
        origin
            .send(Method::POST, &path, &[], request.to_string())
            .await
    };
    let short = |kid: &str| URL_SAFE_NO_PAD.encode(hex::decode(kid).expect("digits"));
    let license = ask(
        vec![short(&ids[0]), short(&ids[3]), short(KID)],
        json!({ "type": "temporary" }),
    )
    .await;
    assert_eq!(license.status, 200, "{}", license.text());
    assert_eq!(license.header("cache-control"), "no-store");
    let keys = license.json()["keys"].as_array().expect("keys").clone();
    assert_eq!(keys.len(), 2, "an unknown id is left out");
    assert_eq!(keys[1]["kid"], short(&ids[3]));
    assert_eq!(keys[0]["kty"], "oct");
    assert_eq!(keys[0]["k"].as_str().map(str::len), Some(22));
    let padded = format!("{}==", short(&ids[0]));
    assert_eq!(ask(vec![padded], json!({})).await.status, 200);
    assert_eq!(ask(vec![short(KID)], json!({})).await.status, 404);
    assert_eq!(ask(vec![], json!({})).await.status, 400);
    assert_eq!(ask(vec!["?".to_owned()], json!({})).await.status, 400);
    assert_eq!(
        ask(
            vec![short(&ids[0])],
            json!({ "type": "persistent-license" })
        )
        .await
        .status,
        400
    );
    let none = origin
        .send(Method::POST, &format!("/vod/{id}/keys/license"), &[], "{}")
        .await;
    assert_eq!(none.status, 401);
    // The bare key would go round the decryption module.
    let bare = origin
        .get(&format!("/vod/{id}/keys/{}?token={token}", ids[0]))
        .await;
    assert_eq!(bare.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_protected_is_refused_by_name() {
    let origin = Origin::start(&[]);
    let given = json!({ "scheme": "cbcs", "systems": ["clearkey"], "key_source": "given" });
    for (body, words) in [
        (json!({ "protection": { "scheme": "rot13" } }), "rot13"),
        (json!({ "protection": { "scheme": "cbcs" } }), "systems"),
        (
            json!({ "protection": { "scheme": "cenc", "systems": ["fairplay"] } }),
            "FairPlay",
        ),
        (
            json!({ "protection": { "scheme": "aes-128", "key_source": "file", "key_file": "/etc/passwd" } }),
            "profiles only",
        ),
        (
            json!({ "protection": { "scheme": "aes-128", "key_source": "speke" } }),
            "protection.speke.url",
        ),
        (json!({ "protection": given }), "`keys`"),
        (json!({ "keys": [format!("{KID}:{KEY}")] }), "`keys`"),
        (
            json!({ "protection": given, "keys": [format!("{KID}:{KEY}0")] }),
            "[0]",
        ),
        (
            json!({ "protection": given, "keys": [format!("video={KID}:{KEY}")] }),
            "every kind of track",
        ),
        (
            json!({ "protection": given, "keys": { "key": KEY } }),
            "CPIX",
        ),
        (
            json!({ "protection": given, "keys": format!("<CPIX>{KEY}") }),
            "CPIX",
        ),
    ] {
        let answer = origin
            .admin(Method::POST, "/v1/assets", body.to_string())
            .await;
        let text = answer.text();
        assert_eq!(answer.status, 400, "{text}");
        assert!(text.contains(words), "{words}: {text}");
        assert!(!text.contains(KEY), "{text}");
    }
}
