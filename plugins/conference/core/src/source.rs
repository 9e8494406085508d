//! One participant's sound, from packets as they come to frames as they are due.
//!
//! The *cursor* is the timestamp up to which sound has been made; what is made and not yet played lies in `sound`. Their difference to the
//! clock is the delay. It follows what `Delay` asks for: by taking periods away or repeating them, so that a sender's wrong clock and a
//! line that changes are never heard. What is not there when it is due is concealed.

use std::collections::VecDeque;

use crate::{
    Level,
    buffer::{Body, Buffer, Next, Waiting},
    delay::{Delay, MARGIN, SHORT_BY},
    opus::{CONCEAL_STEP, Channels, Decoder, is_rest},
    rtp,
    stats::SourceStats,
    stretch::{Period, STRETCH_SAMPLES, fade_in, fade_out},
    time::{FRAME, MS, duration},
};

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
/// A delay that is too short by `SHORT_BY` is stretched ...
/// ... and one that is too long by this is compressed, so that the two do not chase each other.
const LONG_BY: i64 = 20 * MS;
/// Beyond this, sound is stretched even where it does not repeat itself.
const URGENT: i64 = 80 * MS;
/// A gap in a source of our pace is kept as silence up to this; a longer one is a jump.
const GAP_MAX: i64 = 1000 * MS;

/// One participant's sound.
pub(crate) struct Source {
    pace: Pace,
    channels: Channels,
    buffer: Buffer,
    delay: Delay,
    decoder: Option<Decoder>,
    /// Interleaved.
    sound: Vec<i16>,
    /// The loudness of pieces of `sound`, each with the timestamp at its end.
    levels: VecDeque<(i64, Level)>,
    cursor: Option<i64>,
    ssrc: Option<u32>,
    sequence: Option<i64>,
    timestamp: Option<i64>,
    arrived: Option<i64>,
    jumps: u32,
    /// By so much the delay is too short.
    wants: i64,
    /// Samples made up since the last packet.
    concealed: i64,
    rests: bool,
    /// The next packet follows silence that we have put in, and shall not begin with a click.
    comes_from_silence: bool,
    /// Packets of this source say how loud they are.
    tells_level: bool,
    is_ended: bool,
    stats: SourceStats,
}

impl Source {
    pub fn new(pace: Pace, channels: Channels) -> Self {
        Self {
            pace,
            channels,
            buffer: Buffer::default(),
            delay: Delay::default(),
            decoder: None,
            sound: Vec::new(),
            levels: VecDeque::new(),
            cursor: None,
            ssrc: None,
            sequence: None,
            timestamp: None,
            arrived: None,
            jumps: 0,
            wants: 0,
            concealed: 0,
            rests: false,
            comes_from_silence: true,
            tells_level: false,
            is_ended: false,
            stats: SourceStats::default(),
        }
    }

    /// A packet of RTP came; `samples` is what its payload holds.
    pub fn rtp(&mut self, packet: &rtp::Packet, samples: usize, level: Option<Level>, now: i64) {
        if self.ssrc != Some(packet.ssrc) {
            self.begin_anew();
            self.ssrc = Some(packet.ssrc);
        }
        let sequence = rtp::unwrap_sequence(self.sequence, packet.sequence);
        let timestamp = rtp::unwrap_timestamp(self.timestamp, packet.timestamp);
        let body = Body::Opus(packet.payload.to_vec());
        self.take_in(sequence, Waiting { timestamp, samples: samples as i64, level, body }, now);
    }

    /// Sound came that has no numbers of its own: it follows what came before, or stands where `timestamp` says.
    pub fn follow(&mut self, timestamp: Option<i64>, samples: usize, body: Body, now: i64) {
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
        self.sequence = Some(self.sequence.unwrap_or(sequence).max(sequence));
        self.timestamp = Some(self.timestamp.unwrap_or(packet.timestamp).max(packet.timestamp));
        self.delay.arrived(now - packet.timestamp, now);
        let cursor = match (self.cursor, self.pace) {
            (Some(cursor), _) => cursor,
            (None, Pace::Ours) => packet.timestamp,
            (None, Pace::Live) => packet.timestamp - MARGIN + until_tick(now),
        };
        self.cursor = Some(cursor);
        if self.pace == Pace::Live && packet.end() <= cursor {
            self.stats.late += 1;
            return;
        }
        if let Body::Opus(bytes) = &packet.body
            && is_rest(bytes)
        {
            packet.level = packet.level.map(|_| Level::SILENCE);
        }
        if !self.buffer.append(&packet, FRAME as i64) && !self.buffer.insert(sequence, packet) {
            self.stats.refused += 1;
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
        self.cursor = None;
        self.sequence = None;
        self.timestamp = None;
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
        if self.sound.is_empty() {
            self.buffer.pass_over(due);
        }
        self.forget_levels();
    }

    /// What happened to this source, and how it stands.
    pub fn stats(&self) -> SourceStats {
        SourceStats { delay: duration(self.delay.waiting()), ..self.stats }
    }

    /// What decoding has cost so far.
    pub fn decodes(&self) -> u64 {
        self.stats.decoded + self.stats.concealed
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

    /// Makes a piece of sound at the cursor. Without `must`, only from what is there. Returns whether there is more now.
    fn make_next(&mut self, must: bool) -> bool {
        let Some(cursor) = self.cursor else {
            return false;
        };
        match self.buffer.next(cursor) {
            Next::Packet => self.make_packet(cursor),
            Next::Rest(_) | Next::Lost(..) | Next::Nothing if !must => return false,
            Next::Rest(gap) if self.pace == Pace::Ours && GAP_MAX < gap => self.cursor = Some(cursor + gap),
            Next::Rest(gap) => self.make_rest(cursor, gap),
            Next::Lost(gap, body) => {
                let copy = match body {
                    Body::Opus(packet) if gap <= FRAME as i64 => Some(packet.clone()),
                    _ => None,
                };
                self.make_lost(cursor, gap, copy.as_deref());
            }
            Next::Nothing if self.pace == Pace::Ours => return false,
            Next::Nothing if self.rests => self.make_rest(cursor, FRAME as i64),
            Next::Nothing => self.make_up(cursor),
        }
        true
    }

    fn make_packet(&mut self, cursor: i64) {
        let packet = self.buffer.take().expect("the buffer says that there is one");
        let start = self.sound.len();
        match &packet.body {
            Body::Samples(samples) => self.sound.extend_from_slice(samples),
            Body::Opus(bytes) => {
                let decoder = self.decoder.get_or_insert_with(|| Decoder::new(self.channels));
                if decoder.decode(bytes, &mut self.sound).is_none() {
                    // Refused: as good as lost.
                    self.stats.refused += 1;
                    return;
                }
                self.rests = is_rest(bytes);
            }
        }
        self.stats.decoded += 1;
        // A part of it may be late.
        let late = (cursor - packet.timestamp).max(0) as usize * self.channels.count();
        let end = (start + late).min(self.sound.len());
        self.sound.drain(start..end);
        if std::mem::take(&mut self.comes_from_silence) {
            fade_in(&mut self.sound[start..], self.channels.count());
        }
        self.concealed = 0;
        self.cursor = Some(packet.end().max(cursor));
        self.note_level(start);
    }

    /// The sender rests: the decoder goes on with the noise of the room, if it has got any.
    fn make_rest(&mut self, cursor: i64, gap: i64) {
        let samples = gap.min(FRAME as i64) as usize;
        let decoder = self.decoder.as_mut().filter(|_| self.rests && samples == FRAME);
        if decoder.and_then(|decoder| decoder.conceal(FRAME, &mut self.sound)).is_some() {
            self.stats.concealed += 1;
        } else {
            self.silence(samples);
        }
        self.cursor = Some(cursor + samples as i64);
    }

    fn make_lost(&mut self, cursor: i64, gap: i64, copy: Option<&[u8]>) {
        self.stats.lost += 1;
        let samples = gap.min(FRAME as i64) as usize;
        let whole = samples - samples % CONCEAL_STEP;
        if whole == 0 || CONCEALED_MAX <= self.concealed {
            self.silence(samples);
        } else {
            self.conceal(whole, copy);
            self.silence(samples - whole);
        }
        self.cursor = Some(cursor + samples as i64);
    }

    /// Nothing has come. If more delay is wanted anyway, what is made up now becomes part of it.
    fn make_up(&mut self, cursor: i64) {
        if CONCEALED_MAX <= self.concealed {
            self.silence(FRAME);
        } else {
            self.stats.lost += 1;
            self.conceal(FRAME, None);
            let kept = self.wants.min(FRAME as i64);
            self.wants -= kept;
            self.stats.stretched += kept as u64;
            self.cursor = Some(cursor + FRAME as i64 - kept);
            return;
        }
        self.cursor = Some(cursor + FRAME as i64);
    }

    /// Makes up a piece from what was before, or from the copy that the following packet may hold.
    fn conceal(&mut self, samples: usize, copy: Option<&[u8]>) {
        let start = self.sound.len();
        let made = match (&mut self.decoder, copy) {
            (Some(decoder), Some(copy)) => decoder.decode_lost(copy, samples, &mut self.sound),
            (Some(decoder), None) => decoder.conceal(samples, &mut self.sound),
            (None, _) => None,
        };
        if made.is_none() {
            self.silence(samples);
            return;
        }
        self.stats.concealed += 1;
        self.concealed += samples as i64;
        if CONCEALED_MAX <= self.concealed {
            fade_out(&mut self.sound[start..], self.channels.count());
            self.comes_from_silence = true;
        }
    }

    fn silence(&mut self, samples: usize) {
        if samples != 0 {
            self.sound.resize(self.sound.len() + samples * self.channels.count(), 0);
            self.comes_from_silence = true;
            self.concealed += samples as i64;
        }
    }

    fn note_level(&mut self, start: usize) {
        if !self.tells_level
            && let Some(end) = self.cursor
        {
            self.levels.push_back((end, Level::of(&self.sound[start..])));
        }
    }
}

/// The next frame is taken at the next tick.
fn until_tick(now: i64) -> i64 {
    (-now).rem_euclid(FRAME as i64)
}
