//! A made-up screen, and what happens on it.

use convene_screen::{Frame, PixelOrder, Rect, ScreenSize};
use proptest::prelude::*;

/// What happens from one frame to the next. Rectangles are cut to the screen.
#[derive(Clone, Debug)]
pub enum Step {
    Fill {
        rect: Rect,
        colour: [u8; 3],
    },
    Noise {
        rect: Rect,
        seed: u64,
        colours: u64,
    },
    /// Soft shapes with a little noise, as a camera makes them.
    Photograph {
        rect: Rect,
        seed: u64,
    },
    /// The content moves by `dx`, `dy`; noise comes in behind it.
    Scroll {
        rect: Rect,
        dx: i32,
        dy: i32,
        seed: u64,
    },
    Resize(ScreenSize),
    Restart,
}

pub fn any_size() -> impl Strategy<Value = ScreenSize> {
    (1_u32..700, 1_u32..400).prop_map(|(width, height)| ScreenSize::new(width, height).unwrap())
}

pub fn any_step() -> impl Strategy<Value = Step> {
    let rect =
        || (0_u16..700, 0_u16..400, 1_u16..700, 1_u16..400).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    prop_oneof![
        3 => (rect(), any::<[u8; 3]>()).prop_map(|(rect, colour)| Step::Fill { rect, colour }),
        3 => (rect(), any::<u64>(), 2_u64..300).prop_map(|(rect, seed, colours)| Step::Noise { rect, seed, colours }),
        3 => (rect(), any::<u64>()).prop_map(|(rect, seed)| Step::Photograph { rect, seed }),
        6 => (rect(), any_offset(), any::<u64>()).prop_map(|(rect, (dx, dy), seed)| Step::Scroll { rect, dx, dy, seed }),
        1 => any_size().prop_map(Step::Resize),
        1 => Just(Step::Restart),
    ]
}

fn any_offset() -> impl Strategy<Value = (i32, i32)> {
    prop_oneof![(Just(0), -90..90), (-90..90, Just(0)), (-90..90, -90..90)]
}

/// The pixels as red, green, blue.
#[derive(Clone)]
pub struct Desktop {
    size: ScreenSize,
    pixels: Vec<[u8; 3]>,
}

/// A frame's bytes as a capture would store them.
pub struct Stored {
    size: ScreenSize,
    order: PixelOrder,
    stride: usize,
    bytes: Vec<u8>,
}

impl Desktop {
    pub fn new(size: ScreenSize) -> Self {
        Self { size, pixels: vec![[0; 3]; size.area()] }
    }

    /// A white page with lines of something like text.
    pub fn page(size: ScreenSize) -> Self {
        let mut desktop = Self::new(size);
        desktop.step(&Step::Fill { rect: size.rect(), colour: [255; 3] });
        for y in (4..size.height().saturating_sub(14)).step_by(20) {
            let rect = Rect::new(8, y, size.width().saturating_sub(16), 12);
            desktop.step(&Step::Noise { rect, seed: y.into(), colours: 3 });
        }
        desktop
    }

    pub fn size(&self) -> ScreenSize {
        self.size
    }

    pub fn step(&mut self, step: &Step) {
        match *step {
            Step::Fill { rect, colour } => self.paint(rect, |_, _| colour),
            Step::Noise { rect, seed, colours } => self.paint(rect, |x, y| noise(seed, x, y, colours)),
            Step::Photograph { rect, seed } => self.paint(rect, |x, y| photograph(seed, x, y)),
            Step::Scroll { rect, dx, dy, seed } => {
                let Some(rect) = rect.intersection(self.size.rect()) else { return };
                let before = self.clone();
                self.paint(rect, |x, y| {
                    let from = (x as i32 - dx, y as i32 - dy);
                    let stays = i32::from(rect.x) <= from.0
                        && from.0 < rect.right() as i32
                        && i32::from(rect.y) <= from.1
                        && from.1 < rect.bottom() as i32;
                    if stays { before.at(from.0 as usize, from.1 as usize) } else { noise(seed, x, y, 3) }
                });
            }
            Step::Resize(size) => *self = Self::new(size),
            Step::Restart => {}
        }
    }

    /// A frame of a film: waves that move, with the grain of a camera.
    pub fn film(&mut self, rect: Rect, at: usize) {
        let wave = |v: usize| ((v % 512).abs_diff(256) / 2) as u8;
        self.paint(rect, |x, y| {
            let grain = noise(at as u64, x, y, 5)[0] / 83;
            [wave(x * 2 + at * 9) + grain, wave(y * 3 + at * 4) + grain, wave(x + y + at * 7) + 60 + grain]
        });
    }

    /// What a canvas has.
    pub fn bgrx(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|&[red, green, blue]| [blue, green, red, 0xff]).collect()
    }

    /// With `padding` bytes behind each row but the last; what is not a colour is rubbish.
    pub fn stored(&self, order: PixelOrder, padding: usize) -> Stored {
        let width = usize::from(self.size.width());
        let mut bytes = Vec::new();
        for (i, &[red, green, blue]) in self.pixels.iter().enumerate() {
            if i % width == 0 && i != 0 {
                bytes.extend(vec![0xaa; padding]);
            }
            let x = i as u8;
            bytes.extend(match order {
                PixelOrder::Bgrx => [blue, green, red, x],
                PixelOrder::Rgbx => [red, green, blue, x],
                PixelOrder::Xrgb => [x, red, green, blue],
                PixelOrder::Xbgr => [x, blue, green, red],
            });
        }
        Stored { size: self.size, order, stride: width * 4 + padding, bytes }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * usize::from(self.size.width()) + x]
    }

    fn paint(&mut self, rect: Rect, colour: impl Fn(usize, usize) -> [u8; 3]) {
        let Some(rect) = rect.intersection(self.size.rect()) else { return };
        for y in usize::from(rect.y)..rect.bottom() as usize {
            for x in usize::from(rect.x)..rect.right() as usize {
                self.pixels[y * usize::from(self.size.width()) + x] = colour(x, y);
            }
        }
    }
}

impl Stored {
    pub fn frame(&self) -> Frame<'_> {
        Frame { size: self.size, stride: self.stride, order: self.order, pixels: &self.bytes }
    }
}

fn photograph(seed: u64, x: usize, y: usize) -> [u8; 3] {
    let wave = |at: usize, length: u64| (at as f32 / (20 + length % 256 % 90) as f32).sin() * 50.0;
    let light = 120.0 + wave(x, seed) + wave(y, seed >> 8) + wave(x + y, seed >> 16) * 0.4;
    let [_, _, grain] = noise(seed, x, y, 14);
    let channel = |tint: u64| (light + (tint % 40) as f32 - f32::from(grain % 14)).clamp(0.0, 255.0) as u8;
    [channel(seed >> 24), channel(seed >> 32), channel(seed >> 40)]
}

fn noise(seed: u64, x: usize, y: usize, colours: u64) -> [u8; 3] {
    let mut state = seed ^ (x as u64) << 20 ^ (y as u64) << 40 ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..3 {
        state = (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    let chosen = state % colours;
    [(chosen * 83) as u8, (chosen * 151) as u8, (255 - chosen % 256) as u8]
}
