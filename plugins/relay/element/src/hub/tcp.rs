//! The way in for peers whose network lets no UDP through: TCP connections that they open (ICE-TCP, RFC 6544), in which each datagram stands
//! behind its length (RFC 4571).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use convene_relay::Remote;
use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;

/// No datagram of WebRTC is longer: what goes through UDP fits into an Ethernet frame.
const DATAGRAM_BYTES_MAX: usize = 1500;
/// The length before each.
const LENGTH_BYTES: usize = 2;
/// What waits until the connection takes it; with the kernel's share half a second at 4 Mbit/s. What comes then is dropped, as on any line
/// that is full: late pictures are of no use.
const WAITING_BYTES_MAX: usize = 128 * 1024;
const KERNEL_BUFFER_BYTES: usize = 128 * 1024;
/// Connections of one worker at once.
pub const CONNECTIONS_MAX: usize = 1024;
/// Those who knock are taken in so many at once.
const ACCEPTS_MAX: usize = 32;
/// Who has not said by then whose connection it is has nothing to say.
const INTRODUCTION_MAX: Duration = Duration::from_secs(10);
/// A peer that is there says so every few seconds (RFC 7675).
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A connection, and what of it is on its way.
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    own: SocketAddr,
    received: Vec<u8>,
    waiting: Vec<u8>,
    /// It is known whose it is, and this worker has that peer.
    pub is_introduced: bool,
    heard_at: Instant,
}

/// Why a connection is over.
#[derive(Debug, PartialEq, Eq)]
pub enum Over {
    /// The peer, or the network, has ended it.
    Ended,
    /// It breaks RFC 4571, or carries something else.
    Broken,
}

impl Connection {
    /// Takes over a connection that somebody has accepted.
    pub fn new(stream: TcpStream, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // The system may give more, and then pictures are a little later.
        let _ = sockopt::set_socket_send_buffer_size(&stream, KERNEL_BUFFER_BYTES);
        let address = stream.peer_addr()?;
        let peer = SocketAddr::new(address.ip().to_canonical(), address.port());
        let own = stream.local_addr()?;
        let own = SocketAddr::new(own.ip().to_canonical(), own.port());
        let (received, waiting) = (Vec::new(), Vec::new());
        Ok(Self { stream, peer, own, received, waiting, is_introduced: false, heard_at: now })
    }

    /// Our end of it.
    pub fn own(&self) -> SocketAddr {
        self.own
    }

    /// Where the peer is.
    pub fn remote(&self) -> Remote {
        Remote::Tcp(self.peer)
    }

    /// Reads what has come, as far as one call reads.
    fn read(&mut self, now: Instant) -> Result<(), Over> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(Over::Ended),
            Ok(count) => {
                // A stranger's time runs whatever they send.
                if self.is_introduced {
                    self.heard_at = now;
                }
                self.received.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(Over::Ended),
        }
    }

    /// The first datagram that is whole.
    pub fn first(&self) -> Result<Option<&[u8]>, Over> {
        first_of(&self.received)
    }

    /// Takes out all datagrams that are whole.
    pub fn take(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), Over> {
        let mut rest = &self.received[..];
        let over = loop {
            match first_of(rest) {
                Ok(Some(datagram)) => {
                    take(datagram);
                    rest = &rest[LENGTH_BYTES + datagram.len()..];
                }
                Ok(None) => break Ok(()),
                Err(over) => break Err(over),
            }
        };
        self.received.drain(..self.received.len() - rest.len());
        over
    }

    /// Puts a datagram behind those that wait, or drops it when they are too many.
    fn send(&mut self, datagram: &[u8]) {
        let fits = self.waiting.len() + LENGTH_BYTES + datagram.len() <= WAITING_BYTES_MAX;
        if let (Ok(length), true) = (u16::try_from(datagram.len()), fits) {
            self.waiting.extend_from_slice(&length.to_be_bytes());
            self.waiting.extend_from_slice(datagram);
        }
    }

    /// Lets out what waits, as far as the connection takes it.
    fn flush(&mut self) -> Result<(), Over> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.waiting) {
            Ok(count) => {
                self.waiting.drain(..count);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(Over::Ended),
        }
    }

    fn is_stale(&self, now: Instant) -> bool {
        let limit = if self.is_introduced { SILENCE_MAX } else { INTRODUCTION_MAX };
        self.heard_at + limit <= now
    }
}

fn first_of(bytes: &[u8]) -> Result<Option<&[u8]>, Over> {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if DATAGRAM_BYTES_MAX < length { Err(Over::Broken) } else { Ok(rest.get(..length)) }
}

/// A worker's connections.
#[derive(Default)]
pub struct Connections {
    all: BTreeMap<SocketAddr, Connection>,
    /// Something may have come, or may go out again.
    ready: Vec<SocketAddr>,
    /// Something was sent.
    written: Vec<SocketAddr>,
}

impl Connections {
    /// One more, unless there are too many. Those that have long been silent make room.
    pub fn add(&mut self, connection: Connection, now: Instant) {
        self.all.retain(|_, known| !known.is_stale(now));
        if self.all.len() < CONNECTIONS_MAX {
            self.ready.push(connection.peer);
            self.all.insert(connection.peer, connection);
        }
    }

    /// The one that has been silent for longest goes.
    pub fn make_room(&mut self) {
        let idlest = self.all.iter().min_by_key(|(_, connection)| connection.heard_at);
        if let Some(peer) = idlest.map(|(peer, _)| *peer) {
            self.all.remove(&peer);
        }
    }

    /// What to wait for, in an order of its own; see [`Connections::note`].
    pub fn watch<'a>(&'a self, sources: &mut Vec<PollFd<'a>>) {
        sources.extend(self.all.values().map(|connection| {
            let writes = if connection.waiting.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::IN | writes)
        }));
    }

    /// Which of those that were watched have something: in the same order.
    pub fn note(&mut self, are_ready: impl Iterator<Item = bool>) {
        let noted = self.all.keys().zip(are_ready).filter_map(|(peer, is_ready)| is_ready.then_some(*peer));
        self.ready.extend(noted);
    }

    /// Reads one of those that have something. `None`: no more. A connection that is over is dropped.
    pub fn next(&mut self, now: Instant) -> Option<&mut Connection> {
        while let Some(peer) = self.ready.pop() {
            let is_well = self.all.get_mut(&peer).map(|one| one.read(now).and_then(|()| one.flush()));
            match is_well {
                Some(Ok(())) => return self.all.get_mut(&peer),
                Some(Err(_)) => drop(self.all.remove(&peer)),
                None => {}
            }
        }
        None
    }

    /// Takes one out.
    pub fn remove(&mut self, remote: Remote) -> Option<Connection> {
        self.all.remove(&remote.address())
    }

    /// Sends a datagram to a peer that has come by TCP, at the next [`Connections::flush`]; nothing when its connection is over by now.
    pub fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        if let Some(connection) = self.all.get_mut(&to) {
            if self.written.last() != Some(&to) {
                self.written.push(to);
            }
            connection.send(datagram);
        }
    }

    /// Lets out what was sent.
    pub fn flush(&mut self) {
        for peer in self.written.drain(..) {
            if self.all.get_mut(&peer).is_some_and(|connection| connection.flush().is_err()) {
                self.all.remove(&peer);
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Takes those who knock, as far as it is their turn. An error: the system has no file for whoever is next, and would tell of them without end.
pub fn accept(listener: &TcpListener, mut take: impl FnMut(TcpStream)) -> io::Result<()> {
    for stream in listener.incoming().take(ACCEPTS_MAX) {
        match stream {
            Ok(stream) => take(stream),
            // Nobody more; or somebody who has gone again, and whoever stands behind is taken in the next turn.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of a connection.
    fn pair(now: Instant) -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("somebody listens");
        let (server, _) = listener.accept().expect("the client is there");
        (client, Connection::new(server, now).expect("a sound connection"))
    }

    fn framed(datagrams: &[&[u8]]) -> Vec<u8> {
        let frame = |datagram: &&[u8]| [&(datagram.len() as u16).to_be_bytes()[..], datagram].concat();
        datagrams.iter().flat_map(frame).collect()
    }

    #[test]
    fn datagrams_are_found_wherever_the_stream_is_cut() {
        let bytes = framed(&[b"one", b"", b"three"]);
        let now = super::super::clock::now();
        for cut in 0..=bytes.len() {
            let (_client, mut connection) = pair(now);
            let mut seen = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                connection.received.extend_from_slice(part);
                connection.take(|datagram| seen.push(datagram.to_vec())).expect("all is well framed");
            }
            assert_eq!(seen, [&b"one"[..], b"", b"three"]);
            assert!(connection.received.is_empty());
        }
    }

    #[test]
    fn the_longest_datagram_passes_and_one_byte_more_ends_the_connection() {
        let longest = vec![7; DATAGRAM_BYTES_MAX];
        let bytes = framed(&[&longest]);
        assert_eq!(first_of(&bytes), Ok(Some(&longest[..])));
        let bytes = framed(&[&vec![7; DATAGRAM_BYTES_MAX + 1]]);
        assert_eq!(first_of(&bytes[..2]), Err(Over::Broken));
        assert_eq!(first_of(b"GET / HTTP/1.1"), Err(Over::Broken));
    }

    #[test]
    fn a_connection_that_takes_nothing_loses_what_is_too_much() {
        let (client, mut connection) = pair(super::super::clock::now());
        let datagram = [5; 1000];
        for _ in 0..10_000 {
            connection.send(&datagram);
            connection.flush().expect("the client is there");
        }
        assert!(connection.waiting.len() <= WAITING_BYTES_MAX);
        // What did go out is whole datagrams.
        let mut client = client;
        client.set_nonblocking(true).expect("a sound socket");
        let mut received = Vec::new();
        let mut buffer = [0; 65_536];
        while !connection.waiting.is_empty() {
            while let Ok(count) = client.read(&mut buffer) {
                received.extend_from_slice(&buffer[..count]);
            }
            connection.flush().expect("the client is there");
        }
        while let Ok(count) = client.read(&mut buffer) {
            received.extend_from_slice(&buffer[..count]);
        }
        let mut rest = &received[..];
        while let Ok(Some(got)) = first_of(rest) {
            assert_eq!(got, datagram);
            rest = &rest[LENGTH_BYTES + got.len()..];
        }
    }

    #[test]
    fn whoever_has_been_silent_for_longest_makes_room() {
        let now = super::super::clock::now();
        let (_ann, first) = pair(now);
        let (_bob, second) = pair(now + Duration::from_secs(1));
        let stays = second.peer;
        let mut connections = Connections::default();
        connections.make_room();
        connections.add(second, now);
        connections.add(first, now);
        connections.make_room();
        assert_eq!(connections.all.into_keys().collect::<Vec<_>>(), [stays]);
    }

    #[test]
    fn strangers_make_room_whatever_they_send() {
        let now = super::super::clock::now();
        let (mut client, connection) = pair(now);
        let mut connections = Connections::default();
        connections.add(connection, now);
        client.write_all(&[0, 50, 1]).expect("somebody listens");
        while connections.all.values().all(|one| one.received.is_empty()) {
            connections.note([true].into_iter());
            connections.next(now + INTRODUCTION_MAX / 2);
        }
        let (_other, another) = pair(now + INTRODUCTION_MAX);
        connections.add(another, now + INTRODUCTION_MAX);
        assert_eq!(connections.all.len(), 1);
    }
}
