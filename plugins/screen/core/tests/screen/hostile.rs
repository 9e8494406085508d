//! Streams that no encoder writes: cut, altered, and made to cost much.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use convene_screen::{
    Colour, Decoder, Encoder, Input, Output, Picture, PixelOrder, Point, Reader, Record, Rect, Relay,
    ScreenSize, StreamError, ViewerId,
};

use crate::desktop::{Desktop, Step};

/// A stream with every kind of record in it, and where each of its updates ends.
fn stream() -> (Vec<u8>, Vec<usize>) {
    let mut desktop = Desktop::page(ScreenSize::new(300, 100).unwrap());
    let mut encoder = Encoder::new();
    let (mut stream, mut ends) = (Vec::new(), Vec::new());
    encoder.shape_cursor(Point { x: 1, y: 1 }, 3, 3, &[0x77; 36]).unwrap();
    let steps = [
        Step::Fill { rect: Rect::new(0, 0, 300, 100), colour: [9, 9, 200] },
        Step::Noise { rect: Rect::new(0, 0, 300, 100), seed: 3, colours: 2 },
        Step::Scroll { rect: Rect::new(0, 0, 300, 100), dx: 0, dy: -20, seed: 4 },
        Step::Fill { rect: Rect::new(0, 0, 300, 100), colour: [9, 9, 200] },
        Step::Noise { rect: Rect::new(0, 0, 300, 100), seed: 3, colours: 2 },
        Step::Resize(ScreenSize::new(70, 64).unwrap()),
        Step::Restart,
    ];
    for (i, step) in steps.into_iter().enumerate() {
        desktop.step(&step);
        if let Step::Restart = step {
            encoder.restart();
        }
        encoder.move_cursor(i as i16, -4, i % 2 == 0);
        let stored = desktop.stored(PixelOrder::Bgrx, 0);
        stream.extend(encoder.frame(stored.frame(), Duration::from_millis(i as u64)).unwrap());
        ends.push(stream.len());
    }
    (stream, ends)
}

/// Reads all of it; the number of updates shown.
fn read(bytes: &[u8], piece: usize) -> (Decoder, usize, Result<(), StreamError>) {
    let (mut decoder, mut updates) = (Decoder::new(), 0);
    for bytes in bytes.chunks(piece) {
        decoder.push(bytes);
        loop {
            match decoder.next_update() {
                Ok(Some(_)) => updates += 1,
                Ok(None) => break,
                Err(error) => return (decoder, updates, Err(error)),
            }
        }
    }
    let end = decoder.finish();
    (decoder, updates, end)
}

#[test]
fn every_kind_of_record_is_in_the_stream() {
    let (stream, _) = stream();
    let mut reader = Reader::new();
    reader.push(&stream);
    let kinds: std::collections::BTreeSet<String> = std::iter::from_fn(|| reader.next_record().unwrap())
        .map(|record| format!("{record:?}").chars().take_while(|c| c.is_alphabetic()).collect())
        .collect();
    let all = [
        "Cursor",
        "CursorShape",
        "Fill",
        "Keep",
        "Move",
        "Picture",
        "Recall",
        "Serial",
        "Size",
        "Start",
        "Update",
    ];
    assert_eq!(kinds.iter().collect::<Vec<_>>(), all);
}

/// However long the stream is: the whole updates are shown, and a record that is cut is told.
#[test]
fn every_truncated_length_shows_its_whole_updates() {
    let (stream, ends) = stream();
    let record_ends = record_ends(&stream);
    for length in 0..stream.len() {
        let (decoder, updates, end) = read(&stream[..length], 4096);
        let whole = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(updates, whole, "{length} bytes");
        assert_eq!(decoder.painted_bytes(), whole.checked_sub(1).map_or(0, |last| ends[last] as u64));
        let is_cut = matches!(end, Err(StreamError::Truncated { .. }));
        assert_eq!(is_cut, !record_ends.contains(&length), "{length} bytes: {end:?}");
    }
}

fn record_ends(stream: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new();
    reader.push(stream);
    let mut ends = vec![0];
    while reader.next_record().unwrap().is_some() {
        ends.push(reader.read_bytes() as usize);
    }
    ends
}

#[test]
fn the_size_of_the_pieces_does_not_matter() {
    let (stream, ends) = stream();
    let whole = read(&stream, stream.len());
    for piece in [1, 2, 5, 63] {
        let (decoder, updates, end) = read(&stream, piece);
        assert_eq!((updates, end), (ends.len(), Ok(())));
        assert_eq!(decoder.canvas(), whole.0.canvas());
        assert_eq!(decoder.cursor(), whole.0.cursor());
    }
}

/// A fuzz body: any bytes may come; nothing panics, and the relay only ever sends what a decoder takes.
fn any_bytes_are_survived(bytes: &[u8]) {
    let _ = read(bytes, 777);

    let mut relay = Relay::new();
    let (viewer, now) = (ViewerId(1), Duration::from_secs(1));
    relay.handle(Input::Join(viewer), now).unwrap();
    relay.handle(Input::Reads { viewer, films: false, series: true }, now).unwrap();
    let mut decoder = Decoder::new();
    for piece in bytes.chunks(333) {
        let _ = relay.handle(Input::Stream(piece), now);
        while let Output::Send(bytes) = relay.poll(viewer, now) {
            decoder.push(&bytes);
            while decoder.next_update().expect("the relay sends what is well formed").is_some() {}
        }
        relay.handle(Input::Painted { viewer, bytes: decoder.painted_bytes() }, now).unwrap();
    }
}

#[test]
fn altered_streams_are_survived() {
    let (stream, ends) = stream();
    let mut chance = 5_u64;
    let mut random = move |below: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % below
    };
    for round in 0..3000 {
        let mut altered = stream.clone();
        for _ in 0..1 + round % 4 {
            let at = random(altered.len());
            match random(6) {
                0 => altered[at] = random(256) as u8,
                1 => altered[at] ^= 1 << random(8),
                2 => {
                    let end = (at + random(40)).min(altered.len());
                    altered.drain(at..end);
                }
                3 => altered.insert(at, random(256) as u8),
                4 => altered.truncate(at.max(1)),
                _ => {
                    let update = random(ends.len() - 1);
                    let again = stream[ends[update]..ends[update + 1]].to_vec();
                    altered.splice(at..at, again);
                }
            }
        }
        any_bytes_are_survived(&altered);
    }
}

#[test]
fn noise_is_survived() {
    let mut state = 1_u64;
    for _ in 0..300 {
        let mut bytes = b"\x01\x00\x00\x00\x06CNVS\x01\x00\x02\x00\x00\x00\x04\x00\x40\x00\x40".to_vec();
        for _ in 0..60 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let kind = 1 + (state >> 40) as u8 % 13;
            let length = (state >> 50) as u8 % 24;
            bytes.extend([kind, 0, 0, 0, length]);
            bytes.extend((0..length).map(|i| (state >> (i % 32)) as u8 & 0x3f));
        }
        any_bytes_are_survived(&bytes);
    }
}

/// A small file that claims a large picture, one with another size than its place, and one that is too large for any place.
#[test]
fn a_picture_larger_than_its_place_is_refused_by_its_header() {
    let size = ScreenSize::new(8192, 4096).unwrap();
    let pixels = [0_u8; 16];
    let small = convene_screen::webp::encode_lossless(
        &pixels,
        8,
        Rect::new(0, 0, 2, 2),
        convene_screen::webp::Effort::Quick,
    );
    // The size of a lossless picture stands in the 28 bits behind its signature byte.
    let mut bomb = small.to_vec();
    bomb[21..25].copy_from_slice(&(16_382_u32 | 16_382 << 14).to_le_bytes());
    for file in [Bytes::from(bomb), small] {
        let mut stream = BytesMut::new();
        let rect = Rect::new(0, 0, 512, 512);
        for record in [
            Record::Start,
            Record::Size(size),
            Record::Picture { rect, picture: Picture::WebP(file) },
            Record::Update { time_us: 1 },
        ] {
            record.write(&mut stream);
        }
        let (_, _, end) = read(&stream, stream.len());
        assert_eq!(end, Err(StreamError::BadPicture { width: 512, height: 512 }));
    }
}

/// The canvas stays as the last whole update left it, and the error stays too.
#[test]
fn a_decoder_that_refuses_shows_the_last_whole_update() {
    let size = ScreenSize::new(64, 64).unwrap();
    let fill = |red| Record::Fill { rect: size.rect(), colour: Colour { red, green: 0, blue: 0 } };
    let bad = Record::Picture {
        rect: Rect::new(0, 0, 2, 2),
        picture: Picture::WebP(Bytes::from_static(b"no picture")),
    };
    let end = |time_us| Record::Update { time_us };
    let mut stream = BytesMut::new();
    for record in [Record::Start, Record::Size(size), fill(1), end(1), fill(2), bad, end(2), fill(3), end(3)]
    {
        record.write(&mut stream);
    }
    let (mut decoder, updates, error) = read(&stream, 7);
    assert_eq!((updates, &error), (1, &Err(StreamError::BadPicture { width: 2, height: 2 })));
    assert_eq!(decoder.canvas().unwrap().pixels(), [0, 0, 1, 0xff].repeat(64 * 64));
    decoder.push(&stream);
    assert_eq!(decoder.next_update(), error.map(|()| None));
}

#[test]
fn a_canvas_refuses_what_is_beyond_it() {
    let mut canvas = convene_screen::Canvas::new(ScreenSize::new(8, 8).unwrap());
    let before = canvas.clone();
    let (beyond, empty, inside) = (Rect::new(7, 0, 2, 1), Rect::new(1, 1, 0, 1), Rect::new(0, 0, 4, 4));
    for rect in [beyond, empty] {
        assert_eq!(
            canvas.apply(&Record::Fill { rect, colour: Colour::default() }),
            Err(StreamError::BadRect { rect })
        );
        assert_eq!(
            canvas.apply(&Record::Picture { rect, picture: Picture::WebP(Bytes::new()) }),
            Err(StreamError::BadRect { rect })
        );
    }
    let from = Point { x: 5, y: u16::MAX };
    assert!(canvas.apply(&Record::Move { rect: inside, from }).is_err());
    assert_eq!(canvas, before);
}

/// Neither a stream of `Start`s nor updates without end make the relay hold more than one update may have.
#[test]
fn an_update_without_end_is_refused() {
    let mut relay = Relay::new();
    let now = Duration::ZERO;
    let mut begin = BytesMut::new();
    Record::Start.write(&mut begin);
    Record::Size(ScreenSize::new(64, 64).unwrap()).write(&mut begin);
    let mut fills = BytesMut::new();
    for _ in 0..1000 {
        Record::Fill { rect: Rect::new(0, 0, 1, 1), colour: Colour::default() }.write(&mut fills);
    }
    // A `Start` begins anew, also the count.
    for _ in 0..70 {
        relay.handle(Input::Stream(&begin), now).unwrap();
        relay.handle(Input::Stream(&fills), now).unwrap();
    }
    let mut rest = (0..70).map(|_| relay.handle(Input::Stream(&fills), now));
    assert_eq!(rest.find(Result::is_err), Some(Err(StreamError::UpdateTooLong)));
    assert_eq!(relay.size(), None, "nothing of it was ever shown");
}

/// However much a stream asks to keep: the oldest leave, and so they do at the relay and at its viewers.
#[test]
fn what_is_kept_is_bounded() {
    let size = ScreenSize::new(64, 64).unwrap();
    let rect = Rect::new(0, 0, 2, 2);
    let webp = convene_screen::webp::encode_lossless(&[7; 16], 8, rect, convene_screen::webp::Effort::Quick);
    let keep = |out: &mut BytesMut, key| {
        Record::Picture { rect, picture: Picture::WebP(webp.clone()) }.write(out);
        Record::Keep { key }.write(out);
        Record::Update { time_us: key }.write(out);
    };
    let recall = |key| {
        let mut out = BytesMut::new();
        Record::Recall { rect, key, picture: Picture::WebP(Bytes::new()) }.write(&mut out);
        Record::Update { time_us: key }.write(&mut out);
        out
    };
    let mut stream = BytesMut::new();
    Record::Start.write(&mut stream);
    Record::Size(size).write(&mut stream);
    (0..3000).for_each(|key| keep(&mut stream, key));
    let first_kept = 3000 - convene_screen::CACHE_ENTRIES_MAX as u64;
    for (key, expected) in [(2999, true), (first_kept, true), (first_kept - 1, false)] {
        let (mut decoder, updates, end) = read(&stream, 4096);
        assert_eq!((updates, end), (3000, Ok(())));
        decoder.push(&recall(key));
        assert_eq!(decoder.next_update().is_ok(), expected, "{key}");
    }

    let mut relay = Relay::new();
    let viewer = ViewerId(1);
    relay.handle(Input::Join(viewer), Duration::ZERO).unwrap();
    let mut decoder = Decoder::new();
    // What is in debt goes about right at first; the last time is there for what it owes then.
    for (piece, second) in [(&stream[..], 0), (&recall(first_kept), 10), (&recall(2999), 20), (&[], 30)] {
        let now = Duration::from_secs(second);
        relay.handle(Input::Stream(piece), now).unwrap();
        while let Output::Send(bytes) = relay.poll(viewer, now) {
            decoder.push(&bytes);
            while decoder.next_update().expect("the relay sends what its viewer knows").is_some() {}
            relay.handle(Input::Painted { viewer, bytes: decoder.painted_bytes() }, now).unwrap();
        }
    }
    assert_eq!(&decoder.canvas().unwrap().pixels()[..3], [7, 7, 7]);
}

/// The presenter's reader let go of a picture that a viewer, which missed what came between, still has.
#[test]
fn a_viewer_that_still_has_a_picture_is_not_told_to_keep_it_again() {
    let rect = Rect::new(0, 0, 64, 64);
    let noise: Vec<u8> = (0..64 * 64 * 4_u32)
        .map(|i| (i.wrapping_mul(i ^ 0x5bd1).wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let webp = convene_screen::webp::encode_lossless(&noise, 256, rect, convene_screen::webp::Effort::Quick);
    assert!(4_000 < webp.len(), "a hundred of them do not fit into the first window");
    let keep = |key| {
        let mut out = BytesMut::new();
        Record::Picture { rect, picture: Picture::WebP(webp.clone()) }.write(&mut out);
        Record::Keep { key }.write(&mut out);
        Record::Update { time_us: key }.write(&mut out);
        out
    };
    let (mut relay, mut decoder) = (Relay::new(), Decoder::new());
    let (viewer, now) = (ViewerId(1), Duration::ZERO);
    let mut stream = BytesMut::new();
    Record::Start.write(&mut stream);
    Record::Size(ScreenSize::new(64, 64).unwrap()).write(&mut stream);
    stream.extend_from_slice(&keep(0));
    relay.handle(Input::Join(viewer), now).unwrap();
    relay.handle(Input::Stream(&stream), now).unwrap();
    (1..=1024).for_each(|key| relay.handle(Input::Stream(&keep(key)), now).unwrap());
    // The second round finds the viewer without any debt.
    for key in [1025, 0, 1026] {
        relay.handle(Input::Stream(&keep(key)), now).unwrap();
        while let Output::Send(bytes) = relay.poll(viewer, now) {
            decoder.push(&bytes);
            while decoder.next_update().expect("the relay sends what its viewer takes").is_some() {}
            relay.handle(Input::Painted { viewer, bytes: decoder.painted_bytes() }, now).unwrap();
        }
    }
    assert!(decoder.canvas().is_some());
}

#[test]
fn the_limits_are_where_the_format_says() {
    assert!(ScreenSize::new(16_384, 2_048).is_some());
    assert!(ScreenSize::new(16_384, 2_049).is_none());
    assert!(ScreenSize::new(16_385, 1).is_none());
    assert!(ScreenSize::new(0, 5).is_none());
    let begin = |kind: u8, length: u32| {
        let mut bytes = b"\x01\x00\x00\x00\x06CNVS\x01\x00".to_vec();
        bytes.push(kind);
        bytes.extend(length.to_be_bytes());
        read(&bytes, bytes.len()).2
    };
    assert_eq!(begin(0x80, 2 * 1024 * 1024), Err(StreamError::Truncated { missing: 2 * 1024 * 1024 }));
    assert_eq!(
        begin(0x80, 2 * 1024 * 1024 + 1),
        Err(StreamError::BodyTooLong { kind: 0x80, length: 2 * 1024 * 1024 + 1 })
    );
}
