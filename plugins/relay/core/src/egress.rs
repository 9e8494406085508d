//! The short way out: a camera's packets, and the mix, to somebody whose line is not estimated, numbered and encrypted here at once. str0m's own way, with its
//! pacing and its estimator, costs several times as much a packet; it still has one packet a second of every stream, from which it makes
//! sender reports, and everything else.
//!
//! No number of a stream is ever sent on both ways, or its encryption would be worth nothing; so what was sent here is sent again from here.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use str0m::Rtc;
use str0m::crypto::CryptoProvider;
use str0m::media::{Mid, Pt};
use str0m::net::Transmit;
use str0m::rtp::{Extension, Ssrc, VideoOrientation};

use crate::keys::{Keys, SALT_BYTES};
use crate::line::{RESEND_AGE_MAX, RESEND_PACKETS_MAX};
use crate::order::Datagram;
use crate::rewriter::Numbers;
use crate::spare::Spare;
use crate::{FeedPacket, Remote, VoicePacket};

/// str0m's sender reports need a packet's time now and then.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const HEADER_BYTES: usize = 12;
/// Its profile and its length.
const EXTENSION_HEAD_BYTES: usize = 4;
const TAG_BYTES: usize = 16;
/// A frame has about so many packets; more make room for themselves.
const RUN_PACKETS: usize = 4;
/// The largest number that an extension with one byte of head has (RFC 8285, section 4.2).
const EXTENSION_MAX: u8 = 14;
const EXTENSION_PROFILE: u16 = 0xbede;
/// Every packet sent earns so much towards packets sent again, and each of those costs so much: three in ten, as of str0m's own.
const CREDIT_EARNED: u32 = 3;
const CREDIT_COST: u32 = 10;
/// Enough to send a slot's whole store again.
const CREDIT_MAX: u32 = CREDIT_COST * RESEND_PACKETS_MAX as u32;

/// A viewer's way out.
pub struct Egress {
    key: LessSafeKey,
    salt: [u8; SALT_BYTES],
    /// From which of our addresses to which of the viewer's.
    way: Option<(SocketAddr, Remote)>,
    queued: Vec<Queued>,
    credit: u32,
}

/// A packet that waits to be encrypted: those of one viewer in a row, as its keys have to be fetched from afar.
struct Queued {
    line: Line,
    /// The source it goes out under, and its number there.
    pt: Pt,
    ssrc: Ssrc,
    index: u64,
    timestamp: u32,
    content: Content,
}

/// Which of a viewer's media lines something goes out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The slot of this number.
    Slot(usize),
    /// The one on which it hears.
    Voice,
}

enum Content {
    Picture { packet: Arc<FeedPacket>, numbers: Numbers, is_resent: bool },
    Voice { marker: bool, payload: Arc<[u8]> },
}

/// What a media line has to do with it.
#[derive(Debug)]
pub struct Outlet {
    /// The line's name.
    name: Box<[u8]>,
    pt: Pt,
    ssrc: Ssrc,
    /// Under which packets are sent again, where the viewer can have that.
    resent: Option<(Pt, Ssrc)>,
    resent_count: u64,
    mid_extension: Option<u8>,
    orientation_extension: Option<u8>,
    reported_at: Option<Instant>,
    sent: VecDeque<(Numbers, Arc<FeedPacket>)>,
}

impl Egress {
    /// A way that is encrypted with these keys; where it leads is not known yet. None where the keys are not of AES-GCM.
    pub fn new(keys: &Keys, crypto: &CryptoProvider) -> Option<Self> {
        let (key, salt) = keys.derive(crypto);
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?);
        Some(Self { key, salt, way: None, queued: Vec::new(), credit: CREDIT_MAX })
    }

    /// str0m sends this: where its media and reports go, ours may, too.
    pub fn follow(&mut self, transmit: &Transmit) {
        // Neither STUN, which answers whoever asks, nor DTLS (RFC 7983).
        if transmit.contents.first().is_some_and(|first| 128 <= *first) {
            self.way = Some((transmit.source, Remote::new(transmit.proto, transmit.destination)));
        }
    }

    /// Whether a packet may go this way now.
    pub fn carries(&self, outlet: &mut Outlet, packet: &FeedPacket) -> bool {
        // Only a frame's last goes the other way, so that none overtakes it.
        self.carries_at(outlet, packet.marker, packet.arrived)
    }

    /// Whether a packet of the mix may go this way now.
    pub fn carries_voice(&self, outlet: &mut Outlet, now: Instant) -> bool {
        self.carries_at(outlet, true, now)
    }

    fn carries_at(&self, outlet: &mut Outlet, may_report: bool, at: Instant) -> bool {
        let is_due = |reported_at: Instant| reported_at + REPORT_INTERVAL <= at;
        let is_wanted = may_report && outlet.reported_at.is_none_or(is_due);
        if is_wanted {
            outlet.reported_at = Some(at);
        }
        self.way.is_some() && !is_wanted
    }

    /// Takes a packet for a slot.
    pub fn send(&mut self, (slot, outlet): (usize, &Outlet), packet: &Arc<FeedPacket>, numbers: &Numbers) {
        let content = Content::Picture { packet: Arc::clone(packet), numbers: *numbers, is_resent: false };
        self.queue(Line::Slot(slot), outlet, (numbers.sequence, numbers.timestamp), content);
        self.credit = (self.credit + CREDIT_EARNED).min(CREDIT_MAX);
    }

    /// Takes a packet of the mix under this number and timestamp.
    pub fn speak(&mut self, outlet: &Outlet, numbers: (u64, u32), voice: &VoicePacket) {
        let content = Content::Voice { marker: voice.marker, payload: Arc::clone(&voice.payload) };
        self.queue(Line::Voice, outlet, numbers, content);
    }

    fn queue(&mut self, line: Line, outlet: &Outlet, (index, timestamp): (u64, u32), content: Content) {
        let (pt, ssrc) = (outlet.pt, outlet.ssrc);
        self.queued.push(Queued { line, pt, ssrc, index, timestamp, content });
    }

    /// Takes packets again that the viewer has lost (RFC 4588, section 4): the first, and those of the sixteen after it whose bits are set.
    pub fn resend(
        &mut self,
        (slot, outlet): (usize, &mut Outlet),
        (first, following): (u16, u16),
        now: Instant,
    ) {
        let Some((pt, ssrc)) = outlet.resent else {
            return;
        };
        let others = (0..16).filter(|bit| following >> bit & 1 == 1).map(|bit| first.wrapping_add(bit + 1));
        for lost in std::iter::once(first).chain(others) {
            let kept = outlet.sent.iter().rev().find(|(numbers, _)| numbers.sequence as u16 == lost);
            let Some((numbers, packet)) = kept.cloned() else {
                continue;
            };
            let is_old = RESEND_AGE_MAX < now.saturating_duration_since(packet.arrived);
            if is_old || self.credit < CREDIT_COST {
                continue;
            }
            self.credit -= CREDIT_COST;
            let index = outlet.resent_count;
            outlet.resent_count += 1;
            let (line, timestamp) = (Line::Slot(slot), numbers.timestamp);
            let content = Content::Picture { packet, numbers, is_resent: true };
            self.queued.push(Queued { line, pt, ssrc, index, timestamp, content });
        }
    }

    /// Encrypts what was taken; packets of one size in a row are put together.
    pub fn seal<'a>(
        &mut self,
        outlet: impl Fn(Line) -> Option<&'a Outlet>,
        spare: &mut Spare,
        datagrams: &mut VecDeque<Datagram>,
    ) {
        let Some((own, peer)) = self.way else {
            return;
        };
        let mut queued = std::mem::take(&mut self.queued);
        let mut run: Option<Datagram> = None;
        for packet in queued.drain(..) {
            // The offer may have been changed meanwhile.
            let Some(outlet) = outlet(packet.line) else {
                continue;
            };
            let length = packet.bytes(outlet);
            let fits =
                |run: &mut Datagram| length <= run.segment && run.bytes.len().is_multiple_of(run.segment);
            if let Some(full) = run.take_if(|run| !fits(run)) {
                datagrams.push_back(full);
            }
            let run = run.get_or_insert_with(|| Datagram {
                peer,
                own,
                bytes: spare.take(length * RUN_PACKETS),
                segment: length,
            });
            self.write(outlet, &packet, &mut run.bytes);
        }
        datagrams.extend(run.filter(|run| !run.bytes.is_empty()));
        self.queued = queued;
    }

    /// Writes a packet behind what is there, and encrypts it in its place (RFC 7714, section 8).
    fn write(&self, outlet: &Outlet, packet: &Queued, bytes: &mut Vec<u8>) {
        let head_at = bytes.len();
        bytes.extend([0x90, u8::from(packet.content.marker()) << 7 | *packet.pt]);
        bytes.extend((packet.index as u16).to_be_bytes());
        bytes.extend(packet.timestamp.to_be_bytes());
        bytes.extend(packet.ssrc.to_be_bytes());
        outlet.write_extensions(packet.content.orientation(), bytes);
        let body_at = bytes.len();
        packet.content.write(bytes);
        let (head, body) = bytes[head_at..].split_at_mut(body_at - head_at);
        match self.key.seal_in_place_separate_tag(self.nonce(packet), Aad::from(&*head), body) {
            Ok(tag) => bytes.extend_from_slice(tag.as_ref()),
            // Nothing that fits into a datagram is too long.
            Err(_) => bytes.truncate(head_at),
        }
    }

    /// RFC 7714, section 8.1.
    fn nonce(&self, packet: &Queued) -> Nonce {
        let mut nonce = self.salt;
        let place = [*packet.ssrc, (packet.index >> 16) as u32].map(u32::to_be_bytes);
        let number = (packet.index as u16).to_be_bytes();
        for (byte, other) in nonce[2..].iter_mut().zip(place.iter().flatten().chain(&number)) {
            *byte ^= other;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Queued {
    /// With header and tag.
    fn bytes(&self, outlet: &Outlet) -> usize {
        let extensions = outlet.extension_bytes(self.content.orientation());
        HEADER_BYTES + extensions + self.content.bytes() + TAG_BYTES
    }
}

impl Content {
    fn marker(&self) -> bool {
        match self {
            Self::Picture { packet, .. } => packet.marker,
            Self::Voice { marker, .. } => *marker,
        }
    }

    fn orientation(&self) -> Option<VideoOrientation> {
        match self {
            Self::Picture { packet, .. } => packet.orientation,
            Self::Voice { .. } => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Picture { packet, is_resent, .. } => {
                packet.payload.len() + if *is_resent { size_of::<u16>() } else { 0 }
            }
            Self::Voice { payload, .. } => payload.len(),
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Picture { packet, numbers, is_resent } => {
                if *is_resent {
                    bytes.extend((numbers.sequence as u16).to_be_bytes());
                }
                let payload_at = bytes.len();
                bytes.extend_from_slice(&packet.payload);
                packet.descriptor.rewrite(&mut bytes[payload_at..], numbers.picture, numbers.tl0);
            }
            Self::Voice { payload, .. } => bytes.extend_from_slice(payload),
        }
    }
}

impl Outlet {
    /// Of a line as it was negotiated.
    pub fn new(rtc: &mut Rtc, mid: Mid, pt: Pt, ssrc: Ssrc) -> Self {
        let resent_pt = rtc.codec_config().params().iter().find(|params| params.pt() == pt);
        let resent_pt = resent_pt.and_then(|params| params.resend());
        let resent_ssrc = rtc.direct_api().stream_tx(&ssrc).and_then(|stream| stream.rtx());
        let extensions = rtc.media(mid).map(|media| media.remote_extmap());
        let number = |extension| {
            let number = extensions.and_then(|extensions| extensions.id_of(extension));
            number.filter(|number| *number <= EXTENSION_MAX)
        };
        Self {
            name: mid.as_bytes().into(),
            pt,
            ssrc,
            resent: resent_pt.zip(resent_ssrc),
            resent_count: 0,
            // It has at most 16 bytes, as many as such an extension has, but may have none.
            mid_extension: number(Extension::RtpMid).filter(|_| !mid.is_empty()),
            orientation_extension: number(Extension::VideoOrientation),
            reported_at: None,
            sent: VecDeque::new(),
        }
    }

    /// Under which it is sent.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Keeps a packet that was sent either way, to send it again.
    pub fn keep(&mut self, packet: &Arc<FeedPacket>, numbers: &Numbers) {
        if self.resent.is_some() {
            if self.sent.len() == RESEND_PACKETS_MAX {
                self.sent.pop_front();
            }
            self.sent.push_back((*numbers, Arc::clone(packet)));
        }
    }

    fn extension_bytes(&self, orientation: Option<VideoOrientation>) -> usize {
        let name = self.mid_extension.map_or(0, |_| 1 + self.name.len());
        let orientation = self.orientation_extension.and(orientation).map_or(0, |_| 2);
        (EXTENSION_HEAD_BYTES + name + orientation).next_multiple_of(4)
    }

    fn write_extensions(&self, orientation: Option<VideoOrientation>, bytes: &mut Vec<u8>) {
        let end = bytes.len() + self.extension_bytes(orientation);
        let words = (end - bytes.len() - EXTENSION_HEAD_BYTES) / 4;
        bytes.extend(EXTENSION_PROFILE.to_be_bytes());
        bytes.extend((words as u16).to_be_bytes());
        if let Some(number) = self.mid_extension {
            bytes.push(number << 4 | (self.name.len() as u8 - 1));
            bytes.extend(&self.name);
        }
        if let (Some(number), Some(orientation)) = (self.orientation_extension, orientation) {
            bytes.extend([number << 4, orientation as u8]);
        }
        bytes.resize(end, 0);
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Egress").field("way", &self.way).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use str0m::crypto::dtls::SrtpProfile;
    use str0m::crypto::from_feature_flags;

    use super::*;
    use crate::testing::{after, packet};

    fn egress() -> Egress {
        let keys = Keys::of(&[7; 56], SrtpProfile::AEAD_AES_128_GCM, false).expect("enough for both sides");
        let mut egress = Egress::new(&keys, &from_feature_flags()).expect("a key of AES-128");
        let way = ["10.0.0.1:1853", "10.0.1.1:5000"].map(|address| address.parse().expect("an address"));
        egress.way = Some((way[0], Remote::Udp(way[1])));
        egress
    }

    fn outlet() -> Outlet {
        Outlet {
            name: b"2".as_slice().into(),
            pt: 96.into(),
            ssrc: 7.into(),
            resent: Some((97.into(), 8.into())),
            resent_count: 0,
            mid_extension: Some(4),
            orientation_extension: Some(13),
            reported_at: None,
            sent: VecDeque::new(),
        }
    }

    fn numbers(sequence: u64) -> Numbers {
        Numbers { sequence, timestamp: 90, picture: 1, tl0: 0 }
    }

    #[test]
    fn the_last_packet_of_a_frame_goes_the_other_way_once_a_second() {
        let (egress, mut outlet) = (egress(), outlet());
        assert!(egress.carries(&mut outlet, &packet(1).at(after(0))));
        assert!(!egress.carries(&mut outlet, &packet(2).ends().at(after(0))));
        assert!(egress.carries(&mut outlet, &packet(3).ends().at(after(999))));
        assert!(!egress.carries(&mut outlet, &packet(4).ends().at(after(1000))));
    }

    #[test]
    fn nothing_is_carried_before_the_way_is_known() {
        let mut egress = egress();
        egress.way = None;
        assert!(!egress.carries(&mut outlet(), &packet(1)));
    }

    /// What goes out of slot 3, datagram by datagram.
    fn sealed(egress: &mut Egress, outlet: &mut Outlet) -> Vec<Vec<u8>> {
        let mut datagrams = VecDeque::new();
        egress.seal(
            |line| (line == Line::Slot(3)).then_some(&*outlet),
            &mut Spare::default(),
            &mut datagrams,
        );
        datagrams
            .iter()
            .flat_map(|datagram| datagram.each().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn a_header_has_what_was_negotiated() {
        let (mut egress, mut outlet) = (egress(), outlet());
        egress.send((3, &outlet), &packet(1).ends().shared(), &numbers(65_536 + 258));
        let sent = sealed(&mut egress, &mut outlet);
        let header = [0x90, 0x80 | 96, 1, 2, 0, 0, 0, 90, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 4 << 4, b'2', 0, 0];
        assert_eq!(sent[0][..header.len()], header);
        assert_eq!(sent[0].len(), header.len() + packet(1).payload.len() + TAG_BYTES);
    }

    #[test]
    fn the_mix_goes_on_its_own_line_but_for_one_packet_a_second() {
        let (mut egress, outlet) = (egress(), outlet());
        let voice = VoicePacket { sequence: 1, timestamp: 2, marker: true, payload: Arc::from([0xfc; 60]) };
        egress.speak(&outlet, (258, 960), &voice);
        let mut datagrams = VecDeque::new();
        egress.seal(|line| (line == Line::Voice).then_some(&outlet), &mut Spare::default(), &mut datagrams);
        let sent = &datagrams.front().expect("one").bytes;
        assert_eq!(sent[..12], [0x90, 0x80 | 96, 1, 2, 0, 0, 3, 192, 0, 0, 0, 7]);
        assert_eq!(sent.len(), 20 + 60 + TAG_BYTES);
        let mut outlet = outlet;
        let carried = [0, 20, 999, 1000].map(|time| egress.carries_voice(&mut outlet, after(time)));
        assert_eq!(carried, [false, true, true, false]);
    }

    #[test]
    fn packets_of_one_size_go_together_and_a_shorter_one_ends_them() {
        let (mut egress, outlet) = (egress(), outlet());
        let mut short = packet(3);
        short.payload = short.payload[..6].into();
        for (sequence, packet) in [(1, packet(1)), (2, packet(2)), (3, short), (4, packet(4))] {
            egress.send((3, &outlet), &packet.shared(), &numbers(sequence));
        }
        let mut datagrams = VecDeque::new();
        egress.seal(|_| Some(&outlet), &mut Spare::default(), &mut datagrams);
        let together: Vec<usize> = datagrams.iter().map(|datagram| datagram.each().count()).collect();
        assert_eq!(together, [3, 1]);
    }

    #[test]
    fn what_was_lost_is_sent_again_while_it_is_of_use() {
        let (mut egress, mut outlet) = (egress(), outlet());
        for sequence in [1000, 1001, 1003] {
            outlet.keep(&packet(sequence).at(after(0)).shared(), &numbers(sequence));
        }
        egress.resend((3, &mut outlet), (1000, 0b110), after(10));
        assert_eq!(sealed(&mut egress, &mut outlet).len(), 2, "1000 and 1003; 1002 is not there");
        let too_late = after(0) + RESEND_AGE_MAX + Duration::from_millis(1);
        egress.resend((3, &mut outlet), (1000, 0), too_late);
        assert!(sealed(&mut egress, &mut outlet).is_empty());
    }

    #[test]
    fn who_asks_without_end_gets_no_more_than_was_earned() {
        let (mut egress, mut outlet) = (egress(), outlet());
        outlet.keep(&packet(1).at(after(0)).shared(), &numbers(1000));
        for _ in 0..10 * RESEND_PACKETS_MAX {
            egress.resend((3, &mut outlet), (1000, 0), after(1));
        }
        assert_eq!(sealed(&mut egress, &mut outlet).len(), RESEND_PACKETS_MAX);
        (0..10).for_each(|_| egress.send((3, &outlet), &packet(2).shared(), &numbers(1001)));
        (0..10).for_each(|_| egress.resend((3, &mut outlet), (1000, 0), after(1)));
        assert_eq!(sealed(&mut egress, &mut outlet).len(), 10 + 3);
    }

    #[test]
    fn only_so_much_is_kept() {
        let mut outlet = outlet();
        for sequence in 0..=RESEND_PACKETS_MAX as u64 {
            outlet.keep(&packet(sequence).shared(), &numbers(sequence));
        }
        assert_eq!(outlet.sent.len(), RESEND_PACKETS_MAX);
    }
}
