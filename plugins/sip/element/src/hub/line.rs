//! The ports of one call's sound, and its session: the worker reads here, a room's thread sends.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;

use convene_conference::Codec;
use convene_sip::{Agreement, Ours, Received, Session, SessionStats};
use parking_lot::Mutex;

use super::clock::now;

/// Ports are tried until two neighbours are free; after so many the range is taken to be full.
const TRIES_MAX: u32 = 512;

/// A range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl PortRange {
    /// Reads `7800-32000`.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        // Sound has the even one, its reports the next.
        let first = first.checked_add(first % 2)?;
        (first != 0 && first < last).then_some(Self { first, last })
    }

    fn pairs(self) -> u32 {
        (u32::from(self.last) - u32::from(self.first)).div_ceil(2)
    }
}

/// Gives out ports, so that one that was just let go comes last.
#[derive(Debug)]
pub struct Ports {
    range: PortRange,
    next: u32,
}

impl Ports {
    /// Begins anywhere in the range.
    pub fn new(range: PortRange, chance: u32) -> Self {
        Self { range, next: chance % range.pairs() }
    }

    /// Two neighbours.
    fn open(&mut self, address: IpAddr) -> Option<(UdpSocket, UdpSocket)> {
        for _ in 0..TRIES_MAX.min(self.range.pairs()) {
            let port = self.range.first + (self.next * 2) as u16;
            self.next = (self.next + 1) % self.range.pairs();
            let pair = bound(address, port).and_then(|rtp| Ok((rtp, bound(address, port + 1)?)));
            if let Ok(pair) = pair {
                return Some(pair);
            }
        }
        None
    }
}

fn bound(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The ports of one call.
pub struct Line {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    session: Mutex<Option<Session>>,
}

impl Line {
    /// Opens two ports.
    pub fn open(ports: &mut Ports, address: IpAddr) -> Option<Self> {
        let (rtp, rtcp) = ports.open(address)?;
        Some(Self { rtp, rtcp, session: Mutex::default() })
    }

    /// The port of the sound.
    pub fn port(&self) -> u16 {
        self.rtp.local_addr().map_or(0, |address| address.port())
    }

    /// To wait for the sound, and for reports.
    pub fn sockets(&self) -> [&UdpSocket; 2] {
        [&self.rtp, &self.rtcp]
    }

    /// Begins, or changes what is agreed on.
    pub fn agree(&self, agreement: Agreement, ours: Option<&Ours>) {
        let mut session = self.session.lock();
        match &mut *session {
            Some(session) => session.change(agreement, ours, now()),
            None => {
                let chance = (rand::random(), rand::random::<u16>() >> 1, rand::random());
                *session = Some(Session::new(agreement, ours, chance, now()));
            }
        }
    }

    /// The caller's next packet; none when all are read.
    pub fn read(&self, buffer: &mut [u8]) -> Option<Received> {
        let (length, from) = received(&self.rtp, buffer)?;
        let bytes = &buffer[..length];
        let received = self.with(|session| session.receive(from, bytes, now()));
        if is_shake(bytes) {
            self.shake(now());
        }
        Some(received.unwrap_or(Received::Nothing))
    }

    /// Sends what the handshakes have to say. Returns when they have more, if nothing comes before.
    pub fn shake(&self, time: Instant) -> Option<Instant> {
        while let Some(shake) = self.with(|session| session.shake(time)).flatten() {
            let socket = if shake.is_with_sound { &self.rtp } else { &self.rtcp };
            if let Some(to) = shake.to {
                let _ = socket.send_to(&shake.bytes, to);
            }
        }
        self.shake_due()
    }

    /// When the handshakes have something to say.
    pub fn shake_due(&self) -> Option<Instant> {
        self.with(|session| session.shake_due()).flatten()
    }

    /// The caller's reports. Returns whether one of them tells of a loss.
    pub fn read_reports(&self, buffer: &mut [u8]) -> bool {
        let mut has_lost = false;
        while let Some((length, from)) = received(&self.rtcp, buffer) {
            let bytes = &buffer[..length];
            let received = self.with(|session| session.receive_report(from, bytes, now()));
            has_lost |= received == Some(Received::Loss);
            if is_shake(bytes) {
                self.shake(now());
            }
        }
        has_lost
    }

    /// A packet of the mixer's. A socket that is full loses it, as a full line would.
    pub fn send(&self, packet: &[u8], codec: Codec) {
        let sent = self.session.lock().as_mut().and_then(|session| session.send(packet, codec, now()));
        if let Some((to, bytes)) = sent {
            let _ = self.rtp.send_to(&bytes, to);
        }
    }

    /// Frames of a prompt, if they are due. Returns whether there are more.
    pub fn tick(&self, time: Instant) -> bool {
        while let Some((to, bytes)) = self.with(|session| session.tick(time)).flatten() {
            let _ = self.rtp.send_to(&bytes, to);
        }
        self.due().is_some()
    }

    /// Sends a report, if one is due.
    pub fn report(&self, time: Instant) {
        if let Some((to, bytes, is_with_sound)) = self.with(|session| session.report(time)).flatten() {
            let socket = if is_with_sound { &self.rtp } else { &self.rtcp };
            let _ = socket.send_to(&bytes, to);
        }
    }

    /// When a frame of a prompt is due.
    pub fn due(&self) -> Option<Instant> {
        self.with(|session| session.due()).flatten()
    }

    /// Does something with the session, if it has begun.
    pub fn with<T>(&self, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.session.lock().as_mut().map(act)
    }

    /// What has gone through.
    pub fn stats(&self) -> SessionStats {
        self.with(|session| session.stats()).unwrap_or_default()
    }
}

/// Whether a datagram is one of a handshake (RFC 5764, section 5.1.2), after which there is something to be said.
fn is_shake(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|kind| (20..64).contains(kind))
}

fn received(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Ok(received) => return Some(received),
            // A port that was closed at the other end is told here, once for each packet.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => return None,
        }
    }
}
