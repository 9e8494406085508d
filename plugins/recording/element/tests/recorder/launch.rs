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
    for word in [
        "screen",
        "feed_%u",
        "audio_%u",
        "voice_%u",
        "video/webm",
        "cluster-duration",
        "Milliseconds",
        "Bits a second",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

/// Every line of the README that needs no screen and no microphone.
#[test]
fn the_lines_of_the_readme_make_files() {
    let lines =
        include_str!("../../README.md").lines().filter_map(|line| line.strip_prefix("gst-launch-1.0 "));
    let mut seconds = [10.0, 5.0, 1.5, 3.0, 5.0, 4.0].into_iter();
    for line in lines.filter(|line| line.contains("testsrc") && line.contains("talk.webm")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (folder, said) = run("gst-launch-1.0", &[&["-q"], &words[..]].concat());
        assert!(said.trim().is_empty(), "{line}: {said}");
        let length = support::plays(&folder.path().join("talk.webm"));
        let wanted = seconds.next().expect("a length for each line");
        assert!((length - wanted).abs() < 0.5, "{line}: {length} s, not {wanted} s");
    }
    assert_eq!(seconds.next(), None, "a line for each length");
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
