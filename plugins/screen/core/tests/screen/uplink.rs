//! A presenter whose line carries less than its screen changes.

use std::collections::VecDeque;
use std::time::Duration;

use convene_screen::{Decoder, Encoder, PixelOrder, Rect, ScreenSize, Window};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::desktop::{self, Desktop, Step};

const FRAME: Duration = Duration::from_millis(33);
const LETTER: Rect = Rect::new(500, 378, 9, 14);
const PAGE: Rect = Rect::new(0, 0, 1280, 340);

fn size() -> ScreenSize {
    ScreenSize::new(1280, 720).expect("within the limits")
}

/// A presenter, and who takes in what it sends.
struct Talk {
    desktop: Desktop,
    encoder: Encoder,
    decoder: Decoder,
    now: Duration,
}

impl Talk {
    /// A page that is there.
    fn new(desktop: Desktop) -> Self {
        let mut talk =
            Self { desktop, encoder: Encoder::new(), decoder: Decoder::new(), now: Duration::ZERO };
        talk.frame();
        talk
    }

    /// The bytes of the next frame's update.
    fn frame(&mut self) -> usize {
        self.now += FRAME;
        self.frame_now()
    }

    fn frame_now(&mut self) -> usize {
        let update = self.encoder.frame(self.desktop.stored(PixelOrder::Bgrx, 0).frame(), self.now);
        self.read(&update.unwrap_or_default())
    }

    /// And of one between two frames.
    fn between(&mut self) -> usize {
        let update = self.encoder.refine(self.now).unwrap_or_default();
        self.read(&update)
    }

    fn read(&mut self, update: &[u8]) -> usize {
        self.decoder.push(update);
        while self.decoder.next_update().expect("a stream of the encoder").is_some() {}
        update.len()
    }

    fn shows(&self, rect: Rect) -> bool {
        let wanted = self.desktop.bgrx();
        let row_bytes = 4 * usize::from(self.desktop.size().width());
        let columns = 4 * usize::from(rect.x)..4 * rect.right() as usize;
        let shown = self.decoder.canvas().expect("a screen").pixels();
        (usize::from(rect.y)..rect.bottom() as usize)
            .map(|y| y * row_bytes + columns.start..y * row_bytes + columns.end)
            .all(|row| shown[row.clone()] == wanted[row])
    }

    fn rest(&mut self) {
        let limit = self.now + Duration::from_secs(60);
        while let Some(due) = self.encoder.next_refinement_at() {
            self.now = self.now.max(due);
            assert!(self.now < limit, "it does not come to rest");
            self.between();
        }
    }

    /// Something like smooth letters, black on white with shades at their edges.
    fn letters(&mut self, rect: Rect) {
        for y in (rect.y..rect.bottom() as u16).step_by(14) {
            for x in (rect.x..rect.right() as u16).step_by(9) {
                let shade = |at: u16| 40 + (u32::from(at).wrapping_mul(2_654_435_761) >> 9) as u8 % 180;
                for (dx, dy, width, height) in [(0, 0, 1, 9), (1, 2, 4, 1), (5, 3, 1, 6), (2, 8, 3, 1)] {
                    let (px, py) = (x + dx, y + dy);
                    let stroke = Rect::new(px, py, width, height);
                    let colour = if (px ^ py) % 3 == 0 { [20; 3] } else { [shade(px * 31 + py * 17); 3] };
                    self.desktop.step(&Step::Fill { rect: stroke, colour });
                }
            }
        }
    }

    fn write(&mut self, seed: u64) {
        self.desktop.step(&Step::Noise { rect: PAGE, seed, colours: 3 });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn whatever_there_is_room_for_all_arrives_in_the_end(
        first in desktop::any_size(),
        steps in prop::collection::vec((desktop::any_step(), 0_usize..9_000, 0_usize..3), 1..16),
    ) {
        let mut talk = Talk::new(Desktop::new(first));
        for (step, room, more) in steps {
            talk.desktop.step(&step);
            if let Step::Restart = step {
                talk.encoder.restart();
            }
            talk.encoder.set_update_bytes((1_000 < room).then_some(room));
            talk.encoder.set_line((room % 2 == 0).then_some(100_000));
            talk.frame();
            for _ in 0..more {
                talk.between();
            }
        }
        talk.rest();
        prop_assert!(talk.shows(talk.desktop.size().rect()));
    }
}

#[test]
fn an_update_has_about_as_much_as_there_is_room_for() {
    let mut talk = Talk::new(Desktop::page(size()));
    for room in [3_000, 10_000, 40_000] {
        talk.encoder.set_update_bytes(Some(room));
        talk.write(room as u64);
        let first = talk.frame();
        let mut others = Vec::new();
        while talk.encoder.owes() {
            others.push(talk.between());
        }
        assert!(
            first < 2 * room && others.iter().all(|bytes| *bytes < 2 * room),
            "{room}: {first}, {others:?}"
        );
        let whole: usize = first + others.iter().sum::<usize>();
        assert!(others.len() * room < 3 * whole, "{room}: {} updates for {whole} bytes", others.len());
        assert!(talk.shows(size().rect()));
    }
}

#[test]
fn what_somebody_types_goes_before_a_page_that_is_owed() {
    let mut talk = Talk::new(Desktop::page(size()));
    talk.encoder.set_update_bytes(Some(3_000));
    talk.write(1);
    talk.frame();
    for letter in 0..5 {
        let place = Rect { x: LETTER.x + 10 * letter, ..LETTER };
        talk.desktop.step(&Step::Noise { rect: place, seed: letter.into(), colours: 2 });
        talk.frame();
        talk.frame();
        assert!(talk.shows(place), "letter {letter}");
    }
    assert!(talk.encoder.owes() && !talk.shows(PAGE));
}

/// Half of the screen never rests, and takes more than the line carries.
#[test]
fn nothing_waits_for_ever() {
    let mut talk = Talk::new(Desktop::page(size()));
    talk.encoder.set_update_bytes(Some(3_000));
    talk.desktop.step(&Step::Noise { rect: Rect::new(0, 500, 1280, 60), seed: 77, colours: 3 });
    let mut frames = 0;
    while !talk.shows(Rect::new(0, 500, 1280, 60)) {
        talk.write(frames);
        talk.frame();
        frames += 1;
        assert!(frames < 60, "the lines below are starved");
    }
}

#[test]
fn what_was_covered_meanwhile_is_never_sent() {
    let whole = {
        let mut talk = Talk::new(Desktop::page(size()));
        talk.write(9);
        talk.frame()
    };
    let mut talk = Talk::new(Desktop::page(size()));
    talk.encoder.set_update_bytes(Some(3_000));
    let mut bytes = 0;
    for seed in 0..10 {
        talk.write(seed);
        bytes += talk.frame();
    }
    while talk.encoder.owes() {
        bytes += talk.between();
    }
    assert!(talk.shows(PAGE));
    assert!(bytes < whole + whole / 2 + 10 * 6_000, "{bytes} bytes, {whole} for one page");
}

/// On a line of 56 kbit/s a page comes about right first, in some half of the bytes, and is exact in the end; what is typed is exact at once.
#[test]
fn under_pressure_text_comes_in_few_colours_first() {
    let bytes = |line: Option<u32>| {
        let mut talk = Talk::new(Desktop::new(size()));
        talk.encoder.set_line(line);
        talk.encoder.set_update_bytes(Some(3_000));
        talk.letters(PAGE);
        let mut bytes = talk.frame();
        while talk.encoder.owes() {
            bytes += talk.between();
        }
        (talk, bytes)
    };
    let ((mut slow, few), (fast, exact)) = (bytes(Some(56_000)), bytes(None));
    assert!(fast.shows(PAGE) && !slow.shows(PAGE));
    assert!(10 * few < 7 * exact, "{few} bytes, {exact} exactly");
    slow.letters(LETTER);
    slow.frame();
    assert!(slow.shows(LETTER));
    slow.rest();
    assert!(slow.shows(size().rect()));
}

/// What is scrolled while it is owed moves as far as it is there.
#[test]
fn a_page_that_is_owed_scrolls() {
    let mut talk = Talk::new(Desktop::page(size()));
    talk.encoder.set_update_bytes(Some(3_000));
    for step in 0..30 {
        talk.desktop.step(&Step::Scroll { rect: Rect::new(40, 60, 1100, 600), dx: 0, dy: -17, seed: step });
        talk.frame();
    }
    assert!(talk.encoder.owes());
    talk.rest();
    assert!(talk.shows(size().rect()));
}

/// A line of 400 kbit/s, 80 ms there and back, behind a buffer without an end. Half of the screen is another one each second, which takes twice
/// as much as the line carries.
#[test]
fn on_a_slow_line_a_letter_is_there_soon() {
    let (bytes_a_ms, way) = (50, 40);
    let mut talk = Talk::new(Desktop::page(size()));
    let mut window = Window::new();
    let (mut free_at, mut sent) = (0, 0);
    let mut arrivals: VecDeque<(u64, u64)> = VecDeque::new();
    let mut typed: Option<(u64, Rect)> = None;
    let mut waits: Vec<u64> = Vec::new();
    let mut is_frame_due = false;
    for now in 0..20_000_u64 {
        talk.now = Duration::from_millis(now);
        while let Some((_, end)) = arrivals.pop_front_if(|(at, _)| *at <= now) {
            window.painted(end, talk.now);
        }
        if now % 1_000 == 0 {
            talk.write(now);
        }
        if now % 1_000 == 500 {
            let place = Rect { x: LETTER.x + 10 * (now / 1_000) as u16, ..LETTER };
            talk.desktop.step(&Step::Noise { rect: place, seed: now, colours: 2 });
            typed = Some((now, place));
        }
        is_frame_due |= now % 33 == 0;
        if window.room(talk.now) == 0 || !is_frame_due && !talk.encoder.owes() {
            continue;
        }
        talk.encoder.set_update_bytes(Some(window.piece_bytes() as usize));
        let bytes = if std::mem::take(&mut is_frame_due) { talk.frame_now() } else { talk.between() };
        if bytes == 0 {
            continue;
        }
        sent += bytes as u64;
        window.sent(bytes, talk.encoder.owes(), talk.now);
        free_at = now.max(free_at) + bytes as u64 / bytes_a_ms;
        arrivals.push_back((free_at + 2 * way, sent));
        if let Some((since, _)) = typed.take_if(|(_, place)| talk.shows(*place)) {
            waits.push(free_at + way - since);
        }
    }
    waits.sort_unstable();
    let (half, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    assert!(waits.len() == 20 && half < 400 && most < 600, "{waits:?} ms");
}
