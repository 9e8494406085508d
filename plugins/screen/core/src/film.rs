//! Finds the film on a screen: the one rectangle that keeps changing and looks like photographs.
//!
//! Everything is told by what changed, cell by cell: how often, where the changes end, and whether the pixels look like a photograph's.
//! What has merely moved is no change, so a page that scrolls is no film. Starting and ending take some time, so that
//! neither a slide's transition nor a film's short rest does either.

mod heat;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::cells::{CELL_SIDE, Grid};
use crate::{Canvas, FILM_AREA_MAX, Rect, ScreenSize};
use heat::Heat;

/// A rectangle of [`START_AREA`] that keeps changing for so long is a film; a larger one, which costs more until it is found, as much sooner as
/// it is larger. The cells need about 0.1 s before that until they count as changing.
const START: Duration = Duration::from_millis(350);
const START_AREA: usize = 960 * 540;
/// No film starts sooner: what changes twice is no film.
const START_MIN: Duration = Duration::from_millis(60);
/// A film that does not change for so long, or no longer looks like one, is over.
const END: Duration = Duration::from_millis(300);
/// A film of which only a part has changed for so long, or whose rectangle turns out to be a little larger, gets its new rectangle.
const CORRECTION: Duration = Duration::from_secs(2);
/// One that has grown gets its new rectangle sooner: what is outside is sent as pictures.
const GROWTH: Duration = Duration::from_millis(150);
/// Smaller ones are cheap enough as pictures: an advertisement, a spinner.
const AREA_MIN: usize = 128 * 96;
const SIDE_MIN: u16 = 64;
/// A film that extends beyond its rectangle by more than this has grown.
const BEYOND_MAX: u32 = 16;

/// Watches one screen of one size.
#[derive(Debug)]
pub(crate) struct Finder {
    heat: Heat,
    /// What may soon be a film, and since when it has looked like it.
    candidate: Option<(Rect, Duration)>,
    film: Option<Film>,
}

#[derive(Debug)]
struct Film {
    rect: Rect,
    /// When something of it changed last.
    changed_at: Duration,
    /// When enough of it looked like a film last.
    alive_at: Duration,
}

impl Finder {
    pub(crate) fn new(size: ScreenSize) -> Self {
        Self { heat: Heat::new(Grid::new(size)), candidate: None, film: None }
    }

    /// The film's rectangle.
    pub(crate) fn film(&self) -> Option<Rect> {
        self.film.as_ref().map(|film| film.rect)
    }

    /// When the film that runs is over if nothing changes until then.
    pub(crate) fn ends_at(&self) -> Option<Duration> {
        // Over is what has rested for longer than that.
        self.film.as_ref().map(|film| film.changed_at.min(film.alive_at) + END + Duration::from_millis(1))
    }

    /// Whether the cell in which the rectangle lies changes again and again.
    pub(crate) fn is_restless(&self, rect: Rect, now: Duration) -> bool {
        self.heat.is_restless(rect, now)
    }

    /// A page was scrolled, with all that is close to it: what changes there says nothing about where a film is. One that runs goes on.
    pub(crate) fn scrolled(&mut self, target: Rect, now: Duration) {
        let close = grown(target);
        self.heat.forget(close);
        if let Some(film) = self.film.as_mut().filter(|film| film.rect.intersection(close).is_some()) {
            self.heat.forget(film.rect);
            film.alive_at = now;
        }
    }

    /// Takes in a frame: `changed` has a tight rectangle for each cell that changed and did not merely move; `canvas` shows the frame.
    /// Returns the rectangle in which a film plays now.
    pub(crate) fn look(&mut self, changed: &[Rect], canvas: &Canvas, now: Duration) -> Option<Rect> {
        self.heat.note(changed, canvas, now);
        self.end_if_over(changed, now);
        match self.heat.hottest(now).filter(is_of_a_size) {
            Some(rect) => self.consider(rect, is_much_of(changed, rect), now),
            None => self.candidate = None,
        }
        self.film()
    }

    fn end_if_over(&mut self, changed: &[Rect], now: Duration) {
        let Some(film) = &mut self.film else { return };
        if changed.iter().any(|rect| rect.intersection(film.rect).is_some()) {
            film.changed_at = now;
        }
        if self.heat.is_alive(film.rect, now) {
            film.alive_at = now;
        }
        if END < now.saturating_sub(film.changed_at.min(film.alive_at)) {
            self.film = None;
        }
    }

    /// `hot` looks like a film in this frame; a film starts when it `changes`.
    fn consider(&mut self, hot: Rect, changes: bool, now: Duration) {
        let Some((rect, patience)) = self.proposal(hot) else {
            self.candidate = None;
            return;
        };
        let since = match self.candidate {
            Some((before, since)) if are_alike(before, rect) => since,
            _ => now,
        };
        self.candidate = Some((rect, since));
        if changes && patience <= now.saturating_sub(since) {
            self.candidate = None;
            self.film = Some(Film { rect, changed_at: now, alive_at: now });
        }
    }

    /// The rectangle that the film should have, and how long it must look so; `None` when it is the one that it has.
    fn proposal(&self, hot: Rect) -> Option<(Rect, Duration)> {
        let Some(film) = self.film() else { return Some((hot, start(hot))) };
        let both = film.intersection(hot).map_or(0, Rect::area);
        let beyond = [
            film.x.saturating_sub(hot.x).into(),
            film.y.saturating_sub(hot.y).into(),
            hot.right().saturating_sub(film.right()),
            hot.bottom().saturating_sub(film.bottom()),
        ];
        match beyond.into_iter().max() {
            Some(0) if 2 * film.area() <= 3 * hot.area() => None,
            Some(0) => Some((hot, CORRECTION)),
            // A part of it may only rest.
            Some(1..=BEYOND_MAX) if film.area() <= 2 * both => Some((hot.union(film), CORRECTION)),
            _ if film.area() <= 2 * both && is_of_a_size(&hot.union(film)) => Some((hot.union(film), GROWTH)),
            _ => Some((hot, start(hot))),
        }
    }
}

/// For how long the rectangle of no film must look like one.
fn start(rect: Rect) -> Duration {
    START.mul_f64(START_AREA as f64 / rect.area().max(START_AREA) as f64).max(START_MIN)
}

fn is_of_a_size(rect: &Rect) -> bool {
    SIDE_MIN <= rect.width.min(rect.height) && (AREA_MIN..=FILM_AREA_MAX).contains(&rect.area())
}

/// The changes fill a quarter of the rectangle.
fn is_much_of(changed: &[Rect], rect: Rect) -> bool {
    let area: usize = changed.iter().filter_map(|changed| changed.intersection(rect)).map(Rect::area).sum();
    rect.area() <= 4 * area
}

/// With a cell more at each side, as far as coordinates go.
fn grown(rect: Rect) -> Rect {
    let (x, y) = (rect.x.saturating_sub(CELL_SIDE), rect.y.saturating_sub(CELL_SIDE));
    let end = |end: u32| u16::try_from(end + u32::from(CELL_SIDE)).unwrap_or(u16::MAX);
    Rect::new(x, y, end(rect.right()) - x, end(rect.bottom()) - y)
}

/// What both have is more than two thirds of what either has.
fn are_alike(a: Rect, b: Rect) -> bool {
    let both = a.intersection(b).map_or(0, Rect::area);
    2 * (a.area() + b.area() - both) <= 3 * both
}
