//! What a viewer sees, held against what was on the screen at that moment.

use convene_screen::{Rect, ScreenSize};

use convene_bench::clip::Moment;

/// Side of the cells that are told apart: text or not, exact or not.
const CELL: usize = 16;
/// A cell of text or line work has at most so many colours, those of the letters' soft rims included; a photograph has more.
const TEXT_COLOURS_MAX: usize = 48;
/// And it has at least so many pairs of neighbours that differ sharply: what is flat or a soft slope has none.
const TEXT_EDGES_MIN: usize = 4;
/// The three colours' differences together.
const SHARP: u16 = 150;

/// How well a clip was shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// PSNR of the cells with text over all moments, in dB; `None` when all was exact.
    pub text_psnr: Option<f64>,
    /// Share of the pixels in cells with text that were exact, over all moments.
    pub text_exact: f64,
    /// The same of the text that stood: cells that had not changed again at the next moment.
    pub standing_exact: f64,
    /// Share of all pixels that were exact, over all moments.
    pub exact: f64,
    /// Share of all pixels that were exact at the clip's end.
    pub end_exact: f64,
    /// Share of the pixels in cells with text that were exact at the clip's end.
    pub end_text_exact: f64,
    /// Milliseconds from a change until the cell was exact: half of those that became exact, and 95 of 100.
    pub settle_ms: (u64, u64),
    /// Share of the changes whose cell was not exact before the next change or the end.
    pub never_exact: f64,
}

/// Compares moment by moment.
#[derive(Debug)]
pub struct Comparison {
    size: ScreenSize,
    columns: usize,
    last: Vec<u8>,
    cells: Vec<Cell>,
    text: Tally,
    standing: Tally,
    all: Tally,
    end: (Tally, Tally),
    settled_ms: Vec<u64>,
    superseded: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    is_text: bool,
    /// The last moment's, as long as nobody knows whether it stood.
    last: Option<Tally>,
    /// Since when it should show what it does not.
    changed_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    pixels: u64,
    exact: u64,
    square_error: u64,
}

impl Comparison {
    /// Of a screen of this size.
    pub fn new(size: ScreenSize) -> Self {
        let columns = usize::from(size.width()).div_ceil(CELL);
        let rows = usize::from(size.height()).div_ceil(CELL);
        Self {
            size,
            columns,
            last: Vec::new(),
            cells: vec![Cell::default(); columns * rows],
            text: Tally::default(),
            standing: Tally::default(),
            all: Tally::default(),
            end: Default::default(),
            settled_ms: Vec::new(),
            superseded: 0,
        }
    }

    /// At this moment a viewer sees `shown` (BGRx, tight rows).
    pub fn add(&mut self, moment: &Moment<'_>, shown: &[u8]) {
        assert_eq!(shown.len(), moment.pixels.len(), "both pictures have the screen's size");
        self.end = Default::default();
        let is_first = self.last.is_empty();
        for index in 0..self.cells.len() {
            let rect = self.rect(index);
            let touched = moment.changed.is_some_and(|changed| changed.intersection(rect).is_some());
            if touched
                && (is_first || !self.rows(rect, moment.pixels, &self.last).all(|(new, old)| new == old))
            {
                self.cells[index].is_text =
                    is_text(self.rows(rect, moment.pixels, moment.pixels).map(|(row, _)| row));
                self.cells[index].last = None;
                let before = self.cells[index].changed_at.replace(moment.time_us);
                self.superseded += u64::from(before.is_some());
            }
            let mut tally = Tally::default();
            self.rows(rect, moment.pixels, shown).for_each(|(source, shown)| tally.add_row(source, shown));
            self.all.add(tally);
            self.end.0.add(tally);
            if let Some(stood) = self.cells[index].last.take() {
                self.standing.add(stood);
            }
            if self.cells[index].is_text {
                self.text.add(tally);
                self.end.1.add(tally);
                self.cells[index].last = Some(tally);
            }
            if tally.exact == tally.pixels
                && let Some(since) = self.cells[index].changed_at.take()
                && !is_first
            {
                self.settled_ms.push((moment.time_us - since) / 1000);
            }
        }
        self.last.clear();
        self.last.extend_from_slice(moment.pixels);
    }

    /// All that was found.
    pub fn finish(mut self) -> Shown {
        self.settled_ms.sort_unstable();
        self.cells.iter().filter_map(|cell| cell.last).for_each(|stood| self.standing.add(stood));
        let settled = self.settled_ms.len();
        let at = |per_cent: usize| self.settled_ms.get(settled * per_cent / 100).copied().unwrap_or_default();
        let never =
            self.superseded + self.cells.iter().filter(|cell| cell.changed_at.is_some()).count() as u64;
        Shown {
            text_psnr: self.text.psnr(),
            text_exact: self.text.exact_share(),
            standing_exact: self.standing.exact_share(),
            exact: self.all.exact_share(),
            end_exact: self.end.0.exact_share(),
            end_text_exact: self.end.1.exact_share(),
            settle_ms: (at(50), at(95)),
            never_exact: never as f64 / (never + settled as u64).max(1) as f64,
        }
    }

    fn rect(&self, index: usize) -> Rect {
        let (x, y) = (index % self.columns * CELL, index / self.columns * CELL);
        let side =
            |at: usize, end: u16| u16::try_from(CELL.min(usize::from(end) - at)).expect("a cell is small");
        Rect::new(x as u16, y as u16, side(x, self.size.width()), side(y, self.size.height()))
    }

    /// The rows of a rectangle in two pictures.
    fn rows<'a>(
        &self,
        rect: Rect,
        one: &'a [u8],
        two: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let row_bytes = usize::from(self.size.width()) * 4;
        (usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.height)).map(move |row| {
            let start = row * row_bytes + usize::from(rect.x) * 4;
            let range = start..start + usize::from(rect.width) * 4;
            (&one[range.clone()], &two[range])
        })
    }
}

impl Tally {
    fn add_row(&mut self, source: &[u8], shown: &[u8]) {
        let pixels = (source.len() / 4) as u64;
        self.pixels += pixels;
        if source == shown {
            self.exact += pixels;
            return;
        }
        for (source, shown) in source.chunks_exact(4).zip(shown.chunks_exact(4)) {
            let error: u64 = (0..3).map(|at| u64::from(source[at].abs_diff(shown[at])).pow(2)).sum();
            self.exact += u64::from(error == 0);
            self.square_error += error;
        }
    }

    fn add(&mut self, other: Tally) {
        self.pixels += other.pixels;
        self.exact += other.exact;
        self.square_error += other.square_error;
    }

    /// Over the three colours alike.
    fn psnr(self) -> Option<f64> {
        let mean = self.square_error as f64 / (3 * self.pixels.max(1)) as f64;
        (mean != 0.0).then(|| 10.0 * (255.0 * 255.0 / mean).log10())
    }

    fn exact_share(self) -> f64 {
        if self.pixels == 0 { 1.0 } else { self.exact as f64 / self.pixels as f64 }
    }
}

/// The cells of a picture that have text or line work.
pub fn text_cells(size: ScreenSize, pixels: &[u8]) -> Vec<Rect> {
    let cells = Comparison::new(size);
    let rects = (0..cells.cells.len()).map(|index| cells.rect(index));
    rects.filter(|&rect| is_text(cells.rows(rect, pixels, pixels).map(|(row, _)| row))).collect()
}

fn is_text<'a>(rows: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut colours: Vec<[u8; 3]> = Vec::with_capacity(TEXT_COLOURS_MAX + 1);
    let mut edges = 0;
    let mut above: Option<&[u8]> = None;
    for row in rows {
        let mut left: Option<&[u8]> = None;
        for (at, pixel) in row.chunks_exact(4).enumerate() {
            let over = above.map(|above| &above[at * 4..]);
            edges += [left, over].into_iter().flatten().filter(|other| is_sharp(pixel, other)).count();
            if left.is_none_or(|left| left[..3] != pixel[..3]) {
                let colour = [pixel[0], pixel[1], pixel[2]];
                if !colours.contains(&colour) {
                    colours.push(colour);
                }
                if TEXT_COLOURS_MAX < colours.len() {
                    return false;
                }
            }
            left = Some(pixel);
        }
        above = Some(row);
    }
    TEXT_EDGES_MIN <= edges
}

fn is_sharp(one: &[u8], two: &[u8]) -> bool {
    (0..3).map(|at| u16::from(one[at].abs_diff(two[at]))).sum::<u16>() >= SHARP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(number: u64, changed: bool, pixels: &[u8]) -> Moment<'_> {
        let changed = changed.then_some(Rect::new(0, 0, 32, 16));
        Moment { number, time_us: number * 100_000, changed, pixels }
    }

    #[test]
    fn what_is_late_by_two_moments_settles_after_their_time() {
        let mut comparison = Comparison::new(ScreenSize::new(32, 16).unwrap());
        let old = vec![255; 32 * 16 * 4];
        let mut new = old.clone();
        // Two black pixels, of which four sharp edges come.
        new[..3].fill(0);
        new[8..11].fill(0);
        comparison.add(&moment(0, true, &old), &old);
        comparison.add(&moment(1, true, &new), &old);
        comparison.add(&moment(2, false, &new), &old);
        comparison.add(&moment(3, false, &new), &new);
        let shown = comparison.finish();
        assert_eq!(shown.settle_ms, (200, 200));
        assert_eq!((shown.never_exact, shown.end_exact, shown.end_text_exact), (0.0, 1.0, 1.0));
        // One cell has text from the second moment on: in two of three its two are wrong.
        assert!((shown.text_exact - (1.0 - 4.0 / 768.0)).abs() < 1e-9, "{shown:?}");
        assert!(shown.text_psnr.is_some());
    }

    #[test]
    fn what_is_never_shown_is_never_exact() {
        let mut comparison = Comparison::new(ScreenSize::new(32, 16).unwrap());
        let old = vec![255; 32 * 16 * 4];
        let new = vec![0; 32 * 16 * 4];
        comparison.add(&moment(0, true, &old), &old);
        comparison.add(&moment(1, true, &new), &old);
        let shown = comparison.finish();
        assert_eq!((shown.never_exact, shown.end_exact), (1.0, 0.0));
    }
}
