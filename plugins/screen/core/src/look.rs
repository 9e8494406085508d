//! What a cell shows, and what a picture of it takes.

use crate::content::{self, Kind};
use crate::{Canvas, Rect};

/// How good a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quality {
    /// Lossy, for photographs.
    Coarse,
    /// In few colours, for text.
    Few,
    Exact,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) kind: Kind,
    /// Pixels that differ from their left neighbour.
    pub(crate) edges: usize,
}

impl Look {
    pub(crate) const BLACK: Self = Self { kind: Kind::Lines, edges: 0 };

    pub(crate) fn of(canvas: &Canvas, cell: Rect) -> Self {
        let edges = (usize::from(cell.y)..cell.bottom() as usize)
            .map(|y| canvas.row(cell, y).as_chunks::<4>().0)
            .map(|row| row.iter().zip(&row[1..]).filter(|(left, right)| left != right).count());
        Self { edges: edges.sum(), kind: content::kind(canvas, cell) }
    }

    /// Nothing but text and line work.
    pub(crate) fn is_lines(self) -> bool {
        self.kind == Kind::Lines
    }

    /// It has one colour, or rows that have.
    pub(crate) fn is_flat(self) -> bool {
        self.edges == 0
    }

    /// About how many bytes a picture of it takes.
    pub(crate) fn bytes(self, quality: Quality) -> usize {
        match quality {
            Quality::Few => self.edges / 3,
            Quality::Coarse => 600,
            Quality::Exact if self.is_lines() => self.edges * 2 / 3,
            // Two bytes a pixel.
            Quality::Exact => 2 * 64 * 64,
        }
    }
}
