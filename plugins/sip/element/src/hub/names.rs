//! What callers say that they are called: kept in memory for as long as the call, in every codec, so that nothing is to be done when it is said.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use convene_conference::rtp::Packet;
use convene_conference::{Channels, Codec, Decoder, Encoder, FRAME, Level, OpusSettings};
use convene_sip::Frames;

/// The longest name: three seconds, in frames of 20 ms.
const NAME_FRAMES_MAX: usize = 150;
/// So long it may take somebody to begin.
const SILENT_FRAMES_MAX: usize = 125;
/// So long a pause ends a name: longer than one between a first name and a family name.
const PAUSE_FRAMES: usize = 35;
/// What is kept of the silence before and after, so that no sound is cut off.
const EDGE_FRAMES: usize = 5;
/// Less is a cough.
const VOICE_FRAMES_MIN: usize = 10;
const OPUS: OpusSettings = OpusSettings { bitrate: 24_000, complexity: 3, loss_percent: 5 };

/// A name, in each codec.
#[derive(Clone)]
pub struct Name(BTreeMap<Codec, Frames>);

impl Name {
    /// In one of them.
    pub fn frames(&self, codec: Codec) -> Option<Frames> {
        self.0.get(&codec).cloned()
    }
}

/// Listens to one.
pub struct NameListener {
    payload_type: u8,
    decoder: Decoder,
    encoders: Vec<(Codec, Encoder, Vec<Vec<u8>>)>,
    /// Samples that are no whole frame yet.
    rest: Vec<i16>,
    /// The last frames before the voice began.
    before: VecDeque<Vec<i16>>,
    silent: usize,
    voiced: usize,
    /// Frames that are kept, and those of them up to the last with a voice.
    kept: usize,
    spoken: usize,
    last: Option<u16>,
}

impl NameListener {
    /// To packets of this kind.
    pub fn new(codec: Codec, payload_type: u8) -> Self {
        let encoder = |codec| (codec, Encoder::new(codec, Channels::Mono, OPUS), Vec::new());
        Self {
            payload_type,
            decoder: Decoder::new(codec, Channels::Mono),
            encoders: Codec::ALL.map(encoder).into(),
            rest: Vec::new(),
            before: VecDeque::new(),
            silent: 0,
            voiced: 0,
            kept: 0,
            spoken: 0,
            last: None,
        }
    }

    /// A packet of the caller's. Returns whether the name is over.
    pub fn push(&mut self, packet: &[u8]) -> bool {
        let Ok(packet) = Packet::parse(packet) else {
            return false;
        };
        let is_late = self.last.is_some_and(|last| packet.sequence.wrapping_sub(last) as i16 <= 0);
        if is_late || packet.payload_type != self.payload_type {
            return false;
        }
        self.last = Some(packet.sequence);
        // What cannot be decoded is as good as silence.
        if self.decoder.decode(packet.payload, &mut self.rest).is_none() {
            self.rest.resize(self.rest.len() + FRAME, 0);
        }
        let mut sound = std::mem::take(&mut self.rest);
        while FRAME <= sound.len() && !self.is_over() {
            let rest = sound.split_off(FRAME);
            self.hear(sound);
            sound = rest;
        }
        self.rest = sound;
        self.is_over()
    }

    fn is_over(&self) -> bool {
        let has_begun = 0 < self.kept;
        NAME_FRAMES_MAX <= self.kept
            || has_begun && PAUSE_FRAMES <= self.kept - self.spoken
            || !has_begun && SILENT_FRAMES_MAX <= self.silent
    }

    fn hear(&mut self, frame: Vec<i16>) {
        let is_voice = Level::of(&frame).is_speech();
        self.voiced += usize::from(is_voice);
        if self.kept == 0 && !is_voice {
            self.silent += 1;
            self.before.push_back(frame);
            if EDGE_FRAMES < self.before.len() {
                self.before.pop_front();
            }
            return;
        }
        for before in std::mem::take(&mut self.before) {
            self.keep(&before);
        }
        self.keep(&frame);
        if is_voice {
            self.spoken = self.kept;
        }
    }

    fn keep(&mut self, frame: &[i16]) {
        self.kept += 1;
        self.encoders.iter_mut().for_each(|(_, encoder, frames)| frames.push(encoder.encode(frame)));
    }

    /// The name, if there was one.
    pub fn finish(self) -> Option<Name> {
        let length = self.spoken + EDGE_FRAMES;
        let trimmed = self.encoders.into_iter().map(|(codec, _, mut frames)| {
            frames.truncate(length);
            (codec, Arc::new(frames))
        });
        (VOICE_FRAMES_MIN <= self.voiced).then(|| Name(trimmed.collect()))
    }
}

#[cfg(test)]
mod tests {
    use convene_conference::rtp::Header;

    use super::*;

    /// What is heard of so many silent frames, voiced ones, and silent ones again; and whether it was over before their end.
    fn said(codec: Codec, frames: [usize; 3]) -> (bool, Option<Name>) {
        let mut listener = NameListener::new(codec, 96);
        let mut encoder = Encoder::new(codec, Channels::Mono, OPUS);
        let mut at = 0_u16;
        let mut is_over = false;
        for (part, count) in frames.into_iter().enumerate() {
            for _ in 0..count {
                let wave = |sample: usize| ((sample as f64 * 0.06).sin() * 8000.0) as i16;
                let frame: Vec<i16> =
                    (0..FRAME).map(|sample| if part == 1 { wave(sample) } else { 0 }).collect();
                let header = Header {
                    payload_type: 96,
                    marker: false,
                    sequence: at,
                    timestamp: u32::from(at) * 160,
                    ssrc: 1,
                };
                is_over |= listener.push(&header.write(&encoder.encode(&frame)));
                at += 1;
            }
        }
        (is_over, listener.finish())
    }

    #[test]
    fn a_name_is_cut_to_what_is_spoken_and_ends_with_a_pause() {
        for codec in Codec::ALL {
            let (is_over, name) = said(codec, [40, 50, 60]);
            let name = name.expect("there is one");
            assert!(is_over, "{codec:?}");
            for other in Codec::ALL {
                let frames = name.frames(other).expect("in every codec").len();
                assert!((50..50 + 3 * EDGE_FRAMES).contains(&frames), "{codec:?} {other:?}: {frames}");
            }
        }
        assert!(!said(Codec::Pcmu, [40, 50, 20]).0, "it may go on");
    }

    #[test]
    fn it_has_an_end_and_silence_or_a_cough_is_none() {
        let (is_over, name) = said(Codec::Pcma, [0, 400, 0]);
        assert!(is_over);
        assert_eq!(name.expect("there is one").frames(Codec::Pcmu).expect("so").len(), NAME_FRAMES_MAX);
        let (is_over, name) = said(Codec::Pcma, [SILENT_FRAMES_MAX, 0, 0]);
        assert!(is_over && name.is_none());
        assert!(!said(Codec::Pcma, [SILENT_FRAMES_MAX - 1, 0, 0]).0);
        // The telephone's own sampling draws a sound out by a frame.
        assert!(said(Codec::Pcmu, [10, VOICE_FRAMES_MIN - 2, 60]).1.is_none());
        let mut listener = NameListener::new(Codec::Opus, 96);
        for length in 0..40 {
            listener.push(&vec![0x80; length]);
        }
        assert!(listener.finish().is_none());
    }
}
