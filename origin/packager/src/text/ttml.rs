//! TTML (W3C TTML2), as the text profile of IMSC 1 uses it: timed paragraphs and spans, with bold, italics, underline, and roughly
//! their place.

use super::cue::{Cue, Document};
use super::markup::{Face, Markup};
use super::ttml_style::Styles;
use super::ttml_time::Clock;
use super::xml::{Element, Node};

/// The end of what has none: a hundred hours.
const OPEN_END: i64 = 360_000_000_000;
/// Most times at which the text of one paragraph changes; a karaoke line has a few dozen.
const MAX_CHANGES: usize = 512;

/// True when `text` looks like XML.
pub(super) fn is_ttml(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// Reads a document; the reason where it is none.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let root = Element::parse(text)?;
    if root.name != "tt" {
        return Err(format!(
            "its root is `{}`, not `tt`",
            root.name.escape_debug()
        ));
    }
    let clock = Clock::new(
        root.attribute("frameRate"),
        root.attribute("frameRateMultiplier"),
        root.attribute("subFrameRate"),
        root.attribute("tickRate"),
    );
    let mut reader = Reader {
        styles: Styles::new(&root),
        clock,
        cues: Vec::new(),
    };
    let around = Around {
        begin: 0,
        end: OPEN_END,
        face: Face::default(),
        preserve: root.attribute("space") == Some("preserve"),
        region: None,
        alignment: None,
    };
    if let Some(body) = root.elements().find(|element| element.name == "body") {
        reader.block(body, &around, 0);
    }
    // Times of day count from where the programme starts, where the document says so (EBU-TT, `ebuttm`).
    let zero = root
        .find("documentStartOfProgramme")
        .and_then(|start| clock.parse(&start.text()))
        .unwrap_or(0);
    let mut document = Document {
        head: Vec::new(),
        cues: reader.cues,
    };
    if zero > 0 && root.attribute("timeBase") == Some("smpte") {
        document.cues.retain_mut(|cue| {
            cue.start = (cue.start - zero).max(0);
            cue.end -= zero;
            cue.end > cue.start
        });
    }
    document.sort();
    Ok(document)
}

/// What an element is in.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Microseconds.
    begin: i64,
    end: i64,
    face: Face,
    /// Space counts.
    preserve: bool,
    region: Option<&'a Element>,
    alignment: Option<&'a str>,
}

/// A piece of a paragraph.
struct Piece<'a> {
    begin: i64,
    end: i64,
    face: Face,
    preserve: bool,
    /// `None` for a line break.
    text: Option<&'a str>,
}

struct Reader<'a> {
    styles: Styles<'a>,
    clock: Clock,
    cues: Vec<Cue>,
}

impl<'a> Reader<'a> {
    /// What holds inside `element`, whose times count from `reference`; `None` when nothing of it is shown.
    fn enter(
        &self,
        element: &'a Element,
        around: &Around<'a>,
        reference: i64,
    ) -> Option<Around<'a>> {
        let time = |name: &str| self.clock.parse(element.attribute(name)?);
        let begin = reference.saturating_add(time("begin").unwrap_or(0));
        let stated = time("end").map(|end| reference.saturating_add(end));
        let lasting = time("dur").map(|dur| begin.saturating_add(dur));
        let end = [stated, lasting, Some(around.end)];
        let end = end.into_iter().flatten().min().unwrap_or(around.end);
        let begin = begin.max(around.begin);
        if end <= begin || self.styles.is_hidden(element) {
            return None;
        }
        let region = element
            .attribute("region")
            .and_then(|id| self.styles.region(id));
        // Text takes after its region where it does not take after an element.
        let face = match region {
            Some(region) if around.region.is_none() => self.styles.face(region, around.face),
            _ => around.face,
        };
        Some(Around {
            begin,
            end,
            face: self.styles.face(element, face),
            preserve: element
                .attribute("space")
                .map_or(around.preserve, |space| space == "preserve"),
            region: region.or(around.region),
            alignment: self.styles.alignment(element).or(around.alignment),
        })
    }

    /// Goes through `body` and `div`.
    fn block(&mut self, element: &'a Element, around: &Around<'a>, reference: i64) {
        let Some(inside) = self.enter(element, around, reference) else {
            return;
        };
        let mut reference = inside.begin;
        for child in element.elements() {
            match child.name.as_str() {
                "div" => self.block(child, &inside, reference),
                "p" => self.paragraph(child, &inside, reference),
                _ => continue,
            }
            reference = self.next_reference(element, child, &inside, reference);
        }
    }

    /// What the times of the child after `child` count from: the start of `element`, or in sequence the end of `child`.
    fn next_reference(
        &self,
        element: &'a Element,
        child: &'a Element,
        inside: &Around<'a>,
        reference: i64,
    ) -> i64 {
        if element.attribute("timeContainer") != Some("seq") {
            return inside.begin;
        }
        let ended = self.enter(child, inside, reference).map(|child| child.end);
        ended.unwrap_or(reference)
    }

    fn paragraph(&mut self, element: &'a Element, around: &Around<'a>, reference: i64) {
        let Some(inside) = self.enter(element, around, reference) else {
            return;
        };
        let mut pieces = Vec::new();
        self.pieces(element, &inside, &mut pieces);
        let mut changes: Vec<i64> = pieces
            .iter()
            .flat_map(|piece| [piece.begin, piece.end])
            .collect();
        changes.sort_unstable();
        changes.dedup();
        if changes.len() > MAX_CHANGES {
            changes = vec![inside.begin, inside.end];
        }
        let settings = self.styles.settings(inside.region, inside.alignment);
        for pair in changes.windows(2) {
            let (start, end) = (pair[0], pair[1]);
            let shown = pieces
                .iter()
                .filter(|piece| piece.begin < end && piece.end > start);
            let text = write(shown);
            if !text.is_empty() {
                self.cues.push(Cue {
                    start,
                    end,
                    settings: settings.clone(),
                    text,
                });
            }
        }
    }

    /// Collects the text of a paragraph or span.
    fn pieces(&self, element: &'a Element, inside: &Around<'a>, out: &mut Vec<Piece<'a>>) {
        let piece = |text| Piece {
            begin: inside.begin,
            end: inside.end,
            face: inside.face,
            preserve: inside.preserve,
            text,
        };
        let mut reference = inside.begin;
        for node in &element.children {
            match node {
                Node::Text(text) => out.push(piece(Some(text.as_str()))),
                Node::Element(child) => match child.name.as_str() {
                    "br" => out.push(piece(None)),
                    "span" => {
                        if let Some(span) = self.enter(child, inside, reference) {
                            self.pieces(child, &span, out);
                        }
                        reference = self.next_reference(element, child, inside, reference);
                    }
                    _ => {}
                },
            }
        }
    }
}

/// The cue text of pieces, with space collapsed where it does not count.
fn write<'a>(pieces: impl Iterator<Item = &'a Piece<'a>>) -> String {
    let mut markup = Markup::default();
    let mut after_space = true;
    for piece in pieces {
        let Some(text) = piece.text else {
            markup.push('\n', piece.face);
            after_space = true;
            continue;
        };
        for c in text.chars() {
            let is_space = matches!(c, ' ' | '\t' | '\n' | '\r');
            if piece.preserve || !is_space {
                markup.push(c, piece.face);
            } else if !after_space {
                markup.push(' ', piece.face);
            }
            after_space = is_space;
        }
    }
    markup.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Vec<(i64, i64, String, String)> {
        let found = parse(text).unwrap().cues.into_iter();
        found
            .map(|cue| (cue.start, cue.end, cue.settings, cue.text))
            .collect()
    }

    fn body(content: &str) -> String {
        format!(
            r#"<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xml:lang="en">{content}</tt>"#
        )
    }

    #[test]
    fn paragraphs_with_space_breaks_and_looks() {
        let text = body(
            r#"<head><styling><style xml:id="base" tts:fontStyle="italic"/><style xml:id="loud" style="base" tts:fontWeight="bold"/></styling></head>
            <body><div><p begin="1s" end="00:00:02.500">
                One &amp; <span style="loud">two
                three</span> <br/> four </p>
            <p xml:space="preserve" begin="3s" dur="500ms"> a  b</p><p begin="4s" end="5s" tts:visibility="hidden">no</p></div></body>"#,
        );
        assert_eq!(
            cues(&text),
            [
                (
                    1_000_000,
                    2_500_000,
                    String::new(),
                    "One &amp; <b><i>two three</i></b>\nfour".to_owned()
                ),
                (3_000_000, 3_500_000, String::new(), " a  b".to_owned()),
            ]
        );
    }

    #[test]
    fn times_nest_and_follow_each_other() {
        let text = body(
            r#"<body begin="10s" end="60s"><div begin="5s"><p begin="1s" end="3s">a<span begin="1s"> b</span></p></div>
            <div timeContainer="seq"><p dur="2s">c</p><p begin="1s" dur="2s">d</p><p dur="100s">e</p></div></body>"#,
        );
        let found: Vec<_> = cues(&text)
            .into_iter()
            .map(|(start, end, _, text)| (start / 1_000_000, end / 1_000_000, text))
            .collect();
        let wanted = [
            (10, 12, "c"),
            (13, 15, "d"),
            (15, 60, "e"),
            (16, 17, "a"),
            (17, 18, "a b"),
        ];
        assert_eq!(
            found,
            wanted.map(|(start, end, text)| (start, end, text.to_owned()))
        );
    }

    #[test]
    fn regions_become_settings() {
        let text = body(
            r#"<head><layout><region xml:id="top" tts:origin="10% 5%" tts:extent="80% 20%"><style tts:textAlign="left"/></region>
            <region xml:id="bottom" tts:origin="10% 70%" tts:extent="80% 20%" tts:displayAlign="after" tts:fontStyle="italic"/></layout></head>
            <body><div><p region="top" begin="1s" end="2s">a</p><p region="bottom" tts:textAlign="center" begin="3s" end="4s">b</p></div></body>"#,
        );
        let found: Vec<_> = cues(&text)
            .into_iter()
            .map(|(.., settings, text)| (settings, text))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "line:5% position:10% align:start".to_owned(),
                    "a".to_owned()
                ),
                (String::new(), "<i>b</i>".to_owned()),
            ]
        );
    }

    #[test]
    fn times_of_day_count_from_the_start_of_the_programme() {
        let text = r#"<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" ttp:timeBase="smpte" ttp:frameRate="25"><tt:head><tt:metadata>
            <ebuttm:documentStartOfProgramme>10:00:00:00</ebuttm:documentStartOfProgramme></tt:metadata></tt:head>
            <tt:body><tt:div><tt:p begin="10:00:01:05" end="10:00:02:00">x</tt:p></tt:div></tt:body></tt:tt>"#;
        assert_eq!(
            cues(text),
            [(1_200_000, 2_000_000, String::new(), "x".to_owned())]
        );
    }

    #[test]
    fn what_is_no_ttml_is_refused() {
        assert!(parse("<html/>").unwrap_err().contains("`html`"));
        assert!(parse("<tt>").is_err());
        assert!(is_ttml(" <?xml?>") && !is_ttml("WEBVTT") && !is_ttml("1\n"));
    }
}
