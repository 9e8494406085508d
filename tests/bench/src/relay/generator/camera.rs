//! A camera: pictures that a decoder could not decode, in packets that are VP8 as far as a relay looks.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::sdp::VP8;
use super::signalling::Signalling;
use crate::scenario::Scenario;
use convene_bench::peer::connection::{Connection, Identity};
use convene_bench::peer::rtcp;
use convene_bench::peer::sdp::Local;

/// Without sources and extensions.
const RTP_HEADER_BYTES: usize = 12;
/// Video's clock.
const TICKS_A_SECOND: u128 = 90_000;
/// 320 x 240, without the two bits of scaling (RFC 6386, section 9.1).
const KEY_FRAME_HEAD: [u8; 7] = [0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00];
/// The lowest bit of a frame's first byte says that it is none (RFC 6386, section 9.1).
const SHOWN: u8 = 1 << 4;
const NO_KEY: u8 = 1;

/// One of them.
pub struct Camera {
    /// Its way to the server.
    pub connection: Connection,
    ssrc: u32,
    sequence: u16,
    picture: u16,
    wants_key: bool,
    next_at: Instant,
    packet: Vec<u8>,
    sent: u32,
}

impl Camera {
    /// Publishes camera `number`, the first being 1; it shows nothing yet.
    pub fn publish(
        signalling: Signalling,
        identity: &Identity,
        own: IpAddr,
        number: u32,
        start: Instant,
    ) -> Result<Self> {
        let (socket, credentials) = Connection::prepare(own, number)?;
        let local = Local::of(&socket, &credentials, identity)?;
        let remote = signalling.publish(&local, number)?;
        let connection = Connection::open(socket, credentials, &remote, identity)?;
        Ok(Self {
            connection,
            ssrc: number,
            sequence: 0,
            picture: 0,
            wants_key: true,
            next_at: start,
            packet: Vec::new(),
            sent: 0,
        })
    }

    /// Its first picture is due then.
    pub fn begin(&mut self, at: Instant) {
        self.next_at = at;
    }

    /// When its next picture is due.
    pub fn due(&self) -> Instant {
        self.next_at
    }

    /// Sends the picture that is due. Its packets end with the time since `start`, in nanoseconds.
    pub fn show(&mut self, scenario: &Scenario, start: Instant, now: Instant) -> Result<()> {
        let is_key = std::mem::take(&mut self.wants_key);
        self.picture = (self.picture + 1) & 0x7fff;
        let timestamp = (now - start).as_nanos() * TICKS_A_SECOND / 1_000_000_000;
        for place in 0..scenario.packets_a_frame {
            let is_last = place + 1 == scenario.packets_a_frame;
            self.write_packet(scenario.packet_bytes, place == 0, is_key);
            self.packet[1] |= u8::from(is_last) << 7;
            self.packet[4..8].copy_from_slice(&(timestamp as u32).to_be_bytes());
            let time = ((convene_bench::clock::now() - start).as_nanos() as u64).to_be_bytes();
            let end = self.packet.len() - time.len();
            self.packet[end..].copy_from_slice(&time);
            let sealed = self.connection.outgoing.protect(&self.packet, RTP_HEADER_BYTES)?;
            self.connection.send(&sealed)?;
            self.sequence = self.sequence.wrapping_add(1);
            self.sent += 1;
        }
        self.next_at += Duration::from_secs(1) / scenario.frames_a_second;
        Ok(())
    }

    fn write_packet(&mut self, payload_bytes: usize, starts: bool, is_key: bool) {
        let packet = &mut self.packet;
        packet.clear();
        packet.extend([0x80, VP8]);
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(self.ssrc.to_be_bytes());
        let header_bytes = packet.len();
        // A descriptor with a picture id of 15 bits (RFC 7741, section 4.2).
        packet.extend([
            0x80 | u8::from(starts) << 4,
            0x80,
            0x80 | (self.picture >> 8) as u8,
            self.picture as u8,
        ]);
        if starts {
            packet.extend([SHOWN | if is_key { 0 } else { NO_KEY }, 0, 0]);
            if is_key {
                packet.extend(KEY_FRAME_HEAD);
            }
        }
        packet.resize(header_bytes + payload_bytes, 0x5a);
    }

    /// Takes in what the server says.
    pub fn hear(&mut self, datagram: &[u8]) -> Result<()> {
        if rtcp::is_rtcp(datagram) {
            let report = self.connection.incoming.open_rtcp(datagram)?;
            self.wants_key |= rtcp::asks_for_key_frame(&report);
            return Ok(());
        }
        self.connection.answer(datagram)
    }

    /// What a sender says every second.
    pub fn report(&mut self, start: Instant, now: Instant) -> Result<()> {
        let report = rtcp::sender_report(self.ssrc, self.sent, now - start);
        let sealed = self.connection.outgoing.protect_rtcp(&report)?;
        self.connection.send(&sealed)?;
        self.connection.keep_alive()
    }
}
