//! Links that show one recording to whoever has them, until an end, and with a password if there is one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::RecordingId;

/// How many bytes a key has.
pub const LINK_KEY_BYTES: usize = 32;

/// The layout of a token, and the bytes of its parts: the version, whether a password belongs to it, the recording's UUID,
/// the generation and the end (seconds since 1970), all of it signed with the first half of HMAC-SHA256 (RFC 2104, section 5).
const VERSION: u8 = 1;
const SIGNED_BYTES: usize = 1 + 1 + 16 + 4 + 8;
const SIGNATURE_BYTES: usize = 16;

/// What a link shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The recording.
    pub recording: RecordingId,
    /// Links of an earlier generation than the recording's were taken back.
    pub generation: u32,
    /// From then on it shows nothing; whole seconds.
    pub until: OffsetDateTime,
}

/// Why a link shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Cut off, mistyped, or never given out.
    #[error("This is not a link that was given out here. Ask for it again.")]
    Unknown,
    /// Its time is over.
    #[error("This link has ended. Ask for a new one.")]
    Ended,
    /// It cannot be read without.
    #[error("This recording is shown to those who know the password.")]
    PasswordNeeded,
    /// It belongs to no such link.
    #[error("The password is wrong.")]
    PasswordWrong,
}

/// What an installation signs its links with. Whoever has it can look at all recordings.
pub struct LinkKey([u8; LINK_KEY_BYTES]);

impl LinkKey {
    /// Random bytes, the same after every start.
    #[must_use]
    pub fn new(bytes: [u8; LINK_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The link as it stands in an address: letters, digits, `-` and `_`. The password is part of what is signed, and not in it, so that
    /// whoever has the link alone cannot try passwords without asking us each time.
    #[must_use]
    pub fn sign(&self, link: &Link, password: Option<&str>) -> String {
        let mut token = Vec::with_capacity(SIGNED_BYTES + SIGNATURE_BYTES);
        token.extend([VERSION, u8::from(password.is_some())]);
        token.extend(link.recording.uuid().as_bytes());
        token.extend(link.generation.to_be_bytes());
        token.extend(link.until.unix_timestamp().to_be_bytes());
        let signature = self.mac(&token, password).finalize().into_bytes();
        token.extend(&signature[..SIGNATURE_BYTES]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What a link shows now. A password that a link does not ask for is ignored.
    ///
    /// # Errors
    /// See [`LinkError`]. A forged link that says it has a password is called one with a wrong password: the two cannot be told apart.
    pub fn read(&self, token: &str, password: Option<&str>, now: OffsetDateTime) -> Result<Link, LinkError> {
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| LinkError::Unknown)?;
        let (signed, signature) = token.split_at_checked(SIGNED_BYTES).ok_or(LinkError::Unknown)?;
        let (head, rest) = signed.split_first_chunk().ok_or(LinkError::Unknown)?;
        let has_password = match head {
            [VERSION, 0] => false,
            [VERSION, 1] => true,
            _ => return Err(LinkError::Unknown),
        };
        let link = link(rest).ok_or(LinkError::Unknown)?;
        if link.until <= now {
            return Err(LinkError::Ended);
        }
        let password = match (has_password, password) {
            (false, _) => None,
            (true, None) => return Err(LinkError::PasswordNeeded),
            (true, password) => password,
        };
        if signature.len() != SIGNATURE_BYTES
            || self.mac(signed, password).verify_truncated_left(signature).is_err()
        {
            return Err(if has_password { LinkError::PasswordWrong } else { LinkError::Unknown });
        }
        Ok(link)
    }

    fn mac(&self, signed: &[u8], password: Option<&str>) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of HMAC may have any length");
        mac.chain_update(signed).chain_update(password.unwrap_or_default())
    }
}

/// The key is nobody's business.
impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

fn link(bytes: &[u8]) -> Option<Link> {
    let (recording, rest) = bytes.split_first_chunk()?;
    let (generation, rest) = rest.split_first_chunk()?;
    let until = i64::from_be_bytes(rest.try_into().ok()?);
    Some(Link {
        recording: RecordingId::new(Uuid::from_bytes(*recording)),
        generation: u32::from_be_bytes(*generation),
        until: OffsetDateTime::from_unix_timestamp(until).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-31 10:00 UTC);
    const LINK: Link = Link {
        recording: RecordingId::new(Uuid::from_u128(7)),
        generation: 3,
        until: datetime!(2026-02-07 10:00 UTC),
    };

    fn key() -> LinkKey {
        LinkKey::new([5; LINK_KEY_BYTES])
    }

    #[test]
    fn a_link_shows_what_it_was_given_out_for() {
        let token = key().sign(&LINK, None);
        assert_eq!(key().read(&token, None, NOW), Ok(LINK));
        assert_eq!(key().read(&token, Some("not asked for"), NOW), Ok(LINK));
        assert_eq!(key().read(&token, None, LINK.until), Err(LinkError::Ended));
        assert_eq!(LinkKey::new([6; 32]).read(&token, None, NOW), Err(LinkError::Unknown));
    }

    #[test]
    fn a_password_is_asked_for() {
        let token = key().sign(&LINK, Some("sesame"));
        assert_eq!(key().read(&token, None, NOW), Err(LinkError::PasswordNeeded));
        assert_eq!(key().read(&token, Some("Sesame"), NOW), Err(LinkError::PasswordWrong));
        assert_eq!(key().read(&token, Some(""), NOW), Err(LinkError::PasswordWrong));
        assert_eq!(key().read(&token, Some("sesame"), NOW), Ok(LINK));
        assert_eq!(key().read(&token, None, LINK.until), Err(LinkError::Ended));
    }

    #[test]
    fn no_byte_of_a_link_can_be_changed() {
        let token = URL_SAFE_NO_PAD.decode(key().sign(&LINK, None)).expect("it is base64");
        for at in 0..token.len() {
            let mut other = token.clone();
            other[at] ^= 1;
            assert!(key().read(&URL_SAFE_NO_PAD.encode(&other), None, NOW).is_err(), "byte {at}");
            assert!(key().read(&URL_SAFE_NO_PAD.encode(&token[..at]), None, NOW).is_err(), "{at} bytes");
        }
        let longer = [&token[..], &[0]].concat();
        assert_eq!(key().read(&URL_SAFE_NO_PAD.encode(longer), None, NOW), Err(LinkError::Unknown));
    }

    proptest! {
        #[test]
        fn nothing_is_taken_for_a_link(text in ".{0,100}", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(key().read(&text, Some(""), NOW).is_err());
            prop_assert!(key().read(&URL_SAFE_NO_PAD.encode(bytes), None, NOW).is_err());
        }
    }
}
