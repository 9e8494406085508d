//! Shards, browsers, and the network between them, stepped through virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use convene_relay::{
    Config, ESTIMATED_PEERS_MAX, Identity, Input, Output, PeerId, PeerState, Remote, RoomEvent, RoomId,
    Shard, ShardId,
};

use crate::browser::Browser;
use crate::camera::Encoding;
use crate::network::{Flight, Line, Network};

pub const ROOM: RoomId = RoomId(2);

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub shards: Vec<Shard>,
    due: Vec<Option<Instant>>,
    pub browsers: Vec<Browser>,
    pub network: Network,
    /// The shard of each TCP connection.
    connections: BTreeMap<SocketAddr, ShardId>,
    pub events: Vec<(Instant, RoomEvent)>,
    /// Datagrams to addresses that nobody has.
    pub astray: usize,
}

/// The relay's address.
pub fn relay() -> SocketAddr {
    "10.0.0.1:1853".parse().expect("an address")
}

/// Where those knock who can only come by TCP.
pub fn relay_by_tcp() -> SocketAddr {
    "10.0.0.1:443".parse().expect("an address")
}

/// A browser's address.
pub fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, number as u8 + 1], 5000))
}

/// A camera without simulcast.
pub fn single(kbps: usize) -> Vec<Encoding> {
    vec![Encoding::new(None, 480, kbps)]
}

/// A camera in three sizes.
pub fn simulcast() -> Vec<Encoding> {
    vec![
        Encoding::new(Some("q"), 180, 100),
        Encoding::new(Some("h"), 360, 300),
        Encoding::new(Some("f"), 720, 1000),
    ]
}

impl World {
    pub fn new(shards: u8, seed: u64) -> Self {
        Self::of_estimated(shards, seed, ESTIMATED_PEERS_MAX)
    }

    /// With another number of peers whose lines are estimated by TWCC.
    pub fn of_estimated(shards: u8, seed: u64, estimated_peers_max: usize) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an Instant cannot be made otherwise; everything counts from this one"
        )]
        let now = Instant::now();
        let identity = Identity::new(None).expect("a certificate can be made");
        let config = |id| Config {
            id,
            shards,
            candidates: vec![relay()],
            tcp_candidates: vec![relay_by_tcp()],
            identity: identity.clone(),
            estimated_peers_max,
        };
        Self {
            now,
            start: now,
            shards: (0..shards).map(|id| Shard::new(config(ShardId(id)), now)).collect(),
            due: vec![None; usize::from(shards)],
            browsers: Vec::new(),
            network: Network::new(seed),
            connections: BTreeMap::new(),
            events: Vec::new(),
            astray: 0,
        }
    }

    /// Somebody joins; their number is their place in `browsers`.
    pub fn join(&mut self, encodings: Vec<Encoding>, slots: usize, line: Line) -> usize {
        self.join_with(encodings, slots, line, |offer| offer)
    }

    /// The same with an offer that says something else.
    pub fn join_with(
        &mut self,
        encodings: Vec<Encoding>,
        slots: usize,
        line: Line,
        alter: impl Fn(String) -> String,
    ) -> usize {
        let number = self.browsers.len();
        let (mut browser, offer) = Browser::new(address(number), encodings, slots, self.now);
        browser.line = line;
        let peer = PeerId(number as u64);
        let shard = self.shard_of(peer);
        let answer =
            self.shards[shard].offer(ROOM, peer, &alter(offer), self.now).expect("the offer is answered");
        browser.accept(&answer, self.now);
        self.browsers.push(browser);
        self.settle();
        number
    }

    pub fn shard_of(&self, peer: PeerId) -> usize {
        (peer.0 % self.shards.len() as u64) as usize
    }

    pub fn tell(&mut self, peer: usize, input: Input<'static>) {
        let shard = self.shard_of(PeerId(peer as u64));
        self.shards[shard].handle(input, self.now);
        self.settle();
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Milliseconds since the beginning.
    pub fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    fn step(&mut self, end: Instant) -> bool {
        let browsers = self.browsers.iter().filter_map(Browser::next);
        let shards = self.due.iter().copied().flatten();
        let next = browsers.chain(shards).chain(self.network.next_arrival()).min();
        let Some(next) = next.filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(flight) = self.network.receive(now) {
            if flight.to == relay() || flight.to == relay_by_tcp() {
                let (shard, peer) = self.entrance(&flight);
                let input = Input::Datagram { peer, own: flight.to, bytes: &flight.bytes };
                self.shards[shard].handle(input, now);
            } else if let Some(number) = self.browsers.iter().position(|browser| browser.address == flight.to)
            {
                let transmits = self.browsers[number].receive(&flight, now);
                self.transmit(number, transmits);
            }
        }
        for number in 0..self.browsers.len() {
            if self.browsers[number].next().is_some_and(|next| next <= now) {
                let transmits = self.browsers[number].act(now);
                self.transmit(number, transmits);
            }
        }
        for shard in 0..self.shards.len() {
            if self.due[shard].is_some_and(|due| due <= now) {
                self.shards[shard].handle(Input::Timeout, now);
            }
        }
        self.settle();
        true
    }

    /// The shard that a datagram comes in at.
    fn entrance(&mut self, flight: &Flight) -> (usize, Remote) {
        if flight.to == relay_by_tcp() {
            let first = || self.shards[0].shard_of(&flight.bytes).expect("the first datagram names a peer");
            let shard = *self.connections.entry(flight.from).or_insert_with(first);
            return (shard.0.into(), Remote::Tcp(flight.from));
        }
        // The kernel gives all of one sender's datagrams to one socket, whichever that is.
        let socket = flight.from.port() as u8 ^ flight.from.to_string().len() as u8;
        (usize::from(socket) % self.shards.len(), Remote::Udp(flight.from))
    }

    fn transmit(&mut self, number: usize, transmits: Vec<str0m::net::Transmit>) {
        let line = Line { bitrate: None, ..self.browsers[number].line };
        for transmit in transmits {
            if line.blocks_udp && transmit.destination == relay() {
                continue;
            }
            // STUN begins with 0 or 1 (RFC 7983, section 7).
            let other = self.browsers[number].other_address.filter(|_| 3 < transmit.contents[0]);
            let source = other.unwrap_or(transmit.source);
            let flight = (source, transmit.destination, transmit.contents.to_vec());
            let mut free_at = self.now;
            self.network.send(&line, &mut free_at, flight, self.now);
        }
    }

    /// Carries out what the shards order, until they have nothing more.
    pub fn settle(&mut self) {
        let mut orders = VecDeque::new();
        loop {
            for (number, shard) in self.shards.iter_mut().enumerate() {
                loop {
                    match shard.poll() {
                        Output::Transmit(datagram) => {
                            let address = datagram.peer.address();
                            let to = self.browsers.iter_mut().find(|browser| browser.address == address);
                            self.astray += usize::from(to.is_none());
                            if let Some(browser) = to {
                                let is_tcp = matches!(datagram.peer, Remote::Tcp(_));
                                assert_eq!(is_tcp, datagram.own == relay_by_tcp());
                                for bytes in datagram.each() {
                                    let flight = (datagram.own, address, bytes.to_vec());
                                    self.network.send(&browser.line, &mut browser.free_at, flight, self.now);
                                }
                            }
                        }
                        Output::Event { event, .. } => self.events.push((self.now, event)),
                        Output::Order { to, order } => orders.push_back((ShardId(number as u8), to, order)),
                        Output::Timeout(due) => {
                            self.due[number] = due;
                            break;
                        }
                    }
                }
            }
            if orders.is_empty() {
                return;
            }
            for (from, to, order) in orders.drain(..) {
                self.shards[usize::from(to.0)].handle(Input::Order { from, order }, self.now);
            }
        }
    }

    /// All that was told of a peer's connection.
    pub fn states(&self, number: usize) -> Vec<PeerState> {
        let told = self.events.iter().filter_map(|(_, event)| match event {
            RoomEvent::Peer { peer, state } if peer.0 == number as u64 => Some(*state),
            _ => None,
        });
        told.collect()
    }

    /// How many peers there are.
    pub fn peer_count(&self) -> usize {
        self.shards.iter().map(Shard::peer_count).sum()
    }

    /// The last that was told of who sends video.
    pub fn feeds(&self) -> Vec<u64> {
        let feeds = self.events.iter().rev().find_map(|(_, event)| match event {
            RoomEvent::Feeds(feeds) => Some(feeds.iter().map(|feed| feed.0).collect()),
            _ => None,
        });
        feeds.unwrap_or_default()
    }

    /// The last that was told of who speaks.
    pub fn speakers(&self) -> Vec<u64> {
        let speakers = self.events.iter().rev().find_map(|(_, event)| match event {
            RoomEvent::Speakers(speakers) => Some(speakers.iter().map(|speaker| speaker.0).collect()),
            _ => None,
        });
        speakers.unwrap_or_default()
    }
}
