//! How often one address, or one caller, may do something.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Those who are remembered at once; beyond that the one that began first is forgotten.
pub const REMEMBERED_MAX: usize = 4096;

/// Counts for each of them within a window of time.
pub struct Limit<Who> {
    count_max: u32,
    window: Duration,
    counts: BTreeMap<Who, (u32, Instant)>,
}

impl<Who: Ord + Clone> Limit<Who> {
    /// So often in so long.
    pub fn new(count_max: u32, window: Duration) -> Self {
        Self { count_max, window, counts: BTreeMap::new() }
    }

    /// Once more. Returns whether that is still within the limit.
    pub fn count(&mut self, who: Who, now: Instant) -> bool {
        if REMEMBERED_MAX <= self.counts.len() && !self.counts.contains_key(&who) {
            self.forget(now);
        }
        let (count, since) = self.counts.entry(who).or_insert((0, now));
        if self.window <= now.saturating_duration_since(*since) {
            (*count, *since) = (0, now);
        }
        *count = count.saturating_add(1);
        *count <= self.count_max
    }

    /// Whether once more would be too often.
    pub fn is_reached(&self, who: &Who, now: Instant) -> bool {
        let counted = self.counts.get(who);
        counted.is_some_and(|(count, since)| {
            self.count_max <= *count && now.saturating_duration_since(*since) < self.window
        })
    }

    fn forget(&mut self, now: Instant) {
        let window = self.window;
        self.counts.retain(|_, (_, since)| now.saturating_duration_since(*since) < window);
        if REMEMBERED_MAX <= self.counts.len()
            && let Some(oldest) =
                self.counts.iter().min_by_key(|(_, (_, since))| *since).map(|(who, _)| who.clone())
        {
            self.counts.remove(&oldest);
        }
    }
}

/// Who shares an address: whoever has an IPv6 address has 64 bits of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
            ip => ip,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(number: u32) -> Network {
        IpAddr::V4(number.into()).into()
    }

    #[test]
    fn once_more_than_the_limit_is_too_often_until_the_window_is_over() {
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let start = Instant::now();
        let mut limit = Limit::new(2, Duration::from_secs(10));
        assert!(limit.count(ip(1), start) && limit.count(ip(1), start));
        assert!(limit.is_reached(&ip(1), start) && !limit.is_reached(&ip(2), start));
        assert!(!limit.count(ip(1), start + Duration::from_secs(9)));
        assert!(limit.count(ip(1), start + Duration::from_secs(10)));
        let [one, other] =
            ["2001:db8::1", "2001:db8::2"].map(|ip| Network::from(ip.parse::<IpAddr>().expect("an address")));
        assert!(limit.count(one, start) && limit.count(other, start) && !limit.count(one, start));
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let start = Instant::now();
        let mut limit = Limit::new(1, Duration::from_secs(10));
        for number in 0..REMEMBERED_MAX as u32 + 10 {
            limit.count(ip(number), start + Duration::from_micros(number.into()));
        }
        assert_eq!(limit.counts.len(), REMEMBERED_MAX);
        assert!(!limit.is_reached(&ip(0), start) && limit.is_reached(&ip(4000), start));
    }
}
