//! A participant's own track: packets that nobody has encoded for us, put one behind the other, and silence where there are none.

use std::time::Duration;

use bytes::Bytes;

/// So many participants have a track of their own; the others are in the mix alone.
pub const VOICES_MAX: usize = 32;
/// Bytes; a longer name is cut between two characters. 64 letters of four bytes are the longest that a meeting has.
pub const VOICE_NAME_BYTES_MAX: usize = 256;
/// A packet that follows another without a gap is put behind it, however its time says it differently by so much: senders' clocks differ, and buffers
/// follow them. More is put right, by silence or by a packet that is left out.
pub const APART_MAX: Duration = Duration::from_millis(35);

/// Silence: frames of CELT in full band, mono, whose first bit says that there is nothing (RFC 6716, 3.1 and 4.3), the longest first. It is written as
/// packets, because many editors put what they decode one behind the other whatever the times say.
const SILENCE: [(Duration, &[u8]); 5] = [
    (Duration::from_millis(60), &[0xFB, 3, 0xFF, 0xFE, 0xFF, 0xFE, 0xFF, 0xFE]),
    (Duration::from_millis(20), &[0xF8, 0xFF, 0xFE]),
    (Duration::from_millis(10), &[0xF0, 0xFF, 0xFE]),
    (Duration::from_millis(5), &[0xE8, 0xFF, 0xFE]),
    (Duration::from_micros(2500), &[0xE0, 0xFF, 0xFE]),
];

/// What is missing between two packets and is not longer than that was lost on the way, rather than not said. The packet before is repeated then: after
/// silence, decoders would come up again slowly, as packets say by how much they are louder than the one before.
const REPEATED_MAX: Duration = Duration::from_millis(60);

/// What is known of one such track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Voice {
    /// Whose it is; `None` while it is nobody's.
    name: Option<String>,
    /// A packet in two channels was among its own.
    pub is_stereo: bool,
    /// The end of what was taken in, by the times of the recorder.
    taken: Option<Duration>,
    /// The end of what was written, in the file.
    written: Option<Duration>,
    /// The last packet that was written, with its length, and for how long it has been repeated.
    last: (Bytes, Duration),
    repeated: Duration,
}

impl Voice {
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn set_name(&mut self, name: &str) {
        let mut length = name.len().min(VOICE_NAME_BYTES_MAX);
        while !name.is_char_boundary(length) {
            length -= 1;
        }
        self.name = Some(name[..length].to_owned());
    }

    /// Where a packet is put whose time is this; `None` where there is no room for it any more.
    pub fn place(&self, time: Duration, follows: bool) -> Option<Duration> {
        let Some(end) = self.taken else { return Some(time) };
        let is_near = end.abs_diff(time) <= APART_MAX;
        match time < end {
            _ if follows && is_near => Some(end),
            true => is_near.then_some(end),
            false => Some(time),
        }
    }

    pub fn took(&mut self, end: Duration) {
        self.taken = Some(end);
    }

    pub fn wrote(&mut self, time: Duration, length: Duration, packet: &Bytes) {
        self.written = Some(time + length);
        self.last = (packet.clone(), length);
        self.repeated = Duration::ZERO;
    }

    /// The next packet for what is missing before this time, with its own time and its length; before it has begun, a voice has none. Not `whole`, what is
    /// short waits, as there may be more to come.
    pub fn filling(&mut self, until: Duration, whole: bool) -> Option<(Duration, Duration, Bytes)> {
        let from = self.written?;
        let gap = until.saturating_sub(from);
        let (packet, length) = &self.last;
        if whole && *length <= gap && self.repeated + gap <= REPEATED_MAX {
            let (packet, length) = (packet.clone(), *length);
            self.repeated += length;
            self.written = Some(from + length);
            return Some((from, length, packet));
        }
        self.repeated = REPEATED_MAX;
        let kinds = if whole { &SILENCE[..] } else { &SILENCE[..1] };
        let (length, packet) = kinds.iter().find(|(length, _)| *length <= gap)?;
        self.written = Some(from + *length);
        Some((from, *length, Bytes::from_static(packet)))
    }
}

/// How long a packet of Opus plays (RFC 6716, 3.1 and 3.2); `None` where it is malformed.
pub(crate) fn packet_length(packet: &[u8]) -> Option<Duration> {
    let (toc, rest) = packet.split_first()?;
    let config = toc >> 3;
    let frame = match config {
        0..12 => [10_000, 20_000, 40_000, 60_000][usize::from(config & 3)],
        12..16 => [10_000, 20_000][usize::from(config & 1)],
        _ => [2500, 5000, 10_000, 20_000][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3F),
    };
    let length = Duration::from_micros(frame) * count;
    (0 < count && length <= Duration::from_millis(120)).then_some(length)
}

/// Whether a packet of Opus has two channels.
pub(crate) fn is_stereo(packet: &[u8]) -> bool {
    packet.first().is_some_and(|toc| toc & 4 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn packets_have_lengths() {
        for (length, packet) in SILENCE {
            assert_eq!(packet_length(packet), Some(length));
            assert!(!is_stereo(packet));
        }
        assert_eq!(packet_length(&[0xFC, 0xFF, 0xFE]), Some(at(20)));
        assert!(is_stereo(&[0xFC, 0xFF, 0xFE]));
        assert_eq!(packet_length(&[3 << 3 | 1, 0]), Some(at(120)));
        assert_eq!(packet_length(&[1 << 3, 0]), Some(at(20)));
        for malformed in [&[][..], &[0xFB], &[0xFB, 0], &[0xFB, 7], &[3 << 3 | 3, 3]] {
            assert_eq!(packet_length(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn what_follows_is_put_behind_what_was_there() {
        let mut voice = Voice::default();
        assert_eq!(voice.place(at(500), true), Some(at(500)));
        voice.took(at(520));
        for (time, follows, place) in [
            (520, true, Some(520)),
            (500, true, Some(520)),
            (555, true, Some(520)),
            (556, true, Some(556)),
            (484, true, None),
            (540, false, Some(540)),
            (510, false, Some(520)),
            (484, false, None),
        ] {
            assert_eq!(voice.place(at(time), follows), place.map(at), "{time} {follows}");
        }
    }

    #[test]
    fn silence_fills_what_it_can() {
        let mut voice = Voice::default();
        assert_eq!(voice.filling(at(1000), true), None, "it has not begun");
        voice.wrote(at(80), at(20), &Bytes::from_static(b"something"));
        let lengths = |voice: &mut Voice, until, whole| -> Vec<Duration> {
            let filling = std::iter::from_fn(|| voice.filling(until, whole));
            filling
                .inspect(|(_, _, packet)| assert_ne!(&packet[..], b"something"))
                .map(|(_, length, _)| length)
                .collect()
        };
        assert_eq!(lengths(&mut voice, at(259), false), [at(60), at(60)]);
        assert_eq!(lengths(&mut voice, at(259), true), [at(20), at(10), at(5), Duration::from_micros(2500)]);
        assert_eq!(lengths(&mut voice, at(259), true), Vec::<Duration>::new());
    }

    #[test]
    fn what_was_lost_is_repeated_for_a_moment() {
        let filled = |gap: u64| {
            let mut voice = Voice::default();
            voice.wrote(at(0), at(20), &Bytes::from_static(b"something"));
            let filling = std::iter::from_fn(|| voice.filling(at(20 + gap), true));
            let repeated = filling.map(|(time, length, packet)| (time + length, &packet[..] == b"something"));
            repeated.collect::<Vec<_>>()
        };
        assert_eq!(filled(20), [(at(40), true)]);
        assert_eq!(filled(60), [(at(40), true), (at(60), true), (at(80), true)]);
        assert_eq!(filled(50), [(at(40), true), (at(60), true), (at(70), false)]);
        assert_eq!(filled(80), [(at(80), false), (at(100), false)]);
    }

    #[test]
    fn a_name_has_a_limit() {
        let mut voice = Voice::default();
        voice.set_name(&"é".repeat(200));
        assert_eq!(voice.name(), Some("é".repeat(128).as_str()));
    }
}
