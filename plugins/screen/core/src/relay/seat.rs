//! What a viewer has of the film.
//!
//! It is either in the film, with all its frames since a key frame, and is handed the next ones as they are; or it gets the film's rectangle as
//! pictures, whenever its line has room, until a key frame lets it in.

use std::collections::VecDeque;
use std::time::Duration;

use super::held::{Change, Step};
use crate::Rect;

/// Side of a picture of the film.
const TILE_SIDE: u16 = 256;
/// A smaller picture is not halved.
const TILE_AREA_MIN: usize = 64 * 64;
/// Whose line has had no room for the film does not get into it again before so long: the key frame alone would fill it.
const PAUSE: Duration = Duration::from_secs(6);

#[derive(Debug, Default)]
pub(super) struct Seat {
    /// It said that it can decode films.
    plays: bool,
    /// The film whose frames it has.
    film: Option<Rect>,
    /// Where the film plays, as of the last update.
    place: Option<Rect>,
    /// Parts of the place that it gets as pictures, the oldest first.
    owed: VecDeque<Rect>,
    /// The version of the film's pictures that it is owed or has.
    version: u64,
    paused_until: Duration,
}

impl Seat {
    /// A viewer that has just come and has nothing of the film that plays at `place`.
    pub(super) fn new(place: Option<Rect>) -> Self {
        let mut seat = Self { place, ..Self::default() };
        seat.owe();
        seat
    }

    pub(super) fn set_plays(&mut self, plays: bool) {
        self.plays = plays;
    }

    /// Follows the film to where it plays after an update. Returns what is no longer part of it and was still owed.
    pub(super) fn follow(&mut self, place: Option<Rect>) -> VecDeque<Rect> {
        if self.place == place {
            return VecDeque::new();
        }
        (self.place, self.version) = (place, 0);
        std::mem::take(&mut self.owed)
    }

    /// The film that the viewer has after an update that is handed to it; `None` when it would refuse the update, or is not to have it now.
    pub(super) fn film_after(&self, change: &Change, now: Duration) -> Option<Option<Rect>> {
        let mut film = self.film.filter(|_| !change.resized);
        for step in &change.steps {
            match *step {
                Step::Play { rect, is_key: true } if self.plays && self.paused_until <= now => {
                    film = Some(rect);
                }
                Step::Play { rect, is_key: false } if film == Some(rect) => {}
                Step::Play { .. } => return None,
                Step::Paint(_)
                | Step::Move { .. }
                | Step::Keep { .. }
                | Step::Recall { .. }
                | Step::Learn(_) => {}
            }
        }
        Some(film)
    }

    /// An update was handed on, after which the viewer has this film.
    pub(super) fn has(&mut self, film: Option<Rect>) {
        self.film = film;
        if film.is_some() && film == self.place {
            self.owed.clear();
        }
    }

    /// An update with a frame of the film was not handed on.
    pub(super) fn missed(&mut self, was_room: bool, version: u64, now: Duration) {
        let had_film = self.film.take().is_some();
        if had_film && !was_room {
            self.paused_until = now + PAUSE;
        }
        if had_film || self.version != version {
            self.version = version;
            self.owe();
        }
    }

    pub(super) fn is_owed(&self) -> bool {
        !self.owed.is_empty()
    }

    /// The next part that it gets as a picture.
    pub(super) fn next_owed(&self) -> Option<Rect> {
        self.owed.front().copied()
    }

    /// The next part is two; `false` when it is too small for that.
    pub(super) fn halve(&mut self) -> bool {
        let Some(rect) = self.next_owed().filter(|rect| TILE_AREA_MIN < rect.area()) else { return false };
        let (first, second) = if rect.width < rect.height {
            let height = rect.height / 2;
            (Rect { height, ..rect }, Rect { y: rect.y + height, height: rect.height - height, ..rect })
        } else {
            let width = rect.width / 2;
            (Rect { width, ..rect }, Rect { x: rect.x + width, width: rect.width - width, ..rect })
        };
        self.owed.pop_front();
        self.owed.push_front(second);
        self.owed.push_front(first);
        true
    }

    pub(super) fn paid(&mut self) {
        self.owed.pop_front();
    }

    /// The whole place; what was owed before stays first, so that no part waits for ever.
    fn owe(&mut self) {
        let Some(place) = self.place else { return };
        let covered = |tile: &Rect| self.owed.iter().any(|owed| tile.is_within(*owed));
        let missing: Vec<Rect> = tiles(place).filter(|tile| !covered(tile)).collect();
        // Halves of a tile that is owed again as a whole.
        self.owed.retain(|owed| !missing.iter().any(|tile| owed.is_within(*tile)));
        self.owed.extend(missing);
    }
}

fn tiles(place: Rect) -> impl Iterator<Item = Rect> {
    let steps = |side: u16| (0..side).step_by(TILE_SIDE.into());
    let tile = move |x: u16, y: u16| {
        let (width, height) = ((place.width - x).min(TILE_SIDE), (place.height - y).min(TILE_SIDE));
        Rect::new(place.x + x, place.y + y, width, height)
    };
    steps(place.height).flat_map(move |y| steps(place.width).map(move |x| tile(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Rect = Rect::new(7, 9, 600, 300);

    fn change(steps: Vec<Step>) -> Change {
        let (starts, resized, cursor, shape) = (false, false, false, false);
        let (film, film_version) = (Some(PLACE), 1);
        Change { starts, resized, damage: Vec::new(), cursor, shape, steps, film, film_version }
    }

    #[test]
    fn the_tiles_of_a_place_are_all_of_it() {
        let owed = Seat::new(Some(PLACE)).owed;
        assert_eq!(owed.iter().map(|tile| tile.area()).sum::<usize>(), PLACE.area());
        assert!(owed.iter().all(|tile| tile.is_within(PLACE)));
    }

    #[test]
    fn what_is_halved_is_owed_and_comes_whole_again_later() {
        let mut seat = Seat::new(Some(PLACE));
        assert!(seat.halve() && seat.halve());
        seat.paid();
        seat.owe();
        let area = seat.owed.iter().map(|tile| tile.area()).sum::<usize>();
        assert_eq!(area, PLACE.area(), "{:?}", seat.owed);
        let first = seat.next_owed().unwrap();
        assert_eq!((first.x, first.y), (PLACE.x + 256, PLACE.y), "the oldest goes first");
        while seat.halve() {}
        assert!(seat.next_owed().unwrap().area() <= TILE_AREA_MIN);
    }

    #[test]
    fn a_film_is_entered_by_a_key_frame_and_left_by_a_miss() {
        let now = Duration::from_secs(10);
        let key = change(vec![Step::Play { rect: PLACE, is_key: true }]);
        let inter = change(vec![Step::Play { rect: PLACE, is_key: false }]);
        let mut seat = Seat::new(Some(PLACE));
        assert_eq!(seat.film_after(&key, now), None, "it cannot play");
        seat.set_plays(true);
        assert_eq!(seat.film_after(&inter, now), None);
        assert_eq!(seat.film_after(&key, now), Some(Some(PLACE)));
        seat.has(Some(PLACE));
        assert!(!seat.is_owed());
        assert_eq!(seat.film_after(&inter, now), Some(Some(PLACE)));
        seat.missed(false, 1, now);
        assert!(seat.is_owed());
        assert_eq!(seat.film_after(&key, now + PAUSE / 2), None);
        assert_eq!(seat.film_after(&key, now + PAUSE), Some(Some(PLACE)));
    }
}
