//! What stands between a call's sound and the wire: nothing, keys from the session description, or keys that are agreed on beside the sound.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::dtls::{Handshake, Identity};
use crate::fingerprint::{Peer, Role};
use crate::sdes::Crypto;
use crate::srtp::{Opener, Sealer};

/// How the other end encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// With this key.
    Key(Crypto),
    /// With one that a handshake brings.
    Dtls(Peer),
}

/// How we do.
#[derive(Clone)]
pub enum Ours {
    /// With this key.
    Key(Crypto),
    /// With one that a handshake brings: as whom, and who begins.
    Dtls(Arc<dyn Identity>, Role),
}

impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(crypto) => crypto.fmt(f),
            Self::Dtls(identity, role) => write!(f, "{}, {role:?}", identity.fingerprint().write()),
        }
    }
}

impl Ours {
    /// Who we are in the handshake.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Dtls(_, role) => Some(*role),
            Self::Key(_) => None,
        }
    }
}

/// A datagram of a handshake, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shake {
    /// None is where the session description says.
    pub to: Option<SocketAddr>,
    /// What goes.
    pub bytes: Vec<u8>,
    /// By the port of the sound, or by that of the reports.
    pub is_with_sound: bool,
}

/// See the module.
pub enum Shield {
    /// Everybody may listen.
    Nothing,
    /// Keys from both session descriptions; without ours nothing goes.
    Keys(Box<Opener>, Option<Box<Sealer>>),
    /// A handshake for the sound, and another one for reports that have a port of their own.
    Dtls { peer: Peer, role: Role, sound: Box<Handshake>, reports: Option<Box<Handshake>> },
    /// What cannot be: nothing comes, and nothing goes.
    Closed,
}

impl Shield {
    /// Of what both say.
    pub fn new(theirs: Option<&Theirs>, ours: Option<&Ours>, is_muxed: bool, now: Instant) -> Self {
        match (theirs, ours) {
            (None, _) => Self::Nothing,
            (Some(Theirs::Key(theirs)), ours) => {
                let sealer = match ours {
                    Some(Ours::Key(ours)) => Sealer::new(ours).map(Box::new),
                    _ => None,
                };
                Self::Keys(Box::new(Opener::new(theirs.clone())), sealer)
            }
            (Some(Theirs::Dtls(peer)), Some(Ours::Dtls(identity, role))) => {
                let begin = || Box::new(Handshake::new(identity, *role, peer, now));
                let reports = (!is_muxed).then(begin);
                Self::Dtls { peer: peer.clone(), role: *role, sound: begin(), reports }
            }
            (Some(Theirs::Dtls(_)), _) => Self::Closed,
        }
    }

    /// The other end has changed something. Keys that stay the same keep their counters (RFC 3711, section 3.3.1), and a handshake is made
    /// once for the same certificate, role and place (RFC 8842, section 5.1).
    pub fn change(
        self,
        theirs: Option<&Theirs>,
        ours: Option<&Ours>,
        (is_muxed, has_moved): (bool, bool),
        now: Instant,
    ) -> Self {
        let next = Self::new(theirs, ours, is_muxed, now);
        match (self, next) {
            (Self::Keys(opener, sealer), Self::Keys(next_opener, next_sealer)) => {
                let is_same = matches!(theirs, Some(Theirs::Key(theirs)) if opener.is_of(theirs));
                let is_same_sealer =
                    matches!((&sealer, ours), (Some(sealer), Some(Ours::Key(ours))) if sealer.is_of(ours));
                Self::Keys(
                    if is_same { opener } else { next_opener },
                    if is_same_sealer { sealer } else { next_sealer },
                )
            }
            (
                Self::Dtls { peer, role, sound, reports },
                Self::Dtls { peer: next_peer, role: next_role, sound: next_sound, reports: next_reports },
            ) => {
                if peer.is_same(&next_peer) && role == next_role && !has_moved && sound.failed_at().is_none()
                {
                    let reports = next_reports.map(|next| reports.unwrap_or(next));
                    return Self::Dtls { peer: next_peer, role, sound, reports };
                }
                let sound = match peer.is_same_one(&next_peer) {
                    true => Box::new(next_sound.with_keys_of(*sound)),
                    false => next_sound,
                };
                Self::Dtls { peer: next_peer, role: next_role, sound, reports: next_reports }
            }
            (_, next) => next,
        }
    }

    /// Whether strangers can be told from the other end.
    pub fn is_secret(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Whether what is sent would go.
    pub fn is_ready(&mut self) -> bool {
        match self {
            Self::Dtls { sound, .. } => sound.keys().is_some(),
            Self::Nothing | Self::Keys(..) | Self::Closed => true,
        }
    }

    /// A datagram of a handshake, by one of the ports. Returns whether it was one.
    pub fn shake(&mut self, from: SocketAddr, bytes: &[u8], is_with_sound: bool, now: Instant) -> bool {
        let Self::Dtls { sound, reports, .. } = self else {
            return false;
        };
        if !Handshake::is_its(bytes) {
            return false;
        }
        if is_with_sound {
            sound.receive(from, bytes, now);
        } else if let Some(reports) = reports {
            reports.receive(from, bytes, now);
        }
        true
    }

    /// A packet, decrypted.
    pub fn open(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => Some(bytes.to_vec()),
            Self::Keys(opener, _) => opener.rtp(bytes),
            Self::Dtls { sound, .. } => sound.keys()?.0.rtp(bytes),
            Self::Closed => None,
        }
    }

    /// A report, decrypted.
    pub fn open_report(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => bytes.first().is_some_and(|first| first >> 6 == 2).then(|| bytes.to_vec()),
            Self::Keys(opener, _) => opener.rtcp(bytes),
            Self::Dtls { sound, reports, .. } => reports.as_mut().unwrap_or(sound).keys()?.0.rtcp(bytes),
            Self::Closed => None,
        }
    }

    /// A packet, encrypted; none while there is no key to do it with.
    pub fn seal(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => Some(packet),
            Self::Keys(_, sealer) => sealer.as_mut()?.rtp(&packet),
            Self::Dtls { sound, .. } => sound.keys()?.1.rtp(&packet),
            Self::Closed => None,
        }
    }

    /// A report, encrypted.
    pub fn seal_report(&mut self, report: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => Some(report),
            Self::Keys(_, sealer) => sealer.as_mut()?.rtcp(&report),
            Self::Dtls { sound, reports, .. } => reports.as_mut().unwrap_or(sound).keys()?.1.rtcp(&report),
            Self::Closed => None,
        }
    }

    /// Time has passed for the handshakes; see [`Self::due`].
    pub fn timeout(&mut self, now: Instant) {
        if let Self::Dtls { sound, reports, .. } = self {
            sound.timeout(now);
            reports.iter_mut().for_each(|reports| reports.timeout(now));
        }
    }

    /// When [`Self::timeout`] is to be called.
    pub fn due(&self) -> Option<Instant> {
        let Self::Dtls { sound, reports, .. } = self else {
            return None;
        };
        let reports = reports.as_ref().and_then(|reports| reports.due());
        sound.due().into_iter().chain(reports).min()
    }

    /// When it turned out that there will be no keys for the sound. Without those for reports one can talk all the same.
    pub fn failed_at(&self) -> Option<Instant> {
        match self {
            Self::Dtls { sound, .. } => sound.failed_at(),
            Self::Nothing | Self::Keys(..) | Self::Closed => None,
        }
    }

    /// What the handshakes send, until there is nothing.
    pub fn poll(&mut self) -> Option<Shake> {
        let Self::Dtls { sound, reports, .. } = self else {
            return None;
        };
        if let Some((to, bytes)) = sound.poll() {
            return Some(Shake { to, bytes, is_with_sound: true });
        }
        let (to, bytes) = reports.as_mut()?.poll()?;
        Some(Shake { to, bytes, is_with_sound: false })
    }
}
