//! Films that no encoder writes: altered, cut, and interrupted at the wrong moments.

use std::time::Duration;

use bytes::BytesMut;
use convene_screen::{
    Canvas, Colour, Decoder, Input, Output, Record, Rect, Relay, ScreenSize, StreamError, ViewerId, vp8,
};

const PLACE: Rect = Rect::new(9, 5, 77, 51);

/// Two films with key frames in the middle, things painted over them, and a change of size; where each update ends.
fn stream() -> (Vec<u8>, Vec<usize>) {
    let size = ScreenSize::new(120, 90).unwrap();
    let (mut out, mut ends) = (BytesMut::new(), Vec::new());
    let mut encoder = vp8::Encoder::new(PLACE.width, PLACE.height, 200_000);
    let mut canvas = Canvas::new(size);
    Record::Start.write(&mut out);
    for at in 0..16_u8 {
        if at % 8 == 0 {
            Record::Size(size).write(&mut out);
        }
        let colour = Colour { red: at * 9, green: 200 - at * 8, blue: at * 5 };
        let rect = Rect::new(9 + u16::from(at), 5, 30, 40);
        canvas.apply(&Record::Fill { rect, colour }).unwrap();
        let time = Duration::from_millis(40 * u64::from(at));
        let encoded = encoder.encode(&canvas, PLACE, time, at % 4 == 0).unwrap();
        Record::Video { rect: PLACE, is_key: encoded.is_key, frame: encoded.frame }.write(&mut out);
        if at % 3 == 0 {
            Record::Fill { rect: Rect::new(20, 20, 60, 60), colour }.write(&mut out);
        }
        Record::Update { time_us: u64::from(at) * 40_000 }.write(&mut out);
        ends.push(out.len());
    }
    (out.to_vec(), ends)
}

/// Nothing panics, and whoever watches through the relay, with a film or without, gets what a decoder takes.
fn any_bytes_are_survived(bytes: &[u8], rounds: u64) {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    while let Ok(Some(_)) = decoder.next_update() {}

    let mut relay = Relay::new();
    let mut viewers: Vec<(ViewerId, Decoder)> = Vec::new();
    for (i, piece) in bytes.chunks(177).enumerate() {
        let now = Duration::from_millis(1_000 + 40 * i as u64);
        // Somebody comes every now and then; some of them are slow.
        if (i as u64 + rounds).is_multiple_of(3) {
            let id = ViewerId(i as u32);
            relay.handle(Input::Join(id), now).unwrap();
            relay.handle(Input::Reads { viewer: id, films: i % 2 == 0, series: i % 3 == 0 }, now).unwrap();
            viewers.push((id, Decoder::new()));
        }
        let _ = relay.handle(Input::Stream(piece), now);
        for (id, decoder) in &mut viewers {
            while let Output::Send(bytes) = relay.poll(*id, now) {
                decoder.push(&bytes);
                while decoder.next_update().expect("the relay sends what is well formed").is_some() {}
            }
            if !(u64::from(id.0) + i as u64).is_multiple_of(4) {
                relay.handle(Input::Painted { viewer: *id, bytes: decoder.painted_bytes() }, now).unwrap();
            }
        }
    }
}

#[test]
fn altered_films_are_survived() {
    let (stream, ends) = stream();
    let mut chance = 7_u64;
    let mut random = move |below: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % below
    };
    for round in 0..600 {
        let mut altered = stream.clone();
        for _ in 0..round % 4 {
            let at = random(altered.len());
            match random(5) {
                0 => altered[at] = random(256) as u8,
                1 => altered[at] ^= 1 << random(8),
                2 => altered.truncate(at.max(1)),
                3 => {
                    let end = (at + random(40)).min(altered.len());
                    altered[at..end].fill(random(256) as u8);
                }
                _ => {
                    let update = random(ends.len() - 1);
                    let again = stream[ends[update]..ends[update + 1]].to_vec();
                    let to = ends[random(ends.len())].min(altered.len());
                    altered.splice(to..to, again);
                }
            }
        }
        any_bytes_are_survived(&altered, round as u64);
    }
}

/// A key frame of a few bytes that claims 16,383 x 16,383 pixels, or just more than its place.
#[test]
fn a_film_larger_than_its_place_is_refused_by_its_header() {
    let mut encoder = vp8::Encoder::new(64, 64, 200_000);
    let canvas = Canvas::new(ScreenSize::new(64, 64).unwrap());
    let rect = Rect::new(0, 0, 64, 64);
    let key = encoder.encode(&canvas, rect, Duration::ZERO, true).unwrap().frame;
    for side in [0_u16, 63, 65, 16_383, 0x4040] {
        let mut frame = key.to_vec();
        frame[6..8].copy_from_slice(&side.to_le_bytes());
        let mut stream = BytesMut::new();
        Record::Start.write(&mut stream);
        Record::Size(ScreenSize::new(2000, 2000).unwrap()).write(&mut stream);
        Record::Video { rect, is_key: true, frame: frame.into() }.write(&mut stream);
        Record::Update { time_us: 1 }.write(&mut stream);
        let mut decoder = Decoder::new();
        decoder.push(&stream);
        assert_eq!(decoder.next_update(), Err(StreamError::BadVideo { width: 64, height: 64 }), "{side}");
        assert_eq!(decoder.canvas(), None);
    }
}

/// A film of just the largest area is read, one row more is not.
#[test]
fn the_area_of_a_film_is_limited() {
    let read = |width: u16, height: u16| {
        let mut stream = BytesMut::new();
        Record::Start.write(&mut stream);
        Record::Size(ScreenSize::new(2048, 2049).unwrap()).write(&mut stream);
        let rect = Rect::new(0, 0, width, height);
        Record::Video { rect, is_key: true, frame: bytes::Bytes::from_static(b"none") }.write(&mut stream);
        let mut decoder = Decoder::new();
        decoder.push(&stream);
        decoder.next_update().unwrap_err()
    };
    assert_eq!(read(2048, 2048), StreamError::BadVideo { width: 2048, height: 2048 });
    assert_eq!(read(2048, 2049), StreamError::PictureTooLarge { width: 2048, height: 2049 });
}
