//! Photographs: about right at once, exact at rest, and not sent again; text beside them is exact from the first.

use std::time::Duration;

use convene_screen::{Picture, PixelOrder, Record, Rect, ScreenSize};

use crate::desktop::{Desktop, Step};
use crate::pixels::Pair;

const PHOTOGRAPH: Rect = Rect::new(150, 90, 400, 330);

fn size(width: u32, height: u32) -> ScreenSize {
    ScreenSize::new(width, height).expect("within the limits")
}

fn show(pair: &mut Pair, desktop: &Desktop) -> Vec<Record> {
    pair.show(desktop, PixelOrder::Bgrx, 0)
}

fn photograph(desktop: &mut Desktop, seed: u64) {
    desktop.step(&Step::Photograph { rect: PHOTOGRAPH, seed });
}

/// A page of text with a photograph in it, and a reader that has it, exactly.
fn page_at_rest() -> (Desktop, Pair) {
    let mut desktop = Desktop::page(size(800, 600));
    photograph(&mut desktop, 7);
    let mut pair = Pair::default();
    show(&mut pair, &desktop);
    pair.rest(&desktop);
    (desktop, pair)
}

fn is_lossy(record: &Record) -> bool {
    matches!(record, Record::Picture { picture: Picture::WebP(file), .. } if file[12..16] == *b"VP8 ")
}

fn bytes(records: &[Record]) -> usize {
    let mut out = bytes::BytesMut::new();
    records.iter().for_each(|record| record.write(&mut out));
    out.len()
}

/// Pixels outside of `except` that are not shown as they are.
fn wrong_pixels(pair: &Pair, desktop: &Desktop, except: Rect) -> usize {
    let width = usize::from(desktop.size().width());
    let shown = pair.decoder.canvas().unwrap().pixels();
    let is_wrong = |(i, (shown, wanted)): (usize, (&[u8], &[u8]))| {
        let place = Rect::new((i % width) as u16, (i / width) as u16, 1, 1);
        shown != wanted && !place.is_within(except)
    };
    shown.chunks(4).zip(desktop.bgrx().chunks(4)).enumerate().filter(|&pixel| is_wrong(pixel)).count()
}

#[test]
fn text_beside_a_photograph_is_exact_at_once() {
    let mut desktop = Desktop::page(size(800, 600));
    photograph(&mut desktop, 7);
    let mut pair = Pair::default();
    let records = show(&mut pair, &desktop);
    assert!(records.iter().any(is_lossy) && pair.encoder.needs_refinement());
    assert_eq!(wrong_pixels(&pair, &desktop, PHOTOGRAPH), 0);
    assert!(wrong_pixels(&pair, &desktop, Rect::new(0, 0, 1, 1)) > 10_000);
    let took = pair.rest(&desktop);
    assert!((1..30).contains(&took), "{took} frames at 20 a second");
}

#[test]
fn a_photograph_goes_in_a_small_part_of_the_bytes_at_first() {
    let mut desktop = Desktop::new(size(800, 600));
    let mut pair = Pair::default();
    show(&mut pair, &desktop);
    desktop.step(&Step::Photograph { rect: size(800, 600).rect(), seed: 3 });
    let lossy = bytes(&show(&mut pair, &desktop));
    let begun = pair.frames;
    let mut lossless = 0;
    while pair.encoder.needs_refinement() {
        pair.frames += 50;
        lossless += bytes(&show(&mut pair, &desktop));
        assert!(pair.frames < begun + 5_000);
    }
    assert!(5 * lossy < lossless, "{lossy} bytes at first, {lossless} later");
}

#[test]
fn what_changes_is_not_refined() {
    let (mut desktop, mut pair) = page_at_rest();
    for seed in 0..20 {
        photograph(&mut desktop, seed << 20 | seed);
        pair.frames += 32;
        let records = show(&mut pair, &desktop);
        let exact: usize = records
            .iter()
            .filter(|record| !is_lossy(record))
            .map(|record| bytes(std::slice::from_ref(record)))
            .sum();
        // The cells in which it meets the page are exact each time.
        assert!(exact < 150_000, "{exact} bytes of frame {seed} are exact");
        assert_eq!(wrong_pixels(&pair, &desktop, PHOTOGRAPH), 0);
        assert!(pair.encoder.needs_refinement());
    }
    pair.rest(&desktop);
}

/// The photograph scrolls with its page before it is exact: it moves, and is exact at rest.
#[test]
fn what_is_inexact_moves_along() {
    let mut desktop = Desktop::page(size(800, 600));
    photograph(&mut desktop, 7);
    let mut pair = Pair::default();
    show(&mut pair, &desktop);
    let whole = Rect::new(0, 0, 800, 600);
    for dy in [-7, -30, 13, -64, 1] {
        desktop.step(&Step::Scroll { rect: whole, dx: 0, dy, seed: 5 });
        let records = show(&mut pair, &desktop);
        assert!(records.iter().any(|record| matches!(record, Record::Move { .. })), "{dy}");
        assert!(!records.iter().any(is_lossy), "{dy}: it is not sent again");
        assert!(pair.encoder.needs_refinement());
    }
    pair.rest(&desktop);
}

#[test]
fn a_step_is_bounded_and_told_beforehand() {
    let mut desktop = Desktop::new(size(1600, 900));
    desktop.step(&Step::Photograph { rect: size(1600, 900).rect(), seed: 9 });
    let mut pair = Pair::default();
    show(&mut pair, &desktop);
    let mut time = Duration::from_millis(pair.frames);
    assert_eq!(pair.encoder.refine(time), None, "nothing has rested yet");
    let (mut steps, mut total) = (0, 0);
    while let Some(at) = pair.encoder.next_refinement_at() {
        assert!(time < at && at < time + Duration::from_millis(200), "{at:?} after {time:?}");
        assert_eq!(pair.encoder.refine(at - Duration::from_millis(1)), None, "too early");
        let update = pair.encoder.refine(at).expect("it was told");
        assert!(update.len() < (128 + 64) * 1024, "{} bytes in one step", update.len());
        total += update.len();
        pair.decoder.push(&update);
        assert!(pair.decoder.next_update().unwrap().is_some());
        time = at;
        steps += 1;
    }
    assert!(pair.decoder.canvas().unwrap().pixels() == desktop.bgrx());
    let rate = total as f64 / (time - Duration::from_millis(pair.frames)).as_secs_f64();
    assert!(10 < steps && rate < 2.5 * 1024.0 * 1024.0, "{steps} steps, {rate} bytes a second");
}

#[test]
fn a_small_change_of_a_photograph_is_exact() {
    let (mut desktop, mut pair) = page_at_rest();
    desktop.step(&Step::Photograph { rect: Rect::new(200, 200, 30, 30), seed: 8 });
    let records = show(&mut pair, &desktop);
    assert!(!records.iter().any(is_lossy) && !pair.encoder.needs_refinement());
}

/// Back to a page, and back to a photograph: next to nothing is sent, and everything is exact at once.
#[test]
fn what_was_shown_before_is_recalled() {
    let mut slides = [Desktop::page(size(1024, 768)), Desktop::new(size(1024, 768))];
    slides[0].step(&Step::Noise { rect: Rect::new(0, 300, 1024, 200), seed: 1, colours: 5 });
    slides[1].step(&Step::Photograph { rect: size(1024, 768).rect(), seed: 4 });
    let mut pair = Pair::default();
    for slide in &slides {
        show(&mut pair, slide);
        pair.rest(slide);
        pair.frames += 1_000;
    }
    for (i, slide) in slides.iter().cycle().take(6).enumerate() {
        let records = show(&mut pair, slide);
        assert!(!pair.encoder.needs_refinement());
        assert!(!records.iter().any(|record| matches!(record, Record::Picture { .. })), "slide {i}");
        assert!(bytes(&records) < 3_000, "slide {i}: {} bytes", bytes(&records));
        pair.frames += 1_000;
    }
}

/// More than a reader keeps: both ends let go of the same pictures.
#[test]
fn the_cache_overflows_alike_at_both_ends() {
    let mut pair = Pair::default();
    let mut desktop = Desktop::new(size(1024, 512));
    let noise = |seed| Step::Noise { rect: size(1024, 512).rect(), seed, colours: 64 };
    let (mut written, mut recalls) = (0, 0);
    for seed in (0..60).chain([59, 57, 0, 1]) {
        desktop.step(&noise(seed));
        let records = show(&mut pair, &desktop);
        written += bytes(&records);
        recalls +=
            usize::from(seed < 60 && records.iter().any(|record| matches!(record, Record::Recall { .. })));
    }
    assert!(16 * 1024 * 1024 < written, "{written}");
    assert_eq!(recalls, 1, "only the page before the last is still kept");
}

/// A reader's cache is full, and the oldest of its pictures is shown again beside something new, which takes its place in the cache.
#[test]
fn what_is_recalled_has_not_just_been_pushed_out() {
    const PAGES: u64 = 48;
    for offset in 0..3 {
        let mut pair = Pair::default();
        let mut desktop = Desktop::new(size(1024, 512));
        let half = |x, seed| Step::Noise { rect: Rect::new(x, 0, 512, 512), seed, colours: 64 };
        let news = (0..offset).map(|i| (5_000 + i, 1_000 + PAGES - 1));
        let pages = (0..PAGES).map(|page| (page, 1_000 + page));
        // Backwards, until what is asked for is what has to go: that comes nearer by three pictures each time.
        let back = (0..PAGES - 1).map(|i| (2_000 + i, 1_000 + PAGES - 2 - i));
        let mut recalls = 0;
        for (left, right) in pages.chain(news).chain(back) {
            desktop.step(&half(0, left));
            desktop.step(&half(512, right));
            let records = show(&mut pair, &desktop);
            recalls += records.iter().filter(|record| matches!(record, Record::Recall { .. })).count();
        }
        assert!((2..PAGES as usize - 1).contains(&recalls), "{recalls}");
    }
}

/// A page that is flung brings a screenful in every few frames. None of its text waits as what is restless does.
#[test]
fn text_that_comes_into_sight_beside_photographs_is_exact_at_once() {
    let page = size(800, 600);
    let mut desktop = Desktop::page(page);
    let mut pair = Pair::default();
    show(&mut pair, &desktop);
    for frame in 0..12 {
        desktop.step(&Step::Scroll { rect: page.rect(), dx: 0, dy: -200, seed: 1 });
        desktop.step(&Step::Fill { rect: Rect::new(0, 400, 800, 200), colour: [255; 3] });
        desktop.step(&Step::Photograph { rect: Rect::new(0, 400, 384, 200), seed: frame });
        for line in 0..9 {
            let rect = Rect::new(400, 404 + 20 * line, 392, 12);
            desktop.step(&Step::Noise { rect, seed: frame + u64::from(line), colours: 3 });
        }
        show(&mut pair, &desktop);
        assert_eq!(wrong_pixels(&pair, &desktop, Rect::new(0, 0, 384, 600)), 0, "frame {frame}");
    }
}
