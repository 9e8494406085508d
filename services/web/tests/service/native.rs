//! Programs on GStreamer take part by `meetingsink` and `meetingsrc`: seen by colour, heard by tone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use convene_test_support::{AMPLITUDE, amplitude};
use gst::prelude::*;
use serde_json::json;

use super::support::{Client, Meeting, PATIENCE, Scene, scene};

const HERTZ: f64 = 700.0;

#[expect(clippy::disallowed_methods, reason = "pipelines run by the real clock")]
fn now() -> Instant {
    Instant::now()
}

/// A running pipeline; it ends with the test.
struct Program {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Program {
    fn start(description: &str) -> Self {
        Self::prepare(description).play()
    }

    fn prepare(description: &str) -> Self {
        gst::init().unwrap();
        gstconvenemeeting::plugin_register_static().unwrap();
        let bin = gst::parse::bin_from_description_with_name(description, false, "bin").unwrap();
        let pipeline = gst::Pipeline::new();
        pipeline.add(&bin).unwrap();
        let bus = pipeline.bus().unwrap();
        Self { pipeline, bus }
    }

    /// Why it does not start is on the bus.
    fn play(self) -> Self {
        let _ = self.pipeline.set_state(gst::State::Playing);
        self
    }

    /// A green camera and a tone.
    fn send(scene: &Scene, meeting: &Meeting) -> Self {
        Self::start(&format!(
            "meetingsink name=me {} display-name=Bot \
             videotestsrc is-live=true pattern=solid-color foreground-color=0xff00c000 ! video/x-raw,width=320,height=240,framerate=15/1 \
             ! vp8enc deadline=1 keyframe-max-dist=1000 ! me.video \
             audiotestsrc is-live=true freq={HERTZ} volume=0.3 ! opusenc ! me.audio",
            seat(scene, &meeting.code)
        ))
    }

    fn receive(scene: &Scene, meeting: &Meeting) -> Self {
        let picture = "vp8dec name=feed_0 ! videoconvert ! video/x-raw,format=RGB ! appsink name=picture sync=false wait-on-eos=false";
        Self::take(scene, meeting, picture)
    }

    fn hear(scene: &Scene, meeting: &Meeting) -> Self {
        Self::take(scene, meeting, "")
    }

    /// The voices, and whatever else; each pad is linked whenever it comes.
    fn take(scene: &Scene, meeting: &Meeting, more: &str) -> Self {
        let program = Self::prepare(&format!(
            "meetingsrc name=me {} display-name=Ear \
             opusdec name=audio ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=48000 ! appsink name=sound sync=false wait-on-eos=false \
             {more}",
            seat(scene, &meeting.code)
        ));
        let pipeline = program.pipeline.downgrade();
        program.pipeline.by_name("me").unwrap().connect_pad_added(move |_, pad| {
            if let Some(into) = pipeline.upgrade().and_then(|pipeline| pipeline.by_name(&pad.name())) {
                pad.link(&into.static_pad("sink").unwrap()).unwrap();
            }
        });
        program.play()
    }

    /// The fields of the next message of this name. An error fails the test.
    fn message(&self, name: &str) -> gst::Structure {
        let found = self.wait(gst::MessageType::Element, |message| {
            message.structure().filter(|structure| structure.name() == name).map(|found| found.to_owned())
        });
        found.unwrap_or_else(|error| panic!("{name} did not come: {error}"))
    }

    fn ends(&self) {
        self.wait(gst::MessageType::Eos, |_| Some(())).expect("it ends in good order");
    }

    fn error(&self) -> String {
        self.wait(gst::MessageType::Eos, |_| Some(())).expect_err("it cannot go on")
    }

    /// An error comes first.
    fn wait<T>(
        &self,
        kind: gst::MessageType,
        fits: impl Fn(&gst::Message) -> Option<T>,
    ) -> Result<T, String> {
        let end = now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(now());
            let left = gst::ClockTime::from_mseconds(left.as_millis() as u64);
            let Some(message) = self.bus.timed_pop_filtered(left, &[kind, gst::MessageType::Error]) else {
                return Err("nothing came".into());
            };
            if let gst::MessageView::Error(error) = message.view() {
                return Err(error.error().to_string());
            }
            if let Some(found) = fits(&message) {
                return Ok(found);
            }
        }
    }

    fn sample(&self, sink: &str) -> gst::Sample {
        let sink = self.pipeline.by_name(sink).unwrap().downcast::<gst_app::AppSink>().unwrap();
        sink.try_pull_sample(gst::ClockTime::from_seconds(PATIENCE.as_secs())).expect("something comes")
    }

    /// Waits until the middle of the picture is green.
    fn sees_green(&self) {
        let end = now() + PATIENCE;
        loop {
            let sample = self.sample("picture");
            let map = sample.buffer().unwrap().map_readable().unwrap();
            let middle = 3 * (120 * 320 + 160);
            let [red, green, blue] = map[middle..middle + 3] else { unreachable!() };
            if red < 60 && 130 < green && blue < 60 {
                return;
            }
            assert!(now() < end, "{red} {green} {blue}");
        }
    }

    /// Waits until the tone is there, or is not.
    fn hears(&self, is_there: bool) {
        let end = now() + PATIENCE;
        loop {
            let mut sound: Vec<i16> = Vec::new();
            while sound.len() < 9_600 {
                let sample = self.sample("sound");
                let map = sample.buffer().unwrap().map_readable().unwrap();
                sound.extend(map.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)));
            }
            let loud = amplitude(&sound, HERTZ);
            if is_there == (AMPLITUDE / 4.0 < loud) {
                return;
            }
            assert!(now() < end, "{loud}");
        }
    }
}

fn seat(scene: &Scene, code: &str) -> String {
    let certificate = scene.data.path().join("tls/cert.pem");
    format!("location={} ca-file={}", scene.url(&format!("/{code}")), certificate.display())
}

async fn camera_of(client: &mut Client, name: &str) {
    while client.told_of("participant_changed").await["participant"]
        != json!({"id": 2, "name": name, "host": false, "camera": true, "microphone": true, "hand": false,
            "telephone": false, "stream": false})
    {}
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_seen_and_heard_and_muted_and_end_with_the_meeting() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let bot = Program::send(&scene, &meeting);
    camera_of(&mut ann, "Bot").await;

    let ear = Program::receive(&scene, &meeting);
    let feed = tokio::task::block_in_place(|| {
        let feed = ear.message("convene-meeting-feed");
        ear.sees_green();
        ear.hears(true);
        feed
    });
    assert_eq!(feed.get::<u32>("feed"), Ok(0));
    assert_eq!((feed.get::<u32>("participant"), feed.get::<&str>("name")), (Ok(2), Ok("Bot")));

    ann.tell(json!({"type": "mute", "id": 2})).await;
    let me = bot.pipeline.by_name("me").unwrap();
    tokio::task::block_in_place(|| {
        bot.message("convene-meeting-muted");
        assert!(me.property::<bool>("muted"));
        ear.hears(false);
        me.set_property("muted", false);
        ear.hears(true);
    });

    ann.tell(json!({"type": "end"})).await;
    tokio::task::block_in_place(|| {
        ear.ends();
        bot.ends();
    });
    drop((ear, bot));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_started_again_joins_again() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let bot = Program::send(&scene, &meeting);
    let ear = Program::receive(&scene, &meeting);
    for _ in 0..2 {
        tokio::task::block_in_place(|| {
            ear.sees_green();
            ear.hears(true);
            for program in [&ear, &bot] {
                program.pipeline.set_state(gst::State::Null).unwrap();
            }
        });
        for _ in 0..2 {
            ann.told_of("participant_left").await;
        }
        for program in [&bot, &ear] {
            program.pipeline.set_state(gst::State::Playing).unwrap();
        }
    }
    drop((ear, bot));
    scene.stop().await;
}

/// Sound that ends is a participant that leaves.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_leaves() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let bot = Program::start(&format!(
        "audiotestsrc num-buffers=100 ! opusenc ! meetingsink {}",
        seat(&scene, &meeting.code)
    ));
    let began = now();
    tokio::task::block_in_place(|| bot.ends());
    // It is not live, and goes out at its own pace all the same: 100 x 1024 samples at 44.1 kHz.
    assert!(Duration::from_secs(2) < began.elapsed());
    ann.told_of("participant_left").await;
    drop(bot);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_in_one_sentence() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let _ann = scene.join_host(&meeting).await;
    let errors = tokio::task::block_in_place(|| {
        let sound = "audiotestsrc is-live=true ! opusenc !";
        [
            Program::start(&format!("{sound} meetingsink {}", seat(&scene, "000000000"))).error(),
            Program::start(&format!("{sound} meetingsink location=https://localhost/12")).error(),
            Program::start(&format!("meetingsink {}", seat(&scene, &meeting.code))).error(),
            Program::start(&format!("meetingsrc {}", seat(&scene, "000000000"))).error(),
        ]
    });
    for (error, expected) in
        errors.iter().zip(["No meeting can be joined", "9 digits", "Link VP8", "No meeting can be"])
    {
        assert!(error.contains(expected), "{error}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_camera_of_a_program_is_refused() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut others = Vec::new();
    for _ in 0..10 {
        let mut other = scene.join_in(&meeting.code, "Guest").await;
        other.tell(json!({"type": "camera", "on": true})).await;
        other.told_of("participant_changed").await;
        others.push(other);
    }
    let bot = Program::start(&format!(
        "videotestsrc is-live=true ! vp8enc deadline=1 ! meetingsink name=me {}",
        seat(&scene, &meeting.code)
    ));
    let error = tokio::task::block_in_place(|| bot.error());
    assert!(error.contains("10 cameras are on already"), "{error}");
    drop(bot);
    // Who has a voice as well goes on with that.
    let bot = Program::send(&scene, &meeting);
    let ear = Program::hear(&scene, &meeting);
    tokio::task::block_in_place(|| {
        let warned = bot.wait(gst::MessageType::Warning, |message| match message.view() {
            gst::MessageView::Warning(warning) => Some(warning.error().to_string()),
            _ => None,
        });
        assert!(warned.as_ref().is_ok_and(|said| said.contains("10 cameras are on already")), "{warned:?}");
        ear.hears(true);
    });
    drop((bot, ear));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_nobody_sees_is_not_sent() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let bot = Program::send(&scene, &meeting);
    camera_of(&mut ann, "Bot").await;
    // Of those who are connected nobody looks, so it rests; then somebody comes who does.
    let wanted = |height: u32| {
        bot.wait(gst::MessageType::Element, |message| {
            let structure =
                message.structure().filter(|found| found.name() == "convene-meeting-camera-wanted");
            structure.filter(|found| found.get::<u32>("height") == Ok(height)).map(|_| ())
        })
    };
    let sent = Arc::new(AtomicUsize::new(0));
    let webrtcbin = bot.pipeline.by_name("link").unwrap();
    for pad in webrtcbin.sink_pads() {
        let is_video = pad.current_caps().is_some_and(|caps| caps.to_string().contains("VP8"));
        let counted = Arc::clone(&sent);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            counted.fetch_add(usize::from(is_video), Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    }
    let count = || sent.load(Ordering::Relaxed);
    tokio::task::block_in_place(|| wanted(0).expect("nobody looks"));
    // What was under way may still come.
    let end = now() + PATIENCE;
    let mut before = None;
    while before != Some(count()) {
        assert!(now() < end, "{before:?} pictures");
        before = Some(count());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    let ear = Program::receive(&scene, &meeting);
    tokio::task::block_in_place(|| {
        wanted(720).expect("somebody looks");
        ear.sees_green();
    });
    assert!(before < Some(count()));
    drop((ear, bot));
    scene.stop().await;
}
