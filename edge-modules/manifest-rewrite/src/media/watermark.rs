//! `[watermark]`: A/B forensic watermarking (DASH-IF, ETSI TS 104 002). Each media segment exists in two variants; the sequence of
//! variants that a viewer gets is the viewer's mark. The playlist names one of the two for each segment and never the other.

mod stage;

use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use weir_module::ConfigError;

use crate::NAME;
use crate::viewer::Viewer;

pub use stage::WatermarkStage;

/// `[watermark]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WatermarkConfig {
    /// The secret, 64 hexadecimal digits or more.
    pub key: String,
    /// The part of a URI that says variant A; the origin's playlists name variant A.
    pub a: String,
    /// What stands in its place for variant B.
    pub b: String,
}

impl std::fmt::Debug for WatermarkConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatermarkConfig")
            .field("a", &self.a)
            .field("b", &self.b)
            .finish_non_exhaustive()
    }
}

/// The compiled section.
#[derive(Clone)]
pub struct Watermark {
    key: Vec<u8>,
    a: Vec<u8>,
    b: Vec<u8>,
}

impl std::fmt::Debug for Watermark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watermark(..)")
    }
}

impl Watermark {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: &WatermarkConfig) -> Result<Self, ConfigError> {
        let wrong =
            |key: &str, message: &str| ConfigError::new(NAME, format!("watermark.{key}"), message);
        let digits = config.key.as_bytes();
        if digits.len() < 64
            || !digits.len().is_multiple_of(2)
            || !digits.iter().all(u8::is_ascii_hexdigit)
        {
            return Err(wrong("key", "it is 64 hexadecimal digits or more"));
        }
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .unwrap_or_default()
        };
        for (key, text) in [("a", &config.a), ("b", &config.b)] {
            if text.is_empty()
                || !text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"\"{}#?".contains(&byte))
            {
                return Err(wrong(key, "it is a part of a path"));
            }
        }
        if config.a.contains(&config.b) || config.b.contains(&config.a) {
            return Err(wrong(
                "b",
                "neither variant's part may stand in the other's",
            ));
        }
        Ok(Self {
            key: digits
                .chunks(2)
                .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
                .collect(),
            a: config.a.clone().into(),
            b: config.b.clone().into(),
        })
    }

    /// The mark of a viewer: who has no identity shares one with all such viewers.
    pub fn mark(&self, viewer: &Viewer) -> Mark {
        viewer.make_personal();
        let identity = viewer.identity().unwrap_or_default().as_bytes().to_vec();
        Mark {
            watermark: self.clone(),
            identity,
            block: None,
        }
    }
}

/// The sequence of one viewer: a bit for each media sequence number.
#[derive(Debug, Clone)]
pub struct Mark {
    watermark: Watermark,
    identity: Vec<u8>,
    /// The bits of the last block of 256 numbers that was asked for.
    block: Option<(u64, [u8; 32])>,
}

impl Mark {
    /// True for variant B. Bit `n` is bit `n mod 256` of HMAC-SHA-256 over the block's number and the viewer.
    pub fn bit(&mut self, number: u64) -> bool {
        let (block, within) = (number / 256, number % 256);
        let bits = match self.block {
            Some((known, bits)) if known == block => bits,
            _ => {
                let bits = self.bits(block);
                self.block = Some((block, bits));
                bits
            }
        };
        // Below 32 and below 8.
        let (byte, shift) = ((within / 8) as usize, within % 8);
        bits[byte] >> shift & 1 == 1
    }

    fn bits(&self, block: u64) -> [u8; 32] {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.watermark.key) else {
            return [0; 32];
        };
        mac.update(&block.to_be_bytes());
        mac.update(&self.identity);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RewriteError;
    use crate::playlist::rewriter::Stage as _;

    fn watermark() -> Watermark {
        let config = WatermarkConfig {
            key: "0123456789abcdef".repeat(4),
            a: "/wm-a/".into(),
            b: "/wm-b/".into(),
        };
        Watermark::compile(&config).unwrap()
    }

    fn mark(identity: &str) -> Mark {
        Mark {
            watermark: watermark(),
            identity: identity.into(),
            block: None,
        }
    }

    fn playlist(first: u64, count: u64) -> String {
        let mut text =
            format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"v/init.mp4\"\n");
        for number in first..first + count {
            text += &format!(
                "#EXT-X-PART:DURATION=1,URI=\"v/wm-a/{number}.1.mp4\"\n#EXTINF:4,\nv/wm-a/{number}.mp4\n"
            );
        }
        text
    }

    fn run(identity: &str, text: &str) -> String {
        let mut stage = WatermarkStage::new(mark(identity));
        let mut out = Vec::new();
        stage.lines(text.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_byte_range_goes_on_where_it_was_in_the_other_file() {
        let text = "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:10@5\nv/wm-a/all.mp4\n".to_owned()
            + &"#EXTINF:4,\n#EXT-X-BYTERANGE:10\r\nv/wm-a/all.mp4\n".repeat(20);
        let out = run("ada", &text);
        let mut before = None;
        let mut explicit = 0;
        for (index, (range, uri)) in out
            .lines()
            .filter(|line| line.starts_with("#EXT-X-BYTERANGE"))
            .zip(out.lines().filter(|line| !line.starts_with('#')))
            .enumerate()
        {
            let offset = range.split_once('@').map(|(_, offset)| offset.to_owned());
            if before.is_some_and(|before| before != uri) {
                assert_eq!(offset, Some((5 + index * 10).to_string()), "{out}");
                explicit += 1;
            } else {
                assert_eq!(offset.is_some(), index == 0, "{out}");
            }
            before = Some(uri);
        }
        assert!(explicit > 0, "{out}");
    }

    fn sequence(text: &str) -> String {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| if line.contains("/wm-b/") { 'B' } else { 'A' })
            .collect()
    }

    #[test]
    fn every_viewer_has_a_sequence_of_its_own_that_stays() {
        let (ada, bob) = (
            sequence(&run("ada", &playlist(0, 600))),
            sequence(&run("bob", &playlist(0, 600))),
        );
        let differ = ada.chars().zip(bob.chars()).filter(|(a, b)| a != b).count();
        assert!((240..360).contains(&differ), "{differ}");
        let b = ada.matches('B').count();
        assert!((240..360).contains(&b), "{b}");
        // The same segment has the same variant in a later window.
        assert_eq!(sequence(&run("ada", &playlist(300, 100))), ada[300..400]);
    }

    #[test]
    fn parts_go_with_their_segment_and_nothing_else_changes() {
        let text = run("ada", &playlist(0, 300));
        assert_eq!(text.replace("wm-b", "wm-a"), playlist(0, 300));
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines
            .windows(3)
            .filter(|lines| lines[0].starts_with("#EXT-X-PART"))
        {
            assert_eq!(
                pair[0].contains("wm-b"),
                pair[2].contains("wm-b"),
                "{pair:?}"
            );
        }
    }

    #[test]
    fn a_delta_update_keeps_the_numbers() {
        let full = run("ada", &playlist(0, 20));
        let delta = playlist(0, 20).replace(
            "#EXT-X-MAP:URI=\"v/init.mp4\"\n",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n",
        );
        let cut: String = delta
            .split_inclusive('\n')
            .enumerate()
            .filter(|(index, _)| !(3..18).contains(index))
            .map(|(_, line)| line)
            .collect();
        assert_eq!(sequence(&run("ada", &cut)), sequence(&full)[5..]);
    }

    #[test]
    fn trick_play_is_refused() {
        let mut stage = WatermarkStage::new(mark("ada"));
        assert_eq!(
            stage.lines(b"#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n", &mut Vec::new()),
            Err(RewriteError::Refused)
        );
    }

    #[test]
    fn names_the_wrong_key() {
        let compile = |key: &str, a: &str, b: &str| {
            let config = WatermarkConfig {
                key: key.into(),
                a: a.into(),
                b: b.into(),
            };
            Watermark::compile(&config).unwrap_err().key().to_owned()
        };
        let key = "00".repeat(32);
        assert_eq!(compile("00", "a/", "b/"), "watermark.key");
        assert_eq!(compile(&key, "", "b/"), "watermark.a");
        assert_eq!(compile(&key, "a/", "aa/"), "watermark.b");
    }
}
