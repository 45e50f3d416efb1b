//! Media playlists of every shape that RFC 8216bis allows, and of the shapes around it that players read: whatever order tags may
//! stand in, they do.

use proptest::prelude::*;

/// What stands in front of a segment; each byte decides one thing.
pub type Draw = [u8; 10];

/// How a whole playlist is made.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub vod: bool,
    pub dated: bool,
    pub parts: bool,
    pub sequence: u64,
    pub discontinuity: u64,
    /// Bits: CRLF, byte order mark, no last line end, late tags, early end, blank lines, I-frames, white space.
    pub odd: u8,
}

/// Playlists.
pub fn playlist() -> impl Strategy<Value = String> {
    let shape = (any::<[bool; 3]>(), 0..3u64, 0..3u64, any::<u8>()).prop_map(
        |([vod, dated, parts], sequence, discontinuity, odd)| Shape {
            vod,
            dated,
            parts: parts && !vod,
            sequence: sequence * 17,
            discontinuity,
            odd,
        },
    );
    (shape, prop::collection::vec(any::<Draw>(), 1..16))
        .prop_map(|(shape, draws)| text(shape, &draws))
}

fn text(shape: Shape, draws: &[Draw]) -> String {
    let bit = |number: u8| shape.odd >> number & 1 == 1;
    let mut lines: Vec<String> = vec!["#EXTM3U".into(), "#EXT-X-VERSION:12".into()];
    if bit(5) {
        lines.push(String::new());
        lines.push("## made by hand, index.m3u8".into());
    }
    if shape.sequence > 0 {
        lines.push(format!("#EXT-X-MEDIA-SEQUENCE:{}", shape.sequence));
    }
    if shape.discontinuity > 0 {
        lines.push(format!(
            "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
            shape.discontinuity
        ));
    }
    // These have no fixed place (section 4.4.3).
    let mut late = vec![
        "#EXT-X-TARGETDURATION:4".to_owned(),
        "#EXT-X-INDEPENDENT-SEGMENTS".into(),
    ];
    if shape.vod {
        late.push("#EXT-X-PLAYLIST-TYPE:VOD".into());
    }
    if bit(6) {
        late.push("#EXT-X-I-FRAMES-ONLY".into());
    }
    if shape.parts {
        lines.push(
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,CAN-SKIP-UNTIL=24".into(),
        );
        lines.push("#EXT-X-PART-INF:PART-TARGET=1".into());
    }
    if !bit(3) {
        lines.append(&mut late);
    }
    let early_end = bit(4) && shape.vod;
    let mut date = 0;
    for (index, draw) in draws.iter().enumerate() {
        if index == 1 && early_end {
            lines.push("#EXT-X-ENDLIST".into());
        }
        segment(index, draw, shape, &mut date, &mut lines);
        if index == 0 {
            lines.append(&mut late);
        }
    }
    if shape.parts {
        lines.push("#EXT-X-PART:DURATION=1,URI=\"wm-a/parts.mp4\",BYTERANGE=\"10@5000\"".into());
        lines.push("#EXT-X-PART:DURATION=1,URI=\"wm-a/parts.mp4\",BYTERANGE=\"10\"".into());
        lines.push(
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"wm-a/parts.mp4\",BYTERANGE-START=5020".into(),
        );
        lines.push("#EXT-X-RENDITION-REPORT:URI=\"../b.m3u8\",LAST-MSN=9,LAST-PART=1".into());
    }
    if shape.vod && !(early_end && draws.len() > 1) {
        lines.push("#EXT-X-ENDLIST".into());
    }
    let end = if bit(0) { "\r\n" } else { "\n" };
    let mut text = if bit(1) {
        "\u{feff}".to_owned()
    } else {
        String::new()
    };
    let count = lines.len();
    for (index, line) in lines.iter().enumerate() {
        text += line;
        if bit(7) && index % 3 == 1 {
            text += " \t";
        }
        if index + 1 < count || !bit(2) {
            text += end;
        }
    }
    text
}

fn segment(index: usize, draw: &Draw, shape: Shape, date: &mut u64, lines: &mut Vec<String>) {
    let [
        duration,
        key,
        map,
        cut,
        range,
        dated,
        parts,
        vendor,
        ranges,
        order,
    ] = *draw;
    let tenths = u64::from(duration % 44) + 1;
    let mut cuts = cut % 6 == 5;
    let mut before = Vec::new();
    match key % 9 {
        4 => before.push(format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k{index}\",IV=0x{index:032X}")),
        1 => before.push(format!("#EXT-X-KEY: METHOD=SAMPLE-AES , URI=\"skd://{index}\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"")),
        2 => before.push("#EXT-X-KEY:METHOD=NONE".into()),
        3 => {
            before.push(format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,AA{index}\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\""));
            before.push(format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k{index}\""));
        }
        _ => {}
    }
    match map % 7 {
        2 => before.push(format!("#EXT-X-MAP:URI=\"init-{index}.mp4\"")),
        1 => before.push(format!(
            "#EXT-X-MAP:URI=\"wm-a/all.mp4\",BYTERANGE=\"{index}@0\""
        )),
        _ => {}
    }
    if order % 2 == 0 {
        before.reverse();
    }
    // A new map within a run of segments wants a discontinuity (section 4.4.4.3): half of them have one.
    cuts |= matches!(map % 7, 1 | 2) && order % 3 == 0;
    if cuts {
        before.insert(
            usize::from(order) % (before.len() + 1),
            "#EXT-X-DISCONTINUITY".into(),
        );
    }
    match vendor % 12 {
        8 => before.push("#EXT-X-CUE-OUT:8".into()),
        1 => before.push("#EXT-X-CUE-IN".into()),
        2 => before.push("#EXT-OATCLS-SCTE35:/DAlAAA".into()),
        3 => before.push("## a comment, index.ts".into()),
        4 => before.push(format!("#EXT-X-BITRATE:{}", 100 + index)),
        5 => before.push("#EXT-X-GAP".into()),
        6 => before.push(format!("#EXT-X-DEFINE:NAME=\"v{index}\",VALUE=\"wm-a\"")),
        7 => before.push("#EXT-X-ASSET:CAID=0x1,POD=\"a,b\"".into()),
        _ => {}
    }
    if shape.dated && (index == 0 || cuts || dated % 3 == 1) {
        before.push(format!(
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{:02}:{:02}.{}00Z",
            *date / 600,
            *date / 10 % 60,
            *date % 10
        ));
    }
    if shape.dated && ranges % 4 == 3 {
        before.push(format!(
            "#EXT-X-DATERANGE:ID=\"r{index}\",START-DATE=\"2026-01-01T00:00:{:02}Z\",DURATION={}",
            index % 60,
            ranges % 20
        ));
    }
    if shape.parts && parts % 3 == 2 {
        let at = index * 100;
        before.push(format!(
            "#EXT-X-PART:DURATION=1,URI=\"wm-a/parts.mp4\",BYTERANGE=\"10@{at}\",INDEPENDENT=YES"
        ));
        before.push("#EXT-X-PART:DURATION=1,URI=\"wm-a/parts.mp4\",BYTERANGE=\"20\"".into());
    } else if shape.parts && parts % 3 == 1 {
        before.push("#EXT-X-PART:DURATION=1,URI=\"wm-a/parts.mp4\",BYTERANGE=\"20\"".into());
    }
    let title = if duration % 2 == 0 {
        "title, with://text"
    } else {
        ""
    };
    let info = format!("#EXTINF:{}.{},{title}", tenths / 10, tenths % 10);
    let (bytes, uri) = match range % 5 {
        4 => (
            Some(format!("#EXT-X-BYTERANGE:50@{}", index * 1000)),
            "wm-a/all.mp4".to_owned(),
        ),
        1 | 2 => (
            Some("#EXT-X-BYTERANGE:50".to_owned()),
            "wm-a/all.mp4".to_owned(),
        ),
        3 => match lines
            .iter()
            .chain(&before)
            .rev()
            .find_map(|line| line.split("NAME=\"v").nth(1))
        {
            Some(rest) => (
                None,
                format!(
                    "{{$v{}}}/{index}.mp4",
                    rest.split('"').next().unwrap_or_default()
                ),
            ),
            None => (None, format!("wm-a/{index}.mp4")),
        },
        _ => (None, format!("wm-a/{index}.mp4")),
    };
    lines.append(&mut before);
    if order % 5 < 2 {
        lines.extend(bytes);
        lines.push(info);
    } else {
        lines.push(info);
        lines.extend(bytes);
    }
    lines.push(uri);
    *date += tenths;
}
