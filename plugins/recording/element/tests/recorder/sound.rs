//! Recordings without pictures.

use gst::prelude::*;

use crate::live::{recorder, running_time};
use crate::support::{assemble, bytes, collect, packets, parse, pass, play, plays, wait};

const TONE: &str = "audiotestsrc is-live=true";

/// Real time: blocks of two seconds, each of which a player can begin at, and a pause that leaves no hole.
#[test]
fn a_live_recording_of_sound_comes_in_blocks_and_can_be_paused_and_sought() {
    let pipeline =
        parse(&format!("{TONE} ! meetingrecorder name=r layout=sound ! appsink name=sink sync=false"));
    let buffers = collect(&pipeline);
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, 4_700);
    let before = running_time(&pipeline);
    recorder(&pipeline).set_property("paused", true);
    pass(&pipeline, 600);
    recorder(&pipeline).set_property("paused", false);
    let paused = running_time(&pipeline) - before;
    pass(&pipeline, 700);
    assert!(recorder(&pipeline).send_event(gst::event::Eos::new()));
    let asked = running_time(&pipeline);
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");

    let buffers = buffers.lock().expect("no panic");
    let starts: Vec<u64> = buffers[1..buffers.len() - 1]
        .iter()
        .map(|block| block.pts().expect("a block has its place").mseconds())
        .collect();
    // The pause begins the fourth.
    assert_eq!(starts.len(), 4, "{starts:?}");
    for (start, wanted) in starts.iter().zip([0, 2_000, 4_000, 4_700]) {
        assert!(start.abs_diff(wanted) < 150, "{starts:?}");
    }
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("sound.webm");
    std::fs::write(&file, assemble(&buffers)).expect("written");
    let length = plays(&file);
    assert!((length - (asked - paused)).abs() < 0.3, "{length} s of {asked} s less {paused} s");
    assert!(packets(&file, "v").is_empty());
    let sound = packets(&file, "a");
    let holes = sound.windows(2).filter(|pair| 0.0215 < pair[1].0 - pair[0].0);
    assert_eq!(holes.count(), 0, "{sound:?}");
    // The index leads to each block.
    let sought = sought(&file, 4.3);
    assert!((3.9..4.3).contains(&sought), "{sought} s");

    // What a crash would leave plays, too.
    let prefix: Vec<u8> = buffers[..3].iter().flat_map(bytes).collect();
    std::fs::write(&file, prefix).expect("written");
    let last = packets(&file, "a").last().expect("there is sound").0;
    assert!((3.8..4.2).contains(&last), "{last} s");
}

#[test]
fn with_layout_sound_pictures_find_no_pad() {
    let pipeline = parse("meetingrecorder name=r layout=sound ! fakesink audiotestsrc num-buffers=50 ! r.");
    let recorder = recorder(&pipeline);
    assert!(recorder.request_pad_simple("screen").is_none());
    assert!(recorder.request_pad_simple("feed_%u").is_none());
    assert_eq!(play(&pipeline), Vec::<String>::new());
}

#[test]
fn pads_of_pictures_that_were_there_before_are_told() {
    let pipeline = parse("videotestsrc num-buffers=3 ! meetingrecorder name=r ! fakesink");
    recorder(&pipeline).set_property_from_str("layout", "sound");
    assert_eq!(
        play(&pipeline)[0],
        "With layout=sound no pictures are recorded: release the screen and feed_%u pads, or set another layout."
    );
}

/// Where a player is after it was told to go to a second.
fn sought(file: &std::path::Path, second: f64) -> f64 {
    let interval = format!("{second}%+#1");
    let run = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-read_intervals", &interval, "-show_entries", "packet=pts_time"])
        .args(["-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffmpeg is installed");
    let text = String::from_utf8_lossy(&run.stdout);
    text.trim().trim_end_matches(',').parse().unwrap_or_else(|_| panic!("{text}"))
}
