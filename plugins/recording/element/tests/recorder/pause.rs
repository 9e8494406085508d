//! What happens while a recorder is paused is left out.

use std::sync::mpsc;
use std::time::Duration;

use gst::prelude::*;
use tempfile::TempDir;

use crate::live::{Meeting, SCREEN, recorder, running_time};
use crate::support::{collect, colours_at, grey_frame, packets, parse, pass, picture_at, plays, wait};

/// Nothing that works takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

const TALK: &str = "videotestsrc is-live=true pattern=ball ! meetingrecorder name=r pause-card=Paused audiotestsrc is-live=true ! r.";

#[test]
fn a_file_goes_on_where_it_was_with_a_keyframe_of_what_is_there_now() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r"));
    meeting.show(grey_frame(320, 240, 200, 0), 2000);
    meeting.pass_until(3_000);
    recorder(&meeting.pipeline).set_property("paused", true);
    bring(&meeting, grey_frame(320, 240, 60, 1));
    meeting.clock.set_time(gst::ClockTime::from_seconds(8));
    recorder(&meeting.pipeline).set_property("paused", false);
    meeting.pass_until(10_000);

    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 5.0);
    let keys: Vec<f64> = packets(&file, "v").into_iter().filter(|(_, key)| *key).map(|(at, _)| at).collect();
    assert_eq!(keys, [0.0, 2.0, 3.0]);
    let middle = |second| picture_at(&file, second).0[320 * 120];
    assert!(180 < middle(2.0) && middle(4.0) < 80, "{} then {}", middle(2.0), middle(4.0));
}

/// A card says so for a second, with the title below; then what is there now is seen, which came before the card was over.
#[test]
fn where_a_recording_was_paused_a_card_can_say_so() {
    let meeting =
        Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r title=Budget pause-card=一時停止"));
    meeting.show(grey_frame(320, 240, 200, 0), 2000);
    meeting.pass_until(3_000);
    recorder(&meeting.pipeline).set_property("paused", true);
    bring(&meeting, grey_frame(320, 240, 100, 1));
    meeting.clock.set_time(gst::ClockTime::from_seconds(8));
    recorder(&meeting.pipeline).set_property("paused", false);
    meeting.pass_until(11_000);

    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 6.0);
    // Ink in the middle, where the card's words are, and below, where the title is; and what is beside them.
    let seen = |second| {
        let (pixels, width) = picture_at(&file, second);
        let brightest = |rows: std::ops::Range<usize>| {
            *pixels[rows.start * width..rows.end * width].iter().max().expect("rows")
        };
        (brightest(80..160), brightest(160..240), pixels[5 * width + 5])
    };
    let (words, title, corner) = seen(3.0);
    assert!(150 < words && 150 < title && corner < 40, "{words}, {title} and {corner}");
    let (words, _, corner) = seen(4.0);
    assert!(words < 120 && (80..120).contains(&corner), "{words} and {corner}");
    let before = colours_at(&file, 2.9, 320, &[(5, 5)]);
    assert!(180 < before[0][0], "{before:?}");
    let keys: Vec<f64> = packets(&file, "v").into_iter().filter(|(_, key)| *key).map(|(at, _)| at).collect();
    assert_eq!(keys, [0.0, 2.0, 3.0, 5.0]);
}

/// Brings a picture. When this returns, it has been taken: another one just like it has come to the pad.
fn bring(meeting: &Meeting, picture: gst::Buffer) {
    let screen = meeting.pipeline.by_name("screen").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    let pad = recorder(&meeting.pipeline).static_pad("screen").expect("a pad");
    let (come, comes) = mpsc::channel();
    let probe = pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        come.send(()).expect("the test waits for it");
        gst::PadProbeReturn::Ok
    });
    for picture in [picture.copy(), picture] {
        screen.push_buffer(picture).expect("it is taken");
        comes.recv_timeout(PATIENCE).expect("it comes");
    }
    pad.remove_probe(probe.expect("a probe"));
}

#[test]
fn a_recorder_that_begins_paused_begins_when_it_goes_on() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r paused=true"));
    meeting.clock.set_time(gst::ClockTime::from_seconds(5));
    recorder(&meeting.pipeline).set_property("paused", false);
    meeting.show(grey_frame(320, 240, 200, 0), 7000);
    meeting.pass_until(8_000);
    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 3.0);
}

/// Real time: the sound goes on without a hole, and as much is left out as was paused.
#[test]
fn sound_goes_on_without_a_hole() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("paused.webm");
    let pipeline = parse(&format!("{TALK} r. ! filesink location={}", file.display()));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let mut paused = 0.0;
    for _ in 0..2 {
        pass(&pipeline, 700);
        let before = running_time(&pipeline);
        recorder(&pipeline).set_property("paused", true);
        pass(&pipeline, 600);
        recorder(&pipeline).set_property("paused", false);
        paused += running_time(&pipeline) - before;
    }
    pass(&pipeline, 700);
    assert!(recorder(&pipeline).send_event(gst::event::Eos::new()));
    let asked = running_time(&pipeline);
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");

    let length = plays(&file);
    assert!(
        (length - (asked - paused)).abs() < 0.3,
        "{length} s of {asked} s, of which {paused} s were paused"
    );
    let sound = packets(&file, "a");
    let holes = sound.windows(2).filter(|pair| 0.0215 < pair[1].0 - pair[0].0);
    assert_eq!(holes.count(), 0, "{sound:?}");
}

/// Nobody knows how long a pause is: whoever is killed in it has lost nothing.
#[test]
fn all_that_was_recorded_goes_out_when_a_pause_begins() {
    let pipeline = parse(&format!("{TALK} r. ! appsink name=sink sync=false"));
    let buffers = collect(&pipeline);
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, 900);
    recorder(&pipeline).set_property("paused", true);
    let until = running_time(&pipeline);
    let out = || {
        let buffers = buffers.lock().expect("no panic");
        let end = buffers.last().and_then(|block| block.pts().zip(block.duration()));
        end.map_or(0.0, |(pts, length)| (pts + length).mseconds() as f64 / 1000.0)
    };
    let waits = (0..PATIENCE.as_millis() / 20).take_while(|_| out() < until - 0.1);
    waits.for_each(|_| pass(&pipeline, 20));
    assert!(until - 0.1 <= out(), "{} s of {until} s went out", out());
    pipeline.set_state(gst::State::Null).expect("it stops");
}
