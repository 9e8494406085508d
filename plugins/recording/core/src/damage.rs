//! Which parts of a picture have changed, in the blocks that VP8 codes.

use crate::{Placement, VideoSize};

/// Pixels of a block's side: a macroblock of VP8 (RFC 6386, section 2).
pub const BLOCK_PIXELS: u32 = 16;

/// The blocks of a picture that differ from the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    columns: usize,
    /// One a block, row by row: 1 where it has changed. libvpx reads them as they are.
    blocks: Vec<u8>,
}

impl Damage {
    /// A picture of this size of which nothing has changed.
    pub fn none(size: VideoSize) -> Self {
        let [columns, rows] = [size.width(), size.height()].map(|side| side.div_ceil(BLOCK_PIXELS) as usize);
        Self { columns, blocks: vec![0; columns * rows] }
    }

    /// Forgets what has changed.
    pub fn clear(&mut self) {
        self.blocks.fill(0);
    }

    /// All has changed.
    pub fn fill(&mut self) {
        self.blocks.fill(1);
    }

    /// Everything within this part has changed.
    ///
    /// # Panics
    /// When the part is not within the picture.
    pub fn add(&mut self, part: &Placement) {
        if part.width == 0 || part.height == 0 {
            return;
        }
        let span = |from: u32, length: u32| {
            (from / BLOCK_PIXELS) as usize..(from + length).div_ceil(BLOCK_PIXELS) as usize
        };
        let columns = span(part.x, part.width);
        for row in span(part.y, part.height) {
            self.blocks[row * self.columns..][..self.columns][columns.clone()].fill(1);
        }
    }

    /// Everything that has changed there has changed here as well.
    ///
    /// # Panics
    /// When the other picture has another size.
    pub fn join(&mut self, other: &Self) {
        assert_eq!(
            (self.columns, self.blocks.len()),
            (other.columns, other.blocks.len()),
            "one picture's size"
        );
        self.blocks.iter_mut().zip(&other.blocks).for_each(|(block, other)| *block |= other);
    }

    /// Blocks a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows of blocks.
    pub fn rows(&self) -> usize {
        self.blocks.len() / self.columns
    }

    /// How many blocks have changed.
    pub fn count(&self) -> usize {
        self.blocks.iter().filter(|block| **block != 0).count()
    }

    /// One a block, row by row: 1 where it has changed, else 0.
    pub fn blocks(&self) -> &[u8] {
        &self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> VideoSize {
        VideoSize::new(width, height).expect("a size")
    }

    #[test]
    fn a_part_is_all_blocks_that_it_touches() {
        let mut damage = Damage::none(size(100, 50));
        assert_eq!((damage.columns(), damage.rows(), damage.count()), (7, 4, 0));
        damage.add(&Placement { x: 15, y: 31, width: 2, height: 2 });
        let touched: Vec<usize> = (0..28).filter(|at| damage.blocks()[*at] == 1).collect();
        assert_eq!(touched, [7, 8, 14, 15]);
        damage.add(&Placement { x: 96, y: 48, width: 4, height: 2 });
        damage.add(&Placement { x: 0, y: 0, width: 0, height: 50 });
        assert_eq!(damage.count(), 5);
        damage.clear();
        assert_eq!(damage, Damage::none(size(100, 50)));
    }

    #[test]
    fn what_is_joined_has_changed_in_either() {
        let mut damage = Damage::none(size(64, 16));
        damage.add(&Placement { x: 0, y: 0, width: 16, height: 16 });
        let mut other = Damage::none(size(64, 16));
        other.add(&Placement { x: 48, y: 0, width: 16, height: 16 });
        damage.join(&other);
        assert_eq!(damage.blocks(), [1, 0, 0, 1]);
        damage.fill();
        assert_eq!(damage.count(), 4);
    }
}
