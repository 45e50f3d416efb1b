//! Who may do what, and what is said to those who may not.

use http::Method;
use serde_json::json;

use crate::origin::Origin;

#[tokio::test]
async fn nothing_administrative_is_open() {
    // Every operation is tried with wrong keys: that would be slowed down.
    let origin = Origin::start(&[("WEIR_ORIGIN__LIMITS__FAILURES_PER_MINUTE", "1000")]);
    let id = origin.create("film").await;
    let document = origin.get("/openapi.json").await.json();
    let mut closed = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            if operation["security"].is_null() {
                assert!(
                    !path.starts_with("/v1/"),
                    "{method} {path} is documented as open"
                );
                continue;
            }
            let path = path.replace("{id}", &id).replace("{subtitles}", "de");
            let method: Method = method.to_uppercase().parse().expect("a method");
            for headers in [
                &[][..],
                &[("authorization", "Bearer wrong")],
                &[("authorization", "Basic d2VpcjpXZWly")],
            ] {
                let answer = origin.send(method.clone(), &path, headers, "{}").await;
                assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
                assert_eq!(answer.json()["type"], "urn:weir:problem:unauthenticated");
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
            }
            closed += 1;
        }
    }
    assert!(closed >= 10, "{closed} operations need a key");
}

#[tokio::test]
async fn failed_authentication_is_slowed_down() {
    let origin = Origin::start(&[("WEIR_ORIGIN__LIMITS__FAILURES_PER_MINUTE", "5")]);
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(origin.get("/v1/assets").await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(
        origin.admin(Method::GET, "/v1/assets", "").await.status,
        200,
        "the right key still works"
    );
}

#[tokio::test]
async fn callers_have_a_rate() {
    let origin = Origin::start(&[("WEIR_ORIGIN__LIMITS__API_PER_MINUTE", "3")]);
    for _ in 0..3 {
        assert_eq!(
            origin.admin(Method::GET, "/v1/assets", "").await.status,
            200
        );
    }
    let refused = origin.admin(Method::GET, "/v1/assets", "").await;
    assert_eq!(refused.status, 429);
    assert!(
        (1..=21).contains(
            &refused
                .header("retry-after")
                .parse::<u32>()
                .expect("seconds")
        )
    );
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let origin = Origin::start(&[]);
    for (body, words) in [
        (r#"{"titel": "x"}"#, "titel"),
        (r#"{"title": 5}"#, "`title`"),
        (r#"{"title": "x""#, "EOF"),
        (r#"{"profile": "gold"}"#, "gold"),
    ] {
        let answer = origin.admin(Method::POST, "/v1/assets", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.json()["detail"]
                .as_str()
                .expect("a detail")
                .contains(words),
            "{}",
            answer.text()
        );
    }
    assert_eq!(
        origin
            .admin(Method::GET, "/v1/assets?limit=0", "")
            .await
            .status,
        400
    );
    assert_eq!(
        origin
            .admin(Method::GET, "/v1/assets?limite=3", "")
            .await
            .status,
        400
    );
    assert_eq!(
        origin
            .admin(Method::GET, "/v1/assets/no-such-asset", "")
            .await
            .status,
        404
    );
    assert_eq!(
        origin.admin(Method::PUT, "/v1/assets", "").await.status,
        405
    );
    assert_eq!(
        origin.get("/nowhere").await.json()["type"],
        "urn:weir:problem:not-found"
    );
    let id = origin.create("film").await;
    assert_eq!(
        origin
            .admin(Method::POST, &format!("/v1/assets/{id}/package"), "")
            .await
            .status,
        409,
        "nothing uploaded"
    );
    assert_eq!(
        origin
            .admin(Method::POST, &format!("/v1/assets/{id}/cancel"), "")
            .await
            .status,
        409,
        "nothing to cancel"
    );
    assert_eq!(
        origin
            .admin(Method::POST, &format!("/v1/assets/{id}/playback"), "")
            .await
            .status,
        409,
        "nothing published"
    );
    let large = json!({ "title": "x".repeat(1 << 20) }).to_string();
    assert_eq!(
        origin.admin(Method::POST, "/v1/assets", large).await.status,
        413
    );
}

#[tokio::test]
async fn assets_are_listed_searched_and_changed() {
    let origin = Origin::start(&[]);
    let mut ids = Vec::new();
    for title in ["Sintel", "Big Buck Bunny", "Tears of Steel"] {
        ids.insert(0, origin.create(title).await);
    }
    let patched = origin
        .admin(
            Method::PATCH,
            &format!("/v1/assets/{}", ids[0]),
            r#"{"tags": ["sf"], "labels": {"year": "2012"}}"#,
        )
        .await;
    assert_eq!(
        (patched.status.as_u16(), &patched.json()["title"]),
        (200, &json!("Tears of Steel"))
    );
    let listed = |query: &'static str| {
        let origin = &origin;
        async move {
            let page = origin
                .admin(Method::GET, &format!("/v1/assets{query}"), "")
                .await
                .json();
            let ids: Vec<String> = page["assets"]
                .as_array()
                .expect("assets")
                .iter()
                .map(|asset| asset["id"].as_str().expect("an id").to_owned())
                .collect();
            (ids, page["next"].as_str().map(str::to_owned))
        }
    };
    assert_eq!(listed("").await, (ids.clone(), None), "newest first");
    assert_eq!(listed("?q=bunny").await.0, [ids[1].clone()]);
    assert_eq!(listed("?tag=sf").await.0, [ids[0].clone()]);
    let (first, next) = listed("?limit=2").await;
    assert_eq!(first, ids[..2]);
    let rest = origin
        .admin(
            Method::GET,
            &format!("/v1/assets?limit=2&cursor={}", next.expect("more")),
            "",
        )
        .await
        .json();
    assert_eq!(rest["assets"][0]["id"], json!(ids[2]));
}

#[tokio::test]
async fn health_figures_and_documents_are_served() {
    let origin = Origin::start(&[]);
    assert_eq!(origin.get("/healthz").await.status, 200);
    assert_eq!(origin.get("/readyz").await.status, 200);
    let figures = origin.get("/metrics").await.text();
    assert!(
        figures.contains("weir_origin_http_server_request_duration_seconds_count{")
            && figures.ends_with("# EOF\n"),
        "{figures}"
    );
    assert!(figures.contains(r#"http_route="/healthz""#), "{figures}");
    let document = origin.get("/openapi.json").await.json();
    assert!(
        document["openapi"]
            .as_str()
            .expect("a version")
            .starts_with("3.1")
    );
    let page = origin.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("swagger-ui"), "{}", page.text());
    let sent = origin
        .send(
            Method::GET,
            "/healthz",
            &[("x-request-id", "a-request-of-mine")],
            "",
        )
        .await;
    assert_eq!(sent.header("x-request-id"), "a-request-of-mine");
}

#[tokio::test]
async fn bad_configuration_does_not_start() {
    let run = |name: &str, value: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_weir-origin"))
            .args(["config", "check"])
            .env(name, value)
            .output()
            .expect("it runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for (name, value, words) in [
        ("WEIR_ORIGIN__STORAGE__KIND", "tape", "storage.kind"),
        ("WEIR_ORIGIN__SERVER__LISTN", "127.0.0.1:1", "server.listn"),
        (
            "WEIR_ORIGIN__PACKAGING__SEGMENT_SECONDS",
            "0",
            "packaging.segment-seconds",
        ),
    ] {
        let (started, error) = run(name, value);
        assert!(
            !started && error.contains(words) && error.contains(value),
            "{name}: {error}"
        );
    }
    assert!(run("WEIR_ORIGIN__STORAGE__KIND", "file").0);
}
