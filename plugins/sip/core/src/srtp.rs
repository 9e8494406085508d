//! Encrypts and decrypts what goes over the wire (RFC 3711): keys in, packets through. The arithmetic is `rtc-srtp`'s.

use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::sdes::{Crypto, Suite};

/// Packets that may come late: over a second of them.
const WINDOW_PACKETS: usize = 64;
const KEY_BYTES: usize = 16;

fn context(crypto: &Crypto) -> Option<Context> {
    let profile = match crypto.suite {
        Suite::Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::Tag32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let (key, salt) = crypto.key.0.split_at(KEY_BYTES);
    let provider = default_provider().ok()?;
    let replay = (srtp_replay_protection(WINDOW_PACKETS), srtcp_replay_protection(WINDOW_PACKETS));
    Context::new(key, salt, profile, Some(replay.0), Some(replay.1), provider.crypto()).ok()
}

/// What we send.
pub struct Sealer {
    crypto: Crypto,
    context: Context,
}

impl Sealer {
    /// With our key; none when the library has no such cipher.
    pub fn new(crypto: &Crypto) -> Option<Self> {
        Some(Self { crypto: crypto.clone(), context: context(crypto)? })
    }

    /// Whether it is still the same key; then its counters have to be kept, too.
    pub fn is_of(&self, crypto: &Crypto) -> bool {
        self.crypto.is_same_key(crypto)
    }

    /// A packet, encrypted.
    pub fn rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.context.encrypt_rtp(packet).ok().map(Vec::from)
    }

    /// A report, encrypted.
    pub fn rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.context.encrypt_rtcp(packet).ok().map(Vec::from)
    }
}

/// What comes. Each source has a context of its own, made when a packet proves that it knows the key: strangers leave nothing behind.
pub struct Opener {
    crypto: Crypto,
    rtp: Option<(u32, Context)>,
    rtcp: Option<(u32, Context)>,
}

impl Opener {
    /// With the caller's key.
    pub fn new(crypto: Crypto) -> Self {
        Self { crypto, rtp: None, rtcp: None }
    }

    /// Whether it is still the same key; then its counters have to be kept, too.
    pub fn is_of(&self, crypto: &Crypto) -> bool {
        self.crypto.is_same_key(crypto)
    }

    /// A packet, decrypted; none when it is not by who has the key, or has come before.
    pub fn rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = word(packet, 8)?;
        open(&self.crypto, &mut self.rtp, ssrc, |context| context.decrypt_rtp(packet).ok().map(Vec::from))
    }

    /// A report, decrypted.
    pub fn rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = word(packet, 4)?;
        open(&self.crypto, &mut self.rtcp, ssrc, |context| context.decrypt_rtcp(packet).ok().map(Vec::from))
    }
}

fn open(
    crypto: &Crypto,
    known: &mut Option<(u32, Context)>,
    ssrc: u32,
    decrypt: impl Fn(&mut Context) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    if let Some((_, context)) = known.as_mut().filter(|(source, _)| *source == ssrc) {
        return decrypt(context);
    }
    let mut context = context(crypto)?;
    let packet = decrypt(&mut context)?;
    *known = Some((ssrc, context));
    Some(packet)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
