//! Text in blocks of Matroska ("Matroska Media Container Codec Specifications", 4): a block is a cue without its times.

use super::cue::{clean_settings, clean_text, lines};
use super::{ass, srt, webvtt};

/// How the text of a track is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockSyntax {
    /// As in SRT.
    Plain,
    /// As events of (Advanced) SubStation Alpha.
    SubStation,
    /// As in WebVTT; settings stand in an addition to the block.
    WebVtt,
    /// As early WebM files have it: identifier and settings on lines of their own before the text.
    EarlyWebVtt,
}

impl BlockSyntax {
    /// That of a codec; `None` when it is no text.
    pub(crate) fn of(codec: &str) -> Option<Self> {
        Some(match codec {
            "S_TEXT/UTF8" | "S_TEXT/ASCII" => Self::Plain,
            "S_TEXT/ASS" | "S_TEXT/SSA" | "S_ASS" | "S_SSA" => Self::SubStation,
            "S_TEXT/WEBVTT" => Self::WebVtt,
            "D_WEBVTT/SUBTITLES" | "D_WEBVTT/CAPTIONS" => Self::EarlyWebVtt,
            _ => return None,
        })
    }

    /// `STYLE` and `REGION` blocks of a track with this private data.
    pub(crate) fn head(self, private: &[u8]) -> Vec<String> {
        match self {
            Self::WebVtt => {
                let text = String::from_utf8_lossy(private);
                // The magic stands there or does not, as writers please.
                let text = text.strip_prefix("WEBVTT").unwrap_or(&text);
                webvtt::parse(&format!("WEBVTT\n\n{text}")).head
            }
            _ => Vec::new(),
        }
    }

    /// The cue text and settings of a block and what is added to it; the text is empty where nothing is shown.
    pub(crate) fn cue(self, block: &[u8], addition: &[u8]) -> (String, String) {
        let text = String::from_utf8_lossy(block);
        let text = text.trim_end_matches('\0');
        match self {
            Self::Plain => srt::cue_text(lines(text)),
            Self::SubStation => ass::cue_text(text),
            Self::WebVtt => (
                clean_text(text),
                clean_settings(&String::from_utf8_lossy(addition)),
            ),
            Self::EarlyWebVtt => {
                let mut parts = text.splitn(3, '\n').skip(1);
                let settings = clean_settings(parts.next().unwrap_or_default());
                (clean_text(parts.next().unwrap_or_default()), settings)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cue_in_every_syntax() {
        let cue = |codec: &str, block: &str, addition: &str| {
            BlockSyntax::of(codec)
                .unwrap()
                .cue(block.as_bytes(), addition.as_bytes())
        };
        let wanted = ("<i>a</i>\nb".to_owned(), "line:0".to_owned());
        let plain = cue("S_TEXT/UTF8", "{\\an8}<i>a</i>\r\n\r\nb\0", "");
        assert_eq!(plain, wanted);
        let event = "0,0,Default,,0,0,0,,{\\an8}{\\i1}a{\\i0}\\Nb";
        assert_eq!(cue("S_TEXT/ASS", event, "").1, "line:0");
        assert_eq!(cue("S_TEXT/WEBVTT", "<i>a</i>\nb", "line:0\n7\n"), wanted);
        assert_eq!(
            cue("D_WEBVTT/SUBTITLES", "7\nline:0\n<i>a</i>\nb\n", ""),
            wanted
        );
        assert_eq!(BlockSyntax::of("S_HDMV/PGS"), None);
        let head = BlockSyntax::WebVtt.head(b"WEBVTT\n\nSTYLE\n::cue { color: red }\n");
        assert_eq!(head, ["STYLE\n::cue { color: red }"]);
    }
}
