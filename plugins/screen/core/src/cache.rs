//! What a reader keeps to be shown again: the same small type at the writer, at the reader and, for each viewer, at the relay, so that all of
//! them let go of the same entries at the same time.

use std::collections::VecDeque;

/// Bytes of WebP files that are kept at most: the pages of a talk.
pub const CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Entries that are kept at most.
pub const CACHE_ENTRIES_MAX: usize = 1024;

/// First in, first out, by number and by bytes. `V` is what somebody has to know of an entry beside its length.
#[derive(Clone, Debug)]
pub(crate) struct Cache<V> {
    /// At most [`CACHE_ENTRIES_MAX`], so that looking through them takes less time than anything that is done with the result.
    entries: VecDeque<Entry<V>>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    key: u64,
    bytes: usize,
    value: V,
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }
}

impl<V> Cache<V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn get(&self, key: u64) -> Option<&V> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Lets the oldest go until the new one fits. `false`, and nothing done, when the key is there.
    #[must_use]
    pub(crate) fn keep(&mut self, key: u64, bytes: usize, value: V) -> bool {
        if self.get(key).is_some() {
            return false;
        }
        while CACHE_ENTRIES_MAX <= self.entries.len() || CACHE_BYTES_MAX < self.bytes + bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
        self.bytes += bytes;
        self.entries.push_back(Entry { key, bytes, value });
        true
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leave_first() {
        let mut cache = Cache::default();
        for key in 0..=CACHE_ENTRIES_MAX as u64 {
            assert!(cache.keep(key, 10, key));
        }
        assert_eq!((cache.get(0), cache.get(1)), (None, Some(&1)));
        assert_eq!(cache.entries.len(), CACHE_ENTRIES_MAX);
        assert!(!cache.keep(1, 10, 7), "it is there");
        assert_eq!(cache.get(1), Some(&1));

        assert!(cache.keep(5000, CACHE_BYTES_MAX - 20, 5000));
        assert_eq!((cache.entries.len(), cache.bytes), (3, CACHE_BYTES_MAX));
        assert!(cache.keep(5001, 1, 5001));
        assert_eq!((cache.entries.len(), cache.bytes), (3, CACHE_BYTES_MAX - 9));
        cache.clear();
        assert_eq!((cache.entries.len(), cache.bytes), (0, 0));
    }
}
