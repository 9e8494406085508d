//! The built plugin, as `gst-inspect-1.0` and `gst-launch-1.0` see it.

use std::path::Path;
use std::process::Command;

use convene_test_support::Plugins;

use crate::support::{VOLUME, assert_heard, wave};

fn plugins() -> Plugins {
    Plugins::new(&["gstconveneconference"])
}

/// Runs the line and expects it to end well.
fn launch(plugins: &Plugins, line: &str) {
    let ran = plugins.launch(line);
    assert!(ran.ok, "{line}\n{}", ran.output);
    assert!(!ran.output.contains("CRITICAL") && !ran.output.contains("WARNING"), "{line}\n{}", ran.output);
}

fn ffmpeg(arguments: &[&str], into: &Path) {
    let ran = Command::new("ffmpeg").args(["-v", "error"]).args(arguments).arg(into).status();
    assert!(ran.expect("ffmpeg is installed").success(), "{arguments:?}");
}

/// Two seconds of a tone, as fast as they are taken.
fn tone(hertz: u32) -> String {
    format!(
        "audiotestsrc num-buffers=100 samplesperbuffer=960 freq={hertz} volume={VOLUME} ! audio/x-raw,rate=48000,channels=1"
    )
}

#[test]
fn the_element_can_be_inspected() {
    let ran = plugins().inspect("conferencemixer");
    assert!(ran.ok, "{}", ran.output);
    for words in [
        "sink_%u",
        "src_%u",
        "mix",
        "application/x-rtp",
        "audio/x-opus",
        "bitrate",
        "stay-open",
        "mute",
        "stats",
    ] {
        assert!(ran.output.contains(words), "{words} is missing in\n{}", ran.output);
    }
}

#[test]
fn three_files_become_one_mix() {
    let plugins = plugins();
    for (name, hertz) in [("ann", 400), ("bob", 700)] {
        launch(&plugins, &format!("{} ! opusenc ! oggmux ! filesink location={name}.ogg", tone(hertz)));
    }
    launch(&plugins, &format!("{} ! wavenc ! filesink location=cem.wav", tone(1000)));
    launch(
        &plugins,
        "conferencemixer name=mixer mixer.mix ! queue ! wavenc ! filesink location=all.wav \
         filesrc location=ann.ogg ! oggdemux ! queue ! mixer.sink_0 \
         filesrc location=bob.ogg ! decodebin ! audioconvert ! audioresample ! mixer.sink_1 \
         filesrc location=cem.wav ! wavparse ! audioconvert ! audioresample ! mixer.sink_2 \
         mixer.src_1 ! queue ! wavenc ! filesink location=without_bob.wav",
    );
    let all = wave(&plugins.folder().join("all.wav"));
    assert_heard(&all, &[400.0, 700.0, 1000.0], &[550.0]);
    assert!((96_000..100_000).contains(&all.len()), "two seconds and little more, not {}", all.len());
    assert_heard(&wave(&plugins.folder().join("without_bob.wav")), &[400.0, 1000.0], &[700.0]);
}

#[test]
fn opus_by_rtp_goes_in_and_comes_out() {
    let plugins = plugins();
    let speak = |hertz, seat| format!("{} ! opusenc ! rtpopuspay ! mixer.sink_{seat}", tone(hertz));
    let listen = |seat| {
        format!(
            "mixer.src_{seat} ! queue ! rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,channels=1 ! wavenc ! filesink location={seat}.wav"
        )
    };
    let pads = [speak(400, 0), speak(700, 1), speak(1000, 2), listen(0), listen(1), listen(2), listen(7)];
    launch(&plugins, &format!("conferencemixer name=mixer {}", pads.join(" ")));
    let heard = |seat: u32| wave(&plugins.folder().join(format!("{seat}.wav")));
    assert_heard(&heard(0), &[700.0, 1000.0], &[400.0]);
    assert_heard(&heard(1), &[400.0, 1000.0], &[700.0]);
    assert_heard(&heard(2), &[400.0, 700.0], &[1000.0]);
    // Who has no sink hears everybody.
    assert_heard(&heard(7), &[400.0, 700.0, 1000.0], &[]);
}

/// GStreamer's own telephone codecs, and FFmpeg's G.722.
#[test]
fn telephones_by_rtp_are_heard_and_hear() {
    let plugins = plugins();
    let file = |name: &str| plugins.folder().join(name);
    ffmpeg(
        &["-f", "lavfi", "-i", "sine=1000:duration=2:sample_rate=16000", "-af", "volume=1.46"],
        &file("cem.g722"),
    );
    let narrow = |hertz| format!("{} ! audioresample ! audio/x-raw,rate=8000", tone(hertz));
    launch(
        &plugins,
        &format!(
            "conferencemixer name=mixer {} ! mulawenc ! rtppcmupay ! mixer.sink_0 \
             {} ! alawenc ! rtppcmapay ! mixer.sink_1 \
             pushfilesrc location=cem.g722 time-segment=true ! audio/G722,rate=16000,channels=1 \
             ! identity datarate=8000 ! rtpg722pay max-ptime=20000000 ! mixer.sink_2 \
             mixer.src_0 ! queue ! rtppcmudepay ! mulawdec ! audioresample ! audio/x-raw,rate=48000 ! wavenc ! filesink location=0.wav \
             mixer.src_1 ! queue ! rtppcmadepay ! alawdec ! audioresample ! audio/x-raw,rate=48000 ! wavenc ! filesink location=1.wav \
             mixer.src_2 ! queue ! rtpg722depay ! filesink location=2.g722",
            narrow(400),
            narrow(700)
        ),
    );
    ffmpeg(&["-f", "g722", "-i", &file("2.g722").to_string_lossy(), "-ar", "48000"], &file("2.wav"));
    assert_heard(&wave(&file("0.wav")), &[700.0, 1000.0], &[400.0]);
    assert_heard(&wave(&file("1.wav")), &[400.0, 1000.0], &[700.0]);
    assert_heard(&wave(&file("2.wav")), &[400.0, 700.0], &[1000.0]);
}

#[test]
fn opus_without_rtp_fits_into_files() {
    let plugins = plugins();
    launch(
        &plugins,
        &format!(
            "conferencemixer name=mixer mixer.mix ! audio/x-opus ! oggmux ! filesink location=all.ogg \
             {} ! mixer.sink_0 {} ! mixer.sink_1",
            tone(400),
            tone(700)
        ),
    );
    launch(&plugins, "filesrc location=all.ogg ! oggdemux ! opusdec ! wavenc ! filesink location=all.wav");
    assert_heard(&wave(&plugins.folder().join("all.wav")), &[400.0, 700.0], &[]);
}

/// One comes as Opus and one by telephone.
#[test]
fn participants_come_out_alone_beside_the_mix() {
    let plugins = plugins();
    launch(&plugins, &format!("{} ! opusenc ! oggmux ! filesink location=ann.ogg", tone(400)));
    launch(
        &plugins,
        &format!(
            "conferencemixer name=mixer mixer.mix ! queue ! wavenc ! filesink location=all.wav \
             filesrc location=ann.ogg ! oggdemux ! queue ! mixer.sink_0 \
             {} ! audioresample ! audio/x-raw,rate=8000 ! mulawenc ! rtppcmupay ! mixer.sink_1 \
             mixer.solo_0 ! queue ! oggmux ! filesink location=ann_alone.ogg \
             mixer.solo_1 ! queue ! oggmux ! filesink location=bob_alone.ogg",
            tone(700)
        ),
    );
    let file = |name: &str| plugins.folder().join(name);
    assert_heard(&wave(&file("all.wav")), &[400.0, 700.0], &[1000.0]);
    for (name, heard, not_heard) in [("ann_alone", 400.0, 700.0), ("bob_alone", 700.0, 400.0)] {
        let alone = file(&format!("{name}.ogg")).to_string_lossy().into_owned();
        ffmpeg(
            &["-i", &alone, "-ac", "1", "-ar", "48000", "-fflags", "+bitexact", "-flags:a", "+bitexact"],
            &file(&format!("{name}.wav")),
        );
        assert_heard(&wave(&file(&format!("{name}.wav"))), &[heard], &[not_heard]);
    }
}
