//! Wrong codes and PINs: of whom they are counted.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::limits::{Limit, Network};

/// Wrong codes and PINs that one address, or one caller of the trunk's, may try within ten minutes: at this pace, a tenth of all codes takes a hundred
/// years to try.
pub const MISSES_MAX: u32 = 20;
/// Those that all callers of a trunk may try together: what they say their number is may be another one each time.
pub const TRUNK_MISSES_MAX: u32 = 5 * MISSES_MAX;
const WINDOW: Duration = Duration::from_secs(600);
/// A number that is longer is as good as its beginning.
const NUMBER_CHARACTERS_MAX: usize = 32;

/// Who guesses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guesser {
    network: Network,
    /// Of who calls by the trunk, whose address all of its callers have.
    number: Option<String>,
}

impl Guesser {
    /// By their address.
    pub fn at(address: IpAddr) -> Self {
        Self { network: address.into(), number: None }
    }

    /// By their number, if they have one, as the trunk says.
    pub fn by_trunk(address: IpAddr, number: &str) -> Self {
        let number: String = number.chars().take(NUMBER_CHARACTERS_MAX).collect();
        Self { network: address.into(), number: Some(number).filter(|number| !number.is_empty()) }
    }
}

/// What was guessed wrong.
pub struct Guesses {
    each: Limit<Guesser>,
    trunks: Limit<Network>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { each: Limit::new(MISSES_MAX, WINDOW), trunks: Limit::new(TRUNK_MISSES_MAX, WINDOW) }
    }
}

impl Guesses {
    /// Once more.
    pub fn count(&mut self, who: &Guesser, now: Instant) {
        self.each.count(who.clone(), now);
        if who.number.is_some() {
            self.trunks.count(who.network, now);
        }
    }

    /// Whether no more may be tried.
    pub fn is_reached(&self, who: &Guesser, now: Instant) -> bool {
        let is_trunk_full = who.number.is_some() && self.trunks.is_reached(&who.network, now);
        is_trunk_full || self.each.is_reached(who, now)
    }
}
