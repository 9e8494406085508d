//! Has espeak-ng speak the prompts in each language, and writes down where they are.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Each is a file in `prompts`, and a voice.
const LANGUAGES: [&str; 2] = ["en", "de"];
/// `count-n` stands for the prompts from `count-2` to this one.
const COUNT_MAX: u32 = 20;
/// A little slower than espeak-ng speaks by itself: telephones are hard to understand.
const WORDS_PER_MINUTE: &str = "150";

fn main() {
    println!("cargo:rerun-if-changed=prompts");
    println!("cargo:rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    let mut list = String::from("&[\n");
    for language in LANGUAGES {
        let texts = fs::read_to_string(format!("prompts/{language}.txt")).expect("a language has its texts");
        fs::create_dir_all(format!("{out}/{language}")).expect("a folder can be made where cargo says");
        for line in texts.lines() {
            let (name, text) = line.split_once(": ").expect("each line is NAME: TEXT");
            let numbers = if name == "count-n" { 2..=COUNT_MAX } else { 0..=0 };
            for number in numbers {
                let name = if name == "count-n" { format!("count-{number}") } else { name.to_owned() };
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
