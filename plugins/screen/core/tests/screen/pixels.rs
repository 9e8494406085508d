//! Whatever happens on the screen, the decoder shows the frame's pixels.

use std::time::Duration;

use convene_screen::{Crew, Decoder, Encoder, Job, PixelOrder, Point, Reader, Record, Rect, ScreenSize};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::desktop::{self, Desktop, Step};

const ORDERS: [PixelOrder; 4] = [PixelOrder::Bgrx, PixelOrder::Rgbx, PixelOrder::Xrgb, PixelOrder::Xbgr];

fn size(width: u32, height: u32) -> ScreenSize {
    ScreenSize::new(width, height).expect("within the limits")
}

/// An encoder, and a decoder that has read all of it.
#[derive(Default)]
pub struct Pair {
    pub encoder: Encoder,
    pub decoder: Decoder,
    reader: Reader,
    /// Milliseconds.
    pub frames: u64,
}

impl Pair {
    /// The records that the frame took; checks that it is shown, exactly unless there is something to refine.
    pub fn show(&mut self, desktop: &Desktop, order: PixelOrder, padding: usize) -> Vec<Record> {
        self.frames += 1;
        let stored = desktop.stored(order, padding);
        let Some(bytes) = self.encoder.frame(stored.frame(), Duration::from_millis(self.frames)) else {
            self.check(desktop);
            return Vec::new();
        };
        self.decoder.push(&bytes);
        let shown = self.decoder.next_update().unwrap().expect("one update");
        assert_eq!(shown.time_us, self.frames * 1000);
        assert_eq!(self.decoder.next_update(), Ok(None));
        assert_eq!(self.decoder.finish(), Ok(()));
        self.check(desktop);
        self.reader.push(&bytes);
        std::iter::from_fn(|| self.reader.next_record().unwrap()).collect()
    }

    fn check(&self, desktop: &Desktop) {
        let canvas = self.decoder.canvas().unwrap();
        assert_eq!(canvas.size(), desktop.size());
        let is_exact = canvas.pixels() == desktop.bgrx();
        assert!(is_exact || self.encoder.needs_refinement(), "the canvas is not the frame");
    }

    /// Frames at 20 a second until everything is exact; how many it took.
    pub fn rest(&mut self, desktop: &Desktop) -> u64 {
        let begun = self.frames;
        while self.encoder.needs_refinement() {
            self.frames += 50;
            self.show(desktop, PixelOrder::Bgrx, 0);
            assert!(self.frames - begun < 20_000, "it does not come to rest");
        }
        self.check(desktop);
        (self.frames - begun) / 51
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn random_desktops_arrive_exactly(
        first in desktop::any_size(),
        steps in prop::collection::vec(desktop::any_step(), 1..12),
        order in prop::sample::select(&ORDERS[..]),
        padding in 0_usize..9,
    ) {
        let mut desktop = Desktop::new(first);
        let mut pair = Pair::default();
        pair.show(&desktop, order, padding);
        for step in steps {
            desktop.step(&step);
            if let Step::Restart = step {
                pair.encoder.restart();
            }
            pair.show(&desktop, order, padding);
        }
        pair.rest(&desktop);
    }
}

#[test]
fn the_smallest_and_the_longest_screens_arrive() {
    for (width, height) in [(1, 1), (1, 16_384), (16_384, 1), (16_384, 67), (513, 65)] {
        let mut desktop = Desktop::new(size(width, height));
        let mut pair = Pair::default();
        pair.show(&desktop, PixelOrder::Bgrx, 0);
        desktop.step(&Step::Noise { rect: size(width, height).rect(), seed: 7, colours: 3 });
        pair.show(&desktop, PixelOrder::Xrgb, 1);
    }
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let run = || {
        let mut desktop = Desktop::page(size(700, 500));
        let mut encoder = Encoder::new();
        let mut stream = Vec::new();
        for i in 0..5_u64 {
            let stored = desktop.stored(PixelOrder::Rgbx, 4);
            stream.extend(encoder.frame(stored.frame(), Duration::from_secs(i)).unwrap());
            desktop.step(&Step::Scroll { rect: Rect::new(30, 40, 600, 400), dx: 0, dy: -13, seed: i });
        }
        stream
    };
    assert_eq!(run(), run());
}

/// Does the last job first.
#[derive(Debug)]
struct Backwards;

impl Crew for Backwards {
    fn paint(&self, jobs: &[Job<'_>]) -> Vec<Record> {
        let mut records: Vec<Record> = jobs.iter().rev().map(Job::paint).collect();
        records.reverse();
        records
    }
}

#[test]
fn who_does_the_work_changes_no_byte() {
    let mut desktop = Desktop::page(size(1100, 700));
    let mut encoders = [Encoder::new(), Encoder::with_crew(Box::new(Backwards))];
    for i in 0..4_u64 {
        let stored = desktop.stored(PixelOrder::Bgrx, 0);
        let [alone, helped] =
            encoders.each_mut().map(|encoder| encoder.frame(stored.frame(), Duration::from_secs(i)));
        assert_eq!(alone, helped);
        desktop.step(&Step::Photograph { rect: Rect::new(60, 50, 700, 300), seed: i });
        desktop.step(&Step::Noise { rect: Rect::new(0, 400, 1100, 200), seed: i, colours: 3 });
    }
}

#[test]
fn nothing_changed_is_no_update() {
    let desktop = Desktop::page(size(300, 200));
    let mut pair = Pair::default();
    assert_eq!(pair.show(&desktop, PixelOrder::Bgrx, 0)[0], Record::Start);
    assert_eq!(pair.show(&desktop, PixelOrder::Rgbx, 12), []);
}

#[test]
fn a_restart_carries_the_whole_screen() {
    let desktop = Desktop::page(size(300, 200));
    let mut pair = Pair::default();
    let first = pair.show(&desktop, PixelOrder::Bgrx, 0);
    pair.encoder.restart();
    let again = pair.show(&desktop, PixelOrder::Bgrx, 0);
    let paint = |records: &[Record]| records[..records.len() - 1].to_vec();
    assert_eq!(paint(&first), paint(&again));
}

/// A page scrolled between a side bar and a scroll bar, none of them on the grid: one move, and little more to paint than what came in.
#[test]
fn a_scrolled_page_is_one_move() {
    for dy in [-57, 57, -3, 200] {
        let mut desktop = Desktop::page(size(1280, 720));
        let mut pair = Pair::default();
        pair.show(&desktop, PixelOrder::Bgrx, 0);
        let page = Rect::new(133, 70, 1100, 620);
        desktop.step(&Step::Scroll { rect: page, dx: 0, dy, seed: 9 });
        let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
        let moves: Vec<_> = records.iter().filter(|record| matches!(record, Record::Move { .. })).collect();
        assert_eq!(moves.len(), 1, "{dy}: {moves:?}");
        let painted: usize = records.iter().map(painted_area).sum();
        let came_in = usize::from(page.width) * dy.unsigned_abs() as usize;
        assert!(painted < came_in + came_in / 4 + 20_000, "{dy}: {painted} painted for {came_in}");
    }
}

#[test]
fn a_window_dragged_both_ways_is_one_move() {
    for (dx, dy) in [(37, 23), (-5, 64), (-120, -41)] {
        let mut desktop = Desktop::page(size(1280, 720));
        let mut pair = Pair::default();
        pair.show(&desktop, PixelOrder::Bgrx, 0);
        let window = Rect::new(301, 150, 500, 400);
        desktop.step(&Step::Scroll { rect: window, dx, dy, seed: 9 });
        let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
        let moves: Vec<_> = records.iter().filter(|record| matches!(record, Record::Move { .. })).collect();
        assert_eq!(moves.len(), 1, "{dx} {dy}: {moves:?}");
        let painted: usize = records.iter().map(painted_area).sum();
        let stayed = (500 - dx.unsigned_abs() as usize) * (400 - dy.unsigned_abs() as usize);
        let came_in = window.area() - stayed;
        assert!(painted < came_in + came_in / 4 + 20_000, "{dx} {dy}: {painted} painted for {came_in}");
    }
}

/// One window scrolls down, one beside it sideways.
#[test]
fn two_windows_may_move_in_one_frame() {
    let mut desktop = Desktop::page(size(1280, 720));
    let mut pair = Pair::default();
    pair.show(&desktop, PixelOrder::Bgrx, 0);
    desktop.step(&Step::Scroll { rect: Rect::new(40, 70, 500, 600), dx: 0, dy: 31, seed: 9 });
    desktop.step(&Step::Scroll { rect: Rect::new(700, 90, 500, 500), dx: -26, dy: 0, seed: 10 });
    let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
    assert_eq!(records.iter().filter(|record| matches!(record, Record::Move { .. })).count(), 2);
    assert!(records.iter().map(painted_area).sum::<usize>() < 2 * (500 * 31 + 26 * 500) + 20_000);
}

#[test]
fn a_page_pushed_sideways_is_one_move() {
    let mut desktop = Desktop::page(size(1280, 720));
    let mut pair = Pair::default();
    pair.show(&desktop, PixelOrder::Bgrx, 0);
    desktop.step(&Step::Scroll { rect: Rect::new(133, 70, 1100, 620), dx: -40, dy: 0, seed: 9 });
    let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
    assert_eq!(records.iter().filter(|record| matches!(record, Record::Move { .. })).count(), 1);
    assert!(records.iter().map(painted_area).sum::<usize>() < 40 * 620 * 2 + 20_000);
}

#[test]
fn an_empty_screen_of_one_colour_is_one_fill() {
    let mut desktop = Desktop::new(size(1920, 1080));
    let mut pair = Pair::default();
    pair.show(&desktop, PixelOrder::Bgrx, 0);
    desktop.step(&Step::Fill { rect: size(1920, 1080).rect(), colour: [9, 8, 7] });
    let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
    assert!(matches!(records[..], [Record::Fill { .. }, Record::Update { .. }]), "{records:?}");
}

#[test]
fn a_typed_letter_is_one_small_picture() {
    let mut desktop = Desktop::page(size(1920, 1080));
    let mut pair = Pair::default();
    pair.show(&desktop, PixelOrder::Bgrx, 0);
    desktop.step(&Step::Noise { rect: Rect::new(500, 378, 9, 14), seed: 3, colours: 2 });
    let records = pair.show(&desktop, PixelOrder::Bgrx, 0);
    assert!(matches!(records[..], [Record::Serial { .. }, Record::Update { .. }]), "{records:?}");
    assert!(painted_area(&records[0]) <= 9 * 14);
}

#[test]
fn the_cursor_goes_with_a_frame_or_alone() {
    let desktop = Desktop::new(size(64, 64));
    let mut encoder = Encoder::new();
    let mut decoder = Decoder::new();
    let mut show = |update: Option<bytes::Bytes>| {
        decoder.push(&update.expect("an update"));
        let shown = decoder.next_update().unwrap().expect("one update");
        assert!(shown.cursor_changed);
        decoder.cursor().clone()
    };
    encoder.move_cursor(3, 4, true);
    assert_eq!(encoder.cursor_update(Duration::ZERO), None, "nothing was sent yet");
    let stored = desktop.stored(PixelOrder::Bgrx, 0);
    let cursor = show(encoder.frame(stored.frame(), Duration::ZERO));
    assert_eq!((cursor.x, cursor.y, cursor.visible, cursor.picture), (3, 4, true, None));
    assert_eq!(encoder.cursor_update(Duration::ZERO), None, "it is where it was");

    let arrow: Vec<u8> = (0..5 * 7 * 4).map(|i| i as u8).collect();
    encoder.shape_cursor(Point { x: 1, y: 6 }, 5, 7, &arrow).unwrap();
    encoder.move_cursor(-9, 700, false);
    let cursor = show(encoder.cursor_update(Duration::ZERO));
    assert_eq!((cursor.x, cursor.y, cursor.visible), (-9, 700, false));
    assert_eq!(cursor.picture.as_ref().unwrap().bgra, arrow);

    encoder.restart();
    assert_eq!(encoder.cursor_update(Duration::ZERO), None, "the next frame begins a stream");
    assert_eq!(show(encoder.frame(stored.frame(), Duration::ZERO)), cursor);
}

#[test]
fn a_cursor_out_of_its_limits_is_refused() {
    let mut encoder = Encoder::new();
    for (hot, width, height, bytes) in
        [((0, 0), 0, 1, 0), ((0, 0), 257, 1, 1028), ((3, 0), 3, 3, 36), ((0, 0), 3, 3, 35)]
    {
        let hot = Point { x: hot.0, y: hot.1 };
        assert!(
            encoder.shape_cursor(hot, width, height, &vec![0; bytes]).is_err(),
            "{width} x {height}, {bytes} bytes"
        );
    }
    assert_eq!(encoder.shape_cursor(Point { x: 255, y: 255 }, 256, 256, &vec![9; 256 * 256 * 4]), Ok(()));
}

fn painted_area(record: &Record) -> usize {
    match record {
        Record::Fill { rect, .. }
        | Record::Picture { rect, .. }
        | Record::Serial { rect, .. }
        | Record::Recall { rect, .. } => rect.area(),
        _ => 0,
    }
}
