//! Claims that limit the request, and the answer that a token prescribes.

use super::*;

#[test]
fn claims_hold_requests_to_their_limits() {
    let rule = |part: i64, kind: i64, text: &str| {
        (
            label::CATU,
            map(vec![(part, map(vec![(kind, text.into())]))]),
        )
    };
    let digest = |text: &str| {
        use sha2::Digest;
        Value::Bytes(sha2::Sha256::digest(text).to_vec())
    };
    let v4 = |bytes: &[u8]| Value::Tag(52, Box::new(Value::Bytes(bytes.to_vec())));
    let prefix = |length: i64, bytes: &[u8]| {
        Value::Tag(
            52,
            Box::new(Value::Array(vec![
                length.into(),
                Value::Bytes(bytes.to_vec()),
            ])),
        )
    };
    let agent = |kind: i64, text: &str| {
        (
            label::CATH,
            Value::Map(vec![("User-Agent".into(), map(vec![(kind, text.into())]))]),
        )
    };
    let set = |claims: Vec<(i64, Value)>| map(claims);
    let pass = None;
    let refuse = |code: &'static str| Some(code);
    for (claim, expected) in [
        (rule(0, 0, "https"), pass),
        (rule(0, 0, "http"), refuse("path-not-allowed")),
        (rule(1, 0, "cdn.example"), pass),
        (rule(1, 2, ".evil"), refuse("path-not-allowed")),
        (rule(2, 0, "8443"), pass),
        (rule(2, 0, "443"), refuse("path-not-allowed")),
        (rule(3, 1, "/vod/"), pass),
        (rule(3, 1, "/live/"), refuse("path-not-allowed")),
        (rule(3, 4, "^/vod/[a-z]+/seg-[0-9]+\\.m4s$"), pass),
        (rule(3, 4, "^/vod/[0-9]+/"), refuse("path-not-allowed")),
        (rule(4, 0, "q=1"), pass),
        (rule(4, 0, "q=2"), refuse("path-not-allowed")),
        (rule(5, 0, "/vod/film"), pass),
        (rule(5, 0, "/vod"), refuse("path-not-allowed")),
        (rule(6, 0, "seg-1.m4s"), pass),
        (rule(7, 0, "seg-1"), pass),
        (rule(8, 0, ".m4s"), pass),
        (rule(8, 0, ".mpd"), refuse("path-not-allowed")),
        (
            (
                label::CATU,
                map(vec![(8, Value::Array(vec![0.into(), ".m4s".into()]))]),
            ),
            pass,
        ),
        (
            (label::CATU, map(vec![(8, map(vec![(-1, digest(".m4s"))]))])),
            pass,
        ),
        (
            (label::CATU, map(vec![(8, map(vec![(-1, digest(".ts"))]))])),
            refuse("path-not-allowed"),
        ),
        // Every match of a component must hold, not the first alone.
        (
            (
                label::CATU,
                map(vec![(
                    3,
                    map(vec![(1, "/vod/".into()), (2, ".mp4".into())]),
                )]),
            ),
            refuse("path-not-allowed"),
        ),
        ((label::CATM, texts(&["GET", "HEAD"])), pass),
        (
            (label::CATM, texts(&["POST"])),
            refuse("method-not-allowed"),
        ),
        (agent(1, "player/"), pass),
        (agent(0, "other"), refuse("header-not-allowed")),
        (
            (label::CATNIP, Value::Array(vec![v4(&[192, 0, 2, 7])])),
            pass,
        ),
        (
            (label::CATNIP, Value::Array(vec![v4(&[192, 0, 2, 8])])),
            refuse("address-not-allowed"),
        ),
        // One of several is enough.
        (
            (
                label::CATNIP,
                Value::Array(vec![64_512.into(), prefix(24, &[192, 0, 2])]),
            ),
            pass,
        ),
        (
            (label::CATNIP, Value::Array(vec![prefix(8, &[10])])),
            refuse("address-not-allowed"),
        ),
        (
            (label::CATNIP, Value::Array(vec![])),
            refuse("address-not-allowed"),
        ),
        ((label::CATGEOISO3166, texts(&["FR", "DE"])), pass),
        (
            (label::CATGEOISO3166, texts(&["DE-BY"])),
            refuse("country-not-allowed"),
        ),
        (
            (
                label::OR,
                Value::Array(vec![
                    set(vec![(label::CATM, texts(&["POST"]))]),
                    set(vec![(label::CATM, texts(&["GET"]))]),
                ]),
            ),
            pass,
        ),
        (
            (
                label::OR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["POST"]))])]),
            ),
            refuse("path-not-allowed"),
        ),
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["POST"]))])]),
            ),
            pass,
        ),
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(label::CATM, texts(&["GET"]))])]),
            ),
            refuse("path-not-allowed"),
        ),
        // The autonomous system is not known: a negated claim about it must not pass by ignorance.
        (
            (
                label::NOR,
                Value::Array(vec![set(vec![(
                    label::CATNIP,
                    Value::Array(vec![64_512.into()]),
                )])]),
            ),
            refuse("path-not-allowed"),
        ),
        (
            (
                label::AND,
                Value::Array(vec![set(vec![(label::EXP, (NOW - 1).into())])]),
            ),
            refuse("token-expired"),
        ),
        (
            (
                label::AND,
                Value::Array(vec![set(vec![(label::NBF, (NOW + 1).into())])]),
            ),
            refuse("token-not-yet-valid"),
        ),
    ] {
        let verdict = ask("/vod/film/seg-1.m4s?q=1", &[], vec![claim.clone()]);
        assert_eq!(reason(&verdict).as_deref(), expected, "{claim:?}");
    }
}

#[test]
fn a_failure_is_answered_as_the_token_says() {
    let action = Value::Array(vec![
        307.into(),
        Value::Map(vec![
            ("Location".into(), "https://auth.example/renew".into()),
            ("bad\r\nname".into(), "x".into()),
        ]),
    ]);
    let claims = vec![
        (label::EXP, (NOW - 1).into()),
        (label::CATIF, map(vec![(label::EXP, action)])),
    ];
    let Verdict::Answer(answer) = ask("/vod/a", &[], claims) else {
        panic!("passed")
    };
    assert_eq!(answer.status, 307);
    assert_eq!(
        header(&answer, "location").as_deref(),
        Some("https://auth.example/renew")
    );
    assert_eq!(
        answer
            .headers
            .iter()
            .filter(|(name, _)| name.contains('\r'))
            .count(),
        0
    );
    // A status that would let the viewer pass is no action.
    let action = Value::Array(vec![200.into(), Value::Map(vec![])]);
    let claims = vec![
        (label::EXP, (NOW - 1).into()),
        (label::CATIF, map(vec![(label::EXP, action)])),
    ];
    assert_eq!(
        reason(&ask("/vod/a", &[], claims)).as_deref(),
        Some("claim-malformed")
    );
}
