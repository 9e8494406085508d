//! What one connection may: the protocol is `turn-server-proto`'s, who may use it and towards whom is ours. No sockets, no clocks.

use std::net::SocketAddr;
use std::time::Duration;

use turn_server_proto::api::{SocketAllocateError, TurnServerApi as _, TurnServerPollRet};
use turn_server_proto::server::TurnServer;
use turn_server_proto::stun::agent::Transmit;
use turn_server_proto::stun::types::attribute::{ErrorCode, Username};
use turn_server_proto::stun::types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageWriteVec,
};
use turn_server_proto::stun::types::prelude::{MessageWrite as _, MessageWriteExt as _};
use turn_server_proto::types::attribute::XorPeerAddress;
use turn_server_proto::types::message::{CHANNEL_BIND, CREATE_PERMISSION};
use turn_server_proto::types::{AddressFamily, Instant, TransportType};

/// What the passwords are for.
pub(super) const REALM: &str = "convene";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To whoever connected.
    Answer(Vec<u8>),
    /// To this peer, which is one of ours.
    Relay(SocketAddr, Vec<u8>),
}

/// What a desk asks of the rest.
pub(super) trait House {
    /// The password that belongs to this user name, while it holds.
    fn password(&self, username: &str) -> Option<String>;
    /// Whether anything may be sent to this peer.
    fn is_ours(&self, peer: SocketAddr) -> bool;
    /// Opens a socket for this user, if a place is free, and says where it is.
    fn open(&mut self, username: &str) -> Option<SocketAddr>;
}

/// One client's. The client comes by TLS, but whole messages go in and out, as if it came by UDP: so there are no allocations for TCP (RFC 6062).
pub(super) struct Desk {
    server: TurnServer,
    client: SocketAddr,
    own: SocketAddr,
    /// The only user; a connection is one participant's.
    user: Option<LongTermKeyCredentials>,
    /// Where the allocation is, once there is one.
    relayed: Option<SocketAddr>,
    is_over: bool,
}

impl Desk {
    pub(super) fn new(client: SocketAddr, own: SocketAddr) -> Self {
        let server = TurnServer::new(TransportType::Udp, own, REALM.to_owned());
        Self { server, client, own, user: None, relayed: None, is_over: false }
    }

    pub(super) fn is_allocated(&self) -> bool {
        self.relayed.is_some()
    }

    /// The allocation has ended.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// A whole message of the client's.
    pub(super) fn take(&mut self, message: &[u8], house: &mut impl House, now: Instant) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Ok(request) = Message::from_bytes(message) {
            self.meet(&request, house);
            if let Some(refusal) = self.refuse(&request, house) {
                return vec![Order::Answer(refusal)];
            }
        }
        let sent = Transmit::new(message, TransportType::Udp, self.client, self.own);
        let reply = self.server.recv(sent, now).map(|reply| {
            let Transmit { data, to, .. } = reply.build();
            (to, data)
        });
        orders.extend(reply.and_then(|(to, data)| self.order(to, data, house)));
        self.drain(house, now, &mut orders);
        orders
    }

    /// A datagram of a peer's.
    pub(super) fn bring(&mut self, peer: SocketAddr, datagram: &[u8], now: Instant) -> Option<Order> {
        let sent = Transmit::new(datagram, TransportType::Udp, peer, self.relayed?);
        let reply = self.server.recv(sent, now)?.build();
        (reply.to == self.client).then_some(Order::Answer(reply.data))
    }

    /// Lets what is due happen; returns when to come again.
    pub(super) fn timeout(&mut self, house: &mut impl House, now: Instant) -> (Vec<Order>, Duration) {
        let mut orders = Vec::new();
        let wait = self.drain(house, now, &mut orders);
        (orders, wait)
    }

    fn drain(&mut self, house: &mut impl House, now: Instant, orders: &mut Vec<Order>) -> Duration {
        let wait = loop {
            match self.server.poll(now) {
                TurnServerPollRet::WaitUntil(then) => break then.saturating_duration_since(now),
                TurnServerPollRet::AllocateSocket {
                    transport,
                    listen_addr,
                    client_addr,
                    allocation_transport,
                    family,
                } => {
                    let given = self.allocate(family, house);
                    self.server.allocated_socket(
                        transport,
                        listen_addr,
                        client_addr,
                        allocation_transport,
                        family,
                        given,
                        now,
                    );
                }
                TurnServerPollRet::SocketClose { .. } => self.is_over = true,
                TurnServerPollRet::TcpConnect { .. } | TurnServerPollRet::TcpClose { .. } => {}
            }
        };
        while let Some(Transmit { data, to, .. }) = self.server.poll_transmit(now) {
            orders.extend(self.order(to, data, house));
        }
        wait
    }

    fn order(&self, to: SocketAddr, data: Vec<u8>, house: &impl House) -> Option<Order> {
        if to == self.client {
            return Some(Order::Answer(data));
        }
        // A permission is for all ports of an address (RFC 8656, section 9); ours is for one.
        house.is_ours(to).then_some(Order::Relay(to, data))
    }

    fn allocate(
        &mut self,
        family: AddressFamily,
        house: &mut impl House,
    ) -> Result<SocketAddr, SocketAllocateError> {
        if (family == AddressFamily::IPV4) != self.own.is_ipv4() {
            return Err(SocketAllocateError::AddressFamilyNotSupported);
        }
        // The protocol asks for a place only on behalf of a user that it knows.
        let relayed = self.user.as_ref().and_then(|user| house.open(user.username()));
        self.relayed = relayed;
        relayed.ok_or(SocketAllocateError::InsufficientCapacity)
    }

    /// Whoever proves a password that we gave is the connection's user from then on.
    fn meet(&mut self, request: &Message<'_>, house: &impl House) {
        if self.user.is_some() || !request.has_class(MessageClass::Request) {
            return;
        }
        let Ok(username) = request.attribute::<Username>() else { return };
        let username = username.username().to_owned();
        let Some(password) = house.password(&username) else { return };
        let user = LongTermKeyCredentials::new(username.clone(), password.clone(), REALM.to_owned());
        if request.validate_integrity(&user.clone().into()).is_ok() {
            self.server.add_user(username, password);
            self.user = Some(user);
        }
    }

    /// To peers that are not ours nothing is relayed (RFC 8656, sections 9.2, 11.2 and 21). Who has no password is refused by the protocol.
    fn refuse(&self, request: &Message<'_>, house: &impl House) -> Option<Vec<u8>> {
        let is_about_peers = request.has_method(CREATE_PERMISSION) || request.has_method(CHANNEL_BIND);
        if !is_about_peers || !request.has_class(MessageClass::Request) {
            return None;
        }
        let user = self.user.clone()?.into();
        let algorithm = request.validate_integrity(&user).ok()?;
        let mut peers = request
            .iter_attributes()
            .filter_map(|(_, attribute)| XorPeerAddress::try_from(&attribute).ok())
            .map(|peer| peer.addr(request.transaction_id()));
        if peers.all(|peer| house.is_ours(peer)) {
            return None;
        }
        let error = ErrorCode::builder(ErrorCode::FORBIDDEN).build().ok()?;
        let mut refusal = Message::builder_error(request, MessageWriteVec::with_capacity(128));
        refusal.add_attribute(&error).ok()?;
        let algorithm =
            if algorithm == IntegrityAlgorithm::Sha256 { algorithm } else { IntegrityAlgorithm::Sha1 };
        refusal.add_message_integrity(&user, algorithm).ok()?;
        Some(refusal.finish())
    }
}
