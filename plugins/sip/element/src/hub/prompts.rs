//! What is said to callers: the words are spoken when the plugin is built, or lie in a folder, and are encoded when they are first needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use convene_conference::{Channels, Codec, Encoder, FRAME, OpusSettings, RATE};
use convene_sip::{Frames, Prompt};

/// A prompt of 48 kHz and two channels for a minute.
const FILE_BYTES_MAX: u64 = 12_000_000;
const OPUS: OpusSettings = OpusSettings { bitrate: 24_000, complexity: 3, loss_percent: 5 };

/// Language, name, and a file of waves.
static SPOKEN: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/prompts.rs"));

/// The languages that are spoken.
pub fn languages() -> Vec<&'static str> {
    let mut languages: Vec<&str> = SPOKEN.iter().map(|(language, _, _)| *language).collect();
    languages.dedup();
    languages
}

/// All prompts of one language.
#[derive(Debug)]
pub struct Prompts {
    language: String,
    folder: Option<String>,
    encoded: BTreeMap<(Prompt, Codec), Frames>,
}

impl Prompts {
    /// Nothing is read yet. A folder's `NAME.wav` goes before what was spoken.
    pub fn new(language: &str, folder: Option<&str>) -> Self {
        let folder = folder.map(str::to_owned);
        Self { language: language.to_owned(), folder, encoded: BTreeMap::new() }
    }

    /// A prompt in a codec. None of it when neither file can be used.
    pub fn frames(&mut self, prompt: Prompt, codec: Codec) -> Frames {
        let known = self.encoded.get(&(prompt, codec));
        if let Some(frames) = known {
            return Arc::clone(frames);
        }
        let frames = Arc::new(encode(&self.sound(prompt), codec));
        self.encoded.insert((prompt, codec), Arc::clone(&frames));
        frames
    }

    fn sound(&self, prompt: Prompt) -> Vec<i16> {
        let name = prompt.name();
        let own =
            self.folder.as_ref().and_then(|folder| read(&Path::new(folder).join(format!("{name}.wav"))));
        let spoken = || {
            let spoken =
                SPOKEN.iter().find(|(language, other, _)| *language == self.language && *other == name);
            spoken.and_then(|(_, _, bytes)| wave(bytes))
        };
        own.or_else(spoken).unwrap_or_default()
    }
}

fn read(path: &Path) -> Option<Vec<i16>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    wave(&bytes)
}

/// The samples of a RIFF WAVE file of 16 bits, in one channel at 48 kHz.
fn wave(bytes: &[u8]) -> Option<Vec<i16>> {
    let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut form = None;
    loop {
        let (&[a, b, c, d, l0, l1, l2, l3], after) = rest.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        // espeak-ng writes the length before it knows it, so the last chunk may end before.
        let chunk = &after[..length.min(after.len())];
        match &[a, b, c, d] {
            b"fmt " => form = Some(read_form(chunk)?),
            b"data" => return form.map(|(channels, rate)| at_our_rate(&mono(chunk, channels), rate)),
            _ => {}
        }
        rest = after.get(length + length % 2..)?;
    }
}

/// Channels and rate, of whole samples of 16 bits.
fn read_form(chunk: &[u8]) -> Option<(usize, u32)> {
    let (&[kind, 0, channels, 0, r0, r1, r2, r3, _, _, _, _, _, _, bits, 0], _) =
        chunk.split_first_chunk::<16>()?
    else {
        return None;
    };
    let rate = u32::from_le_bytes([r0, r1, r2, r3]);
    let is_ours = kind == 1 && bits == 16 && (1..=2).contains(&channels) && (8000..=RATE).contains(&rate);
    is_ours.then_some((usize::from(channels), rate))
}

fn mono(data: &[u8], channels: usize) -> Vec<i16> {
    let samples: Vec<i16> =
        data.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    samples
        .chunks_exact(channels)
        .map(|frame| (frame.iter().map(|s| i32::from(*s)).sum::<i32>() / channels as i32) as i16)
        .collect()
}

/// Straight lines between the samples: what that adds lies above all that a voice has.
fn at_our_rate(samples: &[i16], rate: u32) -> Vec<i16> {
    let length = samples.len() as u64 * u64::from(RATE) / u64::from(rate);
    let sample = |at: u64| samples.get(at as usize).copied().map_or(0.0, f64::from);
    (0..length)
        .map(|number| {
            let at = number * u64::from(rate);
            let (whole, part) = (at / u64::from(RATE), (at % u64::from(RATE)) as f64 / f64::from(RATE));
            (sample(whole) * (1.0 - part) + sample(whole + 1) * part) as i16
        })
        .collect()
}

fn encode(sound: &[i16], codec: Codec) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(codec, Channels::Mono, OPUS);
    sound
        .chunks(FRAME)
        .map(|frame| {
            let mut whole = frame.to_vec();
            whole.resize(FRAME, 0);
            encoder.encode(&whole)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_is_spoken_in_every_language_and_codec() {
        for language in languages() {
            let mut prompts = Prompts::new(language, None);
            for prompt in Prompt::all() {
                let frames = prompts.frames(prompt, Codec::Pcmu);
                // The tone is the shortest.
                assert!((10..1000).contains(&frames.len()), "{language} {}: {}", prompt.name(), frames.len());
                assert!(frames.iter().all(|frame| frame.len() == 160));
            }
            for codec in Codec::ALL {
                assert!(25 < prompts.frames(Prompt::Joined, codec).len());
            }
        }
        assert_eq!(languages(), ["en", "de"]);
    }

    #[test]
    fn files_that_are_no_waves_are_left_and_those_of_other_forms_converted() {
        let file = |channels: u8, rate: u32, bits: u8, data: &[u8]| {
            let mut bytes = b"RIFF____WAVEfmt \x10\0\0\0\x01\0".to_vec();
            bytes.extend_from_slice(&[channels, 0]);
            bytes.extend_from_slice(&rate.to_le_bytes());
            bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, bits, 0]);
            bytes.extend_from_slice(b"data\xff\xff\xff\x7f");
            bytes.extend_from_slice(data);
            bytes
        };
        assert_eq!(wave(&file(1, 24_000, 16, &[10, 0, 20, 0])), Some(vec![10, 15, 20, 10]));
        assert_eq!(wave(&file(2, 48_000, 16, &[10, 0, 20, 0])), Some(vec![15]));
        for wrong in [file(3, 48_000, 16, &[]), file(1, 96_000, 16, &[]), file(1, 8000, 8, &[]), Vec::new()] {
            assert_eq!(wave(&wrong), None);
        }
        let good = file(1, 24_000, 16, &[10, 0, 20, 0]);
        for length in 0..good.len() - 4 {
            assert_eq!(wave(&good[..length]), None, "{length}");
        }
    }
}
