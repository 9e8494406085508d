//! The newest key frame of a layer and what followed it, for whoever begins to watch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::FeedPacket;

/// More packets than this after a key frame's first are not replayed: a new key frame is cheaper for everybody. A key frame of 640 x 480 has
/// 20 to 60.
pub const RECENT_PACKETS_MAX: usize = 100;
/// A joiner that is given older pictures would see them run too fast for too long.
const RECENT_AGE_MAX: Duration = Duration::from_millis(1500);

/// The newest packets in the sender's order, however they came.
#[derive(Debug, Default)]
pub struct Recent {
    packets: VecDeque<Arc<FeedPacket>>,
    /// Where the newest key frame begins.
    key: Option<u64>,
}

impl Recent {
    /// Takes in the next packet, be it late or not.
    pub fn push(&mut self, packet: &Arc<FeedPacket>) {
        let at = match self.packets.back() {
            Some(last) if packet.sequence <= last.sequence => {
                self.packets.partition_point(|kept| kept.sequence < packet.sequence)
            }
            _ => self.packets.len(),
        };
        if self.packets.get(at).is_some_and(|kept| kept.sequence == packet.sequence) {
            return;
        }
        self.packets.insert(at, Arc::clone(packet));
        if packet.key.is_some() {
            self.key = self.key.max(Some(packet.sequence));
        }
        if RECENT_PACKETS_MAX < self.packets.len() {
            self.packets.pop_front();
        }
    }

    /// What a viewer can begin with now, from the key frame on; nothing where it has to wait for the next key frame.
    pub fn replay(&self, now: Instant) -> impl Iterator<Item = &Arc<FeedPacket>> {
        let begin = self.key.map(|key| self.packets.partition_point(|kept| kept.sequence < key));
        let begin = begin.filter(|begin| {
            let first = self.packets.get(*begin);
            first.is_some_and(|first| {
                Some(first.sequence) == self.key
                    && now.saturating_duration_since(first.arrived) <= RECENT_AGE_MAX
            })
        });
        self.packets.range(begin.unwrap_or(self.packets.len())..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, packet};

    fn filled(followers: usize) -> Recent {
        let mut recent = Recent::default();
        recent.push(&packet(100).key().shared());
        for number in 1..=followers as u64 {
            recent.push(&packet(100 + number).shared());
        }
        recent
    }

    fn replayed(recent: &Recent, milliseconds: u64) -> Vec<u64> {
        recent.replay(after(milliseconds)).map(|kept| kept.sequence).collect()
    }

    #[test]
    fn a_fresh_key_frame_is_replayed_with_what_followed() {
        assert_eq!(replayed(&filled(3), 0), [100, 101, 102, 103]);
    }

    #[test]
    fn late_packets_find_their_place() {
        let mut recent = Recent::default();
        for number in [99, 101, 102, 100, 101] {
            let made = if number == 100 { packet(number).key() } else { packet(number) };
            recent.push(&made.shared());
        }
        assert_eq!(replayed(&recent, 0), [100, 101, 102]);
    }

    #[test]
    fn an_old_key_frame_is_not_replayed() {
        assert_eq!(replayed(&filled(3), 1500).len(), 4);
        assert_eq!(replayed(&filled(3), 1501), []);
    }

    #[test]
    fn a_long_tail_is_not_replayed() {
        assert_eq!(replayed(&filled(RECENT_PACKETS_MAX - 1), 0).len(), RECENT_PACKETS_MAX);
        assert_eq!(replayed(&filled(RECENT_PACKETS_MAX), 0), []);
    }

    #[test]
    fn nothing_begins_without_a_key_frame() {
        let mut recent = Recent::default();
        recent.push(&packet(5).shared());
        assert_eq!(replayed(&recent, 0), []);
    }
}
