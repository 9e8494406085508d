//! The ports at which callers reach us.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

use super::{HubError, HubSettings};

/// Callers that wait to be accepted.
const BACKLOG: i32 = 128;

/// What is open; none where it was not wanted.
pub struct Sockets {
    pub udp: Option<UdpSocket>,
    pub tcp: Option<TcpListener>,
    pub tls: Option<TcpListener>,
}

/// Opens the ports.
pub fn open(settings: &HubSettings) -> Result<Sockets, HubError> {
    let one = |port: Option<u16>, kind| port.map(|port| opened(settings.bind, port, kind)).transpose();
    Ok(Sockets {
        udp: one(settings.udp, SocketType::DGRAM)?.map(UdpSocket::from),
        tcp: one(settings.tcp, SocketType::STREAM)?.map(TcpListener::from),
        tls: one(settings.tls, SocketType::STREAM)?.map(TcpListener::from),
    })
}

fn opened(address: Option<IpAddr>, port: u16, kind: SocketType) -> Result<OwnedFd, HubError> {
    let addresses = match address {
        Some(address) => vec![address],
        None => vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
    };
    let mut failure = None;
    for address in addresses {
        match bound(SocketAddr::new(address, port), kind) {
            Ok(socket) => return Ok(socket),
            Err(reason) => {
                // Without IPv6 the other family is tried; a port that is taken is taken in both.
                failure.get_or_insert(HubError::Bind { port, address, reason });
            }
        }
    }
    Err(failure.expect("at least one address was tried"))
}

fn bound(address: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    if kind == SocketType::STREAM {
        // Connections of the hub before may still be closing.
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    bind(&socket, &address)?;
    if kind == SocketType::STREAM {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

/// Which of our addresses a peer talks to: the one from which we would send to it.
pub fn facing(socket: SocketAddr, peer: SocketAddr) -> SocketAddr {
    if !socket.ip().is_unspecified() {
        return socket;
    }
    let any: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let probe = UdpSocket::bind(SocketAddr::new(any, 0));
    let probed = probe.and_then(|probe| {
        // Sends nothing: the system only chooses the way.
        probe.connect(peer)?;
        probe.local_addr()
    });
    SocketAddr::new(probed.map_or(any, |local| local.ip()), socket.port())
}

/// IPv4 out of IPv6's clothes.
pub fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// And into them, for a socket of both families.
pub fn dressed(address: SocketAddr, socket: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if socket.is_ipv6() => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        _ => address,
    }
}
