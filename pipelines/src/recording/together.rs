//! Somebody with a camera that flashes and a voice that beeps at the same moments, from their microphone to the file: both are there together, and
//! under their name.

use std::process::Command;
use std::time::Duration;

use gst::prelude::*;
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};
use tokio::sync::mpsc::channel;
use tokio::time::{sleep, timeout};

use super::tests::{File, Meeting};
use crate::{MediaPort, TalkEvent, TalkPipeline, Watcher, init};

/// What a machine that is busy may take for all of it.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// A flash and a beep of 120 ms, twice a second. Both are even, as there is a picture every other tick.
const PERIOD_TICKS: u64 = 24;
const FLASH_TICKS: u64 = 6;
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(20);
/// Between a flash and its beep, in the middle of all.
const APART_MAX: f64 = 0.05;

#[tokio::test(flavor = "multi_thread")]
async fn a_flash_and_a_beep_are_together_in_the_file() {
    init().expect("GStreamer");
    let at = MediaPort { port: 0, bind: None, addresses: Vec::new() };
    let (talk, mut events) = TalkPipeline::start(&at).expect("it starts");
    let ann = Flasher::start();
    let answer = talk.answer(1, "Ann", &ann.offer().await).expect("an answer");
    ann.accept(&answer);
    let begun = async { while events.recv().await != Some(TalkEvent::FeedsChanged) {} };
    timeout(WAIT_MAX, begun).await.expect("the camera sends");

    let meeting = Meeting::record();
    let (ear, mut packets) = channel(250);
    let (eye, mut records) = channel(250);
    let _listener = talk.listen(ear).expect("a place");
    let mut watcher = Watcher::new(eye);
    watcher.update(Some(&talk), false).expect("it sees");
    let (mut sound, mut faces) = (meeting.recording.sound(), meeting.recording.faces());
    let recording = async {
        loop {
            tokio::select! {
                Some(packet) = packets.recv() => sound.push(&packet).expect("taken"),
                Some(record) = records.recv() => faces.push(&record).expect("taken"),
            }
        }
    };
    tokio::select! {
        () = recording => unreachable!("it goes on"),
        () = sleep(Duration::from_secs(4)) => {}
    }
    meeting.recording.finish();
    drop((watcher, talk));
    let file = File::of(meeting.events).await;

    let (flashes, beeps) = (flashes(file.file.path()), beeps(file.file.path()));
    let apart = |flash: &f64| {
        let nearest = beeps.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        nearest.expect("there are beeps")
    };
    // The first ones come while the voice's buffer still settles.
    let mut apart: Vec<f64> = flashes.iter().skip(1).map(apart).collect();
    assert!(3 < apart.len(), "flashes {flashes:?}, beeps {beeps:?}");
    apart.sort_by(f64::total_cmp);
    let median = apart[apart.len() / 2];
    println!("the beep is {:.0} ms after the flash", median * 1000.0);
    assert!(median.abs() < APART_MAX, "{apart:?}: flashes {flashes:?}, beeps {beeps:?}");
}

/// When the picture becomes bright.
fn flashes(file: &std::path::Path) -> Vec<f64> {
    let arguments = ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"];
    let times = run("ffprobe", &arguments, file, &[]);
    let times = String::from_utf8_lossy(&times);
    let times = times.lines().filter_map(|line| line.trim().trim_end_matches(',').parse::<f64>().ok());
    let picture =
        ["-vf", "crop=iw/2:ih/2,scale=1:1,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"];
    let pixels = run("ffmpeg", &["-i"], file, &picture);
    onsets(times.zip(pixels.into_iter().map(|pixel| pixel > 120)))
}

/// When the sound begins, each time.
fn beeps(file: &std::path::Path) -> Vec<f64> {
    let sound = run("ffmpeg", &["-i"], file, &["-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]);
    let samples = sound.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample).unsigned_abs());
    // A beep is over when nothing was loud for a while: its own wave is silent twice in each turn.
    let samples: Vec<u16> = samples.collect();
    let loud = samples.chunks(240).map(|piece| piece.iter().any(|sample| 1_500 < *sample));
    onsets(loud.enumerate().map(|(piece, loud)| (piece as f64 * 0.005, loud)))
}

fn onsets(values: impl Iterator<Item = (f64, bool)>) -> Vec<f64> {
    let mut was = true;
    let mut found = Vec::new();
    for (time, is) in values {
        if is && !was {
            found.push(time);
        }
        was = is;
    }
    found
}

fn run(program: &str, before: &[&str], file: &std::path::Path, after: &[&str]) -> Vec<u8> {
    let run = Command::new(program).args(["-v", "error"]).args(before).arg(file).args(after).output();
    let run = run.expect("ffmpeg is installed");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

/// A browser, as far as the meeting can tell.
struct Flasher {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
}

impl Flasher {
    fn start() -> Self {
        let line = "webrtcbin name=webrtc bundle-policy=max-bundle \
            appsrc name=voice is-live=true format=time caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
            ! opusenc ! rtpopuspay pt=111 \
            ! application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111 ! webrtc.sink_0 \
            appsrc name=camera is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=25/1 \
            ! vp8enc deadline=1 keyframe-max-dist=3000 ! rtpvp8pay pt=96 picture-id-mode=15-bit \
            ! application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96 ! webrtc.sink_1";
        let pipeline = gst::parse::launch(line).expect("the line is sound");
        let pipeline: gst::Pipeline = pipeline.downcast().expect("it is more than one element");
        let webrtc = pipeline.by_name("webrtc").expect("it is in the line");
        let flasher = Self { pipeline, webrtc };
        flasher.pipeline.set_state(gst::State::Playing).expect("it starts");
        flasher.flash();
        flasher
    }

    /// Both sources, tick by tick, as the pipeline's clock goes.
    fn flash(&self) {
        let source = |name: &str| {
            self.pipeline.by_name(name).and_downcast::<gst_app::AppSrc>().expect("it is in the line")
        };
        let (voice, camera, pipeline) = (source("voice"), source("camera"), self.pipeline.downgrade());
        std::thread::spawn(move || {
            for tick in 0_u64.. {
                let Some((clock, base)) = pipeline.upgrade().and_then(|p| p.clock().zip(p.base_time()))
                else {
                    return;
                };
                let time = TICK * tick;
                let _ = clock.new_single_shot_id(base + time).wait();
                let is_on = tick % PERIOD_TICKS < FLASH_TICKS;
                let sample = |at: u64| {
                    let phase = (tick * 960 + at) as f64 * 1_000.0 * std::f64::consts::TAU / 48_000.0;
                    if is_on { (phase.sin() * 12_000.0) as i16 } else { 0 }
                };
                let samples: Vec<u8> = (0..960).flat_map(|at| sample(at).to_le_bytes()).collect();
                let mut picture = vec![if is_on { 235 } else { 16 }; 320 * 240];
                picture.resize(320 * 240 * 3 / 2, 128);
                let mut taken = voice.push_buffer(stamped(samples, time)).is_ok();
                if tick % 2 == 0 {
                    taken &= camera.push_buffer(stamped(picture, time)).is_ok();
                }
                if !taken {
                    return;
                }
            }
        });
    }

    /// All of what it sends is in it once the sources have said what they are.
    async fn offer(&self) -> String {
        let both =
            |sdp: &str| sdp.contains("m=audio") && sdp.contains("m=video") && sdp.contains("VP8/90000");
        let found = async {
            loop {
                let offer = self.make_offer();
                let sdp = offer.sdp().as_text().expect("an offer can be written");
                if both(&sdp) {
                    self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
                    return sdp;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(WAIT_MAX, found).await.expect("an offer with both")
    }

    fn make_offer(&self) -> WebRTCSessionDescription {
        let promise = gst::Promise::new();
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
        assert_eq!(promise.wait(), gst::PromiseResult::Replied);
        promise.get_reply().and_then(|reply| reply.get("offer").ok()).expect("it has an offer")
    }

    fn accept(&self, answer: &str) {
        let sdp = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).expect("the answer can be read");
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, sdp);
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }
}

impl Drop for Flasher {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn stamped(bytes: Vec<u8>, time: gst::ClockTime) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(bytes);
    buffer.get_mut().expect("a new buffer is writable").set_pts(time);
    buffer
}
