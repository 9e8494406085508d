//! What is said, as Opus, and how one hears it.

use std::f64::consts::TAU;
use std::time::Duration;

use anyhow::Result;
use opus::{Application, Channels, Decoder, Encoder};

/// Samples a second.
pub const RATE: u32 = 48_000;
/// Of a packet.
pub const FRAME_SAMPLES: usize = 960;
/// The same as time.
pub const FRAME: Duration = Duration::from_millis(20);
/// Samples a second of G.711.
pub const PHONE_RATE: u32 = 8_000;
/// Of a packet of it.
pub const PHONE_FRAME_SAMPLES: usize = 160;
/// A voice repeats itself after so many packets: a second.
const FRAMES: usize = 50;
/// What nobody says (RFC 6716): a frame of silence.
pub const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// The first speaker whistles in the first so many packets of each second.
const WHISTLE_FRAMES: usize = 15;
const WHISTLE_HZ: f64 = 4_000.0;
const WHISTLE_AMPLITUDE: f64 = 0.4;
/// The others hum without a pause.
const HUM_HZ: f64 = 220.0;
const HUM_AMPLITUDE: f64 = 0.1;

/// Samples that are listened to together: 2.5 ms, ten periods of the whistle.
const LOOK_SAMPLES: usize = 120;
/// A whistle is heard from this amplitude on, half of its own.
const HEARD_AMPLITUDE: f64 = WHISTLE_AMPLITUDE / 2.0;
/// Before a whistle it was silent for so many looks: half a second.
const SILENT_LOOKS: usize = 200;

/// A second of a speaker's voice: the packets, and whether each is loud.
#[derive(Debug)]
pub struct Voice {
    packets: Vec<Vec<u8>>,
    /// The same as G.711.
    phone_packets: Vec<Vec<u8>>,
    whistles: bool,
}

impl Voice {
    /// The first speaker, number 0, whistles; each other one hums in a tone of its own.
    pub fn of(speaker: u32) -> Result<Self> {
        let mut encoder = Encoder::new(RATE, Channels::Mono, Application::Voip)?;
        let whistles = speaker == 0;
        let (mut packets, mut phone_packets) = (Vec::new(), Vec::new());
        // Twice, so that the packets that are taken follow upon others.
        for frame in 0..2 * FRAMES {
            let sample = |at: usize| {
                let time = (frame * FRAME_SAMPLES + at) as f64 / f64::from(RATE);
                let (hertz, amplitude) = match whistles {
                    true if frame % FRAMES < WHISTLE_FRAMES => (WHISTLE_HZ, WHISTLE_AMPLITUDE),
                    true => (0.0, 0.0),
                    false => (HUM_HZ * f64::from(speaker), HUM_AMPLITUDE),
                };
                ((TAU * hertz * time).sin() * amplitude) as f32
            };
            let samples: Vec<f32> = (0..FRAME_SAMPLES).map(sample).collect();
            packets.push(encoder.encode_vec_float(&samples, 1_000)?);
            let phone = samples.iter().step_by(FRAME_SAMPLES / PHONE_FRAME_SAMPLES);
            phone_packets.push(phone.map(|sample| mu_law((sample * 32_767.0) as i16)).collect());
        }
        let phone_packets = phone_packets.split_off(FRAMES);
        Ok(Self { packets: packets.split_off(FRAMES), phone_packets, whistles })
    }

    /// The packet of this number.
    pub fn packet(&self, number: u64) -> &[u8] {
        &self.packets[number as usize % FRAMES]
    }

    /// The packet of this number in G.711.
    pub fn phone_packet(&self, number: u64) -> &[u8] {
        &self.phone_packets[number as usize % FRAMES]
    }

    /// Whether a whistle begins with it.
    pub fn begins_whistle(&self, number: u64) -> bool {
        self.whistles && (number as usize).is_multiple_of(FRAMES)
    }

    /// The level of RFC 6464: the packet's loudness below the most, in decibels.
    pub fn level(&self, number: u64) -> u8 {
        match self.whistles {
            true if WHISTLE_FRAMES <= number as usize % FRAMES => 127,
            true => 11,
            false => 23,
        }
    }
}

/// Somebody who waits for whistles.
#[derive(Debug)]
pub struct Ear {
    decoder: Decoder,
    silent_looks: usize,
}

impl Ear {
    /// Nothing was heard yet.
    pub fn new() -> Result<Self> {
        Ok(Self { decoder: Decoder::new(RATE, Channels::Mono)?, silent_looks: 0 })
    }

    /// How far behind the packet's beginning a whistle begins in it.
    pub fn hear(&mut self, packet: &[u8]) -> Result<Option<Duration>> {
        let mut samples = [0.0; 6 * FRAME_SAMPLES];
        let length = self.decoder.decode_float(packet, &mut samples, false)?;
        let mut heard = None;
        for (look, part) in samples[..length].chunks_exact(LOOK_SAMPLES).enumerate() {
            if amplitude(part) < HEARD_AMPLITUDE {
                self.silent_looks += 1;
                continue;
            }
            if SILENT_LOOKS <= std::mem::take(&mut self.silent_looks) {
                heard = Some(Duration::from_secs_f64((look * LOOK_SAMPLES) as f64 / f64::from(RATE)));
            }
        }
        Ok(heard)
    }
}

/// ITU-T G.711's other law, section 3.
fn mu_law(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    const CLIP: i32 = 32_635;
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    let exponent = magnitude.ilog2() - 7;
    let mantissa = magnitude >> (exponent + 3) & 15;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

/// The whistle's part of it (Goertzel).
fn amplitude(samples: &[f32]) -> f64 {
    let step = 2.0 * (TAU * WHISTLE_HZ / f64::from(RATE)).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for sample in samples {
        (before, last) = (last, f64::from(*sample) + step * last - before);
    }
    let power = last * last + before * before - step * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_whistle_is_heard_once_and_where_it_begins() {
        let (voice, mut ear) = (Voice::of(0).expect("an encoder"), Ear::new().expect("a decoder"));
        let mut heard = Vec::new();
        for number in 25..175 {
            heard.extend(ear.hear(voice.packet(number)).expect("Opus").map(|into| (number, into)));
        }
        let packets: Vec<u64> = heard.iter().map(|(number, _)| *number).collect();
        assert_eq!(packets, [50, 100, 150]);
        assert!(heard.iter().all(|(_, into)| *into < FRAME / 2), "{heard:?}");
    }

    #[test]
    fn g711_is_as_the_table_has_it() {
        assert_eq!([0, 32_767, -32_768, 1000, -1000].map(mu_law), [0xff, 0x80, 0x00, 0xce, 0x4e]);
    }

    #[test]
    fn a_hum_is_no_whistle() {
        let (voice, mut ear) = (Voice::of(2).expect("an encoder"), Ear::new().expect("a decoder"));
        assert!((0..150).all(|number| ear.hear(voice.packet(number)).expect("Opus").is_none()));
    }
}
