//! The preview: a few silent seconds out of the film as animated WebP.

/// The file's name in the work folder.
pub(super) const NAME: &str = "preview.webp";
/// ffmpeg's name of the encoder, which some builds lack.
pub(super) const ENCODER: &str = "libwebp_anim";
/// Seconds, pictures a second, and pixels across: a few hundred kilobytes.
pub(super) const SECONDS: f64 = 4.0;
const RATE: u32 = 8;
const WIDTH: u32 = 320;

/// Where it begins in seconds: a third of the way in, where most films have begun and nothing is given away.
pub(super) fn start(duration: f64) -> f64 {
    (duration / 3.0).min((duration - SECONDS).max(0.0))
}

/// The filters that cut it out of pictures whose first is `from` seconds before its start. `looks` brings HDR down, and ends with a
/// comma then.
pub(super) fn filters(from: f64, looks: &str) -> String {
    let end = from + SECONDS;
    // The rate first: a film of stills may have no picture that begins within these seconds.
    format!(
        "fps={RATE}:round=up:start_time=0,trim=start={from:.3}:end={end:.3},setpts=PTS-STARTPTS,\
         scale='min({WIDTH},iw*sar)':-2:flags=bicubic,{looks}setsar=1,format=yuv420p"
    )
}

/// How it is written.
pub(super) const ARGUMENTS: [&str; 10] = [
    "-c:v",
    ENCODER,
    "-loop",
    "0",
    "-quality",
    "60",
    "-compression_level",
    "4",
    "-f",
    "webp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_within_the_film() {
        assert!((start(30.0) - 10.0).abs() < 1e-9);
        assert!((start(5.0) - 1.0).abs() < 1e-9, "the end is in it");
        assert!(start(0.2).abs() < 1e-9);
        assert!(filters(10.0, "").contains("trim=start=10.000:end=14.000,"));
    }
}
