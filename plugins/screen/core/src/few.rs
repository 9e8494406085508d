//! Text in few colours: about half of the bytes, and as readable.
//!
//! What costs in a picture of text are the shades at the edges of letters. Five to ten of them look nearly as many as there were.

use crate::content::{TILE_SIDE, tiles_of};
use crate::encoder::choose;
use crate::{Canvas, Record, Rect, ScreenSize};

/// What has more is no text.
const COLOURS_MAX: usize = 1024;
const SLOTS: usize = 2 * COLOURS_MAX;
/// Two to a byte in a picture; with more there is little to gain.
const FEW_MAX: usize = 16;
/// The mean square of what a channel is off, over the pixels that differ from their left neighbour: where to begin to look closer.
const EDGE_ERROR_MAX: u64 = 300;
/// And over each tile, about two letters: 30 dB.
const TILE_ERROR_MAX: u64 = 64;
/// A colour that is so much of those that become one, in eighths, stays as it is: backgrounds do.
const MAIN_SHARE: u64 = 5;

/// A record that paints the rectangle in few colours; `None` when it takes many to look about right.
pub(crate) fn in_few_colours(canvas: &Canvas, rect: Rect) -> Option<Record> {
    let few = few_colours(canvas, rect)?;
    let whole = few.size().rect();
    let mut record = choose(&few, whole).record(&few, whole);
    if let Record::Picture { rect: place, .. } | Record::Fill { rect: place, .. } = &mut record {
        *place = rect;
    }
    Some(record)
}

/// The rectangle in few colours; `None` when it takes many to look about right.
fn few_colours(canvas: &Canvas, rect: Rect) -> Option<Canvas> {
    let mut colours = Colours::of(canvas, rect)?;
    let mut few = Vec::new();
    while few.len() < FEW_MAX {
        colours.add_one(&mut few);
        if colours.error() <= colours.edges * 3 * EDGE_ERROR_MAX {
            (0..2).for_each(|_| colours.settle(&mut few));
            if colours.worst_tile(canvas, rect) <= 3 * TILE_ERROR_MAX * u64::from(TILE_SIDE).pow(2) {
                return Some(colours.paint(canvas, rect, &few));
            }
        }
    }
    None
}

/// The colours of a rectangle, and what has become of each.
struct Colours {
    /// Places in `all` by hash; `EMPTY` is none.
    slots: Vec<u16>,
    all: Vec<Colour>,
    /// Pixels that differ from their left neighbour.
    edges: u64,
}

const EMPTY: u16 = u16::MAX;

#[derive(Clone, Copy)]
struct Colour {
    pixel: [u8; 4],
    count: u64,
    /// Which of the few is nearest, and how far.
    nearest: usize,
    error: u64,
}

impl Colours {
    fn of(canvas: &Canvas, rect: Rect) -> Option<Self> {
        let mut colours = Self { slots: vec![EMPTY; SLOTS], all: Vec::new(), edges: 0 };
        for y in usize::from(rect.y)..rect.bottom() as usize {
            let row: &[[u8; 4]] = canvas.row(rect, y).as_chunks().0;
            for run in row.chunk_by(|a, b| a == b) {
                colours.edges += 1;
                colours.count(run[0], run.len() as u64)?;
            }
        }
        Some(colours)
    }

    fn count(&mut self, pixel: [u8; 4], pixels: u64) -> Option<()> {
        let slot = self.slot(pixel);
        if self.slots[slot] == EMPTY {
            if self.all.len() == COLOURS_MAX {
                return None;
            }
            self.slots[slot] = self.all.len() as u16;
            // All are as far off as can be, so that the most frequent one is the first to be taken.
            self.all.push(Colour { pixel, count: 0, nearest: 0, error: 3 * 255 * 255 });
        }
        self.all[usize::from(self.slots[slot])].count += pixels;
        Some(())
    }

    /// Where the colour is, or is to be put; there is always a place that is empty.
    fn slot(&self, pixel: [u8; 4]) -> usize {
        let mut slot = (u32::from_le_bytes(pixel).wrapping_mul(0x9e37_79b1) >> 21) as usize % SLOTS;
        while self.slots[slot] != EMPTY && self.all[usize::from(self.slots[slot])].pixel != pixel {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    /// The colour that is worst off becomes one of the few.
    fn add_one(&mut self, few: &mut Vec<[u8; 4]>) {
        let worst = self.all.iter().max_by_key(|colour| colour.error * colour.count);
        few.extend(worst.map(|colour| colour.pixel));
        self.assign(few);
    }

    /// Each of the few becomes the middle of those that are nearest to it.
    fn settle(&mut self, few: &mut [[u8; 4]]) {
        for (at, one) in few.iter_mut().enumerate() {
            let near = || self.all.iter().filter(|colour| colour.nearest == at);
            let count: u64 = near().map(|colour| colour.count).sum();
            let Some(main) = near().max_by_key(|colour| colour.count) else { continue };
            *one = main.pixel;
            if 8 * main.count < MAIN_SHARE * count {
                let mean = |channel: usize| {
                    let sum: u64 = near().map(|colour| colour.count * u64::from(colour.pixel[channel])).sum();
                    ((sum + count / 2) / count) as u8
                };
                *one = [mean(0), mean(1), mean(2), 0xff];
            }
        }
        self.assign(few);
    }

    fn assign(&mut self, few: &[[u8; 4]]) {
        for colour in &mut self.all {
            let distances = few.iter().map(|one| distance(*one, colour.pixel)).enumerate();
            let (nearest, error) = distances.min_by_key(|(_, distance)| *distance).expect("one was added");
            (colour.nearest, colour.error) = (nearest, error);
        }
    }

    fn error(&self) -> u64 {
        self.all.iter().map(|colour| colour.count * colour.error).sum()
    }

    fn worst_tile(&self, canvas: &Canvas, rect: Rect) -> u64 {
        let error = |tile: Rect| -> u64 {
            let rows = usize::from(tile.y)..tile.bottom() as usize;
            rows.map(|y| self.error_of(canvas.row(tile, y).as_chunks().0)).sum()
        };
        tiles_of(rect).map(error).max().unwrap_or_default()
    }

    fn error_of(&self, row: &[[u8; 4]]) -> u64 {
        row.chunk_by(|a, b| a == b).map(|run| run.len() as u64 * self.colour(run[0]).error).sum()
    }

    fn paint(&self, canvas: &Canvas, rect: Rect, few: &[[u8; 4]]) -> Canvas {
        let size = ScreenSize::new(rect.width.into(), rect.height.into()).expect("a part of a screen is one");
        let mut painted = Canvas::new(size);
        for y in 0..usize::from(rect.height) {
            let source: &[[u8; 4]] = canvas.row(rect, usize::from(rect.y) + y).as_chunks().0;
            let target: &mut [[u8; 4]] = painted.row_mut(size.rect(), y).as_chunks_mut().0;
            let mut at = 0;
            for run in source.chunk_by(|a, b| a == b) {
                target[at..at + run.len()].fill(few[self.colour(run[0]).nearest]);
                at += run.len();
            }
        }
        painted
    }

    fn colour(&self, pixel: [u8; 4]) -> &Colour {
        &self.all[usize::from(self.slots[self.slot(pixel)])]
    }
}

fn distance(a: [u8; 4], b: [u8; 4]) -> u64 {
    (0..3).map(|channel| u64::from(a[channel].abs_diff(b[channel])).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black on white with every shade between at the edges, as text is drawn, by `chance`.
    fn shades(chance: impl Fn(u32, u32) -> u32) -> Canvas {
        let size = ScreenSize::new(256, 64).unwrap();
        let mut canvas = Canvas::new(size);
        for y in 0..64_u32 {
            let row = canvas.row_mut(size.rect(), y as usize).as_chunks_mut().0;
            for (pixel, x) in row.iter_mut().zip(0_u32..) {
                let shade = match x % 8 {
                    0 => (chance(x, y) % 200 * 255 / 200) as u8,
                    1..4 => 0,
                    _ => 255,
                };
                *pixel = [shade, shade, shade, 0xff];
            }
        }
        canvas
    }

    #[test]
    fn text_has_few_colours_and_looks_as_before() {
        let canvas = shades(|x, y| x * 37 + y * 11);
        let rect = Rect::new(16, 16, 128, 32);
        let few = few_colours(&canvas, rect).unwrap();
        let mut colours: Vec<&[u8]> = few.pixels().chunks(4).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!((3..=FEW_MAX).contains(&colours.len()), "{} colours", colours.len());
        for y in 0..32 {
            for (shown, wanted) in few.row(few.size().rect(), y).iter().zip(canvas.row(rect, y + 16)) {
                assert!(shown.abs_diff(*wanted) < 48 && (*wanted != 0xff || *shown == 0xff));
            }
        }
    }

    #[test]
    fn it_takes_half_of_the_bytes() {
        let canvas = shades(|x, y| {
            let mixed = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b);
            (mixed ^ mixed >> 15).wrapping_mul(0xc2b2_ae35) >> 16
        });
        let rect = canvas.size().rect();
        let few = few_colours(&canvas, rect).unwrap();
        let [exact, few] = [&canvas, &few].map(|canvas| {
            crate::webp::encode_lossless(canvas.pixels(), canvas.stride(), rect, crate::webp::Effort::Brisk)
                .len()
        });
        assert!(3 * few < 2 * exact, "{few} bytes, exactly {exact}");
    }

    #[test]
    fn one_colour_stays_as_it_is() {
        let canvas = Canvas::new(ScreenSize::new(70, 70).unwrap());
        assert!(few_colours(&canvas, canvas.size().rect()) == Some(canvas));
    }

    #[test]
    fn what_has_too_many_colours_is_no_text() {
        let size = ScreenSize::new(64, 64).unwrap();
        let mut canvas = Canvas::new(size);
        let noise = |canvas: &mut Canvas, colours: u32| {
            for y in 0..64_u32 {
                let row = canvas.row_mut(size.rect(), y as usize).as_chunks_mut().0;
                for (pixel, x) in row.iter_mut().zip(0_u32..) {
                    let [one, two, three, _] =
                        ((y * 64 + x) % colours).wrapping_mul(0x9e37_79b1).to_le_bytes();
                    *pixel = [one, two, three, 0xff];
                }
            }
        };
        noise(&mut canvas, COLOURS_MAX as u32 + 1);
        assert!(few_colours(&canvas, size.rect()).is_none());
        noise(&mut canvas, COLOURS_MAX as u32);
        assert!(few_colours(&canvas, size.rect()).is_none(), "sixteen do not look as so many");
        noise(&mut canvas, FEW_MAX as u32);
        assert!(few_colours(&canvas, size.rect()).is_some());
    }
}
