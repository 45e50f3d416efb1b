//! What goes in and out: forced variants, cookies, what a client says, exposure.

use super::*;

#[test]
fn what_a_client_says_of_itself_never_gets_through() {
    let mut bench = Bench::new(&format!("{TWO}percent = 0\n"));
    let passed = bench.ask(
        "/a.m3u8",
        &[("weir-subject", "ada"), ("weir-variant", "ladder:low")],
    );
    assert_eq!(passed.removed, ["weir-variant"]);
    let mut bench = Bench::new(TWO);
    let passed = bench.ask(
        "/a.m3u8",
        &[("weir-subject", "ada"), ("weir-variant", "x:y")],
    );
    assert!(passed.variant.unwrap().starts_with("ladder:"), "replaced");
}

#[test]
fn forced_by_a_signed_query_and_kept_by_a_cookie() {
    let config = format!("{TWO}percent = 0\n[force]\nsecrets = ['{SECRET}']\n");
    let mut bench = Bench::new(&config);
    let text = sign_force(SECRET, "other:x,ladder:low", 1_800_000_000);
    let first = bench.ask(&format!("/a.m3u8?x=1&weir-force={text}&y"), &[]);
    assert_eq!(first.variant.as_deref(), Some("ladder:low"));
    assert_eq!(first.target.as_deref(), Some("/a.m3u8?x=1&y"));
    let cookies = first.response("set-cookie");
    assert_eq!(
        cookies,
        [format!(
            "weir-force={text}; Max-Age=1000; Path=/; Secure; HttpOnly; SameSite=Lax"
        )]
    );
    assert_eq!(first.response("cache-control"), ["private, no-store"]);
    assert_eq!(first.response("weir-variant"), ["ladder:low"]);
    assert!(
        bench.host.logged.is_empty(),
        "what is forced is no exposure: {:?}",
        bench.host.logged
    );

    let cookie = format!("weir-force={text}");
    let next = bench.ask("/seg-1.m4s", &[("cookie", &cookie)]);
    assert_eq!(next.variant.as_deref(), Some("ladder:low"));
    assert!(
        next.response.is_empty() && next.target.is_none(),
        "{next:?}"
    );

    bench.host.now_ns = 1_800_000_000_000_000_000;
    assert_eq!(
        bench.ask("/seg-1.m4s", &[("cookie", &cookie)]).variant,
        None
    );
    assert!(
        bench.host.logged.is_empty(),
        "a cookie that ran out is no news"
    );
    let late = bench.ask(&format!("/a.m3u8?weir-force={text}"), &[]);
    assert_eq!(
        (late.variant, late.target.as_deref()),
        (None, Some("/a.m3u8"))
    );
    assert_eq!(bench.host.logged.len(), 1, "{:?}", bench.host.logged);
    let forged = bench.ask("/a.m3u8?weir-force=ladder:low.1900000000.00", &[]);
    assert_eq!(
        (forged.variant, bench.host.logged.len()),
        (None, 1),
        "one line in ten seconds"
    );
}

#[test]
fn without_force_nothing_is_read_or_taken_off() {
    let mut bench = Bench::new(&format!("{TWO}percent = 0\n"));
    let text = sign_force(SECRET, "ladder:low", 1_800_000_000);
    let passed = bench.ask(&format!("/a.m3u8?weir-force={text}"), &[]);
    assert_eq!(passed, Passed::default());
}

#[test]
fn exposure_is_told_once_to_each() {
    let config = "unit = ['cookie:weir-unit', 'device']\n[exposure]\ncookie = 'weir-variant'\nremember-device = 'weir-unit'\n";
    let mut bench = Bench::new(&format!("{config}{TWO}"));
    let address = ("weir-client-ip", "192.0.2.1");
    let segment = bench.ask("/seg-1.m4s", &[address]);
    assert!(
        segment.response.is_empty() && bench.host.logged.is_empty(),
        "a segment exposes nothing"
    );
    let first = bench.ask("/a.m3u8", &[address, ("origin", "https://player.example")]);
    let told = first.variant.clone().unwrap();
    assert_eq!(first.response("weir-variant"), [told.as_str()]);
    assert_eq!(
        first.response("access-control-expose-headers"),
        ["weir-variant"]
    );
    let cookies = first.response("set-cookie");
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(
        cookies
            .iter()
            .all(|cookie| cookie.ends_with("; Path=/; Max-Age=2592000; Secure; SameSite=Lax"))
    );
    assert_eq!(first.response("cache-control"), ["private, no-store"]);
    let kept: Vec<&str> = cookies
        .iter()
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    // From another address, with the cookies: the same unit, nothing to set.
    let moved = bench.ask(
        "/a.m3u8",
        &[
            ("weir-client-ip", "198.51.100.9"),
            ("cookie", &kept.join("; ")),
        ],
    );
    assert_eq!(moved.variant.as_deref(), Some(told.as_str()));
    assert!(moved.response("set-cookie").is_empty() && moved.response("cache-control").is_empty());
    assert_eq!(bench.host.logged.len(), 1, "{:?}", bench.host.logged);
    let line = &bench.host.logged[0].1;
    let (name, variant) = told.split_once(':').unwrap();
    assert!(
        line.starts_with(&format!(
            "exposure experiment={name} variant={variant} unit="
        )),
        "{line}"
    );
    assert!(!line.contains("192.0.2.1"));
    bench.host.now_ns += 3_600_000_000_000;
    bench.ask("/a.m3u8", &[address]);
    assert_eq!(bench.host.logged.len(), 2, "again after an hour");
}

proptest! {
    #[test]
    fn any_request_passes_and_the_parameter_never_does(
        query in "[a-z=&%.:;-]{0,40}",
        cookie in "\\PC{0,40}",
        subject in "\\PC{0,20}",
    ) {
        let mut bench = Bench::new(&format!("{TWO}[force]\nsecrets = ['{SECRET}']\nparameter = 'f'\ncookie = 'f'\n"));
        let target = format!("/a.m3u8?{query}&f={query}");
        let passed = bench.ask(&target, &[("cookie", &cookie), ("weir-subject", &subject)]);
        let left = passed.target.unwrap();
        prop_assert!(left.split(['?', '&']).skip(1).all(|pair| pair.split('=').next() != Some("f")), "{}", left);
        prop_assert!(passed.variant.is_none_or(|told| told == "ladder:usual" || told == "ladder:low"));
    }
}
