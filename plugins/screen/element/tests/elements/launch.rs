//! The built plugin, as `gst-inspect-1.0` and `gst-launch-1.0` see it.

use std::fs;

use convene_test_support::Plugins;

use crate::support::{stream, three_pages};

fn plugins() -> Plugins {
    Plugins::new(&["gstconvenescreen"])
}

/// Runs the line and expects it to end well.
fn launch(plugins: &Plugins, line: &str) {
    let ran = plugins.launch(line);
    assert!(ran.ok, "{line}\n{}", ran.output);
    assert!(!ran.output.contains("CRITICAL") && !ran.output.contains("WARNING"), "{line}\n{}", ran.output);
}

/// Runs the line and expects it to fail with this sentence.
fn launch_in_vain(plugins: &Plugins, line: &str, sentence: &str) {
    let ran = plugins.launch(line);
    assert!(!ran.ok, "{line}\n{}", ran.output);
    assert!(ran.output.contains(sentence), "{line}\n{}", ran.output);
    assert!(!ran.output.contains("CRITICAL"), "{line}\n{}", ran.output);
}

#[test]
fn every_element_can_be_inspected() {
    let plugins = plugins();
    for (element, expected) in [
        ("screenenc", &["video/x-convene-screen", "{ (string)BGRx, (string)BGRA", "Codec/Encoder/Video"][..]),
        ("screendec", &["video/x-convene-screen", "draw-cursor", "format: BGRx", "primary (256)"]),
        ("screenrelay", &["src_%u", "On request", "acknowledge"]),
        ("screensink", &["location", "display-name", "token", "ca-file", "tls-verify", "Sink/Network/Video"]),
        (
            "screensrc",
            &["location", "display-name", "token", "ca-file", "tls-verify", "Source/Network/Video"],
        ),
    ] {
        let ran = plugins.inspect(element);
        assert!(ran.ok, "{element}: {}", ran.output);
        for words in expected {
            assert!(ran.output.contains(words), "{element}: {words} is missing in\n{}", ran.output);
        }
    }
}

#[test]
fn a_screen_goes_into_a_file_and_comes_back() {
    let plugins = plugins();
    launch(
        &plugins,
        "videotestsrc num-buffers=30 ! videoconvert ! screenenc ! filesink location=talk.screen",
    );
    launch(&plugins, "filesrc location=talk.screen ! screendec ! videoconvert ! fakesink");
    // Whatever follows a typefinder knows our stream as well.
    launch(&plugins, "filesrc location=talk.screen ! decodebin ! videoconvert ! fakesink");
}

#[test]
fn a_relay_serves_two_branches() {
    let plugins = plugins();
    launch(
        &plugins,
        "videotestsrc num-buffers=30 ! videoconvert ! screenenc ! screenrelay name=relay \
         relay. ! filesink location=relayed.screen \
         relay. ! screendec ! videoconvert ! fakesink",
    );
    launch(&plugins, "filesrc location=relayed.screen ! screendec ! videoconvert ! fakesink");
}

#[test]
fn a_relays_pad_can_acknowledge() {
    // The decoder tells what it has painted.
    launch(
        &plugins(),
        "videotestsrc num-buffers=30 ! videoconvert ! screenenc ! screenrelay name=relay src_0::acknowledge=true \
         relay.src_0 ! screendec ! fakesink",
    );
}

#[test]
fn a_truncated_file_is_named() {
    let plugins = plugins();
    let stream = stream(&three_pages());
    fs::write(plugins.folder().join("cut.screen"), &stream[..stream.len() - 5])
        .expect("the folder can be written");
    launch_in_vain(
        &plugins,
        "filesrc location=cut.screen ! screendec ! videoconvert ! fakesink",
        "the screen stream ends inside a record: 5 more bytes were to come",
    );
}

#[test]
fn what_is_wrong_with_a_location_is_said() {
    let plugins = plugins();
    launch_in_vain(
        &plugins,
        "videotestsrc num-buffers=3 ! videoconvert ! screenenc ! screensink",
        "The property location is not set.",
    );
    launch_in_vain(
        &plugins,
        "screensrc location=https://localhost:8443/12345 ! fakesink",
        "the code at its end must have 9 digits",
    );
    launch_in_vain(
        &plugins,
        "screensrc location=https://localhost:8443/123456789 ca-file=nowhere.pem ! fakesink",
        "The certificates in the ca-file nowhere.pem cannot be used",
    );
}
