//! The presenter's series of graphics, for viewers that have missed some of it: whoever learns what it has missed, without seeing it, can follow again.

use bytes::{Bytes, BytesMut};

use crate::{Record, Rect};

/// Of a longer series nothing is taught. The encoder's have half as much.
const BYTES_MAX: usize = 256 * 1024;
/// Nor of one with more graphics.
const GRAPHICS_MAX: usize = 16 * 1024;

/// How much of which series somebody has; of the series 0 there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Learned {
    series: u64,
    graphics: usize,
}

/// A graphic of a series as a record that is not shown.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    pub(super) record: Bytes,
    pub(super) area: usize,
}

/// The series since its beginning.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    /// All of it.
    whole: Learned,
    /// Nothing where it cannot be taught.
    lessons: Vec<Lesson>,
    bytes: usize,
}

impl Learned {
    /// Whether who has this can read the graphic with which it has `next`.
    pub(super) fn continues_to(self, next: Self) -> bool {
        next.graphics == 1 || Self { graphics: self.graphics + 1, ..self } == next
    }
}

impl Lessons {
    /// The presenter's next graphic came; what there is of the series then.
    pub(super) fn note(&mut self, rect: Rect, begins: bool, graphic: &Bytes) -> Learned {
        if begins {
            self.forget();
            self.whole = Learned { series: self.whole.series + 1, graphics: 0 };
        }
        let has_all = self.lessons.len() == self.whole.graphics;
        self.whole.graphics += 1;
        self.bytes += graphic.len();
        if has_all && self.bytes <= BYTES_MAX && self.lessons.len() < GRAPHICS_MAX {
            let mut record = BytesMut::new();
            let place = Rect { x: 0, y: 0, ..rect };
            let hidden = Record::Serial { rect: place, begins, is_shown: false, graphic: graphic.clone() };
            hidden.write(&mut record);
            self.lessons.push(Lesson { record: record.freeze(), area: rect.area() });
        } else {
            self.lessons = Vec::new();
        }
        self.whole
    }

    /// Nothing more is taught of this series: it is over, or its graphics may no longer fit onto the screen.
    pub(super) fn forget(&mut self) {
        (self.lessons, self.bytes) = (Vec::new(), 0);
    }

    /// What somebody has to learn to follow; `None` when that cannot be.
    pub(super) fn missed(&self, learned: Learned) -> Option<&[Lesson]> {
        let has = if learned.series == self.whole.series { learned.graphics } else { 0 };
        let is_whole = self.lessons.len() == self.whole.graphics;
        self.lessons.get(has..).filter(|missed| is_whole && !missed.is_empty())
    }

    /// The same after the next `count` lessons.
    pub(super) fn after(&self, learned: Learned, count: usize) -> Learned {
        let has = if learned.series == self.whole.series { learned.graphics } else { 0 };
        Learned { graphics: has + count, ..self.whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Rect = Rect::new(5, 5, 8, 8);

    fn bytes(missed: Option<&[Lesson]>) -> Vec<usize> {
        missed.into_iter().flatten().map(|lesson| lesson.record.len()).collect()
    }

    #[test]
    fn what_was_missed_is_all_since_then() {
        let graphic = Bytes::from_static(&[7; 20]);
        let mut lessons = Lessons::default();
        let nothing = Learned::default();
        assert!(lessons.missed(nothing).is_none());
        let first = lessons.note(PLACE, true, &graphic);
        let second = lessons.note(PLACE, false, &graphic);
        assert!(nothing.continues_to(first) && first.continues_to(second) && !nothing.continues_to(second));
        assert_eq!(bytes(lessons.missed(nothing)), [34, 34]);
        assert_eq!(bytes(lessons.missed(first)), [34]);
        assert_eq!((lessons.after(nothing, 1), lessons.after(first, 1)), (first, second));
        assert!(lessons.missed(second).is_none());
        let another = lessons.note(PLACE, true, &graphic);
        assert!(second.continues_to(another) && !another.continues_to(second));
        assert_eq!(bytes(lessons.missed(second)), [34]);
        lessons.forget();
        let last = lessons.note(PLACE, false, &graphic);
        assert!(lessons.missed(nothing).is_none() && another.continues_to(last));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut lessons = Lessons::default();
        for length in [1, 100_000] {
            let graphic = Bytes::from(vec![7; length]);
            lessons.note(PLACE, true, &graphic);
            let most = (BYTES_MAX / length).min(GRAPHICS_MAX);
            for _ in 1..most {
                lessons.note(PLACE, false, &graphic);
            }
            assert_eq!(lessons.missed(Learned::default()).map(<[Lesson]>::len), Some(most));
            for _ in 0..2 * most {
                lessons.note(PLACE, false, &graphic);
            }
            assert!(lessons.missed(Learned::default()).is_none() && lessons.lessons.is_empty());
        }
    }
}
