//! Plays the film of a screen: its frames, what they may cost, and when a key frame is due.

use std::time::Duration;

use bytes::BytesMut;

use crate::film::Finder;
use crate::vp8;
use crate::{Canvas, RECORD_BODY_BYTES_MAX, Record, Rect, ScreenSize};

/// Who comes late waits at most so long for the film; until then it has pictures.
const KEY_FRAME_INTERVAL: Duration = Duration::from_secs(4);
/// The second key frame comes sooner: when a film starts, what was painted of it before may still be on its way to a slow viewer.
const SECOND_KEY_FRAME: Duration = Duration::from_secs(1);
/// Frames come no faster than this: a little more than 30 a second.
const FRAME_INTERVAL_MIN: Duration = Duration::from_millis(30);
/// What a film of 640 x 360 may cost. One with sides three times as long costs three times as much.
const BITS_A_SECOND: f64 = 300_000.0;
/// libvpx makes something of it; on a line that carries less, frames are left out.
const BITS_A_SECOND_MIN: u32 = 50_000;
const BITS_AREA: f64 = 640.0 * 360.0;

/// Watches a screen of one size, and plays its film.
#[derive(Debug)]
pub(super) struct Projector {
    finder: Finder,
    reel: Option<Reel>,
    /// What the line carries, in bits a second, if that is known.
    line: Option<u32>,
}

#[derive(Debug)]
struct Reel {
    rect: Rect,
    encoder: vp8::Encoder,
    /// When the next key frame is due; `None` at once.
    key_due: Option<Duration>,
    has_started: bool,
    frame_at: Option<Duration>,
    /// The canvas has changed since the last frame.
    is_behind: bool,
}

impl Projector {
    pub(super) fn new(size: ScreenSize, line: Option<u32>) -> Self {
        Self { finder: Finder::new(size), reel: None, line }
    }

    /// Where the film plays: nothing there is to be painted in another way.
    pub(super) fn film(&self) -> Option<Rect> {
        self.reel.as_ref().map(|reel| reel.rect)
    }

    /// A film takes its part of the line, if its size does not ask for less.
    pub(super) fn set_line(&mut self, line: Option<u32>) {
        self.line = line;
        if let Some(reel) = &mut self.reel {
            reel.encoder.set_bits_a_second(bits_for(reel.rect, line));
        }
    }

    /// What the line carries, in bits a second, if that is known.
    pub(super) fn line(&self) -> Option<u32> {
        self.line
    }

    /// As [`Finder::ends_at`].
    pub(super) fn ends_at(&self) -> Option<Duration> {
        self.finder.ends_at()
    }

    /// As [`Finder::is_restless`].
    pub(super) fn is_restless(&self, rect: Rect, now: Duration) -> bool {
        self.finder.is_restless(rect, now)
    }

    /// Something has moved here, as [`Finder::scrolled`].
    pub(super) fn scrolled(&mut self, target: Rect, now: Duration) {
        self.finder.scrolled(target, now);
    }

    /// Takes in a frame, as [`Finder::look`]. Returns the rectangle of a film that has just ended, whose pixels are inexact.
    pub(super) fn look(&mut self, changed: &[Rect], canvas: &Canvas, now: Duration) -> Option<Rect> {
        let film = self.finder.look(changed, canvas, now);
        let mut ended = None;
        if film != self.film() {
            ended = self.film();
            self.reel = film.map(|rect| Reel::new(rect, bits_for(rect, self.line)));
        }
        if let Some(reel) = &mut self.reel {
            reel.is_behind |= changed.iter().any(|changed| changed.intersection(reel.rect).is_some());
        }
        ended
    }

    /// Writes the film's next frame, if one is due.
    pub(super) fn write(&mut self, canvas: &Canvas, now: Duration, out: &mut BytesMut) {
        if let Some(record) = self.reel.as_mut().and_then(|reel| reel.next_frame(canvas, now)) {
            record.write(out);
        }
    }
}

impl Reel {
    fn new(rect: Rect, bits_a_second: u32) -> Self {
        let encoder = vp8::Encoder::new(rect.width, rect.height, bits_a_second);
        Self { rect, encoder, key_due: None, has_started: false, frame_at: None, is_behind: true }
    }

    fn next_frame(&mut self, canvas: &Canvas, now: Duration) -> Option<Record> {
        let is_early =
            self.frame_at.is_some_and(|frame_at| now.saturating_sub(frame_at) < FRAME_INTERVAL_MIN);
        let is_key_due = self.key_due.is_none_or(|due| due <= now);
        if !self.is_behind || is_early && self.key_due.is_some() {
            return None;
        }
        self.frame_at = Some(now);
        let encoded = self.encoder.encode(canvas, self.rect, now, is_key_due)?;
        // At these rates a frame is never longer than a record may be; if one were, the film would begin anew.
        if RECORD_BODY_BYTES_MAX < encoded.frame.len() + 9 {
            self.key_due = None;
            return None;
        }
        self.is_behind = false;
        if encoded.is_key {
            let interval = if self.has_started { KEY_FRAME_INTERVAL } else { SECOND_KEY_FRAME };
            (self.key_due, self.has_started) = (Some(now + interval), true);
        }
        Some(Record::Video { rect: self.rect, is_key: encoded.is_key, frame: encoded.frame })
    }
}

/// What a film costs, in bits a second.
fn bits_for(rect: Rect, line: Option<u32>) -> u32 {
    let wanted = (BITS_A_SECOND * (rect.area() as f64 / BITS_AREA).sqrt()) as u32;
    line.map_or(wanted, |line| wanted.min(line / 3 * 2).max(BITS_A_SECOND_MIN))
}

/// What of the rectangles lies outside of the film: each one's parts above, left, right and below, in this order.
pub(super) fn outside(rects: &[Rect], film: Option<Rect>) -> Vec<Rect> {
    let Some(film) = film else { return rects.to_vec() };
    rects.iter().flat_map(|&rect| around(rect, film)).collect()
}

/// As [`outside`], with at most one rectangle around the parts of each.
pub(super) fn cells_outside(rects: &[Rect], film: Option<Rect>) -> Vec<Rect> {
    let Some(film) = film else { return rects.to_vec() };
    rects.iter().filter_map(|&rect| around(rect, film).reduce(Rect::union)).collect()
}

fn around(rect: Rect, film: Rect) -> impl Iterator<Item = Rect> {
    let part = |left: u32, top: u32, right: u32, bottom: u32| {
        (left < right && top < bottom)
            .then(|| Rect::new(left as u16, top as u16, (right - left) as u16, (bottom - top) as u16))
    };
    let (left, top) = (u32::from(rect.x), u32::from(rect.y));
    let parts = match rect.intersection(film) {
        None => [Some(rect), None, None, None],
        Some(inner) => {
            let (inner_left, inner_top) = (inner.x.into(), inner.y.into());
            [
                part(left, top, rect.right(), inner_top),
                part(left, inner_top, inner_left, inner.bottom()),
                part(inner.right(), inner_top, rect.right(), inner.bottom()),
                part(left, inner.bottom(), rect.right(), rect.bottom()),
            ]
        }
    };
    parts.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_film_is_all_but_the_film() {
        let film = Rect::new(10, 20, 30, 40);
        for rect in [
            Rect::new(0, 0, 64, 64),
            Rect::new(0, 30, 64, 4),
            Rect::new(15, 25, 5, 5),
            Rect::new(38, 58, 9, 9),
            Rect::new(50, 0, 9, 9),
        ] {
            let parts: Vec<Rect> = around(rect, film).collect();
            let area: usize = parts.iter().map(|part| part.area()).sum();
            assert_eq!(area, rect.area() - rect.intersection(film).map_or(0, Rect::area), "{rect:?}");
            for (i, part) in parts.iter().enumerate() {
                assert!(part.is_within(rect) && part.intersection(film).is_none(), "{rect:?}: {part:?}");
                assert!(parts[..i].iter().all(|other| other.intersection(*part).is_none()), "{rect:?}");
            }
        }
    }

    #[test]
    fn the_rate_grows_slower_than_the_area() {
        let kbits = |width, height| bits_for(Rect::new(0, 0, width, height), None) / 1_000;
        assert_eq!((kbits(640, 360), kbits(1280, 720), kbits(1920, 1080)), (300, 600, 900));
    }

    #[test]
    fn a_film_leaves_a_third_of_the_line_to_the_rest() {
        let kbits = |line| bits_for(Rect::new(0, 0, 640, 360), Some(line)) / 1_000;
        assert_eq!([20_000_000, 450_000, 300_000, 56_000].map(kbits), [300, 300, 200, 50]);
    }
}
