//! Our pictures against a decoder that is not ours: `rswebpdec` of gst-plugins-rs.

use std::time::Duration;

use convene_screen::{Canvas, Input, Output, Reader, Record, Rect, Relay, ViewerId};
use gst_check::Harness;

use crate::support::{Picture, init, stream};

/// RGBA, as `rswebpdec` sees a WebP file.
fn decode_elsewhere(webp: &[u8], rect: Rect) -> Vec<u8> {
    let mut decoder = Harness::new("rswebpdec");
    decoder.set_src_caps_str("image/webp");
    decoder.push(gst::Buffer::from_slice(webp.to_vec())).expect("it takes a WebP file");
    decoder.push_event(gst::event::Eos::new());
    let picture = decoder.pull().expect("it decodes the picture");
    let map = picture.map_readable().expect("a picture can be read");
    assert_eq!(map.len(), rect.area() * 4, "the picture has the rectangle's size");
    map.to_vec()
}

fn part_of(canvas: &Canvas, rect: Rect) -> Vec<u8> {
    let stride = usize::from(canvas.size().width()) * 4;
    (rect.y..rect.y + rect.height)
        .flat_map(|y| {
            &canvas.pixels()[usize::from(y) * stride + usize::from(rect.x) * 4..]
                [..usize::from(rect.width) * 4]
        })
        .copied()
        .collect()
}

/// The means of the squares by which each of our WebP pictures looks different elsewhere, as (lossy, square).
fn differences(stream: &[u8]) -> Vec<(bool, f64)> {
    let mut reader = Reader::new();
    reader.push(stream);
    let mut canvas = None;
    let mut differences = Vec::new();
    while let Some(record) = reader.next_record().expect("our own stream is good") {
        if let Record::Size(size) = record {
            canvas = Some(Canvas::new(size));
        }
        let Some(canvas) = &mut canvas else {
            continue;
        };
        canvas.apply(&record).expect("our own stream is good");
        if let Record::Picture { rect, picture: convene_screen::Picture::WebP(webp) } = &record {
            let ours = part_of(canvas, *rect);
            let theirs = decode_elsewhere(webp, *rect);
            let square = |(bgrx, rgba): (&[u8], &[u8])| {
                let channels = [bgrx[2], bgrx[1], bgrx[0]].into_iter().zip(rgba);
                channels.map(|(ours, theirs)| f64::from(ours.abs_diff(*theirs)).powi(2)).sum::<f64>()
            };
            let sum: f64 = ours.chunks_exact(4).zip(theirs.chunks_exact(4)).map(square).sum();
            differences.push((webp[12..16] == *b"VP8 ", sum / (3 * rect.area()) as f64));
        }
    }
    differences
}

#[test]
fn each_picture_looks_the_same_to_an_independent_decoder() {
    init();
    // Large enough that the screen is more than one picture, and noisy enough that it is pictures at all.
    let pages: Vec<_> = (1..=4)
        .map(|seed| {
            let mut page = Picture::page(700, 560, seed);
            for (index, byte) in page.rgb.iter_mut().enumerate().skip(700 * 3 * 200) {
                *byte ^= ((index as u32).wrapping_mul(seed * 31) >> 5) as u8 & 0x1f;
            }
            page
        })
        .collect();
    let differences = differences(&stream(&pages));
    assert!(4 <= differences.len(), "only {} pictures were compared", differences.len());
    assert!(differences.iter().all(|(_, square)| *square == 0.0), "{differences:?}");
}

/// How colours are spread over the pixels between is each decoder's own affair: 35 dB and more apart is alike.
const ALIKE: f64 = 20.0;

#[test]
fn a_photograph_looks_alike_to_an_independent_decoder() {
    init();
    let differences = differences(&stream(&[Picture::photograph(700, 560, 3)]));
    assert!(differences.iter().any(|(is_lossy, _)| *is_lossy), "{differences:?}");
    assert!(differences.iter().all(|(is_lossy, square)| *square <= if *is_lossy { ALIKE } else { 0.0 }));
}

/// What the relay makes for a viewer on a line of 100 kbit/s that joins late, coarse at first.
#[test]
fn pictures_of_the_relay_look_alike_to_an_independent_decoder() {
    init();
    let mut screen = Picture::photograph(700, 560, 3);
    screen.rgb.splice(700 * 3 * 300.., Picture::noise(700, 260, 5).rgb);
    let mut relay = Relay::new();
    let mut now = Duration::from_secs(1);
    relay.handle(Input::Stream(&stream(&[screen])), now).expect("our own stream is good");
    relay.handle(Input::Join(ViewerId(1)), now).expect("there is room");
    let mut stream = Vec::new();
    for _ in 0..2_000 {
        now += Duration::from_millis(20);
        while let Output::Send(piece) = relay.poll(ViewerId(1), now) {
            now += Duration::from_millis(piece.len() as u64 / 12);
            stream.extend_from_slice(&piece);
        }
        let painted = Input::Painted { viewer: ViewerId(1), bytes: stream.len() as u64 };
        relay.handle(painted, now).expect("it is a viewer");
    }
    let differences = differences(&stream);
    for is_lossy in [true, false] {
        assert!(differences.iter().any(|difference| difference.0 == is_lossy), "{differences:?}");
    }
    assert!(
        differences.iter().all(|(is_lossy, square)| *square <= if *is_lossy { ALIKE } else { 0.0 }),
        "{differences:?}"
    );
}
