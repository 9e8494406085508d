//! Packets that wait until they are due.

use std::collections::BTreeMap;

use crate::{Codec, Level};

/// Half a second of the shortest packets that there are, 2.5 ms (RFC 6716, section 2.1.4).
pub(crate) const PACKETS_MAX: usize = 200;

/// What a packet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Coded(Codec, Vec<u8>),
    /// The sender rests, and says how its room sounds.
    Noise,
    /// In the conference's channels.
    Samples(Vec<i16>),
}

/// One packet, its numbers unwrapped.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub timestamp: i64,
    pub samples: i64,
    pub level: Option<Level>,
    pub body: Body,
}

impl Waiting {
    pub fn end(&self) -> i64 {
        self.timestamp + self.samples
    }
}

/// What stands at a place of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// The next packet begins here or before.
    Packet,
    /// The sender rested for so many samples.
    Rest(i64),
    /// So many samples are lost; the packet after them may hold a copy.
    Lost(i64, &'a Body),
    /// Nothing has come yet.
    Nothing,
}

/// In the order of their sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    packets: BTreeMap<i64, Waiting>,
    /// The sequence number that was played or passed over last.
    last: Option<i64>,
}

impl Buffer {
    /// Returns whether there was room, and no such packet before.
    pub fn insert(&mut self, sequence: i64, packet: Waiting) -> bool {
        let is_old = self.last.is_some_and(|last| sequence <= last);
        if is_old || PACKETS_MAX <= self.packets.len() || self.packets.contains_key(&sequence) {
            return false;
        }
        self.packets.insert(sequence, packet);
        true
    }

    /// Lengthens the newest packet by samples that follow it at once, while it is shorter than `max`. Returns whether it did.
    pub fn append(&mut self, packet: &Waiting, max: i64) -> bool {
        let Some(mut newest) = self.packets.last_entry() else {
            return false;
        };
        let newest = newest.get_mut();
        let (end, is_short) = (newest.end(), newest.samples < max);
        match (&mut newest.body, &packet.body) {
            (Body::Samples(there), Body::Samples(more)) if is_short && end == packet.timestamp => {
                there.extend_from_slice(more);
                newest.samples += packet.samples;
                true
            }
            _ => false,
        }
    }

    /// What is to be played at `cursor`.
    pub fn next(&self, cursor: i64) -> Next<'_> {
        let Some((&sequence, packet)) = self.packets.first_key_value() else {
            return Next::Nothing;
        };
        let gap = packet.timestamp - cursor;
        if gap <= 0 {
            return Next::Packet;
        }
        match self.last {
            Some(last) if last + 1 != sequence => Next::Lost(gap, &packet.body),
            _ => Next::Rest(gap),
        }
    }

    pub fn take(&mut self) -> Option<Waiting> {
        let (sequence, packet) = self.packets.pop_first()?;
        self.last = Some(sequence);
        Some(packet)
    }

    /// The next packet, if it ends before `cursor`.
    pub fn pass_over(&mut self, cursor: i64) -> Option<Waiting> {
        let (_, packet) = self.packets.first_key_value()?;
        if packet.end() <= cursor { self.take() } else { None }
    }

    /// The loudest of what waits; `None` when the packets do not say.
    pub fn level(&self) -> Option<Level> {
        self.packets.values().filter_map(|packet| packet.level).reduce(Level::louder)
    }

    /// Samples that wait.
    pub fn samples(&self) -> i64 {
        self.packets.values().map(|packet| packet.samples).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(timestamp: i64) -> Waiting {
        Waiting { timestamp, samples: 960, level: None, body: Body::Coded(Codec::Opus, vec![1]) }
    }

    #[test]
    fn packets_are_played_in_order_whatever_order_they_come_in() {
        let mut buffer = Buffer::default();
        assert!(buffer.insert(8, packet(1920)));
        assert!(buffer.insert(7, packet(960)));
        assert!(!buffer.insert(8, packet(1920)), "a duplicate");
        assert_eq!(buffer.next(960), Next::Packet);
        assert_eq!(buffer.take().map(|packet| packet.timestamp), Some(960));
        assert!(!buffer.insert(7, packet(960)), "played already");
        assert!(!buffer.insert(6, packet(0)), "older than what was played");
        assert_eq!(buffer.samples(), 960);
    }

    #[test]
    fn a_rest_is_no_loss() {
        let mut buffer = Buffer::default();
        buffer.insert(1, packet(0));
        buffer.take();
        assert_eq!(buffer.next(960), Next::Nothing);
        buffer.insert(2, packet(2880));
        assert_eq!(buffer.next(960), Next::Rest(1920));
        buffer.take();
        buffer.insert(4, packet(4800));
        assert_eq!(buffer.next(3840), Next::Lost(960, &Body::Coded(Codec::Opus, vec![1])));
    }

    #[test]
    fn the_buffer_has_an_end() {
        let mut buffer = Buffer::default();
        for sequence in 0..PACKETS_MAX as i64 {
            assert!(buffer.insert(sequence, packet(sequence * 960)));
        }
        assert!(!buffer.insert(1000, packet(0)));
        assert_eq!(std::iter::from_fn(|| buffer.pass_over(i64::MAX)).count(), PACKETS_MAX);
    }
}
