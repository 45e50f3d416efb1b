//! Interstitials and watermarks through the module: for whom, with which token, and what may be shared.
#![allow(clippy::unwrap_used)]

use manifest_rewrite::ManifestRewrite;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Edit, Module, NoCounters, ResponseHead};

const VOD: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\nwm-a/0.mp4\n#EXTINF:4,\nwm-a/1.mp4\n#EXT-X-ENDLIST\n";

/// Status, text, and whether the result may be shared.
fn run(module: &mut ManifestRewrite, headers: &[(&str, &str)], body: &str) -> (u16, String, bool) {
    let mut host = TestHost::<NoCounters>::default();
    let verdict = decide(module, &mut host, "GET", "/v/index.m3u8", headers);
    let head = ResponseHead {
        status: 200,
        headers: vec![("etag".into(), b"\"e\"".to_vec())],
    };
    match exchange(
        verdict,
        &mut host,
        (head, body.into()),
        11,
        |_| unreachable!(),
    ) {
        Outcome::Upstream(edits, body) => {
            let private =
                edits.any(|edit| edit == Edit::SetResponse("cache-control", b"private, no-store"));
            (200, String::from_utf8(body).unwrap(), !private)
        }
        Outcome::Answer(answer) => {
            let private = answer
                .headers
                .contains(&("cache-control".into(), b"private, no-store".to_vec()));
            let (status, _, body) = answer.render(None);
            (status, String::from_utf8(body).unwrap(), !private)
        }
        Outcome::BrokenOff(reason) => panic!("{reason}"),
    }
}

#[test]
fn a_break_for_some_viewers_makes_the_result_theirs() {
    let config = "[[interstitials]]\nid='ad'\nat='pre'\nwhen='tier == \"free\"'\nasset-list='https://ads.example/d?s={session}'\n\
        [token]\nexclude-hosts=['ads.example']\n";
    let mut module = ManifestRewrite::configure(config).unwrap();
    let (_, text, shared) = run(
        &mut module,
        &[
            ("weir-tier", "free"),
            ("weir-session", "s 1"),
            ("weir-token", "query:t=X"),
        ],
        VOD,
    );
    assert!(
        text.contains("X-ASSET-LIST=\"https://ads.example/d?s=s%201\"")
            && text.contains("wm-a/0.mp4?t=X")
            && !shared,
        "{text}"
    );
    let (_, text, _) = run(&mut module, &[("weir-tier", "premium")], VOD);
    assert_eq!(text, VOD);
}

#[test]
fn a_break_for_all_is_shared_and_a_schedule_adds_more() {
    let config = "schedule-url='https://ops.example/s.json'\n[[interstitials]]\nid='ad'\nat='4'\nasset-uri='ad.m3u8'\n";
    let mut module = ManifestRewrite::configure(config).unwrap();
    let (_, text, shared) = run(&mut module, &[], VOD);
    assert!(
        shared && text.contains("wm-a/0.mp4\n#EXT-X-DATERANGE:ID=\"ad\""),
        "{text}"
    );
    let name = module.documents()[0].name.clone();
    module
        .load_document(
            &name,
            br#"{"interstitials":[{"id":"late","at":"post","asset-uri":"end.m3u8"}]}"#,
        )
        .unwrap();
    let (_, text, _) = run(&mut module, &[], VOD);
    assert!(
        text.contains("ID=\"late\"") && text.contains("ID=\"ad\""),
        "{text}"
    );
    assert!(module.load_document(&name, b"{}").is_err());
}

#[test]
fn a_watermark_is_personal_and_leaves_trick_play_out() {
    let config = format!(
        "[watermark]\nkey='{}'\na='wm-a/'\nb='wm-b/'\n",
        "0f".repeat(32)
    );
    let mut module = ManifestRewrite::configure(&config).unwrap();
    let texts: Vec<String> = (0..20)
        .map(|session| {
            let (status, text, shared) =
                run(&mut module, &[("weir-session", &session.to_string())], VOD);
            assert!(status == 200 && !shared);
            assert_eq!(text.replace("wm-b/", "wm-a/"), VOD);
            text
        })
        .collect();
    assert!(
        texts.iter().any(|text| text.contains("wm-b/0"))
            && texts.iter().any(|text| text.contains("wm-a/0"))
    );
    let multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n";
    assert!(!run(&mut module, &[], multivariant).1.contains("i.m3u8"));
    assert_eq!(
        run(
            &mut module,
            &[],
            "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:1,\nwm-a/0.mp4\n"
        )
        .0,
        403
    );
}
