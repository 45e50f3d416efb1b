//! What the fuzz targets run; the ordinary tests run the same over saved inputs and their mutations.

use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Module, NoCounters, ResponseHead};

use crate::ManifestRewrite;
use crate::select::expression::Expression;
use crate::select::filter::ManifestFilter;

/// Policies that together reach every stage.
const CONFIGS: [&str; 6] = [
    "",
    "[token]\nform='variable'\nexclude-hosts=['*.example']\n[hosts]\n[[hosts.cdn]]\nbase='https://c.test'\n",
    "[[select]]\nvariants='height <= 720 or bandwidth < 1000000'\naudio='language == \"en\"'\nsubtitles='false'\non-empty='refuse'\n\
     [order]\nsort='descending'\nfirst='height == 360'\n[start]\ntime-offset=-3\n",
    "delta-updates=true\n[clip]\nstart='5'\nend='2030-01-01T00:00:00Z'\n",
    "delta-updates=true\n[[interstitials]]\nid='p'\nat='pre'\nasset-uri='ad.m3u8'\n[[interstitials]]\nid='b'\nat='break'\nasset-list='l?{duration}'\n\
     [watermark]\nkey='00000000000000000000000000000000000000000000000000000000000000ff'\na='a'\nb='b'\n",
    "[steering]\npath='/s'\n[[steering.pathways]]\nid='A'\n[[steering.pathways]]\nid='B'\nbase='https://b.test'\n\
     [[session-data]]\ndata-id='d'\nvalue='v'\n[[session-keys]]\nmethod='AES-128'\nuri='k'\n[clip]\ndelay=3\n\
     [[blackouts]]\nid='x'\nstart='2019-02-14T02:13:40Z'\nend='2019-02-14T02:13:50Z'\nslate='s.m3u8'\n",
];

/// Rewrites the bytes as a manifest under every policy. No input panics, and how it is cut into chunks does not matter.
///
/// # Panics
/// When a result depends on the chunks.
pub fn manifest(data: &[u8]) {
    let chunk = data.first().map_or(1, |byte| usize::from(*byte) + 1);
    for config in CONFIGS {
        for path in ["/v/index.m3u8?_HLS_skip=YES", "/v/index.mpd"] {
            let text = |body: Option<Vec<u8>>| {
                body.map(|body| String::from_utf8_lossy(&body).into_owned())
            };
            let whole = text(rewrite(config, path, data, usize::MAX));
            assert_eq!(
                text(rewrite(config, path, data, chunk)),
                whole,
                "chunks of {chunk} bytes: {path} {config}"
            );
        }
    }
}

fn rewrite(config: &str, target: &str, body: &[u8], chunk: usize) -> Option<Vec<u8>> {
    let mut module =
        ManifestRewrite::configure(config).expect("the policies of this file are sound");
    let mut host = TestHost::<NoCounters> {
        now_ns: 1_767_225_600_000_000_000,
        ..TestHost::default()
    };
    let headers = [
        ("weir-token", "query:t=X"),
        ("weir-session", "s"),
        (":authority", "edge.test"),
    ];
    let verdict = decide(&mut module, &mut host, "GET", target, &headers);
    let head = ResponseHead {
        status: 200,
        headers: Vec::new(),
    };
    match exchange(verdict, &mut host, (head, body.to_vec()), chunk, |_| {
        unreachable!("nothing is forwarded")
    }) {
        Outcome::Upstream(_, body) => Some(body),
        Outcome::Answer(answer) => Some(answer.render(None).2),
        Outcome::BrokenOff(_) => None,
    }
}

/// Reads the bytes in every little language that viewers and operators write.
pub fn languages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Expression::parse(text, &|_| true);
    let _ = ManifestFilter::parse_aws(text);
    let _ = ManifestFilter::parse_akamai(text);
    let _ = crate::playlist::datetime::parse(text);
    let _ = crate::uri::carrier::Carrier::parse(data, "/t/");
    let _ = crate::uri::reference::UriReference::split(data);
    let _ = crate::media::interstitial::read_schedule(data);
    let _ = crate::steering::server::read_health(data);
    let _ = ManifestRewrite::configure(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The saved inputs: the fixtures, and the texts of the tests in this crate.
    fn saved() -> Vec<Vec<u8>> {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hls-parser");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let playlists = files.iter().filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "m3u8")
        });
        let mut saved: Vec<Vec<u8>> = playlists.map(|path| std::fs::read(path).unwrap()).collect();
        assert!(saved.len() >= 14);
        saved.push(b"<MPD><Period><AdaptationSet><Representation height=\"9\"/></AdaptationSet></Period></MPD>".to_vec());
        saved
    }

    /// Small changes that parsers trip over, chosen by a fixed sequence.
    fn mutations(text: &[u8], count: u32) -> impl Iterator<Item = Vec<u8>> {
        const PIECES: [&[u8]; 12] = [
            b"\"",
            b",",
            b"\r",
            b"\n",
            b"#EXT-X-",
            b"=",
            b"{$",
            b"\xff",
            b"EXT-X-STREAM-INF:",
            b"99999999999999999999",
            b"<",
            b"-",
        ];
        let text = text.to_vec();
        let mut state = 0x2545_f491_4f6c_dd1du64;
        (0..count).map(move |_| {
            let mut next = |below: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % below.max(1) as u64).unwrap_or(0)
            };
            let mut changed = text.clone();
            for _ in 0..1 + next(3) {
                let at = next(changed.len());
                let end = (at + next(12)).min(changed.len());
                let piece = PIECES[next(PIECES.len())];
                changed.splice(at..end, piece.iter().copied());
            }
            changed
        })
    }

    #[test]
    fn saved_inputs_and_their_mutations() {
        for text in saved() {
            manifest(&text);
            mutations(&text, 40).for_each(|changed| manifest(&changed));
        }
    }

    #[test]
    fn small_languages() {
        for text in [
            "height <= 1080 and codec in [\"avc1\"]",
            "video_height:1-2;audio_language:en",
            "2026-01-01T00:00:00.000+01:00",
            "query:a=b",
            CONFIGS[4],
        ] {
            languages(text.as_bytes());
            mutations(text.as_bytes(), 500).for_each(|changed| languages(&changed));
        }
    }
}
