//! When a sender is asked for a key frame: requests of all viewers merged, spaced, and repeated until one comes.

use std::time::{Duration, Instant};

/// A camera is asked at most this often, however many lose its picture.
pub const KEYFRAME_INTERVAL_MIN: Duration = Duration::from_millis(300);
/// A request may get lost: it is repeated after this long. Longer than a round trip and the encoding of a frame.
const KEYFRAME_PATIENCE: Duration = Duration::from_millis(700);
/// Who has not answered after so many is not asked again until somebody needs a key frame anew.
const KEYFRAME_TRIES_MAX: u32 = 8;

/// A viewer may ask for so many at once for a slot, and for one more each second: whoever loses more cannot be helped by key frames, which take
/// from all others who watch.
const REQUESTS_MAX: u32 = 5;
const REQUEST_EARNED_IN: Duration = Duration::from_secs(1);

/// What one viewer may ask for in one slot: one that shows nonsense takes nothing from the others.
#[derive(Debug, Default)]
pub struct RequestBudget {
    spent: u32,
    earned_at: Option<Instant>,
}

impl RequestBudget {
    /// Takes one, if any is left.
    pub fn spend(&mut self, now: Instant) -> bool {
        let since = *self.earned_at.get_or_insert(now);
        let earned = now.saturating_duration_since(since).as_secs() / REQUEST_EARNED_IN.as_secs();
        if 0 < earned {
            self.spent = self.spent.saturating_sub(u32::try_from(earned).unwrap_or(u32::MAX));
            self.earned_at = Some(since + REQUEST_EARNED_IN * u32::try_from(earned).unwrap_or(u32::MAX));
        }
        let may = self.spent < REQUESTS_MAX;
        self.spent += u32::from(may);
        may
    }
}

/// The requests for one layer of one camera.
#[derive(Debug, Default)]
pub struct KeyframeRequests {
    asked_at: Option<Instant>,
    /// How often the one that is waited for was asked for; 0 when none is.
    tries: u32,
    due: Option<Instant>,
}

impl KeyframeRequests {
    /// Somebody needs a key frame. See [`KeyframeRequests::due`].
    pub fn need(&mut self, now: Instant) {
        let soonest = self.asked_at.map_or(now, |asked| now.max(asked + KEYFRAME_INTERVAL_MIN));
        self.tries = 0;
        self.due = Some(self.due.map_or(soonest, |due| due.min(soonest)));
    }

    /// A key frame came.
    pub fn came(&mut self) {
        self.tries = 0;
        self.due = None;
    }

    /// When to ask, if at all.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether to ask now; then it counts as asked.
    pub fn ask(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| now < due) {
            return false;
        }
        self.asked_at = Some(now);
        self.tries += 1;
        self.due = (self.tries < KEYFRAME_TRIES_MAX).then(|| now + KEYFRAME_PATIENCE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, epoch};

    #[test]
    fn keyframe_requests_are_spaced() {
        let mut requests = KeyframeRequests::default();
        requests.need(epoch());
        assert!(requests.ask(epoch()));
        requests.need(after(20));
        requests.need(after(40));
        assert_eq!(requests.due(), Some(epoch() + KEYFRAME_INTERVAL_MIN));
        assert!(!requests.ask(after(299)));
        assert!(requests.ask(after(300)));
        assert!(!requests.ask(after(301)));
    }

    #[test]
    fn a_viewer_asks_five_times_and_then_once_a_second() {
        let mut budget = RequestBudget::default();
        let spent = |budget: &mut RequestBudget, time| (0..20).filter(|_| budget.spend(after(time))).count();
        let got = [0, 999, 1000, 1500, 60_000].map(|time| spent(&mut budget, time));
        assert_eq!(got, [REQUESTS_MAX as usize, 0, 1, 0, REQUESTS_MAX as usize]);
    }

    #[test]
    fn a_key_frame_answers_all_requests() {
        let mut requests = KeyframeRequests::default();
        requests.need(epoch());
        assert!(requests.ask(epoch()));
        requests.need(after(20));
        requests.came();
        assert_eq!(requests.due(), None);
    }

    #[test]
    fn an_unanswered_request_is_repeated_and_then_given_up() {
        let mut requests = KeyframeRequests::default();
        requests.need(epoch());
        let mut asked = 0;
        while let Some(due) = requests.due() {
            assert!(requests.ask(due));
            asked += 1;
        }
        assert_eq!(asked, KEYFRAME_TRIES_MAX);
    }
}
