//! What a reader keeps, as the writer knows it: pictures that need not be sent again.
//!
//! The key is a 64-bit hash of the pixels, which is fast and no proof. So what was kept is decoded and compared byte for byte before it is
//! recalled: two pictures of one hash cost a picture that is sent, never a wrong one that is shown.

use crate::cache::Cache;
use crate::canvas::PIXEL_BYTES;
use crate::{Canvas, Picture, Rect};

/// Smaller rectangles are sent again: looking for them costs more than they do.
const AREA_MIN: usize = 64 * 64;
/// Shorter ones are not worth an entry.
const BYTES_MIN: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Kept {
    cache: Cache<KeptPicture>,
    scratch: Vec<u8>,
}

#[derive(Clone, Debug)]
struct KeptPicture {
    width: u16,
    height: u16,
    picture: Picture,
}

impl Kept {
    /// The key of a kept picture that looks just like the rectangle.
    pub(super) fn find(&mut self, canvas: &Canvas, rect: Rect) -> Option<(u64, Picture)> {
        if !may_be_kept(rect) || self.cache.is_empty() {
            return None;
        }
        let key = key(canvas, rect);
        let kept = self.cache.get(key)?;
        let is_same = (kept.width, kept.height) == (rect.width, rect.height)
            && shows(&kept.picture, canvas, rect, &mut self.scratch);
        is_same.then(|| (key, kept.picture.clone()))
    }

    /// The key under which a reader shall keep this lossless picture of the rectangle.
    pub(super) fn keep(&mut self, canvas: &Canvas, rect: Rect, picture: &Picture) -> Option<u64> {
        let bytes = picture.bytes().len();
        if !may_be_kept(rect) || bytes < BYTES_MIN {
            return None;
        }
        let key = key(canvas, rect);
        let kept = KeptPicture { width: rect.width, height: rect.height, picture: picture.clone() };
        self.cache.keep(key, bytes, kept).then_some(key)
    }

    pub(super) fn clear(&mut self) {
        self.cache.clear();
    }
}

/// Whether the rectangle is large enough.
pub(super) fn may_be_kept(rect: Rect) -> bool {
    AREA_MIN <= rect.area()
}

fn shows(picture: &Picture, canvas: &Canvas, rect: Rect, scratch: &mut Vec<u8>) -> bool {
    let stride = usize::from(rect.width) * PIXEL_BYTES;
    scratch.resize(stride * usize::from(rect.height), 0);
    let decoded = picture.decode((rect.width, rect.height), scratch, stride);
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
