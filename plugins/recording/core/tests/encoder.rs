//! What is encoded, decoded again: what has changed is new, and what has not stays to the last pixel.

use std::time::Duration;

use convene_recording::{BLOCK_PIXELS, Damage, Encoder, Placement, Planes, VideoSize};
use convene_screen::vp8::Decoder;

const WIDTH: usize = 320;
const HEIGHT: usize = 160;
const STRIP: Placement = Placement { x: 240, y: 0, width: 80, height: 160 };
/// The loop filter of a block that moves reaches three pixels into what is left of it and above.
const FILTER_PIXELS: usize = 3;

fn size() -> VideoSize {
    VideoSize::new(WIDTH as u32, HEIGHT as u32).expect("a size")
}

/// A recording on its way through an encoder and a decoder.
struct Film {
    encoder: Encoder,
    decoder: Decoder,
    luma: Vec<u8>,
    chroma: Vec<u8>,
    damage: Damage,
    number: u32,
}

impl Film {
    /// Letters on a page.
    fn begin() -> Self {
        let luma = (0..WIDTH * HEIGHT).map(|at| letter(at % WIDTH, at / WIDTH, 7)).collect();
        Self {
            encoder: Encoder::new(size(), 2_500_000).expect("libvpx encodes"),
            decoder: Decoder::new(),
            luma,
            chroma: vec![128; WIDTH * HEIGHT / 4],
            damage: Damage::none(size()),
            number: 0,
        }
    }

    fn paint(&mut self, at: &Placement, pixel: impl Fn(usize, usize) -> u8) {
        for y in at.y as usize..(at.y + at.height) as usize {
            for x in at.x as usize..(at.x + at.width) as usize {
                self.luma[y * WIDTH + x] = pixel(x, y);
            }
        }
        self.damage.add(at);
    }

    /// The next picture as a player shows it, and how many bytes it took.
    fn show(&mut self, key: bool) -> (Vec<u8>, usize) {
        let planes = [&self.luma[..], &self.chroma, &self.chroma];
        let picture = Planes { width: WIDTH, height: HEIGHT, planes, strides: [WIDTH, WIDTH / 2, WIDTH / 2] };
        let time = Duration::from_millis(66) * self.number;
        let encoded = self.encoder.encode(&picture, &self.damage, time, key).expect("it is encoded");
        assert_eq!(encoded.is_key, key || self.number == 0);
        self.number += 1;
        self.damage.clear();
        let image = self.decoder.decode_any(&encoded.frame, u32::MAX).expect("VP8").expect("it is shown");
        let luma = image.planes[0];
        let rows = luma.bytes.chunks(luma.stride).take(HEIGHT).flat_map(|row| &row[..WIDTH]);
        (rows.copied().collect(), encoded.frame.len())
    }

    /// How far a picture is from what was painted, in each block: the mean of all differences.
    fn worst_block(&self, shown: &[u8]) -> usize {
        let side = BLOCK_PIXELS as usize;
        let block = |x: usize, y: usize| -> usize {
            let rows = (y..y + side).map(|y| y * WIDTH + x..y * WIDTH + x + side);
            let differences = rows.flatten().map(|at| usize::from(shown[at].abs_diff(self.luma[at])));
            differences.sum::<usize>() / (side * side)
        };
        let blocks = (0..HEIGHT).step_by(side).flat_map(|y| (0..WIDTH).step_by(side).map(move |x| (x, y)));
        blocks.map(|(x, y)| block(x, y)).max().expect("there are blocks")
    }
}

/// Strokes of one pixel and two, dark on bright, another text for another number.
fn letter(x: usize, y: usize, number: usize) -> u8 {
    let stroke = (x / 2 * 31 + y / 6 * 17 + number * 13) % 11 < 4 && y % 12 < 9;
    if stroke { 30 } else { 225 }
}

/// A camera: waves that move, and noise.
fn wave(x: usize, y: usize, number: u32) -> u8 {
    let wave = ((x + 3 * number as usize) / 5 * 9 + y / 3 * 5) % 120;
    60 + wave as u8 + ((x * 7919 + y * 104_729 + number as usize * 6_151) % 5) as u8
}

#[test]
fn what_does_not_change_stays_to_the_last_pixel() {
    let mut film = Film::begin();
    film.show(false);
    // What the key frame had only coarsely becomes sharp with the first pictures.
    for number in 0..6 {
        film.paint(&STRIP, |x, y| wave(x, y, number));
        film.show(false);
    }
    let (before, _) = film.show(false);
    assert!(film.worst_block(&before) <= 12, "{}", film.worst_block(&before));
    for number in 6..60 {
        film.paint(&STRIP, |x, y| wave(x, y, number));
        let (shown, _) = film.show(false);
        for (row, (shown, before)) in shown.chunks(WIDTH).zip(before.chunks(WIDTH)).enumerate() {
            let rests = STRIP.x as usize - FILTER_PIXELS;
            assert_eq!(shown[..rests], before[..rests], "row {row} of picture {number}");
        }
    }
}

/// A page, another one, a part of a third one, a key frame: what is seen is always what was painted last.
#[test]
fn nothing_stale_stays() {
    let all = Placement { x: 0, y: 0, width: WIDTH as u32, height: HEIGHT as u32 };
    let mut film = Film::begin();
    for round in 0..40 {
        match round % 10 {
            3 => film.paint(&all, |x, y| letter(x, y, round)),
            5 => {
                let part = Placement { x: 37, y: 21, width: 93, height: 66 };
                film.paint(&part, |x, y| letter(x, y, 3 * round));
            }
            _ => film.paint(&STRIP, |x, y| wave(x, y, round as u32)),
        }
        let (shown, _) = film.show(round % 10 == 7);
        // While much changes at once, it is coarse for a moment.
        let limit = if round % 10 == 3 { 40 } else { 20 };
        assert!(film.worst_block(&shown) <= limit, "picture {round}: {}", film.worst_block(&shown));
    }
}

#[test]
fn a_picture_without_change_costs_nearly_nothing() {
    let mut film = Film::begin();
    for _ in 0..4 {
        film.show(false);
    }
    let (before, _) = film.show(false);
    let (shown, bytes) = film.show(false);
    assert!(shown == before && bytes < 100, "{bytes} bytes");
}

#[test]
fn the_same_pictures_give_the_same_bytes() {
    let sizes = || {
        let mut film = Film::begin();
        let mut sizes = Vec::new();
        for number in 0..8 {
            film.paint(&STRIP, |x, y| wave(x, y, number));
            sizes.push(film.show(number == 5));
        }
        sizes
    };
    assert!(sizes() == sizes());
}
