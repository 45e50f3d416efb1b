//! Renewal, and tokens of one use.

use super::*;

fn catr(kind: i64, more: Vec<(i64, Value)>) -> (i64, Value) {
    let mut entries = vec![(0, kind.into()), (1, 300.into()), (2, 120.into())];
    entries.extend(more);
    (label::CATR, map(entries))
}

#[test]
fn renewal_counts_from_now() {
    let soon = || (label::EXP, (NOW + 60).into());
    let cookie = catr(
        1,
        vec![
            (3, "cat".into()),
            (5, texts(&["Secure", "HttpOnly", "SameSite=None"])),
        ],
    );
    let passed = edits(ask("/vod/a", &[], vec![soon(), cookie.clone()]));
    let set = passed.iter().find_map(|edit| match edit {
        Edit::AppendResponse("set-cookie", value) => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    });
    let set = set.unwrap();
    let token = set.strip_prefix("cat=").unwrap().split(';').next().unwrap();
    assert!(set.ends_with("; Secure; HttpOnly; SameSite=None"), "{set}");
    let renewed = verify(CatRules::default(), token).unwrap();
    assert_eq!(
        renewed.expires,
        Some(NOW + 300),
        "from now, not from the old expiry"
    );
    assert!(renewed.renewal.is_some(), "and it renews again");
    assert!(passed.any(|edit| edit == Edit::SetResponse("cache-control", b"private, no-store")));

    let early = edits(ask(
        "/vod/a",
        &[],
        vec![(label::EXP, (NOW + 121).into()), cookie],
    ));
    assert!(!early.any(|edit| edit.is_response_header()));
    let in_header = edits(ask("/vod/a", &[], vec![soon(), catr(2, vec![])]));
    assert!(in_header.any(|edit| matches!(edit, Edit::SetResponse("cta-common-access-token", _))));
    // An expired token is not renewed.
    assert_eq!(
        reason(&ask(
            "/vod/a",
            &[],
            vec![(label::EXP, NOW.into()), catr(2, vec![])]
        ))
        .as_deref(),
        Some("token-expired")
    );
}

#[test]
fn renewal_by_redirect_keeps_the_url() {
    let mut module =
        TokenCheck::configure(&config("carriers = [\"query:CAT\", \"path:t\"]\n")).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let token = with(vec![
        (label::EXP, (NOW + 60).into()),
        catr(3, vec![(7, 307.into())]),
    ]);
    for (target, begins, ends) in [
        (format!("/vod/a?x=1&CAT={token}"), "/vod/a?x=1&CAT=", ""),
        (format!("/vod/a?CAT={token}"), "/vod/a?CAT=", ""),
        (format!("/t/{token}/vod/a?x=1"), "/t/", "/vod/a?x=1"),
    ] {
        let Verdict::Answer(answer) = decide(&mut module, &mut host, "GET", &target, &[]) else {
            panic!("passed")
        };
        assert_eq!(answer.status, 307);
        let location = header(&answer, "location").unwrap();
        assert!(
            location.starts_with(begins) && location.ends_with(ends),
            "{location}"
        );
        assert!(!location.contains(&token));
        assert!(
            matches!(
                decide(&mut module, &mut host, "GET", &location, &[]),
                Verdict::Pass(_)
            ),
            "{location}"
        );
    }
}

/// Counters of one number each, for tests of replay.
#[derive(Default, Debug)]
struct Numbers(std::collections::HashMap<Vec<u8>, i64>);

impl Counters for Numbers {
    fn increment(&mut self, key: &[u8], by: i64, _ttl_ns: u64) -> Result<i64, StoreError> {
        let number = self.0.entry(key.to_vec()).or_default();
        *number += by;
        Ok(*number)
    }
    fn take(&mut self, _: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        unreachable!()
    }
    fn lease(
        &mut self,
        _: &[u8],
        _: &[u8],
        _: u32,
        _: u64,
        _: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        unreachable!()
    }
    fn release(&mut self, _: &[u8], _: &[u8]) -> Result<bool, StoreError> {
        unreachable!()
    }
    fn get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        unreachable!()
    }
    fn put_if(&mut self, _: &[u8], _: Option<&[u8]>, _: &[u8], _: u64) -> Result<bool, StoreError> {
        unreachable!()
    }
    fn delete(&mut self, _: &[u8]) -> Result<bool, StoreError> {
        unreachable!()
    }
}

#[test]
fn a_token_for_one_use_is_used_once() {
    let mut module = TokenCheck::configure(&config("")).unwrap();
    let now_ns = NOW.unsigned_abs() * 1_000_000_000;
    let mut host = TestHost {
        now_ns,
        counters: Numbers::default(),
        ..TestHost::default()
    };
    let token = with(vec![
        (label::CATREPLAY, 1.into()),
        (label::CTI, Value::Bytes(vec![1, 2])),
    ]);
    let headers = [("cta-common-access-token", token.as_str())];
    assert!(matches!(
        decide(&mut module, &mut host, "GET", "/a", &headers),
        Verdict::Pass(_)
    ));
    assert_eq!(
        reason(&decide(&mut module, &mut host, "GET", "/a", &headers)).as_deref(),
        Some("token-replayed")
    );
    // Without shared state nobody can tell.
    let mut alone: TestHost = TestHost {
        now_ns,
        ..TestHost::default()
    };
    assert_eq!(
        reason(&decide(&mut module, &mut alone, "GET", "/a", &headers)).as_deref(),
        Some("state-unavailable")
    );
}
