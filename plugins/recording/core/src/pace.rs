//! When the recording shows which picture.

use std::time::Duration;

/// A live recording waits this long for its first picture, so that it has the first picture's size; then it
/// begins without one.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Beside a screen, faces are painted at most so often: a strip of small faces moves well enough, and costs half.
pub const FACES_GAP: Duration = Duration::from_nanos(1_000_000_000 / 15);

/// Decides when a picture is recorded: the newest one when it changed, but not too often; the same one again
/// where a cluster begins, as a keyframe; and a last time shortly before the end.
///
/// The faces beside a screen are painted all at once, at most each [`FACES_GAP`], so that three cameras cost no more pictures than one.
///
/// A picture that had to wait for its turn has its own time in the recording all the same, so that a flash is seen when its bang is heard; only not
/// within a gap after the one before.
///
/// Times are those of the recording's own scale, the same for pictures and for `now`. In a live recording `now` is
/// the clock; otherwise it is the time of the picture that comes next, so nothing waits.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    cluster: Duration,
    /// When a live recording began.
    origin: Option<Duration>,
    /// The time of the newest picture, until it is shown.
    newest: Option<Duration>,
    /// The same of the faces beside a screen.
    faces: Option<Duration>,
    /// The time of the one before, in the recording.
    last: Option<Duration>,
    /// Before this is no picture's turn again, and before the other not that of faces beside a screen.
    next: Duration,
    next_faces: Duration,
    next_key: Duration,
    paused: bool,
}

/// A picture to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    /// Its time in the recording.
    pub time: Duration,
    /// Whether a cluster begins with it.
    pub keyframe: bool,
    /// Whether it is another one than the last time: the newest that came.
    pub changed: bool,
    /// Whether the faces beside the screen are painted anew.
    pub faces: bool,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Record a picture, then ask again.
    Show(Show),
    /// Nothing before this time, unless a picture comes.
    Wait {
        /// When to ask again; `None` until a picture comes.
        until: Option<Duration>,
    },
}

impl Pace {
    /// A recording by the clock, which begins at `origin`. `gap` is the shortest time between two pictures,
    /// `cluster` the time between keyframes.
    pub fn live(gap: Duration, cluster: Duration, origin: Duration) -> Self {
        Self { origin: Some(origin), ..Self::by_pictures(gap, cluster) }
    }

    /// A recording by the times of its pictures, which begins with the first one.
    pub fn by_pictures(gap: Duration, cluster: Duration) -> Self {
        Self {
            gap,
            cluster,
            origin: None,
            newest: None,
            faces: None,
            last: None,
            next: Duration::ZERO,
            next_faces: Duration::ZERO,
            next_key: Duration::ZERO,
            paused: false,
        }
    }

    /// Another picture has come. What waited and was not shown is forgotten.
    pub fn picture(&mut self, time: Duration) {
        self.newest = Some(time);
    }

    /// A face beside a screen has another picture.
    pub fn face(&mut self, time: Duration) {
        self.faces = Some(time);
    }

    /// Nothing is recorded until [`Pace::resume`].
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// From this time on it goes on, with a keyframe.
    pub fn resume(&mut self, at: Duration) {
        self.paused = false;
        if self.last.is_none() {
            self.origin = self.origin.map(|_| at);
            return;
        }
        self.next_key = at;
        self.picture(at);
        // Nothing has a time before that, neither what came during the pause nor what was to come after the last picture.
        self.faces = self.faces.map(|faces| faces.max(at));
        self.next = self.next.max(at);
        self.last = self.last.max(at.checked_sub(self.gap));
    }

    /// Call after every picture and when the time has come that the last `Wait` said; repeat until `Wait`.
    pub fn poll(&mut self, now: Duration) -> Step {
        if self.paused {
            return Step::Wait { until: None };
        }
        if self.last.is_none() {
            return self.first(now);
        }
        let repeat_at = self.next_key + self.gap;

        let faces = self.faces.map(|faces| faces.max(self.next_faces));
        if let Some(newest) = self.newest.into_iter().chain(faces).min() {
            let turn = newest.max(self.next);
            if turn < repeat_at {
                return if turn <= now { self.show(turn) } else { wait(turn) };
            }
        }
        // A picture that comes a little after the boundary takes the keyframe; else the last one is repeated.
        if repeat_at <= now { self.repeat(self.next_key.max(self.next)) } else { wait(repeat_at) }
    }

    /// The recording ends at `end`. What is still to be shown, in order.
    pub fn end(&mut self, end: Duration) -> Vec<Show> {
        let mut shows = Vec::new();
        if self.paused {
            return shows;
        }
        if self.last.is_none() {
            let Some(first) = self.origin.or(self.newest).or(self.faces) else { return shows };
            shows.extend(shown(self.show(first)));
        }
        while let Step::Show(show) = self.poll(end) {
            shows.push(show);
        }
        let last = self.last.unwrap_or_default();
        let closing = end.saturating_sub(self.gap).max(last + self.gap);
        // A last picture of less than half a gap would only make the recording longer than it was.
        if closing + self.gap / 2 < end {
            shows.extend(shown(self.show(closing)));
        }
        shows
    }

    fn first(&mut self, now: Duration) -> Step {
        match (self.origin, self.newest.or(self.faces)) {
            (None, None) => Step::Wait { until: None },
            (None, Some(newest)) => self.show(newest),
            // It stands for what was there before it as well.
            (Some(origin), Some(_)) => self.show(origin),
            (Some(origin), None) if origin + PATIENCE <= now => self.show(origin),
            (Some(origin), None) => wait(origin + PATIENCE),
        }
    }

    /// Shows the newest pictures. Faces whose time has come within half a gap come along, which saves a picture of their own.
    fn show(&mut self, turn: Duration) -> Step {
        let newest = self.newest.take();
        let faces = self.faces.take_if(|_| self.next_faces <= turn + self.gap / 2);
        if faces.is_some() {
            self.next_faces = turn + FACES_GAP.max(self.gap);
        }
        let own = newest.max(faces).unwrap_or(turn).min(turn);
        let time = self.last.map_or(turn, |last| own.max(last + self.gap));
        self.next = turn + self.gap;
        self.record(Show { time, keyframe: false, changed: newest.is_some(), faces: faces.is_some() })
    }

    /// Shows the last picture again.
    fn repeat(&mut self, time: Duration) -> Step {
        self.next = time + self.gap;
        self.record(Show { time, keyframe: false, changed: false, faces: false })
    }

    fn record(&mut self, show: Show) -> Step {
        let keyframe = self.last.is_none() || self.next_key <= show.time;
        if keyframe {
            self.next_key = show.time + self.cluster;
        }
        self.last = Some(show.time);
        Step::Show(Show { keyframe, ..show })
    }
}

fn wait(until: Duration) -> Step {
    Step::Wait { until: Some(until) }
}

fn shown(step: Step) -> Option<Show> {
    match step {
        Step::Show(show) => Some(show),
        Step::Wait { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAP: Duration = Duration::from_millis(33);
    const CLUSTER: Duration = Duration::from_secs(2);

    #[test]
    fn a_live_recording_waits_a_second_for_its_first_picture() {
        let mut pace = Pace::live(GAP, CLUSTER, at(0));
        assert_eq!(pace.poll(at(0)), wait(PATIENCE));
        assert_eq!(pace.poll(at(1000)), show(0, KEY, SAME));
        // One that comes later is shown when it comes.
        pace.picture(at(1200));
        assert_eq!(pace.poll(at(1250)), show(1200, DELTA, CHANGED));
    }

    #[test]
    fn the_first_picture_stands_for_what_was_before_it() {
        let mut pace = Pace::live(GAP, CLUSTER, at(5000));
        pace.picture(at(5400));
        assert_eq!(pace.poll(at(5400)), show(5000, KEY, CHANGED));
        assert_eq!(pace.poll(at(5400)), wait(at(7033)));
    }

    #[test]
    fn a_resting_screen_is_repeated_where_a_cluster_begins() {
        let mut pace = resting();
        assert_eq!(pace.poll(at(2032)), wait(at(2033)));
        assert_eq!(pace.poll(at(2033)), show(2000, KEY, SAME));
        assert_eq!(pace.poll(at(2033)), wait(at(4033)));
        // Late is not lost: the clock may have stood still for us.
        assert_eq!(pace.poll(at(6050)), show(4000, KEY, SAME));
        assert_eq!(pace.poll(at(6050)), show(6000, KEY, SAME));
        assert_eq!(pace.poll(at(6050)), wait(at(8033)));
    }

    #[test]
    fn a_pause_records_nothing_and_ends_with_a_keyframe() {
        let mut pace = resting();
        pace.pause();
        pace.picture(at(500));
        assert_eq!(pace.poll(at(9000)), Step::Wait { until: None });
        assert_eq!(pace.end(at(9000)), []);
        pace.resume(at(9000));
        assert_eq!(pace.poll(at(8999)), wait(at(9000)));
        assert_eq!(pace.poll(at(9000)), show(9000, KEY, CHANGED));
        assert_eq!(pace.poll(at(9000)), wait(at(11_033)));
    }

    #[test]
    fn a_picture_at_the_boundary_takes_the_keyframe() {
        let mut pace = resting();
        pace.picture(at(2020));
        assert_eq!(pace.poll(at(2020)), show(2020, KEY, CHANGED));
        assert_eq!(pace.poll(at(2020)), wait(at(4053)));
    }

    #[test]
    fn pictures_that_come_too_fast_are_let_go() {
        let mut pace = resting();
        pace.picture(at(10));
        assert_eq!(pace.poll(at(10)), wait(at(33)));
        pace.picture(at(20));
        assert_eq!(pace.poll(at(33)), show(33, DELTA, CHANGED));
        assert_eq!(pace.poll(at(34)), wait(at(2033)));
    }

    /// Whoever comes by after a pause with a picture from within it, or before it, does not bring that time back.
    #[test]
    fn nothing_after_a_pause_has_an_earlier_time() {
        let mut pace = resting();
        pace.picture(at(100));
        assert_eq!(pace.poll(at(100)), show(100, DELTA, CHANGED));
        pace.pause();
        pace.face(at(110));
        pace.resume(at(500));
        pace.picture(at(480));
        let key = Show { faces: true, ..shown_at(500, KEY, CHANGED) };
        assert_eq!(pace.poll(at(501)), Step::Show(key));
        pace.picture(at(490));
        assert_eq!(pace.poll(at(540)), show(533, DELTA, CHANGED));
    }

    #[test]
    fn the_end_shows_what_waits_and_closes_the_file() {
        let mut pace = resting();
        pace.picture(at(500));
        assert_eq!(
            pace.end(at(5000)),
            [
                shown_at(500, DELTA, CHANGED),
                shown_at(2000, KEY, SAME),
                shown_at(4000, KEY, SAME),
                shown_at(4967, DELTA, SAME)
            ]
        );
    }

    #[test]
    fn an_end_right_after_a_picture_adds_nothing() {
        let mut pace = resting();
        assert_eq!(pace.end(at(40)), []);
        assert_eq!(Pace::by_pictures(GAP, CLUSTER).end(at(40)), []);
        assert_eq!(Pace::live(GAP, CLUSTER, at(0)).end(at(0)), [shown_at(0, KEY, SAME)]);
    }

    #[test]
    fn without_a_clock_pictures_tell_the_time() {
        let mut pace = Pace::by_pictures(GAP, CLUSTER);
        assert_eq!(pace.poll(at(700)), Step::Wait { until: None });
        pace.picture(at(700));
        assert_eq!(pace.poll(at(700)), show(700, KEY, CHANGED));
        // The next one comes after five seconds: what rested meanwhile is repeated first.
        assert_eq!(pace.poll(at(5700)), show(2700, KEY, SAME));
        assert_eq!(pace.poll(at(5700)), show(4700, KEY, SAME));
        pace.picture(at(5700));
        assert_eq!(pace.poll(at(5700)), show(5700, DELTA, CHANGED));
    }

    /// Three cameras of 30 pictures a second beside a screen that rests: 15 pictures a second, each with all faces.
    #[test]
    fn faces_are_painted_together_and_not_too_often() {
        let mut pace = resting();
        let mut shows = Vec::new();
        for now in 1..1000 {
            if now % 33 < 3 {
                pace.face(at(now));
            }
            drain(&mut pace, now, &mut shows);
        }
        assert!((13..=15).contains(&shows.len()), "{shows:?}");
        assert!(shows.iter().all(|show| show.faces && !show.changed));
    }

    #[test]
    fn a_picture_takes_faces_along_that_are_nearly_due() {
        let mut pace = resting();
        pace.face(at(40));
        assert_eq!(pace.poll(at(40)), Step::Show(Show { faces: true, ..shown_at(40, DELTA, SAME) }));
        pace.face(at(50));
        pace.picture(at(75));
        // Not yet, then with the next one.
        assert_eq!(pace.poll(at(75)), show(75, DELTA, CHANGED));
        assert_eq!(pace.poll(at(76)), wait(at(108)));
        pace.picture(at(100));
        assert_eq!(pace.poll(at(108)), Step::Show(Show { faces: true, ..shown_at(108, DELTA, CHANGED) }));
    }

    proptest! {
        /// Whenever pictures come: times rise by a gap at least, and no cluster is longer than it should be.
        #[test]
        fn times_rise_and_clusters_end(steps in proptest::collection::vec((0_u64..700, 0_u64..80), 1..60), live: bool) {
            let mut pace = if live { Pace::live(GAP, CLUSTER, at(0)) } else { Pace::by_pictures(GAP, CLUSTER) };
            let mut now = 0;
            let mut shows = Vec::new();
            for (step, delay) in steps {
                now += step;
                drain(&mut pace, now, &mut shows);
                pace.picture(at(if live { now.saturating_sub(delay) } else { now }));
                drain(&mut pace, now, &mut shows);
            }
            shows.extend(pace.end(at(now)));
            prop_assert!(shows[0].keyframe);
            for pair in shows.windows(2) {
                prop_assert!(pair[0].time + GAP <= pair[1].time, "{pair:?}");
            }
            let keys: Vec<Duration> = shows.iter().filter(|show| show.keyframe).map(|show| show.time).collect();
            for pair in keys.windows(2) {
                prop_assert!(pair[1] - pair[0] <= CLUSTER + 2 * GAP, "{pair:?}");
                prop_assert!(CLUSTER <= pair[1] - pair[0], "{pair:?}");
            }
            prop_assert!(shows.last().expect("shown").time <= at(now).max(GAP + GAP));
        }
    }

    const KEY: bool = true;
    const DELTA: bool = false;
    const CHANGED: bool = true;
    const SAME: bool = false;

    /// One picture was shown at 0.
    fn resting() -> Pace {
        let mut pace = Pace::live(GAP, CLUSTER, at(0));
        pace.picture(at(0));
        assert_eq!(pace.poll(at(0)), show(0, KEY, CHANGED));
        pace
    }

    fn drain(pace: &mut Pace, now: u64, shows: &mut Vec<Show>) {
        while let Step::Show(show) = pace.poll(at(now)) {
            shows.push(show);
        }
    }

    fn show(milliseconds: u64, keyframe: bool, changed: bool) -> Step {
        Step::Show(shown_at(milliseconds, keyframe, changed))
    }

    fn shown_at(milliseconds: u64, keyframe: bool, changed: bool) -> Show {
        Show { time: at(milliseconds), keyframe, changed, faces: false }
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }
}
