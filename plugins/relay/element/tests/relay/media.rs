//! Media from peer to peer, and through the pads, checked by what is in it.

use std::sync::atomic::{AtomicUsize, Ordering};

use gst::prelude::*;

use crate::client::{Client, Wanted, read};
use crate::picture::Mark;
use crate::support::{Relay, Told};

fn everything(camera: u8) -> Wanted {
    Wanted { camera: Some(camera), voice: true, slots: 2 }
}

/// Pictures come, of the right peer, and go on coming.
pub fn sees(client: &Client, whose: u8, pictures: usize) {
    client.seen.wait_until(&format!("{pictures} pictures of {whose}"), |seen| {
        let mut numbers: Vec<u16> =
            seen.iter().filter(|(_, mark)| mark.whose == whose).map(|(_, mark)| mark.number).collect();
        numbers.dedup();
        assert!(numbers.is_sorted(), "pictures come in order: {numbers:?}");
        (pictures <= numbers.len()).then_some(())
    });
}

#[test]
fn a_camera_is_seen_by_others() {
    let relay = Relay::start();
    let ann = Client::new(&everything(1));
    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 2 });
    ann.join(&relay, "ann");
    bob.join(&relay, "bob");
    sees(&bob, 1, 30);
    relay.signals.wait_for("news of the feed", |signal| signal == "feeds-changed peers=ann");
    relay.signals.wait_for("news of the slot", |signal| {
        signal.starts_with("slots-changed bob") && signal.contains("feeds=ann,")
    });
    assert!(ann.seen.all().is_empty(), "nobody sees themselves");
}

#[test]
fn two_cameras_are_seen_by_each_other() {
    let relay = Relay::start();
    let ann = Client::new(&everything(1));
    let bob = Client::new(&everything(2));
    ann.join(&relay, "ann");
    bob.join(&relay, "bob");
    sees(&ann, 2, 20);
    sees(&bob, 1, 20);
}

/// What Ann says comes out of one pad and goes into another, so that she hears it; though not by a link: a loop of links is no pipeline.
fn echo(relay: &Relay) -> (gst::Pad, gst::Pad) {
    // Before anything is linked the pads belong to a peer who is still to come.
    let [out, into] = ["voice_src_0", "voice_sink_0"].map(|name| {
        let pad = relay.element.request_pad_simple(name).expect("a pad can be had");
        pad.set_property("peer", "ann");
        pad
    });
    let sink = gst_app::AppSink::builder().sync(false).build();
    let source = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
    let back = source.clone();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| back.push_sample(&sink.pull_sample().map_err(|_| gst::FlowError::Eos)?))
            .build(),
    );
    relay
        .pipeline
        .add_many([sink.upcast_ref::<gst::Element>(), source.upcast_ref()])
        .expect("they can be added");
    out.link(&sink.static_pad("sink").expect("it has one")).expect("the caps fit");
    source.static_pad("src").expect("it has one").link(&into).expect("the caps fit");
    sink.sync_state_with_parent().expect("it starts");
    source.sync_state_with_parent().expect("it starts");
    (out, into)
}

#[test]
fn a_voice_goes_out_and_comes_back_through_the_pads() {
    let relay = Relay::start();
    let (out, _) = echo(&relay);
    let levels: Told<bool> = Told::new();
    let told = levels.clone();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let buffer = info.buffer().expect("a buffer probe");
        let first = buffer.map_readable().expect("it can be read")[0];
        told.tell(first & 0x10 != 0);
        gst::PadProbeReturn::Ok
    });
    let ann = Client::new(&everything(1));
    ann.join(&relay, "ann");
    levels.wait_until("50 packets of voice", |all| (50 <= all.len()).then_some(()));
    ann.heard.wait_until("50 packets back", |all| (50 <= all.len()).then_some(()));
    let caps = out.current_caps().expect("the pad has caps");
    let caps = caps.structure(0).expect("one structure");
    assert_eq!(caps.get("extmap-1"), Ok("urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
}

#[test]
fn whoever_feeds_a_pad_is_told_that_the_peer_loses_packets() {
    let relay = Relay::start();
    let (_, into) = echo(&relay);
    let feeding = into.peer().expect("it is linked");
    let lost: Told<bool> = Told::new();
    let told = lost.clone();
    feeding.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let event = info.event().expect("an event probe");
        told.tell(event.has_name("convene-voice-lost"));
        gst::PadProbeReturn::Ok
    });
    // What is missing before the pad is missing at the peer, as if the line had lost it.
    let packets = AtomicUsize::new(0);
    feeding.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let is_lost = packets.fetch_add(1, Ordering::Relaxed).is_multiple_of(10);
        if is_lost { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Ok }
    });
    let ann = Client::new(&everything(1));
    // Without the numbers that packets have on the line, only her reports tell what is missing.
    let offer = ann.offer().replace(" transport-cc", " x-none");
    ann.accept(&relay.offer("ann", &offer).expect("the offer is answered"));
    lost.wait_for("the loss", |is_loss| *is_loss);
}

#[test]
fn a_feed_comes_out_of_a_pad_from_a_key_frame_on() {
    let relay = Relay::start();
    let ann = Client::new(&everything(3));
    ann.join(&relay, "ann");
    relay.signals.wait_for("the feed", |signal| signal == "feeds-changed peers=ann");

    let seen: Told<Mark> = Told::new();
    let decoding = "rtpvp8depay ! vp8dec ! appsink name=sink sync=false caps=video/x-raw,format=I420";
    let bin = gst::parse::bin_from_description(decoding, true).expect("the line is sound");
    let sink: gst_app::AppSink = bin.by_name("sink").expect("it is there").downcast().expect("an appsink");
    let told = seen.clone();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                told.tell(read(&sink.pull_sample().map_err(|_| gst::FlowError::Eos)?));
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    relay.pipeline.add(&bin).expect("a bin can be added");
    bin.sync_state_with_parent().expect("it starts");
    let pad = relay.element.request_pad_simple("feed_0").expect("a pad can be had");
    pad.link(&bin.static_pad("sink").expect("it has a pad")).expect("the caps fit");
    pad.set_property("peer", "ann");
    seen.wait_until("20 pictures", |all| (20 <= all.len()).then_some(()));
    assert!(seen.all().iter().all(|mark| mark.whose == 3));
}

#[test]
fn whoever_leaves_is_seen_no_longer() {
    let relay = Relay::start();
    let ann = Client::new(&everything(1));
    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 1 });
    ann.join(&relay, "ann");
    bob.join(&relay, "bob");
    sees(&bob, 1, 5);
    relay.element.emit_by_name::<()>("remove", &[&"ann"]);
    relay.signals.wait_for("news of the peer", |signal| signal == "peer-state ann closed");
    relay.signals.wait_for("news of the feed", |signal| signal == "feeds-changed peers=");
    relay.signals.wait_for("news of the slot", |signal| signal == "slots-changed bob mids=video0 feeds=");
}
