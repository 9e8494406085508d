//! The one thing that has to be read of a STUN request (RFC 8489) before its peer is known: for whom it is.

const HEADER_BYTES: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0, 1];
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 6;

/// Whether the datagram is STUN at all (RFC 7983, section 7).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// The receiver's own user fragment in a binding request: what stands before the colon of its USERNAME (RFC 8445, section 7.2.2).
pub fn user_fragment(datagram: &[u8]) -> Option<&str> {
    let (header, mut attributes) = datagram.split_first_chunk::<HEADER_BYTES>()?;
    if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC {
        return None;
    }
    while let Some((&[t0, t1, l0, l1], rest)) = attributes.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([t0, t1]) == USERNAME {
            return std::str::from_utf8(value).ok()?.split_once(':').map(|(receiver, _)| receiver);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = [&BINDING_REQUEST[..], &[0, 0], &MAGIC, &[7; 12]].concat();
        for (kind, value) in attributes {
            bytes.extend_from_slice(&kind.to_be_bytes());
            bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
            bytes.extend_from_slice(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn the_receiver_is_named_before_the_colon() {
        let bytes = request(&[(0x8022, b"agent"), (USERNAME, b"relay1:browser")]);
        assert_eq!(user_fragment(&bytes), Some("relay1"));
        assert!(is_stun(&bytes));
    }

    #[test]
    fn every_truncated_length_names_nobody() {
        let bytes = request(&[(0x8022, b"agent"), (USERNAME, b"relay1:browser12")]);
        for length in 0..bytes.len() {
            assert_eq!(user_fragment(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_is_no_request_names_nobody() {
        let mut bytes = request(&[(USERNAME, b"relay1:browser")]);
        bytes[0] = 1;
        assert_eq!(user_fragment(&bytes), None);
        assert_eq!(user_fragment(&request(&[(USERNAME, b"no colon")])), None);
        assert_eq!(user_fragment(&request(&[(USERNAME, b"\xff:x")])), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), is_request: bool) {
            if is_request && HEADER_BYTES <= bytes.len() {
                bytes[..2].copy_from_slice(&BINDING_REQUEST);
                bytes[4..8].copy_from_slice(&MAGIC);
            }
            user_fragment(&bytes);
            is_stun(&bytes);
        }
    }
}
