//! Signed playback URLs, checked with the edge's own code.

use http::Method;
use serde_json::json;
use std::process::Command;

use crate::origin::Origin;
use crate::support::fixture;

#[tokio::test]
async fn grants_are_signed_scoped_and_verifiable() {
    let origin = Origin::start(&[("WEIR_ORIGIN__SERVER__PUBLIC_URL", "https://cdn.example")]);
    let asset = origin.publish(&fixture("bigbuckbunny-720p-5s.mp4")).await;
    let id = asset["id"].as_str().expect("an id");
    let request = json!({ "subject": "ada", "tier": "premium", "entitlements": ["max-height=1080"], "lifetime_seconds": 60 });
    let grant = origin
        .admin(
            Method::POST,
            &format!("/v1/assets/{id}/playback"),
            request.to_string(),
        )
        .await;
    assert_eq!(
        (grant.status.as_u16(), grant.header("cache-control")),
        (200, "no-store"),
        "{}",
        grant.text()
    );
    let grant = grant.json();
    let token = grant["token"].as_str().expect("a token");
    let url = grant["urls"][0]["url"].as_str().expect("a URL");
    let multivariant = asset["versions"][0]["multivariant"]
        .as_str()
        .expect("a path");
    assert_eq!(
        url,
        format!("https://cdn.example/vod/{id}/v1/{multivariant}?token={token}")
    );
    assert_eq!(grant["scope"], format!("/vod/{id}/"));

    let jwks = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(jwks.path(), origin.get("/.well-known/jwks.json").await.body).expect("written");
    let verify = |path: &str| {
        let arguments = ["token", "verify", token, "--path", path, "--jwks"];
        let output = Command::new(env!("CARGO_BIN_EXE_weir-origin"))
            .args(arguments)
            .arg(jwks.path())
            .output()
            .expect("it runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (valid, shown) = verify(&format!("/vod/{id}/v1/{multivariant}"));
    assert!(
        valid && shown.contains("premium") && shown.contains("max-height=1080"),
        "{shown}"
    );
    let (valid, shown) = verify("/vod/another/v1/main.m3u8");
    assert!(!valid && shown.contains("path-not-allowed"), "{shown}");

    let by_path = origin
        .admin(
            Method::POST,
            &format!("/v1/assets/{id}/playback"),
            r#"{"carrier": "path"}"#,
        )
        .await
        .json();
    assert!(
        by_path["urls"][0]["path"]
            .as_str()
            .expect("a path")
            .starts_with("/t/ey"),
        "{by_path}"
    );
    for bad in [
        json!({ "lifetime_seconds": 0 }),
        json!({ "lifetime_seconds": 999_999_999 }),
        json!({ "subject": "a\nb" }),
        json!({ "entitlements": ["a,b"] }),
        json!({ "version": 9 }),
    ] {
        let answer = origin
            .admin(
                Method::POST,
                &format!("/v1/assets/{id}/playback"),
                bad.to_string(),
            )
            .await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 409),
            "{bad}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn the_demo_is_off_until_asked_for() {
    let closed = Origin::start(&[]);
    assert_eq!(closed.get("/demo/assets").await.status, 404);
    let origin = Origin::start(&[("WEIR_ORIGIN__DEMO__ENABLED", "true")]);
    let waiting = origin.create("not published").await;
    let asset = origin.publish(&fixture("bigbuckbunny-720p-5s.mp4")).await;
    let id = asset["id"].as_str().expect("an id");
    let listed = origin.get("/demo/assets").await.json();
    assert_eq!(
        listed.as_array().map(Vec::len),
        Some(1),
        "published assets only: {listed}"
    );
    assert_eq!(listed[0]["resolution"], json!([1280, 720]));
    let grant = origin
        .send(
            Method::POST,
            &format!("/demo/assets/{id}/playback"),
            &[],
            "",
        )
        .await
        .json();
    let path = grant["urls"][0]["path"].as_str().expect("a path");
    assert_eq!(origin.get(path).await.status, 200);
    assert_eq!(
        origin
            .send(
                Method::POST,
                &format!("/demo/assets/{waiting}/playback"),
                &[],
                ""
            )
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_page_is_whole_and_guarded() {
    let origin = Origin::start(&[]);
    for path in ["/", "/play/anything"] {
        let page = origin.get(path).await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"),
            "{policy}"
        );
        for named in page
            .text()
            .split("\"/static/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert_eq!(
                origin.get(&format!("/static/{named}")).await.status,
                200,
                "{named}"
            );
        }
    }
    let style = origin.get("/static/app.css").await;
    assert_eq!(
        origin
            .send(
                Method::GET,
                "/static/app.css",
                &[("if-none-match", style.header("etag"))],
                ""
            )
            .await
            .status,
        304
    );
    assert_eq!(origin.get("/static/../Cargo.toml").await.status, 404);
}

#[tokio::test]
async fn rotation_keeps_old_tokens_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let weir = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_weir-origin"))
            .env("WEIR_ORIGIN__STORAGE__FILE__PATH", folder.path())
            .args(arguments)
            .output()
            .expect("it runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let (_, old) = weir(&["token", "sign", "--path", "/vod/film/", "--subject", "ada"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(weir(&["token", "keygen", "--store"]).0);
    let (_, new) = weir(&["token", "sign", "--path", "/vod/film/", "--subject", "ada"]);
    let id_of = |token: &str| weir(&["token", "inspect", token]).1;
    assert_ne!(id_of(&old), id_of(&new));
    for token in [&old, &new] {
        assert!(
            weir(&["token", "verify", token, "--path", "/vod/film/v1/main.m3u8"]).0,
            "{token}"
        );
    }
    let tampered = old.replacen("eyJ", "eyK", 1);
    assert!(!weir(&["token", "verify", &tampered]).0);
    let private = folder.path().join("keys/signing");
    for entry in std::fs::read_dir(private).expect("there") {
        use std::os::unix::fs::PermissionsExt;
        let mode = entry
            .expect("readable")
            .metadata()
            .expect("readable")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads a signing key");
    }
}
