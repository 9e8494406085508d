//! What is live: recorded by the clock, whatever comes or does not.

use std::sync::{Arc, Mutex};

use crate::support::{assemble, collect, grey_frame, packets, parse, pass, picture_at, plays, wait};
use gst::prelude::*;
use tempfile::TempDir;

pub const SCREEN: &str = "appsrc name=screen is-live=true format=time caps=video/x-raw,format=BGRx,width=320,height=240,framerate=0/1";

/// A busy machine needs some thousand.
const TRIES_MAX: u32 = 10_000_000;

/// Ten seconds of one picture, in the time of a test clock.
#[test]
fn a_screen_that_never_changes_has_the_length_of_the_meeting() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r"));
    meeting.show(grey_frame(320, 240, 200, 0), 2000);
    meeting.pass_until(10_000);
    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 10.0);
    let packets = packets(&file, "v");
    assert_eq!(packets, [(0.0, true), (2.0, true), (4.0, true), (6.0, true), (8.0, true), (9.967, false)]);
    assert!(180 < picture_at(&file, 9.0).0[320 * 120]);
}

#[test]
fn no_screen_is_a_dark_picture() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r"));
    meeting.pass_until(5_000);
    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 5.0);
    let (pixels, width) = picture_at(&file, 4.0);
    assert_eq!((width, pixels.len()), (1280, 1280 * 720));
    assert!(pixels[1280 * 360] < 40);
}

/// It comes after three seconds, and is fitted into what was recorded before.
#[test]
fn a_screen_that_comes_late_is_recorded_when_it_comes() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r width=640 height=480"));
    meeting.pass_until(3_000);
    meeting.show(grey_frame(320, 240, 200, 0), 4000);
    meeting.pass_until(6_000);
    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 6.0);
    let (pixels, width) = picture_at(&file, 5.0);
    assert_eq!((width, pixels.len()), (640, 640 * 480));
    assert!(180 < pixels[640 * 240 + 10]);
    assert!(picture_at(&file, 1.9).0[640 * 240 + 10] < 40);
}

/// A source that is not even linked, for a recorder that is told that it is live.
#[test]
fn force_live_needs_no_source() {
    let meeting = Meeting::start("meetingrecorder name=r force-live=true");
    meeting.pass_until(3_000);
    let (_folder, file) = meeting.end();
    assert_eq!(plays(&file), 3.0);
}

/// Real time: sound and screen are both there, and neither says anything.
#[test]
fn silent_sources_do_not_stall() {
    let line = format!(
        "{SCREEN} ! meetingrecorder name=r \
         appsrc name=sound is-live=true format=time caps=audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved ! r.audio_0"
    );
    let timing = real_time(&line, 1500, |pipeline| {
        assert!(recorder(pipeline).send_event(gst::event::Eos::new()));
    });
    timing.is_as_asked();
}

/// Real time: when the screen's source ends, the recording goes on with the sound, and ends with it.
#[test]
fn the_recording_ends_when_all_pads_have() {
    let line = "videotestsrc is-live=true num-buffers=15 ! meetingrecorder name=r \
                audiotestsrc is-live=true num-buffers=75 samplesperbuffer=960 ! r.";
    let timing = real_time(line, 0, |_| {});
    timing.lasts(1.5);
}

/// The other way round: the sound's track lasts as long as the screen's.
#[test]
fn sound_that_ends_early_is_followed_by_silence() {
    let line = "videotestsrc is-live=true num-buffers=45 ! meetingrecorder name=r \
                audiotestsrc is-live=true num-buffers=20 samplesperbuffer=960 ! r.";
    let timing = real_time(line, 0, |_| {});
    timing.lasts(1.5);
    // Its source ended at 0.4 s.
    assert!(0.8 < timing.sound, "{timing:?}");
}

/// Real time: somebody joins, and leaves.
#[test]
fn sound_can_come_and_go() {
    let line = "videotestsrc is-live=true ! meetingrecorder name=r audiotestsrc is-live=true ! r.";
    let timing = real_time(line, 400, |pipeline| {
        let recorder = recorder(pipeline);
        let joined =
            gst::ElementFactory::make("audiotestsrc").property("is-live", true).build().expect("installed");
        pipeline.add(&joined).expect("added");
        let pad = recorder.request_pad_simple("audio_%u").expect("a pad");
        assert_eq!(pad.name(), "audio_1");
        joined.static_pad("src").expect("a pad").link(&pad).expect("linked");
        joined.sync_state_with_parent().expect("it plays");
        pass(pipeline, 500);
        joined.set_state(gst::State::Null).expect("it stops");
        pipeline.remove(&joined).expect("removed");
        recorder.release_request_pad(&pad);
        pass(pipeline, 300);
        assert!(recorder.send_event(gst::event::Eos::new()));
    });
    timing.is_as_asked();
    assert!(0.6 < timing.sound, "{timing:?}");
}

/// The screen's source has ended, and then the only voice leaves.
#[test]
fn the_recording_ends_when_the_last_open_pad_leaves() {
    let line = "videotestsrc is-live=true num-buffers=10 ! meetingrecorder name=r audiotestsrc name=voice is-live=true ! r.";
    let timing = real_time(line, 800, |pipeline| {
        let voice = pipeline.by_name("voice").expect("a source");
        voice.set_state(gst::State::Null).expect("it stops");
        pipeline.remove(&voice).expect("removed");
        let pad = recorder(pipeline).static_pad("audio_0").expect("a pad");
        recorder(pipeline).release_request_pad(&pad);
    });
    timing.is_as_asked();
}

/// What passes while the pipeline is paused is not in the file.
#[test]
fn a_pause_leaves_no_gap() {
    let line = "videotestsrc is-live=true ! meetingrecorder name=r audiotestsrc is-live=true ! r.";
    let timing = real_time(line, 600, |pipeline| {
        pipeline.set_state(gst::State::Paused).expect("it pauses");
        pass(pipeline, 700);
        pipeline.set_state(gst::State::Playing).expect("it goes on");
        pass(pipeline, 600);
        assert!(recorder(pipeline).send_event(gst::event::Eos::new()));
    });
    timing.is_as_asked();
}

/// The source has ended long ago behind an element that goes on: only the recorder can end it.
#[test]
fn a_pipeline_that_is_told_to_end_ends() {
    let line = "videotestsrc num-buffers=1 ! imagefreeze is-live=true ! meetingrecorder name=r audiotestsrc is-live=true ! r.";
    let timing = real_time(line, 500, |pipeline| assert!(pipeline.send_event(gst::event::Eos::new())));
    timing.is_as_asked();
}

#[test]
fn a_pad_that_comes_too_late_is_refused() {
    let meeting = Meeting::start(&format!("{SCREEN} ! meetingrecorder name=r"));
    assert!(recorder(&meeting.pipeline).request_pad_simple("audio_%u").is_none());
    meeting.pass_until(1_000);
    assert_eq!(plays(&meeting.end().1), 1.0);
}

/// A recorder that joins a pipeline which plays for a second already has a file that begins at zero.
#[test]
fn a_recorder_can_join_late() {
    let pipeline = parse(
        "videotestsrc is-live=true ! tee name=t ! fakesink  audiotestsrc is-live=true ! tee name=s ! fakesink",
    );
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, 1000);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("late.webm");
    let bin = gst::parse::bin_from_description_with_name(
        &format!(
            "queue name=a ! r.screen queue name=b ! r.audio_0 meetingrecorder name=r ! filesink async=false location={}",
            file.display()
        ),
        false,
        "late",
    );
    let bin = bin.expect("a bin");
    for (queue, name) in [("a", "sink_a"), ("b", "sink_b")] {
        let target = bin.by_name(queue).and_then(|queue| queue.static_pad("sink")).expect("a pad");
        let ghost = gst::GhostPad::builder_with_target(&target).expect("a target").name(name).build();
        bin.add_pad(&ghost).expect("added");
    }
    pipeline.add(&bin).expect("added");
    for (tee, name) in [("t", "sink_a"), ("s", "sink_b")] {
        let tee = pipeline.by_name(tee).expect("a tee");
        let pad = tee.request_pad_simple("src_%u").expect("a pad");
        pad.link(&bin.static_pad(name).expect("a pad")).expect("linked");
    }
    let before = running_time(&pipeline);
    bin.sync_state_with_parent().expect("it plays");
    pass(&pipeline, 1200);
    assert!(recorder(&pipeline).send_event(gst::event::Eos::new()));
    let after = running_time(&pipeline);
    assert!(pipeline.send_event(gst::event::Eos::new()));
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    pipeline.set_state(gst::State::Null).expect("it stops");
    let length = plays(&file);
    let wanted = after - before;
    assert!((length - wanted).abs() < 0.3, "{length} s, not {wanted} s");
    assert!(packets(&file, "v")[0].0 < 0.1 && packets(&file, "a")[0].0 < 0.1);
}

/// A live pipeline whose time stands still until the test lets it pass.
pub struct Meeting {
    pub pipeline: gst::Pipeline,
    pub clock: gst_check::TestClock,
    buffers: Arc<Mutex<Vec<gst::Buffer>>>,
}

impl Meeting {
    pub fn start(line: &str) -> Self {
        let pipeline = parse(&format!("{line} ! appsink name=sink sync=false"));
        let recorder = recorder(&pipeline);
        if recorder.sink_pads().is_empty() {
            recorder.request_pad_simple("screen").expect("a pad");
        }
        let buffers = collect(&pipeline);
        let clock = gst_check::TestClock::new();
        pipeline.use_clock(Some(&clock));
        pipeline.set_state(gst::State::Playing).expect("it plays");
        Self { pipeline, clock, buffers }
    }

    /// Brings a picture, and waits until the recorder has nothing more to do before it repeats that at this time.
    pub fn show(&self, picture: gst::Buffer, milliseconds: u64) {
        let source = self.pipeline.by_name("screen").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
        source.push_buffer(picture).expect("it is taken");
        let grace = gst::ClockTime::SECOND / 30;
        let next = gst::ClockTime::from_mseconds(milliseconds) + grace;
        for _ in 0..TRIES_MAX {
            if self.clock.wait_for_next_pending_id().time() == next {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the recorder does not wait for {next}");
    }

    /// Lets everything happen that is due until then.
    pub fn pass_until(&self, milliseconds: u64) {
        let until = gst::ClockTime::from_mseconds(milliseconds);
        loop {
            let next = self.clock.wait_for_next_pending_id();
            if until < next.time() {
                break;
            }
            if self.clock.time() < next.time() {
                self.clock.set_time(next.time());
            }
            // It may have been unscheduled meanwhile, by a picture that came.
            self.clock.process_next_clock_id();
        }
        self.clock.set_time(until);
    }

    pub fn end(self) -> (TempDir, std::path::PathBuf) {
        assert!(recorder(&self.pipeline).send_event(gst::event::Eos::new()));
        assert_eq!(wait(&self.pipeline), Vec::<String>::new());
        self.pipeline.set_state(gst::State::Null).expect("it stops");
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("meeting.webm");
        std::fs::write(&file, assemble(&self.buffers.lock().expect("no panic"))).expect("written");
        (folder, file)
    }
}

/// How long a recording in real time is, and how long it should be, in seconds.
#[derive(Debug)]
struct Timing {
    length: f64,
    /// The running time when the test had done what ends it.
    asked: f64,
    /// The running time when it had ended.
    ended: f64,
    /// Where the last sound is. A busy machine mixes late, and silence that was not mixed yet is not at the end.
    sound: f64,
}

impl Timing {
    /// As long as until the end was asked for, however busy the machine is.
    fn is_as_asked(&self) {
        assert!((self.length - self.asked).abs() < 0.3, "{self:?}");
    }

    /// As long as the longer one of its sources.
    fn lasts(&self, seconds: f64) {
        assert!(seconds - 0.1 < self.length && self.length < self.ended + 0.1, "{self:?}");
    }
}

/// Records for so many milliseconds of real time, then does what ends it.
fn real_time(line: &str, milliseconds: u64, end: impl FnOnce(&gst::Pipeline)) -> Timing {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("live.webm");
    let pipeline = parse(&format!("{line} r. ! filesink location={}", file.display()));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    pass(&pipeline, milliseconds);
    end(&pipeline);
    let asked = running_time(&pipeline);
    assert_eq!(wait(&pipeline), Vec::<String>::new());
    let ended = running_time(&pipeline);
    pipeline.set_state(gst::State::Null).expect("it stops");
    let length = plays(&file);
    let last = |stream| packets(&file, stream).last().map_or(0.0, |(time, _)| *time);
    // A busy machine skips some of the last pictures, sound it never does.
    assert!(length - last("v") < 0.3, "pictures until {} of {length} s", last("v"));
    Timing { length, asked, ended, sound: last("a") }
}

pub fn running_time(pipeline: &gst::Pipeline) -> f64 {
    pipeline.current_running_time().expect("it plays").mseconds() as f64 / 1000.0
}

pub fn recorder(pipeline: &gst::Pipeline) -> gst::Element {
    pipeline.by_name("r").expect("the recorder")
}
