//! Convene's own encoder and decoder on a clip.

use std::time::Duration;

use anyhow::{Context, Result};
use convene_screen::{Decoder, Encoder, Frame, PixelOrder, ScreenSize};

use crate::clock::timed;
use crate::measure::Comparison;
use crate::report::{Measured, Sent};
use convene_bench::clip::{Clip, Moment};

/// Encodes every captured picture at its time, also the unchanged ones, so that what is refined at rest is counted.
pub fn measure(clip: &Clip) -> Result<Measured> {
    let mut player = clip.play()?;
    let about = player.about;
    let size = about.size()?;
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut comparison = Comparison::new(size);
    let mut sent = Vec::new();
    let (mut encode, mut decode) = (Duration::ZERO, Duration::ZERO);
    while let Some(moment) = player.next_moment()? {
        let (update, time) = timed(|| encoder.frame(frame(size, moment.pixels), time(&moment)));
        encode += time;
        let update = update.unwrap_or_default();
        let (shown, time) = timed(|| {
            decoder.push(&update);
            while decoder.next_update()?.is_some() {}
            anyhow::Ok(())
        });
        shown?;
        decode += time;
        sent.push(Sent { bytes: update.len() as u64, has_changed: moment.changed.is_some() });
        comparison.add(&moment, decoder.canvas().context("the first update has a screen")?.pixels());
    }
    Ok(Measured::new(about, &sent, encode, Some(comparison.finish())).with_decode(decode))
}

/// A picture as the encoder takes it.
pub fn frame(size: ScreenSize, pixels: &[u8]) -> Frame<'_> {
    Frame { size, stride: usize::from(size.width()) * 4, order: PixelOrder::Bgrx, pixels }
}

fn time(moment: &Moment<'_>) -> Duration {
    Duration::from_micros(moment.time_us)
}

/// Milliseconds of processor time for one update at 1080p.
#[derive(Clone, Copy, Debug)]
pub struct UpdateTimes {
    /// A letter is typed.
    pub small: f64,
    /// Another page of text.
    pub full: f64,
}

/// A letter's place, and how large it is.
const LETTER: (usize, usize, usize) = (600, 500, 14);
/// Updates of each kind; the middle one counts.
const REPEATS: usize = 3;

/// Pages of text replace each other, and letters are typed into them.
pub fn update_times(clip: &Clip) -> Result<UpdateTimes> {
    let (mut small, mut full) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let mut player = clip.play()?;
        let size = player.about.size()?;
        let row_bytes = usize::from(size.width()) * 4;
        let mut encoder = Encoder::new();
        while let Some(moment) = player.next_moment()? {
            let is_first = moment.number == 0;
            let mut page = moment.pixels.to_vec();
            let (update, page_time) = timed(|| encoder.frame(frame(size, &page), time(&moment)));
            if moment.changed.is_none() || is_first {
                continue;
            }
            anyhow::ensure!(update.is_some(), "another page is another picture");
            full.push(page_time);
            let (x, y, side) = LETTER;
            for row in y..y + side {
                let start = row * row_bytes + x * 4;
                page[start..start + side * 4].iter_mut().for_each(|byte| *byte = !*byte);
            }
            let later = time(&moment) + Duration::from_millis(30);
            let (update, letter_time) = timed(|| encoder.frame(frame(size, &page), later));
            anyhow::ensure!(update.is_some(), "another letter is another picture");
            small.push(letter_time);
        }
    }
    Ok(UpdateTimes { small: middle(small), full: middle(full) })
}

fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
