//! Who makes the pictures of an update: the encoder itself, or hands that its caller lends.

use std::fmt::Debug;

use super::choose::Op;
use crate::{Canvas, Record, Rect};

/// Does the jobs of one update, by as many threads as it has: most of an encoder's time goes there, and no job depends on another.
pub trait Crew: Debug + Send {
    /// What each job makes, in the order of the jobs.
    fn paint(&self, jobs: &[Job<'_>]) -> Vec<Record>;
}

/// A rectangle that is to be painted in a way that has been decided.
#[derive(Debug)]
pub struct Job<'a> {
    pub(super) canvas: &'a Canvas,
    pub(super) rect: Rect,
    pub(super) op: Op,
}

impl Job<'_> {
    /// Pixels that have to be encoded: 0 for what is there in a moment.
    pub fn area(&self) -> usize {
        match self.op {
            Op::Fill(_) | Op::Few(_) | Op::Recall { .. } => 0,
            Op::Lossless(_) | Op::Lossy(_) => self.rect.area(),
        }
    }

    /// The same job always makes the same record.
    pub fn paint(&self) -> Record {
        self.op.record(self.canvas, self.rect)
    }
}

/// One after the other, on the caller's thread.
#[derive(Debug)]
pub(super) struct Alone;

impl Crew for Alone {
    fn paint(&self, jobs: &[Job<'_>]) -> Vec<Record> {
        jobs.iter().map(Job::paint).collect()
    }
}
