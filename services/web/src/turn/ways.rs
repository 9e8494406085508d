//! The sockets of an allocation: what they send comes from the address that the client was told.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// Addresses of ours that an allocation sends to at once.
const WAYS_MAX: usize = 8;

/// One of our addresses as the client knows it, and where on this machine that is.
struct Way {
    told: SocketAddr,
    to: SocketAddr,
    socket: usize,
}

/// All that an allocation sends to.
#[derive(Default)]
pub(super) struct Ways {
    /// The first is the allocation's. Behind a NAT several of our addresses lead to one place on this machine; for each but the first of them there is another
    /// socket, so that an answer is known to be from it, and ICE calls what it sees there a peer-reflexive candidate.
    sockets: Vec<UdpSocket>,
    open: Vec<Way>,
}

impl Ways {
    /// Opens the allocation's socket beside the one that we listen on, and says where it is.
    pub(super) fn open(&mut self, own: SocketAddr) -> io::Result<SocketAddr> {
        let mut socket = bind(own)?;
        // By its port the protocol tells what comes here from what comes to us.
        if socket.local_addr()?.port() == own.port() {
            let taken = socket;
            socket = bind(own)?;
            drop(taken);
        }
        let relayed = socket.local_addr()?;
        self.sockets = vec![socket];
        self.open.clear();
        Ok(relayed)
    }

    /// What cannot be sent is lost, as datagrams may be.
    pub(super) async fn send(&mut self, (told, to): (SocketAddr, SocketAddr), datagram: &[u8]) {
        let known = self.open.iter().find(|way| way.told == told).map(|way| way.socket);
        let socket = match known {
            Some(socket) => socket,
            None if self.open.len() < WAYS_MAX => {
                let Some(socket) = self.socket_for(to) else { return };
                self.open.push(Way { told, to, socket });
                socket
            }
            None => return,
        };
        if let Some(socket) = self.sockets.get(socket) {
            let _ = socket.send_to(datagram, to).await;
        }
    }

    /// One by which nothing else goes there.
    fn socket_for(&mut self, to: SocketAddr) -> Option<usize> {
        let is_free = |socket: &usize| !self.open.iter().any(|way| way.socket == *socket && way.to == to);
        if let Some(free) = (0..self.sockets.len()).find(is_free) {
            return Some(free);
        }
        let own = self.sockets.first()?.local_addr().ok()?;
        self.sockets.push(bind(own).ok()?);
        Some(self.sockets.len() - 1)
    }

    /// The next datagram of a place that was sent to, and what the client calls it.
    pub(super) async fn receive(&self, datagram: &mut [u8]) -> (SocketAddr, usize) {
        poll_fn(|context| {
            for (index, socket) in self.sockets.iter().enumerate() {
                let mut buffer = ReadBuf::new(datagram);
                while let Poll::Ready(received) = socket.poll_recv_from(context, &mut buffer) {
                    // An error says that nobody listens just now; the next datagram may find somebody.
                    let way = received.ok().and_then(|from| self.way_from(index, from));
                    if let Some(told) = way {
                        return Poll::Ready((told, buffer.filled().len()));
                    }
                    buffer.clear();
                }
            }
            Poll::Pending
        })
        .await
    }

    fn way_from(&self, socket: usize, from: SocketAddr) -> Option<SocketAddr> {
        self.open.iter().find(|way| way.socket == socket && way.to == from).map(|way| way.told)
    }
}

/// A free port of this address.
fn bind(own: SocketAddr) -> io::Result<UdpSocket> {
    let mut any = own;
    any.set_port(0);
    let socket = std::net::UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_known_to_be_from_the_address_that_was_asked() {
        let place = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = place.local_addr().unwrap();
        let told = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|ip| SocketAddr::from((ip, to.port())));
        let mut ways = Ways::default();
        let relayed = ways.open(SocketAddr::from(([127, 0, 0, 1], 1))).unwrap();
        let mut seen = Vec::new();
        for one in told {
            ways.send((one, to), b"hello").await;
            let mut datagram = [0; 8];
            let (_, from) = place.recv_from(&mut datagram).await.unwrap();
            seen.push(from);
        }
        assert_eq!(seen[0], relayed);
        assert_ne!(seen[1], relayed);
        // Whoever was sent nothing says nothing to the client.
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(b"let me in", relayed).await.unwrap();
        for (from, one) in seen.iter().zip(told).rev() {
            place.send_to(b"yes", from).await.unwrap();
            assert_eq!(ways.receive(&mut [0; 8]).await, (one, 3));
        }
    }
}
