//! VP8 in, pixels out.
#![expect(unsafe_code, reason = "libvpx is a C library")]

use std::ffi::{c_int, c_uint};
use std::mem::MaybeUninit;
use std::ptr;

use vpx_sys as sys;

use super::planes::{self, Plane};
use super::{Header, Vp8Error};
use crate::{Canvas, Rect};

/// A decoded picture: 4:2:0, BT.601, limited range.
#[derive(Debug)]
pub struct Image<'a> {
    /// Pixels a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Luma and both planes of chroma, which have half the sides, rounded up.
    pub planes: [Plane<'a>; 3],
}

/// Decodes one film after another; the size of each is told by its key frame.
pub struct Decoder {
    /// On the heap: libvpx is told where it lies.
    context: Box<sys::vpx_codec_ctx_t>,
    /// That of the film that was begun.
    size: Option<(u16, u16)>,
}

// SAFETY: a context belongs to no thread; libvpx asks only that it is used by one at a time, which `&mut self` grants.
unsafe impl Send for Decoder {}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "vp8::Decoder({:?})", self.size)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that waits for a key frame. It allocates nothing for pictures before one comes.
    pub fn new() -> Self {
        let config = sys::vpx_codec_dec_cfg { threads: 1, w: 0, h: 0 };
        let mut context = Box::new(MaybeUninit::<sys::vpx_codec_ctx_t>::zeroed());
        // SAFETY: libvpx fills the context in; the configuration is whole, and is copied.
        let context = unsafe {
            let status = sys::vpx_codec_dec_init_ver(
                context.as_mut_ptr(),
                sys::vpx_codec_vp8_dx(),
                &raw const config,
                0,
                sys::VPX_DECODER_ABI_VERSION as c_int,
            );
            assert!(is_ok(status), "libvpx has a VP8 decoder of the header's version, and there is memory");
            context.assume_init()
        };
        Self { context, size: None }
    }

    /// Decodes a frame onto `rect`, whose size it has. What a key frame says of its size is checked before anything is allocated. After an
    /// error the film needs a key frame.
    ///
    /// # Panics
    /// When the rectangle is not within the canvas.
    pub fn decode(&mut self, frame: &[u8], canvas: &mut Canvas, rect: Rect) -> Result<(), Vp8Error> {
        assert!(rect.is_within(canvas.size().rect()), "the film lies on the canvas");
        let (width, height) = (rect.width, rect.height);
        let size = self.size.take();
        match Header::parse(frame)? {
            Header::Key { width: own_width, height: own_height }
                if (own_width, own_height) != (width, height) =>
            {
                return Err(Vp8Error::OtherSize { width: own_width, height: own_height });
            }
            Header::Inter if size != Some((width, height)) => return Err(Vp8Error::NoKeyFrame),
            Header::Key { .. } | Header::Inter => {}
        }
        self.advance(frame)?;
        let image = self.image()?;
        if (image.width, image.height) != (width, height) {
            return Err(Vp8Error::Damaged);
        }
        planes::paint(image.planes, canvas, rect);
        self.size = Some((width, height));
        Ok(())
    }

    /// Decodes the next frame of a film that may change its size with any key frame; `None` after one that is not to be shown. A key frame
    /// of more than `area_max` pixels is refused before anything is allocated. After an error the film needs a key frame.
    pub fn decode_any(&mut self, frame: &[u8], area_max: u32) -> Result<Option<Image<'_>>, Vp8Error> {
        let before = self.size.take();
        let (header, is_shown) = Header::parse_any(frame)?;
        let size = match header {
            Header::Key { width, height } if area_max < u32::from(width) * u32::from(height) => {
                return Err(Vp8Error::TooLarge { width, height });
            }
            Header::Key { width, height } => (width, height),
            Header::Inter => before.ok_or(Vp8Error::NoKeyFrame)?,
        };
        self.advance(frame)?;
        self.size = Some(size);
        if is_shown { self.image().map(Some) } else { Ok(None) }
    }

    /// Whether nothing but a key frame can be decoded.
    pub fn needs_key_frame(&self) -> bool {
        self.size.is_none()
    }

    fn advance(&mut self, frame: &[u8]) -> Result<(), Vp8Error> {
        let bytes = c_uint::try_from(frame.len()).map_err(|_| Vp8Error::Damaged)?;
        // SAFETY: the context is initialised, and the slice is valid for its length.
        let status = unsafe {
            sys::vpx_codec_decode(&raw mut *self.context, frame.as_ptr(), bytes, ptr::null_mut(), 0)
        };
        if is_ok(status) && !self.is_corrupted() { Ok(()) } else { Err(Vp8Error::Damaged) }
    }

    /// The last frame ended before all of it was decoded. libvpx lets that pass, but for the first frame of a decoder: so whoever comes late
    /// would refuse what others have not.
    fn is_corrupted(&mut self) -> bool {
        let mut corrupted: c_int = 0;
        // SAFETY: the context is initialised, and this control takes a pointer to an integer that it fills in.
        let status = unsafe {
            sys::vpx_codec_control_(
                &raw mut *self.context,
                sys::vp8_dec_control_id::VP8D_GET_FRAME_CORRUPTED as c_int,
                &raw mut corrupted,
            )
        };
        !is_ok(status) || corrupted != 0
    }

    /// The picture that the last frame has made.
    fn image(&mut self) -> Result<Image<'_>, Vp8Error> {
        let mut position = ptr::null();
        // SAFETY: the context is initialised; the image, if there is one, is valid until the next call, which needs the borrow to be over.
        let image = unsafe { sys::vpx_codec_get_frame(&raw mut *self.context, &raw mut position).as_ref() };
        let image = image.ok_or(Vp8Error::Damaged)?;
        let side = |side: c_uint| u16::try_from(side).ok().filter(|side| 0 < *side).ok_or(Vp8Error::Damaged);
        let (width, height) = (side(image.d_w)?, side(image.d_h)?);
        if (image.x_chroma_shift, image.y_chroma_shift) != (1, 1) {
            return Err(Vp8Error::Damaged);
        }
        let plane = |index: usize, width: u16, height: u16| {
            let stride = usize::try_from(image.stride[index]).map_err(|_| Vp8Error::Damaged)?;
            let length = (usize::from(height) - 1) * stride + usize::from(width);
            // SAFETY: a plane of an image has so many rows of so many bytes, `stride` apart, and lives until the next call.
            let bytes = unsafe { std::slice::from_raw_parts(image.planes[index], length) };
            Ok(Plane { bytes, stride })
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let planes = [
            plane(0, width, height)?,
            plane(1, half_width, half_height)?,
            plane(2, half_width, half_height)?,
        ];
        Ok(Image { width, height, planes })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context is initialised, and nobody uses it any more.
        unsafe { sys::vpx_codec_destroy(&raw mut *self.context) };
    }
}

fn is_ok(status: sys::vpx_codec_err_t) -> bool {
    status == sys::vpx_codec_err_t::VPX_CODEC_OK
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ScreenSize;
    use crate::vp8::{Encoded, Encoder};

    fn black((width, height): (u16, u16)) -> Canvas {
        Canvas::new(ScreenSize::new(width.into(), height.into()).unwrap())
    }

    /// A soft picture that moves a little each frame.
    fn picture((width, height): (u16, u16), at: usize) -> Canvas {
        let wave = |v: usize| (127 - (v % 256).abs_diff(128).min(127)) as u8;
        let mut canvas = black((width, height));
        for y in 0..usize::from(height) {
            let row = canvas.row_mut(Rect::new(0, 0, width, height), y).as_chunks_mut().0;
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = [wave(x * 3 + at * 5) * 2, wave(y * 2 + at), wave(x + y) + 60, 0xff];
            }
        }
        canvas
    }

    fn film(size: (u16, u16), frames: usize) -> Vec<Encoded> {
        let mut encoder = Encoder::new(size.0, size.1, 400_000);
        let time = |at: usize| Duration::from_millis(40 * at as u64);
        let rect = Rect::new(0, 0, size.0, size.1);
        (0..frames)
            .filter_map(|at| encoder.encode(&picture(size, at), rect, time(at), at % 10 == 0))
            .collect()
    }

    #[test]
    fn a_film_comes_back_nearly_in_odd_and_even_sizes() {
        for size in [(64, 48), (131, 77), (1, 1), (17, 200)] {
            let (mut decoder, mut canvas) = (Decoder::new(), black(size));
            let film = film(size, 12);
            assert_eq!(film.len(), 12);
            for (at, encoded) in film.iter().enumerate() {
                assert_eq!(encoded.is_key, at % 10 == 0);
                decoder.decode(&encoded.frame, &mut canvas, black(size).size().rect()).unwrap();
            }
            let wanted = picture(size, 11);
            let pairs = wanted.pixels().iter().zip(canvas.pixels());
            let off: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
            let mean = off / wanted.pixels().len() as u64;
            assert!(mean < 60, "{size:?}: mean square {mean}");
        }
    }

    #[test]
    fn the_same_frames_give_the_same_bytes() {
        assert_eq!(film((320, 180), 20), film((320, 180), 20));
        assert_eq!(film((1280, 720), 4), film((1280, 720), 4));
    }

    #[test]
    fn another_size_is_refused_before_decoding() {
        let film = film((64, 48), 2);
        let (mut decoder, mut canvas) = (Decoder::new(), black((64, 64)));
        let error = decoder.decode(&film[0].frame, &mut canvas, Rect::new(0, 0, 64, 64)).unwrap_err();
        assert_eq!(error, Vp8Error::OtherSize { width: 64, height: 48 });
        let error = decoder.decode(&film[1].frame, &mut canvas, Rect::new(0, 0, 64, 48)).unwrap_err();
        assert_eq!(error, Vp8Error::NoKeyFrame);
        assert_eq!(canvas, black((64, 64)));
    }

    #[test]
    fn a_film_may_change_its_size_where_nobody_minds() {
        let (mut decoder, small, large) = (Decoder::new(), film((64, 48), 2), film((131, 77), 2));
        for (film, size) in [(&small, (64, 48)), (&large, (131, 77)), (&small, (64, 48))] {
            for encoded in film {
                let image = decoder.decode_any(&encoded.frame, 20_000).unwrap().unwrap();
                assert_eq!((image.width, image.height), size);
                let [luma, chroma, _] = image.planes.map(|plane| (plane.bytes.len(), plane.stride));
                assert_eq!(luma.0, luma.1 * usize::from(size.1 - 1) + usize::from(size.0));
                assert_eq!(
                    chroma.0,
                    chroma.1 * usize::from(size.1.div_ceil(2) - 1) + usize::from(size.0.div_ceil(2))
                );
            }
        }
        let refused = decoder.decode_any(&large[0].frame, 131 * 77 - 1).unwrap_err();
        assert_eq!(refused, Vp8Error::TooLarge { width: 131, height: 77 });
        assert_eq!(decoder.decode_any(&small[1].frame, 20_000).unwrap_err(), Vp8Error::NoKeyFrame);
        assert!(decoder.decode_any(b"these are no frames", 20_000).is_err() && decoder.needs_key_frame());
    }

    #[test]
    fn a_frame_that_is_not_to_be_shown_shows_nothing() {
        let film = film((64, 48), 2);
        let hidden = |frame: &[u8]| [&[frame[0] & !0x10], &frame[1..]].concat();
        let mut decoder = Decoder::new();
        assert!(decoder.decode_any(&hidden(&film[0].frame), 20_000).unwrap().is_none());
        assert!(decoder.decode_any(&film[1].frame, 20_000).unwrap().is_some());
    }

    /// Whatever comes is refused or decoded, and a key frame makes all well again.
    #[test]
    fn altered_frames_are_survived() {
        let film = film((64, 48), 8);
        let (mut decoder, mut canvas) = (Decoder::new(), black((64, 48)));
        let rect = canvas.size().rect();
        let mut state = 9_u64;
        for round in 0..4_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut frame = film[round % film.len()].frame.to_vec();
            let at = (state >> 33) as usize % frame.len();
            match state >> 61 {
                0..3 => frame[at] ^= 1 << (state >> 20 & 7),
                3 => frame.truncate(at),
                4 => frame[at..].fill((state >> 50) as u8),
                _ => {}
            }
            let _ = decoder.decode(&frame, &mut canvas, rect);
        }
        decoder.decode(&film[0].frame, &mut canvas, rect).unwrap();
    }
}
