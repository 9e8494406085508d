//! How old what a viewer sees is: each cell's pixels are looked up among all that the presenter has shown there.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::time::Duration;

use convene_screen::{Rect, ScreenSize};

/// Side of the cells.
const CELL: u16 = 64;
/// What comes so near to the newest content is taken for it: a coarse picture that will sharpen.
const NEAR_DB_MIN: f64 = 30.0;
/// Nobody sees so small a difference, and no letter has it to its ground.
const ALIKE: u8 = 8;

/// All that was on the screen, cell by cell.
#[derive(Debug)]
pub struct History {
    size: ScreenSize,
    cells: Vec<Vec<Version>>,
}

#[derive(Clone, Debug)]
struct Version {
    since: Duration,
    hash: u64,
    /// Rows without gaps.
    pixels: Vec<u8>,
}

impl History {
    /// Nothing was shown yet.
    pub fn new(size: ScreenSize) -> Self {
        let cells = usize::from(size.width().div_ceil(CELL)) * usize::from(size.height().div_ceil(CELL));
        Self { size, cells: vec![Vec::new(); cells] }
    }

    /// The screen shows this from now on.
    pub fn show(&mut self, pixels: &[u8], changed: Rect, now: Duration) {
        for index in touched(self.size, changed) {
            let rect = cell(self.size, index);
            let hash = hash(self.size, rect, pixels);
            if self.cells[index].last().is_none_or(|version| version.hash != hash) {
                let pixels = rows(self.size, rect, pixels).flatten().copied().collect();
                self.cells[index].push(Version { since: now, hash, pixels });
            }
        }
    }

    /// Whether this part of a cell was so in one of its versions from that one on.
    fn was_so(&self, index: usize, from: usize, part: Rect, shown: &[u8]) -> bool {
        let cell = cell(self.size, index);
        let size = ScreenSize::new(cell.width.into(), cell.height.into()).expect("a part of a screen");
        let inside = Rect { x: part.x - cell.x, y: part.y - cell.y, ..part };
        let is_so = |version: &Version| rows(size, inside, &version.pixels).eq(rows(self.size, part, shown));
        self.cells[index][from..].iter().any(is_so)
    }
}

/// Which version of each cell a viewer sees.
#[derive(Debug)]
pub struct Seen {
    cells: Vec<Option<Sight>>,
    /// How often a cell went back to something older.
    pub steps_back: u64,
}

/// What a viewer sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What it is made of has left the relay by then.
    pub sent_by: Duration,
    /// What it should be.
    pub newest: &'a [u8],
    /// What it is.
    pub shown: &'a [u8],
    /// Where it has changed.
    pub damage: &'a [Rect],
}

/// The same pixels may have been there several times.
#[derive(Clone, Copy, Debug)]
struct Sight {
    /// The version that these pixels were last.
    newest: usize,
    /// The oldest version that it can be, after what was seen before.
    oldest: usize,
}

impl Seen {
    /// Nothing is seen yet.
    pub fn new(history: &History) -> Self {
        Self { cells: vec![None; history.cells.len()], steps_back: 0 }
    }

    /// The viewer's screen has changed.
    pub fn look(&mut self, history: &History, view: View<'_>) {
        let View { sent_by, newest, shown, damage } = view;
        let mut cells: Vec<usize> = damage.iter().flat_map(|&rect| touched(history.size, rect)).collect();
        cells.sort_unstable();
        cells.dedup();
        for index in cells {
            let rect = cell(history.size, index);
            let hash = hash(history.size, rect, shown);
            let versions = &history.cells[index];
            let before = self.cells[index].map_or(0, |sight| sight.oldest);
            let as_new = Sight { newest: versions.len().saturating_sub(1), oldest: before };
            // What is newer has not come yet, and looks so by chance: gaps between lines do.
            let sent = versions.partition_point(|version| version.since <= sent_by);
            let Some(same) = versions[..sent].iter().rposition(|version| version.hash == hash) else {
                // Between two pieces a cell may show some of both: it is as old as it was. What is near to the newest may as well be near to an
                // older one, of which a letter differs: it counts as new, and no exact content that comes after it as a step back.
                if !versions.is_empty() && is_near(history.size, rect, newest, shown) {
                    self.cells[index] = Some(as_new);
                }
                continue;
            };
            let sight = match (before..=same).find(|&version| versions[version].hash == hash) {
                Some(oldest) => Sight { newest: same, oldest },
                // The coarse picture of a cell that is not quite white may be white, and the older one as well.
                None if is_alike(history.size, rect, newest, shown) => as_new,
                // A part of it has moved, or was painted, and another is owed: it is as old as it was, unless what has come is older.
                None if not_painted_over(damage.iter().filter_map(|damage| damage.intersection(rect)))
                    .into_iter()
                    .all(|part| history.was_so(index, before, part, shown)) =>
                {
                    continue;
                }
                None => {
                    self.steps_back += 1;
                    Sight { newest: same, oldest: same }
                }
            };
            self.cells[index] = Some(sight);
        }
    }

    /// Of the oldest cell: for how long it should have shown something else.
    pub fn age(&self, history: &History, now: Duration) -> Duration {
        let cells = history.cells.iter().zip(&self.cells);
        let overdue =
            cells.filter_map(|(versions, seen)| versions.get(seen.map_or(0, |sight| sight.newest + 1)));
        overdue.map(|version| now.saturating_sub(version.since)).max().unwrap_or_default()
    }
}

/// What of each rectangle is seen when they were painted in this order: those rows that no later one covers.
fn not_painted_over(painted: impl Iterator<Item = Rect>) -> Vec<Rect> {
    let painted: Vec<Rect> = painted.collect();
    let mut seen: Vec<Rect> = Vec::new();
    for (at, part) in painted.iter().enumerate() {
        for y in part.y..part.bottom() as u16 {
            let row = Rect { y, height: 1, ..*part };
            if painted[at + 1..].iter().any(|later| row.is_within(*later)) {
                continue;
            }
            match seen.last_mut() {
                Some(last) if (last.x, last.width, last.bottom()) == (row.x, row.width, u32::from(y)) => {
                    last.height += 1;
                }
                _ => seen.push(row),
            }
        }
    }
    seen
}

fn cell(size: ScreenSize, index: usize) -> Rect {
    let columns = usize::from(size.width().div_ceil(CELL));
    let (x, y) = ((index % columns) as u16 * CELL, (index / columns) as u16 * CELL);
    Rect::new(x, y, CELL.min(size.width() - x), CELL.min(size.height() - y))
}

fn touched(size: ScreenSize, rect: Rect) -> impl Iterator<Item = usize> {
    let columns = usize::from(size.width().div_ceil(CELL));
    let of =
        |start: u16, length: u16| usize::from(start / CELL)..usize::from((start + length).div_ceil(CELL));
    let across = of(rect.x, rect.width);
    of(rect.y, rect.height).flat_map(move |row| across.clone().map(move |column| row * columns + column))
}

fn rows(size: ScreenSize, rect: Rect, pixels: &[u8]) -> impl Iterator<Item = &[u8]> {
    let row_bytes = usize::from(size.width()) * 4;
    let part = usize::from(rect.x) * 4..(usize::from(rect.x) + usize::from(rect.width)) * 4;
    pixels
        .chunks_exact(row_bytes)
        .skip(rect.y.into())
        .take(rect.height.into())
        .map(move |row| &row[part.clone()])
}

fn hash(size: ScreenSize, rect: Rect, pixels: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows(size, rect, pixels).for_each(|row| hasher.write(row));
    hasher.finish()
}

/// Does no pixel of this part tell both pictures apart?
fn is_alike(size: ScreenSize, rect: Rect, one: &[u8], two: &[u8]) -> bool {
    let mut pairs = rows(size, rect, one).zip(rows(size, rect, two));
    pairs.all(|(one, two)| one.iter().zip(two).all(|(one, two)| one.abs_diff(*two) <= ALIKE))
}

/// Is this part of both pictures nearly the same?
pub fn is_near(size: ScreenSize, rect: Rect, one: &[u8], two: &[u8]) -> bool {
    let error: u64 = rows(size, rect, one)
        .zip(rows(size, rect, two))
        .flat_map(|(one, two)| one.iter().zip(two))
        .map(|(one, two)| u64::from(one.abs_diff(*two)).pow(2))
        .sum();
    let mean = error as f64 / (rect.area() * 3) as f64;
    error == 0 || NEAR_DB_MIN <= 10.0 * (255.0 * 255.0 / mean).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn look(seen: &mut Seen, history: &History, newest: &[u8], shown: &[u8], damage: &[Rect]) {
        seen.look(history, View { sent_by: Duration::MAX, newest, shown, damage });
    }

    #[test]
    fn a_viewer_is_as_old_as_what_it_should_have_shown() {
        let size = ScreenSize::new(64, 64).unwrap();
        let picture = |value| vec![value; 64 * 64 * 4];
        let mut history = History::new(size);
        for second in 0..4_u8 {
            history.show(&picture(60 * second), size.rect(), u32::from(second) * SECOND);
        }
        let mut seen = Seen::new(&history);
        assert_eq!(seen.age(&history, 4 * SECOND), 4 * SECOND);
        look(&mut seen, &history, &picture(180), &picture(60), &[size.rect()]);
        assert_eq!(seen.age(&history, 4 * SECOND), 2 * SECOND);
        look(&mut seen, &history, &picture(180), &picture(181), &[size.rect()]);
        assert_eq!(seen.age(&history, 4 * SECOND), Duration::ZERO);
        look(&mut seen, &history, &picture(180), &picture(180), &[size.rect()]);
        assert_eq!(seen.steps_back, 0);
        look(&mut seen, &history, &picture(180), &picture(120), &[size.rect()]);
        assert_eq!(seen.steps_back, 1);
    }

    /// A coarse picture of an old version may be near to a newer one that differs by a letter.
    #[test]
    fn what_is_near_to_the_newest_is_not_held_against_what_comes_after_it() {
        let size = ScreenSize::new(64, 64).unwrap();
        let picture = |letter: u8| {
            let mut picture = vec![200; 64 * 64 * 4];
            picture[..8].fill(letter);
            picture
        };
        let mut history = History::new(size);
        [50, 100, 150].into_iter().for_each(|letter| history.show(&picture(letter), size.rect(), SECOND));
        let mut seen = Seen::new(&history);
        for letter in [50, 9, 100, 150] {
            look(&mut seen, &history, &picture(150), &picture(letter), &[size.rect()]);
        }
        assert_eq!((seen.steps_back, seen.age(&history, SECOND)), (0, Duration::ZERO));
        look(&mut seen, &history, &picture(150), &picture(100), &[size.rect()]);
        assert_eq!(seen.steps_back, 1, "exact content that is older");
    }

    /// A letter at the top and one at the foot come and go; the foot is owed.
    #[test]
    fn a_part_that_is_new_beside_one_that_is_owed_is_no_step_back() {
        let size = ScreenSize::new(64, 64).unwrap();
        let picture = |top: u8, foot: u8| {
            let mut picture = vec![200; 64 * 64 * 4];
            picture[..8].fill(top);
            picture[63 * 64 * 4..][..8].fill(foot);
            picture
        };
        let versions = [picture(200, 200), picture(50, 200), picture(200, 50)];
        let mut history = History::new(size);
        versions.iter().for_each(|version| history.show(version, size.rect(), SECOND));
        let (newest, top) = (&versions[2], Rect::new(0, 0, 64, 32));
        let mut seen = Seen::new(&history);
        look(&mut seen, &history, newest, &versions[1], &[size.rect()]);
        look(&mut seen, &history, newest, &versions[0], &[top]);
        assert_eq!(seen.steps_back, 0, "the top is that of the newest");
        let mut seen = Seen::new(&history);
        look(&mut seen, &history, newest, &versions[1], &[size.rect()]);
        look(&mut seen, &history, newest, &versions[0], &[size.rect()]);
        assert_eq!(seen.steps_back, 1, "all of it was painted, and as it was before");
    }

    /// A gap moves to where one has just come, which the viewer cannot know of.
    #[test]
    fn what_cannot_have_come_yet_is_not_taken_for_what_is_shown() {
        let size = ScreenSize::new(64, 64).unwrap();
        let picture = |value| vec![value; 64 * 64 * 4];
        let mut history = History::new(size);
        [(0, 0), (90, 1), (200, 2), (0, 3)]
            .into_iter()
            .for_each(|(value, second)| history.show(&picture(value), size.rect(), second * SECOND));
        let steps_back = |sent_by| {
            let mut seen = Seen::new(&history);
            for value in [90, 0, 200] {
                let view =
                    View { sent_by, newest: &picture(0), shown: &picture(value), damage: &[size.rect()] };
                seen.look(&history, view);
            }
            seen.steps_back
        };
        assert_eq!(steps_back(3 * SECOND), 1);
        assert_eq!(steps_back(2 * SECOND), 0, "it was not the newest gap");
    }

    #[test]
    fn what_comes_again_is_no_step_back() {
        let size = ScreenSize::new(64, 64).unwrap();
        let picture = |value| vec![value; 64 * 64 * 4];
        let mut history = History::new(size);
        [0, 90, 0, 200]
            .into_iter()
            .for_each(|value| history.show(&picture(value), size.rect(), Duration::ZERO));
        let mut seen = Seen::new(&history);
        for value in [0, 90, 0, 200] {
            look(&mut seen, &history, &picture(200), &picture(value), &[size.rect()]);
        }
        assert_eq!(seen.steps_back, 0);
    }
}
