//! A telephone in the conference: a packet each 20 ms, whether it says anything or not, encrypted with keys from the session description.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use convene_bench::clock::now;
use convene_bench::network::GENERATOR;
use convene_bench::peer::reader::Reader;
use convene_bench::peer::rtcp;
use convene_bench::peer::srtp_cm::{KEY_BYTES, SrtpCm};
use openssl::base64;
use quinn_udp::{UdpSockRef, UdpSocketState};
use rustix::net::sockopt;

use crate::crowd::Person;
use crate::participant::{Timeline, header_bytes};
use crate::sip::Registrar;
use crate::voice::{Ear, FRAME, FRAME_SAMPLES, PHONE_FRAME_SAMPLES, PHONE_RATE, RATE, SILENCE, Voice};

const OPUS: u8 = 96;
const PCMU: u8 = 0;
/// G.711's silence, a packet of it.
const PHONE_SILENCE: [u8; PHONE_FRAME_SAMPLES] = [0xff; PHONE_FRAME_SAMPLES];
const HEADER_BYTES: usize = 12;
/// What comes while others are served.
const RECEIVE_BYTES: usize = 1 << 20;

/// One of them.
pub struct Telephone {
    socket: UdpSocket,
    reading: UdpSocketState,
    is_opus: bool,
    ssrc: u32,
    voice: Option<Arc<Voice>>,
    ear: Option<Ear>,
    outgoing: SrtpCm,
    incoming: SrtpCm,
    due: Instant,
    frame: u64,
    joined: Instant,
    set_up: Option<Duration>,
    timeline: Timeline,
}

impl Telephone {
    /// Calls; even numbers have Opus, odd ones G.711.
    pub fn join(
        registrar: &mut Registrar,
        number: u32,
        voice: Option<Arc<Voice>>,
        listens: bool,
    ) -> Result<Self> {
        let (joined, is_opus) = (now(), number.is_multiple_of(2));
        let socket = UdpSocket::bind((GENERATOR, 0)).context("a socket for a telephone")?;
        sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BYTES)?;
        let mut key = [0; KEY_BYTES];
        openssl::rand::rand_bytes(&mut key)?;
        let codec = match is_opus {
            true => format!("{OPUS}\r\na=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} useinbandfec=1"),
            false => format!("{PCMU}"),
        };
        let offer = format!(
            "v=0\r\no=- {number} 1 IN IP4 {GENERATOR}\r\ns=-\r\nc=IN IP4 {GENERATOR}\r\nt=0 0\r\nm=audio {} RTP/SAVP {codec}\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}\r\na=rtcp-mux\r\na=sendrecv\r\n",
            socket.local_addr()?.port(),
            base64::encode_block(&key)
        );
        let answered = registrar.call(number, &offer)?;
        socket.connect(answered.address)?;
        socket.set_nonblocking(true)?;
        let theirs = base64::decode_block(&answered.key)?;
        Ok(Self {
            reading: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
            is_opus,
            ssrc: 1_000 + number,
            voice,
            ear: listens.then(Ear::new).transpose()?,
            outgoing: SrtpCm::new(&key)?,
            incoming: SrtpCm::new(theirs.as_slice().try_into().context("a key of 30 bytes")?)?,
            due: joined,
            frame: 0,
            joined,
            set_up: None,
            timeline: Timeline::new(if is_opus { RATE } else { PHONE_RATE }),
        })
    }

    fn send(&self, datagram: &[u8]) -> Result<()> {
        match self.socket.send(datagram) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Person for Telephone {
    fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    fn begin(&mut self, at: Instant) {
        self.due = at;
    }

    fn due(&self) -> Instant {
        self.due
    }

    fn speak(&mut self) -> Result<Option<Instant>> {
        let (payload_type, samples, silence) = match self.is_opus {
            true => (OPUS, FRAME_SAMPLES, &SILENCE[..]),
            false => (PCMU, PHONE_FRAME_SAMPLES, &PHONE_SILENCE[..]),
        };
        let payload = self.voice.as_ref().map_or(silence, |voice| match self.is_opus {
            true => voice.packet(self.frame),
            false => voice.phone_packet(self.frame),
        });
        let mut packet = Vec::with_capacity(HEADER_BYTES + payload.len());
        packet.extend([0x80, payload_type]);
        packet.extend((self.frame as u16).to_be_bytes());
        packet.extend((self.frame as u32).wrapping_mul(samples as u32).to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        let sealed = self.outgoing.protect(&packet, HEADER_BYTES)?;
        self.send(&sealed)?;
        let begins = self.voice.as_ref().is_some_and(|voice| voice.begins_whistle(self.frame));
        let spoken = begins.then(|| now() - FRAME);
        self.frame += 1;
        self.due += FRAME;
        Ok(spoken)
    }

    fn read<'a>(&self, reader: &'a mut Reader) -> Result<Vec<&'a [u8]>> {
        reader.read_by(|places, metas| self.reading.recv(UdpSockRef::from(&self.socket), places, metas))
    }

    fn hear(&mut self, datagram: &[u8], now: Instant) -> Result<Option<Instant>> {
        if rtcp::is_rtcp(datagram) || datagram.len() < HEADER_BYTES {
            return Ok(None);
        }
        self.set_up.get_or_insert(now - self.joined);
        let timestamp = u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]]);
        self.timeline.note(timestamp, now - self.joined);
        let Some(ear) = &mut self.ear else { return Ok(None) };
        let payload = self.incoming.open(datagram, header_bytes(datagram))?;
        Ok(ear.hear(&payload)?.map(|into| now + into))
    }

    fn begin_count(&mut self) {
        self.timeline.clear();
    }

    fn in_time(&self, margin: Duration) -> u64 {
        self.timeline.in_time(margin)
    }

    fn set_up(&self) -> Option<Duration> {
        self.set_up
    }

    fn report(&mut self, since_start: Duration) -> Result<()> {
        let report = rtcp::sender_report(self.ssrc, self.frame as u32, since_start);
        let sealed = self.outgoing.protect_rtcp(&report)?;
        self.send(&sealed)
    }
}
