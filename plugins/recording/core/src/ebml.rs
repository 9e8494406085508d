//! EBML (RFC 8794) as far as a WebM needs it: ids, sizes and values, appended to a `Vec<u8>`.

/// An element id, with its length marker, as RFC 9559 prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub u32);

/// The ids of RFC 8794 and RFC 9559 that a recording uses.
pub(crate) mod id {
    use super::Id;

    pub const EBML: Id = Id(0x1A45_DFA3);
    pub const EBML_VERSION: Id = Id(0x4286);
    pub const EBML_READ_VERSION: Id = Id(0x42F7);
    pub const EBML_MAX_ID_LENGTH: Id = Id(0x42F2);
    pub const EBML_MAX_SIZE_LENGTH: Id = Id(0x42F3);
    pub const DOC_TYPE: Id = Id(0x4282);
    pub const DOC_TYPE_VERSION: Id = Id(0x4287);
    pub const DOC_TYPE_READ_VERSION: Id = Id(0x4285);
    pub const VOID: Id = Id(0xEC);
    pub const SEGMENT: Id = Id(0x1853_8067);
    pub const SEEK_HEAD: Id = Id(0x114D_9B74);
    pub const SEEK: Id = Id(0x4DBB);
    pub const SEEK_ID: Id = Id(0x53AB);
    pub const SEEK_POSITION: Id = Id(0x53AC);
    pub const INFO: Id = Id(0x1549_A966);
    pub const TIMESTAMP_SCALE: Id = Id(0x002A_D7B1);
    pub const DURATION: Id = Id(0x4489);
    pub const DATE_UTC: Id = Id(0x4461);
    pub const MUXING_APP: Id = Id(0x4D80);
    pub const WRITING_APP: Id = Id(0x5741);
    pub const TRACKS: Id = Id(0x1654_AE6B);
    pub const TRACK_ENTRY: Id = Id(0xAE);
    pub const TRACK_NUMBER: Id = Id(0xD7);
    pub const TRACK_UID: Id = Id(0x73C5);
    pub const TRACK_TYPE: Id = Id(0x83);
    pub const FLAG_DEFAULT: Id = Id(0x88);
    pub const NAME: Id = Id(0x536E);
    pub const FLAG_LACING: Id = Id(0x9C);
    pub const LANGUAGE: Id = Id(0x0022_B59C);
    pub const CODEC_ID: Id = Id(0x86);
    pub const CODEC_PRIVATE: Id = Id(0x63A2);
    pub const CODEC_DELAY: Id = Id(0x56AA);
    pub const SEEK_PRE_ROLL: Id = Id(0x56BB);
    pub const VIDEO: Id = Id(0xE0);
    pub const PIXEL_WIDTH: Id = Id(0xB0);
    pub const PIXEL_HEIGHT: Id = Id(0xBA);
    pub const COLOUR: Id = Id(0x55B0);
    pub const MATRIX_COEFFICIENTS: Id = Id(0x55B1);
    pub const RANGE: Id = Id(0x55B9);
    pub const TRANSFER_CHARACTERISTICS: Id = Id(0x55BA);
    pub const PRIMARIES: Id = Id(0x55BB);
    pub const AUDIO: Id = Id(0xE1);
    pub const SAMPLING_FREQUENCY: Id = Id(0xB5);
    pub const CHANNELS: Id = Id(0x9F);
    pub const CLUSTER: Id = Id(0x1F43_B675);
    pub const TIMESTAMP: Id = Id(0xE7);
    pub const SIMPLE_BLOCK: Id = Id(0xA3);
    pub const CUES: Id = Id(0x1C53_BB6B);
    pub const CUE_POINT: Id = Id(0xBB);
    pub const CUE_TIME: Id = Id(0xB3);
    pub const CUE_TRACK_POSITIONS: Id = Id(0xB7);
    pub const CUE_TRACK: Id = Id(0xF7);
    pub const CUE_CLUSTER_POSITION: Id = Id(0xF1);
}

/// The largest data size that eight bytes can say; all ones is "unknown" (RFC 8794, 6.2).
pub(crate) const SIZE_MAX: u64 = (1 << 56) - 2;

pub(crate) fn put_id(out: &mut Vec<u8>, Id(id): Id) {
    let skip = id.leading_zeros() / 8;
    out.extend_from_slice(&id.to_be_bytes()[skip as usize..]);
}

/// How many bytes the shortest form of this data size takes.
pub(crate) fn size_bytes(size: u64) -> usize {
    (1..=8).find(|bytes| size < (1 << (7 * bytes)) - 1).expect("a data size is at most SIZE_MAX")
}

/// The shortest form (RFC 8794, 4).
pub(crate) fn put_size(out: &mut Vec<u8>, size: u64) {
    put_size_in(out, size, size_bytes(size));
}

/// A data size in exactly eight bytes, so that it can be changed later without moving anything.
pub(crate) fn put_long_size(out: &mut Vec<u8>, size: u64) {
    put_size_in(out, size, 8);
}

/// "Unknown", in eight bytes.
pub(crate) fn put_unknown_size(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
}

fn put_size_in(out: &mut Vec<u8>, size: u64, bytes: usize) {
    debug_assert!(size <= SIZE_MAX, "a data size is at most SIZE_MAX");
    let marked = size | 1 << (7 * bytes);
    out.extend_from_slice(&marked.to_be_bytes()[8 - bytes..]);
}

/// An unsigned integer in as few bytes as it needs, but at least one.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, id: Id, value: u64) {
    let skip = (value.leading_zeros() / 8).min(7) as usize;
    put_binary(out, id, &value.to_be_bytes()[skip..]);
}

/// An unsigned integer in exactly eight bytes.
pub(crate) fn put_long_unsigned(out: &mut Vec<u8>, id: Id, value: u64) {
    put_binary(out, id, &value.to_be_bytes());
}

/// A date: nanoseconds since the beginning of the year 2001 (RFC 8794, 7.6).
pub(crate) fn put_date(out: &mut Vec<u8>, id: Id, value: i64) {
    put_binary(out, id, &value.to_be_bytes());
}

pub(crate) fn put_float(out: &mut Vec<u8>, id: Id, value: f64) {
    put_binary(out, id, &value.to_be_bytes());
}

pub(crate) fn put_text(out: &mut Vec<u8>, id: Id, value: &str) {
    put_binary(out, id, value.as_bytes());
}

pub(crate) fn put_binary(out: &mut Vec<u8>, id: Id, value: &[u8]) {
    put_id(out, id);
    put_size(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// An element of elements.
pub(crate) fn put_master(out: &mut Vec<u8>, id: Id, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    fill(&mut body);
    put_binary(out, id, &body);
}

/// A `Void` element that takes exactly `total` bytes, its own head included; there is none of one byte.
pub(crate) fn put_void(out: &mut Vec<u8>, total: usize) {
    debug_assert!(2 <= total, "the shortest Void has two bytes");
    put_id(out, id::VOID);
    if total - 2 < 127 {
        put_size(out, total as u64 - 2);
        out.resize(out.len() + total - 2, 0);
    } else {
        put_long_size(out, total as u64 - 9);
        out.resize(out.len() + total - 9, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_keep_their_length_marker() {
        let mut out = Vec::new();
        for id in [id::VOID, id::SEEK, id::TIMESTAMP_SCALE, id::CLUSTER] {
            put_id(&mut out, id);
        }
        assert_eq!(out, [0xEC, 0x4D, 0xBB, 0x2A, 0xD7, 0xB1, 0x1F, 0x43, 0xB6, 0x75]);
    }

    /// RFC 8794, 4.4, table 1 and the reserved "unknown" below each step.
    #[test]
    fn sizes_take_the_shortest_form() {
        for (size, bytes) in [
            (0, 1),
            (126, 1),
            (127, 2),
            (16_382, 2),
            (16_383, 3),
            (2_097_150, 3),
            (2_097_151, 4),
            (SIZE_MAX, 8),
        ] {
            let mut out = Vec::new();
            put_size(&mut out, size);
            assert_eq!(out.len(), bytes, "{size}");
            assert_eq!(read_size(&out), Some((size, bytes)));
        }
    }

    #[test]
    fn a_void_has_exactly_the_length_asked_for() {
        for total in 2..400 {
            let mut out = Vec::new();
            put_void(&mut out, total);
            assert_eq!(out.len(), total);
            let (size, bytes) = read_size(&out[1..]).expect("a size");
            assert_eq!(1 + bytes + size as usize, total);
        }
    }

    proptest! {
        #[test]
        fn any_size_reads_back(size in 0..=SIZE_MAX, shift in 0_u32..56) {
            let size = size >> shift;
            let mut short = Vec::new();
            put_size(&mut short, size);
            prop_assert_eq!(read_size(&short), Some((size, short.len())));
            prop_assert_eq!(short.len(), size_bytes(size));

            let mut long = Vec::new();
            put_long_size(&mut long, size);
            prop_assert_eq!(read_size(&long), Some((size, 8)));
        }

        #[test]
        fn any_unsigned_reads_back(value: u64, shift in 0_u32..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            put_unsigned(&mut out, id::CUE_TIME, value);
            let (size, bytes) = read_size(&out[1..]).expect("a size");
            prop_assert_eq!(out.len(), 1 + bytes + size as usize);
            prop_assert_eq!(out[1 + bytes..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), value);
            prop_assert!(size == 1 || out[1 + bytes] != 0, "no leading zeros");
        }
    }

    fn read_size(bytes: &[u8]) -> Option<(u64, usize)> {
        let length = bytes.first()?.leading_zeros() as usize + 1;
        let value = bytes.get(..length)?.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let size = value & !(1 << (7 * length));
        (size != (1 << (7 * length)) - 1).then_some((size, length))
    }
}
