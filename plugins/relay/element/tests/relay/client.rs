//! A peer on another WebRTC stack: `webrtcbin`, which sends marked pictures and a tone, and reads the marks of what it is sent.

use gst::glib;
use gst::prelude::*;
use gst_video::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiverDirection as Direction, WebRTCSDPType, WebRTCSessionDescription};

use crate::picture::{HEIGHT, Mark, WIDTH};
use crate::support::{Relay, Told, init};

const VP8: &str = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96";
const OPUS: &str =
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111";

/// What a peer is to do.
pub struct Wanted {
    /// Sends pictures with this mark.
    pub camera: Option<u8>,
    /// Sends a tone and takes a voice.
    pub voice: bool,
    /// Lines to receive video.
    pub slots: usize,
}

pub struct Client {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    /// All that it sends is known, so that it can be offered.
    ready: Told<()>,
    /// The marks of pictures, with the number of their line.
    pub seen: Told<(u32, Mark)>,
    /// Packets of voice.
    pub heard: Told<()>,
}

impl Client {
    pub fn new(wanted: &Wanted) -> Self {
        let vp8 = format!(
            "vp8enc deadline=1 keyframe-max-dist=3000 target-bitrate=500000 ! \
             rtpvp8pay pt=96 picture-id-mode=15-bit mtu=1150 ! {VP8}"
        );
        Self::encoding(wanted, &vp8)
    }

    /// The same, whose camera is encoded in this way.
    pub fn encoding(wanted: &Wanted, encoder: &str) -> Self {
        init();
        let mut line = "webrtcbin name=webrtc bundle-policy=max-bundle latency=50".to_owned();
        if wanted.voice {
            line +=
                &format!(" audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=111 ! {OPUS} ! webrtc.sink_0");
        }
        if wanted.camera.is_some() {
            line += &format!(
                " appsrc name=camera is-live=true format=time do-timestamp=true \
                 caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=30/1 ! \
                 {encoder} ! webrtc.sink_{}",
                u32::from(wanted.voice)
            );
        }
        let pipeline = gst::parse::launch(&line).expect("the line is sound");
        let pipeline: gst::Pipeline = pipeline.downcast().unwrap_or_else(|alone| {
            let pipeline = gst::Pipeline::new();
            pipeline.add(&alone).expect("an element can be added");
            pipeline
        });
        let webrtc = pipeline.by_name("webrtc").expect("it is in the line");
        if wanted.camera.is_some() {
            let pad = webrtc.static_pad(&format!("sink_{}", u32::from(wanted.voice))).expect("it is linked");
            let transceiver = pad.property::<glib::Object>("transceiver");
            transceiver.set_property("direction", Direction::Sendonly);
            transceiver.set_property("do-nack", true);
        }
        for _ in 0..wanted.slots {
            let caps: gst::Caps = VP8.parse().expect("these are caps");
            let transceiver =
                webrtc.emit_by_name::<glib::Object>("add-transceiver", &[&Direction::Recvonly, &caps]);
            transceiver.set_property("do-nack", true);
        }
        let client = Self { pipeline, webrtc, ready: Told::new(), seen: Told::new(), heard: Told::new() };
        let ready = client.ready.clone();
        client.webrtc.connect("on-negotiation-needed", false, move |_| {
            ready.tell(());
            None
        });
        client.take_what_comes();
        if let Some(whose) = wanted.camera {
            client.film(whose);
        }
        client.pipeline.set_state(gst::State::Playing).expect("the client starts");
        client
    }

    /// Joins under this name.
    pub fn join(&self, relay: &Relay, name: &str) {
        let answer = relay.offer(name, &self.offer()).expect("the offer is answered");
        self.accept(&answer);
    }

    /// An offer.
    pub fn offer(&self) -> String {
        self.ready.wait_for("what it sends", |()| true);
        let offer = self.make_offer();
        self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        offer.sdp().as_text().expect("an offer can be written")
    }

    fn make_offer(&self) -> WebRTCSessionDescription {
        let offers: Told<WebRTCSessionDescription> = Told::new();
        let told = offers.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let reply = reply.expect("an offer is made").expect("it has fields");
            told.tell(reply.get("offer").expect("and one is the offer"));
        });
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
        offers.wait_for("an offer", |_| true)
    }

    pub fn accept(&self, answer: &str) {
        let sdp = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).expect("the answer can be read");
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, sdp);
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }

    fn film(&self, whose: u8) {
        let camera = self.pipeline.by_name("camera").expect("it is in the line");
        film(&self.pipeline, &camera.downcast().expect("it is an appsrc"), whose);
    }

    fn take_what_comes(&self) {
        let pipeline = self.pipeline.downgrade();
        let (seen, heard) = (self.seen.clone(), self.heard.clone());
        self.webrtc.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src)
            else {
                return;
            };
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let is_video = caps.structure(0).and_then(|caps| caps.get::<&str>("media").ok()) == Some("video");
            let line = pad.property::<glib::Object>("transceiver").property::<u32>("mlineindex");
            let decoding = if is_video {
                "rtpvp8depay ! vp8dec ! appsink name=sink sync=false caps=video/x-raw,format=I420"
            } else {
                "appsink name=sink sync=false"
            };
            let bin = gst::parse::bin_from_description(decoding, true).expect("the line is sound");
            let sink: gst_app::AppSink =
                bin.by_name("sink").expect("it is in the line").downcast().expect("it is an appsink");
            let (seen, heard) = (seen.clone(), heard.clone());
            sink.set_callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        if is_video {
                            seen.tell((line, read(&sample)));
                        } else {
                            heard.tell(());
                        }
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            );
            pipeline.add(&bin).expect("a bin can be added");
            bin.sync_state_with_parent().expect("it starts");
            pad.link(&bin.static_pad("sink").expect("it has a ghost pad")).expect("the caps fit");
        });
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Sends marked pictures, thirty a second, as the pipeline's clock goes.
pub fn film(pipeline: &gst::Pipeline, camera: &gst_app::AppSrc, whose: u8) {
    let pipeline = pipeline.downgrade();
    let mut number = 0;
    camera.set_callbacks(
        gst_app::AppSrcCallbacks::builder()
            .need_data(move |camera, _| {
                let Some(pipeline) = pipeline.upgrade() else {
                    return;
                };
                if let (Some(clock), Some(base)) = (pipeline.clock(), pipeline.base_time()) {
                    let due = base + gst::ClockTime::from_nseconds(33_333_333) * u64::from(number);
                    let _ = clock.new_single_shot_id(due).wait();
                }
                let picture = Mark { whose, number: number as u16 }.paint();
                number += 1_u32;
                let _ = camera.push_buffer(gst::Buffer::from_slice(picture));
            })
            .build(),
    );
}

/// The mark of a decoded picture.
pub fn read(sample: &gst::Sample) -> Mark {
    let caps = sample.caps().expect("a picture has caps");
    let info = gst_video::VideoInfo::from_caps(caps).expect("they are a picture's");
    let frame =
        gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().expect("a picture"), &info)
            .expect("it can be read");
    let luma = frame.plane_data(0).expect("there is a luma plane");
    Mark::read(luma, frame.plane_stride()[0] as usize, frame.width(), frame.height())
}
