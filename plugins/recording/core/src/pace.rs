//! When the recording shows which picture.

use std::time::Duration;

/// A live recording waits this long for its first picture, so that it has the first picture's size; then it
/// begins without one.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Decides when a picture is recorded: the newest one when it changed, but not too often; the same one again
/// where a cluster begins, as a keyframe; and a last time shortly before the end.
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
    last: Option<Duration>,
    next_key: Duration,
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
        Self { gap, cluster, origin: None, newest: None, last: None, next_key: Duration::ZERO }
    }

    /// Another picture has come. What waited and was not shown is forgotten.
    pub fn picture(&mut self, time: Duration) {
        self.newest = Some(time);
    }

    /// Call after every picture and when the time has come that the last `Wait` said; repeat until `Wait`.
    pub fn poll(&mut self, now: Duration) -> Step {
        let Some(last) = self.last else { return self.first(now) };
        let earliest = last + self.gap;
        let repeat_at = self.next_key + self.gap;

        if let Some(newest) = self.newest {
            let due = newest.max(earliest);
            if due < repeat_at {
                return if due <= now { self.show(due, true) } else { wait(due) };
            }
        }
        // A picture that comes a little after the boundary takes the keyframe; else the last one is repeated.
        if repeat_at <= now { self.show(self.next_key.max(earliest), false) } else { wait(repeat_at) }
    }

    /// The recording ends at `end`. What is still to be shown, in order.
    pub fn end(&mut self, end: Duration) -> Vec<Show> {
        let mut shows = Vec::new();
        if self.last.is_none() {
            let Some(first) = self.origin.or(self.newest) else { return shows };
            shows.extend(shown(self.show(first, self.newest.is_some())));
        }
        while let Step::Show(show) = self.poll(end) {
            shows.push(show);
        }
        let last = self.last.unwrap_or_default();
        let closing = end.saturating_sub(self.gap).max(last + self.gap);
        // A last picture of less than half a gap would only make the recording longer than it was.
        if closing + self.gap / 2 < end {
            let changed = self.newest.is_some();
            shows.extend(shown(self.show(closing, changed)));
        }
        shows
    }

    fn first(&mut self, now: Duration) -> Step {
        match (self.origin, self.newest) {
            (None, None) => Step::Wait { until: None },
            (None, Some(newest)) => self.show(newest, true),
            // It stands for what was there before it as well.
            (Some(origin), Some(_)) => self.show(origin, true),
            (Some(origin), None) if origin + PATIENCE <= now => self.show(origin, false),
            (Some(origin), None) => wait(origin + PATIENCE),
        }
    }

    fn show(&mut self, time: Duration, changed: bool) -> Step {
        let keyframe = self.last.is_none() || self.next_key <= time;
        if keyframe {
            self.next_key = time + self.cluster;
        }
        if changed {
            self.newest = None;
        }
        self.last = Some(time);
        Step::Show(Show { time, keyframe, changed })
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
