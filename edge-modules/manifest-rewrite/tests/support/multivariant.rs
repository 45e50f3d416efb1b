//! Multivariant playlists of every shape that RFC 8216bis section 4.4.6 allows, and of those around it that players read.

use proptest::prelude::*;

/// What decides one variant: size, then bits of what belongs to it.
type Draw = (u32, [u8; 4]);

/// Playlists.
pub fn multivariant() -> impl Strategy<Value = String> {
    let draw = (1..9u32, any::<[u8; 4]>());
    (prop::collection::vec(draw, 1..7), any::<u16>()).prop_map(|(draws, odd)| text(&draws, odd))
}

fn text(draws: &[Draw], odd: u16) -> String {
    let bit = |number: u8| odd >> number & 1 == 1;
    let mut lines: Vec<String> = vec!["#EXTM3U".into(), "#EXT-X-VERSION:12".into()];
    if bit(0) {
        lines.push("#EXT-X-DEFINE:NAME=\"dir\",VALUE=\"wm-a\"".into());
    }
    let dir = if bit(0) { "{$dir}" } else { "wm-a" };
    // One steering tag; its pathway is that of the first variant.
    if bit(1) {
        lines.push("#EXT-X-CONTENT-STEERING:SERVER-URI=\"/old\",PATHWAY-ID=\"P0\"".into());
    }
    let groups = [
        (bit(2), "AUDIO"),
        (bit(3), "SUBTITLES"),
        (bit(4), "VIDEO"),
        (bit(5), "CLOSED-CAPTIONS"),
    ];
    for (_, kind) in groups.iter().filter(|(there, _)| *there) {
        for group in ["a", "b"] {
            for (name, language) in [("English", "en"), ("Deutsch", "de")] {
                let default = if name == "English" {
                    " ,DEFAULT=YES, AUTOSELECT=YES"
                } else {
                    ""
                };
                let place = match *kind {
                    "CLOSED-CAPTIONS" => {
                        format!("INSTREAM-ID=\"CC{}\"", 1 + u8::from(language == "de"))
                    }
                    _ => format!("URI=\"{dir}/{group}-{language}.m3u8\""),
                };
                lines.push(format!("#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\", NAME = \"{name}\",LANGUAGE=\"{language}\"{default},{place}"));
            }
        }
    }
    if bit(6) {
        lines.push("#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"old\"".into());
        lines.push("#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"".into());
    }
    if bit(7) {
        lines.push("#EXT-X-START:TIME-OFFSET=4".into());
    }
    for (index, (size, [group, trick, vendor, pathway])) in draws.iter().enumerate() {
        let mut attributes = format!("BANDWIDTH={}", size * 500_000);
        attributes += [
            ",CODECS=\"avc1.4d401e,mp4a.40.2\"",
            " , CODECS=\"hvc1.2.4.L123.B0,ec-3\"",
            "",
        ][usize::from(vendor % 3)];
        attributes += &format!(",RESOLUTION={}x{}", size * 320, size * 180);
        for (number, (_, kind)) in groups.iter().enumerate().filter(|(_, (there, _))| *there) {
            // Every group is named at least by the first two.
            let name = if index < 2 {
                ["a", "b"][index]
            } else {
                ["a", "b"][usize::from(group >> number & 1)]
            };
            attributes += &format!(",{kind}=\"{name}\"");
        }
        if !bit(5) && bit(8) {
            attributes += ",CLOSED-CAPTIONS=NONE";
        }
        if bit(9) {
            attributes += &format!(",SCORE={}.5", index);
        }
        if bit(1) || bit(10) {
            attributes += &format!(
                ",PATHWAY-ID=\"P{}\"",
                if index == 0 { 0 } else { pathway % 3 }
            );
        }
        if bit(11) {
            attributes += &format!(
                ",STABLE-VARIANT-ID=\"v{index}\",REQ-VIDEO-LAYOUT=\"CH-MONO\",X-COM-VENDOR=\"a,b=c\""
            );
        }
        lines.push(format!("#EXT-X-STREAM-INF:{attributes}"));
        match vendor % 5 {
            0 => lines.push("## between".into()),
            1 => lines.push(String::new()),
            _ => {}
        }
        lines.push(format!("{dir}/{size}-{index}.m3u8?x={index}"));
        if trick % 3 == 1 {
            lines.push(format!("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,RESOLUTION={}x{},URI=\"{dir}/i{index}.m3u8\"", size * 320, size * 180));
        }
        if trick % 5 == 1 {
            lines.push(format!("#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=900,CODECS=\"jpeg\",RESOLUTION=320x180,URI=\"{dir}/t{index}.m3u8\""));
        }
        if vendor % 7 == 1 {
            lines.push(format!("#EXT-X-VENDOR-{index}:URI=\"x.m3u8\",A=B"));
        }
    }
    let end = if bit(12) { "\r\n" } else { "\n" };
    let mark = if bit(13) { "\u{feff}" } else { "" };
    let mut text = mark.to_owned() + &lines.join(end);
    if !bit(14) {
        text += end;
    }
    text
}
