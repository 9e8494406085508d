//! How many may have an allocation at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// A meeting has up to 250 participants, and a restart of ICE has two allocations for a while. Each has up to some sockets of its own.
const ALL_MAX: usize = 1_024;

/// All of an office come from one address.
const OF_ADDRESS_MAX: usize = 256;

/// Who has a place, counted by address.
#[derive(Default)]
pub(super) struct Places(Mutex<BTreeMap<IpAddr, usize>>);

/// A place that is given back when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock();
        let own = taken.get(&address).copied().unwrap_or(0);
        if OF_ADDRESS_MAX <= own || ALL_MAX <= taken.values().sum::<usize>() {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
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
            taken.extend((0..OF_ADDRESS_MAX).map(|_| places.take(address).expect("a place is free")));
            assert!(places.take(address).is_none());
        }
        let another = IpAddr::from([192, 0, 2, 5]);
        assert!(places.take(another).is_none());
        taken.pop();
        assert!(places.take(another).is_some());
        drop(taken);
        assert!(places.0.lock().is_empty());
    }
}
