//! The plan of a presentation as a sidecar keeps it: so that one segment can be made without a look at the samples of all others.
//!
//! Options that say how the film is divided are kept beside it, and it is used with equal ones alone. With encryption the plan depends
//! on keys, too, of which a sidecar shall hold no trace: it is made anew then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Plan, Segment};
use crate::track::Track;
use crate::{Error, Format, Layout, Options};

/// Longer than any film. Sums of two stay numbers.
const MOST: u64 = 1 << 62;

/// The segments of all tracks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPlan<Segments = Vec<Segment>> {
    options: Dividing,
    /// Where segments begin, in microseconds of presentation time, without the start and the end.
    pub(crate) boundaries: Vec<i64>,
    /// The segments of each track.
    pub(crate) tracks: Vec<Option<Segments>>,
}

/// What the division into segments depends on besides the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Dividing {
    segment_duration: Duration,
    /// MPEG-TS rather than CMAF.
    transport: bool,
    single_file: bool,
    i_frame_playlists: bool,
}

impl Dividing {
    /// Those of `options`; `None` when a plan made with them is not kept.
    fn of(options: &Options) -> Option<Self> {
        options.encryption.is_none().then_some(Self {
            segment_duration: options.segment_duration,
            transport: options.format == Format::MpegTs,
            single_file: options.layout == Layout::SingleFile,
            i_frame_playlists: options.i_frame_playlists,
        })
    }
}

impl<'a> KeptPlan<&'a [Segment]> {
    /// What to keep of `plan`, which was made with `options`; `None` when it is not to be kept.
    pub(crate) fn of(plan: &'a Plan, options: &Options) -> Option<Self> {
        let tracks = plan.tracks.iter();
        Some(Self {
            options: Dividing::of(options)?,
            boundaries: plan.boundaries.clone(),
            tracks: tracks.map(|track| Some(&*track.segments)).collect(),
        })
    }
}

impl KeptPlan {
    /// True when a plan with `options` is this one.
    pub(crate) fn is_for(&self, options: &Options) -> bool {
        Dividing::of(options) == Some(self.options)
    }

    /// Checks that it can be the plan of `tracks`, as far as reading its segments hangs on it.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn check(&self, tracks: &[Track]) -> Result<(), Error> {
        let slots = self.boundaries.len() + 1;
        let is_sound = self.tracks.len() == tracks.len()
            && self.boundaries.is_sorted_by(|a, b| a < b)
            && self.tracks.iter().zip(tracks).all(|(segments, track)| {
                segments
                    .as_ref()
                    .is_none_or(|segments| are_sound(segments, track, slots))
            });
        if is_sound {
            return Ok(());
        }
        Err(Error::malformed(
            "index sidecar",
            0,
            "its plan of the segments is not that of its film; make the index again",
        ))
    }
}

fn are_sound(segments: &[Segment], track: &Track, slots: usize) -> bool {
    let timeline = &track.timeline;
    let samples: u64 = segments.iter().map(|one| u64::from(one.samples)).sum();
    let lens = segments.iter().map(|one| one.len);
    let is_numbered = |one: &Segment| {
        one.slot < slots
            && one.samples > 0
            && u64::from(one.samples) <= timeline.most_at_once()
            && (0..=timeline.end).contains(&one.start)
            && one.first_packet <= MOST
            && one.sequence <= u32::MAX / 2
            && one.place.is_sound(timeline)
    };
    samples <= timeline.count
        && lens.fold(0, u64::saturating_add) <= MOST
        && segments.is_sorted_by(|a, b| a.slot < b.slot)
        && segments.iter().all(is_numbered)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Index, IndexStep, Indexer};

    fn index() -> Index {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/bikes.mp4");
        let data = Bytes::from(std::fs::read(path).unwrap());
        let mut indexer = Indexer::new(&[data.len() as u64], options()).unwrap();
        loop {
            match indexer.step().unwrap() {
                IndexStep::Read { input, range } => {
                    let at = |place| usize::try_from(place).unwrap();
                    let part = data.slice(at(range.start)..at(range.end));
                    indexer.supply(input, range.start, part).unwrap();
                }
                IndexStep::Done(index) => return *index,
            }
        }
    }

    fn options() -> Options {
        Options {
            segment_duration: Duration::from_secs(1),
            ..Options::default()
        }
    }

    fn kept(plan: &Plan) -> KeptPlan {
        let kept = KeptPlan::of(plan, &options()).unwrap();
        postcard::from_bytes(&postcard::to_stdvec(&kept).unwrap()).unwrap()
    }

    #[test]
    fn the_plan_of_a_sidecar_is_the_one_that_was_made() {
        let index = index();
        let again = Index::from_sidecar(index.sidecar(), &options()).unwrap();
        assert_eq!(index.plan.boundaries, again.plan.boundaries);
        for (made, read) in index.plan.tracks.iter().zip(&again.plan.tracks) {
            assert!(!made.segments.is_empty());
            assert_eq!(made.segments, read.segments);
        }
    }

    #[test]
    fn a_kept_plan_is_taken_and_not_made_again() {
        let plan = index().plan;
        let mut kept = kept(&plan);
        // No division would do so.
        let last = kept.tracks[0].as_mut().unwrap().pop();
        assert!(last.is_some());
        let tracks = plan.tracks.iter().map(|track| track.track.clone());
        let again = Plan::new(tracks.collect(), &options(), None, Some(kept)).unwrap();
        assert_eq!(
            again.tracks[0].segments.len() + 1,
            plan.tracks[0].segments.len()
        );
    }

    #[test]
    fn other_options_have_another_plan() {
        let kept = kept(&index().plan);
        assert!(kept.is_for(&options()));
        for other in [
            Options::default(),
            Options {
                format: Format::MpegTs,
                ..options()
            },
            Options {
                layout: Layout::SingleFile,
                ..options()
            },
            Options {
                i_frame_playlists: false,
                ..options()
            },
            Options {
                encryption: Some(crate::Encryption::default()),
                ..options()
            },
        ] {
            assert!(!kept.is_for(&other));
        }
    }

    #[test]
    fn a_plan_of_another_film_is_refused() {
        let plan = index().plan;
        let tracks: Vec<Track> = plan.tracks.iter().map(|one| one.track.clone()).collect();
        let changed = |change: fn(&mut KeptPlan)| {
            let mut kept = kept(&plan);
            change(&mut kept);
            kept.check(&tracks)
        };
        assert!(changed(|_| {}).is_ok());
        let broken: [fn(&mut KeptPlan); 8] = [
            |kept| kept.boundaries.reverse(),
            |kept| kept.tracks.push(None),
            |kept| first(kept).slot = kept_slots(),
            |kept| first(kept).samples = 0,
            |kept| first(kept).samples = u32::MAX,
            |kept| first(kept).len = u64::MAX,
            |kept| first(kept).sequence = u32::MAX,
            |kept| first(kept).start = -1,
        ];
        for (number, change) in broken.into_iter().enumerate() {
            let error = changed(change).unwrap_err().to_string();
            assert!(error.contains("make the index again"), "{number}: {error}");
        }
    }

    fn first(kept: &mut KeptPlan) -> &mut Segment {
        &mut kept.tracks[0].as_mut().unwrap()[0]
    }

    /// More stretches than the film has.
    const fn kept_slots() -> usize {
        1000
    }
}
