//! SRTP and SRTCP with AES-128 in counter mode and HMAC-SHA1 (RFC 3711) on OpenSSL, for one direction of one telephone: one source, and nothing
//! gets lost.

use anyhow::{Context, Result, ensure};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::symm::{Cipher, encrypt};

/// A master key with its salt, as session descriptions have them (RFC 4568).
pub const KEY_BYTES: usize = CIPHER_BYTES + SALT_BYTES;
const CIPHER_BYTES: usize = 16;
const SALT_BYTES: usize = 14;
const HMAC_BYTES: usize = 20;
const TAG_BYTES: usize = 10;
/// The RTCP header with its sender.
const RTCP_HEADER_BYTES: usize = 8;
/// Marks SRTCP that is encrypted.
const ENCRYPTED: u32 = 1 << 31;

/// One direction.
pub struct SrtpCm {
    rtp: Keys,
    rtcp: Keys,
    /// How often the sequence numbers have begun anew, and the newest of them.
    rollover: (u32, Option<u16>),
    rtcp_index: u32,
}

struct Keys {
    cipher: Vec<u8>,
    salt: Vec<u8>,
    hmac: PKey<Private>,
}

impl Keys {
    /// RFC 3711, section 4.3: the counter mode's stream over nothing, with the label in the salt.
    fn derive(master: &[u8; KEY_BYTES], first_label: u8) -> Result<Self> {
        let (key, salt) = master.split_at(CIPHER_BYTES);
        let stream = |label: u8, bytes: usize| {
            let mut iv = [0; 16];
            iv[..SALT_BYTES].copy_from_slice(salt);
            iv[7] ^= label;
            encrypt(Cipher::aes_128_ctr(), key, Some(&iv), &vec![0; bytes])
        };
        Ok(Self {
            cipher: stream(first_label, CIPHER_BYTES)?,
            hmac: PKey::hmac(&stream(first_label + 1, HMAC_BYTES)?)?,
            salt: stream(first_label + 2, SALT_BYTES)?,
        })
    }

    /// Section 4.1.1.
    fn crypt(&self, ssrc: &[u8], index: u64, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut iv = [0; 16];
        iv[..SALT_BYTES].copy_from_slice(&self.salt);
        iv[4..8].iter_mut().zip(ssrc).for_each(|(byte, ssrc)| *byte ^= ssrc);
        iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]).for_each(|(byte, index)| *byte ^= index);
        Ok(encrypt(Cipher::aes_128_ctr(), &self.cipher, Some(&iv), bytes)?)
    }

    fn tag(&self, parts: [&[u8]; 2]) -> Result<Vec<u8>> {
        let mut signer = Signer::new(MessageDigest::sha1(), &self.hmac)?;
        for part in parts {
            signer.update(part)?;
        }
        let mut tag = signer.sign_to_vec()?;
        tag.truncate(TAG_BYTES);
        Ok(tag)
    }
}

impl SrtpCm {
    /// With this key.
    pub fn new(master: &[u8; KEY_BYTES]) -> Result<Self> {
        let (rtp, rtcp) = (Keys::derive(master, 0)?, Keys::derive(master, 3)?);
        Ok(Self { rtp, rtcp, rollover: (0, None), rtcp_index: 0 })
    }

    /// Encrypts a packet behind a header of so many bytes.
    pub fn protect(&mut self, packet: &[u8], header_bytes: usize) -> Result<Vec<u8>> {
        let (header, payload) = packet.split_at_checked(header_bytes).context("a packet has its header")?;
        let count = self.count(header);
        let index = u64::from(count) << 16 | u64::from(u16::from_be_bytes([header[2], header[3]]));
        let mut sealed = [header, &self.rtp.crypt(&header[8..12], index, payload)?].concat();
        let tag = self.rtp.tag([&sealed, &count.to_be_bytes()])?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// Authenticates and decrypts a packet's payload behind a header of so many bytes.
    pub fn open(&mut self, packet: &[u8], header_bytes: usize) -> Result<Vec<u8>> {
        ensure!(header_bytes + TAG_BYTES <= packet.len(), "a packet of {} bytes is too short", packet.len());
        let (packet, tag) = packet.split_at(packet.len() - TAG_BYTES);
        let count = self.count(packet);
        ensure!(self.rtp.tag([packet, &count.to_be_bytes()])? == tag, "a packet with a wrong tag");
        let index = u64::from(count) << 16 | u64::from(u16::from_be_bytes([packet[2], packet[3]]));
        self.rtp.crypt(&packet[8..12], index, &packet[header_bytes..])
    }

    /// Encrypts an RTCP packet.
    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>> {
        let (header, body) = packet.split_at_checked(RTCP_HEADER_BYTES).context("RTCP has 8 bytes")?;
        self.rtcp_index += 1;
        let body = self.rtcp.crypt(&header[4..8], self.rtcp_index.into(), body)?;
        let mut sealed = [header, &body, &(self.rtcp_index | ENCRYPTED).to_be_bytes()].concat();
        let tag = self.rtcp.tag([&sealed, &[]])?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// Of packets that come in their order.
    fn count(&mut self, header: &[u8]) -> u32 {
        let sequence = u16::from_be_bytes([header[2], header[3]]);
        let (count, newest) = &mut self.rollover;
        *count += u32::from(newest.is_some_and(|newest| sequence < newest));
        *newest = Some(sequence);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_protected_opens_also_where_numbers_begin_anew() {
        let key: [u8; KEY_BYTES] = std::array::from_fn(|at| at as u8);
        let (mut ours, mut theirs) = (SrtpCm::new(&key).expect("keys"), SrtpCm::new(&key).expect("keys"));
        for sequence in [65_534_u16, 65_535, 0, 1] {
            let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7];
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet.extend(b"a word");
            let mut sealed = ours.protect(&packet, 12).expect("sealed");
            assert_eq!(theirs.open(&sealed, 12).expect("opened"), b"a word");
            sealed[13] ^= 1;
            assert!(theirs.open(&sealed, 12).is_err());
        }
    }

    /// RFC 3711, appendix B.3.
    #[test]
    fn keys_are_derived_as_the_rfc_has_it() {
        let hex = |text: &str| -> Vec<u8> {
            let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
            (0..text.len()).step_by(2).map(byte).collect()
        };
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6");
        let keys = Keys::derive(&master.try_into().expect("30 bytes"), 0).expect("keys");
        assert_eq!(keys.cipher, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt, hex("30CBBC08863D8C85D49DB34A9AE1"));
    }
}
