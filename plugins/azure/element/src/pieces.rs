//! What the buffers of a stream are: bytes that are cut as we like, or blocks that somebody has cut before.

/// What a buffer says of itself besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// It is a header.
    pub header: bool,
    /// Its offset, if it has one.
    pub offset: Option<u64>,
    /// The end of that.
    pub offset_end: Option<u64>,
}

/// What to do with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The stream's next bytes.
    Bytes,
    /// The next block, whole.
    Block,
    /// It comes in the place of block 0 when the stream ends.
    FirstAgain,
    /// Bytes that are written over the ones from there on.
    Over {
        /// Where in the stream.
        at: u64,
    },
}

/// Tells the kinds of a stream's buffers, and counts its bytes.
///
/// `meetingrecorder` gives blocks: their offsets are their numbers, not bytes, so its first buffer is a header from 0 to 1 that is longer than
/// one byte. A header at 0 that comes later replaces the first.
#[derive(Debug, Default)]
pub struct Pieces {
    position: u64,
    /// Where upstream has gone to, when that is not where the stream goes on.
    elsewhere: Option<u64>,
    blocks: bool,
}

impl Pieces {
    /// Upstream goes on there.
    pub fn go_to(&mut self, at: u64) {
        self.elsewhere = Some(at).filter(|&at| at != self.position);
    }

    /// Takes the stream's next buffer.
    pub fn take(&mut self, mark: Mark, bytes: u64) -> Kind {
        if let Some(elsewhere) = &mut self.elsewhere {
            let at = *elsewhere;
            *elsewhere += bytes;
            return Kind::Over { at };
        }
        let first = mark.header && mark.offset == Some(0);
        if self.position == 0 {
            self.blocks = first && mark.offset_end == Some(1) && 1 < bytes;
        } else if self.blocks && first {
            return Kind::FirstAgain;
        }
        self.position += bytes;
        if self.blocks { Kind::Block } else { Kind::Bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(header: bool, offset: u64, offset_end: u64) -> Mark {
        Mark { header, offset: Some(offset), offset_end: Some(offset_end) }
    }

    #[test]
    fn the_recorders_blocks_are_kept_as_they_are() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.take(mark(true, 0, 1), 300), Kind::Block);
        assert_eq!(pieces.take(mark(false, 1, 2), 9000), Kind::Block);
        assert_eq!(pieces.take(mark(true, 0, 2), 700), Kind::FirstAgain);
        assert_eq!(pieces.position, 9300);
    }

    #[test]
    fn a_muxer_goes_back_and_comes_again() {
        let plain = Mark { header: false, offset: None, offset_end: None };
        let mut pieces = Pieces::default();
        pieces.go_to(0);
        assert_eq!(pieces.take(plain, 100), Kind::Bytes);
        pieces.go_to(4);
        assert_eq!(pieces.take(plain, 4), Kind::Over { at: 4 });
        assert_eq!(pieces.take(plain, 4), Kind::Over { at: 8 });
        pieces.go_to(100);
        assert_eq!(pieces.take(plain, 7), Kind::Bytes);
        assert_eq!(pieces.position, 107);
    }

    #[test]
    fn other_streams_are_bytes() {
        let nothing = Mark { header: true, offset: None, offset_end: None };
        for first in [mark(true, 0, 300), mark(false, 0, 1), nothing, mark(true, 7, 8)] {
            let mut pieces = Pieces::default();
            assert_eq!(pieces.take(first, 300), Kind::Bytes);
            // A muxer's second header is no block 0.
            assert_eq!(pieces.take(mark(true, 0, 1), 300), Kind::Bytes);
            assert_eq!(pieces.position, 600);
        }
        assert_eq!(Pieces::default().take(mark(true, 0, 1), 1), Kind::Bytes);
    }
}
