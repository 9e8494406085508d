//! Made-up screens in virtual time: what is a film, and what is not.

use super::*;
use crate::{Colour, Record};

/// A screen, what is on it, and what the finder makes of it.
struct Stage {
    finder: Finder,
    canvas: Canvas,
    shown: Canvas,
    now: Duration,
    frame: u64,
    chance: u64,
}

impl Stage {
    /// A white page with lines of text.
    fn page(width: u32, height: u32, seed: u64) -> Self {
        let size = ScreenSize::new(width, height).unwrap();
        let mut canvas = Canvas::new(size);
        canvas
            .apply(&Record::Fill { rect: size.rect(), colour: Colour { red: 255, green: 255, blue: 255 } })
            .unwrap();
        let mut stage = Self {
            finder: Finder::new(size),
            shown: canvas.clone(),
            canvas,
            now: Duration::from_secs(3),
            frame: 0,
            chance: seed,
        };
        for y in (0..size.height()).step_by(20) {
            stage.text(Rect::new(0, y, size.width(), 12), u64::from(y));
        }
        stage.shown = stage.canvas.clone();
        stage
    }

    fn chance(&mut self, below: u64) -> u64 {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn paint(&mut self, rect: Rect, colour: impl Fn(u64, u64) -> [u8; 3]) {
        let Some(rect) = rect.intersection(self.canvas.size().rect()) else { return };
        for y in usize::from(rect.y)..rect.bottom() as usize {
            for (x, pixel) in self.canvas.row_mut(rect, y).as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let [blue, green, red] = colour(u64::from(rect.x) + x as u64, y as u64);
                *pixel = [blue, green, red, 0xff];
            }
        }
    }

    /// Glyphs four pixels wide, some of them blanks.
    fn text(&mut self, rect: Rect, seed: u64) {
        self.paint(rect, |x, y| {
            let glyph = hash(seed ^ ((x / 8) << 8));
            let (column, line) = (x % 8 / 2, y % 12 / 2);
            let is_ink =
                !glyph.is_multiple_of(5) && x % 8 < 5 && hash(glyph ^ column ^ (line << 4)).is_multiple_of(2);
            if is_ink { [30; 3] } else { [255; 3] }
        });
    }

    /// A frame of a film: waves that move, with the grain of a camera.
    fn film(&mut self, rect: Rect) {
        let at = self.frame;
        let wave = |v: u64| (v % 512).abs_diff(256) as u8 / 2;
        self.paint(rect, |x, y| {
            let grain = (hash(x ^ y << 20 ^ at << 40) % 5) as u8;
            [wave(x * 2 + at * 9) + grain, wave(y * 3 + at * 4) + grain, wave(x + y + at * 7) + 60 + grain]
        });
    }

    /// Shows the frame, and asks the finder; `moved` is not counted as changed.
    fn show(&mut self, ms: u64, moved: Option<Rect>) -> Option<Rect> {
        self.now += Duration::from_millis(ms);
        self.frame += 1;
        let changed = changed(&self.canvas, &self.shown)
            .into_iter()
            .filter(|rect| moved.is_none_or(|moved| !rect.is_within(moved)))
            .collect::<Vec<_>>();
        self.shown = self.canvas.clone();
        self.finder.look(&changed, &self.canvas, self.now)
    }

    /// The film plays for some time; the first moment at which it was found, and what was found at the end.
    fn play(&mut self, rect: Rect, (frame_ms, ms): (u64, u64)) -> (Option<Duration>, Option<Rect>) {
        let begin = self.now;
        let mut found_after = None;
        let mut found = None;
        while self.now < begin + Duration::from_millis(ms) {
            self.film(rect);
            found = self.show(frame_ms, None);
            if found.is_some() && found_after.is_none() {
                found_after = Some(self.now - begin);
            }
        }
        (found_after, found)
    }
}

fn hash(mut v: u64) -> u64 {
    v = v.wrapping_add(0x9e37_79b9_7f4a_7c15);
    v = (v ^ v >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (v ^ v >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

/// A tight rectangle for each cell in which two canvases differ.
fn changed(new: &Canvas, old: &Canvas) -> Vec<Rect> {
    let grid = Grid::new(new.size());
    let (columns, rows) = (grid.columns(), grid.rows());
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    cells.filter_map(|cell| tight(new, old, grid.rect(cell, 1, 1))).collect()
}

fn tight(new: &Canvas, old: &Canvas, cell: Rect) -> Option<Rect> {
    let mut tight: Option<Rect> = None;
    for y in usize::from(cell.y)..cell.bottom() as usize {
        let (new, old): (&[[u8; 4]], _) = (new.row(cell, y).as_chunks().0, old.row(cell, y).as_chunks().0);
        for x in (0..new.len()).filter(|&x| new[x] != old[x]) {
            let pixel = Rect::new(cell.x + x as u16, y as u16, 1, 1);
            tight = Some(tight.map_or(pixel, |tight| tight.union(pixel)));
        }
    }
    tight
}

const FILM: Rect = Rect::new(131, 77, 321, 181);

#[test]
fn a_film_in_a_page_is_found_to_the_pixel_and_ends() {
    for frame_ms in [16, 33, 67, 110] {
        let mut stage = Stage::page(700, 400, 1);
        let (after, found) = stage.play(FILM, (frame_ms, 1_500));
        assert_eq!(found, Some(FILM), "a frame each {frame_ms} ms");
        let after = after.unwrap().as_millis();
        assert!((300..=850).contains(&after), "after {after} ms, a frame each {frame_ms} ms");
        for rest in 1..=20 {
            let found = stage.show(33, None);
            assert_eq!(found.is_some(), rest * 33 <= 300, "{} ms after the last frame", rest * 33);
        }
    }
}

#[test]
fn a_film_rests_for_a_moment_and_goes_on() {
    let mut stage = Stage::page(700, 400, 1);
    stage.play(FILM, (40, 1_000));
    for _ in 0..30 {
        (0..5).for_each(|_| assert_eq!(stage.show(40, None), Some(FILM)));
        stage.play(FILM, (40, 400));
    }
}

#[test]
fn typing_beside_a_film_stays_outside() {
    let mut stage = Stage::page(700, 400, 4);
    for frame in 0_u16..90 {
        stage.film(FILM);
        // In the cells that the film's right and lower edges share.
        let key = frame / 3;
        stage.text(Rect::new(FILM.right() as u16 + key % 7, 200, 8, 12), key.into());
        stage.text(Rect::new(200, FILM.bottom() as u16 + 2, 3 + key % 60, 12), key.into());
        if let Some(found) = stage.show(33, None) {
            assert_eq!(found, FILM, "frame {frame}");
        }
    }
    assert_eq!(stage.finder.film(), Some(FILM));
}

/// A column of text beside the film changes as fast as the film does.
#[test]
fn text_that_races_beside_a_film_stays_outside() {
    let mut stage = Stage::page(700, 400, 4);
    for frame in 0_u64..90 {
        stage.film(FILM);
        for y in (0..400).step_by(20) {
            stage.text(Rect::new(512, y, 188, 12), hash(frame << 16 | u64::from(y)));
        }
        if let Some(found) = stage.show(33, None) {
            assert_eq!(found, FILM, "frame {frame}");
        }
    }
    assert_eq!(stage.finder.film(), Some(FILM));
}

#[test]
fn typing_and_carets_are_no_film() {
    let mut stage = Stage::page(1280, 720, 2);
    for frame in 0_u64..400 {
        let (x, y) = (frame as u16 * 8 % 1200, frame as u16 * 8 / 1200 * 20);
        stage.text(Rect::new(x, y, 8, 12), frame);
        stage.paint(Rect::new(x + 8, y, 2, 12), |_, _| if frame % 3 == 0 { [0; 3] } else { [255; 3] });
        assert_eq!(stage.show(33, None), None, "frame {frame}");
    }
}

/// The whole terminal changes thirty times a second, and nothing of it moves.
#[test]
fn text_that_races_by_is_no_film() {
    let mut stage = Stage::page(960, 540, 5);
    for frame in 0_u64..120 {
        for y in (0..540).step_by(20) {
            stage.text(Rect::new(0, y, 960, 12), hash(frame << 16 | u64::from(y)));
        }
        assert_eq!(stage.show(33, None), None, "frame {frame}");
    }
}

/// What moves is no change, but what comes in at the bottom is.
#[test]
fn a_photograph_that_scrolls_is_no_film() {
    let mut stage = Stage::page(700, 500, 3);
    for frame in 0_u16..120 {
        let still = stage.frame;
        stage.frame = 7;
        let tall = Rect::new(50, 20, 600, 460);
        let from = u64::from(frame) * 12;
        stage.paint(tall, |x, y| {
            let grain = hash(x ^ (y + from) << 20);
            [grain as u8 % 90 + 40, (x + y + from) as u8 / 2, (y + from) as u8 / 3]
        });
        stage.frame = still;
        assert_eq!(stage.show(33, Some(Rect::new(0, 0, 700, 460))), None, "frame {frame}");
    }
}

/// Fades of a third of a second between photographs, some of them close together.
#[test]
fn transitions_of_slides_are_no_film() {
    let mut stage = Stage::page(960, 540, 6);
    for slide in 0..12_u64 {
        for step in 0..11 {
            stage.frame = slide * 1_000 + step;
            stage.film(Rect::new(0, 0, 960, 540));
            assert_eq!(stage.show(30, None), None, "slide {slide}, step {step}");
        }
        let rest = 500 + stage.chance(1_000);
        for _ in 0..rest / 30 {
            assert_eq!(stage.show(30, None), None, "slide {slide} rests");
        }
    }
}

#[test]
fn a_small_animation_is_no_film() {
    let mut stage = Stage::page(700, 400, 7);
    let (after, _) = stage.play(Rect::new(300, 100, 120, 90), (33, 3_000));
    assert_eq!(after, None);
}

#[test]
fn a_film_that_goes_to_the_full_screen_and_back_is_followed() {
    let mut stage = Stage::page(960, 540, 8);
    let full = Rect::new(0, 0, 960, 540);
    assert_eq!(stage.play(FILM, (33, 1_000)).1, Some(FILM));
    assert_eq!(stage.play(full, (33, 700)).1, Some(full));
    let page = Stage::page(960, 540, 8).canvas;
    stage.canvas = page;
    assert_eq!(stage.play(FILM, (33, 1_600)).1, Some(FILM));
}

/// The page is scrolled with the film in it: wherever it is, it is found again when the page rests.
#[test]
fn a_film_in_a_page_that_scrolls_is_found_again() {
    let mut stage = Stage::page(960, 700, 9);
    stage.play(FILM, (33, 1_000));
    let mut place = FILM;
    for _ in 0..12 {
        let before = place;
        place.y += 20;
        stage.text(before, 5);
        stage.film(place);
        stage.finder.scrolled(Rect::new(0, 0, 960, 70), stage.now);
        stage.finder.scrolled(Rect::new(0, 300, 960, 400), stage.now);
        stage.show(33, None);
    }
    assert_eq!(stage.play(place, (33, 1_500)).1, Some(place));
}

#[test]
fn a_film_gives_way_to_a_page_of_text() {
    let mut stage = Stage::page(960, 540, 10);
    let film = Rect::new(0, 0, 960, 540);
    assert_eq!(stage.play(film, (33, 1_000)).1, Some(film));
    for frame in 0..60_u64 {
        for y in (0..540).step_by(20) {
            stage.paint(Rect::new(0, y, 960, 20), |_, _| [255; 3]);
            stage.text(Rect::new(0, y, 960, 12), frame / 5 + u64::from(y));
        }
        let found = stage.show(33, None);
        assert!(found.is_none() || frame < 22, "frame {frame}");
    }
}
