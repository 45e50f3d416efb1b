//! Advanced SubStation Alpha in Matroska (`S_TEXT/ASS`, `S_TEXT/SSA`): the text of an event, with bold, italics and underline. Styles,
//! places and drawings are left out.

use super::markup::{Face, Markup};

/// Fields before the text: read order, layer, style, name, three margins, effect.
const FIELDS: usize = 8;

/// The cue text of a block and its cue settings; the text is empty where nothing is shown.
pub(super) fn cue_text(block: &str) -> (String, String) {
    let text = block
        .splitn(FIELDS + 1, ',')
        .nth(FIELDS)
        .unwrap_or_default();
    let mut markup = Markup::default();
    let mut settings = String::new();
    let (mut face, mut drawing) = (Face::default(), false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '{'
            && let Some((codes, after)) = rest[1..].split_once('}')
        {
            for code in codes.split('\\').skip(1) {
                apply(code.trim(), &mut face, &mut drawing, &mut settings);
            }
            rest = after;
            continue;
        }
        let (shown, len) = match rest.as_bytes() {
            [b'\\', b'N' | b'n', ..] => ('\n', 2),
            [b'\\', b'h', ..] => ('\u{a0}', 2),
            _ => (c, c.len_utf8()),
        };
        if !drawing {
            markup.push(shown, face);
        }
        rest = &rest[len..];
    }
    (markup.finish(), settings)
}

/// An override code: what it does to what follows.
fn apply(code: &str, face: &mut Face, drawing: &mut bool, settings: &mut String) {
    let number = |name: &str| code.strip_prefix(name)?.parse::<u32>().ok();
    if let Some(value) = number("i") {
        face.italic = value > 0;
    } else if let Some(value) = number("b") {
        // 1, or a weight.
        face.bold = value == 1 || value >= 600;
    } else if let Some(value) = number("u") {
        face.underline = value > 0;
    } else if let Some(value) = number("p") {
        *drawing = value > 0;
    } else if let Some(7..=9) = number("an") {
        "line:0".clone_into(settings);
    } else if code == "r" || code.starts_with("r") && !code.starts_with("rnd") {
        *face = Face::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stays() {
        let block =
            r"12,0,Default,,0,0,0,,{\an8\fad(100,100)}One, {\i1}two{\i0}\N\N{\b700\u1}three{\r}\h<";
        assert_eq!(
            cue_text(block),
            (
                "One, <i>two</i>\n<b><u>three</u></b>\u{a0}&lt;".to_owned(),
                "line:0".to_owned()
            )
        );
        assert_eq!(cue_text(r"1,0,S,,0,0,0,,{\p1}m 0 0 l 9 9{\p0}").0, "");
        assert_eq!(cue_text("no event").0, "");
    }
}
