//! One participant's sound, from packets as they come to frames as they are due.
//!
//! The *cursor* is the timestamp up to which sound has been made; what is made and not yet played lies in `sound`. Their difference to the
//! clock is the delay. It follows what `Delay` asks for: by taking periods away or repeating them, so that a sender's wrong clock and a
//! line that changes are never heard. What is not there when it is due is concealed.

mod make;
mod solo;

use std::collections::VecDeque;
use std::time::Duration;

use crate::{
    Codec, Decoder, InputError, Level,
    buffer::{Body, Buffer, Waiting},
    codec::Meter,
    conference::Wire,
    conference::{convert, count_samples},
    delay::{Delay, MARGIN, SHORT_BY},
    opus::Channels,
    rtp,
    stats::SourceStats,
    stretch::{Period, STRETCH_SAMPLES},
    time::{FRAME, MS, duration, nanoseconds, until_tick},
};
pub use solo::Piece;

/// Whose clock a source follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Its own: packets come when they come, and what is late is lost.
    Live,
    /// Ours: the caller brings more when there is room, and nothing is ever late. For files.
    Ours,
}

/// So much is made up for packets that do not come; then there is silence.
const CONCEALED_MAX: i64 = 120 * MS;
/// A packet this far from where it should be belongs to a new timeline, if the next ones say the same.
const JUMP: i64 = 1000 * MS;
/// So many packets in a row have to agree on a new timeline.
const JUMPS_MIN: u32 = 3;
/// Sequence numbers further apart than this are another timeline as well: some seconds.
const SEQUENCE_JUMP: i64 = 1000;
/// Buffers that are stamped when they come are uneven by this much, and still follow each other without a gap.
const UNEVEN: i64 = 60 * MS;
/// What has been silent for so long may begin anew wherever it likes.
const PAUSE: i64 = 1000 * MS;
/// A delay that is too short by `SHORT_BY` is stretched, one that is too long by this compressed, so that the two do not chase each other.
const LONG_BY: i64 = 20 * MS;
/// Beyond this, sound is stretched even where it does not repeat itself.
const URGENT: i64 = 80 * MS;
/// Packets from which a decoder learns before it is heard: 100 ms, three times as long as G.722's slowest memory.
const PASSED_MAX: usize = 5;
/// An encoder that says that nobody speaks is believed for so many packets: a third of a second.
const BELIEVED_MAX: u8 = 16;
/// So many packets in a row with two channels are music.
const STEREO_MIN: u32 = 3;
/// So many with one are a voice again: five seconds.
const MONO_MIN: u32 = 250;
/// Comfort noise goes on until the next packet, which follows after this at the earliest: 10 ms.
const NOISE: i64 = 10 * MS;
/// A gap in a source of our pace is kept as silence up to this; a longer one is a jump.
const GAP_MAX: i64 = 1000 * MS;

/// One participant's sound.
pub(crate) struct Source {
    pace: Pace,
    channels: Channels,
    /// Packets in a row that have other channels; `None` where that does not matter.
    turning: Option<u32>,
    buffer: Buffer,
    delay: Delay,
    /// What packets hold; another codec is another timeline.
    codec: Option<Codec>,
    decoder: Option<Decoder>,
    meter: Option<Meter>,
    /// The last packets of a telephone that nobody heard.
    passed: VecDeque<Vec<u8>>,
    /// Interleaved.
    sound: Vec<i16>,
    /// The loudness of pieces of `sound`, each with the timestamp at its end.
    levels: VecDeque<(i64, Level)>,
    cursor: Option<i64>,
    ssrc: Option<u32>,
    sequence: Option<i64>,
    timestamp: Option<i64>,
    arrived: Option<i64>,
    /// What has this timestamp was captured then, by the sender's clock.
    captured: Option<(i64, Duration)>,
    /// The last packet's arrival less its timestamp, and how much that varies.
    transit: Option<i64>,
    jitter: f64,
    /// When a frame was played last, or passed over.
    played: Option<i64>,
    jumps: u32,
    /// By so much the delay is too short.
    wants: i64,
    /// Samples made up since the last packet.
    concealed: i64,
    rests: bool,
    /// The next packet follows silence of ours, and shall not begin with a click.
    comes_from_silence: bool,
    /// How loud packets of this source are is known before they are decoded.
    tells_level: bool,
    /// Packets since the last that was decoded and quiet, or as many as are believed if it was loud.
    believed: u8,
    is_ended: bool,
    /// Somebody wants this source alone.
    solo: Option<solo::Solo>,
    stats: SourceStats,
}

impl Source {
    pub fn new(pace: Pace, channels: Channels) -> Self {
        Self {
            pace,
            channels,
            turning: None,
            buffer: Buffer::default(),
            delay: Delay::default(),
            codec: None,
            decoder: None,
            meter: None,
            passed: VecDeque::new(),
            sound: Vec::new(),
            levels: VecDeque::new(),
            cursor: None,
            ssrc: None,
            sequence: None,
            timestamp: None,
            arrived: None,
            captured: None,
            transit: None,
            jitter: 0.0,
            played: None,
            jumps: 0,
            wants: 0,
            concealed: 0,
            rests: false,
            comes_from_silence: true,
            tells_level: false,
            believed: BELIEVED_MAX,
            is_ended: false,
            solo: None,
            stats: SourceStats::default(),
        }
    }

    /// One whose sound has as many channels as its Opus has, and begins with one.
    pub fn following(pace: Pace) -> Self {
        Self { turning: Some(0), ..Self::new(pace, Channels::Mono) }
    }

    /// In how many its sound is.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Encoders of two channels may put a quiet or narrow moment into one: only several packets in a row count, and many of them for one channel.
    fn follow_channels(&mut self, codec: Codec, packet: &[u8]) {
        let Some(turning) = &mut self.turning else {
            return;
        };
        let channels = codec.channels(packet);
        *turning = if channels == self.channels { 0 } else { *turning + 1 };
        let enough = if channels == Channels::Stereo { STEREO_MIN } else { MONO_MIN };
        if *turning < enough || codec.is_rest(packet) {
            return;
        }
        *turning = 0;
        self.sound = convert(&self.sound, self.channels, channels);
        self.channels = channels;
        self.decoder = None;
        self.comes_from_silence = true;
    }

    /// A packet of RTP came.
    pub fn rtp(
        &mut self,
        Wire { codec, captured, .. }: Wire,
        packet: &rtp::Packet,
        level: Option<Level>,
        now: i64,
    ) -> Result<(), InputError> {
        let samples = count_samples(codec, packet.payload)? as i64;
        let (sequence, timestamp) = self.unwrap(codec, packet);
        self.follow_channels(codec, packet.payload);
        let level = level.or_else(|| Some(self.meter.as_mut()?.level(packet.payload)));
        let level = level.or_else(|| codec.level_by_length(packet.payload));
        let level = level.or_else(|| self.believe(codec, packet.payload));
        let body = Body::Coded(codec, packet.payload.to_vec());
        self.take_in(sequence, Waiting { timestamp, samples, level, body }, now);
        // Not of one that comes late, or from another timeline.
        if self.timestamp == Some(timestamp) {
            self.captured = captured.map(|captured| (timestamp, captured));
        }
        Ok(())
    }

    /// While what was decoded last was quiet, its encoder is believed that nobody speaks; but not for long, as encoders take a steady tone for noise.
    fn believe(&mut self, codec: Codec, packet: &[u8]) -> Option<Level> {
        let is_believed = self.believed < BELIEVED_MAX && codec.is_said_silent(packet);
        self.believed += u8::from(is_believed);
        is_believed.then_some(Level::SILENCE)
    }

    /// The sender of a telephone codec rests from here on.
    pub fn noise(&mut self, codec: Codec, packet: &rtp::Packet, now: i64) {
        let (sequence, timestamp) = self.unwrap(codec, packet);
        let level = Some(Level::SILENCE);
        self.take_in(sequence, Waiting { timestamp, samples: NOISE, level, body: Body::Noise }, now);
    }

    /// The packet's place on our timeline.
    fn unwrap(&mut self, codec: Codec, packet: &rtp::Packet) -> (i64, i64) {
        if self.ssrc != Some(packet.ssrc) {
            self.begin_anew();
            self.ssrc = Some(packet.ssrc);
        }
        self.speak(codec);
        let step = codec.step();
        let last = self.timestamp.map(|last| last.div_euclid(step));
        let timestamp = rtp::unwrap_timestamp(last, packet.timestamp) * step;
        (rtp::unwrap_sequence(self.sequence, packet.sequence), timestamp)
    }

    fn speak(&mut self, codec: Codec) {
        if self.codec.replace(codec) != Some(codec) {
            self.begin_anew();
            self.meter = Meter::new(codec);
        }
    }

    /// Sound came that has no numbers of its own: it follows what came before, or stands where `timestamp` says.
    pub fn follow(&mut self, timestamp: Option<i64>, samples: usize, body: Body, now: i64) {
        if let Body::Coded(codec, packet) = &body {
            self.speak(*codec);
            self.follow_channels(*codec, packet);
        }
        let sequence = self.sequence.map_or(0, |last| last + 1);
        let expected = self.timestamp.unwrap_or_else(|| timestamp.unwrap_or(now));
        let timestamp = timestamp.filter(|timestamp| UNEVEN < (timestamp - expected).abs());
        let timestamp = timestamp.unwrap_or(expected);
        let samples = samples as i64;
        self.take_in(sequence, Waiting { timestamp, samples, level: None, body }, now);
        self.timestamp = Some(timestamp + samples);
    }

    fn take_in(&mut self, sequence: i64, mut packet: Waiting, now: i64) {
        self.stats.packets += 1;
        let is_new = self.pace == Pace::Ours || self.settle(sequence, packet.timestamp, now);
        if !is_new {
            self.stats.strange += 1;
            return;
        }
        self.arrived = Some(now);
        self.is_ended = false;
        self.tells_level = packet.level.is_some();
        self.count(sequence, &packet, now);
        self.sequence = Some(self.sequence.unwrap_or(sequence).max(sequence));
        self.timestamp = Some(self.timestamp.unwrap_or(packet.timestamp).max(packet.timestamp));
        let cursor = match (self.cursor, self.pace) {
            (Some(cursor), _) => cursor,
            (None, Pace::Ours) => packet.timestamp,
            (None, Pace::Live) => packet.timestamp - MARGIN + until_tick(now),
        };
        self.cursor = Some(cursor);
        let is_late = self.pace == Pace::Live && packet.end() <= cursor;
        self.delay.arrived(now - packet.timestamp, now, is_late);
        if is_late {
            self.stats.late += 1;
            return;
        }
        if let Body::Coded(codec, bytes) = &packet.body
            && codec.is_rest(bytes)
        {
            packet.level = packet.level.map(|_| Level::SILENCE);
        }
        if !self.buffer.append(&packet, FRAME as i64) && !self.buffer.insert(sequence, packet) {
            self.stats.refused += 1;
        }
    }

    /// For the statistics: RFC 3550, appendices A.3 and A.8.
    fn count(&mut self, sequence: i64, packet: &Waiting, now: i64) {
        let more = self.sequence.map_or(1, |last| (sequence - last).max(0));
        self.stats.expected += more as u64;
        self.stats.packet = duration(packet.samples);
        let transit = now - packet.timestamp;
        if let Some(last) = self.transit.replace(transit) {
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
    }

    /// Whether a live packet belongs to the timeline. A single one from elsewhere is an accident, several that agree are a new timeline.
    fn settle(&mut self, sequence: i64, timestamp: i64, now: i64) -> bool {
        let (Some(cursor), Some(last), Some(arrived)) = (self.cursor, self.sequence, self.arrived) else {
            return true;
        };
        let early = timestamp - (cursor - self.frames() as i64);
        if early.abs() < JUMP && (sequence - last).abs() < SEQUENCE_JUMP {
            self.jumps = 0;
            return true;
        }
        self.jumps += 1;
        if self.jumps < JUMPS_MIN && now - arrived < PAUSE {
            return false;
        }
        self.begin_anew();
        true
    }

    fn begin_anew(&mut self) {
        self.buffer.clear();
        self.delay.clear();
        self.decoder = None;
        self.passed.clear();
        self.cursor = None;
        self.sequence = None;
        self.timestamp = None;
        self.captured = None;
        self.transit = None;
        self.jumps = 0;
        self.rests = false;
        self.concealed = 0;
    }

    /// Nothing waits and nothing that is made remains: after a flush.
    pub fn flush(&mut self) {
        self.begin_anew();
        self.sound.clear();
        self.levels.clear();
        self.ssrc = None;
        self.comes_from_silence = true;
        self.is_ended = false;
    }

    /// No more will come; what waits is still played.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// The end has come, and everything is played.
    pub fn is_over(&self) -> bool {
        self.is_ended && self.buffer.is_empty() && self.sound.is_empty()
    }

    /// Samples that can be played without anything more.
    pub fn ready(&self) -> i64 {
        self.frames() as i64 + self.buffer.samples()
    }

    /// A source of our pace that could not fill the next frame, although more is to come.
    pub fn is_short(&self) -> bool {
        self.pace == Pace::Ours && !self.is_ended && self.ready() < FRAME as i64
    }

    /// Nothing has come for a while and nothing is left.
    pub fn is_idle(&self, now: i64) -> bool {
        let is_quiet = self.arrived.is_none_or(|arrived| PAUSE <= now - arrived);
        is_quiet && self.buffer.is_empty() && self.levels.iter().all(|(_, level)| !level.is_speech())
    }

    /// How loud what comes next is: read from packets that wait, or else decoded a frame ahead.
    pub fn level(&mut self) -> Level {
        if self.tells_level {
            return self.buffer.level().unwrap_or(Level::SILENCE);
        }
        while self.frames() < 2 * FRAME && self.make_next(false) {}
        self.levels.iter().map(|(_, level)| *level).fold(Level::SILENCE, Level::louder)
    }

    /// The next frame, for the mix.
    pub fn play(&mut self, now: i64, frame: &mut [i16]) {
        self.played = Some(now);
        self.stats.played += 1;
        self.follow_clock(now);
        let lost = self.stats.lost;
        while self.frames() < FRAME && self.make_next(true) {}
        if lost != self.stats.lost {
            self.delay.lost(now);
        }
        let count = self.sound.len().min(frame.len());
        frame[..count].copy_from_slice(&self.sound[..count]);
        frame[count..].fill(0);
        self.sound.drain(..count);
        if count < frame.len() {
            self.comes_from_silence = true;
        }
        self.forget_levels();
    }

    /// The next frame passes and nobody hears it: nothing is decoded for it, and the delay can be put right at once.
    pub fn pass_over(&mut self, now: i64) {
        self.played = Some(now);
        let Some(cursor) = self.cursor else {
            self.sound.clear();
            return;
        };
        if self.pace == Pace::Ours && self.ready() == 0 {
            return;
        }
        let played = cursor - self.frames() as i64;
        let due = played + FRAME as i64;
        let wanted = self.delay.target().map(|target| now + FRAME as i64 - target);
        let is_off = |wanted: &i64| self.pace == Pace::Live && SHORT_BY < (due - wanted).abs();
        let due = wanted.filter(is_off).unwrap_or(due);
        if self.tells_level {
            self.sound.clear();
            self.cursor = Some(due);
        } else {
            let passed = (due - played).clamp(0, self.frames() as i64) as usize;
            self.sound.drain(..passed * self.channels.count());
            if self.sound.is_empty() {
                self.cursor = Some(due);
            }
        }
        self.comes_from_silence = true;
        while self.sound.is_empty()
            && let Some(packet) = self.buffer.pass_over(due)
        {
            self.solo.iter_mut().for_each(|solo| solo.take(&packet));
            self.keep_passed(packet);
        }
        self.forget_levels();
    }

    /// G.722 predicts from the past, also from silence: a decoder without it would cut the first syllable.
    fn keep_passed(&mut self, packet: Waiting) {
        if let Body::Coded(codec, bytes) = packet.body
            && codec != Codec::Opus
        {
            self.passed.push_back(bytes);
            if PASSED_MAX < self.passed.len() {
                self.passed.pop_front();
            }
        }
    }

    /// From the capture of what is played next, by the sender's clock, to when it is played, by ours; in nanoseconds.
    pub fn capture_offset(&self) -> Option<i64> {
        let (timestamp, captured) = self.captured?;
        let next = self.cursor? - self.frames() as i64;
        let captured = i64::try_from(captured.as_nanos()).ok()?;
        let next_captured = captured.checked_add(nanoseconds(next - timestamp))?;
        nanoseconds(self.played? + FRAME as i64).checked_sub(next_captured)
    }

    /// What happened to this source, and how it stands.
    pub fn stats(&self) -> SourceStats {
        let (delay, jitter) = (duration(self.delay.waiting()), duration(self.jitter as i64));
        SourceStats { delay, jitter, ..self.stats }
    }

    /// What decoding has cost so far.
    pub fn decodes(&self) -> u64 {
        self.stats.decoded + self.stats.concealed + self.stats.rested
    }

    fn frames(&self) -> usize {
        self.sound.len() / self.channels.count()
    }

    fn forget_levels(&mut self) {
        let played = self.cursor.unwrap_or(0) - self.frames() as i64;
        while self.levels.front().is_some_and(|(end, _)| *end <= played) {
            self.levels.pop_front();
        }
    }

    /// Brings the delay nearer to what the line needs.
    fn follow_clock(&mut self, now: i64) {
        let Some((target, cursor)) = self.delay.target().zip(self.cursor) else {
            return;
        };
        if self.pace == Pace::Ours {
            return;
        }
        let too_long = now - (cursor - self.frames() as i64) - target;
        self.wants = (-too_long).max(0);
        if (-SHORT_BY..=LONG_BY).contains(&too_long) {
            return;
        }
        let wanted = if too_long < 0 { STRETCH_SAMPLES } else { STRETCH_SAMPLES + FRAME };
        while self.frames() < wanted && self.make_next(false) {}
        let channels = self.channels.count();
        let Some(period) = Period::find(&self.sound, channels) else {
            return;
        };
        if !period.is_good() && too_long.abs() < URGENT {
            return;
        }
        if too_long < 0 {
            self.stats.stretched += period.repeat(&mut self.sound, channels) as u64;
        } else {
            self.stats.compressed += period.remove(&mut self.sound, channels) as u64;
        }
    }
}
