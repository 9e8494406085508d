//! What a pixel is likely to be, from those before it.

use super::colours::Colours;
use super::range::{Bit, Coder};

/// Pixels beside a row and rows above a picture, all of the background's colour.
const MARGIN: usize = 2;
/// Entries of a memory, as a power of two, for the smallest and the largest picture.
const MEMORY_BITS: (u32, u32) = (6, 14);
/// The same for a series: one megabyte for both.
const SERIES_MEMORY_BITS: u32 = 17;
/// By trust and likeness.
const MEMORY_MODELS: usize = 64;
/// Runs have at most 512 pixels, whose logarithm is 9.
const RUN_LOGS: usize = 10;
/// The colour of a run that is over, those of both memories, and four neighbours.
const RULED_OUT_MAX: usize = 7;

/// Codes a picture row by row: an encoder takes its colours, a decoder gives them. What it has learned from one picture serves it for the next.
#[derive(Debug)]
pub(super) struct Model {
    background: u32,
    /// The row that is being coded, the one above it and the one above that, with margins.
    rows: [Vec<u32>; 3],
    wide: Memory,
    narrow: Memory,
    learned: Learned,
}

/// All that is learned but for what is in the memories, which is much.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    wide: [Bit; MEMORY_MODELS],
    narrow: [Bit; MEMORY_MODELS],
    neighbours: [[Bit; 256]; 4],
    run_is_whole: [Bit; RUN_LOGS],
    run_length: [[Bit; RUN_LOGS]; RUN_LOGS],
    colours: Colours,
}

/// The pixels around one, by where they lie.
#[derive(Clone, Copy, Debug)]
struct Around {
    w: u32,
    n: u32,
    nw: u32,
    ne: u32,
    ww: u32,
    nn: u32,
}

impl Model {
    /// Of one picture.
    pub(super) fn for_area(area: usize) -> Self {
        let bits = (4 * area).next_power_of_two().ilog2().clamp(MEMORY_BITS.0, MEMORY_BITS.1);
        Self::with_memories(bits)
    }

    /// Of as many pictures as there will be.
    pub(super) fn for_series() -> Self {
        Self::with_memories(SERIES_MEMORY_BITS)
    }

    fn with_memories(bits: u32) -> Self {
        let learned = Learned {
            wide: [Bit::at(80); MEMORY_MODELS],
            narrow: [Bit::at(60); MEMORY_MODELS],
            neighbours: [50, 50, 37, 25].map(|per_cent| [Bit::at(per_cent); 256]),
            run_is_whole: [Bit::at(85); RUN_LOGS],
            run_length: [[Bit::EVEN; RUN_LOGS]; RUN_LOGS],
            colours: Colours::new(),
        };
        let (wide, narrow) = (Memory::new(bits), Memory::new(bits));
        Self { background: 0, rows: Default::default(), wide, narrow, learned }
    }

    /// Begins a picture: codes the background, which an encoder has chosen.
    pub(super) fn begin(&mut self, coder: &mut impl Coder, width: usize, background: u32) {
        self.background = self.learned.colours.background(coder, background);
        let row = vec![self.background; width + 2 * MARGIN];
        self.rows = [row.clone(), row.clone(), row];
    }

    /// What is learned from now on can be forgotten again.
    pub(super) fn mark(&mut self) -> Learned {
        self.wide.replaced = Some(Vec::new());
        self.narrow.replaced = Some(Vec::new());
        self.learned.clone()
    }

    /// What was learned since the mark stays.
    pub(super) fn keep(&mut self) {
        self.wide.replaced = None;
        self.narrow.replaced = None;
    }

    /// Forgets what was learned since the mark.
    pub(super) fn forget(&mut self, learned: Learned) {
        self.learned = learned;
        self.wide.restore();
        self.narrow.restore();
    }

    /// Codes the next row: an encoder's has its colours, a decoder's gets them.
    pub(super) fn row(&mut self, coder: &mut impl Coder, row: &mut [u32]) {
        self.rows.rotate_right(1);
        let width = row.len();
        let mut x = 0;
        while x < width {
            let mut around = self.around(x);
            let mut refuted = None;
            if around.is_flat() {
                let flat = around.w;
                let limit = self.flat_length(flat, x, width);
                let length = self.run(coder, flat, limit, &row[x..]);
                row[x..x + length].fill(flat);
                self.rows[0][MARGIN + x..MARGIN + x + length].fill(flat);
                x += length;
                if length == limit {
                    continue;
                }
                refuted = Some(flat);
                around = self.around(x);
            }
            row[x] = self.pixel(coder, around, refuted, row[x]);
            self.rows[0][MARGIN + x] = row[x];
            x += 1;
        }
    }

    fn around(&self, x: usize) -> Around {
        let [row, above, over] = &self.rows;
        let x = x + MARGIN;
        Around { w: row[x - 1], n: above[x], nw: above[x - 1], ne: above[x + 1], ww: row[x - 2], nn: over[x] }
    }

    /// How many pixels from `x` on will be flat if those before each of them are of this colour.
    fn flat_length(&self, flat: u32, x: usize, width: usize) -> usize {
        let [_, above, over] = &self.rows;
        let at = MARGIN + x + 1;
        let rest = width - x - 1;
        let breaks =
            above[at + 1..][..rest].iter().zip(&over[at..]).position(|(ne, nn)| (*ne, *nn) != (flat, flat));
        1 + breaks.unwrap_or(rest)
    }

    /// How many pixels are of the colour all around them, up to `limit`.
    fn run(&mut self, coder: &mut impl Coder, flat: u32, limit: usize, row: &[u32]) -> usize {
        let length = row[..limit].iter().take_while(|colour| **colour == flat).count();
        let log = limit.ilog2() as usize;
        if coder.bit(length == limit, &mut self.learned.run_is_whole[log]) {
            return limit;
        }
        let length = coder.number(length as u32, &mut self.learned.run_length[log][..log]);
        (length as usize).min(limit - 1)
    }

    fn pixel(&mut self, coder: &mut impl Coder, around: Around, refuted: Option<u32>, colour: u32) -> u32 {
        let mut known = Known::of(around, self.background);
        refuted.into_iter().for_each(|colour| known.rule_out(colour));
        let wide = self.wide.place(around.wide_hash());
        let narrow = self.narrow.place(around.narrow_hash());
        let learned = &mut self.learned;
        let foretold = known
            .recall(coder, self.wide.get(wide), colour, &mut learned.wide)
            .or_else(|| known.recall(coder, self.narrow.get(narrow), colour, &mut learned.narrow))
            .or_else(|| learned.neighbour(coder, &mut known, colour));
        let colour = foretold.unwrap_or_else(|| learned.colours.code(coder, colour));
        self.wide.learn(wide, colour);
        self.narrow.learn(narrow, colour);
        colour
    }
}

impl Learned {
    fn neighbour(&mut self, coder: &mut impl Coder, known: &mut Known, colour: u32) -> Option<u32> {
        let Around { w, n, ne, nw, .. } = known.around;
        let pattern = known.pattern();
        let mut candidates = [w, n, ne, nw].into_iter().zip(&mut self.neighbours);
        candidates.find_map(|(candidate, models)| known.ask(coder, candidate, colour, &mut models[pattern]))
    }
}

impl Around {
    fn is_flat(&self) -> bool {
        [self.n, self.nw, self.ne, self.ww, self.nn] == [self.w; 5]
    }

    fn narrow_hash(&self) -> u32 {
        (self.w.wrapping_mul(0x9e37_79b1))
            .wrapping_add(self.n.wrapping_mul(0x85eb_ca77))
            .wrapping_add(self.nw.wrapping_mul(0xc2b2_ae3d))
            .wrapping_add(self.ne.wrapping_mul(0x27d4_eb2f))
    }

    fn wide_hash(&self) -> u32 {
        self.narrow_hash()
            .wrapping_add(self.ww.wrapping_mul(0x1656_67b1))
            .wrapping_add(self.nn.wrapping_mul(0xd3a2_646d))
    }
}

/// What is known of a pixel before it is coded.
struct Known {
    around: Around,
    background: u32,
    /// Colours that it has not.
    ruled_out: [u32; RULED_OUT_MAX],
    ruled_out_count: usize,
}

impl Known {
    fn of(around: Around, background: u32) -> Self {
        Self { around, background, ruled_out: [0; RULED_OUT_MAX], ruled_out_count: 0 }
    }

    /// The colour, if it is this one; nothing is asked where that is known.
    fn ask(&mut self, coder: &mut impl Coder, candidate: u32, colour: u32, model: &mut Bit) -> Option<u32> {
        if self.ruled_out[..self.ruled_out_count].contains(&candidate) {
            return None;
        }
        if coder.bit(candidate == colour, model) {
            return Some(candidate);
        }
        self.rule_out(candidate);
        None
    }

    /// The same with what a memory has, if anything.
    fn recall(
        &mut self,
        coder: &mut impl Coder,
        remembered: Option<(u32, u32)>,
        colour: u32,
        models: &mut [Bit; MEMORY_MODELS],
    ) -> Option<u32> {
        let (candidate, trust) = remembered?;
        let model = trust as usize * 8 + self.likeness(candidate);
        self.ask(coder, candidate, colour, &mut models[model])
    }

    fn rule_out(&mut self, colour: u32) {
        self.ruled_out[self.ruled_out_count] = colour;
        self.ruled_out_count += 1;
    }

    /// Which of the pixels around are alike.
    fn pattern(&self) -> usize {
        let Around { w, n, nw, ne, ww, nn } = self.around;
        let alike =
            [w == n, w == nw, n == nw, n == ne, w == ww, n == nn, w == self.background, n == self.background];
        alike.into_iter().rev().fold(0, |pattern, is_alike| pattern << 1 | usize::from(is_alike))
    }

    /// What the colour is the same as, and whether anything is ruled out.
    fn likeness(&self, colour: u32) -> usize {
        let like = match colour {
            _ if colour == self.around.w => 0,
            _ if colour == self.around.n => 1,
            _ if colour == self.background => 2,
            _ => 3,
        };
        like * 2 + usize::from(0 < self.ruled_out_count)
    }
}

/// Which colour followed the same surroundings before.
#[derive(Debug)]
struct Memory {
    /// A colour, three bits of trust (0: nothing is there), and five bits of the hash.
    entries: Vec<u32>,
    bits: u32,
    /// Places since the mark, and what was there before.
    replaced: Option<Vec<(usize, u32)>>,
}

/// Where surroundings are remembered.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    check: u32,
}

const TRUST_MAX: u32 = 7;

impl Memory {
    fn new(bits: u32) -> Self {
        Self { entries: vec![0; 1 << bits], bits, replaced: None }
    }

    fn place(&self, hash: u32) -> Place {
        let hash = (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d);
        let hash = hash ^ hash >> 13;
        Place { index: (hash >> (u32::BITS - self.bits)) as usize, check: hash & 31 }
    }

    /// The colour and the trust of a place that has its surroundings.
    fn get(&self, place: Place) -> Option<(u32, u32)> {
        let entry = self.entries[place.index];
        let trust = entry >> 24 & 7;
        (trust != 0 && entry >> 27 == place.check).then_some((entry & 0xff_ffff, trust))
    }

    fn learn(&mut self, place: Place, colour: u32) {
        let (colour, trust) = match self.get(place) {
            Some((remembered, trust)) if remembered == colour => (colour, (trust + 1).min(TRUST_MAX)),
            Some((remembered, 4..)) => (remembered, 2),
            _ => (colour, 1),
        };
        let entry = &mut self.entries[place.index];
        if let Some(replaced) = &mut self.replaced {
            replaced.push((place.index, *entry));
        }
        *entry = colour | trust << 24 | place.check << 27;
    }

    fn restore(&mut self) {
        for (index, entry) in self.replaced.take().into_iter().flatten().rev() {
            self.entries[index] = entry;
        }
    }
}
