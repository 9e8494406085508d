//! Pictures of a pipeline, without a peer who sends them.

use gst::prelude::*;

use crate::client::{Client, Wanted, film};
use crate::media::sees;
use crate::picture::{HEIGHT, WIDTH};
use crate::support::Relay;

/// A pipeline's camera, whose encoder makes no key frame unless it is asked for one.
fn supply(relay: &Relay, whose: u8) -> (gst::Bin, gst_app::AppSrc) {
    let line = format!(
        "appsrc name=camera is-live=true format=time do-timestamp=true \
         caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=30/1 ! \
         vp8enc deadline=1 keyframe-max-dist=30000 ! rtpvp8pay picture-id-mode=15-bit"
    );
    let bin = gst::parse::bin_from_description(&line, true).expect("the line is sound");
    let camera: gst_app::AppSrc =
        bin.by_name("camera").expect("it is in the line").downcast().expect("it is an appsrc");
    film(&relay.pipeline, &camera, whose);
    relay.pipeline.add(&bin).expect("a bin can be added");
    let pad = relay.element.request_pad_simple("feed_sink_7").expect("a pad can be had");
    pad.set_property("peer", "screen");
    bin.static_pad("src").expect("it has a ghost pad").link(&pad).expect("the caps fit");
    bin.sync_state_with_parent().expect("it starts");
    (bin, camera)
}

fn viewer() -> Client {
    Client::new(&Wanted { camera: None, voice: false, slots: 1 })
}

#[test]
fn a_pipelines_pictures_are_seen_by_peers_who_come_early_and_late() {
    let relay = Relay::start();
    let early = viewer();
    early.join(&relay, "early");
    let (_bin, camera) = supply(&relay, 9);
    sees(&early, 9, 60);
    relay.signals.wait_for("news of the feed", |signal| signal == "feeds-changed peers=screen");
    // The only key frames are those that are asked for.
    let late = viewer();
    late.join(&relay, "late");
    sees(&late, 9, 20);

    camera.end_of_stream().expect("it can end");
    relay.signals.wait_for("the feed ends", |signal| signal == "feeds-changed peers=");
}

#[test]
fn a_pad_that_is_given_back_ends_its_feed() {
    let relay = Relay::start();
    let viewer = viewer();
    viewer.join(&relay, "viewer");
    let (bin, _camera) = supply(&relay, 9);
    sees(&viewer, 9, 10);
    let pad = relay.element.static_pad("feed_sink_7").expect("it was requested");
    bin.set_state(gst::State::Null).expect("it stops");
    relay.element.release_request_pad(&pad);
    relay.signals.wait_for("the feed ends", |signal| signal == "feeds-changed peers=");
}

/// As OBS sends it.
const H264: &str = "openh264enc complexity=low gop-size=3000 ! h264parse config-interval=-1 ! rtph264pay pt=102 mtu=1150 ! \
    application/x-rtp,media=video,encoding-name=H264,payload=102,clock-rate=90000";

#[test]
fn a_camera_in_h264_comes_out_of_a_pad_and_is_seen_by_others_as_vp8() {
    let relay = Relay::start();
    let viewer = viewer();
    viewer.join(&relay, "viewer");
    let line = "rtph264depay wait-for-keyframe=true request-keyframe=true ! h264parse ! openh264dec ! vp8enc deadline=1 ! \
                rtpvp8pay picture-id-mode=15-bit";
    let bin = gst::parse::bin_from_description(line, true).expect("the line is sound");
    relay.pipeline.add(&bin).expect("a bin can be added");
    let [out, into] = ["h264_0", "feed_sink_0"].map(|name| {
        let pad = relay.element.request_pad_simple(name).expect("a pad can be had");
        pad.set_property("peer", "obs");
        pad
    });
    out.link(&bin.static_pad("sink").expect("it has a ghost pad")).expect("the caps fit");
    bin.static_pad("src").expect("it has a ghost pad").link(&into).expect("the caps fit");
    bin.sync_state_with_parent().expect("it starts");

    let obs = Client::encoding(&Wanted { camera: Some(5), voice: false, slots: 0 }, H264);
    obs.join(&relay, "obs");
    sees(&viewer, 5, 40);
    relay.signals.wait_for("news of the feed", |signal| signal == "feeds-changed peers=obs");
    relay.element.emit_by_name::<()>("remove", &[&"obs"]);
    relay.signals.wait_for("the feed ends", |signal| signal == "feeds-changed peers=");
    // A loop of links is no pipeline, so it is undone before that stops.
    [out, into].iter().for_each(|pad| relay.element.release_request_pad(pad));
    bin.set_state(gst::State::Null).expect("it stops");
}
