//! From an offer to an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::TcpType;
use str0m::{Candidate, Rtc, RtcConfig};

use super::{Peer, PeerState};
use crate::line::{CameraLine, RESEND_PACKETS_MAX, SlotLine, VoiceLine};
use crate::losses::Losses;
use crate::wish::Selection;
use crate::{Config, OfferError, PeerId, RoomId, SLOTS_MAX};

/// A browser's offer with ten slots has about 30 kilobytes.
pub const OFFER_BYTES_MAX: usize = 256 * 1024;
/// Until a viewer's line is measured it is taken to carry this. Four faces of 480 lines; what is too much is noticed within a second.
const ESTIMATE_AT_FIRST: Bitrate = Bitrate::mbps(2);
/// Packets of a voice that str0m keeps. None is sent again, so they only have to last until it is driven on.
const VOICE_PACKETS_MAX: usize = 20;

/// What an offer with VP8 has (RFC 7741, section 6.1).
const VP8_MAP: &str = " VP8/90000";

/// How often a peer's loss and round trip are looked at.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(2);

/// A connection that waits for its offer.
fn connection(config: &Config, offer: &str, is_estimated: bool, now: Instant) -> Rtc {
    let settings = RtcConfig::new()
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        // Whoever has VP8 is not to choose anything else.
        .enable_h264(!offer.contains(VP8_MAP))
        .enable_bwe(is_estimated.then_some(ESTIMATE_AT_FIRST))
        .set_send_buffer_video(RESEND_PACKETS_MAX)
        .set_send_buffer_audio(VOICE_PACKETS_MAX)
        // Of those str0m knows little of what they are sent, so their reports are to be told.
        .enable_raw_packets(!is_estimated)
        .set_stats_interval(Some(STATISTICS_INTERVAL))
        .set_dtls_cert(config.identity.certificate.clone())
        .set_crypto_provider(Arc::clone(&config.identity.crypto));
    let mut rtc = settings.build(now);
    let udp = config.candidates.iter().map(|address| Candidate::builder().udp().host(*address).build());
    let tcp = config
        .tcp_candidates
        .iter()
        .map(|address| Candidate::builder().tcp().host(*address).tcptype(TcpType::Passive).build());
    for candidate in udp.chain(tcp).flatten() {
        rtc.add_local_candidate(candidate);
    }
    rtc
}

impl Peer {
    /// Somebody whose offer is not answered yet.
    pub fn new(
        (id, room): (PeerId, RoomId),
        config: &Config,
        (offer, is_estimated): (&str, bool),
        now: Instant,
    ) -> Self {
        Self {
            id,
            room,
            rtc: connection(config, offer, is_estimated, now),
            losses: (!is_estimated).then(Losses::default),
            names: Default::default(),
            addresses: Default::default(),
            voice: None,
            camera: None,
            slots: Vec::new(),
            selection: Selection::default(),
            state: PeerState::Expected,
            heard_at: now,
            due: None,
            is_dirty: false,
            is_stirred: false,
            crypto: Arc::clone(&config.identity.crypto),
            egress: None,
            told_losses: (0.0, 0),
            has_lost_voice: false,
            twcc: None,
            remb: None,
            origin: None,
            loss: None,
            round_trip: None,
            desired: 0,
            is_paced: false,
        }
    }

    /// Answers an offer, the first or a later one.
    pub fn answer(&mut self, offer: &str) -> Result<String, OfferError> {
        if OFFER_BYTES_MAX < offer.len() {
            return Err(OfferError::TooLong { bytes: offer.len() });
        }
        let origin_line = origin(offer).map(str::to_owned);
        let offer =
            SdpOffer::from_sdp_string(&without_candidates(offer)).map_err(|_| OfferError::Unreadable)?;
        let answer = self
            .rtc
            .sdp_api()
            .accept_offer(offer)
            .map_err(|error| OfferError::Unanswerable { reason: error.to_string() })?;
        let answer = answer.to_sdp_string();
        self.find_lines(&answer)?;
        self.origin = origin_line;
        let name = self.rtc.direct_api().local_ice_credentials().ufrag;
        if self.names.back() != Some(&name) {
            self.names.push_back(name);
        }
        Ok(answer)
    }

    /// Takes the media lines that the offer has added or changed.
    fn find_lines(&mut self, answer: &str) -> Result<(), OfferError> {
        for mid in answer.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(Mid::from) {
            if let Some((kind, direction)) =
                self.rtc.media(mid).map(|media| (media.kind(), media.direction()))
            {
                self.drop_line(mid, direction);
                self.add_line(mid, kind, direction);
            }
        }
        if SLOTS_MAX < self.slots.len() {
            return Err(OfferError::TooManySlots { slots: self.slots.len() });
        }
        if self.slots.is_empty() && self.camera.is_none() && self.voice.is_none() {
            return Err(OfferError::NothingServed);
        }
        Ok(())
    }

    fn add_line(&mut self, mid: Mid, kind: MediaKind, direction: Direction) {
        match kind {
            MediaKind::Audio if self.voice.is_none() && direction != Direction::Inactive => {
                self.voice = VoiceLine::new(&mut self.rtc, mid, direction.is_sending());
            }
            MediaKind::Audio => {}
            MediaKind::Video => {
                if direction.is_receiving() && self.camera.is_none() {
                    self.camera = Some(CameraLine::new(&self.rtc, mid));
                }
                let is_there = self.slots.iter().any(|line| line.mid == mid);
                if direction.is_sending() && !is_there {
                    self.slots.extend(SlotLine::new(&mut self.rtc, mid));
                }
            }
        }
    }

    fn drop_line(&mut self, mid: Mid, direction: Direction) {
        if direction == Direction::Inactive && self.voice.as_ref().is_some_and(|voice| voice.mid == mid) {
            self.voice = None;
        }
        if !direction.is_receiving() && self.camera.as_ref().is_some_and(|camera| camera.mid == mid) {
            self.camera = None;
        }
        if !direction.is_sending() {
            self.slots.retain(|line| line.mid != mid);
        }
    }
}

/// An ICE-lite agent sends no checks, so it needs none of the peer's candidates; some of them are names that nobody here could resolve.
fn without_candidates(offer: &str) -> String {
    let kept = offer.lines().filter(|line| {
        !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates") && !line.is_empty()
    });
    kept.flat_map(|line| [line, "\r\n"]).collect()
}

/// Who made a description: user name and session of its `o=` line (RFC 8866, section 5.2). Another session is another browser, or another page.
fn origin(offer: &str) -> Option<&str> {
    let line = offer.lines().find_map(|line| line.strip_prefix("o="))?;
    let (user, rest) = line.split_once(' ')?;
    let (session, _) = rest.split_once(' ')?;
    line.get(..user.len() + 1 + session.len())
}

impl Peer {
    /// Whether this offer comes from another session than the one before.
    pub fn is_another(&self, offer: &str) -> bool {
        self.origin.is_some() && self.origin.as_deref() != origin(offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_user_and_session() {
        assert_eq!(origin("v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\n"), Some("- 4611"));
        assert_eq!(origin("o=-\r\n"), None);
        assert_eq!(origin(""), None);
    }

    #[test]
    fn candidates_are_left_out() {
        let offer = "v=0\r\na=candidate:1 1 udp 1 x.local 9 typ host\r\na=mid:0\r\n";
        assert_eq!(without_candidates(offer), "v=0\r\na=mid:0\r\n");
    }
}
