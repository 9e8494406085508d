//! `screenrelay`: one presenter, many viewers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gst_check::Harness;

use crate::support::{LIMIT, Picture, at, bytes_of, encode, init, three_pages};
use crate::viewer::Viewer;

/// A relay, and the presenter in front of it.
struct Room {
    relay: gst::Element,
    presenter: Harness,
    bus: gst::Bus,
}

impl Room {
    fn new() -> Self {
        init();
        let relay = gst::ElementFactory::make("screenrelay").build().expect("the relay is registered");
        let bus = gst::Bus::new();
        relay.set_bus(Some(&bus));
        let mut presenter = Harness::with_element(&relay, Some("sink"), None);
        presenter.set_src_caps_str("video/x-convene-screen");
        presenter.play();
        Self { relay, presenter, bus }
    }

    fn present(&mut self, updates: &[gst::Buffer]) {
        for update in updates {
            self.presenter.push(update.clone()).expect("a relay takes everything");
        }
    }

    fn pad(&self) -> gst::Pad {
        self.relay.request_pad_simple("src_%u").expect("a relay has pads for everybody")
    }

    fn acknowledging_pad(&self) -> gst::Pad {
        let pad = self.pad();
        pad.set_property("acknowledge", true);
        pad
    }

    fn warnings(&self) -> Vec<String> {
        std::iter::from_fn(|| self.bus.pop_filtered(&[gst::MessageType::Warning, gst::MessageType::Error]))
            .map(|message| match message.view() {
                gst::MessageView::Warning(warning) => warning.error().message().to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn stop(self) {
        self.relay.set_state(gst::State::Null).expect("a relay stops");
    }
}

/// Each changes everything, in some 190 kB.
fn noisy_pages(pages: u32) -> Vec<Picture> {
    (1..=pages).map(|seed| Picture::noise(512, 512, seed)).collect()
}

fn acknowledge(pad: &gst::Pad, bytes: u64) {
    let painted = gst::Structure::builder("convene-screen-painted").field("bytes", bytes).build();
    pad.push_event(gst::event::CustomUpstream::new(painted));
}

#[test]
fn a_viewer_sees_what_is_presented() {
    let mut room = Room::new();
    let viewer = Viewer::of(&room.pad());
    let pages = three_pages();
    room.present(&encode(&pages));
    viewer.wait_for_picture(&pages[2]);
    viewer.look(|seen| {
        use gst::EventType;
        assert_eq!(seen.events, [EventType::StreamStart, EventType::Caps, EventType::Segment]);
        assert_eq!(seen.beginnings, 1);
    });
    room.stop();
}

#[test]
fn a_late_viewer_gets_the_screen_at_once() {
    let mut room = Room::new();
    let pages = three_pages();
    room.present(&encode(&pages));
    // Nothing is presented any more; the relay has it all.
    Viewer::of(&room.pad()).wait_for_picture(&pages[2]);
    Viewer::of(&room.acknowledging_pad()).wait_for_picture(&pages[2]);
    room.stop();
}

#[test]
fn a_viewer_who_is_held_up_holds_nobody_and_gets_the_newest_when_let_go() {
    let mut room = Room::new();
    let (fast, slow) = (Viewer::of(&room.pad()), Viewer::of(&room.pad()));
    let pages = noisy_pages(90);
    let updates = encode(&pages);
    room.present(&updates[..1]);
    slow.wait_for_picture(&pages[0]);
    slow.hold_up();

    for (update, page) in updates.iter().zip(&pages).skip(1) {
        room.present(std::slice::from_ref(update));
        fast.wait_for_picture(page);
    }
    slow.look(|seen| assert_eq!(seen.picture().as_ref(), Some(&pages[0])));
    slow.let_go();
    slow.wait_for_picture(&pages[89]);

    let (fast, slow) = (fast.look(|seen| seen.bytes), slow.look(|seen| seen.bytes));
    // A line that was fast so far may have 4 MiB under way; nothing is queued beyond that.
    assert!(16_000_000 < fast && slow < 5_000_000, "{slow} bytes of {fast}");
    room.stop();
}

#[test]
fn one_who_does_not_acknowledge_is_not_sent_more_and_more() {
    let mut room = Room::new();
    let silent_pad = room.acknowledging_pad();
    let (fast, silent) = (Viewer::of(&room.pad()), Viewer::of(&silent_pad));
    let pages = noisy_pages(40);
    for (update, page) in encode(&pages).iter().zip(&pages) {
        room.present(std::slice::from_ref(update));
        fast.wait_for_picture(page);
    }
    let (sent, all) = (silent.look(|seen| seen.bytes), fast.look(|seen| seen.bytes));
    assert!(sent < all / 2, "{sent} bytes are on their way of {all}");

    // As soon as it says something, it is brought up to date.
    for _ in 0..1000 {
        if silent.look(|seen| seen.picture().as_ref() == Some(&pages[39])) {
            break;
        }
        let before = silent.look(|seen| seen.bytes);
        acknowledge(&silent.pad, silent.look(|seen| seen.painted_bytes()));
        silent.wait_until("more comes", |seen| {
            before < seen.bytes || seen.picture().as_ref() == Some(&pages[39])
        });
    }
    silent.wait_for_picture(&pages[39]);
    assert!(silent.look(|seen| seen.bytes) < all);
    room.stop();
}

#[test]
fn all_who_acknowledge_share_one_thread() {
    let mut room = Room::new();
    let viewers: Vec<_> = (0..20).map(|_| Viewer::of(&room.acknowledging_pad())).collect();
    let pages = three_pages();
    for (update, page) in encode(&pages).iter().zip(&pages) {
        room.present(std::slice::from_ref(update));
        for viewer in &viewers {
            viewer.wait_for_picture(page);
            acknowledge(&viewer.pad, viewer.look(|seen| seen.painted_bytes()));
        }
    }
    for pad in room.relay.src_pads() {
        assert_eq!(pad.task_state(), gst::TaskState::Stopped, "no thread of its own");
    }
    room.stop();
}

#[test]
fn pads_come_and_go_while_the_stream_runs() {
    let mut room = Room::new();
    let staying = Viewer::of(&room.pad());
    let pages = three_pages();
    let updates = encode(&pages);
    room.present(&updates[..1]);

    let relay = room.relay.clone();
    let done = Arc::new(AtomicBool::new(false));
    let finished = Arc::clone(&done);
    let coming_and_going = std::thread::spawn(move || {
        for round in 0..40 {
            let pad = relay.request_pad_simple("src_%u").expect("a pad");
            pad.set_property("acknowledge", round % 2 == 0);
            let viewer = Viewer::of(&pad);
            viewer.wait_until("the screen is there", |seen| seen.picture().is_some());
            relay.release_request_pad(&pad);
        }
        finished.store(true, Ordering::SeqCst);
    });
    while !done.load(Ordering::SeqCst) {
        room.present(&encode(&pages));
        staying.wait_for_picture(&pages[2]);
    }
    coming_and_going.join().expect("no round fails");
    assert_eq!(room.relay.num_src_pads(), 1);
    room.stop();
}

#[test]
fn a_pad_can_be_released_while_downstream_holds_it_up() {
    let mut room = Room::new();
    let pad = room.pad();
    let viewer = Viewer::of(&pad);
    let pages = three_pages();
    let updates = encode(&pages);
    room.present(&updates[..1]);
    viewer.wait_for_picture(&pages[0]);
    viewer.hold_up();
    room.present(&updates[1..]);
    room.relay.release_request_pad(&pad);

    // Downstream can be used again.
    viewer.let_go();
    room.pad().link(&viewer.pad).expect("the released pad is gone");
    viewer.wait_for_picture(&pages[2]);
    room.stop();
}

#[test]
fn a_pad_that_is_linked_anew_begins_with_the_whole_screen() {
    let mut room = Room::new();
    let pad = room.pad();
    let first = Viewer::of(&pad);
    let pages = three_pages();
    room.present(&encode(&pages));
    first.wait_for_picture(&pages[2]);
    pad.unlink(&first.pad).expect("they were linked");
    Viewer::of(&pad).wait_for_picture(&pages[2]);
    room.stop();
}

#[test]
fn downstream_that_is_not_active_yet_gets_the_screen_when_it_is() {
    let mut room = Room::new();
    let viewer = Viewer::unlinked();
    viewer.pad.set_active(false).expect("a pad can be deactivated");
    room.pad().link(&viewer.pad).expect("the pads fit");
    let pages = three_pages();
    room.present(&encode(&pages));
    viewer.pad.set_active(true).expect("a pad can be activated");
    viewer.wait_for_picture(&pages[2]);
    room.stop();
}

#[test]
fn a_viewer_may_ask_for_the_beginning() {
    let mut room = Room::new();
    for pad in [room.pad(), room.acknowledging_pad()] {
        let viewer = Viewer::of(&pad);
        let pages = three_pages();
        room.present(&encode(&pages));
        viewer.wait_for_picture(&pages[2]);
        acknowledge(&viewer.pad, viewer.look(|seen| seen.painted_bytes()));
        let before = viewer.look(|seen| seen.beginnings);
        assert!(viewer.pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().build()));
        viewer.wait_until("the stream begins anew", |seen| before < seen.beginnings);
        viewer.wait_for_picture(&pages[2]);
    }
    room.stop();
}

#[test]
fn a_malformed_stream_is_warned_of_once_and_viewers_keep_the_screen() {
    let mut room = Room::new();
    let viewer = Viewer::of(&room.pad());
    let pages = three_pages();
    let updates = encode(&pages);
    room.present(&updates[..2]);
    viewer.wait_for_picture(&pages[1]);

    let malformed = gst::Buffer::from_slice(*b"\x05\x00\x00\x00\x0a\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    room.present(&[malformed.clone(), malformed, updates[2].clone()]);
    let warnings = room.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("The presenter's stream is refused, and viewers keep the screen as it is: ")
    );
    Viewer::of(&room.pad()).wait_for_picture(&pages[1]);
    viewer.look(|seen| assert_eq!(seen.picture().as_ref(), Some(&pages[1])));

    // A fresh stream is taken again.
    room.presenter.push_event(gst::event::StreamStart::new("another presenter"));
    let other = [Picture::page(80, 60, 9)];
    room.present(&encode(&other));
    viewer.wait_for_picture(&other[0]);
    assert_eq!(room.warnings(), Vec::<String>::new());
    room.stop();
}

#[test]
fn a_flush_on_the_presenters_side_stays_there() {
    let mut room = Room::new();
    let viewer = Viewer::of(&room.pad());
    let pages = three_pages();
    let updates = encode(&pages);
    room.present(&updates);
    viewer.wait_for_picture(&pages[2]);
    // Half an update, then a flush, then a fresh stream.
    let half = bytes_of(&updates[1])[..20].to_vec();
    room.present(&[gst::Buffer::from_slice(half)]);
    room.presenter.push_event(gst::event::FlushStart::new());
    room.presenter.push_event(gst::event::FlushStop::new(true));
    room.presenter.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    room.present(&updates[..1]);
    viewer.wait_for_picture(&pages[0]);
    viewer.look(|seen| assert!(!seen.events.contains(&gst::EventType::FlushStart)));
    assert_eq!(room.warnings(), Vec::<String>::new());
    room.stop();
}

#[test]
fn the_end_comes_after_all_is_sent_and_another_presenter_may_follow() {
    let mut room = Room::new();
    let acknowledging = room.acknowledging_pad();
    let viewers = [Viewer::of(&room.pad()), Viewer::of(&acknowledging)];
    let pages = three_pages();
    room.present(&encode(&pages));
    room.presenter.push_event(gst::event::Eos::new());
    viewers[1].wait_for_picture(&pages[2]);
    acknowledge(&viewers[1].pad, viewers[1].look(|seen| seen.painted_bytes()));
    for viewer in &viewers {
        viewer.wait_for_end();
        viewer.look(|seen| assert_eq!(seen.picture().as_ref(), Some(&pages[2])));
    }

    room.presenter.push_event(gst::event::StreamStart::new("another presenter"));
    room.presenter.push_event(gst::event::Caps::new(&gst::Caps::new_empty_simple("video/x-convene-screen")));
    room.presenter.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    let other = [Picture::page(80, 60, 9)];
    room.present(&encode(&other));
    for viewer in &viewers {
        viewer.wait_for_picture(&other[0]);
    }
    room.stop();
}

#[test]
fn the_presenter_hears_what_is_taken_in() {
    let mut room = Room::new();
    let mut sent = 0;
    for update in encode(&three_pages()) {
        sent += update.size() as u64;
        room.present(&[update]);
        let taken = std::iter::from_fn(|| room.presenter.try_pull_upstream_event())
            .filter_map(|event| event.structure()?.get::<u64>("bytes").ok())
            .last();
        assert_eq!(taken, Some(sent));
    }
    room.stop();
}

#[test]
fn it_stops_and_starts_again() {
    let mut room = Room::new();
    let viewer = Viewer::of(&room.pad());
    let acknowledging = Viewer::of(&room.acknowledging_pad());
    let pages = three_pages();
    for _ in 0..3 {
        room.present(&encode(&pages));
        viewer.wait_for_picture(&pages[2]);
        acknowledging.wait_for_picture(&pages[2]);
        room.relay.set_state(gst::State::Ready).expect("it stops");
        room.relay.set_state(gst::State::Playing).expect("it starts");
        room.presenter.push_event(gst::event::StreamStart::new("again"));
        room.presenter
            .push_event(gst::event::Caps::new(&gst::Caps::new_empty_simple("video/x-convene-screen")));
        room.presenter.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }
    room.stop();
}

#[test]
fn a_failing_viewer_is_named_and_the_others_go_on() {
    let mut room = Room::new();
    let failing = gst::Pad::builder(gst::PadDirection::Sink)
        .chain_function(|_, _, _| Err(gst::FlowError::Error))
        .event_function(|_, _, _| true)
        .build();
    failing.set_active(true).expect("a pad can be activated");
    room.pad().link(&failing).expect("the pads fit");
    let viewer = Viewer::of(&room.pad());
    let pages = three_pages();
    room.present(&encode(&pages));
    viewer.wait_for_picture(&pages[2]);
    let warning =
        room.bus.timed_pop_filtered(LIMIT, &[gst::MessageType::Warning]).expect("a warning is posted");
    let gst::MessageView::Warning(warning) = warning.view() else {
        unreachable!("only warnings were asked for");
    };
    let sentence = warning.error().message().to_string();
    assert!(sentence.starts_with("What is linked to src_0 has failed"), "{sentence}");
    room.stop();
}

#[test]
fn pads_have_the_names_that_were_asked_for() {
    let room = Room::new();
    assert_eq!(room.pad().name(), "src_0");
    assert_eq!(room.relay.request_pad_simple("src_7").expect("it is free").name(), "src_7");
    assert_eq!(room.pad().name(), "src_1");
    room.stop();
}

#[test]
fn pictures_from_a_relay_have_the_time_of_now() {
    init();
    let pipeline = gst::parse::launch(
        "videotestsrc is-live=true num-buffers=5 ! video/x-raw,width=64,height=48 ! videoconvert ! screenenc \
         ! screenrelay ! screendec ! fakesink name=sink sync=false signal-handoffs=true",
    )
    .expect("a good line")
    .downcast::<gst::Pipeline>()
    .expect("a pipeline");
    let times = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    pipeline.by_name("sink").expect("it has a name").connect("handoff", false, move |values| {
        let buffer: gst::Buffer = values[1].get().expect("a buffer is handed off");
        seen.lock().push(buffer.pts());
        None
    });
    crate::support::run_to_end(&pipeline);
    let times = times.lock();
    assert!(times.iter().all(|time| time.is_some_and(|time| time < at(1000))), "{times:?}");
    assert!(times.is_sorted(), "{times:?}");
    assert!(!times.is_empty());
}
