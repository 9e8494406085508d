//! A program on another WebRTC stack than ours: `webrtcbin`, which sends a picture of one colour and a tone, or tells the colour that it sees.

use std::sync::mpsc::{Receiver, Sender, channel};

use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiverDirection as Direction, WebRTCSDPType, WebRTCSessionDescription};

use super::support::PATIENCE;

const VP8: &str = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96";
const H264: &str = "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=102";
const OPUS: &str =
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111";

/// Half a minute of pictures and sound.
const GOT_MAX: usize = 2_000;

/// What a peer receives.
#[derive(Debug)]
pub enum Got {
    /// A picture's luma in its middle.
    Picture(u8),
    /// How loud 20 ms of sound are, of 1.
    Sound(f32),
}

pub struct Peer {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    ready: Receiver<()>,
    got: Receiver<Got>,
}

impl Peer {
    /// A white picture and a tone.
    pub fn sender() -> Self {
        let line = format!(
            "webrtcbin name=webrtc bundle-policy=max-bundle \
             audiotestsrc is-live=true freq=600 ! opusenc ! rtpopuspay pt=111 ! {OPUS} ! webrtc.sink_0 \
             videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=15/1 ! \
             vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 picture-id-mode=15-bit ! {VP8} ! webrtc.sink_1"
        );
        Self::start(&line)
    }

    /// The same in H.264, as OBS and FFmpeg send it.
    pub fn sender_in_h264() -> Self {
        let line = format!(
            "webrtcbin name=webrtc bundle-policy=max-bundle \
             audiotestsrc is-live=true freq=600 ! opusenc ! rtpopuspay pt=111 ! {OPUS} ! webrtc.sink_0 \
             videotestsrc is-live=true pattern=white ! video/x-raw,format=I420,width=1920,height=1080,framerate=15/1 ! \
             openh264enc complexity=low gop-size=30 ! h264parse config-interval=-1 ! rtph264pay pt=102 ! {H264} ! webrtc.sink_1"
        );
        Self::start(&line)
    }

    pub fn player() -> Self {
        Self::start("webrtcbin name=webrtc bundle-policy=max-bundle")
    }

    fn start(line: &str) -> Self {
        gst::init().unwrap();
        let launched = gst::parse::launch(line).unwrap();
        let pipeline = launched.downcast().unwrap_or_else(|alone| {
            let pipeline = gst::Pipeline::new();
            pipeline.add(&alone).unwrap();
            pipeline
        });
        let webrtc = pipeline.by_name("webrtc").unwrap();
        let sends = webrtc.static_pad("sink_0").is_some();
        for number in 0..2 {
            if let Some(pad) = webrtc.static_pad(&format!("sink_{number}")) {
                pad.property::<glib::Object>("transceiver").set_property("direction", Direction::Sendonly);
            }
        }
        for caps in [OPUS, VP8].iter().filter(|_| !sends) {
            let caps: gst::Caps = caps.parse().unwrap();
            webrtc.emit_by_name::<glib::Object>("add-transceiver", &[&Direction::Recvonly, &caps]);
        }
        let (told, ready) = channel();
        webrtc.connect("on-negotiation-needed", false, move |_| {
            let _ = told.send(());
            None
        });
        let (tell, got) = channel();
        take_what_comes(&pipeline, &webrtc, &tell);
        pipeline.set_state(gst::State::Playing).unwrap();
        Self { pipeline, webrtc, ready, got }
    }

    /// What is to be sent by `POST`.
    pub fn offer(&self) -> String {
        self.ready.recv_timeout(PATIENCE).expect("what it sends is known");
        let (told, offers) = channel();
        let promise = gst::Promise::with_change_func(move |reply| {
            let offer = reply.unwrap().unwrap().get::<WebRTCSessionDescription>("offer").unwrap();
            told.send(offer).unwrap();
        });
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
        let offer = offers.recv_timeout(PATIENCE).expect("an offer");
        self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        offer.sdp().as_text().unwrap()
    }

    /// What was answered to it.
    pub fn accept(&self, answer: &str) {
        let sdp = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).unwrap();
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, sdp);
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }

    /// Waits until all of these have come.
    pub fn expect(&self, mut wanted: Vec<fn(&Got) -> bool>) {
        for _ in 0..GOT_MAX {
            let got = self.got.recv_timeout(PATIENCE).expect("what is sent arrives");
            wanted.retain(|is_it| !is_it(&got));
            if wanted.is_empty() {
                return;
            }
        }
        panic!("what was wanted is not among {GOT_MAX} pictures and pieces of sound");
    }
}

impl Peer {
    /// What has come until now does not count.
    pub fn forget(&self) {
        while self.got.try_recv().is_ok() {}
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn take_what_comes(pipeline: &gst::Pipeline, webrtc: &gst::Element, tell: &Sender<Got>) {
    let (pipeline, tell) = (pipeline.downgrade(), tell.clone());
    webrtc.connect_pad_added(move |_, pad| {
        let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else { return };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let is_video = caps.structure(0).unwrap().get::<&str>("media") == Ok("video");
        let decoding = if is_video {
            "rtpvp8depay ! vp8dec ! videoconvert ! appsink name=sink sync=false caps=video/x-raw,format=GRAY8"
        } else {
            "rtpopusdepay ! opusdec ! audioconvert ! appsink name=sink sync=false caps=audio/x-raw,format=F32LE,channels=1"
        };
        let bin = gst::parse::bin_from_description(decoding, true).unwrap();
        let sink: gst_app::AppSink = bin.by_name("sink").unwrap().downcast().unwrap();
        let tell = tell.clone();
        let read = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let bytes = sample.buffer().unwrap().map_readable().unwrap();
            let got = if is_video { Got::Picture(bytes[bytes.len() / 2]) } else { Got::Sound(loudness(&bytes)) };
            // The test may have seen enough.
            let _ = tell.send(got);
            Ok(gst::FlowSuccess::Ok)
        };
        sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(read).build());
        pipeline.add(&bin).unwrap();
        bin.sync_state_with_parent().unwrap();
        pad.link(&bin.static_pad("sink").unwrap()).unwrap();
    });
}

fn loudness(bytes: &[u8]) -> f32 {
    let samples = bytes.chunks_exact(4).map(|sample| f32::from_le_bytes(sample.try_into().unwrap()).abs());
    samples.fold(0.0, f32::max)
}
