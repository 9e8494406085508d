//! By what somebody may use the TURN server.

use std::fmt;

use serde::Serialize;

use super::{Message, Order};

/// A user name and a password that hold for some hours.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct MediaRelay {
    /// Tells when both end.
    pub username: String,
    /// The password.
    pub credential: String,
}

impl fmt::Debug for MediaRelay {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

/// Tells whoever was let in; whoever was refused is told nothing.
pub(super) fn with_media_relay(mut orders: Vec<Order>, given: Option<MediaRelay>) -> Vec<Order> {
    for order in &mut orders {
        if let Order::Tell { message: Message::Joined { media_relay, .. }, .. } = order {
            media_relay.clone_from(&given);
        }
    }
    orders
}
