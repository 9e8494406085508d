//! A decoder's book-keeping: which frames could be shown, by the rules that browsers go by.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use convene_relay::vp8::Descriptor;
use str0m::rtp::RtpPacket;

/// A browser asks for a key frame when it has waited for so long.
const PATIENCE: Duration = Duration::from_millis(400);

/// A frame that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub at: Instant,
    pub number: u32,
    pub height: u16,
    pub temporal: u8,
}

#[derive(Clone, Debug)]
struct Packet {
    marker: bool,
    timestamp: u32,
    descriptor: Descriptor,
    key_height: Option<u16>,
    number: u32,
}

/// One line's screen.
#[derive(Default)]
pub struct Screen {
    pub shown: Vec<Shown>,
    packets: BTreeMap<u64, Packet>,
    /// The next sequence number, and picture id and TL0PICIDX of the last frame shown.
    next: Option<(u64, u16, u8)>,
    height: u16,
    pub waits_since: Option<Instant>,
    asked_at: Option<Instant>,
    pub requests: usize,
    /// Whatever the sender numbers is shown.
    pub is_lenient: bool,
}

impl Screen {
    pub fn take(&mut self, packet: &RtpPacket, now: Instant) {
        let descriptor = Descriptor::parse(&packet.payload).expect("the relay sends sound descriptors");
        let key = descriptor.key_frame(&packet.payload);
        let head = if descriptor.starts_frame { 10 } else { 0 };
        let number =
            packet.payload[descriptor.bytes + head..].first_chunk().copied().map_or(0, u32::from_be_bytes);
        let kept = Packet {
            marker: packet.header.marker,
            timestamp: packet.header.timestamp,
            descriptor,
            key_height: key.map(|size| size.height),
            number,
        };
        self.packets.insert(*packet.seq_no, kept);
        self.waits_since.get_or_insert(now);
        while self.show_next(now) {}
        if self.packets.len() > 2000 {
            self.packets.pop_first();
        }
    }

    /// Whether to ask for a key frame.
    pub fn loses_patience(&mut self, now: Instant) -> bool {
        let waits = self.waits_since.is_some_and(|since| PATIENCE <= now - since);
        let may = self.asked_at.is_none_or(|asked| PATIENCE <= now - asked);
        if waits && may && !self.packets.is_empty() {
            self.asked_at = Some(now);
            self.requests += 1;
            return true;
        }
        false
    }

    /// Times between frames, longest first.
    pub fn longest_freeze(&self, from: Instant) -> Duration {
        let times: Vec<Instant> = self.shown.iter().map(|shown| shown.at).filter(|at| from <= *at).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
    }

    fn show_next(&mut self, now: Instant) -> bool {
        // The frame that follows, or else a whole key frame further on.
        let follows = self.next.and_then(|(next, ..)| self.whole_frame(next));
        let key = || {
            let keys = self.packets.iter().filter(|(sequence, packet)| {
                packet.key_height.is_some() && self.next.is_none_or(|(next, ..)| next < **sequence)
            });
            keys.filter_map(|(sequence, _)| self.whole_frame(*sequence)).next_back()
        };
        let Some((first, last)) = follows.or_else(key) else {
            return false;
        };
        let head = self.packets[&first].clone();
        let picture = head.descriptor.picture.map_or(0, |picture| picture.value);
        let tl0 = head.descriptor.tl0.unwrap_or(0);
        let temporal = head.descriptor.temporal.map_or(0, |temporal| temporal.layer);
        if let (Some((_, last_picture, last_tl0)), None, false) =
            (self.next, head.key_height, self.is_lenient)
        {
            assert_eq!(picture, (last_picture + 1) & 0x7fff, "picture ids have no gaps");
            let expected = if temporal == 0 { last_tl0.wrapping_add(1) } else { last_tl0 };
            assert_eq!(tl0, expected, "frames of the base layer are counted without gaps");
        }
        self.height = head.key_height.unwrap_or(self.height);
        self.shown.push(Shown { at: now, number: head.number, height: self.height, temporal });
        self.next = Some((last + 1, picture, tl0));
        self.packets.retain(|sequence, _| last < *sequence);
        self.waits_since = if self.packets.is_empty() { None } else { Some(now) };
        true
    }

    /// First and last packet of the frame that starts here, if it is whole.
    fn whole_frame(&self, first: u64) -> Option<(u64, u64)> {
        let head = self.packets.get(&first).filter(|packet| packet.descriptor.starts_frame)?;
        let mut last = first;
        loop {
            let packet = self.packets.get(&last).filter(|packet| packet.timestamp == head.timestamp)?;
            if packet.marker {
                return Some((first, last));
            }
            last += 1;
        }
    }
}
