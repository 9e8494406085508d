//! What was encoded for one viewer, kept for the others.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use crate::encoder::{Op, choose};
use crate::few::in_few_colours;
use crate::look::Quality;
use crate::webp::Grade;
use crate::{Canvas, Rect};

/// Kept at most: the whole of a rich 4K screen.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Records by rectangle and quality, for the version of the content that was current when they were encoded.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    kept: BTreeMap<(Rect, Quality), (u64, Bytes)>,
    /// In the order of their encoding; those of older versions too.
    order: VecDeque<((Rect, Quality), u64)>,
    bytes: usize,
}

impl Pictures {
    /// The record that paints `rect`, whose content changed last at `version`.
    pub(super) fn paint(&mut self, canvas: &Canvas, rect: Rect, quality: Quality, version: u64) -> Bytes {
        if let Some(record) = self.kept(rect, quality, version) {
            return record;
        }
        let mut out = BytesMut::new();
        let exact = || choose(canvas, rect).record(canvas, rect);
        let record = match quality {
            Quality::Coarse => Op::Lossy(Grade::Fine).record(canvas, rect),
            // Exact where few do not look about right.
            Quality::Few => in_few_colours(canvas, rect).unwrap_or_else(exact),
            Quality::Exact => exact(),
        };
        record.write(&mut out);
        let record = out.freeze();
        self.keep((rect, quality), version, record.clone());
        record
    }

    /// The same, if it was encoded already.
    pub(super) fn kept(&self, rect: Rect, quality: Quality, version: u64) -> Option<Bytes> {
        let (kept, record) = self.kept.get(&(rect, quality))?;
        (*kept == version).then(|| record.clone())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, what: (Rect, Quality), version: u64, record: Bytes) {
        self.bytes += record.len();
        self.order.push_back((what, version));
        if let Some((_, older)) = self.kept.insert(what, (version, record)) {
            self.bytes -= older.len();
        }
        while BYTES_MAX < self.bytes || 2 * self.kept.len() + 64 < self.order.len() {
            let Some((what, version)) = self.order.pop_front() else { break };
            if self.kept.get(&what).is_some_and(|(kept, _)| *kept == version)
                && let Some((_, record)) = self.kept.remove(&what)
            {
                self.bytes -= record.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Colour, Record, ScreenSize};

    #[test]
    fn a_rectangle_is_encoded_once_a_version() {
        let mut canvas = Canvas::new(ScreenSize::new(128, 128).unwrap());
        canvas
            .apply(&Record::Fill {
                rect: Rect::new(3, 3, 9, 9),
                colour: Colour { red: 9, green: 9, blue: 9 },
            })
            .unwrap();
        let mut pictures = Pictures::default();
        let rect = Rect::new(0, 0, 64, 64);
        let first = pictures.paint(&canvas, rect, Quality::Exact, 1);
        assert_eq!(pictures.paint(&canvas, rect, Quality::Exact, 1).as_ptr(), first.as_ptr());
        canvas.apply(&Record::Fill { rect, colour: Colour::default() }).unwrap();
        let second = pictures.paint(&canvas, rect, Quality::Exact, 2);
        assert_ne!(second, first);
        assert_eq!(pictures.bytes, second.len());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let size = ScreenSize::new(400, 400).unwrap();
        let mut canvas = Canvas::new(size);
        let mut state = 1_u64;
        for y in 0..400 {
            for pixel in canvas.row_mut(size.rect(), y).as_chunks_mut::<4>().0 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                pixel[..3].copy_from_slice(&state.to_be_bytes()[..3]);
            }
        }
        let mut pictures = Pictures::default();
        let mut encoded = 0;
        for at in 0..100 {
            encoded += pictures.paint(&canvas, Rect::new(at, at, 256, 256), Quality::Exact, 1).len();
            assert!(pictures.bytes <= BYTES_MAX);
        }
        assert!(BYTES_MAX < encoded && BYTES_MAX / 2 < pictures.bytes);
        // Nor does what was replaced by newer content stay on the list for ever.
        for version in 0..1_000 {
            pictures.paint(&canvas, Rect::new(0, 0, 2, 1), Quality::Exact, version);
        }
        assert!(pictures.order.len() <= 2 * pictures.kept.len() + 64);
        assert_eq!(pictures.bytes, pictures.kept.values().map(|(_, record)| record.len()).sum::<usize>());
    }
}
