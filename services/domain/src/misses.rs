//! Guessing is slow: how many wrong codes somebody may try.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::rate::{Allowance, Rate};

/// Wrong codes from one address at once; then one each [`PER_ADDRESS`]`.every`.
pub const MISSES_PER_ADDRESS_MAX: u32 = 10;

/// Wrong codes from everywhere at once, then ten a second. Past it, somebody guesses from many addresses: each gets
/// one miss instead of ten. Who knows a code still gets in, so that a guesser cannot lock everybody out.
pub const MISSES_OVERALL_MAX: u32 = 1000;

/// How many addresses are remembered; then the limit over all still holds.
const ADDRESSES_MAX: usize = 65_536;

const PER_ADDRESS: Rate = Rate { burst: MISSES_PER_ADDRESS_MAX, every: Duration::from_secs(6) };
const OVERALL: Rate = Rate { burst: MISSES_OVERALL_MAX, every: Duration::from_millis(100) };

/// Counts misses, per address and over all. Only misses count: who knows a code is never slowed down by those who guess,
/// unless they share an address.
#[derive(Debug)]
pub struct MissLimiter {
    addresses: BTreeMap<IpAddr, Allowance>,
    overall: Allowance,
}

impl Default for MissLimiter {
    fn default() -> Self {
        Self { addresses: BTreeMap::new(), overall: Allowance::new(OVERALL) }
    }
}

impl MissLimiter {
    /// Whether this address may try a code now. Ask before looking the code up: the answer is the same for right and wrong.
    pub fn may_try(&self, address: IpAddr, now: Duration) -> bool {
        let Some(allowance) = self.addresses.get(&who(address)) else { return true };
        allowance.wait(now).is_ok() && (self.overall.wait(now).is_ok() || allowance.is_whole(now))
    }

    /// This address tried a code that nobody can join with.
    pub fn missed(&mut self, address: IpAddr, now: Duration) {
        if ADDRESSES_MAX <= self.addresses.len() {
            self.addresses.retain(|_, allowance| !allowance.is_whole(now));
        }
        let _counted = self.overall.take(now);
        let address = who(address);
        if self.addresses.len() < ADDRESSES_MAX || self.addresses.contains_key(&address) {
            let allowance = self.addresses.entry(address).or_insert_with(|| Allowance::new(PER_ADDRESS));
            let _counted = allowance.take(now);
        }
    }
}

/// An IPv6 customer has a /64, so the lower half says nothing.
fn who(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const BOB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn ten_misses_pass_and_the_eleventh_waits() {
        let now = Duration::from_secs(1);
        let mut limiter = MissLimiter::default();
        for _ in 0..MISSES_PER_ADDRESS_MAX {
            assert!(limiter.may_try(ANN, now));
            limiter.missed(ANN, now);
        }
        assert!(!limiter.may_try(ANN, now));
        assert!(limiter.may_try(BOB, now), "others are not slowed down");
        assert!(!limiter.may_try(ANN, now + Duration::from_millis(5999)));
        assert!(limiter.may_try(ANN, now + Duration::from_secs(6)));
    }

    #[test]
    fn one_customer_of_ipv6_is_one_address() {
        let now = Duration::ZERO;
        let mut limiter = MissLimiter::default();
        for host in 1..=MISSES_PER_ADDRESS_MAX {
            limiter.missed(format!("2001:db8:1:2::{host:x}").parse().unwrap(), now);
        }
        assert!(!limiter.may_try("2001:db8:1:2:ffff::1".parse().unwrap(), now));
        assert!(limiter.may_try("2001:db8:1:3::1".parse().unwrap(), now));
        limiter.missed("::ffff:192.0.2.1".parse().unwrap(), now);
        assert!(limiter.may_try(ANN, now));
    }

    #[test]
    fn when_misses_come_from_everywhere_one_is_enough() {
        let now = Duration::ZERO;
        let mut limiter = MissLimiter::default();
        limiter.missed(ANN, now);
        for number in 1..MISSES_OVERALL_MAX {
            assert!(limiter.may_try(ANN, now));
            limiter.missed(IpAddr::V4((0x0a00_0000 + number).into()), now);
        }
        assert!(!limiter.may_try(ANN, now), "one miss of Ann's and {MISSES_OVERALL_MAX} in all");
        assert!(limiter.may_try(BOB, now), "Bob has not missed");
        assert!(limiter.may_try(ANN, now + Duration::from_millis(100)));
    }

    #[test]
    fn addresses_are_remembered_up_to_a_limit() {
        let mut limiter = MissLimiter::default();
        let later = Duration::from_secs(3600);
        for number in 0..ADDRESSES_MAX as u32 + 1 {
            limiter.missed(IpAddr::V4(number.into()), Duration::ZERO);
        }
        assert_eq!(limiter.addresses.len(), ADDRESSES_MAX);
        limiter.missed(ANN, later);
        assert_eq!(limiter.addresses.len(), 1, "who has not missed for long is forgotten");
    }
}
