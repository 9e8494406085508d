//! Photographs and kept pictures on lines of all kinds: about right soon, exact at rest, and never anything old after something new.

use std::time::Duration;

use convene_screen::{Rect, ScreenSize};

use crate::desktop::{Desktop, Step};
use crate::network::{Line, Meeting};

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);
const PHOTOGRAPH: Rect = Rect::new(192, 128, 384, 256);

fn page() -> Desktop {
    Desktop::page(ScreenSize::new(640, 480).expect("within the limits"))
}

/// Brighter for every `level` up to 39.
fn photograph(desktop: &mut Desktop, level: u64) {
    desktop.step(&Step::Photograph {
        rect: PHOTOGRAPH,
        seed: level << 24 | level << 32 | level << 40 | 0x12_3456,
    });
}

/// Of the pixels inside, or outside, of the photograph: how many are not just right, and how far off all are on average.
fn off(meeting: &mut Meeting, viewer: u32, inside: bool) -> (usize, f64) {
    let wanted = meeting.desktop.bgrx();
    let width = usize::from(meeting.desktop.size().width());
    let Some(canvas) = meeting.viewer(viewer).decoder.canvas() else { return (usize::MAX, f64::MAX) };
    let (mut wrong, mut sum, mut count) = (0, 0, 0);
    for (i, (shown, wanted)) in canvas.pixels().chunks(4).zip(wanted.chunks(4)).enumerate() {
        let place = Rect::new((i % width) as u16, (i / width) as u16, 1, 1);
        if place.is_within(PHOTOGRAPH) == inside {
            wrong += usize::from(shown != wanted);
            sum += shown.iter().zip(wanted).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            count += 3;
        }
    }
    (wrong, sum as f64 / f64::from(count))
}

/// Somebody joins on a slow line while the screen rests: the photograph is about right when the text is there, and exact much later.
#[test]
fn a_slow_viewer_sees_a_photograph_about_right_at_first() {
    let mut meeting = Meeting::new(page());
    photograph(&mut meeting.desktop, 5);
    meeting.present();
    meeting.rest(20 * SECOND);
    meeting.join(1, Line::new(300, 40));
    let joined = meeting.now;
    let (mut about_right, mut text) = (None, None);
    while off(&mut meeting, 1, true).0 != 0 {
        meeting.wait(STEP);
        let time = meeting.now - joined;
        assert!(time < 60 * SECOND, "it never becomes exact");
        if off(&mut meeting, 1, true).1 < 6.0 {
            about_right = about_right.or(Some(time));
        }
        if off(&mut meeting, 1, false).0 == 0 {
            text = text.or(Some(time));
        }
        let has_lossy_text = meeting.viewer(1).decoder.canvas().is_some() && {
            let (wrong, average) = off(&mut meeting, 1, false);
            text.is_some() && (wrong, average) != (0, 0.0)
        };
        assert!(!has_lossy_text, "text was exact, and is not any more");
    }
    let exact = meeting.now - joined;
    let seen = about_right.unwrap().max(text.unwrap());
    assert!(2 * seen < exact, "about right after {seen:?}, exact after {exact:?}");
    meeting.rest(20 * SECOND);
    meeting.assert_all_equal();
}

/// The photograph only ever becomes brighter, so no cell of it may become darker at any viewer.
#[test]
fn nobody_sees_anything_old_after_something_new() {
    let mut meeting = Meeting::new(page());
    for (id, kbit) in [(1, 100_000), (2, 1_000), (3, 150)] {
        meeting.join(id, Line::new(kbit, 30));
    }
    let mut brightest = [[0.0_f64; 24]; 3];
    for tick in 0..800 {
        if tick % 20 == 0 && tick < 200 {
            photograph(&mut meeting.desktop, tick / 20 * 4);
            meeting.present();
        }
        meeting.wait(Duration::from_millis(25));
        for (id, brightest) in (1..).zip(&mut brightest) {
            for (cell, brightest) in brightest.iter_mut().enumerate() {
                let now = brightness(&mut meeting, id, cell);
                // A lossy picture may be off by 2, and a step is 4.
                assert!(*brightest < now + 2.5, "viewer {id}, cell {cell} falls from {brightest} to {now}");
                *brightest = brightest.max(now);
            }
        }
    }
    meeting.rest(60 * SECOND);
    meeting.assert_all_equal();
}

/// On average, of one of the photograph's 24 cells.
fn brightness(meeting: &mut Meeting, viewer: u32, cell: usize) -> f64 {
    let Some(canvas) = meeting.viewer(viewer).decoder.canvas() else { return 0.0 };
    let (x, y) = (usize::from(PHOTOGRAPH.x) + cell % 6 * 64, usize::from(PHOTOGRAPH.y) + cell / 6 * 64);
    let row = |y: usize| &canvas.pixels()[(y * 640 + x) * 4..][..64 * 4];
    let sum: u64 = (y..y + 64).flat_map(row).map(|&byte| u64::from(byte)).sum();
    (sum - 64 * 64 * 255) as f64 / (64.0 * 64.0 * 3.0)
}

/// A talk goes forth and back. What a viewer missed it cannot recall, and gets.
#[test]
fn slides_go_back_and_forth_on_all_lines() {
    for seed in 0..4 {
        let mut meeting = Meeting::new(page());
        meeting.chance = seed;
        let mut slides: Vec<Desktop> = (0..4).map(|_| page()).collect();
        for (i, slide) in (0..).zip(&mut slides) {
            photograph(slide, i * 9);
            slide.step(&Step::Noise { rect: Rect::new(0, 400, 640, 60), seed: i, colours: 40 });
        }
        for (id, kbit) in [(1, 100_000), (2, 3_000), (3, 300)] {
            meeting.join(id, Line::new(kbit, 20));
        }
        for turn in 0..40 {
            meeting.desktop = slides[meeting.random(4) as usize].clone();
            if meeting.random(3) == 0 {
                meeting.desktop.step(&Step::Scroll {
                    rect: Rect::new(100, 64, 500, 400),
                    dx: 0,
                    dy: -30,
                    seed,
                });
            }
            meeting.present();
            let pause = Duration::from_millis(20 + meeting.random(900));
            meeting.wait(pause);
            match turn {
                10 => meeting.join(4, Line::new(20_000, 100)),
                20 => meeting.viewer(3).line = Line::new(50_000, 20),
                25 => meeting.encoder.restart(),
                30 => meeting.viewer(1).line = Line::new(200, 20),
                _ => {}
            }
        }
        meeting.rest(300 * SECOND);
        meeting.assert_all_equal();
    }
}
