//! A browser, as far as a relay sees it: str0m at the other end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, TcpType, Transmit};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::camera::Encoding;
use crate::network::{Flight, Line};
use crate::screen::Screen;
use crate::world::relay_by_tcp;

/// Thirty frames a second.
const FRAME: Duration = Duration::from_micros(33_333);

pub struct Browser {
    pub rtc: Rtc,
    pub address: SocketAddr,
    /// All but STUN comes from there.
    pub other_address: Option<SocketAddr>,
    pub line: Line,
    pub free_at: Instant,
    /// One for each receiving line, in the order of the offer.
    pub screens: Vec<(Mid, Screen)>,
    pub encodings: Vec<Encoding>,
    pub voice_level: Option<i8>,
    pub voices_heard: usize,
    pub is_connected: bool,
    pub due: Option<Instant>,
    /// When a key frame was asked of it.
    pub asked: Vec<Instant>,
    pub camera: Option<Mid>,
    voice: Mid,
    frame_at: Instant,
    voice_at: Instant,
    frames: u32,
    voices: u64,
    sequences: Vec<u64>,
    pending: Option<SdpPendingOffer>,
}

impl Browser {
    pub fn new(address: SocketAddr, encodings: Vec<Encoding>, slots: usize, now: Instant) -> (Self, String) {
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_bwe(Some(Bitrate::mbps(5)))
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a sound address"));
        let mut api = rtc.sdp_api();
        let voice = api.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let camera = (!encodings.is_empty()).then(|| {
            let rids: Vec<_> = encodings.iter().filter_map(|encoding| encoding.rid).collect();
            let simulcast = (!rids.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                rids.iter().for_each(|rid| simulcast.add_send_layer(SimulcastLayer::new(rid)));
                simulcast
            });
            api.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast)
        });
        let slots: Vec<Mid> = (0..slots)
            .map(|_| api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None))
            .collect();
        let (offer, pending) = api.apply().expect("there is something to offer");
        let sequences = vec![100; encodings.len()];
        let browser = Self {
            rtc,
            address,
            other_address: None,
            line: Line::GOOD,
            free_at: now,
            screens: slots.into_iter().map(|mid| (mid, Screen::default())).collect(),
            encodings,
            voice_level: None,
            voices_heard: 0,
            is_connected: false,
            due: None,
            asked: Vec::new(),
            camera,
            voice,
            frame_at: now,
            voice_at: now,
            frames: 0,
            voices: 0,
            sequences,
            pending: Some(pending),
        };
        (browser, offer.to_sdp_string())
    }

    pub fn accept(&mut self, answer: &str, now: Instant) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("the relay's answer can be read");
        let pending = self.pending.take().expect("an offer is answered once");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the relay's answer is sound");
        // An ICE restart forgets them.
        self.rtc.add_local_candidate(Candidate::host(self.address, "udp").expect("a sound address"));
        if self.line.blocks_udp {
            let tcp = Candidate::builder().tcp().host(self.address).tcptype(TcpType::Active);
            self.rtc.add_local_candidate(tcp.build().expect("a sound address"));
        }
        self.due = Some(now);
    }

    /// Moves to another network: a new address, and an offer that restarts ICE.
    pub fn restart(&mut self, address: SocketAddr) -> String {
        self.address = address;
        let mut api = self.rtc.sdp_api();
        api.ice_restart(false);
        let (offer, pending) = api.apply().expect("there is something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn screen(&self, line: usize) -> &Screen {
        &self.screens[line].1
    }

    /// When it has something to do.
    pub fn next(&self) -> Option<Instant> {
        let mut times = vec![self.due];
        if self.is_connected {
            times.push(self.camera.map(|_| self.frame_at));
            times.push(self.voice_level.map(|_| self.voice_at));
        }
        times.into_iter().flatten().min()
    }

    pub fn receive(&mut self, flight: &Flight, now: Instant) -> Vec<Transmit> {
        let proto = if flight.from == relay_by_tcp() { Protocol::Tcp } else { Protocol::Udp };
        let Ok(receive) = Receive::new(proto, flight.from, flight.to, &flight.bytes) else {
            return Vec::new();
        };
        // An error ends the connection: what is not shown then fails the test that wants it.
        let _ = self.rtc.handle_input(Input::Receive(now, receive));
        self.drain(now)
    }

    pub fn act(&mut self, now: Instant) -> Vec<Transmit> {
        if self.is_connected {
            if self.camera.is_some() && self.frame_at <= now {
                self.film(now);
            }
            if let Some(level) = self.voice_level.filter(|_| self.voice_at <= now) {
                self.speak(level, now);
            }
            let impatient: Vec<Mid> = self
                .screens
                .iter_mut()
                .filter_map(|(mid, screen)| screen.loses_patience(now).then_some(*mid))
                .collect();
            for mid in impatient {
                if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, None) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
            }
        }
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain(now)
    }

    fn film(&mut self, now: Instant) {
        self.frame_at += FRAME;
        self.frames += 1;
        let camera = self.camera.expect("it films");
        for (index, encoding) in self.encodings.iter_mut().enumerate() {
            if encoding.is_off {
                continue;
            }
            let rid = encoding.rid.map(Into::into);
            for piece in encoding.frame(self.frames) {
                self.sequences[index] += 1;
                let mut direct = self.rtc.direct_api();
                let stream = direct.stream_tx_by_mid(camera, rid).expect("it was negotiated");
                let time = self.frames * 3000 + index as u32 * 777_777;
                let write = RtpWrite::new(96.into(), self.sequences[index].into(), time, now, piece.payload)
                    .marker(piece.marker)
                    .nackable(true);
                stream.set_unpaced(true);
                stream.write_rtp(write);
                self.rtc.handle_input(Input::Timeout(now)).expect("time may pass");
            }
        }
    }

    fn speak(&mut self, level: i8, now: Instant) {
        self.voice_at += Duration::from_millis(20);
        self.voices += 1;
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(self.voice, None).expect("it was negotiated");
        let extensions =
            ExtensionValues { audio_level: Some(level), voice_activity: Some(true), ..Default::default() };
        let time = self.voices as u32 * 960;
        stream.write_rtp(
            RtpWrite::new(111.into(), (1000 + self.voices).into(), time, now, vec![0xfc; 60])
                .ext_vals(extensions),
        );
    }

    fn drain(&mut self, now: Instant) -> Vec<Transmit> {
        let mut transmits = Vec::new();
        loop {
            let Ok(output) = self.rtc.poll_output() else {
                self.due = None;
                return transmits;
            };
            match output {
                Output::Transmit(transmit) => transmits.push(transmit),
                Output::Timeout(due) if now < due => {
                    self.due = Some(due);
                    return transmits;
                }
                Output::Timeout(_) => {
                    let _ = self.rtc.handle_input(Input::Timeout(now));
                }
                Output::Event(Event::Connected) => {
                    self.is_connected = true;
                    self.frame_at = now;
                    self.voice_at = now;
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc).map(|stream| stream.mid());
                    match mid.and_then(|mid| self.screens.iter_mut().find(|(line, _)| *line == mid)) {
                        Some((_, screen)) => screen.take(&packet, now),
                        None => self.voices_heard += 1,
                    }
                }
                Output::Event(Event::KeyframeRequest(request)) => {
                    self.asked.push(now);
                    for encoding in &mut self.encodings {
                        if request.rid.is_none() || encoding.rid.map(Into::into) == request.rid {
                            encoding.wants_key = true;
                        }
                    }
                }
                Output::Event(_) => {}
            }
        }
    }
}
