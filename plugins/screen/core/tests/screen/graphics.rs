//! Graphics: what is written is read back, whatever it shows, and whatever else is read is refused or painted.

use convene_screen::Rect;
use convene_screen::graphic::{self, Series};
use proptest::prelude::*;

const ANY_BYTES: usize = usize::MAX;

/// Pixels of few colours, in rows of the width.
fn pictures() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let colours = prop::collection::vec(any::<[u8; 3]>(), 1..40);
    let runs = prop::collection::vec((any::<prop::sample::Index>(), 1..60_usize), 1..60);
    (1..70_u16, colours, runs).prop_map(|(width, colours, runs)| {
        let mut pixels: Vec<u8> = Vec::new();
        for (colour, length) in runs {
            let [blue, green, red] = *colour.get(&colours);
            pixels.extend([blue, green, red, 0xff].repeat(length));
        }
        let row_bytes = usize::from(width) * 4;
        pixels.resize(pixels.len().next_multiple_of(row_bytes), 0xff);
        (width, pixels)
    })
}

fn encoded(width: u16, pixels: &[u8], bytes_max: usize) -> Option<bytes::Bytes> {
    let row_bytes = usize::from(width) * 4;
    let rect = Rect::new(0, 0, width, (pixels.len() / row_bytes) as u16);
    graphic::encode(pixels, row_bytes, rect, bytes_max)
}

fn decoded(width: u16, height: u16, bytes: &[u8]) -> Option<Vec<u8>> {
    let row_bytes = usize::from(width) * 4;
    let mut out = vec![0; row_bytes * usize::from(height)];
    graphic::decode(bytes, (width, height), &mut out, row_bytes).ok().map(|()| out)
}

proptest! {
    #[test]
    fn a_graphic_comes_back_as_it_was((width, pixels) in pictures()) {
        let bytes = encoded(width, &pixels, ANY_BYTES).unwrap();
        let height = (pixels.len() / (usize::from(width) * 4)) as u16;
        prop_assert_eq!(encoded(width, &pixels, bytes.len()), Some(bytes.clone()));
        prop_assert_eq!(encoded(width, &pixels, bytes.len() - 1), None);
        prop_assert_eq!(decoded(width, height, &bytes), Some(pixels));
    }

    #[test]
    fn bytes_of_no_sense_are_refused_or_painted(
        width in 1..80_u16, height in 1..80_u16, bytes in prop::collection::vec(any::<u8>(), 0..400)
    ) {
        if let Some(pixels) = decoded(width, height, &bytes) {
            prop_assert!(pixels.chunks(4).all(|pixel| pixel[3] == 0xff));
        }
    }

    #[test]
    fn a_graphic_with_more_bytes_is_refused((width, pixels) in pictures(), more in 5..20_usize) {
        let mut bytes = encoded(width, &pixels, ANY_BYTES).unwrap().to_vec();
        bytes.resize(bytes.len() + more, 0);
        let height = (pixels.len() / (usize::from(width) * 4)) as u16;
        prop_assert_eq!(decoded(width, height, &bytes), None);
    }
}

proptest! {
    #[test]
    fn a_series_comes_back_as_it_was(all in prop::collection::vec((pictures(), any::<bool>()), 1..8)) {
        let (mut writer, mut reader) = (Series::default(), Series::default());
        let mut tried = Series::default();
        for ((width, pixels), is_tried_before) in all {
            let row_bytes = usize::from(width) * 4;
            let rect = Rect::new(0, 0, width, (pixels.len() / row_bytes) as u16);
            let bytes = writer.encode(&pixels, row_bytes, rect, ANY_BYTES).unwrap();
            // What is given up leaves nothing behind.
            if is_tried_before && 1 < bytes.len() {
                prop_assert_eq!(tried.encode(&pixels, row_bytes, rect, bytes.len() / 2), None);
            }
            prop_assert_eq!(tried.encode(&pixels, row_bytes, rect, bytes.len()), Some(bytes.clone()));
            let mut out = vec![0; pixels.len()];
            prop_assert_eq!(reader.decode(&bytes, (width, rect.height), &mut out, row_bytes), Ok(()));
            prop_assert_eq!(out, pixels);
        }
    }
}

/// Letters of any pixels: what has come once takes little when it comes again, in another order and at another place.
#[test]
fn what_comes_again_takes_a_fraction_of_its_bytes() {
    let text = |order: u32| {
        let pixel = move |x: u32, y: u32| {
            let letter = (x / 8 * order) % 13;
            let shade = letter.wrapping_mul(0x9e37_79b1)
                ^ (x % 8).wrapping_mul(0x85eb_ca77)
                ^ y.wrapping_mul(0xc2b2_ae3d);
            let shade = if x % 8 < 6 && shade.is_multiple_of(3) {
                shade.wrapping_mul(0x2c1b_3c6d) >> 24
            } else {
                255
            };
            [shade as u8, shade as u8, shade as u8, 0xff]
        };
        (0..16).flat_map(|y| (0..104).flat_map(move |x| pixel(x, y))).collect::<Vec<u8>>()
    };
    let mut series = Series::default();
    let mut bytes_of = |order| {
        series
            .encode(&text(order), 104 * 4, Rect::new(0, 0, 104, 16), ANY_BYTES)
            .expect("it may take all")
            .len()
    };
    let (first, again) = (bytes_of(1), bytes_of(5));
    assert!(3 * again < first, "{first} bytes, then {again}");
}

/// A rectangle is encoded where it lies, and decoded to where it shall lie.
#[test]
fn a_part_of_a_screen_is_encoded_and_decoded_in_its_place() {
    let pixels: Vec<u8> =
        (0..40 * 30 * 4).map(|i| if i % 4 == 3 { 0xff } else { (i / 16 % 7 * 36) as u8 }).collect();
    let bytes = graphic::encode(&pixels, 160, Rect::new(5, 3, 20, 17), ANY_BYTES).unwrap();
    let mut out = vec![0x55; 160 * 17];
    graphic::decode(&bytes, (20, 17), &mut out, 160).unwrap();
    for (y, row) in out.chunks(160).enumerate() {
        let start = (y + 3) * 160 + 20;
        assert_eq!(row[..80], pixels[start..start + 80], "row {y}");
        assert!(row[80..].iter().all(|byte| *byte == 0x55), "row {y}");
    }
}

/// The largest picture of noise stays within the longest body.
#[test]
fn noise_fits_into_a_record() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let pixels: Vec<u8> = (0..512 * 512).flat_map(|_| [noise(), noise(), noise(), 0xff]).collect();
    let bytes = encoded(512, &pixels, ANY_BYTES).unwrap();
    assert!(bytes.len() + 8 <= convene_screen::RECORD_BODY_BYTES_MAX, "{}", bytes.len());
    assert_eq!(decoded(512, 512, &bytes), Some(pixels));
}
