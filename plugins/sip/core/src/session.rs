//! The sound of one call: RTP of the caller in, RTP of the mixer and prompts out, as one stream without a seam.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_conference::Codec;
use convene_conference::rtp::{Header, Packet};

use crate::keys::Keys;
use crate::rtcp::{self, Reception, Sending};
use crate::sdp::Agreement;
use crate::shield::{Ours, Shake, Shield};

/// Another source of an unencrypted call is listened to when the one before has been silent for so long: a NAT has moved it.
const MOVE_AFTER: Duration = Duration::from_secs(1);
/// A caller of whom nothing at all has come for so long is gone.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);
/// What RFC 3550, section 6.2, has as the least.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// Between two packets of a prompt.
const FRAME_TIME: Duration = Duration::from_millis(20);
/// RFC 3389's comfort noise, which the mixer makes itself.
const COMFORT_NOISE: u8 = 13;

/// A prompt in the call's codec: one payload each 20 ms.
pub type Frames = Arc<Vec<Vec<u8>>>;

/// What a packet was.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The caller's voice, decrypted.
    Voice(Vec<u8>),
    /// A key of the dial-pad.
    Key(char),
    /// A report: packets to the caller were lost on the way.
    Loss,
    /// Nothing for anybody.
    Nothing,
}

/// What has gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionStats {
    /// Packets of the caller's.
    pub received: u64,
    /// Packets of the caller's that should have come, by their numbers.
    pub expected: u64,
    /// How unevenly they come (RFC 3550, section 6.4.1).
    pub jitter: Duration,
    /// To the caller and back, as his last report tells; many telephones send none.
    pub round_trip: Option<Duration>,
    /// Packets to the caller.
    pub sent: u64,
    /// Packets that were not the caller's, or could not be decrypted.
    pub refused: u64,
    /// The share that the caller says was lost lately on the way to him.
    pub lost: f64,
}

/// The sound of one call.
pub struct Session {
    agreement: Agreement,
    shield: Shield,
    /// Where the caller's packets come from, and when the last one did.
    source: Option<(SocketAddr, Instant)>,
    report_source: Option<SocketAddr>,
    heard_at: Instant,
    keys: Keys,
    reception: Option<Reception>,
    began_at: Instant,
    report_at: Instant,
    out: Outgoing,
    prompts: VecDeque<Frames>,
    /// The next frame of the first prompt, and when it is due.
    next: (usize, Instant),
    stats: SessionStats,
}

/// Numbers what goes out.
struct Outgoing {
    sending: Sending,
    sequence: u16,
    /// Added to the timestamps of the source.
    offset: u32,
    /// Whose packets the last ones were; prompts have none.
    of: Option<Option<u32>>,
}

/// What is to go out.
struct Frame<'a> {
    of: Option<u32>,
    timestamp: u32,
    payload: &'a [u8],
    marker: bool,
}

impl Session {
    /// Begins with what was agreed on, our side of the encryption, and random numbers to begin with.
    pub fn new(agreement: Agreement, ours: Option<&Ours>, chance: (u32, u16, u32), now: Instant) -> Self {
        let (ssrc, sequence, offset) = chance;
        let sending = Sending { ssrc, last: (offset, now), packets: 0, bytes: 0 };
        let out = Outgoing { sending, sequence, offset, of: None };
        Self {
            shield: Shield::new(agreement.protection.as_ref(), ours, agreement.rtcp_mux, now),
            agreement,
            source: None,
            report_source: None,
            heard_at: now,
            keys: Keys::default(),
            reception: None,
            began_at: now,
            report_at: now + REPORT_INTERVAL,
            out,
            prompts: VecDeque::new(),
            next: (0, now),
            stats: SessionStats::default(),
        }
    }

    /// The caller has changed what was agreed on.
    pub fn change(&mut self, agreement: Agreement, ours: Option<&Ours>, now: Instant) {
        let [before, after] = [self.agreement.remote, agreement.remote];
        // Who is on hold in RFC 2543's way has not moved to nowhere.
        let has_moved = before != after && !before.ip().is_unspecified() && !after.ip().is_unspecified();
        let shield = std::mem::replace(&mut self.shield, Shield::Closed);
        self.shield =
            shield.change(agreement.protection.as_ref(), ours, (agreement.rtcp_mux, has_moved), now);
        if agreement.remote != self.agreement.remote {
            self.source = None;
            self.report_source = None;
        }
        if agreement.codec != self.agreement.codec {
            // Frames of another codec are of no use, and timestamps go on at another clock.
            self.prompts.clear();
            self.out.of = None;
        }
        self.heard_at = now;
        self.agreement = agreement;
    }

    /// What is agreed on.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// What has gone through.
    pub fn stats(&self) -> SessionStats {
        let Some(reception) = &self.reception else {
            return self.stats;
        };
        let expected = self.stats.expected + u64::from(reception.expected());
        SessionStats { expected, jitter: reception.jitter(self.agreement.codec.clock_rate()), ..self.stats }
    }

    /// A datagram on the port of the sound.
    pub fn receive(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) -> Received {
        if self.shield.shake(from, bytes, true, now) {
            return Received::Nothing;
        }
        // RFC 5761, section 4: reports on the same port have these numbers.
        if self.agreement.rtcp_mux && bytes.get(1).is_some_and(|kind| (192..224).contains(kind)) {
            return self.receive_report(from, bytes, now);
        }
        let Some(packet) = self.shield.open(bytes) else {
            self.stats.refused += 1;
            return Received::Nothing;
        };
        let Ok(parsed) = Packet::parse(&packet) else {
            self.stats.refused += 1;
            return Received::Nothing;
        };
        let payload_type = parsed.payload_type;
        let is_voice = payload_type == self.agreement.payload_type;
        let is_key = Some(payload_type) == self.agreement.digits;
        if !(is_voice || is_key || payload_type == COMFORT_NOISE) || !self.is_caller(from, now) {
            self.stats.refused += 1;
            return Received::Nothing;
        }
        self.stats.received += 1;
        self.heard_at = now;
        let (ssrc, sequence) = (parsed.ssrc, parsed.sequence);
        if let Some(before) = self.reception.take_if(|reception| reception.ssrc() != ssrc) {
            self.stats.expected += u64::from(before.expected());
        }
        let reception = self.reception.get_or_insert_with(|| Reception::new(ssrc, sequence));
        reception.count(sequence);
        if is_voice {
            let passed = now.saturating_duration_since(self.began_at).as_secs_f64();
            let arrival = (passed * f64::from(self.agreement.codec.clock_rate())) as u64 as u32;
            reception.time(parsed.timestamp, arrival);
        }
        if is_key {
            return self.keys.read(parsed.payload, parsed.timestamp).map_or(Received::Nothing, Received::Key);
        }
        if is_voice && self.agreement.direction.comes { Received::Voice(packet) } else { Received::Nothing }
    }

    /// A datagram on the port of the reports.
    pub fn receive_report(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) -> Received {
        if self.shield.shake(from, bytes, false, now) {
            return Received::Nothing;
        }
        let mut has_lost = false;
        if let Some(report) = self.shield.open_report(bytes)
            && self.source.is_none_or(|(source, _)| source.ip() == from.ip())
        {
            self.heard_at = now;
            self.report_source = Some(from);
            let age = now.saturating_duration_since(self.began_at);
            let report = rtcp::read(&report, self.out.sending.ssrc, age);
            if let Some(share) = report.lost {
                self.stats.lost = f64::from(share) / 256.0;
                has_lost = 0 < share;
            }
            self.stats.round_trip = report.round_trip.or(self.stats.round_trip);
            let reception = self.reception.as_mut();
            if let Some((ssrc, sent_at)) = report.sent
                && let Some(reception) = reception.filter(|reception| reception.ssrc() == ssrc)
            {
                reception.hear(sent_at, now);
            }
        }
        if has_lost { Received::Loss } else { Received::Nothing }
    }

    /// The caller's packets come from where the first came from; whoever has the key may move at once.
    fn is_caller(&mut self, from: SocketAddr, now: Instant) -> bool {
        let is_caller = match self.source {
            Some((source, at)) => {
                source == from || self.shield.is_secret() || MOVE_AFTER < now.saturating_duration_since(at)
            }
            None => true,
        };
        if is_caller {
            self.source = Some((from, now));
        }
        is_caller
    }

    /// A packet of the mixer's in this codec. None when the caller does not listen, or hears a prompt.
    pub fn send(&mut self, packet: &[u8], codec: Codec, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if !self.prompts.is_empty() || codec != self.agreement.codec {
            return None;
        }
        let packet = Packet::parse(packet).ok()?;
        let Packet { ssrc, timestamp, payload, marker, .. } = packet;
        self.transmit(Frame { of: Some(ssrc), timestamp, payload, marker }, now)
    }

    /// A prompt after those that are played already.
    pub fn play(&mut self, prompt: Frames, now: Instant) {
        if prompt.is_empty() {
            return;
        }
        if self.prompts.is_empty() {
            self.next = (0, now);
        }
        self.prompts.push_back(prompt);
    }

    /// No more of them.
    pub fn be_quiet(&mut self) {
        self.prompts.clear();
    }

    /// When a frame of a prompt is due.
    pub fn due(&self) -> Option<Instant> {
        (!self.prompts.is_empty()).then_some(self.next.1)
    }

    /// A frame of a prompt, if it is due and the caller listens.
    pub fn tick(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        while self.due().is_some_and(|due| due <= now) {
            let (at, due) = self.next;
            if !self.shield.is_ready() {
                // Nobody could hear it yet.
                self.next.1 = due + FRAME_TIME;
                continue;
            }
            let prompt = Arc::clone(self.prompts.front()?);
            self.next = (at + 1, due + FRAME_TIME);
            if prompt.len() <= at + 1 {
                self.prompts.pop_front();
                self.next.0 = 0;
            }
            let timestamp = at as u32 * self.agreement.codec.clock_rate() / 50;
            if at == 0 {
                // Each prompt counts from zero.
                self.out.of = None;
            }
            if let Some(sent) =
                self.transmit(Frame { of: None, timestamp, payload: &prompt[at], marker: false }, now)
            {
                return Some(sent);
            }
        }
        None
    }

    /// When nothing has come for too long from a caller who should speak, or it turned out that there will be no key to speak with.
    pub fn lost_at(&self) -> Option<Instant> {
        let silent_at = self.agreement.direction.comes.then(|| self.heard_at + SILENCE_MAX);
        self.shield.failed_at().or(silent_at)
    }

    /// What is to be sent for there to be keys, until there is nothing; after everything that comes, and when [`Self::shake_due`] says.
    pub fn shake(&mut self, now: Instant) -> Option<Shake> {
        if self.shield.due().is_some_and(|due| due <= now) {
            self.shield.timeout(now);
        }
        let shake = self.shield.poll()?;
        let (listener, remote_rtcp) = (self.listener(), self.agreement.remote_rtcp);
        let to = shake.to.or(Some(if shake.is_with_sound { listener } else { remote_rtcp }));
        Some(Shake { to, ..shake })
    }

    /// When there is something to be done for keys.
    pub fn shake_due(&self) -> Option<Instant> {
        self.shield.due()
    }

    fn transmit(&mut self, frame: Frame<'_>, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if !self.agreement.direction.goes {
            return None;
        }
        let Frame { of, timestamp, payload, marker } = frame;
        let out = &mut self.out;
        let is_other = out.of != Some(of);
        if is_other {
            let (last, at) = out.sending.last;
            let passed = now.saturating_duration_since(at).as_secs_f64();
            let next = last.wrapping_add((passed * f64::from(self.agreement.codec.clock_rate())) as u32);
            out.offset = next.wrapping_sub(timestamp);
            out.of = Some(of);
        }
        let header = Header {
            payload_type: self.agreement.payload_type,
            marker: marker || is_other,
            sequence: out.sequence,
            timestamp: timestamp.wrapping_add(out.offset),
            ssrc: out.sending.ssrc,
        };
        out.sequence = out.sequence.wrapping_add(1);
        out.sending.last = (header.timestamp, now);
        out.sending.packets = out.sending.packets.wrapping_add(1);
        out.sending.bytes = out.sending.bytes.wrapping_add(payload.len() as u32);
        let packet = header.write(payload);
        let packet = self.shield.seal(packet)?;
        self.stats.sent += 1;
        Some((self.listener(), packet))
    }

    fn listener(&self) -> SocketAddr {
        self.source.map_or(self.agreement.remote, |(source, _)| source)
    }

    /// A report, if one is due, and whether it goes by the port of the sound.
    pub fn report(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>, bool)> {
        if now < self.report_at {
            return None;
        }
        self.report_at = now + REPORT_INTERVAL;
        let (age, rate) = (now.saturating_duration_since(self.began_at), self.agreement.codec.clock_rate());
        let report = rtcp::write(&self.out.sending, rate, age, now, self.reception.as_mut());
        let report = self.shield.seal_report(report)?;
        if self.agreement.rtcp_mux {
            return Some((self.listener(), report, true));
        }
        Some((self.report_source.unwrap_or(self.agreement.remote_rtcp), report, false))
    }
}
