//! One strip of the screen: its lines' hashes before and after.

use std::ops::Range;

use super::axis::Axis;
use crate::Canvas;

/// A run with fewer changed lines is left to a picture.
const CHANGED_LINES_MIN: usize = 8;

/// A strip's lines in what a reader has and in what it shall have.
pub(super) struct Strip {
    /// Its place across the screen.
    pub(super) index: usize,
    old: Vec<u64>,
    new: Vec<u64>,
}

/// Lines of a strip that have moved by some offset.
#[derive(Clone, Debug)]
pub(super) struct StripRun {
    /// All that are equal to their source.
    equal: Range<usize>,
    /// Of these, from the first to the last one that changed.
    pub(super) changed: Range<usize>,
}

impl Strip {
    /// The strips with these indices.
    pub(super) fn of(axis: Axis, indices: &[usize], next: &Canvas, reference: &Canvas) -> Vec<Self> {
        let hashes = axis.hashes(reference, indices).into_iter().zip(axis.hashes(next, indices));
        indices.iter().zip(hashes).map(|(&index, (old, new))| Self { index, old, new }).collect()
    }

    /// For each changed line that was just once in the old strip: how far away that is.
    pub(super) fn votes(&self) -> Vec<isize> {
        let mut old: Vec<(u64, usize)> = self.old.iter().copied().zip(0..).collect();
        old.sort_unstable();
        let once: Vec<(u64, usize)> =
            old.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() == 1).map(|same| same[0]).collect();
        let source_of =
            |hash: u64| once.binary_search_by_key(&hash, |(hash, _)| *hash).ok().map(|at| once[at].1);
        let changed = (0..self.new.len()).filter(|&line| self.is_changed(line));
        changed.filter_map(|line| Some(source_of(self.new[line])? as isize - line as isize)).collect()
    }

    /// The runs of lines that are at `offset` in the old strip.
    pub(super) fn runs(&self, offset: isize) -> Vec<StripRun> {
        let is_equal = |line: usize| {
            line.checked_add_signed(offset).and_then(|source| self.old.get(source)) == Some(&self.new[line])
        };
        let mut runs = Vec::new();
        let mut line = 0;
        while line < self.new.len() {
            let length = (line..self.new.len()).take_while(|&line| is_equal(line)).count();
            runs.extend(self.run(line..line + length));
            line += length + 1;
        }
        runs
    }

    fn run(&self, equal: Range<usize>) -> Option<StripRun> {
        let first = equal.clone().find(|&line| self.is_changed(line))?;
        let last = equal.clone().rfind(|&line| self.is_changed(line))?;
        let changed = (first..=last).filter(|&line| self.is_changed(line)).count();
        (CHANGED_LINES_MIN <= changed).then_some(StripRun { equal, changed: first..last + 1 })
    }

    fn is_changed(&self, line: usize) -> bool {
        self.old[line] != self.new[line]
    }
}

impl StripRun {
    /// One run for both strips, when all that changed in one of them is equal in both.
    pub(super) fn joined(&self, other: &StripRun) -> Option<StripRun> {
        let equal = self.equal.start.max(other.equal.start)..self.equal.end.min(other.equal.end);
        let changed = self.changed.start.min(other.changed.start)..self.changed.end.max(other.changed.end);
        (equal.start <= changed.start && changed.end <= equal.end).then_some(StripRun { equal, changed })
    }
}
