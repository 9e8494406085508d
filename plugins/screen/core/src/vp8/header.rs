//! What a frame says of itself before it is decoded: RFC 6386, 9.1.

/// Longest side of a frame: 14 bits stand for it.
pub const SIDE_MAX: u16 = 16_383;

/// The frame tag: key frame or not, profile, shown or not, and the length of the first partition.
const TAG_BYTES: usize = 3;
/// Behind the tag of a key frame: the start code, width and height.
const KEY_BYTES: usize = 7;
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// Profiles above this one are reserved.
const PROFILE_MAX: u8 = 3;
/// The upper two bits of a side ask for an upscaling, which nobody does.
const SIDE_BITS: u16 = 0x3fff;

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Vp8Error {
    /// Its header is not that of a frame that is shown.
    #[error("these {bytes} bytes do not begin like a VP8 frame that is shown")]
    NotVp8 {
        /// Length of what came.
        bytes: usize,
    },
    /// It is larger or smaller than its place.
    #[error("the VP8 key frame has {width} x {height} pixels, which is not the size of its place")]
    OtherSize {
        /// Pixels a row, as the frame says.
        width: u16,
        /// Rows, as the frame says.
        height: u16,
    },
    /// It is larger than anybody's camera.
    #[error("the VP8 key frame has {width} x {height} pixels, which is too large")]
    TooLarge {
        /// Pixels a row, as the frame says.
        width: u16,
        /// Rows, as the frame says.
        height: u16,
    },
    /// It continues a film whose key frame was not seen.
    #[error("the VP8 frame needs a key frame before it")]
    NoKeyFrame,
    /// It has a good header, and then does not decode.
    #[error("the VP8 frame is damaged")]
    Damaged,
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It stands alone, and has this size.
    Key {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// It changes the frame before it.
    Inter,
}

impl Header {
    /// Reads it; a frame that is not to be shown, or that asks for upscaling, is refused: a film has none.
    pub fn parse(frame: &[u8]) -> Result<Self, Vp8Error> {
        match Self::parse_any(frame)? {
            (header, true) => Ok(header),
            (_, false) => Err(Vp8Error::NotVp8 { bytes: frame.len() }),
        }
    }

    /// Reads it, and whether the frame is to be shown.
    pub(super) fn parse_any(frame: &[u8]) -> Result<(Self, bool), Vp8Error> {
        let refused = Vp8Error::NotVp8 { bytes: frame.len() };
        let (&[tag, tag1, tag2], rest) = frame.split_first_chunk::<TAG_BYTES>().ok_or(refused)?;
        let first_partition = usize::from(tag >> 5) | usize::from(tag1) << 3 | usize::from(tag2) << 11;
        let (is_inter, profile, is_shown) = (tag & 1 == 1, tag >> 1 & 7, tag >> 4 & 1 == 1);
        if PROFILE_MAX < profile {
            return Err(refused);
        }
        if is_inter {
            return if first_partition <= rest.len() { Ok((Self::Inter, is_shown)) } else { Err(refused) };
        }
        let (&[code0, code1, code2, w0, w1, h0, h1], rest) =
            rest.split_first_chunk::<KEY_BYTES>().ok_or(refused)?;
        let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
        let is_plain = [code0, code1, code2] == START_CODE
            && (1..=SIDE_BITS).contains(&width)
            && (1..=SIDE_BITS).contains(&height);
        if !is_plain || rest.len() < first_partition {
            return Err(refused);
        }
        Ok((Self::Key { width, height }, is_shown))
    }

    /// Whether the frame stands alone.
    pub fn is_key(self) -> bool {
        matches!(self, Self::Key { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 11] = [0x30, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 0xaa];

    #[test]
    fn a_key_frame_tells_its_size() {
        assert_eq!(Header::parse(&KEY), Ok(Header::Key { width: 320, height: 240 }));
        assert_eq!(Header::parse(&[0x31, 0, 0, 0]), Ok(Header::Inter));
    }

    #[test]
    fn every_cut_header_is_refused() {
        for length in 0..KEY.len() {
            assert!(Header::parse(&KEY[..length]).is_err(), "{length} bytes");
        }
        assert!(Header::parse(&[0x31, 0, 0]).is_err(), "a partition of one byte that is not there");
    }

    #[test]
    fn hidden_scaled_and_foreign_frames_are_refused() {
        let altered = |at: usize, value: u8| {
            let mut frame = KEY;
            frame[at] = value;
            Header::parse(&frame)
        };
        for (at, value) in [(0, 0x20), (0, 0x38), (3, 0), (5, 0x2b), (7, 0x41), (9, 0x80)] {
            assert_eq!(altered(at, value), Err(Vp8Error::NotVp8 { bytes: 11 }), "byte {at} is {value:#04x}");
        }
        let mut no_rows = KEY;
        no_rows[8..10].fill(0);
        assert!(Header::parse(&no_rows).is_err());
    }
}
