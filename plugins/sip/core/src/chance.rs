//! Chance, from a seed that the shell gives: tags, keys and numbers that nobody can guess.

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// A source of chance; the same seed gives the same.
#[derive(Debug)]
pub struct Chance(StdRng);

impl Chance {
    /// From the system's randomness, or a test's number.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    /// A word for a tag or a branch: 64 bits.
    pub fn word(&mut self) -> String {
        format!("{:016x}", self.0.next_u64())
    }

    /// A number.
    pub fn number(&mut self) -> u32 {
        self.0.random()
    }

    /// Fills a key.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
