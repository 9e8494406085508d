//! SRTP and SRTCP with AES-128-GCM (RFC 7714) on OpenSSL, for one direction of one peer.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use openssl::symm::{Cipher, decrypt_aead, encrypt, encrypt_aead};

/// Bytes of keys that both directions take from the handshake.
pub const KEYING_BYTES: usize = 2 * (KEY_BYTES + SALT_BYTES);
const KEY_BYTES: usize = 16;
const SALT_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// The RTCP header with its sender.
const RTCP_HEADER_BYTES: usize = 8;
/// Marks SRTCP that is encrypted (RFC 3711, section 3.4).
const ENCRYPTED: u32 = 1 << 31;

/// One direction.
#[derive(Debug)]
pub struct Srtp {
    rtp: Keys,
    rtcp: Keys,
    rollovers: BTreeMap<u32, Rollover>,
    rtcp_index: u32,
}

#[derive(Debug)]
struct Keys {
    key: Vec<u8>,
    salt: Vec<u8>,
}

/// How often a stream's sequence numbers have begun anew.
#[derive(Clone, Copy, Debug)]
struct Rollover {
    count: u32,
    newest: u16,
}

impl Srtp {
    /// What a DTLS client sends and what it receives, from the exported keys (RFC 5764, section 4.2).
    pub fn of_client(keying: &[u8; KEYING_BYTES]) -> Result<(Self, Self)> {
        let (keys, salts) = keying.split_at(2 * KEY_BYTES);
        let client = Self::new(&keys[..KEY_BYTES], &salts[..SALT_BYTES])?;
        let server = Self::new(&keys[KEY_BYTES..], &salts[SALT_BYTES..])?;
        Ok((client, server))
    }

    fn new(key: &[u8], salt: &[u8]) -> Result<Self> {
        let rtp = Keys { key: derive(key, salt, 0, KEY_BYTES)?, salt: derive(key, salt, 2, SALT_BYTES)? };
        let rtcp = Keys { key: derive(key, salt, 3, KEY_BYTES)?, salt: derive(key, salt, 5, SALT_BYTES)? };
        Ok(Self { rtp, rtcp, rollovers: BTreeMap::new(), rtcp_index: 0 })
    }

    /// Encrypts a packet behind a header of so many bytes.
    pub fn protect(&mut self, packet: &[u8], header_bytes: usize) -> Result<Vec<u8>> {
        let (header, payload) = packet.split_at_checked(header_bytes).context("a packet has its header")?;
        let iv = self.rtp_iv(header);
        let mut tag = [0; TAG_BYTES];
        let sealed =
            encrypt_aead(Cipher::aes_128_gcm(), &self.rtp.key, Some(&iv), header, payload, &mut tag)?;
        Ok([header, &sealed, &tag].concat())
    }

    /// Authenticates and decrypts a packet's payload behind a header of so many bytes.
    pub fn open(&mut self, packet: &[u8], header_bytes: usize) -> Result<Vec<u8>> {
        ensure!(header_bytes + TAG_BYTES <= packet.len(), "a packet of {} bytes is too short", packet.len());
        let iv = self.rtp_iv(packet);
        let (header, sealed) = packet.split_at(header_bytes);
        let (sealed, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
        Ok(decrypt_aead(Cipher::aes_128_gcm(), &self.rtp.key, Some(&iv), header, sealed, tag)?)
    }

    /// Encrypts an RTCP packet.
    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>> {
        let (header, body) = packet.split_at_checked(RTCP_HEADER_BYTES).context("RTCP has 8 bytes")?;
        self.rtcp_index += 1;
        let index = (self.rtcp_index | ENCRYPTED).to_be_bytes();
        let iv = self.rtcp_iv(header, self.rtcp_index);
        let aad = [header, &index].concat();
        let mut tag = [0; TAG_BYTES];
        let sealed = encrypt_aead(Cipher::aes_128_gcm(), &self.rtcp.key, Some(&iv), &aad, body, &mut tag)?;
        Ok([header, &sealed, &tag, &index].concat())
    }

    /// Authenticates and decrypts an RTCP packet, all of it.
    pub fn open_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>> {
        ensure!(RTCP_HEADER_BYTES + TAG_BYTES + 4 <= packet.len(), "RTCP of {} bytes", packet.len());
        let (rest, index) = packet.split_at(packet.len() - 4);
        let (header, sealed) = rest.split_at(RTCP_HEADER_BYTES);
        let (sealed, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
        let number = u32::from_be_bytes(index.try_into()?) & !ENCRYPTED;
        let iv = self.rtcp_iv(header, number);
        let aad = [header, index].concat();
        let body = decrypt_aead(Cipher::aes_128_gcm(), &self.rtcp.key, Some(&iv), &aad, sealed, tag)?;
        Ok([header, &body].concat())
    }

    /// RFC 7714, section 8.1.
    fn rtp_iv(&mut self, header: &[u8]) -> [u8; SALT_BYTES] {
        let sequence = [header[2], header[3]];
        let ssrc = [header[8], header[9], header[10], header[11]];
        let count = self.rollover(u32::from_be_bytes(ssrc), u16::from_be_bytes(sequence));
        let mut iv = [0; SALT_BYTES];
        iv[2..6].copy_from_slice(&ssrc);
        iv[6..10].copy_from_slice(&count.to_be_bytes());
        iv[10..].copy_from_slice(&sequence);
        salted(iv, &self.rtp.salt)
    }

    /// RFC 7714, section 9.1.
    fn rtcp_iv(&self, header: &[u8], index: u32) -> [u8; SALT_BYTES] {
        let mut iv = [0; SALT_BYTES];
        iv[2..6].copy_from_slice(&header[4..8]);
        iv[8..].copy_from_slice(&index.to_be_bytes());
        salted(iv, &self.rtcp.salt)
    }

    fn rollover(&mut self, ssrc: u32, sequence: u16) -> u32 {
        let known = self.rollovers.entry(ssrc).or_insert(Rollover { count: 0, newest: sequence });
        let ahead = sequence.wrapping_sub(known.newest) as i16;
        if ahead < 0 {
            // From before the numbers began anew, where it is higher than the newest.
            return known.count.wrapping_sub(u32::from(known.newest < sequence));
        }
        known.count += u32::from(sequence < known.newest);
        known.newest = sequence;
        known.count
    }
}

fn salted(mut iv: [u8; SALT_BYTES], salt: &[u8]) -> [u8; SALT_BYTES] {
    iv.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    iv
}

/// RFC 3711, section 4.3: the counter mode's stream over nothing, with the label in the salt.
fn derive(key: &[u8], salt: &[u8], label: u8, bytes: usize) -> Result<Vec<u8>> {
    let mut iv = [0; 16];
    iv[..SALT_BYTES].copy_from_slice(salt);
    iv[7] ^= label;
    Ok(encrypt(Cipher::aes_128_ctr(), key, Some(&iv), &vec![0; bytes])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER_BYTES: usize = 12;

    fn pair() -> (Srtp, Srtp) {
        let keying: [u8; KEYING_BYTES] = std::array::from_fn(|at| at as u8);
        let (ours, _) = Srtp::of_client(&keying).expect("keys");
        let (theirs, _) = Srtp::of_client(&keying).expect("keys");
        (ours, theirs)
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet.extend(b"a picture");
        packet
    }

    #[test]
    fn what_is_protected_opens_also_where_numbers_begin_anew() {
        let (mut ours, mut theirs) = pair();
        for sequence in [65_534, 65_535, 0, 1] {
            let sealed = ours.protect(&packet(sequence), HEADER_BYTES).expect("sealed");
            assert_eq!(theirs.open(&sealed, HEADER_BYTES).expect("opened"), b"a picture");
        }
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let (mut ours, mut theirs) = pair();
        let mut sealed = ours.protect(&packet(1), HEADER_BYTES).expect("sealed");
        sealed[14] ^= 1;
        assert!(theirs.open(&sealed, HEADER_BYTES).is_err());
    }

    #[test]
    fn reports_open() {
        let (mut ours, mut theirs) = pair();
        let report = [0x80, 201, 0, 2, 0, 0, 0, 7, 1, 2, 3, 4];
        let sealed = ours.protect_rtcp(&report).expect("sealed");
        assert_eq!(theirs.open_rtcp(&sealed).expect("opened"), report);
    }
}
