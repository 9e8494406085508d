//! A network that loses, delays and reorders as a seed says.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a line is like, each way.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Of a thousand datagrams, so many are lost.
    pub loss_per_mille: u64,
    /// From one end to the other.
    pub delay: Duration,
    /// At most this much is added by chance, so that datagrams overtake each other.
    pub jitter: Duration,
    /// Bits a second that pass towards the browser; none for any number.
    pub bitrate: Option<u64>,
    /// Only TCP passes.
    pub blocks_udp: bool,
}

impl Line {
    pub const GOOD: Line = Line {
        loss_per_mille: 0,
        delay: Duration::from_millis(2),
        jitter: Duration::ZERO,
        bitrate: None,
        blocks_udp: false,
    };
    pub const TCP_ONLY: Line = Line { blocks_udp: true, ..Line::GOOD };

    /// With this loss, half of this round trip each way, and reordering.
    pub const fn poor(loss_per_mille: u64, round_trip_ms: u64) -> Line {
        Line {
            loss_per_mille,
            delay: Duration::from_millis(round_trip_ms / 2),
            jitter: Duration::from_millis(8),
            ..Line::GOOD
        }
    }

    /// So many kilobits a second.
    pub const fn narrow(kbps: u64) -> Line {
        Line { bitrate: Some(kbps * 1000), delay: Duration::from_millis(20), ..Line::GOOD }
    }
}

/// What may wait for a narrow line before more is dropped.
const WAIT_MAX: Duration = Duration::from_millis(300);

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flight {
    arrives: Instant,
    number: u64,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// All that is on its way.
pub struct Network {
    chance: u64,
    number: u64,
    flights: BinaryHeap<Reverse<Flight>>,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self { chance: seed | 1, number: 0, flights: BinaryHeap::new() }
    }

    /// A datagram enters a line; `free_at` is when the line has let through what entered before.
    pub fn send(
        &mut self,
        line: &Line,
        free_at: &mut Instant,
        flight: (SocketAddr, SocketAddr, Vec<u8>),
        now: Instant,
    ) {
        let (from, to, bytes) = flight;
        if self.roll(1000) < line.loss_per_mille {
            return;
        }
        let mut leaves = now;
        if let Some(bitrate) = line.bitrate {
            leaves = now.max(*free_at) + Duration::from_secs_f64(bytes.len() as f64 * 8.0 / bitrate as f64);
            if now + WAIT_MAX < leaves {
                return;
            }
            *free_at = leaves;
        }
        let jitter = Duration::from_nanos(self.roll(line.jitter.as_nanos() as u64 + 1));
        self.number += 1;
        let arrives = leaves + line.delay + jitter;
        self.flights.push(Reverse(Flight { arrives, number: self.number, from, to, bytes }));
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.flights.peek().map(|Reverse(flight)| flight.arrives)
    }

    pub fn receive(&mut self, now: Instant) -> Option<Flight> {
        if self.next_arrival()? <= now { self.flights.pop().map(|Reverse(flight)| flight) } else { None }
    }

    /// A number below `limit`, from the seed (xorshift64).
    pub fn roll(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit.max(1)
    }
}
