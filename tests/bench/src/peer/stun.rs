//! STUN binding requests with ICE's attributes (RFC 8489, RFC 8445), and whether an answer is one.

use std::net::SocketAddrV4;

use anyhow::Result;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::sdp::Credentials;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const COOKIE: u32 = 0x2112_A442;
const HEADER_BYTES: usize = 20;
const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const CONTROLLING: u16 = 0x802A;
const MAPPED: u16 = 0x0020;
const IPV4: u8 = 1;
const INTEGRITY_BYTES: usize = 20;
const FINGERPRINT: u16 = 0x8028;
const FINGERPRINT_BYTES: usize = 4;
const FINGERPRINT_MASK: u32 = 0x5354_554e;
/// A host candidate's (RFC 8445, section 5.1.2.2).
const HOST_PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

/// A request that nominates this way, and keeps the consent.
pub fn request(ours: &Credentials, theirs: &Credentials, number: u32) -> Result<Vec<u8>> {
    let mut message = Vec::with_capacity(128);
    message.extend(BINDING_REQUEST.to_be_bytes());
    message.extend([0, 0]);
    message.extend(COOKIE.to_be_bytes());
    message.extend([0; 8]);
    message.extend(number.to_be_bytes());
    attribute(&mut message, USERNAME, format!("{}:{}", theirs.fragment, ours.fragment).as_bytes());
    attribute(&mut message, PRIORITY, &HOST_PRIORITY.to_be_bytes());
    attribute(&mut message, CONTROLLING, &u64::from(number).to_be_bytes());
    attribute(&mut message, USE_CANDIDATE, &[]);
    sign(message, theirs)
}

/// The answer to their request, if it is one: Janus asks even where it is lite. Who they are is not asked, as nothing hangs on it.
pub fn answer(datagram: &[u8], ours: &Credentials, theirs: SocketAddrV4) -> Result<Option<Vec<u8>>> {
    if HEADER_BYTES <= datagram.len() && datagram.starts_with(&BINDING_REQUEST.to_be_bytes()) {
        let mut message = datagram[..HEADER_BYTES].to_vec();
        message[..2].copy_from_slice(&BINDING_SUCCESS.to_be_bytes());
        let [high, low, ..] = COOKIE.to_be_bytes();
        let [port_high, port_low] = theirs.port().to_be_bytes();
        let ip = theirs.ip().to_bits() ^ COOKIE;
        let mapped = [&[0, IPV4, port_high ^ high, port_low ^ low], &ip.to_be_bytes()[..]].concat();
        attribute(&mut message, MAPPED, &mapped);
        return sign(message, ours).map(Some);
    }
    Ok(None)
}

/// Completes a message with whose password signs it.
fn sign(mut message: Vec<u8>, whose: &Credentials) -> Result<Vec<u8>> {
    // The length counts what is covered and the attribute itself.
    announce(&mut message, INTEGRITY_BYTES);
    let key = PKey::hmac(whose.password.as_bytes())?;
    let signature = Signer::new(MessageDigest::sha1(), &key)?.sign_oneshot_to_vec(&message)?;
    attribute(&mut message, INTEGRITY, &signature);
    announce(&mut message, FINGERPRINT_BYTES);
    let fingerprint = crc32(&message) ^ FINGERPRINT_MASK;
    attribute(&mut message, FINGERPRINT, &fingerprint.to_be_bytes());
    Ok(message)
}

/// Whether this says that a request was liked.
pub fn is_success(datagram: &[u8]) -> bool {
    datagram.starts_with(&BINDING_SUCCESS.to_be_bytes())
}

/// Writes the length that the message has with one more attribute of so many bytes.
fn announce(message: &mut [u8], bytes: usize) {
    let length = message.len() - HEADER_BYTES + 4 + bytes;
    message[2..4].copy_from_slice(&(length as u16).to_be_bytes());
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The one of ISO 3309; requests are few, so it goes bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_iso_3309() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
