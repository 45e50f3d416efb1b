//! Loudness (EBU R 128): measured first, then corrected by one gain, so that quiet and loud passages keep their distance.

use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::TranscodeError;
use super::ffmpeg::{Ffmpeg, run_and_listen};

/// Highest true peak in dBTP: lossy codecs overshoot a little.
const TRUE_PEAK: f64 = -1.5;
/// Wanted range in LU; ffmpeg's correction stays linear when the film's own is below.
const RANGE: f64 = 11.0;

/// What a film's sound was measured at, and where it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loudness {
    wanted: f64,
    measured: Measured,
}

/// ffmpeg's words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Measured {
    input_i: String,
    input_tp: String,
    input_lra: String,
    input_thresh: String,
    target_offset: String,
}

impl Loudness {
    /// Measures a sound track of a source; `None` when it is silent. `place` counts the sound tracks from 0.
    pub(super) async fn measure(
        ffmpeg: &Ffmpeg,
        (source, place): (&str, usize),
        wanted: f64,
        timeout: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<Self>, TranscodeError> {
        let filter = format!("loudnorm=I={wanted}:TP={TRUE_PEAK}:LRA={RANGE}:print_format=json");
        let track = format!("0:a:{place}");
        let arguments = [
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "info",
            "-nostats",
            "-i",
            source,
            "-map",
            &track,
            "-af",
            &filter,
            "-f",
            "null",
            "-",
        ];
        let arguments = arguments.iter().map(std::ffi::OsString::from).collect();
        let said = run_and_listen(ffmpeg, arguments, timeout, cancel, |_| {}).await?;
        Ok(Self::parse(&said, wanted))
    }

    fn parse(said: &str, wanted: f64) -> Option<Self> {
        let json = said.get(said.rfind('{')?..=said.rfind('}')?)?;
        let measured: Measured = serde_json::from_str(json).ok()?;
        let heard = [
            &measured.input_i,
            &measured.input_tp,
            &measured.input_lra,
            &measured.input_thresh,
            &measured.target_offset,
        ]
        .iter()
        .all(|text| text.trim().parse::<f64>().is_ok_and(f64::is_finite));
        heard.then_some(Self { wanted, measured })
    }

    /// The filter that corrects.
    pub(super) fn filter(&self) -> String {
        let Measured {
            input_i,
            input_tp,
            input_lra,
            input_thresh,
            target_offset,
        } = &self.measured;
        format!(
            "loudnorm=I={}:TP={TRUE_PEAK}:LRA={RANGE}:measured_I={input_i}:measured_TP={input_tp}:measured_LRA={input_lra}\
             :measured_thresh={input_thresh}:offset={target_offset}:linear=true",
            self.wanted
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_says_is_read() {
        let said = r#"[Parsed_loudnorm_0 @ 0x5] { "input_i" : "-23.54", "input_tp" : "-7.96", "input_lra" : "5.60", "input_thresh" : "-33.7",
            "output_i" : "-16.0", "normalization_type" : "dynamic", "target_offset" : "0.04" } tail"#;
        let loudness = Loudness::parse(said, -16.0).expect("read");
        let filter = loudness.filter();
        assert!(
            filter.starts_with("loudnorm=I=-16:TP=-1.5:LRA=11:measured_I=-23.54:"),
            "{filter}"
        );
        assert!(filter.ends_with(":offset=0.04:linear=true"), "{filter}");
        assert_eq!(
            Loudness::parse(&said.replace("-23.54", "-inf"), -16.0),
            None,
            "silence"
        );
        assert_eq!(Loudness::parse("nothing", -16.0), None);
    }
}
