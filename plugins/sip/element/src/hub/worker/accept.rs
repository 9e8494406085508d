//! Ways in: whoever connects, within limits.

use std::io::ErrorKind;
use std::net::TcpListener;

use convene_sip::{Flow, Transport};

use super::super::clock::now;
use super::super::connection::Connection;
use super::super::sockets;
use super::{ADDRESS_CONNECTIONS_MAX, CONNECTIONS_MAX, READS_MAX, ROUND, Token, Worker};

impl Worker {
    pub(super) fn accept(&mut self, transport: Transport) {
        let (listener, config) = match transport {
            Transport::Tls => (self.sockets.tls.as_ref(), self.config.clone()),
            _ => (self.sockets.tcp.as_ref(), None),
        };
        let mut accepted = Vec::new();
        let mut is_crowded = false;
        while accepted.len() < READS_MAX {
            match listener.map(TcpListener::accept) {
                Some(Ok((stream, peer))) => accepted.push((stream, sockets::plain(peer))),
                Some(Err(error)) => {
                    is_crowded =
                        !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted);
                    break;
                }
                None => break,
            }
        }
        if is_crowded {
            // Without a file for whoever waits, the system would tell of it without end: the first that would be closed anyway makes room.
            let first = self.connections.iter().min_by_key(|(_, connection)| connection.close_at);
            if let Some(id) = first.map(|(id, _)| *id) {
                self.disconnect(id);
            }
        }
        let time = now();
        for (stream, peer) in accepted {
            let same = self.connections.values().filter(|other| other.flow.peer.ip() == peer.ip()).count();
            if CONNECTIONS_MAX <= self.connections.len() || ADDRESS_CONNECTIONS_MAX <= same {
                continue;
            }
            let Ok(local) = stream.local_addr().map(sockets::plain) else {
                continue;
            };
            let id = self.next_connection;
            self.next_connection += 1;
            let flow = Flow { id, transport, peer, local };
            let connection = Connection::new(stream, flow, config.as_ref(), time);
            if let Ok(connection) = connection
                && self.watch(connection.stream(), Token::Connection(id)).is_ok()
            {
                self.connections.insert(id, connection);
                self.round_at.get_or_insert(time + ROUND);
            }
        }
    }
}
