//! What becomes of a token that holds, and of one that was taken back.

use super::*;

#[test]
fn a_token_passes_by_every_carrier_and_is_taken_out() {
    let token = token(&claims().cover("/vod/*"));
    let mut module = module(&simple());
    let edits = passed(ask(
        &mut module,
        &format!("/vod/a.m3u8?x=1&token={token}&y=%20"),
        &[],
    ));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8?x=1&y=%20"));
    let edits = passed(ask(&mut module, &format!("/vod/a.m3u8?token={token}"), &[]));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8"));
    let cookie = format!("a=1; weir-token={token}; b=2");
    let edits = passed(ask(&mut module, "/vod/a.m3u8", &[("cookie", &cookie)]));
    assert_eq!(set(&edits, "cookie").as_deref(), Some("a=1; b=2"));
    assert_eq!(target(&edits), None);
    let edits = passed(ask(
        &mut module,
        "/vod/a.m3u8",
        &[("cookie", &format!("weir-token={token}"))],
    ));
    assert!(removed(&edits, "cookie"));
    let edits = passed(ask(
        &mut module,
        "/vod/a.m3u8",
        &[("authorization", &format!("Bearer {token}"))],
    ));
    assert!(removed(&edits, "authorization"));
    let edits = passed(ask(&mut module, &format!("/t/{token}/vod/a.m3u8?x"), &[]));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8?x"));
    // The same token twice is one token; both copies go.
    let edits = passed(ask(
        &mut module,
        &format!("/t/{token}/vod/a?token={token}&token={token}"),
        &[],
    ));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a"));
}

#[test]
fn what_the_token_says_goes_on_and_what_the_client_says_does_not() {
    let claims = JwtClaims {
        subject: Some("ada lovelace\r\nx: y".to_owned()),
        tier: Some("premium".to_owned()),
        session: Some("s-1".to_owned()),
        entitlements: vec!["max-height=1080".to_owned(), "hdr".to_owned()],
        max_streams: Some(3),
        ..claims()
    };
    let target = format!("/a?token={}", token(&claims));
    let forged = [
        ("weir-tier", "free"),
        ("weir-token", "x"),
        ("weir-client-ip", "10.0.0.1"),
        ("weir-country", "DE"),
        ("weir-variant", "b"),
    ];
    let edits = passed(ask(&mut module(&simple()), &target, &forged));
    assert_eq!(
        set(&edits, "weir-subject").as_deref(),
        Some("ada%20lovelace%0D%0Ax:%20y")
    );
    assert_eq!(set(&edits, "weir-tier").as_deref(), Some("premium"));
    assert_eq!(set(&edits, "weir-session").as_deref(), Some("s-1"));
    assert_eq!(
        set(&edits, "weir-entitlements").as_deref(),
        Some("max-height=1080, hdr, max-streams=3")
    );
    for name in [
        "weir-token",
        "weir-client-ip",
        "weir-country",
        "weir-variant",
    ] {
        assert!(removed(&edits, name), "{name}");
    }
    // Behind the node the node's own headers stay, the identity headers still do not.
    let behind = format!(
        "client-address = \"weir-client-ip\"\naccess = \"optional\"\n{}",
        simple()
    );
    let edits = passed(ask(
        &mut module(&behind),
        "/a",
        &[("weir-client-ip", "192.0.2.1"), ("weir-subject", "eve")],
    ));
    assert_eq!(
        edits.iter().collect::<Vec<_>>(),
        [Edit::RemoveRequest("weir-subject")]
    );
}

#[test]
fn the_token_is_handed_on_only_when_asked() {
    let token = token(&claims());
    let mut off = module(&simple());
    assert_eq!(
        set(
            &passed(ask(&mut off, &format!("/a?token={token}"), &[])),
            "weir-token"
        ),
        None
    );
    let mut on = module(&format!("propagate = \"header\"\n{}", simple()));
    let edits = passed(ask(
        &mut on,
        &format!("/a?token={token}"),
        &[("weir-token", "query:token=forged")],
    ));
    assert_eq!(
        set(&edits, "weir-token"),
        Some(format!("query:token={token}"))
    );
    let edits = passed(ask(&mut on, &format!("/t/{token}/a"), &[]));
    assert_eq!(set(&edits, "weir-token"), Some(format!("path:{token}")));
    let edits = passed(ask(
        &mut on,
        "/a",
        &[
            ("cookie", &format!("weir-token={token}")),
            ("weir-token", "x"),
        ],
    ));
    assert_eq!(
        (set(&edits, "weir-token"), removed(&edits, "weir-token")),
        (None, true)
    );
}

#[test]
fn a_remembered_token_is_still_held_to_its_limits() {
    let mut module = module(&simple());
    let token = token(&claims().cover("/vod/*"));
    let mut host = host();
    let mut at = |seconds: i64, path: &str| {
        host.now_ns = (NOW + seconds).unsigned_abs() * 1_000_000_000;
        decide(
            &mut module,
            &mut host,
            "GET",
            &format!("{path}?token={token}"),
            &[],
        )
    };
    passed(at(0, "/vod/a"));
    passed(at(59, "/vod/b"));
    assert_eq!(refused(at(59, "/live/b")).1, "path-not-allowed");
    assert_eq!(refused(at(60, "/vod/a")).1, "token-expired");
}

#[test]
fn a_token_that_was_taken_back_is_refused() {
    let config = format!(
        "{}[revocations]\nurl = \"https://origin.example/_weir/revocations\"\n",
        simple()
    );
    let mut module = module(&config);
    assert_eq!(module.documents()[0].name, "revocations");
    let named = JwtClaims {
        subject: Some("ada".to_owned()),
        session: Some("s1".to_owned()),
        token_id: Some("t1".to_owned()),
        ..claims()
    };
    let request = format!("/a?token={}", token(&named));
    assert_eq!(
        refused(ask(&mut module, &request, &[])),
        (503, "state-unavailable".to_owned())
    );
    let list = |entries: &str| format!("{{\"revocations\":[{entries}]}}");
    module
        .load_document("revocations", list("").as_bytes())
        .unwrap();
    passed(ask(&mut module, &request, &[]));
    for (entry, stops) in [
        (
            r#"{"kind":"subject","value":"ada","reason":"x"}"#.to_owned(),
            true,
        ),
        (r#"{"kind":"session","value":"s1"}"#.to_owned(), true),
        (r#"{"kind":"token","value":"t1"}"#.to_owned(), true),
        (r#"{"kind":"token","value":"ada"}"#.to_owned(), false),
        (r#"{"kind":"subject","value":"Ada"}"#.to_owned(), false),
        (
            format!(r#"{{"kind":"subject","value":"ada","until":{NOW}}}"#),
            true,
        ),
        (
            format!(r#"{{"kind":"subject","value":"ada","until":{}}}"#, NOW - 1),
            false,
        ),
    ] {
        module
            .load_document("revocations", list(&entry).as_bytes())
            .unwrap();
        let verdict = ask(&mut module, &request, &[]);
        assert_eq!(matches!(verdict, Verdict::Answer(_)), stops, "{entry}");
        if stops {
            assert_eq!(refused(verdict), (403, "token-revoked".to_owned()));
        }
    }
    module
        .load_document(
            "revocations",
            list(r#"{"kind":"subject","value":"ada"}"#).as_bytes(),
        )
        .unwrap();
    for broken in [
        "",
        "{}",
        "[]",
        r#"{"revocations":[{"kind":"user","value":"x"}]}"#,
        r#"{"revocations":[{"kind":"subject"}]}"#,
    ] {
        module
            .load_document("revocations", broken.as_bytes())
            .unwrap_err();
        assert_eq!(
            refused(ask(&mut module, &request, &[])).1,
            "token-revoked",
            "the last good copy stays"
        );
    }
    let lax = format!("{config}until-loaded = \"pass\"\n");
    passed(ask(
        &mut TokenCheck::configure(&lax).unwrap(),
        &request,
        &[],
    ));
}
