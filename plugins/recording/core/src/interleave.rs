//! Frames of several tracks, put in the order of their times.

use std::collections::VecDeque;
use std::time::Duration;

use crate::{Frame, RecordingError};

/// What may wait for a track that is behind.
pub const WAITING_BYTES_MAX: usize = 256 << 20;
/// A live recording waits this long for a track that is behind, then goes on without it.
pub const LATE_MAX: Duration = Duration::from_secs(5);

/// A queue for each track. A frame comes out when no track can bring an earlier one any more.
#[derive(Debug)]
pub(crate) struct Interleaver {
    lanes: Vec<Lane>,
    /// How far a track may be behind before the others go on without it.
    patience: Option<Duration>,
    /// The time of the frame that came out last.
    position: Duration,
    waiting_bytes: usize,
}

#[derive(Debug, Default)]
struct Lane {
    frames: VecDeque<Frame>,
    newest: Option<Duration>,
    /// It brings nothing before this time any more.
    silent_until: Duration,
    ended: bool,
}

impl Interleaver {
    pub fn new(tracks: usize, patience: Option<Duration>) -> Self {
        let lanes = std::iter::repeat_with(Lane::default).take(tracks).collect();
        Self { lanes, patience, position: Duration::ZERO, waiting_bytes: 0 }
    }

    /// A frame that is older than its track's last one is moved to it; one that comes after the others have
    /// gone on without its track is lost. Says whether it was taken.
    pub fn push(&mut self, track: usize, mut frame: Frame) -> Result<bool, RecordingError> {
        let lane = self.lanes.get_mut(track).ok_or(RecordingError::UnknownTrack { track })?;
        frame.time = frame.time.max(lane.newest.unwrap_or_default());
        if frame.time < self.position {
            return Ok(false);
        }
        let bytes = self.waiting_bytes + frame.data.len();
        if WAITING_BYTES_MAX < bytes {
            return Err(RecordingError::TooMuchWaiting { bytes });
        }
        self.waiting_bytes = bytes;
        lane.newest = Some(frame.time);
        lane.frames.push_back(frame);
        Ok(true)
    }

    /// This track brings nothing before this time any more.
    pub fn gap(&mut self, track: usize, until: Duration) {
        if let Some(lane) = self.lanes.get_mut(track) {
            lane.silent_until = lane.silent_until.max(until);
        }
    }

    /// More comes of a track that had ended, or that nobody had waited for.
    pub fn begin_track(&mut self, track: usize) {
        if let Some(lane) = self.lanes.get_mut(track) {
            lane.ended = false;
        }
    }

    pub fn end_track(&mut self, track: usize) {
        if let Some(lane) = self.lanes.get_mut(track) {
            lane.ended = true;
        }
    }

    pub fn all_ended(&self) -> bool {
        self.lanes.iter().all(|lane| lane.ended)
    }

    /// The next frame in order; the first of the tracks where times are equal. Call until `None`.
    pub fn poll(&mut self) -> Option<(usize, Frame)> {
        let next = |lane: &Lane| lane.frames.front().map(|frame| frame.time);
        let (track, time) = self
            .lanes
            .iter()
            .enumerate()
            .filter_map(|(track, lane)| Some((track, next(lane)?)))
            .min_by_key(|(track, time)| (*time, *track))?;

        let is_missing = |lane: &Lane| !lane.ended && lane.frames.is_empty() && lane.silent_until <= time;
        let missing = self.lanes.iter().any(is_missing);
        if missing {
            let newest = self.lanes.iter().filter_map(|lane| lane.newest).max().unwrap_or_default();
            let waited_enough = self.patience.is_some_and(|patience| patience < newest.saturating_sub(time));
            if !waited_enough {
                return None;
            }
        }
        let frame = self.lanes[track].frames.pop_front().expect("the lane with the earliest frame has one");
        self.waiting_bytes -= frame.data.len();
        self.position = frame.time;
        Some((track, frame))
    }

    /// How far this track is ahead of the slowest of the others that still runs.
    pub fn lead(&self, track: usize) -> Duration {
        let Some(newest) = self.lanes.get(track).and_then(|lane| lane.newest) else { return Duration::ZERO };
        let first = self.lanes[track].frames.front().map_or(newest, |frame| frame.time);
        let others = self.lanes.iter().enumerate().filter(|(other, lane)| *other != track && !lane.ended);
        let slowest = others.map(|(_, lane)| lane.newest.unwrap_or(first)).min();
        slowest.map_or(Duration::ZERO, |slowest| newest.saturating_sub(slowest))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const PICTURES: usize = 0;
    const SOUND: usize = 1;

    #[test]
    fn a_frame_waits_for_the_other_track() {
        let mut order = Interleaver::new(2, None);
        push(&mut order, PICTURES, 0);
        assert_eq!(drain(&mut order), []);
        push(&mut order, SOUND, 20);
        assert_eq!(drain(&mut order), [(PICTURES, 0)]);
        order.end_track(PICTURES);
        assert_eq!(drain(&mut order), [(SOUND, 20)]);
    }

    #[test]
    fn pictures_come_before_sound_of_the_same_time() {
        let mut order = Interleaver::new(2, None);
        push(&mut order, SOUND, 40);
        push(&mut order, PICTURES, 40);
        push(&mut order, SOUND, 60);
        assert_eq!(drain(&mut order), [(PICTURES, 40)]);
        order.end_track(PICTURES);
        assert_eq!(drain(&mut order), [(SOUND, 40), (SOUND, 60)]);
    }

    #[test]
    fn patience_ends_and_what_comes_too_late_is_lost() {
        let mut order = Interleaver::new(2, Some(LATE_MAX));
        push(&mut order, PICTURES, 0);
        push(&mut order, PICTURES, 5000);
        assert_eq!(drain(&mut order), []);
        push(&mut order, PICTURES, 5001);
        assert_eq!(drain(&mut order), [(PICTURES, 0)]);
        push(&mut order, PICTURES, 9000);
        push(&mut order, PICTURES, 10_002);
        assert_eq!(drain(&mut order), [(PICTURES, 5000), (PICTURES, 5001)]);
        assert!(!push(&mut order, SOUND, 5000), "older than what was written");
        assert!(push(&mut order, SOUND, 5001));
        assert_eq!(drain(&mut order), [(SOUND, 5001)]);
    }

    #[test]
    fn a_track_knows_its_lead() {
        let mut order = Interleaver::new(2, None);
        assert_eq!(order.lead(PICTURES), Duration::ZERO);
        push(&mut order, PICTURES, 1000);
        push(&mut order, PICTURES, 4000);
        assert_eq!(order.lead(PICTURES), Duration::from_secs(3));
        push(&mut order, SOUND, 2500);
        assert_eq!(order.lead(PICTURES), Duration::from_millis(1500));
        assert_eq!(order.lead(SOUND), Duration::ZERO);
        order.end_track(SOUND);
        assert_eq!(order.lead(PICTURES), Duration::ZERO);
    }

    #[test]
    fn what_waits_has_a_limit() {
        let mut order = Interleaver::new(2, None);
        let data = Bytes::from(vec![0; WAITING_BYTES_MAX / 4]);
        let frame = |time| Frame { time: Duration::from_secs(time), data: data.clone(), ..frame(0) };
        for time in 0..4 {
            assert_eq!(order.push(PICTURES, frame(time)), Ok(true));
        }
        assert_eq!(
            order.push(SOUND, Frame { data: Bytes::from_static(b"x"), ..frame(0) }),
            Err(RecordingError::TooMuchWaiting { bytes: WAITING_BYTES_MAX + 1 })
        );
        assert_eq!(order.push(2, frame(0)), Err(RecordingError::UnknownTrack { track: 2 }));
    }

    proptest! {
        /// Whatever comes in, what goes out is in order, and nothing is lost while nobody runs out of patience.
        #[test]
        fn all_frames_come_out_in_order(frames in proptest::collection::vec((0_usize..3, 0_u64..50), 0..200)) {
            let mut order = Interleaver::new(3, None);
            let mut clocks = [0; 3];
            let mut out = Vec::new();
            for (track, step) in &frames {
                clocks[*track] += step;
                prop_assert!(push(&mut order, *track, clocks[*track]));
                out.extend(drain(&mut order));
            }
            for track in 0..3 { order.end_track(track); }
            out.extend(drain(&mut order));
            prop_assert_eq!(out.len(), frames.len());
            prop_assert!(out.is_sorted_by_key(|(_, time)| *time));
        }
    }

    #[test]
    fn nothing_waits_for_a_track_that_is_said_to_bring_nothing() {
        let mut order = Interleaver::new(2, None);
        push(&mut order, SOUND, 20);
        push(&mut order, SOUND, 40);
        order.gap(PICTURES, Duration::from_millis(40));
        assert_eq!(drain(&mut order), [(SOUND, 20)]);
        push(&mut order, PICTURES, 40);
        assert_eq!(drain(&mut order), [(PICTURES, 40)]);
    }

    fn push(order: &mut Interleaver, track: usize, milliseconds: u64) -> bool {
        order.push(track, frame(milliseconds)).expect("room")
    }

    fn frame(milliseconds: u64) -> Frame {
        Frame {
            time: Duration::from_millis(milliseconds),
            length: Duration::ZERO,
            keyframe: true,
            data: Bytes::from_static(b"f"),
        }
    }

    fn drain(order: &mut Interleaver) -> Vec<(usize, u64)> {
        std::iter::from_fn(|| order.poll())
            .map(|(track, frame)| (track, frame.time.as_millis() as u64))
            .collect()
    }
}
