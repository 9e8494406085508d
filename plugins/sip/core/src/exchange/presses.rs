//! Keys that a telephone sends in two ways at once, by message (SIP INFO) and in its sound: each is pressed once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The other way brings the same key within this time: tones are known when they have sounded for a while, messages may be sent again.
const APART_MAX: Duration = Duration::from_secs(1);
/// So many are remembered, more than anybody presses in that time.
const PRESSES_MAX: usize = 16;

/// How a key came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In the sound: as a named event (RFC 4733), or as a tone.
    Sound,
    /// By message.
    Message,
}

/// A caller's latest keys that have come in one way alone.
#[derive(Debug, Default)]
pub struct Presses(VecDeque<(char, Way, Instant)>);

impl Presses {
    /// A key has come. Returns whether it was pressed now, and has not come in the other way before.
    pub fn is_new(&mut self, key: char, way: Way, now: Instant) -> bool {
        self.0.retain(|(_, _, at)| now.saturating_duration_since(*at) < APART_MAX);
        let other = self.0.iter().position(|(before, by, _)| *before == key && *by != way);
        if let Some(other) = other {
            self.0.remove(other);
            return false;
        }
        if PRESSES_MAX <= self.0.len() {
            self.0.pop_front();
        }
        self.0.push_back((key, way, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_in_two_ways_is_pressed_once() {
        let mut presses = Presses::default();
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let start = Instant::now();
        let mut press = |key, way, millis| presses.is_new(key, way, start + Duration::from_millis(millis));
        // The same key twice, and the messages are late.
        assert_eq!([press('5', Way::Sound, 0), press('5', Way::Sound, 200)], [true, true]);
        assert_eq!([press('5', Way::Message, 300), press('5', Way::Message, 500)], [false, false]);
        assert_eq!([press('5', Way::Message, 600), press('6', Way::Sound, 700)], [true, true]);
        assert!(press('5', Way::Sound, 1_700), "another press");
        // However many come.
        assert!((0..100).all(|number| press('7', Way::Message, 2_000 + number)));
    }
}
