//! The token goes into every place of a playlist and nothing else changes.
#![allow(clippy::unwrap_used)]

mod support;

use manifest_rewrite::body::Rewriter;
use manifest_rewrite::playlist::places::Places;
use manifest_rewrite::playlist::rewriter::PlaylistRewriter;
use manifest_rewrite::uri::carrier::Carrier;
use manifest_rewrite::uri::policy::UriPolicy;
use manifest_rewrite::uri::reference::HostPattern;
use proptest::prelude::*;

fn policy() -> UriPolicy {
    let mut policy = UriPolicy::new("/vod/a/index.m3u8", "edge.example");
    policy.carry_token(&Carrier::parse(b"query:t=X", "/t/").unwrap(), Places::ALL);
    policy.exclude(&[HostPattern::parse("drm.example").unwrap()]);
    policy
}

fn rewrite(chunks: &[&[u8]]) -> Vec<u8> {
    let mut rewriter = PlaylistRewriter::new(policy(), "");
    let mut out = Vec::new();
    for chunk in chunks {
        rewriter.push(chunk, &mut out).unwrap();
    }
    rewriter.finish(&mut out).unwrap();
    out
}

/// Every place that can hold a URI, `@` where the token must appear.
const EVERY_PLACE: &str = "\u{feff}#EXTM3U\r\n\
#EXT-X-VERSION:13\r\n\
## a comment, index.ts\r\n\
\r\n\
#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?a=1@\",PATHWAY-ID=\"CDN-A\"\r\n\
#EXT-X-SESSION-DATA:DATA-ID=\"a\",URI=\"data.json@\"\r\n\
#EXT-X-SESSION-DATA:DATA-ID=\"b\",VALUE=\"https://h.example/none\"\r\n\
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://one\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\r\n\
#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k.bin@\"\r\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"URI=x, y\",URI=\"a.m3u8@\"\r\n\
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8@\"\r\n\
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI=\"img.m3u8@\"\r\n\
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\r\n\
v.m3u8@\r\n\
#EXT-X-STREAM-INF:BANDWIDTH=2\r\n\
# between\r\n\
//cdn.example/v.m3u8@#frag\r\n\
#EXT-X-KEY:METHOD=AES-128,URI=\"https://drm.example/k\"\n\
#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AAAA\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"\n\
#EXT-X-MAP:URI=\"init.mp4@\",BYTERANGE=\"10@0\"\n\
#EXT-X-DATERANGE:ID=\"1\",CLASS=\"com.apple.hls.interstitial\",X-ASSET-URI=\"ad.m3u8@\",X-RESTRICT=\"SKIP\"\n\
#EXT-X-DATERANGE:ID=\"2\",CLASS=\"com.apple.hls.interstitial\",X-ASSET-LIST=\"list.json?_x=1@\"\n\
#EXT-X-DATERANGE:ID=\"3\",CLASS=\"com.apple.hls.preload\",X-URI=\"ad.m3u8@\"\n\
#EXT-X-DATERANGE:ID=\"4\",CLASS=\"com.example\",X-URI=\"not-fetched\"\n\
#EXT-X-TILES:RESOLUTION=1x1,LAYOUT=2x2,DURATION=4,URI=\"tile.jpg@\"\n\
#EXT-X-CUE-OUT:30,URI=\"unknown\"\n\
#EXT-OATCLS-SCTE35:/DA\n\
#EXT-X-ASSET:CAID=0x1\n\
#EXTINF:4,title, with://text\n\
seg.ts@\n\
#EXT-X-PART:DURATION=1,URI=\"p.mp4@\",INDEPENDENT=YES\n\
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p2.mp4@\"\n\
#EXT-X-PREFETCH:https://cdn.example/next.ts@\n\
#EXT-X-RENDITION-REPORT:URI=\"../b/index.m3u8@\",LAST-MSN=1\n\
#EXTINF:4\n\
  spaced.ts@ \t\n\
#EXT-X-ENDLIST";

fn expected() -> Vec<u8> {
    EVERY_PLACE
        .replace("?a=1@", "?a=1&t=X")
        .replace("?_x=1@", "?_x=1&t=X")
        .replace("10@0", "10\u{1}0")
        .replace('@', "?t=X")
        .replace('\u{1}', "@")
        .into_bytes()
}

fn input() -> Vec<u8> {
    EVERY_PLACE
        .replace("10@0", "10\u{1}0")
        .replace('@', "")
        .replace('\u{1}', "@")
        .into_bytes()
}

#[test]
fn every_place_gets_the_token_and_no_other_byte_changes() {
    assert_eq!(
        String::from_utf8(rewrite(&[&input()])).unwrap(),
        String::from_utf8(expected()).unwrap()
    );
}

#[test]
fn a_second_pass_changes_nothing() {
    assert_eq!(rewrite(&[&rewrite(&[&input()])]), expected());
}

#[test]
fn any_cut_gives_the_same_bytes() {
    let (input, expected) = (input(), expected());
    for cut in 0..input.len() {
        assert_eq!(
            rewrite(&[&input[..cut], &input[cut..]]),
            expected,
            "cut at {cut}"
        );
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(rewrite(&bytes), expected);
}

#[test]
fn what_is_no_playlist_passes_untouched() {
    for body in [
        "<!doctype html>\n<a href=x>\n",
        "{\"a\":1}",
        "",
        "\n\n",
        "plain\n#EXTM3U\nx.ts\n",
    ] {
        assert_eq!(rewrite(&[body.as_bytes()]), body.as_bytes());
    }
}

#[test]
fn a_comment_may_stand_before_the_header() {
    assert_eq!(
        rewrite(&[b"# made by hand\n#EXTM3U\n#EXTINF:1,\na.ts\n"]),
        b"# made by hand\n#EXTM3U\n#EXTINF:1,\na.ts?t=X\n"
    );
}

#[test]
fn variables_are_looked_through() {
    let text = b"#EXTM3U\n#EXT-X-DEFINE:NAME=\"h\",VALUE=\"https://drm.example\"\n#EXT-X-DEFINE:NAME=\"q\",VALUE=\"?a=1\"\n\
        #EXTINF:1,\n{$h}/a.ts\n#EXTINF:1,\nb.ts{$q}\n#EXTINF:1,\n{$unknown}/c.ts\n";
    let expected = b"#EXTM3U\n#EXT-X-DEFINE:NAME=\"h\",VALUE=\"https://drm.example\"\n#EXT-X-DEFINE:NAME=\"q\",VALUE=\"?a=1\"\n\
        #EXTINF:1,\n{$h}/a.ts\n#EXTINF:1,\nb.ts{$q}&t=X\n#EXTINF:1,\n{$unknown}/c.ts\n";
    assert_eq!(rewrite(&[text]), expected);
}

proptest! {
    #[test]
    fn no_input_panics_and_no_cut_matters(
        lines in proptest::collection::vec(proptest::sample::select(EVERY_PLACE.lines().collect::<Vec<_>>()), 0..20),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut text = lines.join("\n").into_bytes();
        let at = cut.index(text.len() + 1);
        text.splice(at..at, noise);
        let cut = cut.index(text.len() + 1);
        prop_assert_eq!(rewrite(&[&text]), rewrite(&[&text[..cut], &text[cut..]]));
    }
}

/// The URIs of a playlist, found without the crate: lines that are no tags, and quoted values of the attributes that hold URIs.
fn uris(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !line.starts_with('#') {
            found.push(line.to_owned());
        } else if line.starts_with("#EXT-X-") {
            let attributes = support::attributes(line);
            for name in ["URI", "SERVER-URI", "X-ASSET-URI", "X-ASSET-LIST", "X-URI"] {
                found.extend(
                    attributes
                        .get(name)
                        .map(|value| value.trim_matches('"').to_owned()),
                );
            }
        }
    }
    found
}

#[test]
fn real_playlists_lose_nothing_and_miss_nothing() {
    let mut seen = 0;
    for (name, text) in support::playlists() {
        let out = rewrite(&[&text]);
        let (text, out) = (
            String::from_utf8(text).unwrap(),
            String::from_utf8(out).unwrap(),
        );
        // Taking the token out gives every byte back.
        assert_eq!(out.replace("?t=X", "").replace("&t=X", ""), text, "{name}");
        for (before, after) in uris(&text).iter().zip(uris(&out)) {
            if before.contains("{$") {
                continue;
            }
            let fetched = !before.contains(':') || before.starts_with("http");
            assert_eq!(
                after != *before,
                fetched && !before.is_empty(),
                "{name}: {before}"
            );
            seen += 1;
        }
        assert_eq!(uris(&text).len(), uris(&out).len(), "{name}");
    }
    // The playlists of the repository alone hold 192.
    let least = if std::env::var_os("WEIR_PLAYLIST_CORPUS").is_some() {
        201
    } else {
        192
    };
    assert!(seen >= least, "{seen}");
}
