//! From one frame a second to sixty, and screens of 8K.

use std::time::Duration;

use convene_screen::{Decoder, Encoder, PixelOrder, Record, Rect, ScreenSize};

use crate::desktop::{Desktop, Step};
use crate::pixels::Pair;

fn size(width: u32, height: u32) -> ScreenSize {
    ScreenSize::new(width, height).expect("within the limits")
}

/// Two seconds of typing and scrolling: each frame shows what was typed, and all is exact soon after the last.
#[test]
fn at_any_rate_text_is_there_with_its_frame() {
    for fps in [1, 5, 15, 30, 60] {
        let mut desktop = Desktop::page(size(640, 480));
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let mut now = Duration::ZERO;
        for frame in 0..2 * fps {
            let letter = Rect::new(20 + 10 * (frame % 60) as u16, 30, 9, 14);
            desktop.step(&Step::Noise { rect: letter, seed: frame.into(), colours: 2 });
            let page = Rect::new(0, 100, 640, 380);
            desktop.step(&Step::Scroll { rect: page, dx: 0, dy: -7, seed: frame.into() });
            now += Duration::from_secs(1) / fps;
            let stored = desktop.stored(PixelOrder::Bgrx, 0);
            decoder.push(&encoder.frame(stored.frame(), now).expect("something changed"));
            assert!(decoder.next_update().unwrap().is_some());
            let shown = decoder.canvas().unwrap().pixels();
            assert!(shown == desktop.bgrx(), "frame {frame} at {fps} a second");
        }
    }
}

/// A film in a window, at sixty frames a second: no more than half of them is sent, and when it stops all is exact.
#[test]
fn a_film_of_sixty_frames_a_second_is_thinned_out() {
    let window = Rect::new(101, 67, 400, 300);
    let mut desktop = Desktop::page(size(640, 480));
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let (mut frames, mut reader) = (0, convene_screen::Reader::new());
    let mut now = Duration::ZERO;
    for frame in 0..180 {
        desktop.film(window, frame);
        now += Duration::from_secs(1) / 60;
        let update = encoder.frame(desktop.stored(PixelOrder::Bgrx, 0).frame(), now).unwrap_or_default();
        decoder.push(&update);
        reader.push(&update);
        let records = std::iter::from_fn(|| reader.next_record().unwrap());
        frames += records.filter(|record| matches!(record, Record::Video { .. })).count();
    }
    assert!((50..=100).contains(&frames), "{frames} frames of a film in three seconds");
    while let Some(due) = encoder.next_refinement_at() {
        now = now.max(due);
        decoder.push(&encoder.refine(now).unwrap_or_default());
    }
    while decoder.next_update().unwrap().is_some() {}
    assert!(decoder.canvas().unwrap().pixels() == desktop.bgrx());
}

#[test]
fn a_screen_of_8k_arrives_and_scrolls() {
    let whole = size(7_680, 4_320);
    let mut desktop = Desktop::new(whole);
    desktop.step(&Step::Fill { rect: whole.rect(), colour: [250, 250, 245] });
    for y in (100..4_300).step_by(90) {
        desktop.step(&Step::Noise { rect: Rect::new(300, y, 6_000, 20), seed: y.into(), colours: 2 });
    }
    let mut pair = Pair::default();
    pair.show(&desktop, PixelOrder::Bgrx, 0);
    desktop.step(&Step::Scroll { rect: Rect::new(300, 0, 6_000, 4_320), dx: 0, dy: -120, seed: 5 });
    let records = pair.show(&desktop, PixelOrder::Xbgr, 12);
    assert!(records.iter().any(|record| matches!(record, Record::Move { .. })), "it is moved");
    pair.rest(&desktop);
}
