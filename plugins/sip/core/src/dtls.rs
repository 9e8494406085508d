//! Keys for SRTP that are agreed on where the sound goes (RFC 5764): one handshake for each pair of ports. Here is what becomes of it; the
//! handshake's own messages are an engine's, which the shell brings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::fingerprint::{Fingerprint, Peer, Role};
use crate::sdes::{Crypto, KEY_BYTES, Key, Suite};
use crate::srtp::{Opener, Sealer};

/// A handshake takes a few round trips; who has not made it by then never will.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(20);
/// Datagrams of one handshake: one that loses half of them has some forty. More are not looked at.
pub const HANDSHAKE_DATAGRAMS_MAX: u32 = 256;
/// Another source may go on with a handshake when the one before has been silent for so long.
const MOVE_AFTER: Duration = Duration::from_secs(1);
const CIPHER_BYTES: usize = 16;
const SALT_BYTES: usize = KEY_BYTES - CIPHER_BYTES;
/// What goes by the name [`EXPORTER`].
pub const MATERIAL_BYTES: usize = 2 * KEY_BYTES;
/// What the keys are exported as (RFC 5764, section 4.2).
pub const EXPORTER: &str = "EXTRACTOR-dtls_srtp";

/// Why an engine gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the other end does not speak DTLS 1.2 with us, or has ended it")]
pub struct EngineFailed;

/// What an engine has come to.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// The other end's, in DER.
    pub certificate: Vec<u8>,
    /// Chosen by both.
    pub suite: Suite,
    /// What [`EXPORTER`] gives.
    pub keys: [u8; MATERIAL_BYTES],
}

/// The messages of one handshake, DTLS 1.2 (RFC 6347) with `use_srtp` (RFC 5764, section 4.1) and a certificate of either end. Whose
/// certificate it is, it does not ask.
pub trait Engine: Send {
    /// A datagram has come. Anybody can send one: what is no part of the handshake is to be ignored.
    fn receive(&mut self, datagram: &[u8], now: Instant) -> Result<(), EngineFailed>;
    /// Time has passed; see [`Self::due`].
    fn timeout(&mut self, now: Instant) -> Result<(), EngineFailed>;
    /// When [`Self::timeout`] is to be called, if nothing comes before; only asked until it is done.
    fn due(&self) -> Option<Instant>;
    /// The next datagram to be sent.
    fn poll(&mut self) -> Option<Vec<u8>>;
    /// Once, when the handshake is done.
    fn material(&mut self) -> Option<Material>;
}

/// Our certificate, with its key. It says nothing about us.
pub trait Identity: Send + Sync {
    /// What we tell others.
    fn fingerprint(&self) -> &Fingerprint;
    /// A handshake under it; none when there is something wrong with the library.
    fn engine(&self, role: Role, now: Instant) -> Option<Box<dyn Engine>>;
}

/// How far it has come.
enum Stage {
    Running,
    /// There are keys.
    Done,
    /// There never will be.
    Failed(Instant),
}

/// One handshake, and the keys that come of it.
pub struct Handshake {
    /// None when it could not be made.
    engine: Option<Box<dyn Engine>>,
    peer: Peer,
    is_client: bool,
    stage: Stage,
    began_at: Instant,
    datagrams: u32,
    /// Where it goes on, and when something came from there.
    source: Option<(SocketAddr, Instant)>,
    keys: Option<(Opener, Sealer)>,
}

impl Handshake {
    /// Begins; [`Self::poll`] gives what is to be sent.
    pub fn new(ours: &Arc<dyn Identity>, role: Role, peer: &Peer, now: Instant) -> Self {
        let engine = ours.engine(role, now);
        Self {
            stage: if engine.is_some() { Stage::Running } else { Stage::Failed(now) },
            engine,
            peer: peer.clone(),
            is_client: role == Role::Client,
            began_at: now,
            datagrams: 0,
            source: None,
            keys: None,
        }
    }

    /// Until there are keys, those of another handshake with the same peer do.
    pub fn with_keys_of(mut self, other: Self) -> Self {
        self.keys = other.keys;
        self
    }

    /// Whether a datagram belongs here, and not to SRTP (RFC 5764, section 5.1.2).
    pub fn is_its(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|kind| (20..64).contains(kind))
    }

    /// A datagram of the other end's.
    pub fn receive(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) {
        let is_from_there = self
            .source
            .is_none_or(|(source, at)| source == from || MOVE_AFTER <= now.saturating_duration_since(at));
        if matches!(self.stage, Stage::Failed(_))
            || HANDSHAKE_DATAGRAMS_MAX <= self.datagrams
            || !is_from_there
            || !is_whole(bytes)
        {
            return;
        }
        self.datagrams += 1;
        self.source = Some((from, now));
        let result = self.engine.as_mut().map_or(Ok(()), |engine| engine.receive(bytes, now));
        self.go_on(result, now);
    }

    fn go_on(&mut self, result: Result<(), EngineFailed>, now: Instant) {
        // Once there are keys, the call's end is told by SIP, and the keys stay good until then.
        if !matches!(self.stage, Stage::Running) {
            return;
        }
        if let Some(material) = self.engine.as_mut().and_then(|engine| engine.material()) {
            let keys = self.keys_of(&material);
            self.stage = if keys.is_some() { Stage::Done } else { Stage::Failed(now) };
            self.keys = keys;
        } else if result.is_err() {
            self.stage = Stage::Failed(now);
        }
    }

    /// The keys, if it is the one from the session description who has made them with us.
    fn keys_of(&self, material: &Material) -> Option<(Opener, Sealer)> {
        if !self.peer.is_of(&material.certificate) {
            return None;
        }
        // Both keys, then both salts; the client's come first.
        let (ciphers, salts) = material.keys.split_at(2 * CIPHER_BYTES);
        let key = |side: usize| {
            let cipher = ciphers.chunks(CIPHER_BYTES).nth(side)?;
            let salt = salts.chunks(SALT_BYTES).nth(side)?;
            let key = Key([cipher, salt].concat().try_into().ok()?);
            Some(Crypto { tag: 0, suite: material.suite, key })
        };
        let (client, server) = (key(0)?, key(1)?);
        let (ours, theirs) = if self.is_client { (client, server) } else { (server, client) };
        Some((Opener::new(theirs), Sealer::new(&ours)?))
    }

    /// Time has passed; see [`Self::due`].
    pub fn timeout(&mut self, now: Instant) {
        if !matches!(self.stage, Stage::Running) {
            return;
        }
        if self.began_at + HANDSHAKE_MAX <= now {
            self.stage = Stage::Failed(now);
        } else {
            let result = self.engine.as_mut().map_or(Ok(()), |engine| engine.timeout(now));
            self.go_on(result, now);
        }
    }

    /// When [`Self::timeout`] is to be called, if nothing else happens before.
    pub fn due(&self) -> Option<Instant> {
        let is_running = matches!(self.stage, Stage::Running);
        let end = is_running.then(|| self.began_at + HANDSHAKE_MAX)?;
        Some(self.engine.as_ref()?.due().map_or(end, |due| due.min(end)))
    }

    /// When it came to nothing, and there is no other key.
    pub fn failed_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Failed(at) if self.keys.is_none() => Some(at),
            Stage::Failed(_) | Stage::Running | Stage::Done => None,
        }
    }

    /// What is to be sent, until there is nothing; and whereto, if something has come already.
    pub fn poll(&mut self) -> Option<(Option<SocketAddr>, Vec<u8>)> {
        let datagram = self.engine.as_mut()?.poll()?;
        Some((self.source.map(|(source, _)| source), datagram))
    }

    /// What decrypts, and what encrypts, once there are keys.
    pub fn keys(&mut self) -> Option<&mut (Opener, Sealer)> {
        self.keys.as_mut()
    }
}

/// Whether a datagram is made of whole records of a handshake (RFC 6347, section 4.1): anything else could only end it.
fn is_whole(mut bytes: &[u8]) -> bool {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    const HANDSHAKE: u8 = 22;
    while let Some((&[kind, major, _, _, _, _, _, _, _, _, _, l0, l1], rest)) =
        bytes.split_first_chunk::<13>()
    {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if !(CHANGE_CIPHER_SPEC..=HANDSHAKE).contains(&kind) || major != 0xfe || rest.len() < length {
            return false;
        }
        bytes = &rest[length..];
        if bytes.is_empty() {
            return true;
        }
    }
    false
}
