//! Renditions that do not go together.

use super::{Case, PICTURES, ROOT, VIDEO, case, film, text};

pub(super) fn cases() -> Vec<Case> {
    let two = "video-2/media.m3u8";
    let subtitles = "subtitles-1/media.m3u8";
    let dated = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF";
    let mut short = film();
    let path = short
        .keys()
        .find(|path| path.ends_with("media.m3u8") && !path.starts_with("video"))
        .cloned()
        .unwrap_or_else(|| subtitles.to_owned());
    let old = String::from_utf8(short[&path].clone()).unwrap();
    let first = old.find("#EXTINF").unwrap();
    let second = first + 1 + old[first + 1..].find("#EXTINF").unwrap();
    short.insert(
        path.clone(),
        format!("{}#EXT-X-ENDLIST\n", &old[..second]).into_bytes(),
    );
    let mut live = film();
    for path in [VIDEO, two, path.as_str(), PICTURES, "video-2/iframes.m3u8"] {
        let old = String::from_utf8(live[path].clone()).unwrap();
        let new = old
            .replace("#EXT-X-ENDLIST\n", "")
            .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        live.insert(path.to_owned(), new.into_bytes());
    }
    vec![
        text(
            "rfc-4.4.2-in-both",
            film(),
            VIDEO,
            "#EXT-X-MAP",
            "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP",
        ),
        text(
            "rfc-4.4.2-same",
            {
                let old = film();
                text(
                    "",
                    old,
                    ROOT,
                    "#EXT-X-INDEPENDENT",
                    "#EXT-X-START:TIME-OFFSET=1\n#EXT-X-INDEPENDENT",
                )
                .files
            },
            VIDEO,
            "#EXT-X-MAP",
            "#EXT-X-START:TIME-OFFSET=2\n#EXT-X-MAP",
        ),
        text(
            "rfc-6.2.4-target-duration",
            film(),
            two,
            "#EXT-X-TARGETDURATION:5",
            "#EXT-X-TARGETDURATION:7",
        ),
        text(
            "apple-5.6",
            live,
            &path,
            "#EXT-X-TARGETDURATION:5",
            "#EXT-X-TARGETDURATION:7",
        ),
        text(
            "rfc-6.2.4-type",
            film(),
            two,
            "#EXT-X-PLAYLIST-TYPE:VOD\n",
            "",
        ),
        late_start(),
        text(
            "rfc-6.2.4-content",
            film(),
            two,
            "#EXT-X-ENDLIST",
            "#EXTINF:5.0,\n00001.m4s\n#EXTINF:5.0,\n00001.m4s\n#EXT-X-ENDLIST",
        ),
        text(
            "apple-8.3",
            film(),
            two,
            "#EXT-X-ENDLIST",
            "#EXTINF:1.0,\n00001.m4s\n#EXT-X-ENDLIST",
        ),
        text("rfc-6.2.4-program-date", film(), two, "#EXTINF", dated),
        text(
            "apple-8.15",
            film(),
            two,
            "00001.m4s\n",
            "00001.m4s\n#EXT-X-DISCONTINUITY\n",
        ),
        text("apple-8.22", film(), two, "#EXTINF:4", "#EXTINF:3"),
        case("apple-5.5", short),
        keys_differ(),
    ]
}

/// The second rendition starts 2^16 ticks late.
fn late_start() -> Case {
    let mut files = film();
    for (path, file) in &mut files {
        if path.starts_with("video-2/") && path.ends_with(".m4s") {
            for at in 0..file.len() - 20 {
                if &file[at..at + 4] == b"tfdt" {
                    let last = at + 8 + if file[at + 4] == 1 { 8 } else { 4 };
                    file[last - 3] += 1;
                }
            }
        }
    }
    case("rfc-6.2.4-start", files)
}

fn keys_differ() -> Case {
    let files = text(
        "",
        film(),
        ROOT,
        "#EXT-X-INDEPENDENT",
        "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"x\"\n#EXT-X-INDEPENDENT",
    )
    .files;
    text(
        "rfc-4.4.6.5-match",
        files,
        VIDEO,
        "#EXT-X-MAP",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"y\"\n#EXT-X-MAP",
    )
}
