//! Reports on the sound of a call (RFC 3550, section 6): what we tell the caller, and what the caller tells us.

use std::time::{Duration, Instant};

/// Sender report and receiver report.
const SENDER: u8 = 200;
const RECEIVER: u8 = 201;
/// Descriptions of sources.
const DESCRIPTION: u8 = 202;
/// A report on one source.
const BLOCK_BYTES: usize = 24;
/// A name that stays the same for the call; who we are is not for the wire.
const NAME: &[u8; 8] = b"convene@";

/// What came of one source.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    first: u32,
    /// With the wraps above the 16 bits.
    highest: u32,
    received: u32,
    before: (u32, u32),
    /// In steps of the timestamp.
    jitter: f64,
    transit: Option<i64>,
}

impl Reception {
    /// From its first packet.
    pub fn new(ssrc: u32, sequence: u16) -> Self {
        let first = u32::from(sequence);
        Self { ssrc, first, highest: first, received: 0, before: (0, 0), jitter: 0.0, transit: None }
    }

    /// Whose it is.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// One more packet, that arrived at this step of the timestamp's clock.
    pub fn count(&mut self, sequence: u16, timestamp: u32, arrival: u32) {
        self.received = self.received.wrapping_add(1);
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        if 0 < ahead {
            self.highest = self.highest.wrapping_add(ahead as u32);
        }
        let transit = i64::from(arrival.wrapping_sub(timestamp) as i32);
        if let Some(last) = self.transit.replace(transit) {
            // Appendix A.8.
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
    }

    /// The block about it; what was lost is counted from the last one on.
    fn write(&mut self, into: &mut Vec<u8>) {
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        let lost = expected.saturating_sub(self.received).min(0x7f_ffff);
        let (new, came) = (expected.wrapping_sub(self.before.0), self.received.wrapping_sub(self.before.1));
        self.before = (expected, self.received);
        let share = (u64::from(new.saturating_sub(came)) * 256).checked_div(u64::from(new)).unwrap_or(0);
        into.extend_from_slice(&self.ssrc.to_be_bytes());
        into.extend_from_slice(&((share.min(255) as u32) << 24 | lost).to_be_bytes());
        into.extend_from_slice(&self.highest.to_be_bytes());
        into.extend_from_slice(&(self.jitter as u32).to_be_bytes());
        into.extend_from_slice(&[0; 8]);
    }
}

/// What we have sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Our source.
    pub ssrc: u32,
    /// Of the last packet, and when it was sent.
    pub last: (u32, Instant),
    /// How many.
    pub packets: u32,
    /// In their payloads.
    pub bytes: u32,
}

/// A sender report, with what came, and our name. The clock counts from when the call began: nothing of us is to be in step with anything else.
pub fn write(
    sending: &Sending,
    clock_rate: u32,
    age: Duration,
    now: Instant,
    heard: Option<&mut Reception>,
) -> Vec<u8> {
    let mut blocks = Vec::new();
    let count = u8::from(heard.is_some());
    if let Some(heard) = heard {
        heard.write(&mut blocks);
    }
    let (last, at) = sending.last;
    let passed = now.saturating_duration_since(at).as_secs_f64() * f64::from(clock_rate);
    let mut report = vec![0x80 | count, SENDER];
    report.extend_from_slice(&(6 + blocks.len() as u16 / 4).to_be_bytes());
    report.extend_from_slice(&sending.ssrc.to_be_bytes());
    let fraction = (u64::from(age.subsec_nanos()) << 32) / 1_000_000_000;
    report.extend_from_slice(&(age.as_secs() << 32 | fraction).to_be_bytes());
    report.extend_from_slice(&last.wrapping_add(passed as u32).to_be_bytes());
    report.extend_from_slice(&sending.packets.to_be_bytes());
    report.extend_from_slice(&sending.bytes.to_be_bytes());
    report.extend_from_slice(&blocks);
    // One source, one item of kind CNAME, and zeros up to the next word.
    report.extend_from_slice(&[0x81, DESCRIPTION, 0, 5]);
    report.extend_from_slice(&sending.ssrc.to_be_bytes());
    report.extend_from_slice(&[1, NAME.len() as u8]);
    report.extend_from_slice(NAME);
    report.extend_from_slice(&[0; 6]);
    report
}

/// The share, of 256, that the caller says he has lost of our source lately; none when he says nothing of it.
pub fn lost(report: &[u8], ssrc: u32) -> Option<u8> {
    let mut rest = report;
    loop {
        let (&[first, kind, l0, l1], _) = rest.split_first_chunk::<4>()?;
        let length = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let packet = rest.get(..length).filter(|_| first >> 6 == 2)?;
        let start = match kind {
            SENDER => 28,
            RECEIVER => 8,
            _ => length,
        };
        let blocks = packet.get(start..)?.chunks_exact(BLOCK_BYTES).take(usize::from(first & 0x1f));
        if let Some(block) = blocks.clone().find(|block| block[..4] == ssrc.to_be_bytes()) {
            return Some(block[4]);
        }
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_told_and_read() {
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let now = Instant::now();
        let mut heard = Reception::new(9, 65_530);
        for step in (0..40_u16).filter(|step| step % 4 != 1) {
            heard.count(65_530_u16.wrapping_add(step), u32::from(step) * 160, u32::from(step) * 160);
        }
        let sending = Sending { ssrc: 7, last: (1000, now), packets: 3, bytes: 480 };
        let report = write(
            &sending,
            8000,
            Duration::from_millis(1500),
            now + Duration::from_secs(1),
            Some(&mut heard),
        );
        assert_eq!((report.len() % 4, report[1]), (0, 200));
        assert_eq!(report[8..16], [0, 0, 0, 1, 0x80, 0, 0, 0], "a second and a half");
        assert_eq!(report[16..20], 9000_u32.to_be_bytes(), "a second after the last packet");
        let share = lost(&report, 9).expect("it is about this source");
        assert!((62..=66).contains(&share), "a quarter of 256, not {share}");
        assert_eq!((lost(&report, 8), heard.jitter as u32), (None, 0));
        let again = write(&sending, 8000, Duration::ZERO, now, Some(&mut heard));
        assert_eq!(lost(&again, 9), Some(0), "nothing since the last one");
        for length in 0..report.len() {
            assert!(lost(&report[..length], 8).is_none());
        }
    }
}
