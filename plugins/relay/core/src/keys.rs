//! The keys that a handshake ends with. str0m keeps them to itself, so a DTLS provider around any other one overhears them.

use std::cell::Cell;
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
    SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider};

/// Bytes of a salt (RFC 7714, section 12).
pub const SALT_BYTES: usize = 12;
/// What a key is derived for (RFC 3711, section 4.3.1).
const LABEL_KEY: u8 = 0;
const LABEL_SALT: u8 = 2;
const BLOCK_BYTES: usize = 16;

thread_local! {
    /// Of the handshake that ended on this thread last: str0m tells of a connection in the same call in which it takes the keys, and has no
    /// place for more.
    static AGREED: Cell<Option<Keys>> = const { Cell::new(None) };
}

/// What is sent to a peer is encrypted with these, by AES-GCM.
pub struct Keys {
    master: Vec<u8>,
    salt: [u8; SALT_BYTES],
}

impl Keys {
    /// Those of the connection that was just told of; none where it does not have AES-GCM.
    pub fn just_agreed() -> Option<Self> {
        AGREED.take()
    }

    /// The part that is ours (RFC 5764, section 4.2).
    pub(crate) fn of(material: &[u8], profile: SrtpProfile, is_client: bool) -> Option<Self> {
        let key_bytes = match profile {
            SrtpProfile::AEAD_AES_128_GCM => 16,
            SrtpProfile::AEAD_AES_256_GCM => 32,
            _ => return None,
        };
        let (keys, salts) = material.split_at_checked(2 * key_bytes)?;
        let place = usize::from(!is_client);
        let master = keys.chunks_exact(key_bytes).nth(place)?.to_vec();
        let salt = salts.chunks_exact(SALT_BYTES).nth(place)?.try_into().ok()?;
        Some(Self { master, salt })
    }

    /// The session's key and salt (RFC 3711, section 4.3.3; RFC 7714, section 11).
    pub fn derive(&self, crypto: &CryptoProvider) -> (Vec<u8>, [u8; SALT_BYTES]) {
        let mut key = Vec::with_capacity(self.master.len());
        for counter in 0..self.master.len() / BLOCK_BYTES {
            key.extend(self.block(crypto, LABEL_KEY, counter as u8));
        }
        let block = self.block(crypto, LABEL_SALT, 0);
        (key, std::array::from_fn(|at| block[at]))
    }

    fn block(&self, crypto: &CryptoProvider, label: u8, counter: u8) -> [u8; BLOCK_BYTES] {
        let mut input = [0; BLOCK_BYTES];
        input[..SALT_BYTES].copy_from_slice(&self.salt);
        input[7] ^= label;
        input[BLOCK_BYTES - 1] = counter;
        // Some ciphers write another block behind, of padding.
        let mut output = [0; 2 * BLOCK_BYTES];
        match self.master.len() {
            BLOCK_BYTES => crypto.srtp_provider.srtp_aes_128_ecb_round(&self.master, &input, &mut output),
            _ => crypto.srtp_provider.srtp_aes_256_ecb_round(&self.master, &input, &mut output),
        }
        std::array::from_fn(|at| output[at])
    }
}

/// Any DTLS, overheard.
#[derive(Debug)]
pub struct Overheard(pub &'static dyn DtlsProvider);

impl DtlsProvider for Overheard {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Connection(self.0.new_dtls(certificate, now, version, mtu)?)))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

#[derive(Debug)]
struct Connection(Box<dyn DtlsInstance>);

impl DtlsInstance for Connection {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_client = self.0.is_active();
        let output = self.0.poll_output(buffer);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            AGREED.set(Keys::of(material, *profile, is_client));
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_sends_with_its_own_part() {
        let material: Vec<u8> = (0..56).collect();
        let of =
            |is_client| Keys::of(&material, SrtpProfile::AEAD_AES_128_GCM, is_client).expect("long enough");
        assert_eq!((of(true).master[0], of(true).salt[0]), (0, 32));
        assert_eq!((of(false).master[0], of(false).salt[0]), (16, 44));
    }

    #[test]
    fn other_ciphers_and_too_few_bytes_give_no_keys() {
        assert!(Keys::of(&[0; 60], SrtpProfile::AES128_CM_SHA1_80, true).is_none());
        assert!(Keys::of(&[0; 55], SrtpProfile::AEAD_AES_128_GCM, false).is_none());
    }
}
