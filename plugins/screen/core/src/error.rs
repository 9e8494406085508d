//! Why a stream is refused: one sentence each, with the offending number in it.

use crate::{RECORD_BODY_BYTES_MAX, Rect, UPDATE_BYTES_MAX, UPDATE_RECORDS_MAX, UPDATE_SCREENS_MAX, VERSION};

/// Why a stream was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The stream does not begin with `Start`, or `Start` has another magic.
    #[error(
        "this is not a screen stream: it does not begin with a Start record (kind {kind:#04x} came first)"
    )]
    NotAScreenStream {
        /// The first record's kind.
        kind: u8,
    },
    /// The stream is of a version that this reader does not know.
    #[error("the screen stream has version {version}; this reader knows version {VERSION}")]
    UnknownVersion {
        /// The version in `Start`.
        version: u8,
    },
    /// A kind that must not be skipped.
    #[error("record kind {kind:#04x} is not known and must not be skipped")]
    UnknownKind {
        /// The record's kind.
        kind: u8,
    },
    /// A body over [`RECORD_BODY_BYTES_MAX`].
    #[error("a record of kind {kind:#04x} claims {length} bytes; the most is {RECORD_BODY_BYTES_MAX}")]
    BodyTooLong {
        /// The record's kind.
        kind: u8,
        /// The length that it claims.
        length: u32,
    },
    /// A body whose length does not fit its kind.
    #[error("a record of kind {kind:#04x} has {length} bytes, which does not fit that kind")]
    BadLength {
        /// The record's kind.
        kind: u8,
        /// The body's length.
        length: usize,
    },
    /// A screen of no pixels, or of too many.
    #[error("a screen of {width} x {height} pixels is outside of the limits")]
    BadSize {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A record that paints before any `Size`.
    #[error("a record of kind {kind:#04x} came before the screen's size")]
    NoSize {
        /// The record's kind.
        kind: u8,
    },
    /// An empty rectangle, or one beyond the screen.
    #[error("the rectangle {rect:?} is empty or beyond the screen")]
    BadRect {
        /// The rectangle, as it came.
        rect: Rect,
    },
    /// A picture over [`crate::PICTURE_SIDE_MAX`], a film over [`crate::FILM_AREA_MAX`] or a cursor over [`crate::CURSOR_SIDE_MAX`].
    #[error("a picture of {width} x {height} pixels is too large")]
    PictureTooLarge {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A picture that does not decode, or whose own size is not its rectangle's.
    #[error("a picture for {width} x {height} pixels is not a WebP file of that size")]
    BadPicture {
        /// Pixels a row, as the record says.
        width: u16,
        /// Rows, as the record says.
        height: u16,
    },
    /// A frame of a film that does not decode, whose own size is not its rectangle's, or whose film was not begun.
    #[error(
        "a frame of a film for {width} x {height} pixels is not VP8 of that size, or does not continue the film of its rectangle"
    )]
    BadVideo {
        /// Pixels a row, as the record says.
        width: u16,
        /// Rows, as the record says.
        height: u16,
    },
    /// A `Keep` that does not follow a picture, or whose key is there.
    #[error("a Keep of key {key:#018x} does not follow a picture, or that key is kept already")]
    BadKeep {
        /// The key.
        key: u64,
    },
    /// A `Recall` of what is not kept, or has another size.
    #[error("no picture of {width} x {height} pixels is kept under the key {key:#018x}")]
    UnknownKey {
        /// The key.
        key: u64,
        /// Pixels a row, as the record says.
        width: u16,
        /// Rows, as the record says.
        height: u16,
    },
    /// A flag that is neither 0 nor 1.
    #[error("the cursor's visibility is {value}; it is 0 or 1")]
    BadFlag {
        /// The value that came.
        value: u8,
    },
    /// More records, bytes or painted pixels in one update than the limits.
    #[error(
        "an update has more than {UPDATE_RECORDS_MAX} records or {UPDATE_BYTES_MAX} bytes, or paints more than {UPDATE_SCREENS_MAX} screens"
    )]
    UpdateTooLong,
    /// The stream ended inside a record.
    #[error("the screen stream ends inside a record: {missing} more bytes were to come")]
    Truncated {
        /// Bytes that are missing from the record (or from its header).
        missing: usize,
    },
}

impl StreamError {
    /// The name that the test vectors use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAScreenStream { .. } => "not-a-screen-stream",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnknownKind { .. } => "unknown-kind",
            Self::BodyTooLong { .. } => "body-too-long",
            Self::BadLength { .. } => "bad-length",
            Self::BadSize { .. } => "bad-size",
            Self::NoSize { .. } => "no-size",
            Self::BadRect { .. } => "bad-rect",
            Self::PictureTooLarge { .. } => "picture-too-large",
            Self::BadPicture { .. } => "bad-picture",
            Self::BadVideo { .. } => "bad-video",
            Self::BadKeep { .. } => "bad-keep",
            Self::UnknownKey { .. } => "unknown-key",
            Self::BadFlag { .. } => "bad-flag",
            Self::UpdateTooLong => "update-too-long",
            Self::Truncated { .. } => "truncated",
        }
    }
}
