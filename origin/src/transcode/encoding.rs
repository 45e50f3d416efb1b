//! The command line that makes a ladder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::ffmpeg::REPORTING;
use super::loudness::Loudness;
use super::plan::Rendition;
use super::{Audio, Hdr, SourceInfo, SourceVideo, VideoCodec};

/// Seconds between keyframes: divides the usual segment durations, so that every rung can be cut at the same places.
const KEYFRAME_SECONDS: u32 = 2;
/// The file of what stands beside the pictures.
const BESIDE: &str = "sound-and-text.mp4";

/// What one run makes.
pub(super) struct Job<'a> {
    pub(super) source: &'a str,
    pub(super) info: &'a SourceInfo,
    pub(super) renditions: &'a [Rendition],
    pub(super) audio: Audio,
    /// What was measured of each sound, when they are brought to a wanted loudness.
    pub(super) loudness: &'a [Option<Loudness>],
    pub(super) hdr: Hdr,
    pub(super) threads: u32,
    pub(super) folder: &'a Path,
}

impl VideoCodec {
    /// ffmpeg's name of the encoder.
    pub(super) fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::Hevc => "libx265",
            Self::Av1 => "libsvtav1",
            Self::Vp9 => "libvpx-vp9",
        }
    }

    /// Scene cuts make keyframes that other rungs do not have; open GOPs make segments that cannot be joined.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &[
                "-preset",
                "fast",
                "-profile:v",
                "high",
                "-sc_threshold",
                "0",
                "-flags",
                "+cgop",
                "-crf",
                "21",
            ],
            Self::Hevc => &[
                "-preset",
                "fast",
                "-tag:v",
                "hvc1",
                "-x265-params",
                "scenecut=0:open-gop=0:log-level=error",
                "-crf",
                "23",
            ],
            // Without the second word SVT-AV1 passes over the keyframes that ffmpeg before 6.1 asks it for.
            Self::Av1 => &[
                "-preset",
                "8",
                "-svtav1-params",
                "scd=0:enable-force-key-frames=1",
                "-crf",
                "32",
            ],
            Self::Vp9 => &[
                "-deadline",
                "good",
                "-cpu-used",
                "4",
                "-row-mt",
                "1",
                "-crf",
                "32",
            ],
        }
    }
}

impl Job<'_> {
    /// The files that the run makes: one for each rendition, then one with the sounds and texts if there are any.
    pub(super) fn outputs(&self) -> Vec<PathBuf> {
        let pictures =
            (0..self.renditions.len()).map(|index| self.folder.join(format!("video-{index}.mp4")));
        let sound = self.has_beside().then(|| self.folder.join(BESIDE));
        pictures.chain(sound).collect()
    }

    /// The whole command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = Vec::new();
        let mut push = |arguments: &[&str]| all.extend(arguments.iter().map(OsString::from));
        push(&REPORTING);
        push(&["-i", self.source]);
        if let Some(video) = &self.info.video {
            push(&["-filter_complex", &self.filter(video)]);
        }
        for (index, rendition) in self.renditions.iter().enumerate() {
            let rung = &rendition.rung;
            push(&[
                "-map",
                &format!("[out{index}]"),
                "-c:v",
                rung.codec.encoder(),
            ]);
            push(rung.codec.arguments());
            if let Some(quality) = rung.quality {
                push(&["-crf", &quality.to_string()]);
            }
            if let Some(preset) = &rung.preset {
                push(&["-preset", preset]);
            }
            let (rate, buffer) = (
                rung.bitrate.to_string(),
                rung.bitrate.saturating_mul(2).to_string(),
            );
            if rung.codec == VideoCodec::Vp9 {
                // In libvpx the target rate is the cap of constrained quality.
                push(&["-b:v", &rate]);
            } else {
                push(&["-maxrate", &rate, "-bufsize", &buffer]);
            }
            // A keyframe at the first frame at or after each multiple; `-g` only keeps the encoder from adding its own.
            push(&[
                "-force_key_frames",
                &format!("expr:gte(t,n_forced*{KEYFRAME_SECONDS})"),
                "-g",
                "600",
            ]);
            if self.threads > 0 {
                push(&["-threads", &self.threads.to_string()]);
            }
            push(&["-map_metadata", "-1", "-f", "mp4"]);
            push(&[&self
                .folder
                .join(format!("video-{index}.mp4"))
                .to_string_lossy()]);
        }
        if self.has_beside() {
            self.beside(&mut push);
        }
        all
    }

    fn has_beside(&self) -> bool {
        !self.info.sounds.is_empty() || !self.info.texts.is_empty()
    }

    /// What stands beside the pictures: every sound in AAC, every text. Their languages, titles and defaults come along.
    fn beside(&self, push: &mut impl FnMut(&[&str])) {
        for (index, sound) in self.info.sounds.iter().enumerate() {
            let channels = sound.channels.min(self.audio.channels).to_string();
            push(&["-map", &format!("0:a:{}", sound.place)]);
            push(&[&format!("-ac:a:{index}"), &channels]);
            if let Some(Some(loudness)) = self.loudness.get(index) {
                push(&[&format!("-filter:a:{index}"), &loudness.filter()]);
            }
        }
        for place in &self.info.texts {
            push(&["-map", &format!("0:s:{place}")]);
        }
        push(&["-c:a", "aac", "-b:a", &self.audio.bitrate.to_string()]);
        push(&["-ar", "48000", "-c:s", "mov_text", "-f", "mp4"]);
        push(&[&self.folder.join(BESIDE).to_string_lossy()]);
    }

    /// One decoder, one branch for each rendition. ffmpeg turns rotated films upright before the filter.
    fn filter(&self, video: &SourceVideo) -> String {
        let ten_bits = self.hdr == Hdr::Keep
            && self.renditions.iter().all(|rendition| {
                matches!(rendition.rung.codec, VideoCodec::Hevc | VideoCodec::Av1)
            });
        let mut prepare = String::new();
        if video.is_interlaced {
            // Players show whole pictures. Those that the film marks as progressive in between pass untouched.
            prepare.push_str("bwdif=mode=send_frame:deint=interlaced,");
        }
        if let Some(transfer) = video.hdr
            && !ten_bits
        {
            prepare.push_str(&format!("{},", transfer.tone_map()));
        }
        let pixels = if video.hdr.is_some() && ten_bits {
            "yuv420p10le"
        } else {
            "yuv420p"
        };
        let count = self.renditions.len();
        let branches: String = (0..count).map(|index| format!("[in{index}]")).collect();
        let mut filter = format!("[0:v:0]{prepare}split={count}{branches}");
        for (index, Rendition { width, height, .. }) in self.renditions.iter().enumerate() {
            filter.push_str(&format!(";[in{index}]scale={width}:{height}:flags=bicubic,setsar=1,format={pixels}[out{index}]"));
        }
        filter
    }
}
