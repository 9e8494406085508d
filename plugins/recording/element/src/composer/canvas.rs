//! The recorded picture: the screen and the faces, each brought to its place. Only what has changed is painted again.

use std::sync::Arc;

use convene_recording::{
    Arrangement, Coverage, Damage, Face, Layout, Placement, Planes, PlanesMut, Scaler, VideoSize,
};
use gst_video::prelude::*;
use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoFormat, VideoInfo,
    VideoTransferFunction,
};

use super::label;
use super::scene::Scene;

/// What is recorded where there is no picture: a dark grey, which tells "nothing is shown" from "it is broken".
const DARK: [u8; 3] = [0x26, 0x80, 0x80];
/// Beside a screen, and around a face of another shape than its tile.
const BLACK: [u8; 3] = [0x10, 0x80, 0x80];

/// The height of a name, as a part of its tile's, and what it is at least and at most.
const NAME_PART: f64 = 1.0 / 14.0;
const NAME_PIXELS: (f64, f64) = (11.0, 30.0);
/// The same where only the name is shown.
const CARD_PART: f64 = 1.0 / 7.0;
const CARD_PIXELS: (f64, f64) = (11.0, 72.0);
/// The height of the title, as a part of the picture's, and of what is written where there was a pause.
const TITLE_PART: f64 = 1.0 / 16.0;
const PAUSE_PART: f64 = 1.0 / 8.0;

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

    fn is(&self, other: &Self) -> bool {
        self.buffer.as_ptr() == other.buffer.as_ptr() && self.info == other.info
    }
}

/// How a recording looks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub arrangement: Arrangement,
    /// What is written where nothing else is shown; nothing, if it is empty.
    pub title: Arc<str>,
    /// What is written where a recording was paused; nothing is shown there, if it is empty.
    pub pause_card: Arc<str>,
}

/// Holds the last recorded picture, and what is on it.
pub(super) struct Canvas {
    look: Look,
    /// The title is on it.
    has_title: bool,
    /// It says that there was a pause, and nothing else.
    is_pause_card: bool,
    size: VideoSize,
    info: VideoInfo,
    shown: gst::Buffer,
    /// What of it has changed since it was last taken.
    damage: Damage,
    layout: Layout,
    screen: Option<Picture>,
    fitting: Option<Fitting>,
    tiles: Vec<Tile>,
}

/// How screens of one layout are brought to the size of the stage. GStreamer's converter paints whole rows, also where it is told a part of a
/// picture, so it gets a picture of its own.
struct Fitting {
    input: VideoInfo,
    output: VideoInfo,
    converter: gst_video::VideoConverter,
    fitted: gst::Buffer,
}

/// A face as it is painted.
struct Tile {
    face: Face<Picture>,
    scaler: Option<Scaler>,
    /// The name, for a picture or for a card.
    name: Coverage,
}

impl Canvas {
    /// Dark at first.
    pub fn new(size: VideoSize, look: Look) -> Result<Self, gst::glib::BoolError> {
        let info = still(size.width(), size.height())?;
        let mut shown = gst::Buffer::with_size(info.size())?;
        on(shown.make_mut(), &info, |planes| planes.fill(&whole(size), DARK))?;
        let layout = Layout { stage: None, tiles: Vec::new() };
        let damage = Damage::none(size);
        Ok(Self {
            look,
            has_title: false,
            is_pause_card: false,
            size,
            info,
            shown,
            damage,
            layout,
            screen: None,
            fitting: None,
            tiles: Vec::new(),
        })
    }

    pub fn size(&self) -> VideoSize {
        self.size
    }

    /// Looks at the recorded picture and what has changed of it since the last look.
    pub fn look<T>(
        &mut self,
        look: impl FnOnce(&Planes<'_>, &Damage) -> T,
    ) -> Result<T, gst::glib::BoolError> {
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&self.shown, &self.info)?;
        let seen = look(&view(&frame), &self.damage);
        self.damage.clear();
        Ok(seen)
    }

    /// Shows all of this from now on; of the faces beside a screen only who came and who went, unless their pictures are due.
    pub fn draw(&mut self, scene: &Scene, faces_due: bool) -> Result<(), Box<dyn std::error::Error>> {
        let there = (scene.screen().is_some(), scene.faces.seen().next().is_some());
        let (shows_screen, shows_faces) = self.look.arrangement.shows(there.0, there.1);
        let faces: Vec<&Face<Picture>> = scene.faces.seen().filter(|_| shows_faces).collect();
        let screen = scene.screen().filter(|_| shows_screen);
        let layout = Layout::of(self.size, screen.map(Picture::size).transpose()?, faces.len());
        if std::mem::take(&mut self.is_pause_card) || layout != self.layout {
            let ground = if layout.stage.is_some() { BLACK } else { DARK };
            on(self.shown.make_mut(), &self.info, |planes| planes.fill(&whole(self.size), ground))?;
            self.damage.fill();
            (self.layout, self.screen) = (layout, None);
            self.tiles.clear();
            self.has_title = false;
        }
        if !shows_screen && !shows_faces && !std::mem::replace(&mut self.has_title, true) {
            self.draw_title()?;
        }
        if let (Some(at), Some(screen)) = (self.layout.stage, screen)
            && !self.screen.as_ref().is_some_and(|shown| shown.is(screen))
        {
            self.draw_screen(screen, at)?;
            self.screen = Some(screen.clone());
        }
        self.tiles.truncate(faces.len());
        let waits = self.layout.stage.is_some() && !faces_due;
        for (number, (face, at)) in faces.into_iter().zip(self.layout.tiles.clone()).enumerate() {
            match self.tiles.get_mut(number) {
                Some(tile) if tile.shows(face) || (waits && tile.is_named_as(face)) => continue,
                Some(tile) => tile.take(face, &at)?,
                None => self.tiles.push(Tile::new(face, &at)?),
            }
            let tile = &mut self.tiles[number];
            on(self.shown.make_mut(), &self.info, |planes| tile.paint(planes, &at))??;
            self.damage.add(&at);
        }
        Ok(())
    }

    fn draw_title(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        self.write(&self.look.title.clone(), TITLE_PART, whole(self.size))
    }

    /// Shows that the recording was paused here, and what it is, instead of all else.
    pub fn draw_pause_card(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        if std::mem::replace(&mut self.is_pause_card, true) {
            return Ok(());
        }
        let all = whole(self.size);
        on(self.shown.make_mut(), &self.info, |planes| planes.fill(&all, BLACK))?;
        self.damage.fill();
        let third = all.height / 6 * 2;
        let Look { pause_card, title, .. } = self.look.clone();
        self.write(&pause_card, PAUSE_PART, Placement { y: third, height: third, ..all })?;
        self.write(&title, TITLE_PART, Placement { y: 2 * third, height: third, ..all })
    }

    /// Writes in the middle of a place, in letters that are such a part of the picture's height.
    fn write(&mut self, text: &str, part: f64, place: Placement) -> Result<(), Box<dyn std::error::Error>> {
        let height = (f64::from(self.size.height()) * part).max(CARD_PIXELS.0);
        let text = label::render(text, height, place.width as usize)?;
        let at = centred(&place, &text);
        on(self.shown.make_mut(), &self.info, |planes| planes.write(&at, &text))?;
        self.damage.add(&at);
        Ok(())
    }

    fn draw_screen(&mut self, screen: &Picture, at: Placement) -> Result<(), gst::glib::BoolError> {
        let input = progressive(&screen.info)?;
        let size = (at.width, at.height);
        let fits = |fitting: &Fitting| {
            fitting.input == input && (fitting.output.width(), fitting.output.height()) == size
        };
        if !self.fitting.as_ref().is_some_and(fits) {
            self.fitting = Some(Fitting::new(input, size)?);
        }
        let fitting = self.fitting.as_mut().expect("it was just made");
        let fitted = fitting.fit(screen)?;
        let damage = &mut self.damage;
        on(self.shown.make_mut(), &self.info, |planes| planes.copy(&at, &view(&fitted), damage))
    }
}

impl Fitting {
    fn new(input: VideoInfo, (width, height): (u32, u32)) -> Result<Self, gst::glib::BoolError> {
        let output = still(width, height)?;
        let converter = gst_video::VideoConverter::new(&input, &output, None)?;
        let fitted = gst::Buffer::with_size(output.size())?;
        Ok(Self { input, output, converter, fitted })
    }

    fn fit(
        &mut self,
        screen: &Picture,
    ) -> Result<gst_video::VideoFrameRef<&gst::BufferRef>, gst::glib::BoolError> {
        let source = gst_video::VideoFrameRef::from_buffer_ref_readable(&screen.buffer, &self.input)?;
        let mut target =
            gst_video::VideoFrameRef::from_buffer_ref_writable(self.fitted.make_mut(), &self.output)?;
        self.converter.frame_ref(&source, &mut target);
        drop(target);
        gst_video::VideoFrameRef::from_buffer_ref_readable(&self.fitted, &self.output)
    }
}

/// Its planes, to be read.
fn view<'a>(frame: &'a gst_video::VideoFrameRef<&gst::BufferRef>) -> Planes<'a> {
    let [luma, blues, reds, _] = frame.planes_data();
    let strides = [0, 1, 2].map(|plane| frame.plane_stride()[plane] as usize);
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    Planes { width, height, planes: [luma, blues, reds], strides }
}

/// A picture as it is recorded.
fn still(width: u32, height: u32) -> Result<VideoInfo, gst::glib::BoolError> {
    VideoInfo::builder(VideoFormat::I420, width, height)
        .fps(gst::Fraction::new(0, 1))
        .colorimetry(&colours())
        .build()
}

impl Tile {
    fn new(face: &Face<Picture>, at: &Placement) -> Result<Self, pangocairo::cairo::Error> {
        Ok(Self { face: face.clone(), scaler: None, name: name(face, at)? })
    }

    fn shows(&self, face: &Face<Picture>) -> bool {
        let is_same = match (&self.face.picture, &face.picture) {
            (Some(one), Some(two)) => one.is(two),
            _ => false,
        };
        self.is_named_as(face) && (is_same || face.is_silent)
    }

    fn is_named_as(&self, face: &Face<Picture>) -> bool {
        let named = |face: &Face<Picture>| (face.id, face.is_silent);
        named(&self.face) == named(face) && self.face.name == face.name
    }

    fn take(&mut self, face: &Face<Picture>, at: &Placement) -> Result<(), pangocairo::cairo::Error> {
        if !self.is_named_as(face) {
            self.name = name(face, at)?;
        }
        self.face = face.clone();
        Ok(())
    }

    fn paint(
        &mut self,
        planes: &mut PlanesMut<'_>,
        at: &Placement,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(picture) = self.face.picture.as_ref().filter(|_| !self.face.is_silent) else {
            planes.fill(at, BLACK);
            planes.write(&centred(at, &self.name), &self.name);
            return Ok(());
        };
        let size = (picture.info.width() as usize, picture.info.height() as usize);
        let place = inside(at, picture.size()?)?;
        if self.scaler.as_ref().is_none_or(|scaler| !scaler.fits(size, &place)) {
            planes.fill(at, BLACK);
            self.scaler = Some(Scaler::new(size, &place));
        }
        let scaler = self.scaler.as_mut().expect("it was just made");
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&picture.buffer, &picture.info)?;
        scaler.paint(&view(&frame), planes, &place);
        let top = at.y + (at.height - (self.name.height as u32).min(at.height)) / 2 * 2;
        planes.write(&Placement { y: top, height: at.y + at.height - top, ..*at }, &self.name);
        Ok(())
    }
}

fn name(face: &Face<Picture>, at: &Placement) -> Result<Coverage, pangocairo::cairo::Error> {
    let (part, (least, most)) =
        if face.is_silent { (CARD_PART, CARD_PIXELS) } else { (NAME_PART, NAME_PIXELS) };
    label::render(&face.name, (f64::from(at.height) * part).clamp(least, most), at.width as usize)
}

fn centred(at: &Placement, text: &Coverage) -> Placement {
    let (width, height) = ((text.width as u32).min(at.width), (text.height as u32).min(at.height));
    let (x, y) = (at.x + (at.width - width) / 4 * 2, at.y + (at.height - height) / 4 * 2);
    Placement { x, y, width, height }
}

fn inside(at: &Placement, shape: VideoSize) -> Result<Placement, convene_recording::RecordingError> {
    let fitted = Placement::fit(shape, VideoSize::new(at.width, at.height)?);
    Ok(Placement { x: at.x + fitted.x, y: at.y + fitted.y, ..fitted })
}

fn whole(size: VideoSize) -> Placement {
    Placement { x: 0, y: 0, width: size.width(), height: size.height() }
}

/// Paints on a buffer.
fn on<T>(
    buffer: &mut gst::BufferRef,
    info: &VideoInfo,
    paint: impl FnOnce(&mut PlanesMut<'_>) -> T,
) -> Result<T, gst::glib::BoolError> {
    let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info)?;
    let strides = [0, 1, 2].map(|plane| frame.plane_stride()[plane] as usize);
    let [luma, blues, reds, _] = frame.planes_data_mut();
    Ok(paint(&mut PlanesMut { planes: [luma, blues, reds], strides }))
}

/// As `Track::Vp8` describes them.
pub(super) fn colours() -> VideoColorimetry {
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
