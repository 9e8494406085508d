//! What encoding may cost, so that nobody waits long for the relay: a fast viewer waits for every picture that is made for a slow one.

use std::time::Duration;

use super::ViewerId;

/// A part of one core goes to encoding: one in so many.
const SHARE: u32 = 2;
/// So much may be encoded at once, and one picture more.
const BURST: Duration = Duration::from_millis(6);
/// Whoever was refused asks again after so long, when there is something to be had; the first of them comes first.
const PATIENCE: Duration = Duration::from_millis(5);

/// What was spent, by the time that it takes on one core.
#[derive(Debug, Default)]
pub(super) struct Effort {
    now: Duration,
    /// When all of it is paid for.
    paid_at: Duration,
    asking: Option<ViewerId>,
    /// The first that was refused, and until when the others let it go first.
    next: Option<(ViewerId, Duration)>,
    is_refused: bool,
}

impl Effort {
    /// A viewer asks for its next piece.
    pub(super) fn begin(&mut self, viewer: ViewerId, now: Duration) {
        (self.now, self.asking, self.is_refused) = (now, Some(viewer), false);
    }

    /// A picture may be made now.
    pub(super) fn allows(&mut self) -> bool {
        let is_others_turn =
            self.next.is_some_and(|(next, until)| self.asking != Some(next) && self.now < until);
        if !is_others_turn && self.is_there() {
            self.next = None;
            return true;
        }
        self.is_refused = true;
        if let Some(viewer) = self.asking {
            self.next.get_or_insert((viewer, self.there_at() + 2 * PATIENCE));
        }
        false
    }

    /// Pictures that nobody waits for may be made now.
    pub(super) fn is_idle(&mut self) -> bool {
        let is_idle = self.paid_at <= self.now;
        self.is_refused |= !is_idle;
        is_idle
    }

    /// A picture was made.
    pub(super) fn spend(&mut self, time: Duration) {
        self.paid_at = self.paid_at.max(self.now) + SHARE * time;
    }

    /// When to ask again, for whom something was refused since [`Effort::begin`].
    pub(super) fn again_at(&self) -> Option<Duration> {
        self.is_refused.then(|| self.there_at() + PATIENCE)
    }

    fn is_there(&self) -> bool {
        self.paid_at <= self.now + SHARE * BURST
    }

    fn there_at(&self) -> Duration {
        self.paid_at.saturating_sub(SHARE * BURST).max(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Duration = Duration::from_millis(2);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn spend_all(effort: &mut Effort) -> Duration {
        let mut spent = Duration::ZERO;
        while effort.allows() {
            effort.spend(PICTURE);
            spent += PICTURE;
        }
        spent
    }

    #[test]
    fn a_turn_costs_no_more_than_a_burst_and_a_picture() {
        let mut effort = Effort::default();
        effort.begin(ViewerId(1), ms(1000));
        assert_eq!(spend_all(&mut effort), BURST + PICTURE);
        let spent: Duration = (1001..2000)
            .map(|now| {
                effort.begin(ViewerId(1), ms(now));
                spend_all(&mut effort)
            })
            .sum();
        assert!((ms(490)..ms(510)).contains(&spent), "{spent:?} in a second");
    }

    #[test]
    fn who_was_refused_first_comes_first_but_is_not_waited_for_long() {
        let mut effort = Effort::default();
        let (one, two, three) = (ViewerId(1), ViewerId(2), ViewerId(3));
        effort.begin(one, ms(1000));
        spend_all(&mut effort);
        effort.begin(two, ms(1000));
        assert!(!effort.allows());
        let again_at = effort.again_at().unwrap();
        assert_eq!(again_at, ms(1004) + PATIENCE, "it takes 4 ms to earn the picture that was too much");
        for viewer in [two, one, three] {
            effort.begin(viewer, again_at);
            assert_eq!(effort.allows(), viewer != two, "{viewer:?}");
        }
        spend_all(&mut effort);
        effort.begin(one, again_at + ms(100));
        assert!(effort.allows(), "the first does not come back");
    }
}
