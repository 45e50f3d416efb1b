//! Track entries (RFC 9559, 5.1.4.1).

use super::ebml::{elements, float, text, unsigned};
use crate::language;

/// One track as its entry describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TrackEntry {
    pub(super) number: u64,
    /// 1 video, 2 audio, 17 subtitles.
    pub(super) kind: u64,
    pub(super) codec: String,
    pub(super) private: Vec<u8>,
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    /// Nanoseconds of a frame.
    pub(super) frame: Option<u64>,
    /// Nanoseconds of sound at the start that are decoded only.
    pub(super) delay: u64,
    /// Bytes that were taken off the start of every frame.
    pub(super) stripped: Vec<u8>,
    /// Frames are compressed with zlib, which only text is read from.
    pub(super) deflated: bool,
    /// The file says that the track is to be chosen unless the viewer chooses otherwise.
    pub(super) default: bool,
    pub(super) forced: bool,
    pub(super) hearing_impaired: bool,
    /// Why frames cannot be read as they stand.
    pub(super) sealed: Option<&'static str>,
    pub(super) video: Video,
    pub(super) audio: Audio,
}

/// Pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Video {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Width and height as shown, in any unit but none at all.
    pub(super) display: Option<(u64, u64)>,
    /// Primaries, transfer, matrix, full range.
    pub(super) colour: Option<(u64, u64, u64, bool)>,
    /// Most and mean light in candela per square metre.
    pub(super) light: Option<(u64, u64)>,
    /// Chromaticities of red, green, blue and white, x and y of each, then most and least luminance.
    pub(super) mastering: Option<[f64; 10]>,
    /// Rotation in degrees, counter-clockwise.
    pub(super) roll: f64,
    /// Configuration of Dolby Vision: type and content of its box.
    pub(super) dolby: Option<([u8; 4], Vec<u8>)>,
}

/// Sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Audio {
    pub(super) rate: f64,
    pub(super) output_rate: Option<f64>,
    pub(super) channels: u64,
}

impl TrackEntry {
    /// Reads the content of a track entry.
    pub(super) fn parse(content: &[u8]) -> Self {
        let mut found = Self::default();
        found.audio.channels = 1;
        found.audio.rate = 8000.0;
        let (mut old, mut new, mut encodings) = (Some("eng".to_owned()), None, None);
        for (id, content) in elements(content) {
            match id {
                0xd7 => found.number = unsigned(content),
                0x83 => found.kind = unsigned(content),
                0x86 => found.codec = text(content).unwrap_or_default(),
                0x63a2 => found.private = content.to_vec(),
                0x536e => found.name = text(content),
                0x22_b59c => old = text(content),
                0x22_b59d => new = text(content),
                0x23_e383 => found.frame = Some(unsigned(content)).filter(|nanos| *nanos > 0),
                0x88 => found.default = unsigned(content) == 1,
                0x55aa => found.forced = unsigned(content) == 1,
                0x55ab => found.hearing_impaired = unsigned(content) == 1,
                0x56aa => found.delay = unsigned(content),
                0x6d80 => encodings = Some(content),
                0xe0 => found.video.parse(content),
                0xe1 => found.audio.parse(content),
                0x41e4 => found.video.read_mapping(content),
                _ => {}
            }
        }
        if let Some(content) = encodings {
            found.read_encodings(content);
        }
        found.language = new.or(old).and_then(|tag| language::from_tag(&tag));
        found
    }

    /// `ContentEncodings`: headers that were taken off frames are put back; nothing else is.
    fn read_encodings(&mut self, content: &[u8]) {
        for (_, encoding) in elements(content).filter(|(id, _)| *id == 0x6240) {
            let (mut kind, mut algorithm, mut settings, mut scope) = (0, 0, Vec::new(), 1);
            for (id, content) in elements(encoding) {
                match id {
                    0x5032 => scope = unsigned(content),
                    0x5033 => kind = unsigned(content),
                    0x5034 => {
                        for (id, content) in elements(content) {
                            match id {
                                0x4254 => algorithm = unsigned(content),
                                0x4255 => settings = content.to_vec(),
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
            }
            match (kind, algorithm) {
                _ if scope & 1 == 0 => {}
                (0, 3) => self.stripped.splice(..0, settings).for_each(drop),
                (0, 0) if self.kind == 17 => self.deflated = true,
                (0, _) => self.sealed = Some("compressed frames"),
                _ => self.sealed = Some("encrypted frames"),
            }
        }
    }
}

impl Video {
    fn parse(&mut self, content: &[u8]) {
        let (mut width, mut height, mut unit) = (None, None, 0);
        let mut crop = [0; 4];
        for (id, content) in elements(content) {
            match id {
                0xb0 => self.width = unsigned(content),
                0xba => self.height = unsigned(content),
                0x54cc => crop[0] = unsigned(content),
                0x54dd => crop[1] = unsigned(content),
                0x54bb => crop[2] = unsigned(content),
                0x54aa => crop[3] = unsigned(content),
                0x54b0 => width = Some(unsigned(content)),
                0x54ba => height = Some(unsigned(content)),
                0x54b2 => unit = unsigned(content),
                0x55b0 => self.read_colour(content),
                0x7670 => {
                    for (id, content) in elements(content) {
                        if id == 0x7675 {
                            self.roll = float(content);
                        }
                    }
                }
                _ => {}
            }
        }
        // Where nothing is said pixels are square; unit 4 says that nothing is known.
        let shown = |said: Option<u64>, size: u64, crop: u64| {
            said.unwrap_or_else(|| size.saturating_sub(crop))
        };
        if (width.is_some() || height.is_some()) && unit != 4 {
            self.display = Some((
                shown(width, self.width, crop[0].saturating_add(crop[1])),
                shown(height, self.height, crop[2].saturating_add(crop[3])),
            ));
        }
    }

    fn read_colour(&mut self, content: &[u8]) {
        let (mut matrix, mut range, mut transfer, mut primaries) = (2, 0, 2, 2);
        let (mut most, mut mean) = (None, None);
        for (id, content) in elements(content) {
            match id {
                0x55b1 => matrix = unsigned(content),
                0x55b9 => range = unsigned(content),
                0x55ba => transfer = unsigned(content),
                0x55bb => primaries = unsigned(content),
                0x55bc => most = Some(unsigned(content)),
                0x55bd => mean = Some(unsigned(content)),
                0x55d0 => self.read_mastering(content),
                _ => {}
            }
        }
        self.colour = Some((primaries, transfer, matrix, range == 2));
        self.light = most.zip(mean);
    }

    fn read_mastering(&mut self, content: &[u8]) {
        let mut found = [f64::NAN; 10];
        for (id, content) in elements(content) {
            if let Some(place) = (id as usize)
                .checked_sub(0x55d1)
                .filter(|place| *place < 10)
            {
                found[place] = float(content);
            }
        }
        if found.iter().all(|value| value.is_finite() && *value >= 0.0) {
            self.mastering = Some(found);
        }
    }

    /// `BlockAdditionMapping`: of interest where it holds the configuration of Dolby Vision.
    fn read_mapping(&mut self, content: &[u8]) {
        let (mut kind, mut data) = (0, Vec::new());
        for (id, content) in elements(content) {
            match id {
                0x41e7 => kind = unsigned(content),
                0x41ed => data = content.to_vec(),
                _ => {}
            }
        }
        let kind = u32::try_from(kind).unwrap_or(0).to_be_bytes();
        if matches!(&kind, b"dvcC" | b"dvvC" | b"dvwC") {
            self.dolby = Some((kind, data));
        }
    }
}

impl Audio {
    fn parse(&mut self, content: &[u8]) {
        for (id, content) in elements(content) {
            match id {
                0xb5 => self.rate = float(content),
                0x78b5 => self.output_rate = Some(float(content)),
                0x9f => self.channels = unsigned(content),
                _ => {}
            }
        }
    }
}
