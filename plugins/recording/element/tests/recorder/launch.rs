//! The built plugin, as a developer uses it: `gst-inspect-1.0` and the README's `gst-launch-1.0` lines.

use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use crate::support;

/// A line that takes longer hangs.
const SECONDS_MAX: &str = "30";

#[test]
fn gst_inspect_shows_the_element() {
    let (_folder, shown) = run("gst-inspect-1.0", &["meetingrecorder"]);
    for word in ["screen", "audio_%u", "video/webm", "cluster-duration", "Milliseconds", "Bits a second"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn the_shortest_line_makes_a_file() {
    launch("videotestsrc num-buffers=300 ! meetingrecorder ! filesink location=talk.webm", 10.0);
}

#[test]
fn screen_and_two_voices() {
    launch(
        "meetingrecorder name=recorder ! filesink location=talk.webm \
         videotestsrc num-buffers=150 ! recorder.screen \
         audiotestsrc num-buffers=250 samplesperbuffer=960 ! recorder.audio_0 \
         audiotestsrc num-buffers=250 samplesperbuffer=960 freq=660 ! recorder.audio_1",
        5.0,
    );
}

/// Live, ended by interrupting it.
#[test]
fn an_interrupted_line_leaves_a_whole_file() {
    launch(
        "-e meetingrecorder name=recorder ! filesink location=talk.webm \
         videotestsrc is-live=true num-buffers=45 ! recorder.screen audiotestsrc is-live=true num-buffers=60 ! recorder.audio_0",
        1.5,
    );
}

fn launch(line: &str, seconds: f64) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (folder, said) = run("gst-launch-1.0", &[&["-q"], &words[..]].concat());
    assert!(said.trim().is_empty(), "{line}: {said}");
    let length = support::plays(&folder.path().join("talk.webm"));
    assert!((length - seconds).abs() < 0.5, "{length} s, not {seconds} s");
}

/// Runs a program of GStreamer's in a fresh folder that has our plugin and a registry of its own.
fn run(program: &str, arguments: &[&str]) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let test = std::env::current_exe().expect("a running test has a path");
    let built = test.with_file_name("libgstconvenerecording.so");
    assert!(built.exists(), "{} is built together with the test", built.display());
    symlink(built, folder.path().join("libgstconvenerecording.so")).expect("an empty folder");
    let output = Command::new("timeout")
        .args([SECONDS_MAX, program])
        .args(arguments)
        .current_dir(folder.path())
        .env("GST_PLUGIN_PATH", folder.path())
        .env("GST_REGISTRY", folder.path().join("registry.bin"))
        .output()
        .expect("GStreamer's tools are installed");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    (folder, said)
}
