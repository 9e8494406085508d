//! What a browser offers to send and to receive.

use std::fmt;

mod lines;

pub use lines::{Flow, IceCredentials, Line, LineKind};

/// The longest offer. A browser's twelve m-lines have about 20 KiB; one that lists more codecs has 60.
pub const OFFER_BYTES_MAX: usize = 64 * 1024;

/// Why an offer is refused before anybody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It is no session description (RFC 8866).
    #[error("The offer is no session description: it does not begin with v=0.")]
    NoDescription,
    /// Nothing but ends of lines and tabs may be in it that is no text.
    #[error("The offer has the control character U+{character:04X}, which is not allowed.")]
    Control {
        /// The character's number.
        character: u32,
    },
    /// Too many bytes.
    #[error("The offer has {bytes} bytes; {OFFER_BYTES_MAX} are allowed.")]
    TooLong {
        /// How many there were.
        bytes: usize,
    },
}

/// A session description that somebody offers; what it says is for the relay to judge.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaOffer(String);

impl MediaOffer {
    /// Takes what begins as a session description and has at most [`OFFER_BYTES_MAX`] bytes.
    pub fn parse(sdp: String) -> Result<Self, OfferError> {
        if OFFER_BYTES_MAX < sdp.len() {
            return Err(OfferError::TooLong { bytes: sdp.len() });
        }
        if !sdp.starts_with("v=0") {
            return Err(OfferError::NoDescription);
        }
        if let Some(control) = sdp.chars().find(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
            return Err(OfferError::Control { character: control.into() });
        }
        Ok(Self(sdp))
    }

    /// The description itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Addresses and passwords of a connection stand in it.
impl fmt::Debug for MediaOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaOffer(REDACTED)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_has_at_most_64_kib() {
        let offer = |bytes: usize| MediaOffer::parse(format!("v=0{}", "x".repeat(bytes - 3)));
        assert!(offer(OFFER_BYTES_MAX).is_ok());
        assert_eq!(offer(OFFER_BYTES_MAX + 1), Err(OfferError::TooLong { bytes: 65_537 }));
    }

    #[test]
    fn what_is_no_description_is_refused() {
        for text in ["", "v", "v=", "o=- 1 2", " v=0"] {
            assert_eq!(MediaOffer::parse(text.into()), Err(OfferError::NoDescription), "{text:?}");
        }
    }

    #[test]
    fn no_control_character_passes() {
        assert!(MediaOffer::parse("v=0\r\na=x:\ty\n".into()).is_ok());
        let refused = MediaOffer::parse("v=0\r\n\0".into());
        assert_eq!(refused, Err(OfferError::Control { character: 0 }));
    }

    #[test]
    fn an_offer_does_not_print_itself() {
        let offer = MediaOffer::parse("v=0\r\na=ice-pwd:secret".into()).unwrap();
        assert!(!format!("{offer:?}").contains("secret"));
    }
}
