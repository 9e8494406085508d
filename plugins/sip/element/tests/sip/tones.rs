//! Speech is no digit: espeak-ng reads for minutes, in two voices and as telephones hear it.

use std::process::Command;

use convene_conference::{Channels, Codec, Decoder, Encoder, FRAME, OpusSettings};
use convene_sip::ToneDetector;

/// The texts of all prompts, which are plain speech with many vowels, in the voices of a man and a woman.
const TEXTS: [(&str, &str); 2] =
    [("en", include_str!("../../prompts/en.txt")), ("de", include_str!("../../prompts/de.txt"))];
const VARIANTS: [&str; 4] = ["", "+f2", "+m3", "+f5"];

/// At 48 kHz, in one channel.
fn spoken(voice: &str, text: &str) -> Vec<i16> {
    let wave = Command::new("espeak-ng").args(["-v", voice, "-a", "180", "--stdout", text]).output();
    let wave = wave.expect("espeak-ng is installed").stdout;
    assert_eq!(wave[24..28], 22_050_u32.to_le_bytes(), "its rate");
    let samples: Vec<f64> =
        wave[44..].as_chunks::<2>().0.iter().map(|bytes| f64::from(i16::from_le_bytes(*bytes))).collect();
    let at = |place: f64| {
        let (before, share) = (place as usize, place.fract());
        samples[before] * (1.0 - share) + samples[before + 1] * share
    };
    let step = 22_050.0 / 48_000.0;
    let count = ((samples.len() - 2) as f64 / step) as usize;
    (0..count).map(|sample| at(sample as f64 * step) as i16).collect()
}

#[test]
fn minutes_of_speech_have_no_digit_in_them() {
    let mut seconds = 0;
    for (language, text) in TEXTS {
        for variant in VARIANTS {
            let sound = spoken(&format!("{language}{variant}"), text);
            seconds += sound.len() / 48_000;
            for codec in [Codec::Pcma, Codec::G722] {
                let mut encoder = Encoder::new(codec, Channels::Mono, OpusSettings::default());
                let mut decoder = Decoder::new(codec, Channels::Mono);
                let mut detector = ToneDetector::default();
                let mut heard = String::new();
                for frame in sound.chunks_exact(FRAME) {
                    let mut decoded = Vec::new();
                    decoder.decode(&encoder.encode(frame), &mut decoded);
                    heard.extend(detector.hear(&decoded));
                }
                assert_eq!(heard, "", "{language}{variant} by {codec:?}");
            }
        }
    }
    assert!(300 < seconds, "only {seconds} s were spoken");
}
