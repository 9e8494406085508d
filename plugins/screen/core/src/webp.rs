//! WebP files by libwebp: the only unsafe code of this crate stands here.
//!
//! Pixels are BGRA in memory. libwebp's own pixels are native `u32`s of the same bytes on little-endian machines, so a rectangle of a
//! larger picture is encoded where it lies, by its stride.
#![expect(unsafe_code, reason = "libwebp is a C library")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use libwebp_sys as sys;

use crate::Rect;

/// Bytes of a pixel.
const PIXEL_BYTES: usize = 4;
/// Measured on 1080p photographs: 20 to 30 % fewer bytes than method 0 for 10 to 30 % more time; method 3 takes three times as long for a
/// further tenth.
const LOSSY_METHOD: c_int = 2;

/// Why a WebP file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebpError {
    /// Its header is not that of a WebP picture.
    #[error("these {bytes} bytes do not begin like a WebP picture")]
    NotWebp {
        /// Length of what came.
        bytes: usize,
    },
    /// It is larger or smaller than its place.
    #[error("the WebP picture has {width} x {height} pixels, which is not the size of its place")]
    OtherSize {
        /// Pixels a row, as the file says.
        width: u32,
        /// Rows, as the file says.
        height: u32,
    },
    /// It is an animation.
    #[error("the WebP file is an animation")]
    Animation,
    /// It has a good header, and then does not decode.
    #[error("the WebP picture is damaged")]
    Damaged,
}

/// What becomes of a picture's alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpha {
    /// Every pixel gets 0xff.
    Opaque,
    /// Straight alpha as the file has it; 0xff where it has none.
    Keep,
}

/// How an encoder works. Measured on captured screens: on pages and windows `Brisk` makes pictures of 40 to 65 % of what `Quick` makes, in the
/// same time, and they decode in half of it; on photographs it saves 10 % and takes three times as long. `Thorough` saves a further 6 % (slides) to
/// 40 % (a terminal) for half as much time again; higher methods save nothing beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Method 0, which looks for nothing.
    Quick,
    /// Method 1, which also tries palettes, and looks for repetitions close by.
    Brisk,
    /// The same, and looks for repetitions everywhere: letters.
    Thorough,
}

/// How much a lossy picture may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Quality 75 of 100: nobody complains about a photograph that is sharpened a moment later.
    Fine,
    /// Quality 18, a third of the bytes: for what will have changed again before anybody has looked at it.
    Rough,
}

/// Encodes `rect` of a BGRA picture with rows of `stride` bytes, exactly: also the colours under full transparency.
///
/// # Panics
/// When the rectangle is empty or not within `pixels`.
pub fn encode_lossless(pixels: &[u8], stride: usize, rect: Rect, effort: Effort) -> Bytes {
    encode_rect(pixels, stride, rect, &lossless_config(effort))
}

/// Encodes `rect` of a BGRx picture (the x byte 0xff throughout) with rows of `stride` bytes, as a photograph: about right, in a tenth of
/// the bytes.
///
/// # Panics
/// When the rectangle is empty or not within `pixels`.
pub fn encode_lossy(pixels: &[u8], stride: usize, rect: Rect, grade: Grade) -> Bytes {
    encode_rect(pixels, stride, rect, &lossy_config(grade))
}

fn encode_rect(pixels: &[u8], stride: usize, rect: Rect, config: &sys::WebPConfig) -> Bytes {
    assert!(
        !rect.is_empty() && rect.right() as usize * PIXEL_BYTES <= stride,
        "the rectangle lies within the rows"
    );
    let start = usize::from(rect.y) * stride + usize::from(rect.x) * PIXEL_BYTES;
    let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
    let length = (usize::from(rect.height) - 1) * stride + row_bytes;
    let area = &pixels[start..start + length];

    let lies_as_libwebp_has_it =
        cfg!(target_endian = "little") && area.as_ptr().align_offset(PIXEL_BYTES) == 0;
    if lies_as_libwebp_has_it && stride.is_multiple_of(PIXEL_BYTES) {
        return encode(area.as_ptr().cast(), stride / PIXEL_BYTES, rect, config);
    }
    let copy: Vec<u32> = area
        .chunks(stride)
        .flat_map(|row| row[..row_bytes].as_chunks().0)
        .map(|&pixel| u32::from_le_bytes(pixel))
        .collect();
    encode(copy.as_ptr(), rect.width.into(), rect, config)
}

/// Decodes a file of just this size to BGRA rows of `stride` bytes, the first at `out[0]`. The size in the file's header is checked before
/// anything is allocated. After [`WebpError::Damaged`] some of the pixels may have been written.
///
/// # Panics
/// When `out` is too short for the size.
pub fn decode(
    file: &[u8],
    (width, height): (u16, u16),
    out: &mut [u8],
    stride: usize,
    alpha: Alpha,
) -> Result<(), WebpError> {
    let row_bytes = usize::from(width) * PIXEL_BYTES;
    assert!(
        0 < height && row_bytes <= stride && (usize::from(height) - 1) * stride + row_bytes <= out.len(),
        "the picture fits"
    );
    let features = features(file)?;
    if features.has_animation != 0 {
        return Err(WebpError::Animation);
    }
    if (features.width, features.height) != (c_int::from(width), c_int::from(height)) {
        return Err(WebpError::OtherSize { width: features.width as u32, height: features.height as u32 });
    }
    let stride_int = c_int::try_from(stride).expect("a row of the largest screen has 65,536 bytes");
    // SAFETY: both slices are valid for their lengths, libwebp writes only rows of `width` pixels at multiples of the stride, and the
    // assertion above holds them within `out`.
    let decoded = unsafe {
        sys::WebPDecodeBGRAInto(file.as_ptr(), file.len(), out.as_mut_ptr(), out.len(), stride_int)
    };
    if decoded.is_null() {
        return Err(WebpError::Damaged);
    }
    // A lossless file that claims to have no alpha may have some all the same.
    if alpha == Alpha::Opaque || features.has_alpha == 0 {
        for row in out.chunks_mut(stride).take(height.into()) {
            for pixel in row[..row_bytes].as_chunks_mut::<PIXEL_BYTES>().0 {
                pixel[3] = 0xff;
            }
        }
    }
    Ok(())
}

fn features(file: &[u8]) -> Result<sys::WebPBitstreamFeatures, WebpError> {
    let mut features = MaybeUninit::zeroed();
    // SAFETY: the slice is valid for its length, and libwebp writes a whole structure.
    let status = unsafe { sys::WebPGetFeatures(file.as_ptr(), file.len(), features.as_mut_ptr()) };
    if status != sys::VP8_STATUS_OK {
        return Err(WebpError::NotWebp { bytes: file.len() });
    }
    // SAFETY: all fields are integers, for which zeros are valid, and libwebp said that it filled them in.
    Ok(unsafe { features.assume_init() })
}

/// `argb` has `rect.height` rows of `rect.width` pixels, `stride` pixels apart.
fn encode(argb: *const u32, stride: usize, rect: Rect, config: &sys::WebPConfig) -> Bytes {
    let mut out = BytesMut::with_capacity(rect.area() / 4 + 128);
    let mut picture = MaybeUninit::<sys::WebPPicture>::zeroed();
    // SAFETY: the structure is initialised by libwebp before its fields are set. Its pixels stay valid and, as `exact` is set where
    // there may be alpha, are only read; the writer's pointer is to `out`, which outlives the call and is not touched by anybody else meanwhile.
    let encoded = unsafe {
        assert_ne!(sys::WebPPictureInit(picture.as_mut_ptr()), 0, "the header is that of the library");
        let picture = picture.assume_init_mut();
        picture.use_argb = 1;
        picture.width = rect.width.into();
        picture.height = rect.height.into();
        picture.argb = argb.cast_mut();
        picture.argb_stride = c_int::try_from(stride).expect("a row of the largest screen has 16,384 pixels");
        picture.writer = Some(append);
        picture.custom_ptr = (&raw mut out).cast::<c_void>();
        let encoded = sys::WebPEncode(config, picture);
        sys::WebPPictureFree(picture);
        encoded
    };
    assert_ne!(
        encoded, 0,
        "libwebp encodes every picture of 1 to 16,383 pixels a side while there is memory"
    );
    out.freeze()
}

fn lossless_config(effort: Effort) -> sys::WebPConfig {
    let mut config = default_config();
    config.lossless = 1;
    // Of a lossless picture this is how far it looks for repetitions.
    (config.method, config.quality) = match effort {
        Effort::Quick => (0, 40.0),
        Effort::Brisk => (1, 0.0),
        Effort::Thorough => (1, 40.0),
    };
    config
}

fn lossy_config(grade: Grade) -> sys::WebPConfig {
    let mut config = default_config();
    config.quality = match grade {
        Grade::Fine => 75.0,
        Grade::Rough => 18.0,
    };
    config.method = LOSSY_METHOD;
    // More would save 4 % and cost a pass over the picture.
    config.segments = 1;
    config
}

fn default_config() -> sys::WebPConfig {
    let mut config = MaybeUninit::<sys::WebPConfig>::zeroed();
    // SAFETY: libwebp fills the structure in, and says so by its result.
    let mut config = unsafe {
        assert_ne!(sys::WebPConfigInit(config.as_mut_ptr()), 0, "the header is that of the library");
        config.assume_init()
    };
    config.exact = 1;
    config
}

extern "C" fn append(data: *const u8, size: usize, picture: *const sys::WebPPicture) -> c_int {
    // SAFETY: libwebp calls this from within `encode` alone, with `size` readable bytes and the picture whose pointer is to a `BytesMut`.
    unsafe {
        let out = &mut *(*picture).custom_ptr.cast::<BytesMut>();
        out.extend_from_slice(std::slice::from_raw_parts(data, size));
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any sub-rectangle comes back as it was, also from rows that are not aligned.
    #[test]
    fn a_rectangle_comes_back_exactly() {
        let (width, height) = (37_u16, 23_u16);
        let stride = usize::from(width) * 4 + 3;
        let pixels: Vec<u8> =
            (0..stride * usize::from(height) + 1).map(|i| (i * i / 7 % 251) as u8).collect();
        for (offset, effort) in
            [(0, Effort::Quick), (1, Effort::Quick), (0, Effort::Thorough), (1, Effort::Thorough)]
        {
            let pixels = &pixels[offset..];
            let rect = Rect::new(5, 3, 20, 17);
            let file = encode_lossless(pixels, stride, rect, effort);
            let mut out = vec![0; 20 * 17 * 4];
            decode(&file, (20, 17), &mut out, 80, Alpha::Keep).unwrap();
            for (y, row) in out.chunks(80).enumerate() {
                let start = (y + 3) * stride + 20;
                assert_eq!(row, &pixels[start..start + 80], "row {y}");
            }
        }
    }

    #[test]
    fn another_size_is_refused_before_decoding() {
        let file = encode_lossless(&[0xff; 64], 16, Rect::new(0, 0, 4, 4), Effort::Quick);
        let mut out = [0; 64];
        let error = decode(&file, (4, 3), &mut out, 16, Alpha::Opaque).unwrap_err();
        assert_eq!(error, WebpError::OtherSize { width: 4, height: 4 });
        assert_eq!(out, [0; 64]);
    }

    #[test]
    fn every_cut_file_is_refused() {
        let file = encode_lossless(&[0x5a; 4 * 64], 32, Rect::new(0, 0, 8, 8), Effort::Quick);
        let mut out = [0; 4 * 64];
        for length in 0..file.len() - 1 {
            assert!(decode(&file[..length], (8, 8), &mut out, 32, Alpha::Opaque).is_err(), "{length} bytes");
        }
    }
}
