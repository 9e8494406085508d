//! Peers whose network lets no UDP through, and strangers at the TCP port.

use std::io::{Read, Write};
use std::net::TcpStream;

use gst::prelude::*;

use crate::client::{Client, Wanted};
use crate::media::sees;
use crate::support::{LIMIT, Relay};

/// The answer, as a browser behind a firewall sees it: what is announced for UDP leads nowhere.
fn without_udp(answer: &str) -> String {
    let lines = answer.lines().filter(|line| !(line.starts_with("a=candidate:") && line.contains(" udp ")));
    let kept: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    assert!(kept.contains(" tcp ") && kept.contains("tcptype passive"), "{answer}");
    kept
}

#[test]
fn where_udp_is_blocked_pictures_go_both_ways_by_tcp() {
    let relay = Relay::with("workers=2 tcp-port=0");
    let ann = Client::new(&Wanted { camera: Some(1), voice: true, slots: 1 });
    let bob = Client::new(&Wanted { camera: Some(2), voice: false, slots: 1 });
    let cem = Client::new(&Wanted { camera: None, voice: false, slots: 2 });
    for (name, client) in [("ann", &ann), ("bob", &bob)] {
        let answer = relay.offer(name, &client.offer()).expect("the offer is answered");
        client.accept(&without_udp(&answer));
    }
    cem.join(&relay, "cem");
    sees(&ann, 2, 20);
    sees(&bob, 1, 20);
    sees(&cem, 1, 20);
    sees(&cem, 2, 20);
}

/// A STUN binding request for somebody, framed.
fn request(user: &str) -> Vec<u8> {
    let name = [user.as_bytes(), b":x"].concat();
    let padded = name.len().next_multiple_of(4);
    let mut bytes = vec![0, 1, 0, padded as u8 + 4, 0x21, 0x12, 0xa4, 0x42];
    bytes.extend([7; 12]);
    bytes.extend([0, 6, 0, name.len() as u8]);
    bytes.extend(name);
    bytes.resize(24 + padded, 0);
    [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
}

#[test]
fn strangers_are_shown_the_door() {
    let relay = Relay::with("workers=2 tcp-port=0");
    let port = relay.element.property::<u32>("actual-tcp-port") as u16;
    assert_ne!(port, 0);
    for greeting in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), request("nobody"), vec![0xff; 4000]] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
        stream.set_read_timeout(Some(LIMIT)).expect("a sound limit");
        stream.write_all(&greeting).expect("the relay reads");
        // Closed, or reset with something unread; either ends at once, and nothing is said.
        let end = stream.read(&mut [0; 16]);
        let is_over = match &end {
            Ok(count) => *count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(is_over, "{end:?}");
    }
}
