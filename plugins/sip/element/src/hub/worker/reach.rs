//! Ways out: names are looked up, connections made and shared.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;

use convene_sip::{Flow, Hop, Transport};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::super::clock::now;
use super::super::connection::Connection;
use super::super::mailbox::Command;
use super::super::sockets;
use super::{CONNECTIONS_MAX, ROUND, Token, Worker};

/// Names that are looked up at once: each has a thread for as long as it takes.
const LOOKUPS_MAX: usize = 16;

impl Worker {
    /// There is to be a way to there.
    pub(super) fn reach(&mut self, hop: Hop) {
        if let Ok(ip) = hop.host.parse::<IpAddr>() {
            return self.resolved(&hop, Some(SocketAddr::new(ip, hop.port)));
        }
        if self.lookups.contains(&hop) {
            return;
        }
        if LOOKUPS_MAX <= self.lookups.len() {
            return self.resolved(&hop, None);
        }
        // The system's resolver waits for the network, for which this thread must not.
        let (mailbox, theirs) = (Arc::clone(&self.mailbox), hop.clone());
        let bind = self.bind;
        let started = std::thread::Builder::new().name("sipbridge-names".to_owned()).spawn(move || {
            let found = (theirs.host.as_str(), theirs.port).to_socket_addrs().ok();
            let is_ours = |address: &SocketAddr| bind.is_none_or(|bind| bind.is_ipv4() == address.is_ipv4());
            let address = found.and_then(|mut found| found.find(is_ours));
            mailbox.post(Command::Resolved(theirs, address));
        });
        match started {
            Ok(_) => drop(self.lookups.insert(hop)),
            Err(_) => self.resolved(&hop, None),
        }
    }

    /// A name is known, or is none.
    pub(super) fn resolved(&mut self, hop: &Hop, address: Option<SocketAddr>) {
        self.lookups.remove(hop);
        let flow = address.and_then(|peer| match hop.transport {
            Transport::Udp => self.datagrams_to(peer),
            Transport::Tcp | Transport::Tls => self.connected(hop).or_else(|| self.connect(hop, peer).ok()),
        });
        self.exchange.reached(hop, flow, now());
    }

    fn datagrams_to(&self, peer: SocketAddr) -> Option<Flow> {
        let address = self.sockets.udp.as_ref()?.local_addr().ok().map(sockets::plain)?;
        let local = sockets::plain(sockets::facing(address, peer));
        Some(Flow { id: 0, transport: Transport::Udp, peer, local })
    }

    /// The connection that is there already.
    fn connected(&self, hop: &Hop) -> Option<Flow> {
        let id = self.ways.get(hop)?;
        self.connections.get(id).map(|connection| connection.flow)
    }

    /// Begins to connect. What is sent meanwhile waits, and whoever waits for an answer is told when it fails.
    fn connect(&mut self, hop: &Hop, peer: SocketAddr) -> io::Result<Flow> {
        if CONNECTIONS_MAX <= self.connections.len() {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let family = if peer.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        if let Some(address) = self.bind.filter(|bind| bind.is_ipv4() == peer.is_ipv4()) {
            bind(&socket, &SocketAddr::new(address, 0))?;
        }
        match connect(&socket, &peer) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let stream = TcpStream::from(socket);
        let mut local = sockets::plain(stream.local_addr()?);
        let listener = if hop.transport == Transport::Tls { &self.sockets.tls } else { &self.sockets.tcp };
        // Calls that come back by another connection find us where we listen.
        if let Some(listening) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
            local.set_port(listening.port());
        }
        let id = self.next_connection;
        self.next_connection += 1;
        let flow = Flow { id, transport: hop.transport, peer, local };
        let trust = (hop.transport == Transport::Tls).then(|| (self.trust.config(), hop.host.as_str()));
        let connection = Connection::open(stream, flow, trust, now())?;
        self.watch(connection.stream(), Token::Connection(id))?;
        self.connections.insert(id, connection);
        self.ways.retain(|_, id| self.connections.contains_key(id));
        self.ways.insert(hop.clone(), id);
        self.round_at.get_or_insert(now() + ROUND);
        self.await_line(id);
        Ok(flow)
    }

    /// A connection is no more, and nobody waits for anything by it any longer.
    pub(super) fn disconnect(&mut self, id: u64) {
        if self.connections.remove(&id).is_some() {
            let time = now();
            self.exchange.disconnected(id, time);
            self.carry_out(time);
        }
    }
}
