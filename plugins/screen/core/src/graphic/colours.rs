//! Colours that nothing before a pixel foretells.

use super::range::{Bit, Coder};

/// Colours of one green that are remembered.
const ALIKE_MAX: usize = 8;
/// A difference of up to 255 has at most 8 bits.
const INK_MISS_MAX: u32 = 8;
const DIFFERENCE_BITS: usize = 8;

/// Text is drawn in steps between two colours: green says which step, and red and blue are about where green lets one expect them.
#[derive(Clone, Debug)]
pub(super) struct Colours {
    green: [Bit; 256],
    /// By green, the newest first.
    known: [[u32; ALIKE_MAX]; 256],
    known_count: [u8; 256],
    is_known: [Bit; ALIKE_MAX],
    background: u32,
    /// What is drawn on the background at present.
    ink: u32,
    red: Difference,
    /// By whether red was as expected.
    blue: [Difference; 2],
}

impl Colours {
    pub(super) fn new() -> Self {
        Self {
            green: [Bit::EVEN; 256],
            known: [[0; ALIKE_MAX]; 256],
            known_count: [0; 256],
            is_known: [Bit::at(70); ALIKE_MAX],
            background: 0,
            ink: 0xff_ffff,
            red: Difference::NEW,
            blue: [Difference::NEW; 2],
        }
    }

    /// The first colour of a picture; where nothing came before, it is expected to be grey.
    pub(super) fn background(&mut self, coder: &mut impl Coder, colour: u32) -> u32 {
        let colour = self.code(coder, colour);
        (self.background, self.ink) = (colour, colour);
        colour
    }

    pub(super) fn code(&mut self, coder: &mut impl Coder, colour: u32) -> u32 {
        let green = coder.byte(colour >> 8 & 0xff, &mut self.green);
        let index = green as usize;
        let count = usize::from(self.known_count[index]);
        let known = &mut self.known[index];
        for at in 0..count {
            if coder.bit(known[at] == colour, &mut self.is_known[at]) {
                known[..=at].rotate_right(1);
                return known[0];
            }
        }
        let colour = self.unknown(coder, green, colour);
        let known = &mut self.known[index];
        known.rotate_right(1);
        known[0] = colour;
        self.known_count[index] = (count + 1).min(ALIKE_MAX) as u8;
        colour
    }

    fn unknown(&mut self, coder: &mut impl Coder, green: u32, colour: u32) -> u32 {
        let [red, blue] = [16, 0].map(|shift| self.expected(green, shift));
        let coded_red = self.red.code(coder, red, colour >> 16);
        let blue_model = &mut self.blue[usize::from(coded_red == red)];
        let colour = coded_red << 16 | green << 8 | blue_model.code(coder, blue, colour & 0xff);
        let distance = |colour: u32| (colour >> 8 & 0xff).abs_diff(self.background >> 8 & 0xff);
        let miss = coded_red.abs_diff(red) + (colour & 0xff).abs_diff(blue);
        if INK_MISS_MAX < miss || distance(self.ink) < distance(colour) {
            self.ink = colour;
        }
        colour
    }

    /// On the line from the background to the ink, at this green.
    fn expected(&self, green: u32, shift: u32) -> u32 {
        let channels = |colour: u32| ((colour >> 8 & 0xff) as i32, (colour >> shift & 0xff) as i32);
        let (background, ink) = (channels(self.background), channels(self.ink));
        let step = green as i32 - ink.0;
        let expected = match ink.0 - background.0 {
            0 => ink.1 + step,
            length => ink.1 + (ink.1 - background.1) * step / length,
        };
        expected.clamp(0, 255) as u32
    }
}

/// How a channel differs from what is expected.
#[derive(Clone, Copy, Debug)]
struct Difference {
    is_none: Bit,
    is_less: Bit,
    size: [Bit; DIFFERENCE_BITS],
}

impl Difference {
    const NEW: Self = Self { is_none: Bit::at(70), is_less: Bit::EVEN, size: [Bit::EVEN; DIFFERENCE_BITS] };

    fn code(&mut self, coder: &mut impl Coder, expected: u32, value: u32) -> u32 {
        if coder.bit(value == expected, &mut self.is_none) {
            return expected;
        }
        let is_less = coder.bit(value < expected, &mut self.is_less);
        let size = 1 + coder.number(value.abs_diff(expected).saturating_sub(1), &mut self.size);
        if is_less { expected.saturating_sub(size) } else { (expected + size).min(0xff) }
    }
}
