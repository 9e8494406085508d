//! The sockets of a port: one a worker, bound to the same port; what comes in is read many at a time, and what goes to one peer goes out in
//! one system call.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use convene_relay::Datagram;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use super::{HubError, HubSettings};

/// The kernel's buffers of a socket: what 10 cameras send within a tenth of a second, and what is sent to 250 viewers at once.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;
/// Room for one read: 64 datagrams that the kernel has put together.
const READ_BYTES: usize = 64 * 1500;
/// Segments that the kernel takes at once, and their bytes.
const SEGMENTS_MAX: usize = 60;
const BATCH_BYTES_MAX: usize = 60_000;
/// Peers that are sent to in a row, and so many bytes, which a core's nearer caches hold beside all else.
const HELD_MAX: usize = 64;
const HELD_BYTES_MAX: usize = 50_000;
/// How long a full socket is waited for before what is to be sent is dropped, as a full line would.
const FULL_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

/// The sockets of one port.
pub struct Sockets {
    /// One a worker.
    pub sockets: Vec<UdpSocket>,
    /// The port they share.
    pub port: u16,
    /// What they are bound to.
    pub address: SocketAddr,
}

/// Opens the port.
pub fn open(settings: &HubSettings, count: usize) -> Result<Sockets, HubError> {
    let addresses = match settings.bind {
        Some(address) => vec![address],
        None => vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
    };
    let mut failure = None;
    for address in addresses {
        match open_all(SocketAddr::new(address, settings.port), count) {
            Ok(sockets) => return Ok(sockets),
            Err(reason) => {
                // Without IPv6 the other family is tried; a port that is taken is taken in both.
                failure.get_or_insert(HubError::Bind { port: settings.port, address, reason });
            }
        }
    }
    Err(failure.expect("at least one address was tried"))
}

fn open_all(address: SocketAddr, count: usize) -> io::Result<Sockets> {
    // Sharing a port among our own sockets would share it with another process of the same user, too; so first it has to be free.
    drop(bound(address, false)?);
    let first = bound(address, true)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    while sockets.len() < count {
        sockets.push(bound(address, true)?);
    }
    Ok(Sockets { sockets, port: address.port(), address })
}

fn bound(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    if is_shared {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    // The system may give less than is asked for, and that has to do.
    let _ = sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    bind(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

/// One worker's socket.
pub struct Line {
    socket: UdpSocket,
    state: UdpSocketState,
    address: SocketAddr,
    buffers: Vec<Vec<u8>>,
    /// What is sent at the next flush.
    held: Vec<Datagram>,
    held_bytes: usize,
    /// Addresses of this machine at which datagrams came in.
    own: Vec<IpAddr>,
}

impl Line {
    /// A socket ready for use.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let address = socket.local_addr()?;
        let buffers = (0..BATCH_SIZE).map(|_| vec![0; READ_BYTES]).collect();
        Ok(Self {
            socket,
            state,
            address,
            buffers,
            held: Vec::with_capacity(HELD_MAX),
            held_bytes: 0,
            own: Vec::new(),
        })
    }

    /// To wait for datagrams.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads what has come, as far as one call reads; gives each datagram with its sender and the address that it came to. Returns whether there
    /// may be more.
    pub fn read(&mut self, mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> bool {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices: Vec<IoSliceMut<'_>> =
            self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let Ok(count) = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas) else {
            return false;
        };
        for (meta, buffer) in metas.iter().zip(&self.buffers).take(count) {
            let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let ip = meta.dst_ip.map_or(self.address.ip(), |ip| ip.to_canonical());
            if !self.own.contains(&ip) && self.own.len() < 64 {
                self.own.push(ip);
            }
            let to = SocketAddr::new(ip, self.address.port());
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            for datagram in bytes.chunks(meta.stride.max(1)) {
                take(from, to, datagram);
            }
        }
        count == BATCH_SIZE
    }

    /// Takes datagrams for a peer. They go out with those of other peers, one system call after the other: what stands between two of them
    /// costs more than they do, as the caches are lost and whoever receives has gone to sleep. Returns whether it is time to [flush](Self::flush).
    pub fn hold(&mut self, datagram: Datagram) -> bool {
        let segments_max = self.segments_max(datagram.segment);
        self.held_bytes += datagram.bytes.len();
        match self.held.last_mut() {
            Some(last) if last.takes(&datagram, segments_max) => {
                last.bytes.extend_from_slice(&datagram.bytes)
            }
            _ => self.held.push(datagram),
        }
        HELD_MAX <= self.held.len() || HELD_BYTES_MAX <= self.held_bytes
    }

    /// Sends what is held; gives back the room that it took.
    pub fn flush(&mut self, mut give_back: impl FnMut(Vec<u8>)) {
        let mut held = std::mem::take(&mut self.held);
        for Datagram { peer, own, bytes, segment } in held.drain(..) {
            for part in bytes.chunks(segment * self.segments_max(segment)) {
                self.transmit((own.ip(), peer.address()), part, (segment < part.len()).then_some(segment));
            }
            give_back(bytes);
        }
        self.held = held;
        self.held_bytes = 0;
    }

    /// So many of this size the kernel takes at once.
    fn segments_max(&self, segment: usize) -> usize {
        SEGMENTS_MAX.min(self.state.max_gso_segments()).min(BATCH_BYTES_MAX / segment).max(1)
    }

    fn transmit(&self, (from, to): (IpAddr, SocketAddr), contents: &[u8], segment_size: Option<usize>) {
        // From an address that is not this machine's (behind a NAT) the system could not send.
        let src_ip = Some(from).filter(|ip| self.own.contains(ip)).map(|ip| self.in_family(ip));
        let destination = SocketAddr::new(self.in_family(to.ip()), to.port());
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip };
        let sent = self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            let mut wait = [PollFd::new(&self.socket, PollFlags::OUT)];
            let _ = poll(&mut wait, Some(&FULL_WAIT));
            // What does not go even then is lost, as on any line that is full.
            let _ = self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        }
    }

    /// A socket for both families takes IPv4 addresses in IPv6's clothes.
    fn in_family(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(ip) if self.address.is_ipv6() => IpAddr::V6(ip.to_ipv6_mapped()),
            ip => ip,
        }
    }
}
