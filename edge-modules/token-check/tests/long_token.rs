//! Google Media CDN's short and long tokens: what is exchanged, how it travels, and what the long token may do.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::mint::{MediaCdnClaims, MediaCdnScope, Minter};
use token_check::{SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Edits, Module, Verdict};

const NOW: i64 = 1_800_000_000;
const SHORT: &str = "a short secret of sixteen bytes or more";

fn long_key() -> SigningKey {
    SigningKey::ed25519(&[9; 32])
}

/// Short tokens open multivariant playlists, long ones everything else.
fn config(top: &str, exchange: &str) -> String {
    let pem = long_key().to_pem().unwrap();
    format!(
        "{top}client-address = \"weir-client-ip\"\n\
         [[keys]]\nname = \"short\"\nalgorithms = [\"HS256\"]\nsecret = \"{SHORT}\"\n\
         [[keys]]\nname = \"long\"\npem = '''{pem}'''\n\
         [[routes]]\npaths = [\"/**/main.m3u8\"]\nformats = [\"short\"]\n\
         [formats.long]\ntype = \"media-cdn\"\nkeys = [\"long\"]\nhmac = false\n\
         [formats.short]\ntype = \"media-cdn\"\nkeys = [\"short\"]\ncarriers = [\"query:edge-cache-token\"]\n\
         [formats.short.exchange]\nkey = \"long\"\n{exchange}"
    )
}

fn short(scope: MediaCdnScope, more: impl FnOnce(&mut MediaCdnClaims)) -> String {
    let mut claims = MediaCdnClaims {
        scope,
        not_before: None,
        expires: NOW + 60,
        session: None,
        data: None,
        headers: Vec::new(),
        networks: Vec::new(),
    };
    more(&mut claims);
    let key = SigningKey::secret(SHORT.as_bytes()).unwrap();
    let token = Minter::new(key).media_cdn(&claims).unwrap();
    token.replace('%', "%25").replace('+', "%2B")
}

fn ask(module: &mut TokenCheck, now: i64, target: &str, headers: &[(&str, &str)]) -> Verdict {
    let mut host: TestHost = TestHost {
        now_ns: now.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    decide(module, &mut host, "GET", target, headers)
}

fn passed(verdict: Verdict) -> Edits {
    match verdict {
        Verdict::Pass(edits) => edits,
        other => panic!("refused: {other:?}"),
    }
}

fn reason(verdict: Verdict) -> String {
    let Verdict::Answer(answer) = verdict else {
        panic!("passed: {verdict:?}");
    };
    let (_, value) = answer
        .headers
        .iter()
        .find(|(name, _)| name == "weir-reason")
        .unwrap();
    String::from_utf8(value.clone()).unwrap()
}

fn cookie(edits: &Edits) -> String {
    let found = edits.iter().find_map(|edit| match edit {
        Edit::AppendResponse("set-cookie", value) => Some(value.to_vec()),
        _ => None,
    });
    String::from_utf8(found.unwrap()).unwrap()
}

#[test]
fn a_short_token_is_answered_with_a_long_one_in_a_cookie() {
    let mut module = TokenCheck::configure(&config("", "lasts = 3600\n")).unwrap();
    let token = short(
        MediaCdnScope::PathGlobs("/film/*,/shared/*".to_owned()),
        |claims| {
            claims.session = Some("s1".to_owned());
            claims.data = Some("50% of;it".to_owned());
            claims.headers = vec![("User-Agent".to_owned(), "tv".to_owned())];
            claims.networks = vec!["192.0.2.0/24".to_owned()];
            claims.not_before = Some(NOW - 60);
        },
    );
    let viewer = [("user-agent", "tv"), ("weir-client-ip", "192.0.2.7")];
    let target = format!("/film/main.m3u8?edge-cache-token={token}");
    let edits = passed(ask(&mut module, NOW, &target, &viewer));
    assert!(edits.any(|edit| edit == Edit::SetTarget("/film/main.m3u8")));
    assert!(edits.any(|edit| edit == Edit::SetResponse("cache-control", b"private, no-store")));
    let set = cookie(&edits);
    assert!(
        set.ends_with("; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=None"),
        "{set}"
    );
    let carried = set.split(';').next().unwrap().to_owned();
    assert!(carried.starts_with("Edge-Cache-Cookie=PathGlobs=/film/*%2C/shared/*~"));
    assert!(
        carried.contains("~Expires=1800003600~Signature="),
        "{carried}"
    );

    let with = |more: &[(&'static str, &'static str)]| {
        let mut headers: Vec<(&str, &str)> = vec![("cookie", carried.as_str())];
        headers.extend(more);
        headers
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect::<Vec<_>>()
    };
    let mut later = |now, target: &str, more: &[(&'static str, &'static str)]| {
        let headers = with(more);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        ask(&mut module, now, target, &headers)
    };
    // Long after the short token's end, with the session that it named, until the long one ends.
    let edits = passed(later(NOW + 3599, "/shared/audio/1.m4s", &viewer));
    assert!(edits.any(|edit| edit == Edit::SetRequest("weir-session", b"s1")));
    assert!(edits.any(|edit| edit == Edit::RemoveRequest("cookie")));
    assert!(!edits.any(|edit| edit.is_response_header()));
    assert_eq!(
        reason(later(NOW + 3600, "/film/1.m4s", &viewer)),
        "token-expired"
    );
    // It demands what the short one did.
    assert_eq!(
        reason(later(NOW, "/other/1.m4s", &viewer)),
        "path-not-allowed"
    );
    let stranger = [("user-agent", "tv"), ("weir-client-ip", "203.0.113.1")];
    assert_eq!(
        reason(later(NOW, "/film/1.m4s", &stranger)),
        "address-not-allowed"
    );
    let other = [("user-agent", "pc"), ("weir-client-ip", "192.0.2.7")];
    assert_eq!(
        reason(later(NOW, "/film/1.m4s", &other)),
        "signature-invalid"
    );
    // A short token opens no segment, a long one no multivariant playlist.
    let target = format!("/film/1.m4s?edge-cache-token={token}");
    assert_eq!(
        reason(ask(&mut module, NOW, &target, &viewer)),
        "algorithm-not-allowed"
    );
    assert_eq!(
        reason(ask(
            &mut module,
            NOW,
            "/film/main.m3u8",
            &[("cookie", &carried)]
        )),
        "token-missing"
    );
}

#[test]
fn playlists_carry_the_long_token_where_cookies_do_not_reach() {
    let top = "propagate = \"header\"\n";
    let mut module = TokenCheck::configure(&config(top, "by = \"query\"\n")).unwrap();
    let token = short(
        MediaCdnScope::UrlPrefix("https://a/film/".to_owned()),
        |_| {},
    );
    let place = [(":scheme", "https"), (":authority", "a")];
    let target = format!("/film/main.m3u8?edge-cache-token={token}");
    let edits = passed(ask(&mut module, NOW, &target, &place));
    let handed = edits.iter().find_map(|edit| match edit {
        Edit::SetRequest("weir-token", value) => Some(String::from_utf8(value.to_vec()).unwrap()),
        _ => None,
    });
    let handed = handed.unwrap();
    assert!(!edits.any(|edit| matches!(edit, Edit::AppendResponse("set-cookie", _))));
    let long = handed.strip_prefix("query:").unwrap();
    assert!(long.starts_with("edge-cache-token=URLPrefix="), "{long}");
    // Media playlists hand it on as it came.
    let edits = passed(ask(
        &mut module,
        NOW + 86_399,
        &format!("/film/1080p.m3u8?{long}"),
        &place,
    ));
    assert!(edits.any(|edit| edit == Edit::SetRequest("weir-token", handed.as_bytes())));
    let expired = ask(
        &mut module,
        NOW + 86_400,
        &format!("/film/1.m4s?{long}"),
        &place,
    );
    assert_eq!(reason(expired), "token-expired");
}

/// A token for the playlist alone opens what lies beside and below it; fields that are not copied fall away, the scope never does.
#[test]
fn the_scope_is_always_taken_over() {
    let mut module = TokenCheck::configure(&config("", "copy = []\n")).unwrap();
    let token = short(
        MediaCdnScope::FullPath("/film/main.m3u8".to_owned()),
        |claims| claims.networks = vec!["192.0.2.7/32".to_owned()],
    );
    let target = format!("/film/main.m3u8?edge-cache-token={token}");
    let home = [("weir-client-ip", "192.0.2.7")];
    let set = cookie(&passed(ask(&mut module, NOW, &target, &home)));
    let carried = set.split(';').next().unwrap();
    assert!(
        carried.starts_with("Edge-Cache-Cookie=PathGlobs=/film/*~Expires="),
        "{carried}"
    );
    let away = [("weir-client-ip", "203.0.113.1"), ("cookie", carried)];
    passed(ask(&mut module, NOW, "/film/video/1.m4s", &away));
    assert_eq!(
        reason(ask(&mut module, NOW, "/films/1.m4s", &away)),
        "path-not-allowed"
    );
}

/// The other names of fields, as the published documentation lists them, are signed as they stand.
#[test]
fn fields_have_shorter_names_too() {
    let mut module = TokenCheck::configure(&config("", "")).unwrap();
    let key = SigningKey::ed25519(&[9; 32]);
    let sign = |fields: &str| {
        let signature = key
            .sign(token_check::Algorithm::EdDsa, fields.as_bytes())
            .unwrap();
        use base64::Engine;
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
        format!("/a/1.ts?edge-cache-token={fields}~Signature={signature}")
    };
    for fields in [
        "acl=/a/*!/b/*~st=1799999999~exp=1800000001~id=s1~data=x",
        "paths=/a/*~exp=1800000001~payload=x",
        "Expires=1800000001~PathGlobs=/a/*",
    ] {
        passed(ask(&mut module, NOW, &sign(fields), &[]));
    }
    for (fields, code) in [
        ("acl=/b/*~exp=1800000001", "path-not-allowed"),
        ("acl=/a/*~exp=1800000000", "token-expired"),
        (
            "acl=/a/*~st=1800000001~exp=1900000000",
            "token-not-yet-valid",
        ),
        (
            "acl=/a/*~exp=1800000001~Expires=1900000000",
            "claim-malformed",
        ),
        ("acl=/a/*~paths=/b/*~exp=1900000000", "claim-malformed"),
        ("acl=/a/*~Exp=1900000000", "claim-unsupported"),
    ] {
        assert_eq!(
            reason(ask(&mut module, NOW, &sign(fields), &[])),
            code,
            "{fields}"
        );
    }
}

#[test]
fn an_exchange_that_cannot_work_is_refused_at_once() {
    for (top, exchange, key) in [
        ("", "lasts = 0\n", "formats.short.exchange.lasts"),
        ("", "lasts = 604801\n", "formats.short.exchange.lasts"),
        ("", "copy = [\"Expires\"]\n", "formats.short.exchange.copy"),
        ("", "by = \"query\"\n", "formats.short.exchange.by"),
        ("", "name = \"a b\"\n", "formats.short.exchange.name"),
        (
            "",
            "attributes = \"a\\nb\"\n",
            "formats.short.exchange.attributes",
        ),
    ] {
        let error = TokenCheck::configure(&config(top, exchange)).err().unwrap();
        assert!(error.to_string().contains(key), "{error}");
    }
    for (name, message) in [("short", "Ed25519"), ("none", "no key is named")] {
        let text = config("", "").replace("key = \"long\"", &format!("key = \"{name}\""));
        let error = TokenCheck::configure(&text).err().unwrap().to_string();
        assert!(
            error.contains("formats.short.exchange.key") && error.contains(message),
            "{error}"
        );
    }
}
