//! What was encoded for one viewer, kept for the others.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use crate::encoder::choose;
use crate::{Canvas, Rect};

/// Kept at most: the whole of a rich 4K screen.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Records by rectangle, for the version of the content that was current when they were encoded.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    kept: BTreeMap<Rect, (u64, Bytes)>,
    /// In the order of their encoding; those of older versions too.
    order: VecDeque<(Rect, u64)>,
    bytes: usize,
}

impl Pictures {
    /// The record that paints `rect`, whose content changed last at `version`.
    pub(super) fn paint(&mut self, canvas: &Canvas, rect: Rect, version: u64) -> Bytes {
        if let Some((_, record)) = self.kept.get(&rect).filter(|(kept, _)| *kept == version) {
            return record.clone();
        }
        let mut out = BytesMut::new();
        choose(canvas, rect).record(canvas, rect).write(&mut out);
        let record = out.freeze();
        self.keep(rect, version, record.clone());
        record
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, rect: Rect, version: u64, record: Bytes) {
        self.bytes += record.len();
        self.order.push_back((rect, version));
        if let Some((_, older)) = self.kept.insert(rect, (version, record)) {
            self.bytes -= older.len();
        }
        while BYTES_MAX < self.bytes || 2 * self.kept.len() + 64 < self.order.len() {
            let Some((rect, version)) = self.order.pop_front() else { break };
            if self.kept.get(&rect).is_some_and(|(kept, _)| *kept == version)
                && let Some((_, record)) = self.kept.remove(&rect)
            {
                self.bytes -= record.len();
            }
        }
    }
}
