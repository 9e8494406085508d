//! Datagrams that no peer sends, at the running port.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::client::{Client, Wanted};
use crate::media::sees;
use crate::support::Relay;

/// So many are sent while the meeting goes on.
const DATAGRAMS: u64 = 100_000;

/// The address that the relay tells its peers.
fn announced(answer: &str) -> IpAddr {
    let candidate =
        answer.lines().find(|line| line.starts_with("a=candidate:")).expect("an answer has candidates");
    candidate.split(' ').nth(4).and_then(|ip| ip.parse().ok()).expect("a candidate has an address")
}

#[test]
fn a_flood_does_not_disturb_the_meeting() {
    let relay = Relay::start();
    let ann = Client::new(&Wanted { camera: Some(1), voice: true, slots: 1 });
    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 1 });
    let answer = relay.offer("ann", &ann.offer()).expect("the offer is answered");
    ann.accept(&answer);
    bob.join(&relay, "bob");
    sees(&bob, 1, 5);

    let to = SocketAddr::new(announced(&answer), relay.port());
    let bind = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(bind).expect("a free port");
    let mut chance = 88_172_645_463_325_252_u64;
    for _ in 0..DATAGRAMS {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let mut bytes = [0_u8; 160];
        for (number, byte) in bytes.iter_mut().enumerate() {
            *byte = (chance >> (number % 57)) as u8;
        }
        // STUN, DTLS, RTP, RTCP, and anything.
        bytes[0] = [0, 0x16, 0x80, 0x81, bytes[0]][(chance >> 11) as usize % 5];
        if bytes[0] == 0 {
            bytes[..8].copy_from_slice(&[0, 1, 0, 140, 0x21, 0x12, 0xa4, 0x42]);
        }
        let length = (chance >> 23) as usize % bytes.len();
        // A full buffer drops some, which is as good.
        let _ = socket.send_to(&bytes[..length], to);
    }
    let before = bob.seen.all().len();
    bob.seen.wait_until("more pictures", |seen| (before + 30 <= seen.len()).then_some(()));
    assert!(!relay.signals.all().iter().any(|signal| signal.contains("closed") || signal.contains("failed")));
}
