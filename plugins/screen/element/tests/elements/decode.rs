//! `screendec` alone.

use gst::prelude::*;
use gst_check::Harness;

use crate::support::{Picture, at, bus_of, decoder, encode, error_on, init, stream, three_pages};

fn shown(decoder: &mut Harness, width: u32, height: u32) -> Vec<Picture> {
    std::iter::from_fn(|| decoder.try_pull()).map(|picture| Picture::of(&picture, width, height)).collect()
}

/// As a file's source would send it: no caps, no times, a segment in bytes.
fn file_decoder() -> Harness {
    init();
    let mut decoder = Harness::new("screendec");
    decoder.play();
    decoder.push_event(gst::event::StreamStart::new("file"));
    decoder.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::format::Bytes>::new()));
    decoder
}

#[test]
fn pieces_of_any_size_show_the_same_pictures() {
    let pages = three_pages();
    let stream = stream(&pages);
    for step in [1, 13, 4096, stream.len()] {
        let mut decoder = file_decoder();
        for piece in stream.chunks(step) {
            decoder.push(gst::Buffer::from_slice(piece.to_vec())).expect("a good stream");
        }
        assert_eq!(shown(&mut decoder, 96, 64), pages, "in pieces of {step} bytes");
    }
}

#[test]
fn pictures_have_the_times_of_their_buffers() {
    let mut decoder = decoder();
    for mut update in encode(&three_pages()) {
        let arrived = update.pts().expect("updates have times") + gst::ClockTime::from_seconds(7);
        update.make_mut().set_pts(arrived);
        decoder.push(update).expect("a good stream");
    }
    let times: Vec<_> = std::iter::from_fn(|| decoder.try_pull()).map(|picture| picture.pts()).collect();
    assert_eq!(times, [0, 1, 2].map(|index| Some(at(index) + gst::ClockTime::from_seconds(7))));
}

#[test]
fn without_such_times_they_have_those_of_the_stream_and_begin_at_once() {
    let mut encoder = Harness::new("screenenc");
    encoder.set_sink_caps_str("video/x-convene-screen");
    let pages = three_pages();
    encoder.set_src_caps(pages[0].caps("BGRx"));
    for (index, page) in pages.iter().enumerate() {
        encoder.push(page.buffer(at(100 + index))).expect("a picture");
    }
    let mut decoder = file_decoder();
    for mut update in std::iter::from_fn(|| encoder.try_pull()) {
        update.make_mut().set_pts(None);
        decoder.push(update).expect("a good stream");
    }
    let times: Vec<_> = std::iter::from_fn(|| decoder.try_pull()).map(|picture| picture.pts()).collect();
    assert_eq!(times, [100, 101, 102].map(|index| Some(at(index))));

    let segment = std::iter::from_fn(|| decoder.try_pull_event())
        .find_map(|event| match event.view() {
            gst::EventView::Segment(segment) => segment.segment().downcast_ref::<gst::ClockTime>().cloned(),
            _ => None,
        })
        .expect("the pictures have a segment in time");
    assert_eq!(segment.to_running_time(at(100)), Some(gst::ClockTime::ZERO));
}

#[test]
fn caps_say_bgrx_and_follow_the_screens_size() {
    let sizes = [(64, 48), (100, 70)];
    let mut decoder = decoder();
    for update in encode(&sizes.map(|(width, height)| Picture::page(width, height, 1))) {
        decoder.push(update).expect("a good stream");
    }
    let announced: Vec<_> = std::iter::from_fn(|| decoder.try_pull_event())
        .filter_map(|event| match event.view() {
            gst::EventView::Caps(caps) => gst_video::VideoInfo::from_caps(&caps.caps_owned()).ok(),
            _ => None,
        })
        .map(|info| (info.format(), info.width(), info.height()))
        .collect();
    assert_eq!(announced, sizes.map(|(width, height)| (gst_video::VideoFormat::Bgrx, width, height)));
}

#[test]
fn events_come_in_the_order_that_gstreamer_wants() {
    let mut decoder = file_decoder();
    decoder.push_event(gst::event::Tag::new(gst::TagList::new()));
    decoder.push(gst::Buffer::from_slice(stream(&three_pages()))).expect("a good stream");
    decoder.push_event(gst::event::Eos::new());
    let order: Vec<_> = std::iter::from_fn(|| decoder.try_pull_event()).map(|event| event.type_()).collect();
    use gst::EventType;
    assert_eq!(
        order,
        [EventType::StreamStart, EventType::Caps, EventType::Segment, EventType::Tag, EventType::Eos]
    );
}

#[test]
fn a_truncated_stream_is_shown_up_to_its_last_whole_update_and_then_named() {
    let pages = three_pages();
    let stream = stream(&pages);
    let mut decoder = file_decoder();
    let bus = bus_of(&decoder);
    decoder.push(gst::Buffer::from_slice(stream[..stream.len() - 5].to_vec())).expect("good so far");
    decoder.push_event(gst::event::Eos::new());
    assert_eq!(shown(&mut decoder, 96, 64), pages[..2]);
    assert_eq!(
        error_on(&bus),
        "The screen cannot be shown any further: the screen stream ends inside a record: 5 more bytes were to come."
    );
}

#[test]
fn what_is_no_stream_is_named_and_refused() {
    for (bytes, sentence) in [
        (&b"RIFF\x10\x20\x00\x00WEBPVP8L"[..], "this is not a screen stream"),
        (b"\x01\x00\x00\x00\x06CNVS\x09\x00", "the screen stream has version 9"),
        (
            b"\x01\x00\x00\x00\x06CNVS\x01\x00\x02\x00\x00\x00\x04\xff\xff\xff\xff",
            "a screen of 65535 x 65535 pixels",
        ),
    ] {
        let mut decoder = file_decoder();
        let bus = bus_of(&decoder);
        assert_eq!(decoder.push(gst::Buffer::from_slice(bytes.to_vec())), Err(gst::FlowError::Error));
        let error = error_on(&bus);
        assert!(error.contains(sentence), "{error}");
    }
}

#[test]
fn an_empty_file_is_named() {
    let mut decoder = file_decoder();
    let bus = bus_of(&decoder);
    decoder.push_event(gst::event::Eos::new());
    assert_eq!(error_on(&bus), "This is not a screen stream: it is empty.");
}

#[test]
fn a_meeting_in_which_nobody_presented_is_no_error() {
    let mut decoder = decoder();
    let bus = bus_of(&decoder);
    decoder.push_event(gst::event::Eos::new());
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
    assert!(
        std::iter::from_fn(|| decoder.try_pull_event()).any(|event| event.type_() == gst::EventType::Eos)
    );
}

#[test]
fn after_a_flush_a_fresh_stream_is_shown() {
    let pages = three_pages();
    let stream = stream(&pages);
    let mut decoder = file_decoder();
    decoder.push(gst::Buffer::from_slice(stream[..stream.len() / 2].to_vec())).expect("good so far");
    decoder.push_event(gst::event::FlushStart::new());
    decoder.push_event(gst::event::FlushStop::new(true));
    decoder.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::format::Bytes>::new()));
    decoder.push(gst::Buffer::from_slice(stream)).expect("a good stream from its beginning");
    assert_eq!(shown(&mut decoder, 96, 64).last(), Some(&pages[2]));
}

#[test]
fn in_the_middle_of_a_stream_it_asks_for_the_beginning() {
    let updates = encode(&three_pages());
    let mut decoder = decoder();
    for update in &updates[1..] {
        decoder.push(update.clone()).expect("passed over");
    }
    let asked = std::iter::from_fn(|| decoder.try_pull_upstream_event())
        .filter(|event| gst_video::ForceKeyUnitEvent::is(event))
        .count();
    assert_eq!(asked, 1);
    decoder.push(updates[0].clone()).expect("the beginning");
    assert_eq!(shown(&mut decoder, 96, 64), three_pages()[..1]);
}

#[test]
fn upstream_hears_how_much_is_on_show() {
    let updates = encode(&three_pages());
    let mut decoder = decoder();
    let mut sent = 0;
    for update in updates {
        sent += update.size() as u64;
        decoder.push(update).expect("a good stream");
        let painted = std::iter::from_fn(|| decoder.try_pull_upstream_event())
            .filter_map(|event| event.structure()?.get::<u64>("bytes").ok())
            .last();
        assert_eq!(painted, Some(sent));
    }
}

#[test]
fn the_pointer_is_drawn_or_left_out() {
    let page = Picture::plain(16, 16, [0, 0, 0]);
    let mut encoder = Harness::new("screenenc");
    encoder.set_sink_caps_str("video/x-convene-screen");
    encoder.set_src_caps(page.caps("BGRx"));
    let shape = gst::Structure::builder("convene-screen-cursor-shape")
        .field("hot-x", 0u32)
        .field("hot-y", 0u32)
        .field("width", 1u32)
        .field("height", 1u32)
        .field("pixels", gst::Buffer::from_slice([0, 0, 255, 255]))
        .build();
    let place = gst::Structure::builder("convene-screen-cursor")
        .field("x", 3)
        .field("y", 4)
        .field("visible", true)
        .build();
    encoder.push_event(gst::event::CustomDownstreamOob::new(shape));
    encoder.push_event(gst::event::CustomDownstreamOob::new(place));
    encoder.push(page.buffer(at(0))).expect("a picture");
    let update = encoder.pull().expect("an update");

    for draw in [true, false] {
        let mut decoder = decoder();
        decoder.element().expect("an element").set_property("draw-cursor", draw);
        decoder.push(update.clone()).expect("a good stream");
        let red = Picture::of(&decoder.pull().expect("a picture"), 16, 16).rgb[(4 * 16 + 3) * 3];
        assert_eq!(red, if draw { 255 } else { 0 });
    }
}
