//! DASH: the MPD (ISO/IEC 23009-1). The token goes into every URL, media may move to another host, representations are selected
//! by the same rules as HLS streams. The document is held whole, up to a limit, since a rule may empty an adaptation set.

use crate::body::Rewriter;
use crate::dash::document::Document;
use crate::dash::selection::Selection;
use crate::dash::xml::{Piece, PieceKind, pieces};
use crate::error::RewriteError;
use crate::playlist::lines::BOM;
use crate::uri::policy::UriPolicy;

/// The largest MPD that is held.
pub const MAX_MPD: usize = 2 * 1024 * 1024;

/// Rewrites one MPD.
pub struct DashRewriter {
    held: Vec<u8>,
    uris: UriPolicy,
    selection: Selection,
}

impl DashRewriter {
    /// A rewriter for one MPD.
    pub fn new(uris: UriPolicy, selection: Selection) -> Self {
        Self {
            held: Vec::new(),
            uris,
            selection,
        }
    }
}

impl Rewriter for DashRewriter {
    fn push(&mut self, chunk: &[u8], _out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.held.len() + chunk.len() > MAX_MPD {
            return Err(RewriteError::TooLarge { limit: MAX_MPD });
        }
        self.held.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let held = std::mem::take(&mut self.held);
        let bare = held.strip_prefix(BOM).unwrap_or(&held);
        out.extend_from_slice(&held[..held.len() - bare.len()]);
        if bare.trim_ascii().is_empty() {
            out.extend_from_slice(bare);
            return Ok(());
        }
        let text = std::str::from_utf8(bare)
            .map_err(|_| RewriteError::Xml("it is not UTF-8".to_owned()))?;
        let pieces = pieces(text)?;
        let is_mpd = |piece: &Piece| matches!(&piece.kind, PieceKind::Start(name) | PieceKind::Empty(name) if name == "MPD");
        if !pieces.iter().any(is_mpd) {
            out.extend_from_slice(bare);
            return Ok(());
        }
        let mut document = Document {
            text,
            dropped: vec![false; pieces.len()],
            pieces,
        };
        document.select(&self.selection)?;
        document.write(&self.uris, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::places::Place;
    use crate::playlist::places::Places;
    use crate::select::rule::Rule;
    use crate::uri::carrier::Carrier;
    use crate::uri::policy::HostSwitch;
    use proptest::prelude::*;

    const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
  <ProgramInformation><Title>A &amp; B</Title></ProgramInformation>
  <Location>live.mpd?a=1&amp;b=2</Location>
  <Period id="1">
    <AdaptationSet contentType="video" mimeType="video/mp4">
      <SegmentTemplate media="v/$RepresentationID$/$Number$.m4s?x=1&amp;y=2" initialization='v/$RepresentationID$/i.mp4'/>
      <Representation id="360" bandwidth="500000" width="640" height="360" codecs="avc1.4d401e"/>
      <Representation id="1080" bandwidth="5000000" width="1920" height="1080" codecs="avc1.640028"/>
    </AdaptationSet>
    <AdaptationSet contentType="video" codecs="hvc1.2.4.L123.B0"><BaseURL>hevc/</BaseURL>
      <Representation id="2160" bandwidth="9000000" height="2160"><BaseURL>u.mp4</BaseURL><SegmentBase><Initialization sourceURL="https://other.example/i"/></SegmentBase></Representation>
    </AdaptationSet>
    <AdaptationSet contentType="audio" lang="en" codecs="mp4a.40.2"><Representation id="en" bandwidth="1"/></AdaptationSet>
    <AdaptationSet contentType="audio" lang="de" codecs="mp4a.40.2"><Representation id="de" bandwidth="1"/></AdaptationSet>
    <AdaptationSet contentType="text" lang="de"><Representation id="sub" bandwidth="1"><BaseURL>s.vtt</BaseURL></Representation></AdaptationSet>
  </Period>
</MPD>
"#;

    fn policy(carrier: &[u8]) -> UriPolicy {
        let mut policy = UriPolicy::new("/v/a.mpd", "edge.example");
        policy.carry_token(&Carrier::parse(carrier, "/t/").unwrap(), Places::ALL);
        policy
    }

    fn run(uris: UriPolicy, rules: &[&str], text: &str) -> Result<String, RewriteError> {
        let rules = rules
            .iter()
            .map(|rule| Rule::compile(0, &toml::from_str(rule).unwrap()).unwrap())
            .collect();
        let mut rewriter = DashRewriter::new(
            uris,
            Selection {
                rules,
                ..Selection::default()
            },
        );
        let mut out = Vec::new();
        text.as_bytes()
            .chunks(7)
            .try_for_each(|chunk| rewriter.push(chunk, &mut out))?;
        rewriter.finish(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_token_goes_into_every_url() {
        let expected = MPD
            .replace("b=2<", "b=2&amp;t=X<")
            .replace("y=2\"", "y=2&amp;t=X\"")
            .replace("i.mp4'", "i.mp4?t=X'")
            .replace("u.mp4<", "u.mp4?t=X<")
            .replace("example/i\"", "example/i?t=X\"")
            .replace("s.vtt<", "s.vtt?t=X<");
        assert_eq!(run(policy(b"query:t=X"), &[], MPD).unwrap(), expected);
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        let bom = format!("\u{feff}{MPD}");
        assert_eq!(
            run(UriPolicy::default(), &["variants='true'"], &bom).unwrap(),
            bom
        );
        assert_eq!(
            run(
                policy(b"query:t=X"),
                &[],
                "<html><BaseURL>x</BaseURL></html>"
            )
            .unwrap(),
            "<html><BaseURL>x</BaseURL></html>"
        );
        assert!(matches!(
            run(policy(b"query:t=X"), &[], "<MPD><Period></MPD>"),
            Err(RewriteError::Xml(_))
        ));
    }

    #[test]
    fn media_moves_by_one_base_url() {
        let mut uris = policy(b"query:t=X");
        uris.switch_host(HostSwitch {
            base: b"https://c.example".to_vec(),
            places: Places::of(Place::is_media),
            from: vec![],
        });
        let text = run(uris, &[], MPD).unwrap();
        assert!(text.contains("</ProgramInformation>\n  <BaseURL>https://c.example/v/</BaseURL><Location>live.mpd?a=1"), "{text}");
        assert!(
            text.contains("media=\"v/$RepresentationID$/$Number$.m4s?x=1&amp;y=2&amp;t=X\"")
                && text.contains("<BaseURL>hevc/</BaseURL>")
        );
    }

    fn ids(text: &str) -> Vec<&str> {
        text.split("<Representation id=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect()
    }

    #[test]
    fn representations_are_selected() {
        for (rule, expected) in [
            (
                "variants='height <= 1080'",
                vec!["360", "1080", "en", "de", "sub"],
            ),
            (
                "variants='video-codec == \"h265\"'\naudio='language == \"de\"'",
                vec!["2160", "de", "sub"],
            ),
            (
                "audio='language == \"fr\"'\nsubtitles='language == \"fr\"'",
                vec!["360", "1080", "2160", "en", "de"],
            ),
            ("variants='height < 100'", vec!["360", "en", "de", "sub"]),
            (
                "variants='height < 100'\non-empty='all'",
                vec!["360", "1080", "2160", "en", "de", "sub"],
            ),
        ] {
            let text = run(UriPolicy::default(), &[rule], MPD).unwrap();
            assert_eq!(ids(&text), expected, "{rule}");
            assert!(
                pieces(&text).is_ok() && !text.contains("\n    \n"),
                "{text}"
            );
        }
        assert_eq!(
            run(
                UriPolicy::default(),
                &["variants='height < 100'\non-empty='refuse'"],
                MPD
            ),
            Err(RewriteError::Refused)
        );
    }

    proptest! {
        #[test]
        fn no_document_panics(parts in prop::collection::vec(prop::sample::select(MPD.split_inclusive('>').collect::<Vec<_>>()), 0..30)) {
            let text = parts.concat();
            if let Ok(out) = run(policy(b"query:t=X"), &["variants='height <= 360'"], &text) {
                prop_assert!(pieces(&out).is_ok());
            }
        }
    }
}
