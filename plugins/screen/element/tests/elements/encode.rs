//! `screenenc` alone.

use gst::prelude::*;
use gst_check::Harness;

use crate::support::{Picture, at, bus_of, bytes_of, decoder, encode, error_on, init, stream, three_pages};

fn encoder() -> Harness {
    init();
    let mut encoder = Harness::new("screenenc");
    encoder.set_sink_caps_str("video/x-convene-screen");
    encoder
}

fn shape_event(pixels: &[u8]) -> gst::Structure {
    gst::Structure::builder("convene-screen-cursor-shape")
        .field("hot-x", 0u32)
        .field("hot-y", 0u32)
        .field("width", 2u32)
        .field("height", 2u32)
        .field("pixels", gst::Buffer::from_slice(pixels.to_vec()))
        .build()
}

fn place_event(x: i32, y: i32) -> gst::Structure {
    gst::Structure::builder("convene-screen-cursor")
        .field("x", x)
        .field("y", y)
        .field("visible", true)
        .build()
}

/// What `screendec` shows at the end of these buffers.
fn last_shown(buffers: &[gst::Buffer], width: u32, height: u32) -> Picture {
    let mut decoder = decoder();
    for buffer in buffers {
        decoder.push(buffer.clone()).expect("a good stream");
    }
    let last = std::iter::from_fn(|| decoder.try_pull()).last().expect("something was shown");
    Picture::of(&last, width, height)
}

#[test]
fn every_order_of_the_bytes_shows_the_same_picture() {
    let page = Picture::page(96, 64, 5);
    for (format, order) in [
        ("BGRx", "bgrx"),
        ("BGRA", "bgrx"),
        ("RGBx", "rgbx"),
        ("RGBA", "rgbx"),
        ("xRGB", "xrgb"),
        ("ARGB", "xrgb"),
        ("xBGR", "xbgr"),
        ("ABGR", "xbgr"),
    ] {
        let mut encoder = encoder();
        encoder.set_src_caps(page.caps(format));
        encoder.push(gst::Buffer::from_slice(page.packed(order))).expect("a picture can be encoded");
        let update = encoder.pull().expect("the first picture is an update");
        assert_eq!(last_shown(&[update], 96, 64), page, "{format}");
    }
}

#[test]
fn padded_rows_are_read_as_the_video_meta_says() {
    let page = Picture::page(50, 40, 5);
    let (row, stride) = (50 * 4, 256);
    let mut padded = Vec::new();
    for line in page.packed("bgrx").chunks_exact(row) {
        padded.extend_from_slice(line);
        padded.resize(padded.len() + stride - row, 0xee);
    }
    let mut buffer = gst::Buffer::from_slice(padded);
    gst_video::VideoMeta::add_full(
        buffer.get_mut().expect("a new buffer"),
        gst_video::VideoFrameFlags::empty(),
        gst_video::VideoFormat::Bgrx,
        50,
        40,
        &[0],
        &[stride as i32],
    )
    .expect("the buffer is large enough");

    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    encoder.push(buffer).expect("a picture can be encoded");
    assert_eq!(last_shown(&[encoder.pull().expect("an update")], 50, 40), page);
}

#[test]
fn nothing_is_pushed_when_nothing_changed() {
    let page = Picture::page(96, 64, 1);
    assert_eq!(encode(&[page.clone(), page.clone(), page]).len(), 1);
}

#[test]
fn updates_keep_their_times_and_all_but_the_first_are_deltas() {
    let updates = encode(&three_pages());
    let times: Vec<_> = updates.iter().map(|update| update.pts()).collect();
    assert_eq!(times, [Some(at(0)), Some(at(1)), Some(at(2))]);
    let deltas: Vec<_> =
        updates.iter().map(|update| update.flags().contains(gst::BufferFlags::DELTA_UNIT)).collect();
    assert_eq!(deltas, [false, true, true]);
}

#[test]
fn the_screen_may_change_its_size() {
    let (small, large) = (Picture::page(64, 48, 1), Picture::page(100, 70, 2));
    let updates = encode(&[small.clone(), large.clone()]);
    assert_eq!(last_shown(&updates[..1], 64, 48), small);
    assert_eq!(last_shown(&updates, 100, 70), large);
}

#[test]
fn a_screen_beyond_the_limits_is_refused_with_a_sentence() {
    let encoder = encoder();
    let bus = bus_of(&encoder);
    let sinkpad = encoder.element().expect("an element").static_pad("sink").expect("a pad");
    // 16,384 pixels are allowed on each side, but not so many in all.
    let caps = Picture { width: 16_384, height: 16_384, rgb: vec![] }.caps("BGRx");
    sinkpad.send_event(gst::event::StreamStart::new("test"));
    assert!(!sinkpad.send_event(gst::event::Caps::new(&caps)));
    assert!(error_on(&bus).contains("33,554,432"));
}

#[test]
fn a_request_for_a_key_unit_begins_the_stream_anew() {
    let pages = three_pages();
    let mut encoder = encoder();
    encoder.set_src_caps(pages[0].caps("BGRx"));
    encoder.push(pages[0].buffer(at(0))).expect("a picture");
    assert!(encoder.push_upstream_event(gst_video::UpstreamForceKeyUnitEvent::builder().build()));
    encoder.push(pages[0].buffer(at(1))).expect("a picture");

    encoder.pull().expect("the first update");
    let again = encoder.pull().expect("the same picture again, for those who need it");
    assert!(!again.flags().contains(gst::BufferFlags::DELTA_UNIT));
    assert_eq!(last_shown(&[again], 96, 64), pages[0]);
}

#[test]
fn after_a_flush_the_stream_begins_anew() {
    let page = Picture::page(96, 64, 1);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    encoder.push(page.buffer(at(0))).expect("a picture");
    encoder.push_event(gst::event::FlushStart::new());
    encoder.push_event(gst::event::FlushStop::new(true));
    encoder.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    encoder.push(page.buffer(at(0))).expect("a picture");

    let last = std::iter::from_fn(|| encoder.try_pull()).last().expect("an update after the flush");
    assert!(!last.flags().contains(gst::BufferFlags::DELTA_UNIT));
}

#[test]
fn a_cursor_told_out_of_band_goes_with_the_next_picture() {
    let page = Picture::plain(32, 32, [0, 0, 0]);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    encoder.push(page.buffer(at(0))).expect("a picture");
    assert!(encoder.push_event(gst::event::CustomDownstreamOob::new(shape_event(&[255; 16]))));
    assert!(encoder.push_event(gst::event::CustomDownstreamOob::new(place_event(10, 20))));
    assert_eq!(encoder.buffers_in_queue(), 1);
    encoder.push(page.buffer(at(1))).expect("a picture");

    let updates: Vec<_> = std::iter::from_fn(|| encoder.try_pull()).collect();
    assert_eq!(updates.len(), 2);
    let shown = last_shown(&updates, 32, 32);
    let white = |x: usize, y: usize| shown.rgb[(y * 32 + x) * 3..][..3] == [255; 3];
    assert!(white(10, 20) && white(11, 21) && !white(9, 20) && !white(12, 20));
}

#[test]
fn a_cursor_told_in_the_stream_goes_at_once() {
    let page = Picture::plain(32, 32, [0, 0, 0]);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    // Before the first picture there is nothing that it could point at.
    assert!(encoder.push_event(gst::event::CustomDownstream::new(place_event(1, 1))));
    assert_eq!(encoder.buffers_in_queue(), 0);
    encoder.push(page.buffer(at(3))).expect("a picture");
    assert!(encoder.push_event(gst::event::CustomDownstream::new(place_event(2, 2))));

    let updates: Vec<_> = std::iter::from_fn(|| encoder.try_pull()).collect();
    assert_eq!(updates.len(), 2);
    assert_eq!(updates[1].pts(), Some(at(3)));
}

#[test]
fn a_cursor_that_is_none_is_refused_and_the_stream_goes_on() {
    let page = Picture::plain(32, 32, [0, 0, 0]);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    encoder.push(page.buffer(at(0))).expect("a picture");
    assert!(!encoder.push_event(gst::event::CustomDownstreamOob::new(shape_event(&[255; 15]))));
    let empty = gst::Structure::new_empty("convene-screen-cursor");
    assert!(!encoder.push_event(gst::event::CustomDownstreamOob::new(empty)));
    encoder.push(Picture::plain(32, 32, [9, 9, 9]).buffer(at(1))).expect("a picture");
    assert_eq!(encoder.buffers_in_queue(), 2);
}

#[test]
fn a_picture_without_caps_is_not_negotiated() {
    let mut encoder = encoder();
    encoder.push_event(gst::event::StreamStart::new("test"));
    encoder.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    let sinkpad = encoder.element().expect("an element").static_pad("sink").expect("a pad");
    assert_eq!(sinkpad.chain(gst::Buffer::from_slice([0; 64])), Err(gst::FlowError::NotNegotiated));
}

#[test]
fn a_buffer_too_small_for_its_caps_is_an_error_and_no_crash() {
    let page = Picture::page(96, 64, 1);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    assert_eq!(encoder.push(gst::Buffer::from_slice([0; 64])), Err(gst::FlowError::Error));
}

#[test]
fn the_buffers_one_after_the_other_are_a_file() {
    let pages = three_pages();
    let file = gst::Buffer::from_slice(stream(&pages));
    assert_eq!(last_shown(&[file], 96, 64), pages[2]);
    assert!(bytes_of(&encode(&pages)[0]).starts_with(b"\x01\0\0\0\x06CNVS\x01\0"));
}

/// The clock of the test stands still until all wait for it.
#[test]
fn a_live_source_that_falls_silent_is_sharpened_to_the_last_pixel() {
    let photograph = Picture::photograph(300, 200, 1);
    let mut encoder = encoder();
    encoder.set_upstream_latency(gst::ClockTime::from_mseconds(20));
    encoder.set_src_caps(photograph.caps("BGRx"));
    encoder.push(photograph.buffer(at(0))).expect("a picture");
    let mut updates = vec![encoder.pull().expect("an update")];
    assert_ne!(last_shown(&updates, 300, 200), photograph, "the first picture is about right");

    while last_shown(&updates, 300, 200) != photograph {
        encoder.crank_single_clock_wait().expect("the element waits until something is due");
        updates.push(encoder.pull().expect("what was due is sent"));
    }
    let sharpened = updates[1].pts().expect("a time");
    assert!(gst::ClockTime::from_mseconds(80) <= sharpened && sharpened < at(4), "{sharpened}");
    assert!(updates.is_sorted_by_key(|update| update.pts()));
}

#[test]
fn a_silent_live_source_need_not_speak_for_a_reader_who_begins_anew() {
    let page = Picture::page(96, 64, 1);
    let mut encoder = encoder();
    encoder.set_upstream_latency(gst::ClockTime::ZERO);
    encoder.set_src_caps(page.caps("BGRx"));
    encoder.push(page.buffer(at(0))).expect("a picture");
    encoder.pull().expect("an update");
    assert!(encoder.push_upstream_event(gst_video::UpstreamForceKeyUnitEvent::builder().build()));
    encoder.crank_single_clock_wait().expect("the clock stands at the very start");
    let again = encoder.pull().expect("the screen as it stands");
    assert_eq!(last_shown(&[again], 96, 64), page);
    assert!(encoder.try_pull().is_none(), "once is enough");
}

#[test]
fn an_element_that_waits_to_sharpen_can_be_stopped() {
    let photograph = Picture::photograph(300, 200, 1);
    let mut encoder = encoder();
    encoder.set_src_caps(photograph.caps("BGRx"));
    encoder.push(photograph.buffer(at(0))).expect("a picture");
    encoder.wait_for_clock_id_waits(1, 30).expect("the element waits");
    let element = encoder.element().expect("an element");
    element.set_state(gst::State::Null).expect("it stops");
    element.set_state(gst::State::Playing).expect("it starts again");
}

fn tell_line(encoder: &mut Harness, bits_a_second: u64, update_bytes: u64) {
    let line = gst::Structure::builder("convene-screen-line")
        .field("bits-a-second", bits_a_second)
        .field("update-bytes", update_bytes);
    assert!(encoder.push_upstream_event(gst::event::CustomUpstream::new(line.build())));
}

/// While the picture is new, one update follows the other.
#[test]
fn no_update_has_more_than_the_line_takes_soon() {
    let page = Picture::noise(640, 480, 1);
    let mut encoder = encoder();
    encoder.set_src_caps(page.caps("BGRx"));
    tell_line(&mut encoder, 0, 30_000);
    encoder.push(page.buffer(at(0))).expect("a picture");
    let updates: Vec<gst::Buffer> = std::iter::from_fn(|| encoder.try_pull()).collect();
    let bytes: Vec<usize> = updates.iter().map(|update| update.size()).collect();
    assert!(4 < bytes.len() && bytes.iter().all(|bytes| *bytes < 45_000), "{bytes:?}");
    assert_eq!(last_shown(&updates, 640, 480), page);
}

/// What 60 pictures of a film take after the first second.
fn bytes_of_a_film(line: Option<u64>) -> usize {
    let mut encoder = encoder();
    encoder.set_src_caps(Picture::photograph(320, 240, 0).caps("BGRx"));
    if let Some(bits_a_second) = line {
        tell_line(&mut encoder, bits_a_second, u64::MAX);
    }
    for index in 0..85 {
        let pts = gst::ClockTime::from_mseconds(40) * u64::from(index);
        encoder.push(Picture::photograph(320, 240, index).buffer(pts)).expect("a picture");
    }
    let updates = std::iter::from_fn(|| encoder.try_pull());
    updates.filter(|update| update.pts() > Some(gst::ClockTime::SECOND)).map(|update| update.size()).sum()
}

#[test]
fn a_film_takes_no_more_than_the_line_is_told_to_carry() {
    let (free, narrow) = (bytes_of_a_film(None), bytes_of_a_film(Some(90_000)));
    assert!(3 * narrow < 2 * free && narrow < 60_000 / 8 * 3, "{free} and {narrow} bytes");
}
