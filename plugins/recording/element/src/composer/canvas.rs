//! The recorded picture: any picture brought to one size and one format.

use convene_recording::{Placement, VideoSize};
use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoFormat, VideoInfo,
    VideoTransferFunction,
};

/// What is recorded where there is no picture: a dark grey, which tells "nothing is shown" from "it is broken".
const DARK: [u8; 3] = [0x26, 0x80, 0x80];

/// A picture as it came.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub buffer: gst::Buffer,
    pub info: VideoInfo,
}

impl Picture {
    /// Its size where pixels are square.
    pub fn size(&self) -> Result<VideoSize, convene_recording::RecordingError> {
        let par = self.info.par();
        let width = u64::from(self.info.width()) * par.numer().max(1) as u64 / par.denom().max(1) as u64;
        VideoSize::new(u32::try_from(width).unwrap_or(u32::MAX), self.info.height())
    }

    /// Whether it has the same pixels. Costs a comparison at memory speed and saves converting and encoding.
    pub fn equals(&self, other: &Self) -> bool {
        if self.info != other.info || self.buffer.size() != other.buffer.size() {
            return false;
        }
        match (self.buffer.map_readable(), other.buffer.map_readable()) {
            (Ok(one), Ok(two)) => one.as_slice() == two.as_slice(),
            _ => false,
        }
    }
}

/// Holds the last recorded picture.
pub(super) struct Canvas {
    size: VideoSize,
    info: VideoInfo,
    shown: gst::Buffer,
    converter: Option<(VideoInfo, gst_video::VideoConverter)>,
}

impl Canvas {
    /// Dark at first.
    pub fn new(size: VideoSize) -> Result<Self, gst::glib::BoolError> {
        let info = VideoInfo::builder(VideoFormat::I420, size.width(), size.height())
            .fps(gst::Fraction::new(0, 1))
            .colorimetry(&colours())
            .build()?;
        let mut shown = gst::Buffer::with_size(info.size())?;
        let buffer = shown.make_mut();
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, &info)?;
        for (plane, value) in (0..).zip(DARK) {
            frame.plane_data_mut(plane)?.fill(value);
        }
        drop(frame);
        Ok(Self { size, info, shown, converter: None })
    }

    pub fn caps(&self) -> Result<gst::Caps, gst::glib::BoolError> {
        self.info.to_caps()
    }

    /// The recorded picture, to be stamped.
    pub fn buffer(&self) -> gst::Buffer {
        self.shown.copy()
    }

    /// Shows this picture from now on.
    pub fn draw(&mut self, picture: &Picture) -> Result<(), gst::glib::BoolError> {
        let input = progressive(&picture.info)?;
        if self.converter.as_ref().is_none_or(|(info, _)| *info != input) {
            let shape = picture.size().map_err(|error| gst::glib::bool_error!("{error}"))?;
            let converter = gst_video::VideoConverter::new(&input, &self.info, Some(self.placed(shape)))?;
            self.converter = Some((input.clone(), converter));
        }
        let (_, converter) = self.converter.as_ref().expect("it was just made");

        let mut drawn = gst::Buffer::with_size(self.info.size())?;
        let source = gst_video::VideoFrameRef::from_buffer_ref_readable(&picture.buffer, &input)?;
        let mut target = gst_video::VideoFrameRef::from_buffer_ref_writable(drawn.make_mut(), &self.info)?;
        converter.frame_ref(&source, &mut target);
        drop(target);
        self.shown = drawn;
        Ok(())
    }

    fn placed(&self, shape: VideoSize) -> gst_video::VideoConverterConfig {
        let at = Placement::fit(shape, self.size);
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_dest_x(at.x as i32);
        config.set_dest_y(at.y as i32);
        config.set_dest_width(Some(at.width as i32));
        config.set_dest_height(Some(at.height as i32));
        config.set_fill_border(true);
        config.set_border_argb(0xFF00_0000);
        config
    }
}

/// As `Track::Vp8` describes them.
fn colours() -> VideoColorimetry {
    VideoColorimetry::new(
        VideoColorRange::Range16_235,
        VideoColorMatrix::Bt601,
        VideoTransferFunction::Srgb,
        VideoColorPrimaries::Bt709,
    )
}

/// The same layout, without frame rate and fields, which a converter cannot change.
fn progressive(info: &VideoInfo) -> Result<VideoInfo, gst::glib::BoolError> {
    VideoInfo::builder(info.format(), info.width(), info.height())
        .fps(gst::Fraction::new(0, 1))
        .par(info.par())
        .colorimetry(&info.colorimetry())
        .chroma_site(info.chroma_site())
        .build()
}
