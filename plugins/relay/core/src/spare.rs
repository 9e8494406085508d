//! Room of datagrams that have been sent, for the next ones.

use std::ops::RangeInclusive;

/// Far more than are sent in a row.
const SPARE_MAX: usize = 64;
/// Less is not worth keeping; more was a burst's.
const SPARE_BYTES: RangeInclusive<usize> = 2048..=16_384;

/// See the module.
#[derive(Debug, Default)]
pub struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// Empty, and a new one has room for so many bytes.
    pub fn take(&mut self, bytes: usize) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// This one is not needed any more.
    pub fn put(&mut self, mut room: Vec<u8>) {
        if self.0.len() < SPARE_MAX && SPARE_BYTES.contains(&room.capacity()) {
            room.clear();
            self.0.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_much_is_kept_and_it_is_empty() {
        let mut spare = Spare::default();
        for bytes in [2047, 16_385].into_iter().chain([4096; SPARE_MAX + 1]) {
            spare.put(vec![1; bytes]);
        }
        assert_eq!(spare.0.len(), SPARE_MAX);
        assert_eq!((spare.take(1).len(), spare.take(1).capacity()), (0, 4096));
    }
}
