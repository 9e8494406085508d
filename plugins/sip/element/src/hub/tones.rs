//! Digits as tones inside a voice, of callers who have no other way to send them: found, and kept from the others.

use convene_conference::rtp::{Header, Packet};
use convene_conference::{Channels, Codec, Decoder, Encoder, FRAME, OpusSettings};
use convene_sip::ToneDetector;

/// An encoder begins with what is not silence yet.
const SETTLING_FRAMES: usize = 5;

/// Listens to one voice.
pub struct ToneListener {
    codec: Codec,
    payload_type: u8,
    decoder: Decoder,
    detector: ToneDetector,
    /// 20 ms.
    silence: Vec<u8>,
    last: Option<u16>,
}

impl ToneListener {
    /// To packets of this kind.
    pub fn new(codec: Codec, payload_type: u8) -> Self {
        let mut encoder = Encoder::new(codec, Channels::Mono, OpusSettings::default());
        let frames = (0..SETTLING_FRAMES).map(|_| encoder.encode(&[0; FRAME]));
        Self {
            codec,
            payload_type,
            decoder: Decoder::new(codec, Channels::Mono),
            detector: ToneDetector::default(),
            silence: frames.last().unwrap_or_default(),
            last: None,
        }
    }

    /// A packet of the caller's; while a digit sounds, silence takes its place. Returns the digits that are known by now.
    pub fn hear(&mut self, packet: &mut Vec<u8>) -> Vec<char> {
        let Ok(parsed) = Packet::parse(packet) else {
            return Vec::new();
        };
        let is_late = self.last.is_some_and(|last| parsed.sequence.wrapping_sub(last) as i16 <= 0);
        if is_late || parsed.payload_type != self.payload_type {
            return Vec::new();
        }
        self.last = Some(parsed.sequence);
        let mut sound = Vec::with_capacity(FRAME);
        // What cannot be decoded holds no digit.
        self.decoder.decode(parsed.payload, &mut sound);
        let keys = self.detector.hear(&sound);
        if self.detector.is_sounding() {
            let Packet { payload_type, marker, sequence, timestamp, ssrc, payload, .. } = parsed;
            let header = Header { payload_type, marker, sequence, timestamp, ssrc };
            *packet = header.write(&self.silence(payload.len()));
        }
        keys
    }

    /// Of telephones as long as what it is for. Of Opus 20 ms; a gap that is left is a rest.
    fn silence(&self, bytes: usize) -> Vec<u8> {
        match self.codec {
            Codec::Opus => self.silence.clone(),
            _ => self.silence.iter().copied().cycle().take(bytes).collect(),
        }
    }
}
