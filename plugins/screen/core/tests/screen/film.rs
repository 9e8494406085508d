//! Films in virtual time: from the encoder through the relay to viewers.

use std::time::Duration;

use convene_screen::{Decoder, Encoder, PixelOrder, Reader, Record, Rect, ScreenSize};

use crate::desktop::{Desktop, Step};

const FILM: Rect = Rect::new(131, 77, 321, 181);
const FRAME: Duration = Duration::from_millis(40);

/// A page with a film in it, and who encodes and watches it.
struct Stage {
    desktop: Desktop,
    encoder: Encoder,
    decoder: Decoder,
    reader: Reader,
    now: Duration,
    frame: usize,
    seen: Vec<Seen>,
}

/// A record of the stream.
struct Seen {
    at: Duration,
    record: Record,
}

impl Stage {
    fn new() -> Self {
        let desktop = Desktop::page(ScreenSize::new(700, 400).unwrap());
        let mut stage = Self {
            desktop,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            reader: Reader::new(),
            now: Duration::from_secs(1),
            frame: 0,
            seen: Vec::new(),
        };
        stage.show();
        stage
    }

    /// The desktop goes through the encoder to the decoder.
    fn show(&mut self) {
        self.now += FRAME;
        let stored = self.desktop.stored(PixelOrder::Bgrx, 0);
        let Some(update) = self.encoder.frame(stored.frame(), self.now) else { return };
        self.decoder.push(&update);
        while self.decoder.next_update().unwrap().is_some() {}
        self.reader.push(&update);
        while let Some(record) = self.reader.next_record().unwrap() {
            self.seen.push(Seen { at: self.now, record });
        }
    }

    fn play(&mut self, rect: Rect, frames: usize) {
        for _ in 0..frames {
            self.frame += 1;
            self.desktop.film(rect, self.frame);
            self.show();
        }
    }

    fn rest(&mut self, frames: usize) {
        (0..frames).for_each(|_| self.show());
    }

    /// The key frames and the other ones so far.
    fn videos(&self) -> (usize, usize) {
        let videos = self.seen.iter().filter_map(|seen| match seen.record {
            Record::Video { is_key, .. } => Some(is_key),
            _ => None,
        });
        let (keys, others): (Vec<bool>, Vec<bool>) = videos.partition(|is_key| *is_key);
        (keys.len(), others.len())
    }

    /// The mean square of what is off inside of the rectangle, and whether all is exact outside.
    fn error(&self, film: Rect) -> (u64, bool) {
        let (shown, wanted) = (self.decoder.canvas().unwrap().pixels(), self.desktop.bgrx());
        let width = usize::from(self.desktop.size().width());
        let (mut squares, mut is_exact) = (0, true);
        for (at, (shown, wanted)) in shown.chunks(4).zip(wanted.chunks(4)).enumerate() {
            let pixel = Rect::new((at % width) as u16, (at / width) as u16, 1, 1);
            if pixel.is_within(film) {
                squares +=
                    shown.iter().zip(wanted).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
            } else {
                is_exact &= shown == wanted;
            }
        }
        (squares / (3 * film.area() as u64), is_exact)
    }

    fn is_exact(&self) -> bool {
        self.decoder.canvas().unwrap().pixels() == self.desktop.bgrx()
    }
}

#[test]
fn a_film_starts_goes_on_stops_and_rests_exact() {
    let mut stage = Stage::new();
    stage.play(FILM, 100);
    let (keys, others) = stage.videos();
    assert!(keys == 2 && 80 < others, "{keys} key frames and {others} others");
    let (error, is_exact_around) = stage.error(FILM);
    assert!(error < 200 && is_exact_around, "mean square {error}, exact around: {is_exact_around}");
    assert!(stage.seen.iter().all(|seen| match &seen.record {
        Record::Video { rect, .. } => *rect == FILM,
        Record::Picture { rect, .. } => seen.at < Duration::from_secs(2) || rect.intersection(FILM).is_none(),
        _ => true,
    }));

    stage.rest(50);
    assert!(stage.is_exact());
    let until = stage.seen.len();
    stage.rest(50);
    assert_eq!(stage.seen.len(), until, "an exact screen that rests costs nothing");
}

#[test]
fn key_frames_come_after_one_second_and_then_every_four() {
    let mut stage = Stage::new();
    stage.play(FILM, 25 * 13);
    let keys: Vec<Duration> = stage
        .seen
        .iter()
        .filter(|seen| matches!(seen.record, Record::Video { is_key: true, .. }))
        .map(|seen| seen.at)
        .collect();
    let intervals: Vec<u64> = keys.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(intervals, [1, 4, 4]);
}

#[test]
fn typing_and_scrolling_around_a_film_stay_exact() {
    let mut stage = Stage::new();
    stage.play(FILM, 25);
    for at in 0_u16..60 {
        let beside = Rect::new(512, 80, 188, 180);
        stage.desktop.step(&Step::Scroll { rect: beside, dx: 0, dy: -12, seed: at.into() });
        stage.desktop.step(&Step::Noise { rect: Rect::new(at * 8, 290, 8, 12), seed: at.into(), colours: 3 });
        // In the cell of the film's corner.
        stage.desktop.step(&Step::Noise {
            rect: Rect::new(FILM.right() as u16, 258, 3, 3),
            seed: at.into(),
            colours: 2,
        });
        stage.play(FILM, 1);
        assert!(stage.error(FILM).1, "frame {at}");
    }
    let moves = stage.seen.iter().filter(|seen| matches!(seen.record, Record::Move { .. })).count();
    assert!(30 < moves, "{moves} moves");
    assert!(100 > stage.error(FILM).0);
    stage.rest(50);
    assert!(stage.is_exact());
}

/// The whole page is scrolled with the film in it, and later rests.
#[test]
fn a_page_that_scrolls_with_its_film_rests_exact() {
    let mut stage = Stage::new();
    let mut place = FILM;
    stage.play(place, 25);
    for at in 0..30 {
        stage.desktop.step(&Step::Scroll { rect: Rect::new(0, 0, 700, 400), dx: 0, dy: -4, seed: at });
        place.y = place.y.saturating_sub(4);
        stage.play(place, 1);
    }
    stage.play(place, 5);
    stage.rest(60);
    assert!(stage.is_exact());
}

#[test]
fn a_restart_in_the_middle_of_a_film_begins_anew() {
    let mut stage = Stage::new();
    stage.play(FILM, 30);
    stage.encoder.restart();
    stage.decoder = Decoder::new();
    stage.play(FILM, 30);
    assert_eq!(stage.videos().0, 2);
    let (error, is_exact_around) = stage.error(FILM);
    assert!(error < 200 && is_exact_around, "mean square {error}");
    stage.rest(50);
    assert!(stage.is_exact());
}

#[test]
fn a_film_costs_what_it_may() {
    let kbits = |line: Option<u32>| {
        let mut stage = Stage::new();
        stage.encoder.set_line(line);
        stage.play(FILM, 50);
        stage.seen.clear();
        stage.play(FILM, 250);
        let bytes = stage.seen.iter().map(|seen| match &seen.record {
            Record::Video { frame, .. } => frame.len(),
            _ => 0,
        });
        bytes.sum::<usize>() * 8 / 10_000
    };
    let (own, wide, narrow) = (kbits(None), kbits(Some(5_000_000)), kbits(Some(180_000)));
    assert!(own < 240 && wide == own && narrow < 150 && narrow < own, "{own}, {wide}, {narrow} kbit/s");
}

#[test]
fn the_same_film_gives_the_same_bytes() {
    let stream = || {
        let mut stage = Stage::new();
        stage.play(FILM, 60);
        stage.rest(20);
        stage.seen.into_iter().map(|seen| seen.record).collect::<Vec<_>>()
    };
    assert!(stream() == stream());
}
