//! Our pictures against a decoder that is not ours: `rswebpdec` of gst-plugins-rs.

use convene_screen::{Canvas, Reader, Record, Rect};
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

    let mut reader = Reader::new();
    reader.push(&stream(&pages));
    let mut canvas = None;
    let mut compared = 0;
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
            let same = ours
                .chunks_exact(4)
                .zip(theirs.chunks_exact(4))
                .all(|(bgrx, rgba)| [bgrx[2], bgrx[1], bgrx[0]] == rgba[..3]);
            assert!(same, "{rect:?}");
            compared += 1;
        }
    }
    assert!(4 <= compared, "only {compared} pictures were compared");
}
