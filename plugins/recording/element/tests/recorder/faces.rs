//! Faces beside the screen and without one: who is in the picture, where, and by which name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gst::prelude::*;
use tempfile::TempDir;

use crate::support::{colours_at, parse, pass, play, plays, wait};

/// The colours of `videotestsrc`, as luma and both chromas.
const RED: [u8; 3] = [81, 90, 240];
const GREEN: [u8; 3] = [145, 54, 34];
const BLUE: [u8; 3] = [41, 240, 110];
const BLACK: [u8; 3] = [16, 128, 128];

/// Far more than a camera takes to begin.
const LATE_MAX: Duration = Duration::from_secs(20);

/// All pictures here are so wide.
const WIDTH: usize = 640;

/// A camera of one colour, by its pattern.
fn camera(pattern: &str, count: u32) -> String {
    format!(
        "videotestsrc pattern={pattern} num-buffers={count} ! video/x-raw,format=I420,width=320,height=240"
    )
}

fn record(line: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("faces.webm");
    let line = format!("meetingrecorder name=r {line} r. ! filesink location={}", file.display());
    assert_eq!(play(&parse(&line)), Vec::<String>::new(), "{line}");
    (folder, file)
}

/// How long it has played.
fn seconds(pipeline: &gst::Pipeline) -> f64 {
    pipeline.current_running_time().expect("it plays").mseconds() as f64 / 1000.0
}

/// Each of these pixels has that colour nearly.
fn assert_colours(file: &Path, second: f64, pixels: &[((usize, usize), [u8; 3])]) {
    let places: Vec<(usize, usize)> = pixels.iter().map(|(place, _)| *place).collect();
    for ((place, wanted), got) in pixels.iter().zip(colours_at(file, second, WIDTH, &places)) {
        let is_near = wanted.iter().zip(got).all(|(wanted, got)| wanted.abs_diff(got) < 12);
        assert!(is_near, "at {second} s, {place:?}: {got:?}, not {wanted:?}");
    }
}

#[test]
fn faces_stand_beside_the_screen() {
    let (_folder, file) = record(&format!(
        "videotestsrc pattern=blue num-buffers=60 ! video/x-raw,width=640,height=480 ! r.screen \
         {} ! vp8enc deadline=1 ! r.feed_0 {} ! r.feed_1",
        camera("red", 60),
        camera("green", 60)
    ));
    assert!((plays(&file) - 2.0).abs() < 0.1);
    assert_colours(
        &file,
        1.0,
        &[((10, 240), BLUE), ((420, 240), BLUE), ((560, 180), RED), ((560, 300), GREEN), ((560, 60), BLACK)],
    );
}

#[test]
fn one_face_alone_has_the_whole_picture_and_ten_share_it() {
    let (_folder, file) = record(&format!("width=640 height=480 {} ! r.feed_0", camera("red", 30)));
    assert_colours(&file, 0.5, &[((2, 2), RED), ((637, 477), RED), ((320, 240), RED)]);

    let cameras: String = (0..10)
        .map(|number| format!("{} ! r.feed_{number} ", camera(["red", "green", "blue"][number % 3], 20)))
        .collect();
    let (_folder, file) = record(&format!("width=640 height=480 {cameras}"));
    let tiles = [(80, 80, RED), (240, 80, GREEN), (400, 80, BLUE), (560, 80, RED), (80, 240, GREEN)];
    let tiles = tiles.map(|(x, y, colour)| ((x, y), colour));
    let rest = [((240, 400), BLUE), ((400, 400), RED), ((40, 450), [0x26, 128, 128])];
    assert_colours(&file, 0.5, &[&tiles[..], &rest].concat());
}

/// The name is in the lower left corner of the face, and nowhere else.
#[test]
fn names_are_painted_in_any_script() {
    for name in ["Ann", "山田太郎", "عائشة"] {
        let (_folder, file) = record(&format!(
            "width=640 height=480 feed_0::display-name={name} {} ! r.feed_0",
            camera("red", 10)
        ));
        let places: Vec<(usize, usize)> = (0..40).flat_map(|y| (0..100).map(move |x| (x, 440 + y))).collect();
        let bright =
            colours_at(&file, 0.2, WIDTH, &places).into_iter().filter(|[luma, ..]| 150 < *luma).count();
        assert!(20 < bright && bright < 2_000, "{name}: {bright} pixels");
        assert_colours(&file, 0.2, &[((320, 100), RED), ((630, 400), RED)]);
    }
}

#[test]
fn garbage_is_told_and_shows_nothing_until_the_next_key_frame() {
    let pipeline = parse(&format!(
        "meetingrecorder name=r width=640 height=480 ! fakesink {} ! r.feed_0 \
         appsrc name=camera format=time caps=video/x-vp8 ! r.feed_1",
        camera("red", 30)
    ));
    let source = pipeline.by_name("camera").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    for number in 0..30 {
        let mut buffer = gst::Buffer::from_slice([0x10, 2, 3, number, 0xff, 0xff]);
        let stamped = buffer.get_mut().expect("a new buffer is writable");
        stamped.set_pts(gst::ClockTime::from_mseconds(33 * u64::from(number)));
        source.push_buffer(buffer).expect("taken");
    }
    source.end_of_stream().expect("taken");
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = warnings.clone();
    pipeline.bus().expect("a pipeline has a bus").set_sync_handler(move |_, message| {
        if let gst::MessageView::Warning(warning) = message.view() {
            heard.lock().expect("no panic").push(warning.error().to_string());
        }
        gst::BusSyncReply::Pass
    });
    assert_eq!(play(&pipeline), Vec::<String>::new());
    let warnings = warnings.lock().expect("no panic");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("What comes into feed_1 is shown again from its next key frame on: "));
}

#[test]
fn a_17th_face_is_refused() {
    let pipeline = parse("meetingrecorder name=r ! fakesink");
    let recorder = pipeline.by_name("r").expect("the recorder");
    for _ in 0..16 {
        assert!(recorder.request_pad_simple("feed_%u").is_some());
    }
    assert!(recorder.request_pad_simple("feed_%u").is_none());
    recorder.release_request_pad(&recorder.static_pad("feed_4").expect("a pad"));
    assert!(recorder.request_pad_simple("feed_4").is_some());
}

/// Live: green comes late and goes early, and blue never sends anything. The file has the meeting's length all the same.
#[test]
fn who_comes_late_and_who_leaves_are_seen_while_they_are_there() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("live.webm");
    let pipeline = parse(&format!(
        "meetingrecorder name=r width=640 height=480 ! filesink location={} \
         videotestsrc is-live=true pattern=red ! video/x-raw,format=I420,width=320,height=240 ! r.feed_0 \
         appsrc name=silent is-live=true format=time caps=video/x-vp8 ! r.feed_1",
        file.display()
    ));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, 700);
    let line =
        "videotestsrc is-live=true pattern=green ! video/x-raw,width=320,height=240 ! vp8enc deadline=1";
    let camera = gst::parse::bin_from_description(line, true).expect("a camera");
    pipeline.add(&camera).expect("added");
    let recorder = pipeline.by_name("r").expect("the recorder");
    let pad = recorder.request_pad_simple("feed_%u").expect("a pad");
    let outlet = camera.static_pad("src").expect("a pad");
    let (tell, first) = std::sync::mpsc::channel();
    outlet.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        // Only the first is waited for.
        let _ = tell.send(());
        gst::PadProbeReturn::Remove
    });
    outlet.link(&pad).expect("linked");
    camera.sync_state_with_parent().expect("it plays");
    // How long an encoder takes to begin is not what is tested here.
    first.recv_timeout(LATE_MAX).expect("the camera begins");
    let seen = seconds(&pipeline) + 0.5;
    pass(&pipeline, 1_000);
    camera.set_state(gst::State::Null).expect("it stops");
    pipeline.remove(&camera).expect("removed");
    recorder.release_request_pad(&pad);
    pass(&pipeline, 700);
    assert!(recorder.send_event(gst::event::Eos::new()));
    let asked = seconds(&pipeline);
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");

    let length = plays(&file);
    assert!((length - asked).abs() < 0.3, "{length} s, not {asked} s");
    let alone = [((10, 240), RED), ((630, 240), RED)];
    assert_colours(&file, 0.0, &alone);
    assert_colours(&file, seen, &[((160, 240), RED), ((480, 240), GREEN), ((160, 30), BLACK)]);
    assert_colours(&file, length - 0.2, &alone);
}

/// Hidden, the screen leaves its place to the faces.
#[test]
fn a_hidden_screen_is_not_in_the_picture() {
    let (_folder, file) = record(&format!(
        "width=640 height=480 screen::shown=false videotestsrc pattern=blue num-buffers=20 ! r.screen {} ! r.feed_0",
        camera("red", 20)
    ));
    assert_colours(&file, 0.3, &[((5, 240), RED), ((630, 240), RED)]);
}

#[test]
fn a_layout_says_what_of_both_is_recorded() {
    for (layout, middle, right) in [("beside", BLUE, RED), ("screen", BLUE, BLUE), ("faces", RED, RED)] {
        let (_folder, file) = record(&format!(
            "width=640 height=480 layout={layout} videotestsrc pattern=blue num-buffers=20 ! r.screen {} ! r.feed_0",
            camera("red", 20)
        ));
        assert_colours(&file, 0.3, &[((200, 240), middle), ((600, 240), right)]);
    }
}

/// Where neither a screen nor a face is shown, the title says what this is.
#[test]
fn a_recording_without_pictures_has_a_title() {
    for title in ["Budget", "山田太郎", "عائشة"] {
        let (_folder, file) = record(&format!(
            "width=640 height=480 title={title} screen::shown=false videotestsrc pattern=blue is-live=true num-buffers=60 ! r.screen"
        ));
        let places: Vec<(usize, usize)> = (200..280).flat_map(|y| (200..440).map(move |x| (x, y))).collect();
        let colours = colours_at(&file, 0.3, WIDTH, &places);
        let bright = colours.into_iter().filter(|[luma, ..]| 150 < *luma).count();
        assert!(100 < bright && bright < 5_000, "{title}: {bright} pixels");
        assert_colours(&file, 0.3, &[((10, 10), [0x26, 128, 128]), ((630, 470), [0x26, 128, 128])]);
    }
}
