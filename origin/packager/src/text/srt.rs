//! SubRip (SRT): numbered cues with times and light markup.

use super::cue::{Cue, Document, blocks, parse_timing};

/// Reads SRT. What is not a cue is passed over.
pub(super) fn parse(text: &str) -> Document {
    let mut document = Document::default();
    for block in blocks(text) {
        let Some(at) = block.iter().take(2).position(|line| line.contains("-->")) else {
            continue;
        };
        let Some((start, end, _)) = parse_timing(block[at]) else {
            continue;
        };
        let (text, settings) = cue_text(block[at + 1..].iter().copied());
        if end > start && !text.is_empty() {
            document.cues.push(Cue {
                start,
                end,
                settings,
                text,
            });
        }
    }
    document.cues.sort_by_key(|cue| (cue.start, cue.end));
    document
}

/// Lines of SRT as WebVTT cue text, and the cue settings that they ask for.
pub(super) fn cue_text<'a>(lines: impl Iterator<Item = &'a str>) -> (String, String) {
    let mut settings = String::new();
    let lines: Vec<String> = lines
        .map(|line| convert(line, &mut settings))
        .filter(|line| !line.trim().is_empty())
        .collect();
    (lines.join("\n"), settings)
}

/// One line of SRT as WebVTT cue text: bold, italics and underline stay; other tags and positions in braces go, though a position
/// at the top becomes a cue setting.
fn convert(line: &str, settings: &mut String) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("{\\")
            && let Some((code, after)) = after.split_once('}')
        {
            if matches!(code, "an7" | "an8" | "an9") {
                "line:0".clone_into(settings);
            }
            rest = after;
            continue;
        }
        if c == '<'
            && let Some((tag, after)) = rest[1..].split_once('>')
            && tag
                .trim_start_matches('/')
                .starts_with(|c: char| c.is_ascii_alphabetic())
        {
            let name = tag.trim_start_matches('/').to_ascii_lowercase();
            if ["b", "i", "u"].contains(&name.as_str()) {
                out.push_str(if tag.starts_with('/') { "</" } else { "<" });
                out.push_str(&name);
                out.push('>');
            }
            rest = after;
            continue;
        }
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !is_entity(rest) => out.push_str("&amp;"),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn is_entity(text: &str) -> bool {
    ["&amp;", "&lt;", "&gt;", "&nbsp;", "&lrm;", "&rlm;", "&#"]
        .iter()
        .any(|entity| text.starts_with(entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_webvtt() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,500\r\n{\\an8}<font color=\"red\">A & <I>b</I></font>\r\n2 < 3\r\n\r\n\
                    garbage\r\n\r\n2\r\n00:00:00,500 --> 00:00:00,900\r\nfirst\r\n";
        let document = parse(text);
        assert_eq!(document.cues.len(), 2);
        assert_eq!(document.cues[0].text, "first");
        assert_eq!(
            document.cues[1],
            Cue {
                start: 1_000_000,
                end: 2_500_000,
                settings: "line:0".into(),
                text: "A &amp; <i>b</i>\n2 &lt; 3".into()
            }
        );
    }
}
