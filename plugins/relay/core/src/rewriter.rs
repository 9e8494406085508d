//! One stream towards a viewer, made of many: numbers and times go on without a gap wherever its packets come from.

use std::time::{Duration, Instant};

use str0m::rtp::Vp8Patch;

use crate::FeedPacket;
use crate::offsets::Offsets;

/// Where a stream begins; below 65,536, as a receiver takes the SRTP rollover counter to be 0.
const FIRST_SEQUENCE: u64 = 1000;
/// Video's clock.
const TICKS_A_SECOND: u64 = 90_000;
/// Two pictures have at least this between them, also where one stream follows another at once.
const STEP_MIN: Duration = Duration::from_millis(1);
/// The same at most: a pause is not made up for in the viewer's buffers.
const STEP_MAX: Duration = Duration::from_secs(60);

/// A sender whose sequence numbers jump by more than this, some seconds of its best, has no loss but a whim. Viewers would be told of half of all
/// numbers at once, and one who misses that could decrypt nothing on this line any more (RFC 3711, 3.3.1).
const JUMP_MAX: u64 = 3000;

/// The numbers under which a packet goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The RTP sequence number, without its wrapping.
    pub sequence: u64,
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The picture id, without its wrapping.
    pub picture: u64,
    /// TL0PICIDX.
    pub tl0: u8,
}

impl Numbers {
    /// The bytes of the descriptor to change.
    pub fn patch(&self, packet: &FeedPacket) -> Vp8Patch {
        packet.descriptor.patch(self.picture, self.tl0)
    }
}

/// The state of one outgoing stream.
#[derive(Debug, Default)]
pub struct Rewriter {
    sequences: Offsets,
    pictures: Offsets,
    timestamp_offset: u32,
    tl0_offset: u8,
    newest: Option<Newest>,
}

/// The newest packet that went out.
#[derive(Clone, Copy, Debug)]
struct Newest {
    numbers: Numbers,
    ended_frame: bool,
    arrived: Instant,
}

impl Rewriter {
    /// Another stream takes over with this packet, which starts a key frame.
    pub fn switch(&mut self, packet: &FeedPacket) {
        let tl0 = packet.descriptor.tl0.unwrap_or(0);
        match self.newest {
            None => {
                self.sequences.restart(packet.sequence, FIRST_SEQUENCE);
                self.pictures.restart(packet.picture, packet.picture);
                self.timestamp_offset = 0;
                self.tl0_offset = 0;
            }
            Some(newest) => {
                // A frame that was cut off must not look as if it went on: its decoder would wait for nothing, or take two for one.
                let skipped = if newest.ended_frame { 1 } else { 2 };
                self.sequences.restart(packet.sequence, newest.numbers.sequence + skipped);
                self.pictures.restart(packet.picture, newest.numbers.picture + 1);
                let passed =
                    packet.arrived.saturating_duration_since(newest.arrived).clamp(STEP_MIN, STEP_MAX);
                let ticks = passed.as_micros() as u64 * TICKS_A_SECOND / 1_000_000;
                let timestamp = newest.numbers.timestamp.wrapping_add(ticks as u32);
                self.timestamp_offset = packet.timestamp.wrapping_sub(timestamp);
                self.tl0_offset = tl0.wrapping_sub(newest.numbers.tl0.wrapping_add(1));
            }
        }
    }

    /// The numbers of this packet; none when it is from before the switch.
    pub fn forward(&mut self, packet: &FeedPacket) -> Option<Numbers> {
        if let Some(newest) = self.newest.filter(|_| self.sequences.is_jump(packet.sequence, JUMP_MAX)) {
            self.sequences.restart(packet.sequence, newest.numbers.sequence + 2);
        }
        let sequence = self.sequences.map(packet.sequence)?;
        let numbers = Numbers {
            sequence,
            timestamp: packet.timestamp.wrapping_sub(self.timestamp_offset),
            // A late packet may belong to a picture that is no longer remembered; then it is of no use either.
            picture: self.pictures.map(packet.picture)?,
            tl0: packet.descriptor.tl0.unwrap_or(0).wrapping_sub(self.tl0_offset),
        };
        if self.newest.is_none_or(|newest| newest.numbers.sequence < sequence) {
            self.newest = Some(Newest { numbers, ended_frame: packet.marker, arrived: packet.arrived });
        }
        Some(numbers)
    }

    /// This packet is left out, with its whole frame.
    pub fn leave_out(&mut self, packet: &FeedPacket) {
        self.sequences.leave_out(packet.sequence);
        self.pictures.leave_out(packet.picture);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, packet};

    #[test]
    fn another_source_goes_on_where_the_first_ended() {
        let mut rewriter = Rewriter::default();
        let first = packet(70_000).key().picture(900).tl0(200).timestamp(5000).ends().at(after(0));
        rewriter.switch(&first);
        let before = rewriter.forward(&first).expect("it is the first");
        assert_eq!((before.sequence, before.timestamp, before.picture, before.tl0), (1000, 5000, 900, 200));

        let second = packet(3).key().picture(17).tl0(9).timestamp(1).at(after(40));
        rewriter.switch(&second);
        let next = rewriter.forward(&second).expect("it is the first of the next");
        assert_eq!((next.sequence, next.timestamp, next.picture, next.tl0), (1001, 5000 + 3600, 901, 201));
    }

    #[test]
    fn a_frame_that_was_cut_off_leaves_a_gap() {
        let mut rewriter = Rewriter::default();
        let first = packet(10).key().at(after(0));
        rewriter.switch(&first);
        rewriter.forward(&first);
        let second = packet(500).key().at(after(1));
        rewriter.switch(&second);
        assert_eq!(rewriter.forward(&second).map(|numbers| numbers.sequence), Some(1002));
    }

    #[test]
    fn what_comes_late_after_a_switch_is_not_forwarded() {
        let mut rewriter = Rewriter::default();
        let first = packet(10).key().at(after(0));
        rewriter.switch(&first);
        assert_eq!(rewriter.forward(&packet(9).at(after(1))), None);
    }

    #[test]
    fn a_jump_is_a_gap_of_one() {
        let mut rewriter = Rewriter::default();
        let first = packet(10).key().at(after(0));
        rewriter.switch(&first);
        rewriter.forward(&first);
        let goes_out = [10 + JUMP_MAX, 11 + 2 * JUMP_MAX, 12 + 2 * JUMP_MAX, 11]
            .map(|number| rewriter.forward(&packet(number).at(after(1))).map(|numbers| numbers.sequence));
        assert_eq!(goes_out, [Some(1000 + JUMP_MAX), Some(1002 + JUMP_MAX), Some(1003 + JUMP_MAX), None]);
    }

    #[test]
    fn a_frame_that_is_left_out_leaves_no_gap() {
        let mut rewriter = Rewriter::default();
        let first = packet(10).key().picture(1).ends().at(after(0));
        rewriter.switch(&first);
        rewriter.forward(&first);
        rewriter.leave_out(&packet(11).picture(2).at(after(20)));
        rewriter.leave_out(&packet(12).picture(2).ends().at(after(20)));
        let third = rewriter.forward(&packet(13).picture(3).at(after(40))).expect("it follows");
        assert_eq!((third.sequence, third.picture), (1001, 2));
    }
}
