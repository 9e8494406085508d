//! Somebody in the conference: says something or nothing, and takes in what the server sends.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use convene_bench::clock::now;
use convene_bench::network::GENERATOR;
use convene_bench::peer::connection::{Connection, Identity};
use convene_bench::peer::reader::Reader;
use convene_bench::peer::rtcp;
use convene_bench::peer::sdp::Local;

use crate::crowd::Person;
use crate::signalling::{OPUS, Signalling, offer};
use crate::voice::{Ear, FRAME, FRAME_SAMPLES, RATE, SILENCE, Voice};

/// Who says nothing sends a packet so often, as browsers do.
const SILENT_FRAMES: u32 = 20;
/// An RTP header with one extension of four bytes (RFC 8285, section 4.2).
const HEADER_BYTES: usize = 20;
/// Of the audio level (RFC 6464) in our offers.
const LEVEL_ID: u8 = 2;
const NOTHING_HEARD: u8 = 127;

/// One of them.
pub struct Participant {
    connection: Connection,
    ssrc: u32,
    voice: Option<Arc<Voice>>,
    ear: Option<Ear>,
    sent: u32,
    due: Instant,
    /// Packets of the voice since the beginning.
    frame: u64,
    joined: Instant,
    set_up: Option<Duration>,
    timeline: Timeline,
}

/// When frames came, beside when they should have.
#[derive(Debug)]
pub struct Timeline {
    /// Of its timestamps.
    rate: u32,
    /// The last packet's timestamp, and how many samples it was behind the first.
    newest: Option<(u32, i64)>,
    /// For each packet: how long after the first it came, less how much later it is to be played, in microseconds.
    late: Vec<i64>,
}

impl Participant {
    /// Joins as participant `number`, the first being 0.
    pub fn join(
        signalling: Signalling,
        identity: &Identity,
        number: u32,
        voice: Option<Arc<Voice>>,
        listens: bool,
    ) -> Result<Self> {
        let joined = now();
        let (socket, credentials) = Connection::prepare(GENERATOR, number)?;
        let local = Local::of(&socket, &credentials, identity)?;
        let ssrc = 1_000 + number;
        let remote = signalling.join(number, &offer(&local, ssrc))?;
        let connection = Connection::open(socket, credentials, &remote, identity)?;
        let ear = listens.then(Ear::new).transpose()?;
        Ok(Self {
            connection,
            ssrc,
            voice,
            ear,
            sent: 0,
            due: joined,
            frame: 0,
            joined,
            set_up: None,
            timeline: Timeline::new(RATE),
        })
    }
}

impl Person for Participant {
    fn socket(&self) -> &UdpSocket {
        &self.connection.socket
    }

    fn set_up(&self) -> Option<Duration> {
        self.set_up
    }

    fn read<'a>(&self, reader: &'a mut Reader) -> Result<Vec<&'a [u8]>> {
        Ok(reader.read(&self.connection)?.collect())
    }

    fn begin(&mut self, at: Instant) {
        self.due = at;
    }

    fn due(&self) -> Instant {
        self.due
    }

    fn speak(&mut self) -> Result<Option<Instant>> {
        let (payload, level, frames) = match &self.voice {
            Some(voice) => (voice.packet(self.frame), voice.level(self.frame), 1),
            None => (&SILENCE[..], NOTHING_HEARD, SILENT_FRAMES),
        };
        let mut packet = Vec::with_capacity(HEADER_BYTES + payload.len());
        packet.extend([0x90, OPUS]);
        packet.extend((self.sent as u16).to_be_bytes());
        packet.extend((self.frame as u32).wrapping_mul(FRAME_SAMPLES as u32).to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend([0xbe, 0xde, 0, 1, LEVEL_ID << 4, level, 0, 0]);
        packet.extend(payload);
        let sealed = self.connection.outgoing.protect(&packet, HEADER_BYTES)?;
        self.connection.send(&sealed)?;
        let begins = self.voice.as_ref().is_some_and(|voice| voice.begins_whistle(self.frame));
        let spoken = begins.then(|| now() - FRAME);
        self.sent += 1;
        self.frame += u64::from(frames);
        self.due += frames * FRAME;
        Ok(spoken)
    }

    fn hear(&mut self, datagram: &[u8], now: Instant) -> Result<Option<Instant>> {
        if rtcp::is_rtcp(datagram) || !matches!(datagram, [128..=191, ..]) || datagram.len() < 12 {
            return self.connection.answer(datagram).map(|()| None);
        }
        self.set_up.get_or_insert(now - self.joined);
        let timestamp = u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]]);
        self.timeline.note(timestamp, now - self.joined);
        let Some(ear) = &mut self.ear else { return Ok(None) };
        let payload = self.connection.incoming.open(datagram, header_bytes(datagram))?;
        Ok(ear.hear(&payload)?.map(|into| now + into))
    }

    fn begin_count(&mut self) {
        self.timeline.clear();
    }

    fn in_time(&self, margin: Duration) -> u64 {
        self.timeline.in_time(margin)
    }

    fn report(&mut self, since_start: Duration) -> Result<()> {
        let report = rtcp::sender_report(self.ssrc, self.sent, since_start);
        let sealed = self.connection.outgoing.protect_rtcp(&report)?;
        self.connection.send(&sealed)?;
        self.connection.keep_alive()
    }
}

impl Timeline {
    /// Of timestamps at this rate.
    pub fn new(rate: u32) -> Self {
        Self { rate, newest: None, late: Vec::new() }
    }

    /// Counts from now on.
    pub fn clear(&mut self) {
        self.late.clear();
    }

    /// Frames that came, and came no later than this after the earliest.
    pub fn in_time(&self, margin: Duration) -> u64 {
        let earliest = self.late.iter().min().copied().unwrap_or_default();
        let margin = margin.as_micros() as i64;
        self.late.iter().filter(|late| **late <= earliest + margin).count() as u64
    }

    /// A packet has come.
    pub fn note(&mut self, timestamp: u32, at: Duration) {
        let samples = match self.newest {
            Some((newest, samples)) => samples + i64::from(timestamp.wrapping_sub(newest) as i32),
            None => 0,
        };
        self.newest = Some((timestamp, samples));
        self.late.push(at.as_micros() as i64 - samples * 1_000_000 / i64::from(self.rate));
    }
}

/// An RTP header with its sources and its extension.
pub fn header_bytes(packet: &[u8]) -> usize {
    let sources = 12 + 4 * usize::from(packet[0] & 15);
    match (packet[0] & 16 != 0, packet.get(sources..sources + 4)) {
        (true, Some(head)) => sources + 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]])),
        _ => sources,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_late_by_what_it_should_have_come_earlier() {
        let mut timeline = Timeline::new(RATE);
        for (frame, ms) in [(0, 100), (1, 121), (2, 140), (3, 200), (4, 181)] {
            timeline.note(u32::MAX.wrapping_add(frame * 960), Duration::from_millis(ms));
        }
        let behind: Vec<i64> = timeline.late.iter().map(|late| (late - timeline.late[0]) / 1_000).collect();
        assert_eq!(behind, [0, 1, 0, 40, 1]);
    }
}
