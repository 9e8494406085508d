//! Cuts messages out of a TCP or TLS stream (RFC 3261, section 18.3).

use thiserror::Error;

use crate::message::{MESSAGE_BYTES_MAX, content_length, find};

/// Why a stream is given up: where its next message begins can't be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Longer than any message may be.
    #[error("a message in a stream is longer than {MESSAGE_BYTES_MAX} bytes")]
    Long,
    /// A stream needs it.
    #[error("a message in a stream has no good Content-Length")]
    Length,
}

/// What of a stream has not been read yet.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
}

/// What is next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Vec<u8>),
    /// RFC 5626, section 3.5.1: it is answered by one line end.
    Ping,
}

impl Framer {
    /// More of the stream; then [`Self::cut`] until there is nothing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message that is here as a whole.
    pub fn cut(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.bytes.starts_with(b"\r\n\r\n") {
            self.bytes.drain(..4);
            return Ok(Some(Frame::Ping));
        }
        // Single line ends between messages are nothing; of two the first may be all that is here.
        while self.bytes.starts_with(b"\r\n") && 2 < self.bytes.len() && self.bytes[2] != b'\r' {
            self.bytes.drain(..2);
        }
        let Some(end) = find(&self.bytes, b"\r\n\r\n") else {
            return if MESSAGE_BYTES_MAX < self.bytes.len() { Err(FrameError::Long) } else { Ok(None) };
        };
        let length = length(&self.bytes[..end]).ok_or(FrameError::Length)?;
        let whole = end + 4 + length;
        if MESSAGE_BYTES_MAX < whole {
            return Err(FrameError::Long);
        }
        if self.bytes.len() < whole {
            return Ok(None);
        }
        Ok(Some(Frame::Message(self.bytes.drain(..whole).collect())))
    }
}

fn length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head);
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim().to_ascii_lowercase();
        matches!(name.as_str(), "content-length" | "l").then(|| value.trim().to_owned())
    };
    let mut values = head.split("\r\n").filter_map(field);
    let first = values.next()?;
    // Two that differ would let one sender's body be taken for another's message.
    values.all(|value| value == first).then(|| content_length(&first)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_wherever_the_stream_is_torn() {
        let stream = b"OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabc\r\n\r\n\r\nBYE sip:a SIP/2.0\r\nContent-Length : 0\r\n\r\n";
        for size in 1..stream.len() {
            let mut framer = Framer::default();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                framer.push(piece);
                while let Some(frame) = framer.cut().expect("a good stream") {
                    if let Frame::Message(message) = frame {
                        messages.push(message);
                    }
                }
            }
            assert_eq!(messages.len(), 2, "in pieces of {size}");
            assert!(messages[0].ends_with(b"abc") && messages[1].starts_with(b"BYE"), "in pieces of {size}");
        }
    }

    #[test]
    fn a_stream_that_cannot_be_cut_is_given_up() {
        for (stream, error) in [
            ("BYE sip:a SIP/2.0\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: -1\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: 16384\r\n\r\n", FrameError::Long),
        ] {
            let mut framer = Framer::default();
            framer.push(stream.as_bytes());
            assert_eq!(framer.cut(), Err(error), "{stream}");
        }
        let mut framer = Framer::default();
        framer.push(&[b'x'; MESSAGE_BYTES_MAX]);
        assert_eq!(framer.cut(), Ok(None));
        framer.push(b"x");
        assert_eq!(framer.cut(), Err(FrameError::Long));
    }
}
