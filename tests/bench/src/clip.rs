//! A captured clip: pictures of a screen with their times, told as what changed since the one before.
//!
//! `NAME.clip` holds one entry a picture (time, changed rectangle, its pixels as BGRx); `NAME.json` says what it is and is written last, so a clip
//! without it is not whole.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use convene_screen::{Rect, ScreenSize};
use serde::{Deserialize, Serialize};

/// Captured pictures a second.
pub const FRAMES_A_SECOND: u64 = 15;
/// The first picture stands for so long before anything moves: by then also those have it who sharpen it first.
pub const START_FRAMES: u64 = 2 * FRAMES_A_SECOND;
/// Bytes of an entry before its pixels.
const ENTRY_BYTES: usize = 16;

/// When the picture of this number was taken, in microseconds.
pub const fn frame_time_us(number: u64) -> u64 {
    number * 1_000_000 / FRAMES_A_SECOND
}

/// What a clip is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct About {
    width: u16,
    height: u16,
    /// Pictures, the unchanged ones counted too.
    pub frames: u64,
    /// From this picture on nothing moves any more.
    pub rest_from: u64,
}

impl About {
    /// The screen's size.
    pub fn size(&self) -> Result<ScreenSize> {
        ScreenSize::new(self.width.into(), self.height.into()).context("the clip's size is none of a screen")
    }

    /// The pictures in which something happens.
    pub fn active(&self) -> Range<u64> {
        START_FRAMES.min(self.rest_from)..self.rest_from
    }

    /// Seconds in which something happens.
    pub fn active_seconds(&self) -> f64 {
        frame_time_us(self.active().end - self.active().start) as f64 / 1e6
    }

    /// Seconds in all.
    pub fn seconds(&self) -> f64 {
        frame_time_us(self.frames) as f64 / 1e6
    }
}

/// Where a clip lies.
#[derive(Clone, Debug)]
pub struct Clip {
    path: PathBuf,
}

impl Clip {
    /// The clip of this name in a folder.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(name) }
    }

    /// What it is, when it is whole.
    pub fn about(&self) -> Option<About> {
        serde_json::from_slice(&fs::read(self.path.with_extension("json")).ok()?).ok()
    }

    /// Its pictures from the first on.
    pub fn play(&self) -> Result<Player> {
        let about = self.about().with_context(|| format!("{} is not captured", self.path.display()))?;
        let file = File::open(self.path.with_extension("clip"))?;
        let pixels = vec![0xff; about.size()?.area() * 4];
        Ok(Player { about, file: BufReader::with_capacity(1 << 20, file), pixels, next: 0 })
    }

    /// Begins to write it.
    pub fn record(&self, size: ScreenSize) -> Result<Recorder> {
        let file = File::create(self.path.with_extension("clip"))?;
        let about = About { width: size.width(), height: size.height(), frames: 0, rest_from: 0 };
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(Recorder { clip: self.clone(), about, file, last: vec![0; size.area() * 4], is_first: true })
    }
}

/// One picture of a clip.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Its number from 0.
    pub number: u64,
    /// Microseconds since the first picture.
    pub time_us: u64,
    /// What differs from the picture before.
    pub changed: Option<Rect>,
    /// BGRx, tight rows, x is 0xff.
    pub pixels: &'a [u8],
}

/// Plays a clip.
#[derive(Debug)]
pub struct Player {
    /// What is played.
    pub about: About,
    file: BufReader<File>,
    pixels: Vec<u8>,
    next: u64,
}

impl Player {
    /// The next picture, or `None` at the end.
    pub fn next_moment(&mut self) -> Result<Option<Moment<'_>>> {
        if self.next == self.about.frames {
            return Ok(None);
        }
        let mut entry = [0; ENTRY_BYTES];
        self.file.read_exact(&mut entry)?;
        let (time, rect) = entry.split_at(8);
        let time_us = u64::from_le_bytes(time.try_into()?);
        let side = |at: usize| u16::from_le_bytes([rect[at], rect[at + 1]]);
        let rect = Rect { x: side(0), y: side(2), width: side(4), height: side(6) };
        let row_bytes = usize::from(self.about.width) * 4;
        for row in usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.height) {
            let start = row * row_bytes + usize::from(rect.x) * 4;
            let end = start + usize::from(rect.width) * 4;
            let row = self.pixels.get_mut(start..end).context("a change reaches beyond the screen")?;
            self.file.read_exact(row)?;
        }
        let number = self.next;
        self.next += 1;
        let changed = (rect.height != 0).then_some(rect);
        Ok(Some(Moment { number, time_us, changed, pixels: &self.pixels }))
    }
}

/// Writes a clip.
#[derive(Debug)]
pub struct Recorder {
    clip: Clip,
    about: About,
    file: BufWriter<File>,
    last: Vec<u8>,
    is_first: bool,
}

impl Recorder {
    /// The next picture: BGRx, tight rows.
    pub fn add(&mut self, pixels: &[u8]) -> Result<()> {
        ensure!(pixels.len() == self.last.len(), "the picture has not the clip's size");
        let changed = if self.is_first { Some(self.about.size()?.rect()) } else { self.changed(pixels) };
        self.is_first = false;
        let rect = changed.unwrap_or(Rect { x: 0, y: 0, width: 0, height: 0 });
        self.file.write_all(&frame_time_us(self.about.frames).to_le_bytes())?;
        for side in [rect.x, rect.y, rect.width, rect.height] {
            self.file.write_all(&side.to_le_bytes())?;
        }
        let row_bytes = usize::from(self.about.width) * 4;
        for row in usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.height) {
            let start = row * row_bytes + usize::from(rect.x) * 4;
            let range = start..start + usize::from(rect.width) * 4;
            self.last[range.clone()].copy_from_slice(&pixels[range.clone()]);
            self.last[range.clone()].iter_mut().skip(3).step_by(4).for_each(|x| *x = 0xff);
            self.file.write_all(&self.last[range])?;
        }
        self.about.frames += 1;
        Ok(())
    }

    /// Lets the last picture stand for so long.
    pub fn stand(&mut self, frames: u64) -> Result<()> {
        let last = self.last.clone();
        (0..frames).try_for_each(|_| self.add(&last))
    }

    /// Lets the last picture stand for so long, and ends the clip.
    pub fn finish(mut self, rest_frames: u64) -> Result<About> {
        self.about.rest_from = self.about.frames;
        self.stand(rest_frames)?;
        self.file.flush()?;
        fs::write(self.clip.path.with_extension("json"), serde_json::to_vec(&self.about)?)?;
        Ok(self.about)
    }

    /// The smallest rectangle around all that differs from the last picture.
    fn changed(&self, pixels: &[u8]) -> Option<Rect> {
        let row_bytes = usize::from(self.about.width) * 4;
        let differs = |(new, old): (&[u8], &[u8])| new[..3] != old[..3];
        let (mut top, mut bottom, mut left, mut right) = (None, 0, usize::MAX, 0);
        for (row, (new, old)) in
            pixels.chunks_exact(row_bytes).zip(self.last.chunks_exact(row_bytes)).enumerate()
        {
            let mut pairs = new.chunks_exact(4).zip(old.chunks_exact(4));
            let Some(first) = pairs.position(differs) else { continue };
            let last = first + 1 + pairs.rposition(differs).map_or(0, |at| at + 1);
            top = top.or(Some(row));
            (bottom, left, right) = (row + 1, left.min(first), right.max(last));
        }
        let top = top?;
        let narrow = |value: usize| u16::try_from(value).expect("a screen's side fits");
        Some(Rect {
            x: narrow(left),
            y: narrow(top),
            width: narrow(right - left),
            height: narrow(bottom - top),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_plays_what_was_recorded() {
        let folder = std::env::temp_dir().join(format!("convene-clip-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let clip = Clip::new(&folder, "test");
        let mut recorder = clip.record(ScreenSize::new(3, 2).unwrap()).unwrap();
        let mut picture = vec![0xff; 24];
        let mut pictures = Vec::new();
        for (at, value) in [(0, 1), (4, 2), (4, 2), (21, 9)] {
            picture[at] = value;
            recorder.add(&picture).unwrap();
            pictures.push(picture.clone());
        }
        recorder.finish(1).unwrap();
        pictures.push(picture.clone());

        let mut player = clip.play().unwrap();
        assert_eq!((player.about.frames, player.about.rest_from), (5, 4));
        let mut changed = Vec::new();
        for (number, picture) in pictures.iter().enumerate() {
            let moment = player.next_moment().unwrap().unwrap();
            assert_eq!(moment.time_us, frame_time_us(number as u64));
            assert_eq!(moment.pixels, picture);
            changed.push(moment.changed);
        }
        let pixel = |x, y| Some(Rect { x, y, width: 1, height: 1 });
        assert_eq!(changed[1..], [pixel(1, 0), None, pixel(2, 1), None]);
        assert!(player.next_moment().unwrap().is_none());
        fs::remove_dir_all(folder).unwrap();
    }
}
