//! A line's estimate from its losses alone, for rooms so large that an estimator for each viewer would cost more than all else: str0m's wants to be
//! driven for every single packet.

/// More than this lost is a line that carries too much.
const LOSS_HIGH: f32 = 0.10;
/// Less than this lost is a line that may carry more.
const LOSS_LOW: f32 = 0.02;
const FALL_PERCENT: u64 = 70;
const RISE_PERCENT: u64 = 115;
/// Below this there is nothing left to give up.
const ESTIMATE_MIN: u64 = 150_000;

/// Nothing is assumed until something is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    estimate: Option<u64>,
}

impl Losses {
    /// Bits a second that the line carries, once that is known.
    pub fn estimate(&self) -> Option<u64> {
        self.estimate
    }

    /// A report came: the share lost, bits a second that were sent, and what would be sent if there were no limit. Returns whether the estimate
    /// changed.
    pub fn report(&mut self, loss: f32, sent: u64, desired: u64) -> bool {
        let before = self.estimate;
        if LOSS_HIGH <= loss {
            let held = before.map_or(sent, |estimate| estimate.min(sent));
            self.estimate = Some((held * FALL_PERCENT / 100).max(ESTIMATE_MIN));
        } else if loss <= LOSS_LOW {
            // With room to spare for what is desired, the line is no limit any longer.
            let risen = before.map(|estimate| estimate * RISE_PERCENT / 100);
            self.estimate = risen.filter(|risen| *risen < desired * 3 / 2);
        }
        before != self.estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_lower_the_estimate_and_their_absence_raises_it_again() {
        let mut losses = Losses::default();
        assert!(!losses.report(0.0, 1_000_000, 1_000_000));
        assert!(losses.report(0.3, 1_000_000, 1_000_000));
        assert_eq!(losses.estimate(), Some(700_000));
        assert!(!losses.report(0.05, 700_000, 1_000_000));
        let mut reports = 0;
        while losses.estimate().is_some() {
            assert!(losses.report(0.0, 700_000, 1_000_000));
            reports += 1;
        }
        assert_eq!(reports, 6);
    }

    #[test]
    fn something_is_always_left() {
        let mut losses = Losses::default();
        for _ in 0..50 {
            losses.report(1.0, 1_000_000, 1_000_000);
        }
        assert_eq!(losses.estimate(), Some(ESTIMATE_MIN));
    }
}
