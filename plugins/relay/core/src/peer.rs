//! One peer and its connection.

mod answer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::config::CryptoProvider;
use str0m::media::{KeyframeRequestKind, Mid};
use str0m::rtp::rtcp::{Nack, Rtcp};
use str0m::rtp::{ExtensionValues, RawPacket, RtpPacket, RtpWrite};
use str0m::{Event, Input, Output, Rtc};

pub use answer::OFFER_BYTES_MAX;

use crate::capture::{CAMERA_RATE, captured};
use crate::egress::{Egress, Line, Outlet};
use crate::keys::Keys;
use crate::line::{CameraLine, SlotLine, VoiceLine};
use crate::losses::Losses;
use crate::order::Datagram;
use crate::rewriter::Numbers;
use crate::spare::Spare;
use crate::vp8::Descriptor;
use crate::wish::Selection;
use crate::{FeedPacket, Layer, PeerId, PicturePacket, Remote, RoomId};

/// A peer that has not connected by then, or is not back by then, is given up.
pub const ABSENCE_MAX: Duration = Duration::from_secs(30);
/// Peers send STUN requests every few seconds, or at least RTCP.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often in one turn a connection may ask to be driven on at once: far more than it needs to send what it has.
const ROUNDS_MAX: usize = 4096;
/// What a voice, feedback and headers take of a viewer's line.
const RESERVE: u64 = 50_000;
/// What is probed for changes only with this much change in what is wished for.
const DESIRED_STEP_PERCENT: u64 = 10;

/// How a peer's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Its offer was answered.
    Expected,
    /// Media can flow.
    Connected,
    /// Nothing comes from it; it may be back.
    Disconnected,
    /// It did not come, or did not come back.
    Failed,
    /// It said goodbye, or was removed.
    Closed,
}

/// What a peer's connection has told.
#[derive(Debug)]
pub enum Happening {
    /// The connection changed.
    State(PeerState),
    /// A packet of its camera; the room, the feed and the layer are filled in.
    Camera(FeedPacket),
    /// A packet of its camera, in H.264.
    H264(PicturePacket),
    /// A packet of its voice.
    Voice(Box<RtpPacket>),
    /// It lost the picture in one of its slots.
    PictureLost(Mid),
    /// Its line's estimate changed.
    Estimate,
    /// Packets of what it hears were lost on the way, or others on the same way.
    VoiceLost,
}

/// One peer.
pub struct Peer {
    pub id: PeerId,
    pub room: RoomId,
    pub rtc: Rtc,
    /// Its user fragments and addresses, as the directory has them.
    pub names: VecDeque<String>,
    pub addresses: VecDeque<Remote>,
    pub voice: Option<VoiceLine>,
    pub camera: Option<CameraLine>,
    pub slots: Vec<SlotLine>,
    /// Which feeds it wants.
    pub selection: Selection,
    pub state: PeerState,
    /// When something came from it last, or when it was first expected.
    heard_at: Instant,
    /// When its connection has something to do.
    pub due: Option<Instant>,
    /// It is in the list of those to be driven on.
    pub is_dirty: bool,
    /// str0m has something to send, or may have.
    pub is_stirred: bool,
    crypto: Arc<CryptoProvider>,
    /// The short way out, for a peer without an estimator and with AES-GCM.
    egress: Option<Egress>,
    /// Shares that reports have told lost since they were looked at last, and how many those were.
    told_losses: (f32, u32),
    /// A report has told that packets of what it hears were lost.
    has_lost_voice: bool,
    twcc: Option<u64>,
    /// What is made of its losses, where nothing else is known.
    losses: Option<Losses>,
    remb: Option<u64>,
    desired: u64,
    is_paced: bool,
    origin: Option<String>,
    /// The share of what was sent that was lost lately, and the round trip, as the peer reports them.
    pub loss: Option<f32>,
    pub round_trip: Option<Duration>,
}

impl Peer {
    /// Bits a second that the line to it carries for video, where that is known.
    pub fn budget(&self) -> Option<u64> {
        self.estimate().map(|estimate| estimate.saturating_sub(RESERVE))
    }

    /// Bits a second that the line to it carries altogether.
    pub fn estimate(&self) -> Option<u64> {
        self.twcc.or(self.remb).or_else(|| self.losses.and_then(|losses| losses.estimate()))
    }

    /// What the estimator is to probe for, and whether frames go out at once: not where the line is known to carry less than what is wished
    /// for, as its buffers would lose the end of every key frame.
    pub fn desire(&mut self, bitrate: u64) {
        let is_paced = self.budget().is_some_and(|budget| budget < bitrate);
        if is_paced != self.is_paced {
            self.is_paced = is_paced;
            for line in &self.slots {
                if let Some(stream) = self.rtc.direct_api().stream_tx(&line.ssrc) {
                    stream.set_unpaced(!is_paced);
                }
            }
        }
        let step = self.desired * DESIRED_STEP_PERCENT / 100;
        if bitrate == self.desired || (0 < bitrate && bitrate.abs_diff(self.desired) < step) {
            return;
        }
        self.desired = bitrate;
        let desired = if bitrate == 0 { 0 } else { bitrate + RESERVE };
        self.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(desired));
    }

    /// Queues a packet of a camera; it goes out when the peer is driven on.
    pub fn write_feed(&mut self, slot: usize, packet: &Arc<FeedPacket>, numbers: &Numbers) {
        let Some(line) = self.slots.get_mut(slot) else {
            return;
        };
        if let Some(egress) = &mut self.egress {
            line.outlet.keep(packet, numbers);
            if !self.is_paced && egress.carries(&mut line.outlet, packet) {
                egress.send((slot, &line.outlet), packet, numbers);
                return;
            }
        }
        self.is_stirred = true;
        let (pt, ssrc) = (line.pt, line.ssrc);
        let extensions = ExtensionValues { video_orientation: packet.orientation, ..Default::default() };
        let write = RtpWrite::new(
            pt,
            numbers.sequence.into(),
            numbers.timestamp,
            packet.arrived,
            Arc::clone(&packet.payload),
        )
        .marker(packet.marker)
        .ext_vals(extensions)
        .nackable(self.egress.is_none())
        .vp8_patch(numbers.patch(packet));
        if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
            stream.write_rtp(write);
        }
    }

    /// Queues a packet of what it hears; it goes out when the peer is driven on.
    pub fn write_voice(&mut self, voice: &VoicePacket, now: Instant) {
        if self.state != PeerState::Connected {
            return;
        }
        let Some(line) = &mut self.voice else {
            return;
        };
        let numbers = line.renumber(voice.sequence, voice.timestamp);
        let Some(((sequence, timestamp), outlet)) = numbers.zip(line.outlet.as_mut()) else {
            return;
        };
        if let Some(egress) = &mut self.egress
            && egress.carries_voice(outlet, now)
        {
            egress.speak(outlet, (sequence, timestamp), voice);
            return;
        }
        self.is_stirred = true;
        let write = RtpWrite::new(line.pt, sequence.into(), timestamp, now, Arc::clone(&voice.payload))
            .marker(voice.marker);
        if let Some(stream) = self.rtc.direct_api().stream_tx(&outlet.ssrc()) {
            stream.write_rtp(write);
        }
    }

    /// Asks the sender for a key frame of a layer.
    pub fn request_keyframe(&mut self, layer: Layer) {
        let Some(camera) = &self.camera else {
            return;
        };
        let Some(rid) = camera.rid(layer) else {
            return;
        };
        let mid = camera.mid;
        if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, rid) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// Tells the sender how many bits a second its camera may take.
    pub fn limit_camera(&mut self, bitrate: u64) {
        // One report limits all encodings together; it goes out with the first.
        let Some(ssrc) = self.camera.as_ref().and_then(|camera| camera.ssrcs().next()) else {
            return;
        };
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_remb(Bitrate::bps(bitrate));
        }
    }

    /// Gives the connection a datagram, or only the time; then takes all that it has to say and to send.
    pub fn drive(&mut self, input: Input<'_>, now: Instant, out: &mut Outbox<'_>) {
        // What was written waits for the time, whatever else comes in.
        self.is_stirred &= !matches!(input, Input::Timeout(_));
        self.send(out);
        if self.rtc.handle_input(input).is_err() {
            self.fail(out);
            return;
        }
        for _ in 0..ROUNDS_MAX {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    if let Some(egress) = &mut self.egress {
                        egress.follow(&transmit);
                    }
                    out.transmits.push_back(Datagram::from(transmit));
                }
                Ok(Output::Event(event)) => self.happen(event, now, out),
                Ok(Output::Timeout(due)) if now < due => {
                    self.due = Some(due);
                    self.send(out);
                    if !self.rtc.is_alive() && self.state != PeerState::Closed {
                        self.fail(out);
                    }
                    return;
                }
                Ok(Output::Timeout(_)) => {
                    if self.rtc.handle_input(Input::Timeout(now)).is_err() {
                        self.fail(out);
                        return;
                    }
                }
                Err(_) => {
                    self.fail(out);
                    return;
                }
            }
        }
        self.due = Some(now + Duration::from_millis(1));
    }

    /// Sends what has taken the short way.
    pub fn send(&mut self, out: &mut Outbox<'_>) {
        if let Some(egress) = &mut self.egress {
            let outlet = |line: Line| match line {
                Line::Slot(slot) => self.slots.get(slot).map(|line| &line.outlet),
                Line::Voice => self.voice.as_ref().and_then(|voice| voice.outlet.as_ref()),
            };
            egress.seal(outlet, out.spare, out.transmits);
        }
    }

    /// A connection that breaks the rules, or is over.
    fn fail(&mut self, out: &mut Outbox<'_>) {
        self.rtc.disconnect();
        self.due = None;
        self.state = PeerState::Closed;
        out.happenings.push_back(Happening::State(PeerState::Closed));
    }

    fn happen(&mut self, event: Event, now: Instant, out: &mut Outbox<'_>) {
        match event {
            Event::Connected => {
                let keys = Keys::just_agreed().filter(|_| self.losses.is_some());
                self.egress = keys.and_then(|keys| Egress::new(&keys, &self.crypto));
                self.change(PeerState::Connected, now, out);
            }
            Event::RawPacket(packet) => {
                if let RawPacket::RtcpRx(report) = *packet {
                    self.take_report(&report, now);
                }
            }
            Event::Closed => self.fail(out),
            Event::RtpPacket(packet) => self.receive(packet, out),
            Event::KeyframeRequest(request) => {
                let line = self.slots.iter_mut().find(|line| line.mid == request.mid);
                if line.is_some_and(|line| line.requests.spend(now)) {
                    out.happenings.push_back(Happening::PictureLost(request.mid));
                }
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe }) => {
                self.twcc = can_probe.then_some(estimate.as_u64());
                out.happenings.push_back(Happening::Estimate);
            }
            Event::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => {
                self.remb = Some(estimate.as_u64());
                out.happenings.push_back(Happening::Estimate);
            }
            Event::PeerStats(stats) => {
                let (lost, count) = std::mem::take(&mut self.told_losses);
                self.loss = if count == 0 { stats.egress_loss_fraction } else { Some(lost / count as f32) };
                self.mind_losses(out);
                let has_lost = stats.egress_loss_fraction.is_some_and(|share| 0.0 < share);
                if std::mem::take(&mut self.has_lost_voice) || has_lost {
                    out.happenings.push_back(Happening::VoiceLost);
                }
                self.round_trip = stats.rtt;
            }
            _ => {}
        }
    }

    /// Something came from its address. Not all peers send STUN requests once they are connected (libnice does not), so whatever comes is a sign
    /// of life; but whoever never connects is given up, whatever comes.
    pub fn hear(&mut self, now: Instant, out: &mut Outbox<'_>) {
        if self.state != PeerState::Expected {
            self.heard_at = now;
        }
        if self.state == PeerState::Disconnected {
            self.change(PeerState::Connected, now, out);
        }
    }

    /// Looks whether it is still there. Returns when to look again, or nothing when it is given up.
    pub fn look_for(&mut self, now: Instant, out: &mut Outbox<'_>) -> Option<Instant> {
        if self.state == PeerState::Connected && self.heard_at + SILENCE_MAX <= now {
            self.change(PeerState::Disconnected, now, out);
        }
        let limit = if self.state == PeerState::Connected { SILENCE_MAX } else { ABSENCE_MAX };
        Some(self.heard_at + limit).filter(|again| now < *again)
    }

    fn change(&mut self, state: PeerState, now: Instant, out: &mut Outbox<'_>) {
        if state == PeerState::Connected {
            self.heard_at = now;
        }
        self.state = state;
        out.happenings.push_back(Happening::State(state));
    }

    /// What it says of what went the short way, of which str0m knows nothing.
    fn take_report(&mut self, report: &Rtcp, now: Instant) {
        let receptions = match report {
            Rtcp::Nack(nack) => return self.resend(nack, now),
            Rtcp::ReceiverReport(report) => &report.reports,
            Rtcp::SenderReport(report) => &report.reports,
            _ => return,
        };
        let voice = self.voice.as_ref().and_then(|voice| voice.outlet.as_ref()).map(Outlet::ssrc);
        for reception in receptions {
            self.has_lost_voice |= voice == Some(reception.ssrc) && 0 < reception.fraction_lost;
            if self.slots.iter().any(|line| line.ssrc == reception.ssrc) {
                self.told_losses.0 += f32::from(reception.fraction_lost) / 256.0;
                self.told_losses.1 += 1;
            }
        }
    }

    fn resend(&mut self, nack: &Nack, now: Instant) {
        let line = self.slots.iter_mut().enumerate().find(|(_, line)| line.ssrc == nack.ssrc);
        if let Some((egress, (slot, line))) = self.egress.as_mut().zip(line) {
            for entry in &nack.reports {
                egress.resend((slot, &mut line.outlet), (entry.pid, entry.blp), now);
            }
        }
    }

    fn mind_losses(&mut self, out: &mut Outbox<'_>) {
        let sent = self.slots.iter().map(|line| line.bitrate).sum();
        let (desired, loss) = (self.desired, self.loss.unwrap_or(0.0));
        if self.losses.as_mut().is_some_and(|losses| losses.report(loss, sent, desired)) {
            out.happenings.push_back(Happening::Estimate);
        }
    }

    fn receive(&mut self, packet: RtpPacket, out: &mut Outbox<'_>) {
        let stream =
            self.rtc.direct_api().stream_rx(&packet.header.ssrc).map(|stream| (stream.mid(), stream.rid()));
        let Some((mid, rid)) = stream else {
            return;
        };
        if self.voice.as_ref().is_some_and(|voice| voice.mid == mid) {
            out.happenings.push_back(Happening::Voice(Box::new(packet)));
            return;
        }
        let Some(camera) = self.camera.as_mut().filter(|camera| camera.mid == mid) else {
            return;
        };
        let is_h264 = camera.is_h264;
        let Some((layer, source)) = camera.layer(packet.header.ssrc, rid) else {
            return;
        };
        let report = packet.last_sender_info.as_ref();
        let captured = captured(report, packet.header.timestamp, CAMERA_RATE);
        if is_h264 {
            // One stream comes out, so of several sizes it is the first.
            if layer != Layer(0) {
                return;
            }
            out.happenings.push_back(Happening::H264(PicturePacket {
                ssrc: *packet.header.ssrc,
                sequence: packet.header.sequence_number,
                timestamp: packet.header.timestamp,
                marker: packet.header.marker,
                captured,
                is_screen: false,
                payload: packet.payload,
            }));
            return;
        }
        let Ok(descriptor) = Descriptor::parse(&packet.payload) else {
            return;
        };
        out.happenings.push_back(Happening::Camera(FeedPacket {
            room: self.room,
            feed: self.id,
            is_screen: false,
            layer,
            rid,
            sequence: source.sequence(*packet.seq_no),
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            descriptor,
            picture: source.picture(descriptor.picture),
            key: descriptor.key_frame(&packet.payload),
            orientation: packet.header.ext_vals.video_orientation,
            captured,
            arrived: packet.timestamp,
            payload: packet.payload,
        }));
    }
}

/// Where a peer puts what it has.
pub struct Outbox<'a> {
    pub transmits: &'a mut VecDeque<Datagram>,
    pub spare: &'a mut Spare,
    pub happenings: &'a mut VecDeque<Happening>,
}

/// Opus for a peer's ear.
#[derive(Clone, Debug)]
pub struct VoicePacket {
    /// The RTP sequence number of whoever made it; the peer gets another.
    pub sequence: u16,
    /// Its RTP timestamp, 48,000 a second.
    pub timestamp: u32,
    /// Speech begins here.
    pub marker: bool,
    /// Opus.
    pub payload: Arc<[u8]>,
}
