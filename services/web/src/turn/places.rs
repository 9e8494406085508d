//! How many may have an allocation at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// A meeting has up to 250 participants, and a restart of ICE has two allocations for a while. Each has up to some sockets of its own.
const ALL_MAX: usize = 1_024;

/// All of an office come from one address.
const OF_ADDRESS_MAX: usize = 256;

/// A browser has an allocation for each of its machine's interfaces, and twice as many while it restarts ICE.
pub(super) const OF_USER_MAX: usize = 16;

/// Who has a place, counted by address and by user name.
#[derive(Default)]
pub(super) struct Places(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    addresses: BTreeMap<IpAddr, usize>,
    users: BTreeMap<String, usize>,
}

/// A place that is given back when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
    user: String,
}

impl Places {
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, user: &str) -> Option<Place> {
        let mut taken = self.0.lock();
        let Taken { addresses, users } = &mut *taken;
        let (of_address, of_user) = (addresses.get(&address), users.get(user));
        let is_full = OF_ADDRESS_MAX <= of_address.copied().unwrap_or(0)
            || OF_USER_MAX <= of_user.copied().unwrap_or(0)
            || ALL_MAX <= addresses.values().sum::<usize>();
        if is_full {
            return None;
        }
        *addresses.entry(address).or_default() += 1;
        *users.entry(user.to_owned()).or_default() += 1;
        Some(Place { places: self.clone(), address, user: user.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Taken { addresses, users } = &mut *self.places.0.lock();
        give_back(addresses, &self.address);
        give_back(users, &self.user);
    }
}

fn give_back<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_all_together_so_many() {
        let places = Arc::new(Places::default());
        let mut taken = Vec::new();
        for address in 1..=4 {
            let address = IpAddr::from([192, 0, 2, address]);
            let take = |number: usize| places.take(address, &format!("{address} {number}"));
            taken.extend((0..OF_ADDRESS_MAX).map(|number| take(number).expect("a place is free")));
            assert!(take(OF_ADDRESS_MAX).is_none());
        }
        let another = IpAddr::from([192, 0, 2, 5]);
        assert!(places.take(another, "ann").is_none());
        taken.pop();
        assert!(places.take(another, "ann").is_some());
        drop(taken);
        let left = places.0.lock();
        assert!(left.addresses.is_empty() && left.users.is_empty());
    }

    #[test]
    fn a_user_has_so_many_places_wherever_they_are() {
        let places = Arc::new(Places::default());
        let take = |number: usize, user: &str| places.take(IpAddr::from([192, 0, 2, number as u8]), user);
        let mut taken: Vec<_> =
            (0..OF_USER_MAX).map(|number| take(number, "ann").expect("one is free")).collect();
        assert!(take(OF_USER_MAX, "ann").is_none());
        assert!(take(OF_USER_MAX, "bob").is_some());
        taken.pop();
        assert!(take(OF_USER_MAX, "ann").is_some());
    }
}
