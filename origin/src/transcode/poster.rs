//! The poster: one picture that stands for the film.
//!
//! Films begin with black, a fade, and words on a plain ground. So pictures are taken from all over the first half, which gives nothing away,
//! and the one with the most to see is chosen. JPEG at one quality measures that: plain areas take next to no bytes.

/// Pictures to choose from.
pub(super) const CANDIDATES: u32 = 12;
/// The last candidate's place in the film.
const LAST: f64 = 0.5;
/// A candidate with this share of the most bytes has as much to see.
const AS_GOOD: f64 = 0.85;
/// Widest poster in pixels.
const WIDTH: u32 = 960;

/// The file name of a candidate.
pub(super) fn candidate_name(candidate: u32) -> String {
    format!("poster-{candidate}.jpg")
}

/// The filters that take the candidates out of a film of `duration` seconds. `looks` brings HDR down, and ends with a comma then.
pub(super) fn filters(duration: f64, looks: &str) -> String {
    let step = (duration * LAST / f64::from(CANDIDATES)).max(0.001);
    // What is seen at the beginning itself is no candidate.
    let end = CANDIDATES + 1;
    format!(
        "fps=1/{step:.6}:round=up:start_time=0,tpad=stop=-1:stop_mode=clone,trim=start_frame=1:end_frame={end},\
         scale='min({WIDTH},iw*sar)':-2,{looks}setsar=1,format=yuvj420p"
    )
}

/// The first of the candidates that is about as good as the best.
pub(super) fn chosen(candidates: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    let best = candidates.iter().map(Vec::len).max()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "bytes of a picture are far below 2^53"
    )]
    let is_good = |len: usize| len as f64 >= best as f64 * AS_GOOD;
    candidates
        .into_iter()
        .find(|candidate| !candidate.is_empty() && is_good(candidate.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_good_one_is_chosen() {
        let picture = |len: usize| vec![0; len];
        let sizes = |lens: &[usize]| chosen(lens.iter().map(|len| picture(*len)).collect());
        // Black, a fade, the film, the most detailed picture of it.
        assert_eq!(
            sizes(&[900, 4000, 90_000, 60_000, 100_000]),
            Some(picture(90_000))
        );
        assert_eq!(
            sizes(&[900]),
            Some(picture(900)),
            "a black film has a black poster"
        );
        assert_eq!(sizes(&[0, 0]), None);
        assert_eq!(sizes(&[]), None);
    }
}
