//! A participant who flashes and beeps: str0m at the other end of two lines.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use convene_test_support::{Line, Link};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::clock::now;
use crate::film::{Camera, Microphone};

/// Pictures a second, and the time between two packets of the voice.
const FRAMES_A_SECOND: u32 = 30;
const PIECE: Duration = Duration::from_millis(20);
/// What the relay calls Opus and VP8.
const OPUS: u8 = 111;
const VP8: u8 = 96;
/// Timestamps come round some seconds after they begin.
const FIRST_TIMESTAMPS: (u32, u32) = (u32::MAX - 5 * 48_000, u32::MAX - 7 * 90_000);
/// How long the socket is listened to at most, while nothing is due.
const PATIENCE: Duration = Duration::from_millis(5);

/// How packets travel.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Packets of the voice.
    pub voice: Line,
    /// Packets of the camera.
    pub camera: Line,
    /// Sender reports arrive.
    pub reports: bool,
}

impl Way {
    /// Nothing is late or lost.
    pub const GOOD: Way = Way { voice: Line::GOOD, camera: Line::GOOD, reports: true };

    /// Whatever is sent takes so many milliseconds.
    #[must_use]
    pub const fn late(voice_ms: u64, camera_ms: u64) -> Way {
        let [voice, camera] = [Duration::from_millis(voice_ms), Duration::from_millis(camera_ms)];
        let [voice, camera] = [Line { delay: voice, ..Line::GOOD }, Line { delay: camera, ..Line::GOOD }];
        Way { voice, camera, ..Way::GOOD }
    }
}

/// Somebody who has made an offer; dropped, they leave.
pub struct Clapper {
    is_over: Arc<AtomicBool>,
    offered: Option<(Person, SdpPendingOffer)>,
    thread: Option<JoinHandle<()>>,
}

impl Clapper {
    /// Somebody on this machine, and what they offer.
    pub fn new(way: Way) -> Result<(Self, String)> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("a socket for the clapper")?;
        let address = socket.local_addr()?;
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now());
        rtc.add_local_candidate(Candidate::host(address, "udp")?);
        let mut api = rtc.sdp_api();
        let voice = api.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().context("there is something to offer")?;
        let is_over = Arc::new(AtomicBool::new(false));
        let person = Person {
            rtc,
            socket,
            address,
            way,
            voice_line: Link::new(way.voice, 7),
            camera_line: Link::new(way.camera, 11),
            voice,
            camera,
            film: None,
            wants_key: true,
            is_over: Arc::clone(&is_over),
        };
        Ok((Self { is_over, offered: Some((person, pending)), thread: None }, offer.to_sdp_string()))
    }

    /// Joins by this answer to the offer, and claps until dropped.
    pub fn join(&mut self, answer: &str) -> Result<()> {
        let (mut person, pending) = self.offered.take().context("an offer is answered once")?;
        person.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(answer)?)?;
        let thread = std::thread::Builder::new().name("clapper".into()).spawn(move || {
            // Nothing is recorded of whoever fails, and the measurement says so.
            let _ = person.run();
        });
        self.thread = Some(thread?);
        Ok(())
    }
}

impl Drop for Clapper {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Everything on its own thread.
struct Person {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    way: Way,
    voice_line: Link<(SocketAddr, Vec<u8>)>,
    camera_line: Link<(SocketAddr, Vec<u8>)>,
    voice: Mid,
    camera: Mid,
    film: Option<Film>,
    wants_key: bool,
    is_over: Arc<AtomicBool>,
}

/// What has been sent.
struct Film {
    began: Instant,
    camera: Camera,
    microphone: Microphone,
    frames: u32,
    packets: u64,
    pieces: u32,
}

impl Person {
    fn run(&mut self) -> Result<()> {
        let began = now();
        while !self.is_over.load(Ordering::Relaxed) {
            let now = now();
            self.shoot(now)?;
            self.rtc.handle_input(Input::Timeout(now))?;
            self.drain(now, now - began)?;
            for line in [&mut self.voice_line, &mut self.camera_line] {
                while let Some((to, bytes)) = line.receive(now - began) {
                    // A full socket loses it, as a line may.
                    let _ = self.socket.send_to(&bytes, to);
                }
            }
            self.listen()?;
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<()> {
        self.socket.set_read_timeout(Some(PATIENCE))?;
        let mut datagram = [0; 2048];
        // What is not there yet comes in the next turn.
        let Ok((length, from)) = self.socket.recv_from(&mut datagram) else { return Ok(()) };
        if let Ok(receive) = Receive::new(Protocol::Udp, from, self.address, &datagram[..length]) {
            self.rtc.handle_input(Input::Receive(now(), receive))?;
        }
        Ok(())
    }

    /// Sends the pictures and the sound that are captured by now.
    fn shoot(&mut self, now: Instant) -> Result<()> {
        let Some(film) = &mut self.film else { return Ok(()) };
        while let at = Duration::from_secs(1) * film.frames / FRAMES_A_SECOND
            && film.began + at <= now
        {
            let time = FIRST_TIMESTAMPS.1.wrapping_add(film.frames * 3000);
            film.frames += 1;
            let payloads = film.camera.take(at, std::mem::take(&mut self.wants_key));
            let count = payloads.len();
            for (number, payload) in payloads.into_iter().enumerate() {
                film.packets += 1;
                let write = RtpWrite::new(VP8.into(), film.packets.into(), time, film.began + at, payload);
                let write = write.marker(number + 1 == count).nackable(true);
                let mut direct = self.rtc.direct_api();
                let stream = direct.stream_tx_by_mid(self.camera, None).context("the camera's stream")?;
                stream.set_unpaced(true);
                stream.write_rtp(write);
                self.rtc.handle_input(Input::Timeout(now))?;
            }
        }
        // A packet is there when its last sample is.
        while film.began + PIECE * (film.pieces + 1) <= now {
            let at = PIECE * film.pieces;
            let time = FIRST_TIMESTAMPS.0.wrapping_add(film.pieces * 960);
            film.pieces += 1;
            let (packet, level) = film.microphone.take(at);
            let extensions = ExtensionValues { audio_level: Some(level), ..Default::default() };
            let write =
                RtpWrite::new(OPUS.into(), u64::from(film.pieces).into(), time, film.began + at, packet);
            let mut direct = self.rtc.direct_api();
            let stream = direct.stream_tx_by_mid(self.voice, None).context("the voice's stream")?;
            stream.write_rtp(write.ext_vals(extensions));
            self.rtc.handle_input(Input::Timeout(now))?;
        }
        Ok(())
    }

    fn drain(&mut self, now: Instant, time: Duration) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(transmit) => self.send(&transmit, time),
                Output::Event(Event::Connected) => {
                    let (camera, microphone) = (Camera::new(), Microphone::new());
                    self.film =
                        Some(Film { began: now, camera, microphone, frames: 0, packets: 0, pieces: 0 });
                }
                Output::Event(Event::KeyframeRequest(_)) => self.wants_key = true,
                Output::Event(_) => {}
                Output::Timeout(due) if now < due => return Ok(()),
                Output::Timeout(_) => self.rtc.handle_input(Input::Timeout(now))?,
            }
        }
    }

    /// The types of RTP and RTCP can be read although the rest is encrypted (RFC 3711, 3.1 and 3.4; told apart as RFC 5761, 4, says).
    fn send(&mut self, transmit: &Transmit, time: Duration) {
        let (to, bytes) = (transmit.destination, transmit.contents.to_vec());
        let length = bytes.len();
        let is_media = bytes.first().is_some_and(|first| (128..192).contains(first));
        match bytes.get(1).filter(|_| is_media) {
            Some(200) if !self.way.reports => {}
            Some(192..=223) | None => drop(self.socket.send_to(&bytes, to)),
            Some(kind) if kind & 0x7f == OPUS => drop(self.voice_line.send((to, bytes), length, time)),
            Some(_) => drop(self.camera_line.send((to, bytes), length, time)),
        }
    }
}
