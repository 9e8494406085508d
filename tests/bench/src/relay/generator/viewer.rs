//! A viewer: counts all that comes, and opens one packet in sixteen to see that it is whole and how long it took.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::Result;

use super::sdp::VP8;
use super::signalling::Signalling;
use crate::scenario::Scenario;
use convene_bench::peer::connection::{Connection, Identity};
use convene_bench::peer::rtcp::{self, Block};
use convene_bench::peer::sdp::Local;

/// One in so many packets is opened; to open all would take the generator more than a core.
const SAMPLE: u64 = 16;

/// One of them.
pub struct Viewer {
    /// Its way to the server.
    pub connection: Connection,
    streams: Vec<Stream>,
    seen: u64,
}

/// One camera's packets.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    newest: u64,
    received: u64,
    /// As it was when the last report was made.
    reported: (u64, u64),
    /// As it was when counting began.
    counted: (u64, u64),
}

/// What came to one viewer since counting began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Packets of video.
    pub received: u64,
    /// Those that should have come.
    pub expected: u64,
}

/// The number of the viewer whose credentials these are, apart from the cameras'.
pub const FIRST_NUMBER: u32 = 1000;

impl Viewer {
    /// Watches all cameras; this one is viewer `number`.
    pub fn join(
        signalling: Signalling,
        identity: &Identity,
        own: IpAddr,
        scenario: &Scenario,
        number: u32,
    ) -> Result<Self> {
        let (socket, credentials) = Connection::prepare(own, FIRST_NUMBER + number)?;
        let local = Local::of(&socket, &credentials, identity)?;
        let remote = signalling.watch(&local, scenario.feeds)?;
        let connection = Connection::open(socket, credentials, &remote, identity)?;
        Ok(Self { connection, streams: Vec::new(), seen: 0 })
    }

    /// Takes in a datagram that came after `start`. Returns the nanoseconds that a packet of the sample took.
    pub fn hear(&mut self, datagram: &[u8], start: Instant, now: Instant) -> Result<Option<u64>> {
        if !is_video(datagram) {
            return self.connection.answer(datagram).map(|()| None);
        }
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        let ssrc = u32::from_be_bytes([datagram[8], datagram[9], datagram[10], datagram[11]]);
        self.count(ssrc, sequence);
        self.seen += 1;
        if !self.seen.is_multiple_of(SAMPLE) {
            return Ok(None);
        }
        let payload = self.connection.incoming.open(datagram, header_bytes(datagram))?;
        let sent = payload.last_chunk().map_or(0, |time| u64::from_be_bytes(*time));
        Ok(Some(((now - start).as_nanos() as u64).saturating_sub(sent)))
    }

    fn count(&mut self, ssrc: u32, sequence: u16) {
        match self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            Some(stream) => {
                let ahead = sequence.wrapping_sub(stream.newest as u16) as i16;
                stream.newest = stream.newest.max(stream.newest.saturating_add_signed(ahead.into()));
                stream.received += 1;
            }
            None => {
                let newest = u64::from(sequence);
                let begun = (newest, 1);
                self.streams.push(Stream { ssrc, newest, received: 1, reported: begun, counted: begun });
            }
        }
    }

    /// Counts from now on.
    pub fn begin_count(&mut self) {
        for stream in &mut self.streams {
            stream.counted = (stream.newest, stream.received);
        }
    }

    /// What came since.
    pub fn counted(&self) -> Count {
        let mut count = Count::default();
        for stream in &self.streams {
            let (newest, received) = stream.counted;
            count.expected += stream.newest - newest;
            count.received += stream.received - received;
        }
        count
    }

    /// How many cameras it has seen.
    pub fn cameras(&self) -> usize {
        self.streams.len()
    }

    /// What a receiver says every second.
    pub fn report(&mut self) -> Result<()> {
        let blocks: Vec<Block> = self.streams.iter_mut().map(Stream::report).collect();
        let sealed = self.connection.outgoing.protect_rtcp(&rtcp::receiver_report(&blocks))?;
        self.connection.send(&sealed)?;
        self.connection.keep_alive()
    }
}

impl Stream {
    fn report(&mut self) -> Block {
        let (newest, received) = std::mem::replace(&mut self.reported, (self.newest, self.received));
        let expected = self.newest - newest;
        let lost = expected.saturating_sub(self.received - received);
        let lost = (lost * 256).checked_div(expected).unwrap_or(0).min(255) as u8;
        Block { ssrc: self.ssrc, lost, newest: self.newest as u32 }
    }
}

/// Whether it is RTP of a camera, sent for the first time.
pub fn is_video(datagram: &[u8]) -> bool {
    12 <= datagram.len() && matches!(datagram, [128..=191, kind, ..] if kind & 0x7f == VP8)
}

/// An RTP header with its sources and its extension.
pub fn header_bytes(packet: &[u8]) -> usize {
    let sources = 12 + 4 * usize::from(packet[0] & 15);
    match (packet[0] & 16 != 0, packet.get(sources..sources + 4)) {
        (true, Some(head)) => sources + 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]])),
        _ => sources,
    }
}
