//! The machine's own addresses, asked for now and then.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use convene_pipelines::own_addresses;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Asking the system for every packet would cost more than the packet; a machine that gets another address has waited longer for it.
const KEPT_MAX: Duration = Duration::from_secs(5);

/// What was answered last, and when.
#[derive(Default)]
pub(super) struct OwnAddresses(Mutex<Option<(Instant, Arc<[IpAddr]>)>>);

impl OwnAddresses {
    pub(super) fn now(&self) -> Arc<[IpAddr]> {
        let mut kept = self.0.lock();
        if let Some((_, addresses)) = kept.as_ref().filter(|(asked, _)| asked.elapsed() < KEPT_MAX) {
            return addresses.clone();
        }
        let addresses: Arc<[IpAddr]> = own_addresses().into();
        *kept = Some((Instant::now(), addresses.clone()));
        addresses
    }
}
