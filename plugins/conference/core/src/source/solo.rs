//! One participant alone: the packets that go into the mix, as they are, for a recorder that keeps a track for each.

use std::{sync::Arc, time::Duration};

use super::Source;
use crate::{
    Channels, Codec, Decoder, Encoder, Level, OpusSettings,
    buffer::{Body, Waiting},
    time::{FRAME, duration},
};

/// A packet of a participant's own, and where it stands in the mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The time of the mix.
    pub at: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// Opus: as the participant has sent it, or encoded here where they send something else.
    pub packet: Arc<[u8]>,
    /// Nothing is missing between the one before and this.
    pub follows: bool,
}

/// What was taken from a source since the last tick, and what must be made Opus.
#[derive(Default)]
pub(crate) struct Solo {
    taken: Vec<Waiting>,
    /// Where the last piece ended, in the source's timestamps.
    end: Option<i64>,
    phone: Option<Phone>,
}

/// Sound that does not come as Opus is encoded, once.
struct Phone {
    codec: Option<Codec>,
    channels: Channels,
    decoder: Option<Decoder>,
    encoder: Encoder,
    /// Less than a frame, and where it begins.
    pending: Vec<i16>,
    begins: i64,
    /// Frames in a row in which nobody speaks, and the last of them where it was left out.
    quiet: u32,
    before: Option<(i64, Vec<i16>)>,
}

/// What nobody speaks in is not encoded any more after so many frames: half a second. Many listen by telephone and never say a word.
const QUIET_MAX: u32 = 25;

impl Source {
    /// Somebody wants what goes into the mix alone, or no longer.
    pub fn set_solo(&mut self, is_wanted: bool) {
        self.solo = is_wanted.then(|| self.solo.take().unwrap_or_default());
    }

    /// What was played or passed over since the last tick, if it may be heard and somebody wants it.
    pub fn solo(&mut self, may_be_heard: bool, settings: OpusSettings, now: i64) -> Vec<Piece> {
        let next = self.cursor.map_or(0, |cursor| cursor - self.frames() as i64);
        let channels = self.channels;
        let Some(solo) = &mut self.solo else { return Vec::new() };
        if !may_be_heard {
            solo.forget();
        }
        solo.pieces(channels, settings, |timestamp| now + FRAME as i64 + timestamp - next)
    }
}

impl Solo {
    /// This is played now, or passed over.
    pub fn take(&mut self, packet: &Waiting) {
        self.taken.push(packet.clone());
    }

    /// Nobody may hear what was taken.
    pub fn forget(&mut self) {
        self.taken.clear();
        self.end = None;
        self.phone = None;
    }

    /// What was taken; `place` tells where in the mix a timestamp of the source stands.
    pub fn pieces(
        &mut self,
        channels: Channels,
        settings: OpusSettings,
        place: impl Fn(i64) -> i64,
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for Waiting { timestamp, samples, body, .. } in std::mem::take(&mut self.taken) {
            match body {
                Body::Noise => {}
                // Its sender rests, and a gap says as much.
                Body::Coded(Codec::Opus, packet) if Codec::Opus.is_rest(&packet) => {}
                Body::Coded(Codec::Opus, packet) => {
                    self.phone = None;
                    pieces.push(self.piece(timestamp, samples, packet, &place));
                }
                Body::Coded(codec, packet) => {
                    let phone = self.phone(Some(codec), Channels::Mono, settings);
                    for (at, made) in phone.decode(timestamp, &packet) {
                        pieces.push(self.piece(at, FRAME as i64, made, &place));
                    }
                }
                Body::Samples(sound) => {
                    let phone = self.phone(None, channels, settings);
                    for (at, made) in phone.encode(timestamp, &sound) {
                        pieces.push(self.piece(at, FRAME as i64, made, &place));
                    }
                }
            }
        }
        pieces
    }

    fn piece(&mut self, timestamp: i64, samples: i64, packet: Vec<u8>, place: impl Fn(i64) -> i64) -> Piece {
        let follows = self.end.replace(timestamp + samples) == Some(timestamp);
        Piece {
            at: duration(place(timestamp)),
            length: duration(samples),
            packet: Arc::from(packet),
            follows,
        }
    }

    fn phone(&mut self, codec: Option<Codec>, channels: Channels, settings: OpusSettings) -> &mut Phone {
        let is_same = |phone: &Phone| phone.codec == codec && phone.channels == channels;
        self.phone = self.phone.take().filter(is_same);
        self.phone.get_or_insert_with(|| Phone {
            codec,
            channels,
            decoder: codec.map(|codec| Decoder::new(codec, channels)),
            encoder: Encoder::new(Codec::Opus, channels, settings),
            pending: Vec::new(),
            begins: 0,
            quiet: QUIET_MAX,
            before: None,
        })
    }
}

impl Phone {
    fn decode(&mut self, timestamp: i64, packet: &[u8]) -> Vec<(i64, Vec<u8>)> {
        let mut sound = Vec::new();
        if let Some(decoder) = &mut self.decoder {
            decoder.decode(packet, &mut sound);
        }
        self.encode(timestamp, &sound)
    }

    /// Whole frames with their timestamps. What does not follow begins a new one, and what is left of the last is filled with silence.
    fn encode(&mut self, timestamp: i64, sound: &[i16]) -> Vec<(i64, Vec<u8>)> {
        let (count, frame) = (self.channels.count(), FRAME * self.channels.count());
        let mut made = Vec::new();
        let expected = self.begins + (self.pending.len() / count) as i64;
        if timestamp != expected {
            if !self.pending.is_empty() {
                self.pending.resize(frame, 0);
                let last = std::mem::take(&mut self.pending);
                self.encode_frame(self.begins, last, &mut made);
            }
            self.begins = timestamp;
        }
        self.pending.extend_from_slice(sound);
        while frame <= self.pending.len() {
            let next = self.pending.drain(..frame).collect();
            self.encode_frame(self.begins, next, &mut made);
            self.begins += FRAME as i64;
        }
        made
    }

    /// Whoever begins to speak does so with the frame before, which may have the first of it.
    fn encode_frame(&mut self, at: i64, frame: Vec<i16>, made: &mut Vec<(i64, Vec<u8>)>) {
        self.quiet = if Level::of(&frame).is_speech() { 0 } else { self.quiet.saturating_add(1) };
        if QUIET_MAX < self.quiet {
            self.before = Some((at, frame));
            return;
        }
        let before = self.before.take().filter(|(before, _)| before + FRAME as i64 == at);
        for (at, frame) in before.into_iter().chain([(at, frame)]) {
            made.push((at, self.encoder.encode(&frame)));
        }
    }
}
