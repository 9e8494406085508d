//! The VP8 payload descriptor (RFC 7741, section 4.2): what a relay reads of a packet, and the few bytes that it rewrites.

use str0m::rtp::{Vp8Descriptor, Vp8Patch};
use thiserror::Error;

/// Picture ids count to this, then begin anew.
const WIDE_PICTURE_IDS: u64 = 1 << 15;
/// The same where the descriptor has one byte for them.
const NARROW_PICTURE_IDS: u64 = 1 << 7;
/// From the start of a frame to the height in a key frame's header (RFC 6386, section 9.1): tag, start code, width.
const KEY_FRAME_HEADER_BYTES: usize = 10;

/// Why a payload is no VP8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DescriptorError {
    /// It ends too early.
    #[error("the VP8 payload ends inside its descriptor: {bytes} bytes are too few")]
    Short {
        /// What there was.
        bytes: usize,
    },
    /// TL0PICIDX without TID.
    #[error("the VP8 descriptor has a TL0PICIDX but no temporal layer")]
    NoTemporalLayer,
}

/// Width and height of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
}

/// The temporal layer of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    /// 0 is needed by all.
    pub layer: u8,
    /// It depends on layer 0 alone, so whoever had only that can go on from here.
    pub sync: bool,
}

/// What the descriptor of one packet says.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The first packet of a frame.
    pub starts_frame: bool,
    /// The picture id and how many of them there are.
    pub picture: Option<PictureId>,
    /// Number of the last frame of temporal layer 0.
    pub tl0: Option<u8>,
    /// Which temporal layer the frame is of.
    pub temporal: Option<Temporal>,
    /// Its length; the frame's bytes follow.
    pub bytes: usize,
    /// The same as str0m reads it, to write what changes while it copies the packet.
    inner: Vp8Descriptor,
}

/// A picture id as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// The number.
    pub value: u16,
    /// It has two bytes.
    pub is_wide: bool,
}

impl PictureId {
    /// The number without its wrapping, as near to the one before as it can be.
    pub fn extend(self, before: Option<u64>) -> u64 {
        let count = if self.is_wide { WIDE_PICTURE_IDS } else { NARROW_PICTURE_IDS };
        extend(u64::from(self.value), count, before)
    }

    fn wrap(self, number: u64) -> u16 {
        let count = if self.is_wide { WIDE_PICTURE_IDS } else { NARROW_PICTURE_IDS };
        (number % count) as u16
    }
}

/// The number that is `value` modulo `count` and nearest to `before`. The first is put one turn ahead, so that what came just before it is
/// above zero.
pub(crate) fn extend(value: u64, count: u64, before: Option<u64>) -> u64 {
    let Some(before) = before else {
        return value + count;
    };
    let forward = (value + count - before % count) % count;
    if forward <= count / 2 { before + forward } else { (before + forward).saturating_sub(count) }
}

impl Descriptor {
    /// Reads the beginning of an RTP payload.
    pub fn parse(payload: &[u8]) -> Result<Self, DescriptorError> {
        let short = DescriptorError::Short { bytes: payload.len() };
        let mut rest = payload.iter().copied();
        let mut next = || rest.next().ok_or(short);

        let required = next()?;
        let extension = if required & 0x80 != 0 { next()? } else { 0 };
        let (has_picture, has_tl0) = (extension & 0x80 != 0, extension & 0x40 != 0);
        let (has_tid, has_key_index) = (extension & 0x20 != 0, extension & 0x10 != 0);
        if has_tl0 && !has_tid {
            return Err(DescriptorError::NoTemporalLayer);
        }
        let picture = if has_picture {
            let first = next()?;
            Some(match first & 0x80 {
                0 => PictureId { value: u16::from(first), is_wide: false },
                _ => PictureId { value: u16::from_be_bytes([first & 0x7f, next()?]), is_wide: true },
            })
        } else {
            None
        };
        let tl0 = if has_tl0 { Some(next()?) } else { None };
        let last = if has_tid || has_key_index { next()? } else { 0 };
        let temporal = has_tid.then_some(Temporal { layer: last >> 6, sync: last & 0x20 != 0 });
        let bytes = payload.len() - rest.len();
        let inner = Vp8Descriptor::parse(payload).map_err(|_| short)?;

        Ok(Self { starts_frame: required & 0x17 == 0x10, picture, tl0, temporal, bytes, inner })
    }

    /// The size of the picture if a key frame starts here (RFC 6386, section 9.1).
    pub fn key_frame(&self, payload: &[u8]) -> Option<FrameSize> {
        if !self.starts_frame {
            return None;
        }
        let header = payload.get(self.bytes..)?.first_chunk::<KEY_FRAME_HEADER_BYTES>()?;
        let &[tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = header else {
            return None;
        };
        // The lowest bit of the tag is 0 for key frames; the two highest of each size are a scale.
        (tag & 1 == 0).then(|| FrameSize {
            width: u16::from_le_bytes([w0, w1 & 0x3f]),
            height: u16::from_le_bytes([h0, h1 & 0x3f]),
        })
    }

    /// The bytes to change for other numbers; fields that the packet does not have stay away.
    pub fn patch(&self, picture: u64, tl0: u8) -> Vp8Patch {
        let mut patch = self.inner.patch();
        if let Some(id) = self.picture {
            patch = patch.picture_id(id.wrap(picture));
        }
        if self.tl0.is_some() {
            patch = patch.tl0_pic_idx(tl0);
        }
        patch.build().expect("only fields that are there are asked for, with numbers that fit")
    }

    /// Writes other numbers into a copy of the payload that was read.
    pub fn rewrite(&self, payload: &mut [u8], picture: u64, tl0: u8) {
        // The required and the extension byte come first.
        let mut at = 2;
        if let Some(id) = self.picture {
            let value = id.wrap(picture);
            match (id.is_wide, payload.get_mut(at..)) {
                (true, Some([high, low, ..])) => {
                    [*high, *low] = (value | 0x8000).to_be_bytes();
                    at += 2;
                }
                (false, Some([only, ..])) => {
                    *only = value as u8;
                    at += 1;
                }
                _ => return,
            }
        }
        if self.tl0.is_some()
            && let Some(byte) = payload.get_mut(at)
        {
            *byte = tl0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A key frame of 640 x 480 with everything that a descriptor can have: the required byte, the extension, two of picture id,
    /// TL0PICIDX, TID/Y/KEYIDX; then tag, start code and size.
    fn key() -> Vec<u8> {
        let descriptor = [0x90, 0xf0, 0x92, 0x34, 0x07, 0x60];
        let frame = [0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
        [&descriptor[..], &frame[..]].concat()
    }

    #[test]
    fn all_fields_are_read() {
        let bytes = key();
        let descriptor = Descriptor::parse(&bytes).expect("it is whole");
        assert!(descriptor.starts_frame);
        assert_eq!(descriptor.picture, Some(PictureId { value: 0x1234, is_wide: true }));
        assert_eq!(descriptor.tl0, Some(7));
        assert_eq!(descriptor.temporal, Some(Temporal { layer: 1, sync: true }));
        assert_eq!(descriptor.bytes, 6);
        assert_eq!(descriptor.key_frame(&bytes), Some(FrameSize { width: 640, height: 480 }));
    }

    #[test]
    fn every_truncated_length_is_refused_or_has_no_key_frame() {
        let bytes = key();
        for length in 0..bytes.len() {
            match Descriptor::parse(&bytes[..length]) {
                Ok(descriptor) => assert_eq!(descriptor.key_frame(&bytes[..length]), None, "{length}"),
                Err(error) => assert_eq!(error, DescriptorError::Short { bytes: length }),
            }
        }
    }

    #[test]
    fn a_level_zero_index_needs_a_layer() {
        let refused = Descriptor::parse(&[0x90, 0x40, 1, 2]).map(|_| ());
        assert_eq!(refused, Err(DescriptorError::NoTemporalLayer));
    }

    #[test]
    fn rewritten_numbers_are_read_back() {
        let mut bytes = key();
        let descriptor = Descriptor::parse(&bytes).expect("it is whole");
        descriptor.rewrite(&mut bytes, WIDE_PICTURE_IDS + 5, 9);
        let again = Descriptor::parse(&bytes).expect("it is whole still");
        assert_eq!(again.picture, Some(PictureId { value: 5, is_wide: true }));
        assert_eq!((again.tl0, again.temporal), (Some(9), descriptor.temporal));
        assert_eq!(again.key_frame(&bytes), descriptor.key_frame(&key()));
    }

    #[test]
    fn picture_ids_go_on_where_they_wrap() {
        let id = |value| PictureId { value, is_wide: true };
        let first = id(0x7ffe).extend(None);
        assert_eq!(id(1).extend(Some(first)), first + 3);
        assert_eq!(id(0x7ffe).extend(Some(first + 3)), first);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..40), picture: u16, tl0: u8) {
            if let Ok(descriptor) = Descriptor::parse(&payload) {
                descriptor.key_frame(&payload);
                descriptor.patch(u64::from(picture), tl0);
                let mut copy = payload.clone();
                descriptor.rewrite(&mut copy, u64::from(picture), tl0);
                let again = Descriptor::parse(&copy).expect("rewriting keeps the fields");
                prop_assert_eq!(again.bytes, descriptor.bytes);
                prop_assert_eq!(&copy[descriptor.bytes..], &payload[descriptor.bytes..]);
            }
        }
    }
}
