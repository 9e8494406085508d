//! Carries a desk: the client's stream on one side, a socket for each of our own addresses on the other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use convene_pipelines::MediaPort;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::UdpSocket;
use tokio::time::{sleep_until, timeout};
use turn_server_proto::types::Instant;

use super::access::Secret;
use super::desk::{Desk, House, Order};
use super::frames::{fill_up, first_frame};
use super::places::Place;
use super::{Stream, Turn};

/// Who has no allocation by then is no client.
const ALLOCATE_MAX: Duration = Duration::from_secs(30);

/// A client that takes nothing for so long is gone.
const WRITE_MAX: Duration = Duration::from_secs(20);

/// Addresses of ours that an allocation sends to at once, and so its sockets.
const WAYS_MAX: usize = 8;

/// The largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// What a desk may ask.
struct Rules<'a> {
    turn: &'a Turn,
    client: IpAddr,
    place: Option<Place>,
}

impl House for Rules<'_> {
    fn password(&self, username: &str) -> Option<String> {
        Secret::password(&self.turn.secret, username, OffsetDateTime::now_utc().unix_timestamp())
    }

    fn is_ours(&self, peer: SocketAddr) -> bool {
        self.turn.media.way_to(peer).is_some()
    }

    fn take_place(&mut self) -> bool {
        if self.place.is_none() {
            self.place = self.turn.places.take(self.client);
        }
        self.place.is_some()
    }
}

/// Serves until the client leaves, its allocation ends, or it takes nothing any more. While the client takes nothing, what our media port sends waits
/// in the sockets, and is lost when they are full, as on any line that is too slow.
pub(super) async fn serve(turn: &Turn, mut stream: Stream, client: SocketAddr) -> io::Result<()> {
    let client = SocketAddr::new(client.ip().to_canonical(), client.port());
    let own = stream.get_ref().get_ref().0.local_addr()?;
    let mut desk = Desk::new(client, SocketAddr::new(own.ip().to_canonical(), own.port()));
    let mut rules = Rules { turn, client: client.ip(), place: None };
    let mut ways = Ways::new(&turn.media);
    let start = tokio::time::Instant::now();
    let mut read = Vec::new();
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut orders = VecDeque::new();
    loop {
        let now = Instant::from_std(start.into_std());
        let (due, wait) = desk.timeout(&mut rules, now + start.elapsed());
        orders.extend(due);
        carry_out(&mut orders, &mut stream, &mut ways).await?;
        if desk.is_over() || (!desk.is_allocated() && ALLOCATE_MAX < start.elapsed()) {
            return stream.shutdown().await;
        }
        let then = tokio::time::Instant::now() + wait.min(ALLOCATE_MAX).max(Duration::from_millis(10));
        tokio::select! {
            count = stream.read_buf(&mut read) => {
                if count? == 0 {
                    return Ok(());
                }
                while let Some((bytes, taken)) = first_frame(&read).map_err(io::Error::other)? {
                    let message = read.get(..bytes).unwrap_or_default();
                    orders.extend(desk.take(message, &mut rules, now + start.elapsed()));
                    read.drain(..taken);
                }
            }
            (peer, bytes) = ways.receive(&mut datagram) => {
                let bytes = datagram.get(..bytes).unwrap_or_default();
                orders.extend(desk.bring(peer, bytes, now + start.elapsed()));
            }
            () = sleep_until(then) => {}
        }
    }
}

async fn carry_out(orders: &mut VecDeque<Order>, stream: &mut Stream, ways: &mut Ways<'_>) -> io::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    for order in orders.drain(..) {
        match order {
            Order::Answer(message) => timeout(WRITE_MAX, stream.write_all(&fill_up(message))).await??,
            Order::Relay(peer, datagram) => ways.send(peer, &datagram).await,
        }
    }
    timeout(WRITE_MAX, stream.flush()).await?
}

/// A socket for each of our addresses that is sent to, so that an answer is known to be from it.
struct Ways<'a> {
    media: &'a MediaPort,
    open: Vec<(SocketAddr, UdpSocket)>,
}

impl<'a> Ways<'a> {
    fn new(media: &'a MediaPort) -> Self {
        Self { media, open: Vec::new() }
    }

    /// What cannot be sent is lost, as datagrams may be.
    async fn send(&mut self, peer: SocketAddr, datagram: &[u8]) {
        if !self.open.iter().any(|(open, _)| *open == peer) {
            let Some(way) = self.media.way_to(peer).filter(|_| self.open.len() < WAYS_MAX) else { return };
            let Ok(socket) = connected(way).await else { return };
            self.open.push((peer, socket));
        }
        if let Some((_, socket)) = self.open.iter().find(|(open, _)| *open == peer) {
            let _ = socket.send(datagram).await;
        }
    }

    /// The next datagram, and from which of our addresses.
    async fn receive(&self, datagram: &mut [u8]) -> (SocketAddr, usize) {
        poll_fn(|context| {
            for (peer, socket) in &self.open {
                let mut buffer = ReadBuf::new(datagram);
                // An error says that nobody listens just now; the next datagram may find somebody.
                while let Poll::Ready(received) = socket.poll_recv(context, &mut buffer) {
                    if received.is_ok() {
                        return Poll::Ready((*peer, buffer.filled().len()));
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

async fn connected(way: SocketAddr) -> io::Result<UdpSocket> {
    let any = match way {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(way).await?;
    Ok(socket)
}
