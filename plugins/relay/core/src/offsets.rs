//! Numbers without gaps for what is forwarded of a numbered stream, when some of it is left out on purpose.

use std::collections::VecDeque;

/// How many places at which something was left out are remembered, for packets that come late. With every second frame left out, 64 places
/// are 128 frames, more than four seconds.
const CHANGES_MAX: usize = 64;

/// Maps the numbers of a stream to those of what is forwarded of it. What is lost before it gets here keeps its number free, so that it can
/// still come and the viewer knows that it is missing.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    /// From this number on, this much is taken away (wrapping).
    changes: VecDeque<(u64, u64)>,
    highest: u64,
}

impl Offsets {
    /// From now on `first` becomes `becomes`; nothing before it is mapped any more.
    pub fn restart(&mut self, first: u64, becomes: u64) {
        self.changes.clear();
        self.changes.push_back((first, first.wrapping_sub(becomes)));
        self.highest = first;
    }

    /// Whether this is further on than a loss can be.
    pub fn is_jump(&self, number: u64, limit: u64) -> bool {
        self.highest.saturating_add(limit) < number
    }

    /// The number under which this is forwarded; none when it is from before the start, or too old.
    pub fn map(&mut self, number: u64) -> Option<u64> {
        self.highest = self.highest.max(number);
        let (_, offset) = self.changes.iter().rev().find(|(from, _)| *from <= number)?;
        Some(number.wrapping_sub(*offset))
    }

    /// This one is not forwarded: those after it move up. What comes late has had its number already.
    pub fn leave_out(&mut self, number: u64) {
        let Some(&(from, offset)) = self.changes.back() else {
            return;
        };
        if number < self.highest || (number == self.highest && from != number) {
            return;
        }
        self.highest = number + 1;
        if from == number {
            self.changes.pop_back();
        }
        self.changes.push_back((number + 1, offset.wrapping_add(1)));
        if CHANGES_MAX < self.changes.len() {
            self.changes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(first: u64, becomes: u64) -> Offsets {
        let mut offsets = Offsets::default();
        offsets.restart(first, becomes);
        offsets
    }

    #[test]
    fn what_is_left_out_leaves_no_gap() {
        let mut offsets = from(100, 1);
        assert_eq!(offsets.map(100), Some(1));
        offsets.leave_out(101);
        offsets.leave_out(102);
        assert_eq!(offsets.map(103), Some(2));
        offsets.leave_out(104);
        assert_eq!(offsets.map(105), Some(3));
    }

    #[test]
    fn what_is_lost_keeps_its_number() {
        let mut offsets = from(100, 1);
        assert_eq!(offsets.map(102), Some(3));
        offsets.leave_out(103);
        assert_eq!(offsets.map(104), Some(4));
        assert_eq!(offsets.map(101), Some(2));
    }

    #[test]
    fn what_is_left_out_late_moves_nothing() {
        let mut offsets = from(100, 1);
        assert_eq!(offsets.map(105), Some(6));
        offsets.leave_out(103);
        assert_eq!(offsets.map(106), Some(7));
    }

    #[test]
    fn nothing_from_before_the_start_is_mapped() {
        let mut offsets = from(100, 1);
        assert_eq!(offsets.map(99), None);
    }

    #[test]
    fn the_first_may_be_left_out() {
        let mut offsets = from(100, 1);
        offsets.leave_out(100);
        assert_eq!(offsets.map(101), Some(1));
    }

    #[test]
    fn only_the_newest_changes_are_remembered() {
        let mut offsets = from(0, 0);
        for number in 0..CHANGES_MAX as u64 {
            assert_eq!(offsets.map(2 * number), Some(number));
            offsets.leave_out(2 * number + 1);
        }
        // The start and 64 changes: one too many, and it was the start.
        assert_eq!(offsets.map(0), None);
        assert_eq!(offsets.map(2), Some(1));
        assert_eq!(offsets.map(2 * CHANGES_MAX as u64), Some(CHANGES_MAX as u64));
    }
}
