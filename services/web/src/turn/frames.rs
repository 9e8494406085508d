//! Where messages begin and end in a stream (RFC 8656, sections 3.1 and 12.5).

/// A STUN message's head, with its magic cookie (RFC 8489, section 5).
const HEAD_BYTES: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Whether a client that says this first speaks STUN: two zero bits and the cookie. HTTP begins with a letter.
pub(crate) fn is_turn(first: &[u8]) -> bool {
    let is_stun = first.first().is_some_and(|byte| byte >> 6 == 0);
    // A first record with less than a head is nothing that a client sends.
    is_stun && first.get(4..8) == Some(&COOKIE[..])
}

/// This is neither a STUN message nor channel data.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("A message begins with the byte {0:#04x}, which is neither STUN nor a channel.")]
pub(super) struct NoFrame(u8);

/// How long the first message is, and how much of the stream it takes, once all of it is there.
pub(super) fn first_frame(stream: &[u8]) -> Result<Option<(usize, usize)>, NoFrame> {
    let &[first, _, high, low, ..] = stream else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (bytes, taken) = match first >> 6 {
        0 => (HEAD_BYTES + length, HEAD_BYTES + length),
        // Over TCP and TLS channel data is filled up to a multiple of four bytes.
        1 => (4 + length, 4 + length.next_multiple_of(4)),
        _ => return Err(NoFrame(first)),
    };
    Ok((taken <= stream.len()).then_some((bytes, taken)))
}

/// As it goes over a stream.
pub(super) fn fill_up(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stun_is_told_from_http() {
        let mut stun = vec![0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        assert!(is_turn(&stun));
        stun[4] = 0;
        assert!(!is_turn(&stun));
        for other in [&b""[..], b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n", &[0, 3], &[0; 8]] {
            assert!(!is_turn(other));
        }
    }

    #[test]
    fn a_frame_is_there_when_all_of_it_is() {
        let stun: Vec<u8> = [&[0, 1, 0, 4][..], &[0; 20]].concat();
        let channel = [0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        for length in 0..stun.len() {
            assert_eq!(first_frame(&stun[..length]), Ok(None));
        }
        for length in 0..channel.len() {
            assert_eq!(first_frame(&channel[..length]), Ok(None));
        }
        assert_eq!(first_frame(&stun), Ok(Some((24, 24))));
        assert_eq!(first_frame(&channel), Ok(Some((9, 12))));
        assert_eq!(first_frame(&[0x80, 0, 0, 0]), Err(NoFrame(0x80)));
        assert_eq!(fill_up(channel[..9].to_vec()), channel);
    }
}
