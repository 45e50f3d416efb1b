//! Token insertion beside two playlist crates, a six-hour playlist, and a multivariant playlist with a selection.
//!
//! `cargo bench -p manifest-rewrite` natively; the same file builds for `wasm32-wasip2` and runs under `wasmtime run`:
//! `cargo bench -p manifest-rewrite --target wasm32-wasip2 --no-run`. Every row is the median of several runs over the same text.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use manifest_rewrite::body::Rewriter;
use manifest_rewrite::config::Settings;
use manifest_rewrite::multivariant::list::Multivariant;
use manifest_rewrite::playlist::places::Places;
use manifest_rewrite::playlist::rewriter::PlaylistRewriter;
use manifest_rewrite::uri::carrier::Carrier;
use manifest_rewrite::uri::policy::UriPolicy;
use manifest_rewrite::viewer::Viewer;

/// A JWT's usual size.
fn token() -> String {
    format!("query:token={}", "eyJhbGciOiJFZERTQSJ9.".repeat(12))
}

fn policy(token: &str) -> UriPolicy {
    let mut policy = UriPolicy::new("/vod/asset/v1/index.m3u8", "edge.example");
    policy.carry_token(
        &Carrier::parse(token.as_bytes(), "/t/").unwrap(),
        Places::ALL,
    );
    policy
}

fn insert(text: &[u8], token: &str, out: &mut Vec<u8>) {
    let mut rewriter = PlaylistRewriter::new(policy(token), "");
    for chunk in text.chunks(64 * 1024) {
        rewriter.push(chunk, out).unwrap();
    }
    rewriter.finish(out).unwrap();
}

fn insert_with_quick_m3u8(text: &[u8], suffix: &str, out: &mut Vec<u8>) {
    use quick_m3u8::{HlsLine, Reader, Writer, config::ParsingOptions};
    let mut reader = Reader::from_bytes(text, ParsingOptions::default());
    let mut writer = Writer::new(out);
    while let Ok(Some(line)) = reader.read_line() {
        match line {
            HlsLine::Uri(uri) => writer.write_uri(format!("{uri}{suffix}")).unwrap(),
            other => writer.write_line(other).unwrap(),
        };
    }
}

fn insert_with_m3u8_rs(text: &[u8], suffix: &str, out: &mut Vec<u8>) {
    let (_, mut playlist) = m3u8_rs::parse_media_playlist(text).unwrap();
    for segment in &mut playlist.segments {
        segment.uri.push_str(suffix);
    }
    playlist.write_to(out).unwrap();
}

fn median(runs: usize, mut run: impl FnMut()) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn row(name: &str, bytes: usize, time: Duration) {
    let rate = bytes as f64 / time.as_secs_f64() / 1e6;
    println!(
        "{name:<44} {:>10.1} us {rate:>9.0} MB/s",
        time.as_secs_f64() * 1e6
    );
}

fn vod(segments: usize) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"init.mp4\"\n",
    );
    for number in 0..segments {
        writeln!(text, "#EXTINF:2.00000,\nvideo_1080p_{number:06}.m4s").unwrap();
    }
    text + "#EXT-X-ENDLIST\n"
}

fn multivariant() -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for (group, channels) in [("aac", 2), ("ec3", 6)] {
        for (name, language) in [("English", "en"), ("Deutsch", "de"), ("Nihongo", "ja")] {
            writeln!(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\",LANGUAGE=\"{language}\",AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{group}/{language}.m3u8\"").unwrap();
        }
    }
    for group in ["aac", "ec3"] {
        for height in [234, 360, 432, 540, 720, 900, 1080, 1440, 2160] {
            writeln!(
                text,
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION={}x{height},FRAME-RATE=25.000,AUDIO=\"{group}\"\nv/{height}.m3u8",
                height * 5000, height * 4000, height * 16 / 9
            )
            .unwrap();
        }
    }
    text
}

fn main() {
    let token = token();
    let suffix = token.replace("query:", "?");
    let six_hours = vod(10_800);
    let with_dates: String = six_hours
        .lines()
        .map(|line| {
            if line.starts_with("#EXTINF") {
                format!("#EXT-X-PROGRAM-DATE-TIME:2026-11-20T08:00:00.000Z\n{line}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    for (name, text) in [
        ("six hours, 10,800 segments", &six_hours),
        ("the same with dates", &with_dates),
    ] {
        let bytes = text.len();
        println!("{name}: {bytes} bytes");
        let mut out = Vec::with_capacity(bytes * 12);
        row(
            "  weir: token into every URI",
            bytes,
            median(21, || {
                out.clear();
                insert(black_box(text.as_bytes()), &token, &mut out);
            }),
        );
        row(
            "  weir: a token of 16 bytes",
            bytes,
            median(21, || {
                out.clear();
                insert(
                    black_box(text.as_bytes()),
                    "query:token=0123456789",
                    &mut out,
                );
            }),
        );
        row(
            "  quick-m3u8: segment URIs only",
            bytes,
            median(21, || {
                out.clear();
                insert_with_quick_m3u8(black_box(text.as_bytes()), &suffix, &mut out);
            }),
        );
        row(
            "  m3u8-rs: segment URIs only",
            bytes,
            median(21, || {
                out.clear();
                insert_with_m3u8_rs(black_box(text.as_bytes()), &suffix, &mut out);
            }),
        );
    }
    let text = multivariant();
    println!(
        "multivariant, 18 variants, 6 renditions: {} bytes",
        text.len()
    );
    let settings = Settings::parse(
        "[[select]]\nvariants = 'height <= 1080'\naudio = 'language in [\"en\", \"de\"]'\n",
    )
    .unwrap();
    let viewer = Viewer::from_query("");
    let mut out = Vec::new();
    row(
        "  weir: token into every URI",
        text.len(),
        median(501, || {
            out.clear();
            insert(black_box(text.as_bytes()), &token, &mut out);
        }),
    );
    row(
        "  weir: selection of streams and languages",
        text.len(),
        median(501, || {
            out.clear();
            let mut list = Multivariant::parse(black_box(text.clone()).into_bytes());
            settings.rules[0].apply(&mut list, &viewer).unwrap();
            list.write(&mut out);
        }),
    );
}
