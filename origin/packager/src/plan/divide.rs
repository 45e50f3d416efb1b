//! Divides a track into segments.

use super::{PlannedTrack, Segment};
use crate::Error;
use crate::cmaf::Fragments;
use crate::presentation::TrackKind;
use crate::protect::whole_len;
use crate::timeline::{Place, Timed, to_micros};

/// The segments of `track` between `boundaries`, which are in microseconds. What follows from their neighbours is not set yet.
pub(super) fn divide(track: &PlannedTrack, boundaries: &[i64]) -> Result<Vec<Segment>, Error> {
    let is_video = track.track.info.kind == TrackKind::Video;
    let timeline = &track.track.timeline;
    let timescale = timeline.timescale;
    let mut division = Division {
        track,
        boundaries,
        segments: Vec::new(),
        inside: Vec::new(),
        sequence: 1,
        first_packet: 0,
    };
    let most = timeline.most_at_once();
    let mut place = timeline.first()?;
    let mut slot = 0;
    let mut start_place = place;
    while let Some(sample) = place.peek().copied() {
        division.track.check(&sample)?;
        let time = to_micros(sample.presentation_time, timescale);
        // A boundary falls on the sample nearest to it. In the track that the boundaries come from it falls on the microsecond;
        // keyframes of other renditions may differ by their clocks' rounding, sound by half an access unit.
        let tolerance = to_micros(i64::from(sample.duration), timescale) / 2;
        if sample.can_start || !is_video {
            let passed = slot
                + boundaries[slot..]
                    .iter()
                    .take_while(|boundary| time + tolerance >= **boundary)
                    .count();
            if passed > slot {
                division.close(start_place, slot)?;
                slot = passed;
            }
        }
        if division.inside.is_empty() {
            start_place = place;
        }
        place.next(timeline)?;
        division.inside.push(sample);
        if division.inside.len() as u64 > most {
            return Err(Error::UnsupportedFeature {
                input: 0,
                feature: format!("a segment of more than {most} samples of one size"),
                advice: "encode the film with keyframes every few seconds",
            });
        }
    }
    division.close(start_place, slot)?;
    Ok(division.segments)
}

/// A track that is being divided.
struct Division<'a> {
    track: &'a PlannedTrack,
    boundaries: &'a [i64],
    segments: Vec<Segment>,
    /// Samples of the segment at hand.
    inside: Vec<Timed>,
    sequence: u32,
    first_packet: u64,
}

impl Division<'_> {
    /// Ends the segment at hand, if it holds any sample.
    fn close(&mut self, place: Place, slot: usize) -> Result<(), Error> {
        if self.inside.is_empty() {
            return Ok(());
        }
        let track = self.track;
        // The key follows from where the stretch begins, so that it changes in all tracks at once.
        let begins = slot
            .checked_sub(1)
            .and_then(|before| self.boundaries.get(before));
        let key = track
            .protection
            .as_ref()
            .and_then(|protection| protection.key_at(begins.copied().unwrap_or(0)));
        track.shift_descriptions(key, &mut self.inside);
        let fragments = Fragments::new(&self.inside, track.split_keyframes, track.container(key))?;
        let start = self
            .inside
            .iter()
            .map(|sample| sample.presentation_time)
            .min()
            .unwrap_or(0);
        let is_whole = key.is_some() && track.guard(key).is_none();
        self.segments.push(Segment {
            slot,
            place,
            samples: u32::try_from(self.inside.len()).unwrap_or(u32::MAX),
            first_sample: 0,
            first_packet: self.first_packet,
            key,
            start: start.max(0),
            end: 0,
            sequence: self.sequence,
            len: if is_whole {
                whole_len(fragments.len)
            } else {
                fragments.len + track.segment_filler(key, fragments.len)
            },
            offset: 0,
        });
        let count = u32::try_from(fragments.list.len()).unwrap_or(u32::MAX);
        self.sequence = self.sequence.saturating_add(count);
        self.first_packet += fragments.packets;
        self.inside.clear();
        Ok(())
    }
}
