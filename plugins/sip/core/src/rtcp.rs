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
    /// The middle of the time in the source's last report, and when that came.
    told: Option<(u32, Instant)>,
}

impl Reception {
    /// From its first packet.
    pub fn new(ssrc: u32, sequence: u16) -> Self {
        let first = u32::from(sequence);
        Self {
            ssrc,
            first,
            highest: first,
            received: 0,
            before: (0, 0),
            jitter: 0.0,
            transit: None,
            told: None,
        }
    }

    /// Whose it is.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// One more packet.
    pub fn count(&mut self, sequence: u16) {
        self.received = self.received.wrapping_add(1);
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        if 0 < ahead {
            self.highest = self.highest.wrapping_add(ahead as u32);
        }
    }

    /// It arrived at this step of the timestamp's clock. Not for keys: all packets of one have the timestamp of its beginning.
    pub fn time(&mut self, timestamp: u32, arrival: u32) {
        let transit = i64::from(arrival.wrapping_sub(timestamp) as i32);
        if let Some(last) = self.transit.replace(transit) {
            // Appendix A.8.
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
    }

    /// The source has reported, at this time of its own.
    pub fn hear(&mut self, sent_at: u32, now: Instant) {
        self.told = Some((sent_at, now));
    }

    /// Packets that should have come.
    pub fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    /// How unevenly they come.
    pub fn jitter(&self, clock_rate: u32) -> Duration {
        Duration::from_secs_f64(self.jitter / f64::from(clock_rate))
    }

    /// The block about it; what was lost is counted from the last one on.
    fn write(&mut self, now: Instant, into: &mut Vec<u8>) {
        let expected = self.expected();
        let lost = expected.saturating_sub(self.received).min(0x7f_ffff);
        let (new, came) = (expected.wrapping_sub(self.before.0), self.received.wrapping_sub(self.before.1));
        self.before = (expected, self.received);
        let share = (u64::from(new.saturating_sub(came)) * 256).checked_div(u64::from(new)).unwrap_or(0);
        into.extend_from_slice(&self.ssrc.to_be_bytes());
        into.extend_from_slice(&((share.min(255) as u32) << 24 | lost).to_be_bytes());
        into.extend_from_slice(&self.highest.to_be_bytes());
        into.extend_from_slice(&(self.jitter as u32).to_be_bytes());
        let (told, at) = self.told.unwrap_or((0, now));
        into.extend_from_slice(&told.to_be_bytes());
        into.extend_from_slice(&middle(now.saturating_duration_since(at)).to_be_bytes());
    }
}

/// A time in units of a 65,536th of a second, as reports tell it (section 4); it wraps after 18 hours.
fn middle(time: Duration) -> u32 {
    ((time.as_nanos() << 16) / 1_000_000_000) as u32
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
        heard.write(now, &mut blocks);
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

/// What a caller's report says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Who reports, and the middle of the time at which he did, by his own clock; receivers tell none.
    pub sent: Option<(u32, u32)>,
    /// The share, of 256, that he has lost of our source lately; none when he says nothing of it.
    pub lost: Option<u8>,
    /// From us to him and back.
    pub round_trip: Option<Duration>,
}

/// Longer than any line that people talk by: the clock of whoever reports is wrong.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);

/// Reads a report, for our source, of which reports were written at ages up to this one.
pub fn read(report: &[u8], ssrc: u32, age: Duration) -> Report {
    let mut read = Report::default();
    let mut rest = report;
    while let Some((&[first, kind, l0, l1], _)) = rest.split_first_chunk::<4>() {
        let length = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let Some(packet) = rest.get(..length).filter(|_| first >> 6 == 2) else {
            break;
        };
        rest = &rest[length..];
        let start = match kind {
            SENDER => 28,
            RECEIVER => 8,
            _ => continue,
        };
        let Some(blocks) = packet.get(start..) else {
            break;
        };
        if kind == SENDER {
            read.sent = Some((word(packet, 4), word(packet, 10)));
        }
        let blocks = blocks.chunks_exact(BLOCK_BYTES).take(usize::from(first & 0x1f));
        if let Some(block) = blocks.clone().find(|block| block[..4] == ssrc.to_be_bytes()) {
            read.lost = Some(block[4]);
            let (told, since) = (word(block, 16), word(block, 20));
            let units = u64::from(middle(age).wrapping_sub(told).wrapping_sub(since));
            let trip = Duration::from_nanos((units * 1_000_000_000) >> 16);
            read.round_trip = Some(trip).filter(|trip| told != 0 && *trip < ROUND_TRIP_MAX);
        }
    }
    read
}

/// The four bytes there, in a packet that is known to have them.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
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
            heard.count(65_530_u16.wrapping_add(step));
            heard.time(u32::from(step) * 160, u32::from(step) * 160);
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
        let lost = |report: &[u8], ssrc| read(report, ssrc, Duration::ZERO).lost;
        let share = lost(&report, 9).expect("it is about this source");
        assert!((62..=66).contains(&share), "a quarter of 256, not {share}");
        assert_eq!((lost(&report, 8), heard.jitter(8000)), (None, Duration::ZERO));
        let again = write(&sending, 8000, Duration::ZERO, now, Some(&mut heard));
        assert_eq!(lost(&again, 9), Some(0), "nothing since the last one");
        for length in 0..report.len() {
            assert!(lost(&report[..length], 8).is_none());
        }
    }

    /// We report after 100 s, which he has 30 ms later; he reports 2 s after that, which we have after 50 ms more.
    #[test]
    fn the_round_trip_is_what_the_other_did_not_wait() {
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let now = Instant::now();
        let millis = Duration::from_millis;
        let [ours, theirs] = [7, 9].map(|ssrc| Sending { ssrc, last: (0, now), packets: 1, bytes: 160 });
        let report = write(&ours, 8000, millis(100_000), now, None);
        let (_, sent_at) = read(&report, 9, Duration::ZERO).sent.expect("we send");
        assert_eq!(sent_at, 100 << 16);
        let mut heard = Reception::new(7, 1);
        heard.hear(sent_at, now + millis(30));
        let answer = write(&theirs, 8000, millis(5), now + millis(2030), Some(&mut heard));
        let trip = |age| read(&answer, 7, millis(age)).round_trip.map(|trip| trip.as_millis());
        assert!((79..=80).contains(&trip(102_080).expect("it is told")));
        assert_eq!(trip(90_000), None, "no answer comes before its question");
        let silent = write(&theirs, 8000, millis(5), now, Some(&mut Reception::new(7, 1)));
        assert_eq!(read(&silent, 7, millis(10)).round_trip, None, "he has heard no report of ours");
    }
}
