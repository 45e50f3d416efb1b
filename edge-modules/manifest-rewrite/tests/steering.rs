//! Content steering through the module: playlists, steering manifests, health.
#![allow(clippy::unwrap_used)]

mod support;

use manifest_rewrite::ManifestRewrite;
use support::problems;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{AnswerBody, Module, NoCounters, ResponseHead, Verdict};

const CONFIG: &str = "[steering]\npath = '/steer'\nhealth-url = 'https://ops.example/health.json'\n\
    [[steering.pathways]]\nid = 'edge'\n[[steering.pathways]]\nid = 'b'\nbase = 'https://b.example'\nweight = 0\n";

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8\n";

fn priority(module: &mut ManifestRewrite, target: &str) -> Vec<String> {
    let verdict = decide(
        module,
        &mut TestHost::<NoCounters>::default(),
        "GET",
        target,
        &[("weir-session", "s")],
    );
    let Verdict::Answer(answer) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        answer
            .headers
            .contains(&("access-control-allow-origin".into(), b"*".to_vec()))
    );
    let AnswerBody::Bytes(body) = answer.body else {
        panic!()
    };
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    serde_json::from_value(json["PATHWAY-PRIORITY"].clone()).unwrap()
}

#[test]
fn a_sick_pathway_comes_last() {
    let mut module = ManifestRewrite::configure(CONFIG).unwrap();
    let documents = module.documents();
    assert_eq!(
        (documents.len(), documents[0].url.as_str()),
        (1, "https://ops.example/health.json")
    );
    assert_eq!(
        priority(&mut module, "/steer?_HLS_pathway=\"b\""),
        ["edge", "b"]
    );
    module
        .load_document(&documents[0].name, b"{\"unhealthy\":[\"edge\"]}")
        .unwrap();
    assert_eq!(priority(&mut module, "/steer"), ["b", "edge"]);
    assert!(
        module
            .load_document(&documents[0].name, b"nonsense")
            .is_err()
    );
    assert_eq!(priority(&mut module, "/steer"), ["b", "edge"]);
}

#[test]
fn a_playlist_gets_pathways_and_the_token_on_all_of_them() {
    let mut module = ManifestRewrite::configure(CONFIG).unwrap();
    let mut host = TestHost::<NoCounters>::default();
    for (token, expected) in [
        (
            "query:t=X",
            ["/steer?t=X", "a.m3u8?t=X", "https://b.example/v/v.m3u8?t=X"],
        ),
        (
            "path:X",
            ["/t/X/steer", "a.m3u8", "https://b.example/t/X/v/v.m3u8"],
        ),
    ] {
        let headers = [
            ("weir-token", token),
            ("weir-session", "s"),
            (":authority", "edge.example"),
        ];
        let verdict = decide(&mut module, &mut host, "GET", "/v/index.m3u8", &headers);
        let head = ResponseHead {
            status: 200,
            headers: vec![],
        };
        let Outcome::Upstream(_, body) = exchange(
            verdict,
            &mut host,
            (head, PLAYLIST.into()),
            9,
            |_| unreachable!(),
        ) else {
            panic!()
        };
        let text = String::from_utf8(body).unwrap();
        assert!(problems(&text).is_empty(), "{:?}\n{text}", problems(&text));
        for uri in expected {
            assert!(
                text.split(['"', '\n']).any(|found| found == uri),
                "{uri} in\n{text}"
            );
        }
        assert!(text.contains("PATHWAY-ID=\"edge\"\n"), "{text}");
    }
}
