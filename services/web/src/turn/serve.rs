//! Carries a desk: the client's stream on one side, a socket of its own on the other.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};
use tracing::debug;
use turn_server_proto::types::Instant;

use super::access::Secret;
use super::desk::{Desk, House, Order};
use super::frames::{fill_up, first_frame};
use super::places::Place;
use super::ways::Ways;
use super::{Stream, Turn};

/// Who has no allocation by then is no client.
const ALLOCATE_MAX: Duration = Duration::from_secs(30);

/// A client that takes nothing for so long is gone.
const WRITE_MAX: Duration = Duration::from_secs(20);

/// The largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// What a desk may ask, and where its datagrams go.
struct Rules<'a> {
    turn: &'a Turn,
    client: IpAddr,
    /// Where we listen, and so the address that datagrams are relayed from.
    own: SocketAddr,
    ways: Ways,
    place: Option<Place>,
}

impl House for Rules<'_> {
    fn password(&self, username: &str) -> Option<String> {
        Secret::password(&self.turn.secret, username, OffsetDateTime::now_utc().unix_timestamp())
    }

    fn is_ours(&self, peer: SocketAddr) -> bool {
        self.turn.way_to(peer).is_some()
    }

    fn open(&mut self, username: &str) -> Option<SocketAddr> {
        let place = self.turn.places.take(self.client, username)?;
        let opened =
            self.ways.open(self.own).inspect_err(|error| debug!(%error, "there is no socket to relay by"));
        let relayed = opened.ok()?;
        self.place = Some(place);
        Some(relayed)
    }
}

/// Serves until the client leaves, its allocation ends, or it takes nothing any more. While the client takes nothing, what our media port sends waits
/// in the sockets, and is lost when they are full, as on any line that is too slow.
pub(super) async fn serve(turn: &Turn, mut stream: Stream, client: SocketAddr) -> io::Result<()> {
    let client = canonical(client);
    let own = canonical(stream.get_ref().get_ref().0.local_addr()?);
    let mut desk = Desk::new(client, own);
    let mut rules = Rules { turn, client: client.ip(), own, ways: Ways::default(), place: None };
    let start = tokio::time::Instant::now();
    let mut read = Vec::new();
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut orders = VecDeque::new();
    loop {
        let now = Instant::from_std(start.into_std());
        let (due, wait) = desk.timeout(&mut rules, now + start.elapsed());
        orders.extend(due);
        carry_out(&mut orders, &mut stream, &mut rules).await?;
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
            (peer, bytes) = rules.ways.receive(&mut datagram) => {
                let bytes = datagram.get(..bytes).unwrap_or_default();
                orders.extend(desk.bring(peer, bytes, now + start.elapsed()));
            }
            () = sleep_until(then) => {}
        }
    }
}

/// An IPv4 address as such, also where one socket listens for both families.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        // As it is: a link's scope belongs to it.
        IpAddr::V6(_) => address,
    }
}

async fn carry_out(
    orders: &mut VecDeque<Order>,
    stream: &mut Stream,
    rules: &mut Rules<'_>,
) -> io::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    for order in orders.drain(..) {
        match order {
            Order::Answer(message) => timeout(WRITE_MAX, stream.write_all(&fill_up(message))).await??,
            Order::Relay(peer, datagram) => {
                if let Some(way) = rules.turn.way_to(peer) {
                    rules.ways.send((peer, way), &datagram).await;
                }
            }
        }
    }
    timeout(WRITE_MAX, stream.flush()).await?
}
