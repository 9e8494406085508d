//! What a reader keeps, as the writer knows it: pictures that need not be sent again.
//!
//! The key is a 64-bit hash of the pixels, which is fast and no proof. So what was kept is decoded and compared byte for byte before it is
//! recalled: two pictures of one hash cost a picture that is sent, never a wrong one that is shown.

use bytes::Bytes;

use crate::cache::Cache;
use crate::canvas::PIXEL_BYTES;
use crate::webp::{self, Alpha};
use crate::{Canvas, Rect};

/// Smaller rectangles are sent again: looking for them costs more than they do.
const AREA_MIN: usize = 64 * 64;
/// Shorter files are not worth an entry.
const FILE_BYTES_MIN: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Kept {
    cache: Cache<Picture>,
    scratch: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Picture {
    width: u16,
    height: u16,
    webp: Bytes,
}

impl Kept {
    /// The key of a kept picture that looks just like the rectangle.
    pub(super) fn find(&mut self, canvas: &Canvas, rect: Rect) -> Option<(u64, Bytes)> {
        if rect.area() < AREA_MIN || self.cache.is_empty() {
            return None;
        }
        let key = key(canvas, rect);
        let picture = self.cache.get(key)?;
        let is_same = (picture.width, picture.height) == (rect.width, rect.height)
            && shows(&picture.webp, canvas, rect, &mut self.scratch);
        is_same.then(|| (key, picture.webp.clone()))
    }

    /// The key under which a reader shall keep this lossless picture of the rectangle.
    pub(super) fn keep(&mut self, canvas: &Canvas, rect: Rect, webp: &Bytes) -> Option<u64> {
        if rect.area() < AREA_MIN || webp.len() < FILE_BYTES_MIN {
            return None;
        }
        let key = key(canvas, rect);
        let picture = Picture { width: rect.width, height: rect.height, webp: webp.clone() };
        self.cache.keep(key, webp.len(), picture).then_some(key)
    }

    pub(super) fn clear(&mut self) {
        self.cache.clear();
    }
}

fn shows(webp: &[u8], canvas: &Canvas, rect: Rect, scratch: &mut Vec<u8>) -> bool {
    let stride = usize::from(rect.width) * PIXEL_BYTES;
    scratch.resize(stride * usize::from(rect.height), 0);
    let decoded = webp::decode(webp, (rect.width, rect.height), scratch, stride, Alpha::Opaque);
    decoded.is_ok() && scratch.chunks(stride).zip(rect.y.into()..).all(|(row, y)| row == canvas.row(rect, y))
}

/// Folds 16 bytes at a time by a multiplication of 64 by 64 bits.
fn key(canvas: &Canvas, rect: Rect) -> u64 {
    const ONE: u64 = 0x9e37_79b9_7f4a_7c15;
    const OTHER: u64 = 0xd6e8_feb8_6659_fd93;
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let mut hash = fold(u64::from(rect.width) << 16 | u64::from(rect.height), ONE);
    for y in usize::from(rect.y)..rect.bottom() as usize {
        let (words, rest) = canvas.row(rect, y).as_chunks::<16>();
        for word in words {
            let (low, high) = word.split_at(8);
            let [low, high] =
                [low, high].map(|half| u64::from_le_bytes(half.try_into().expect("half of 16")));
            hash = fold(hash ^ low ^ ONE, high ^ OTHER);
        }
        for &pixel in rest.as_chunks::<PIXEL_BYTES>().0 {
            hash = fold(hash ^ u64::from(u32::from_le_bytes(pixel)), OTHER);
        }
    }
    hash
}
