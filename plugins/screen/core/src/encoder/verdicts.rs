//! What was found out by trial about each block of the picture grid, and for how long it holds.

use std::time::Duration;

use crate::content;
use crate::{Canvas, PICTURE_SIDE_MAX, Rect, ScreenSize};

/// A verdict is kept for so long, and one that goes the other way later has to be clearer.
const AGE: Duration = Duration::from_secs(1);
const MARGIN: f32 = 1.6;

/// Whether lossy pictures pay, block by block.
#[derive(Debug)]
pub(super) struct Verdicts {
    /// Lossy pictures pay where others have so many times their bytes.
    gain: f32,
    columns: usize,
    blocks: Vec<Option<Verdict>>,
}

#[derive(Clone, Copy, Debug)]
struct Verdict {
    is_lossy: bool,
    at: Duration,
}

/// The block of the picture grid in which a rectangle begins: its row and its column.
pub(super) fn block_of(rect: &Rect) -> (u16, u16) {
    (rect.y / PICTURE_SIDE_MAX, rect.x / PICTURE_SIDE_MAX)
}

impl Verdicts {
    pub(super) fn none(size: ScreenSize, gain: f32) -> Self {
        let blocks = |side: u16| usize::from(side.div_ceil(PICTURE_SIDE_MAX));
        let columns = blocks(size.width());
        Self { gain, columns, blocks: vec![None; columns * blocks(size.height())] }
    }

    pub(super) fn note(&mut self, rect: Rect, is_lossy: bool, at: Duration) {
        *self.verdict(rect) = Some(Verdict { is_lossy, at });
    }

    /// By trial, unless there was one a moment ago.
    pub(super) fn decide(&mut self, canvas: &Canvas, rect: Rect, time: Duration) -> bool {
        let gain = match *self.verdict(rect) {
            Some(verdict) if time.saturating_sub(verdict.at) < AGE => return verdict.is_lossy,
            Some(Verdict { is_lossy: true, .. }) => self.gain / MARGIN,
            Some(_) => self.gain * MARGIN,
            None => self.gain,
        };
        let is_lossy = content::lossy_pays(canvas, rect, gain);
        self.note(rect, is_lossy, time);
        is_lossy
    }

    fn verdict(&mut self, rect: Rect) -> &mut Option<Verdict> {
        let (row, column) = block_of(&rect);
        &mut self.blocks[usize::from(row) * self.columns + usize::from(column)]
    }
}
