//! Loudness as ffmpeg's meter has it (EBU R 128), in the file that was made.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{parse, play, plays};

/// Pink noise in syllables: twelve seconds quietly, twelve loudly, and so on.
const SPEAKERS: &str = "aevalsrc='(random(0)+random(1)-1)*pow(sin(4*PI*t),2)*if(lt(mod(t,24),12),0.09,0.55)|(random(2)+random(3)-1)*pow(sin(4*PI*t),2)*if(lt(mod(t,24),12),0.09,0.55)':s=48000:d=72,lowpass=f=3000";

#[test]
fn a_quiet_and_a_loud_speaker_are_recorded_equally_loud() {
    let folder = TempDir::new().expect("a folder");
    let voice = spoken(&folder);
    let quiet = measured(&voice, "atrim=0:12").0;
    let loud = measured(&voice, "atrim=12:24").0;
    assert!(15.0 < loud - quiet, "{quiet} and {loud} LUFS");
    for target in [-23.0, -16.0] {
        let file = recorded(&voice, &folder, &format!("loudness={target}"));
        let (whole, peak) = measured(&file, "atrim=10");
        assert!((whole - target).abs() < 1.5, "{whole} LUFS, not {target}");

        assert!(peak < -0.5, "{peak} dBTP");
        for turn in 1..6 {
            let part = format!("atrim={}:{}", turn * 12 + 7, turn * 12 + 12);
            let (alone, _) = measured(&file, &part);
            assert!((alone - target).abs() < 1.5, "turn {turn}: {alone} LUFS, not {target}");
        }
        assert!((plays(&file) - 72.0).abs() < 0.1);
    }
}

/// Nothing is touched where nobody wants it.
#[test]
fn as_it_was_spoken_is_the_default() {
    let folder = TempDir::new().expect("a folder");
    let voice = spoken(&folder);
    let [plain, zero] = ["", "loudness=0"].map(|set| {
        let file = recorded(&voice, &folder, set);
        let packets = ["-v", "error", "-map", "0:a", "-c", "copy", "-f", "hash", "-"];
        ffmpeg(&["-i", name(&file)], &packets).0
    });
    assert_eq!(plain, zero);
    let file = recorded(&voice, &folder, "");
    for part in ["atrim=2:10", "atrim=14:22"] {
        let (spoken, recorded) = (measured(&voice, part).0, measured(&file, part).0);
        assert!((spoken - recorded).abs() < 0.5, "{spoken} LUFS became {recorded}");
    }
}

fn spoken(folder: &TempDir) -> std::path::PathBuf {
    let voice = folder.path().join("voice.wav");
    ffmpeg(&["-v", "error", "-f", "lavfi", "-i", SPEAKERS], &["-y", name(&voice)]);
    voice
}

fn recorded(voice: &Path, folder: &TempDir, set: &str) -> std::path::PathBuf {
    let file = folder.path().join("even.webm");
    let errors = play(&parse(&format!(
        "filesrc location={} ! wavparse ! meetingrecorder {set} ! filesink location={}",
        voice.display(),
        file.display()
    )));
    assert_eq!(errors, Vec::<String>::new());
    file
}

/// Integrated loudness in LUFS, and the true peak in dBTP, of a part of a file.
fn measured(file: &Path, part: &str) -> (f64, f64) {
    let filter = format!("{part},ebur128=peak=true");
    let (_, said) = ffmpeg(&["-i", name(file)], &["-vn", "-af", &filter, "-f", "null", "-"]);
    let summary = said.rsplit("Summary:").next().expect("it sums up");
    let number = |label: &str| -> f64 {
        let line =
            summary.lines().find(|line| line.trim().starts_with(label)).unwrap_or_else(|| panic!("{said}"));
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{line}"))
    };
    (number("I:"), number("Peak:"))
}

fn ffmpeg(input: &[&str], output: &[&str]) -> (String, String) {
    let run = Command::new("ffmpeg").args(["-nostdin", "-hide_banner"]).args(input).args(output).output();
    let run = run.expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    (String::from_utf8_lossy(&run.stdout).into_owned(), said)
}

fn name(file: &Path) -> &str {
    file.to_str().expect("a plain path")
}
