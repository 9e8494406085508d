//! Has espeak-ng speak the prompts in each language, and writes down where they are.

use std::f64::consts::TAU;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Each is a file in `prompts`, and a voice.
const LANGUAGES: [&str; 2] = ["en", "de"];
/// `count-n` stands for the prompts from `count-2` to this one, and so does `browsers-n`.
const COUNT_MAX: u32 = 20;
/// A little slower than espeak-ng speaks by itself: telephones are hard to understand.
const WORDS_PER_MINUTE: &str = "150";

const TONE_HERTZ: f64 = 880.0;
const TONE_MILLISECONDS: u32 = 300;
const TONE_LEVEL: f64 = 6000.0;
const TONE_RATE: u32 = 16_000;

fn main() {
    println!("cargo:rerun-if-changed=prompts");
    println!("cargo:rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    let mut list = String::from("&[\n");
    let tone_file = format!("{out}/tone.wav");
    fs::write(&tone_file, tone()).expect("a file can be written where cargo says");
    for language in LANGUAGES {
        let texts = fs::read_to_string(format!("prompts/{language}.txt")).expect("a language has its texts");
        fs::create_dir_all(format!("{out}/{language}")).expect("a folder can be made where cargo says");
        writeln!(list, "    ({language:?}, \"tone\", include_bytes!({tone_file:?})),")
            .expect("a string can be written to");
        for line in texts.lines() {
            let (name, text) = line.split_once(": ").expect("each line is NAME: TEXT");
            let counted = name.strip_suffix("-n");
            let numbers = if counted.is_some() { 2..=COUNT_MAX } else { 0..=0 };
            for number in numbers {
                let name = counted.map_or_else(|| name.to_owned(), |counted| format!("{counted}-{number}"));
                let file = format!("{out}/{language}/{name}.wav");
                speak(language, &text.replace("%d", &number.to_string()), Path::new(&file));
                writeln!(list, "    ({language:?}, {name:?}, include_bytes!({file:?})),")
                    .expect("a string can be written to");
            }
        }
    }
    list.push_str("]\n");
    fs::write(format!("{out}/prompts.rs"), list).expect("a file can be written where cargo says");
}

/// The tone after which a caller speaks, as a RIFF WAVE of 16 bits and one channel.
fn tone() -> Vec<u8> {
    let samples = TONE_RATE * TONE_MILLISECONDS / 1000;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples * 2).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(TONE_RATE.to_le_bytes());
    bytes.extend((TONE_RATE * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((samples * 2).to_le_bytes());
    for sample in 0..samples {
        let phase = TAU * TONE_HERTZ * f64::from(sample) / f64::from(TONE_RATE);
        bytes.extend(((TONE_LEVEL * phase.sin()) as i16).to_le_bytes());
    }
    bytes
}

fn speak(voice: &str, text: &str, file: &Path) {
    let mut espeak = Command::new("espeak-ng");
    let status = espeak.args(["-v", voice, "-s", WORDS_PER_MINUTE, "-w"]).arg(file).arg(text).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("espeak-ng cannot speak \"{text}\" with the voice {voice}: {status}"),
        Err(error) => panic!(
            "espeak-ng, which speaks the telephone's prompts, cannot be run ({error}): \
             install it with `apt-get install espeak-ng`, or all that is needed with `.ci/install run`"
        ),
    }
}
