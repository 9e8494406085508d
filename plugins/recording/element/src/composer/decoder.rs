//! A feed's VP8 on its way to the picture.

use convene_screen::vp8::{self, Image, Vp8Error};
use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

use super::canvas::{Picture, colours};

/// Cameras have at most so many pixels; more in one would only be scaled down.
const AREA_MAX: u32 = 1920 * 1200;

/// What a frame has come to.
pub(super) enum Decoded {
    /// It shows this.
    Picture(Picture),
    /// It shows nothing, or continues what was lost before.
    Nothing,
    /// The feed shows nothing until it has sent a key frame; told once.
    Broken(Vp8Error),
}

/// Decodes one feed.
#[derive(Default)]
pub(super) struct FeedDecoder {
    decoder: vp8::Decoder,
    film: Option<Film>,
    is_broken: bool,
}

/// Where pictures of one size are kept; who lets go of one makes room for the next.
struct Film {
    info: VideoInfo,
    pool: gst::BufferPool,
}

impl FeedDecoder {
    pub fn decode(&mut self, frame: &[u8]) -> Result<Decoded, gst::glib::BoolError> {
        match self.decoder.decode_any(frame, AREA_MAX) {
            Ok(image) => {
                self.is_broken = false;
                let Some(image) = image else { return Ok(Decoded::Nothing) };
                keep(&mut self.film, &image).map(Decoded::Picture)
            }
            // Whoever comes late begins with the next key frame, and whoever is broken was told.
            Err(Vp8Error::NoKeyFrame) => Ok(Decoded::Nothing),
            Err(_) if self.is_broken => Ok(Decoded::Nothing),
            Err(error) => {
                self.is_broken = true;
                Ok(Decoded::Broken(error))
            }
        }
    }

    /// Whether only a key frame helps.
    pub fn needs_key_frame(&self) -> bool {
        self.decoder.needs_key_frame()
    }
}

/// Copies the picture, which is the decoder's until its next frame.
fn keep(film: &mut Option<Film>, image: &Image<'_>) -> Result<Picture, gst::glib::BoolError> {
    let size = (u32::from(image.width), u32::from(image.height));
    if film.as_ref().is_none_or(|film| (film.info.width(), film.info.height()) != size) {
        *film = Some(Film::new(size)?);
    }
    let film = film.as_ref().expect("it was just made");
    let refused = |error| gst::glib::bool_error!("no memory for a picture: {error}");
    let mut buffer = film.pool.acquire_buffer(None).map_err(refused)?;
    let fresh = buffer.get_mut().expect("nobody else has seen the buffer yet");
    let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(fresh, &film.info)?;
    let strides = [0, 1, 2].map(|plane| film.info.stride()[plane] as usize);
    let [luma, blues, reds, _] = frame.planes_data_mut();
    for ((plane, to), (stride, divisor)) in
        image.planes.iter().zip([luma, blues, reds]).zip(strides.into_iter().zip([1, 2, 2]))
    {
        let width = usize::from(image.width).div_ceil(divisor);
        for (from, to) in plane.bytes.chunks(plane.stride).zip(to.chunks_mut(stride)) {
            to[..width].copy_from_slice(&from[..width]);
        }
    }
    drop(frame);
    Ok(Picture { buffer, info: film.info.clone() })
}

impl Film {
    fn new((width, height): (u32, u32)) -> Result<Self, gst::glib::BoolError> {
        let info = VideoInfo::builder(VideoFormat::I420, width, height)
            .fps(gst::Fraction::new(0, 1))
            .colorimetry(&colours())
            .build()?;
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        config.set_params(Some(&info.to_caps()?), info.size() as u32, 0, 0);
        pool.set_config(config)?;
        pool.set_active(true)?;
        Ok(Self { info, pool })
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        // Pictures that are still shown are freed when they come back.
        let _ = self.pool.set_active(false);
    }
}
