//! The tracks of a recording, and how they are described in the file.

use std::time::Duration;

use crate::ebml::{self, id};
use crate::{OpusHead, RecordingError};

/// Track numbers take one byte in every frame's head (RFC 9559, 10.1): 127 is "unknown".
pub const TRACKS_MAX: usize = 126;
/// VP8 says each side in 14 bits (RFC 6386, 9.1).
pub const SIDE_PIXELS_MAX: u32 = 16_383;

/// What a decoder should read before a point it seeks to; RFC 7845, 4.6 recommends 80 ms.
const OPUS_PRE_ROLL: Duration = Duration::from_millis(80);

/// The size of a recorded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSize {
    width: u32,
    height: u32,
}

impl VideoSize {
    /// In pixels, each side 1 to [`SIDE_PIXELS_MAX`].
    pub fn new(width: u32, height: u32) -> Result<Self, RecordingError> {
        let fits = 1..=SIDE_PIXELS_MAX;
        if !fits.contains(&width) || !fits.contains(&height) {
            return Err(RecordingError::PictureSize { width, height });
        }
        Ok(Self { width, height })
    }

    /// In pixels.
    pub fn width(self) -> u32 {
        self.width
    }

    /// In pixels.
    pub fn height(self) -> u32 {
        self.height
    }
}

/// Where a picture of one size stands in another: as large as it fits, in the middle, its shape kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Placement {
    /// Of a picture with this shape, in the size of the recording. All coordinates are even, as pictures in
    /// I420 share colours between two pixels, except where the picture fills a side.
    pub fn fit(picture: VideoSize, into: VideoSize) -> Self {
        let (pw, ph) = (u64::from(picture.width), u64::from(picture.height));
        let (iw, ih) = (u64::from(into.width), u64::from(into.height));
        let (width, height) =
            if pw * ih <= ph * iw { (even(pw * ih / ph, iw), ih) } else { (iw, even(ph * iw / pw, ih)) };
        Self {
            x: ((iw - width) / 4 * 2) as u32,
            y: ((ih - height) / 4 * 2) as u32,
            width: width as u32,
            height: height as u32,
        }
    }
}

/// The even number below, at least 2; a whole side stays as it is.
fn even(length: u64, side: u64) -> u64 {
    if length == side { side } else { (length / 2 * 2).max(2).min(side) }
}

/// One track of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Track {
    /// VP8 pictures. The colours are those of a screen (sRGB), coded with the BT.601 matrix in the limited
    /// range, as VP8 says of itself (RFC 6386, 9.2); the file says so too, so that players agree.
    Vp8(VideoSize),
    /// Opus packets.
    Opus(OpusHead),
    /// Room for a participant's own Opus packets. Whose it is may be told later; what is nobody's is not in the finished file.
    Voice,
}

impl Track {
    pub(crate) fn is_video(&self) -> bool {
        matches!(self, Self::Vp8(_))
    }

    /// What a later frame's time is shifted by in the file: sound is stamped with the time at which its first
    /// *decoded* sample would play, and players take `CodecDelay` off again.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Self::Vp8(_) | Self::Voice => Duration::ZERO,
            Self::Opus(head) => head.delay(),
        }
    }

    /// The `TrackEntry` (RFC 9559, 5.1.4.1). Players play what is called default, the first of its kind.
    pub(crate) fn put(&self, out: &mut Vec<u8>, number: u64, name: Option<&str>, is_stereo: bool) {
        ebml::put_master(out, id::TRACK_ENTRY, |entry| {
            ebml::put_unsigned(entry, id::TRACK_NUMBER, number);
            ebml::put_unsigned(entry, id::TRACK_UID, number);
            ebml::put_unsigned(entry, id::FLAG_LACING, 0);
            ebml::put_text(entry, id::LANGUAGE, "und");
            if let Some(name) = name {
                ebml::put_text(entry, id::NAME, name);
            }
            match self {
                Self::Vp8(size) => put_vp8(entry, *size),
                Self::Opus(head) => put_opus(entry, head),
                Self::Voice => {
                    ebml::put_unsigned(entry, id::FLAG_DEFAULT, 0);
                    let head = OpusHead::plain(1 + u8::from(is_stereo), 0, 48_000);
                    put_opus(entry, &head.expect("one and two channels need no table"));
                }
            }
        });
    }
}

fn put_vp8(entry: &mut Vec<u8>, size: VideoSize) {
    ebml::put_unsigned(entry, id::TRACK_TYPE, 1);
    ebml::put_text(entry, id::CODEC_ID, "V_VP8");
    ebml::put_master(entry, id::VIDEO, |video| {
        ebml::put_unsigned(video, id::PIXEL_WIDTH, u64::from(size.width));
        ebml::put_unsigned(video, id::PIXEL_HEIGHT, u64::from(size.height));
        // The numbers are those of ISO/IEC 23091-4: BT.601 matrix, limited range, sRGB, BT.709 primaries.
        ebml::put_master(video, id::COLOUR, |colour| {
            ebml::put_unsigned(colour, id::MATRIX_COEFFICIENTS, 6);
            ebml::put_unsigned(colour, id::RANGE, 1);
            ebml::put_unsigned(colour, id::TRANSFER_CHARACTERISTICS, 13);
            ebml::put_unsigned(colour, id::PRIMARIES, 1);
        });
    });
}

fn put_opus(entry: &mut Vec<u8>, head: &OpusHead) {
    ebml::put_unsigned(entry, id::TRACK_TYPE, 2);
    ebml::put_text(entry, id::CODEC_ID, "A_OPUS");
    ebml::put_binary(entry, id::CODEC_PRIVATE, head.bytes());
    ebml::put_unsigned(entry, id::CODEC_DELAY, head.delay().as_nanos() as u64);
    ebml::put_unsigned(entry, id::SEEK_PRE_ROLL, OPUS_PRE_ROLL.as_nanos() as u64);
    ebml::put_master(entry, id::AUDIO, |audio| {
        ebml::put_float(audio, id::SAMPLING_FREQUENCY, f64::from(head.input_rate()));
        ebml::put_unsigned(audio, id::CHANNELS, u64::from(head.channels()));
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sides_have_limits() {
        assert!(VideoSize::new(SIDE_PIXELS_MAX, 1).is_ok());
        assert_eq!(
            VideoSize::new(SIDE_PIXELS_MAX + 1, 1),
            Err(RecordingError::PictureSize { width: 16_384, height: 1 })
        );
        assert!(VideoSize::new(1, 0).is_err());
    }

    #[test]
    fn pictures_keep_their_shape() {
        let fit = |(pw, ph), (iw, ih)| {
            let size = |width, height| VideoSize::new(width, height).expect("a size");
            let at = Placement::fit(size(pw, ph), size(iw, ih));
            (at.x, at.y, at.width, at.height)
        };
        assert_eq!(fit((1280, 720), (1280, 720)), (0, 0, 1280, 720));
        assert_eq!(fit((1920, 1080), (1280, 720)), (0, 0, 1280, 720));
        assert_eq!(fit((1024, 768), (1280, 720)), (160, 0, 960, 720));
        assert_eq!(fit((1280, 1024), (640, 480)), (20, 0, 600, 480));
        assert_eq!(fit((1000, 100), (640, 480)), (0, 208, 640, 64));
        assert_eq!(fit((639, 479), (639, 479)), (0, 0, 639, 479));
        assert_eq!(fit((16_383, 1), (1, 16_383)), (0, 8190, 1, 2));
    }

    proptest! {
        #[test]
        fn a_picture_never_stands_out(pw in 1..=SIDE_PIXELS_MAX, ph in 1..=SIDE_PIXELS_MAX,
                                      iw in 1..=SIDE_PIXELS_MAX, ih in 1..=SIDE_PIXELS_MAX) {
            let picture = VideoSize::new(pw, ph).expect("a size");
            let at = Placement::fit(picture, VideoSize::new(iw, ih).expect("a size"));
            prop_assert!(0 < at.width && at.x + at.width <= iw);
            prop_assert!(0 < at.height && at.y + at.height <= ih);
        }
    }
}
