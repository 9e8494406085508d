//! From a WebM to its pictures.

use bytes::Bytes;
use convene_recordings::RecordingId;
use convene_recordings_store::MediaReader;
use convene_screen::webp::{Grade, encode_lossy};
use convene_screen::{Canvas, Rect, ScreenSize, vp8};
use matroska_demuxer::{DemuxError, Frame, MatroskaFile, TrackType};
use tokio::runtime::Handle;

use super::reader::BlockingReader;
use super::scale::{PIXEL_BYTES, Size, shrink};
use crate::blocking::blocking;

/// The width of a picture of the strip, and of the one to know the recording by.
const STRIP_WIDTH: usize = 160;
const POSTER_WIDTH: usize = 640;

/// How many pictures a strip has at most, and how far they lie apart at least.
const STRIP_MAX: u64 = 60;
const STRIP_MS_MIN: u64 = 2_000;

/// A frame of a recording has this many pixels at most; ours has 1920 x 1200 and a strip of faces.
const AREA_MAX: usize = 4096 * 2304;

/// The frames that are looked at for the next key frame: two seconds of picture and sound, and more.
const FRAMES_MAX: usize = 1_000;

/// The pictures of one recording.
pub(crate) struct Set {
    pub(super) recording: RecordingId,
    /// Of the recording's bytes.
    pub(crate) version: String,
    /// A WebP.
    pub(crate) poster: Bytes,
    /// A WebP: pictures of [`STRIP_WIDTH`] side by side, each from the middle of its share of the time.
    pub(crate) strip: Bytes,
}

/// A recording has no pictures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error("the file cannot be read: {0}")]
    Demux(#[from] DemuxError),
    #[error("it has no picture in VP8 of a size that recordings have")]
    NoPicture,
    #[error("a picture cannot be decoded: {0}")]
    Decode(#[from] vp8::Vp8Error),
}

pub(super) async fn make(recording: RecordingId, reader: MediaReader) -> Result<Set, MakeError> {
    let runtime = Handle::current();
    blocking(move || {
        let version = reader.etag().to_owned();
        let mut film = Film::open(BlockingReader::new(reader, runtime))?;
        let (poster, strip) = film.pictures()?;
        Ok(Set { recording, version, poster, strip })
    })
    .await
}

struct Film {
    file: MatroskaFile<BlockingReader>,
    track: u64,
    screen: ScreenSize,
    /// In the file's ticks.
    length: u64,
    ticks_per_ms: f64,
}

impl Film {
    fn open(reader: BlockingReader) -> Result<Self, MakeError> {
        let file = MatroskaFile::open(reader)?;
        let is_picture = |track: &&matroska_demuxer::TrackEntry| {
            track.track_type() == TrackType::Video && track.codec_id() == "V_VP8"
        };
        let track = file.tracks().iter().find(is_picture).ok_or(MakeError::NoPicture)?;
        let video = track.video().ok_or(MakeError::NoPicture)?;
        let side = |pixels: u64| u32::try_from(pixels).unwrap_or(u32::MAX);
        let screen = ScreenSize::new(side(video.pixel_width().get()), side(video.pixel_height().get()));
        let screen = screen.filter(|screen| screen.area() <= AREA_MAX).ok_or(MakeError::NoPicture)?;
        let track = track.track_number().get();
        let ticks_per_ms = 1_000_000.0 / file.info().timestamp_scale().get() as f64;
        // One that was cut off does not say.
        let length = file.info().duration().unwrap_or(0.0).max(0.0) as u64;
        Ok(Self { file, track, screen, length, ticks_per_ms })
    }

    fn pictures(&mut self) -> Result<(Bytes, Bytes), MakeError> {
        let length_ms = (self.length as f64 / self.ticks_per_ms) as u64;
        let count = (length_ms / STRIP_MS_MIN).clamp(1, STRIP_MAX);
        let size = Size { width: self.screen.width().into(), height: self.screen.height().into() };
        let small = size.within(STRIP_WIDTH);
        let stride = small.width * count as usize * PIXEL_BYTES;
        let mut strip = vec![u8::MAX; stride * small.height];
        let mut poster = Poster::default();
        let mut canvas = Canvas::new(self.screen);
        for at in 0..count {
            // The very end may have no key frame of its own; what was there before it is still to be seen.
            if let Some(frame) = self.key_frame(self.length * (2 * at + 1) / (2 * count))? {
                vp8::Decoder::new().decode(&frame, &mut canvas, self.screen.rect())?;
                poster.offer(frame);
            }
            let onto = &mut strip[at as usize * small.width * PIXEL_BYTES..];
            shrink(canvas.pixels(), size, onto, stride, small);
        }
        let frame = poster.frame.ok_or(MakeError::NoPicture)?;
        vp8::Decoder::new().decode(&frame, &mut canvas, self.screen.rect())?;
        let large = size.within(POSTER_WIDTH);
        let mut pixels = vec![0; large.width * large.height * PIXEL_BYTES];
        shrink(canvas.pixels(), size, &mut pixels, large.width * PIXEL_BYTES, large);
        let strip_size = Size { width: small.width * count as usize, ..small };
        Ok((webp(&pixels, large), webp(&strip, strip_size)))
    }

    /// The first key frame from this time on, in ticks.
    fn key_frame(&mut self, from: u64) -> Result<Option<Vec<u8>>, MakeError> {
        self.file.seek(from)?;
        let mut frame = Frame::default();
        for _ in 0..FRAMES_MAX {
            if !self.file.next_frame(&mut frame)? {
                break;
            }
            if frame.track == self.track && frame.is_keyframe == Some(true) {
                return Ok(Some(frame.data));
            }
        }
        Ok(None)
    }
}

/// The frame that took most to encode has most to see.
#[derive(Default)]
struct Poster {
    frame: Option<Vec<u8>>,
}

impl Poster {
    fn offer(&mut self, frame: Vec<u8>) {
        if self.frame.as_ref().is_none_or(|best| best.len() < frame.len()) {
            self.frame = Some(frame);
        }
    }
}

fn webp(pixels: &[u8], size: Size) -> Bytes {
    let side = |pixels: usize| u16::try_from(pixels).expect("a strip has 60 pictures of 160 pixels");
    let rect = Rect { x: 0, y: 0, width: side(size.width), height: side(size.height) };
    encode_lossy(pixels, size.width * PIXEL_BYTES, rect, Grade::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convene_recording::{Frame, Settings, Track, VideoSize, Writer};
    use convene_recordings::RegionName;
    use convene_recordings_store::{BlobStore, MemoryStore, RecordingWriter};
    use convene_screen::{Colour, Record};
    use std::sync::Arc;
    use std::time::Duration;
    use uuid::Uuid;

    const SIZE: (u32, u32) = (640, 360);
    const SECONDS: u64 = 20;

    /// A second of each: twenty seconds that get brighter and brighter.
    fn grey(second: u64) -> u8 {
        u8::try_from(20 + 10 * second).expect("there are twenty")
    }

    /// Blocks of a recording, and the first one as it is in the end.
    fn blocks() -> (Vec<Bytes>, Bytes) {
        let size = VideoSize::new(SIZE.0, SIZE.1).expect("recordings have it");
        let settings = Settings {
            cluster: Duration::from_secs(2),
            patience: None,
            started: None,
            application: "a test".into(),
        };
        let mut writer = Writer::new(vec![Track::Vp8(size)], settings).expect("there is a track");
        let mut encoder = vp8::Encoder::new(640, 360, 1_000_000);
        let screen = ScreenSize::new(SIZE.0, SIZE.1).expect("there are such screens");
        let mut canvas = Canvas::new(screen);
        let mut blocks = Vec::new();
        for second in 0..SECONDS {
            let colour = Colour { red: grey(second), green: grey(second), blue: grey(second) };
            canvas.apply(&Record::Fill { rect: screen.rect(), colour }).expect("it lies on the screen");
            let time = Duration::from_secs(second);
            let encoded =
                encoder.encode(&canvas, screen.rect(), time, true).expect("a key frame is never left out");
            let frame = Frame { time, length: Duration::from_secs(1), keyframe: true, data: encoded.frame };
            writer.push(0, frame).expect("it is in order");
            blocks.extend(std::iter::from_fn(|| writer.poll()).map(|block| block.bytes));
        }
        let mut finished = writer.finish().expect("there is something");
        blocks.extend(std::iter::from_fn(|| finished.poll()).map(|block| block.bytes));
        (blocks, finished.front())
    }

    /// A recording in a region, finished or not.
    async fn recording(is_whole: bool) -> (RecordingId, MediaReader) {
        let spool = tempfile::tempdir().expect("there is a disk");
        let store = MemoryStore::new(RegionName::new("a").expect("it is a name"));
        let regions: Vec<Arc<dyn BlobStore>> = vec![Arc::new(store)];
        let id = RecordingId::new(Uuid::from_u128(1));
        let mut writer =
            RecordingWriter::create(spool.path(), id, regions.clone()).await.expect("the spool is empty");
        let (blocks, first) = blocks();
        for (number, block) in (0..).zip(blocks) {
            writer.put(number, block).await.expect("there is room");
        }
        let patience = Duration::from_secs(10);
        let done = if is_whole { writer.finish(first, patience).await } else { writer.stop(patience).await };
        done.expect("it is a store in memory");
        (id, MediaReader::open(id, &regions).await.expect("the region has it"))
    }

    /// The mean of each of the pictures beside each other.
    fn greys(webp: &[u8], size: (u16, u16), count: usize) -> Vec<u8> {
        let stride = usize::from(size.0) * PIXEL_BYTES;
        let mut pixels = vec![0; stride * usize::from(size.1)];
        convene_screen::webp::decode(webp, size, &mut pixels, stride, convene_screen::webp::Alpha::Opaque)
            .expect("a WebP of this size");
        let row = &pixels[..stride];
        row.chunks(stride / count).map(|part| part[part.len() / 2 / PIXEL_BYTES * PIXEL_BYTES]).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_strip_shows_the_recording_from_its_beginning_to_its_end() {
        let (id, reader) = recording(true).await;
        let set = make(id, reader).await.expect("it has pictures");
        let shown = greys(&set.strip, (1600, 90), 10);
        for (at, shown) in (0..).zip(shown) {
            let expected = grey(2 * at + 1);
            assert!(shown.abs_diff(expected) <= 4, "picture {at} is {shown}, not {expected}");
        }
        let poster = greys(&set.poster, (640, 360), 1);
        assert!((grey(0)..=grey(SECONDS - 1) + 4).contains(&poster[0]), "{poster:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_was_cut_off_shows_its_beginning() {
        let (id, reader) = recording(false).await;
        let set = make(id, reader).await.expect("it has pictures");
        let shown = greys(&set.strip, (160, 90), 1);
        assert!(shown[0].abs_diff(grey(0)) <= 4, "{shown:?}");
    }
}
