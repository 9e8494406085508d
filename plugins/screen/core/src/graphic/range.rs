//! The binary range coder: probabilities that learn, and bytes.

/// Probabilities are parts of so many.
const ONE: u32 = 1 << 15;
/// A probability that has seen so many bits learns no slower any more.
const SEEN_MAX: u8 = 30;
/// The range is kept above this, a byte at a time.
const RANGE_MIN: u32 = 1 << 24;
/// Bytes in which the coder's number ends: as many may be missing, and are zeros then.
const TAIL_BYTES: usize = 4;

/// How far a probability goes towards what it has seen, by how often it has seen something: 65536 / (seen + 1.6).
const RATES: [u32; SEEN_MAX as usize + 1] = {
    let mut rates = [0; SEEN_MAX as usize + 1];
    let mut seen = 0;
    while seen < rates.len() {
        rates[seen] = 655_360 / (10 * seen as u32 + 16);
        seen += 1;
    }
    rates
};

/// The probability that a bit is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bit {
    one: u16,
    seen: u8,
}

impl Bit {
    pub(super) const EVEN: Self = Self::at(50);

    /// Before anything is seen: a number of per cent.
    pub(super) const fn at(per_cent: u32) -> Self {
        Self { one: (ONE * per_cent / 100) as u16, seen: 0 }
    }

    #[inline(always)]
    fn learn(&mut self, bit: bool) {
        let rate = RATES[usize::from(self.seen)];
        let one = u32::from(self.one);
        let moved = if bit { one + (((ONE - one) * rate) >> 16) } else { one - ((one * rate) >> 16) };
        self.one = moved as u16;
        self.seen = (self.seen + 1).min(SEEN_MAX);
    }
}

/// Both ways of the range coder, so that one model serves both: an encoder takes `bit` and returns it, a decoder ignores it and returns what it
/// has read.
pub(super) trait Coder {
    fn bit(&mut self, bit: bool, model: &mut Bit) -> bool;

    /// The lowest `count` bits of a number, all as likely as not.
    fn even_bits(&mut self, value: u32, count: u32) -> u32 {
        let bit = |coder: &mut Self, at| u32::from(coder.bit(value >> at & 1 == 1, &mut Bit::EVEN.clone()));
        (0..count).rev().fold(0, |read, at| read << 1 | bit(self, at))
    }

    /// A byte, bit by bit from the highest; `models` has 256.
    fn byte(&mut self, value: u32, models: &mut [Bit]) -> u32 {
        let mut node = 1;
        for at in (0..8).rev() {
            node = node << 1 | u32::from(self.bit(value >> at & 1 == 1, &mut models[node as usize]));
        }
        node - 256
    }

    /// A number below `2^models.len() - 1`: how many bits `value + 1` has beyond the first, in ones and a zero; then those bits.
    fn number(&mut self, value: u32, models: &mut [Bit]) -> u32 {
        let bits = (value + 1).ilog2();
        let mut read = 0;
        while read < models.len() as u32 && self.bit(read < bits, &mut models[read as usize]) {
            read += 1;
        }
        (1 << read | self.even_bits(value + 1, read)) - 1
    }
}

/// Bits to bytes.
#[derive(Debug)]
pub(super) struct Encoder {
    low: u64,
    range: u32,
    /// The last byte that is known but for a carry, and how many bytes of 0xff follow it.
    held: Option<u8>,
    full_bytes: usize,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { low: 0, range: u32::MAX, held: None, full_bytes: 0, out: Vec::new() }
    }

    /// Bytes that are known by now.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The number within the last range that ends with the most zeros, without those of its last four bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let highest = self.low + u64::from(self.range) - 1;
        let rounded = (0..u32::BITS).rev().map(|bits| (self.low + (1 << bits) - 1) >> bits << bits);
        self.low = rounded.into_iter().find(|low| *low <= highest).unwrap_or(self.low);
        // One more, as one is always held back.
        (0..=TAIL_BYTES).for_each(|_| self.shift());
        let least = (self.out.len() - TAIL_BYTES).max(1);
        let zeros = self.out[least..].iter().rev().take_while(|byte| **byte == 0).count();
        self.out.truncate(self.out.len() - zeros);
        self.out
    }

    /// The highest byte of the number's present part goes out, or waits for a carry.
    fn shift(&mut self) {
        let (byte, carry) = ((self.low >> 24) as u8, (self.low >> 32) as u8);
        if byte == 0xff && carry == 0 {
            self.full_bytes += 1;
        } else {
            self.out.extend(self.held.map(|held| held.wrapping_add(carry)));
            self.out.extend(std::iter::repeat_n(0xff_u8.wrapping_add(carry), self.full_bytes));
            (self.held, self.full_bytes) = (Some(byte), 0);
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }
}

impl Coder for Encoder {
    #[inline(always)]
    fn bit(&mut self, bit: bool, model: &mut Bit) -> bool {
        let bound = (self.range >> 15) * u32::from(model.one);
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        model.learn(bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift();
        }
        bit
    }
}

/// Bytes to bits.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    range: u32,
    code: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes, at: 0, range: u32::MAX, code: 0 };
        (0..TAIL_BYTES).for_each(|_| decoder.shift());
        decoder
    }

    /// Whether it has read more than there is.
    pub(super) fn is_exhausted(&self) -> bool {
        self.bytes.len() + TAIL_BYTES < self.at
    }

    /// Whether it has read all that there is, and no more.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.len() <= self.at && !self.is_exhausted()
    }

    fn shift(&mut self) {
        self.code = self.code << 8 | u32::from(self.bytes.get(self.at).copied().unwrap_or(0));
        self.at += 1;
    }
}

impl Coder for Decoder<'_> {
    #[inline(always)]
    fn bit(&mut self, _: bool, model: &mut Bit) -> bool {
        let bound = (self.range >> 15) * u32::from(model.one);
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        model.learn(bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift();
        }
        bit
    }
}
