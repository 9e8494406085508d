//! A film and its viewers: on good lines and bad ones, there from the beginning or late, with a decoder or without.

use std::time::Duration;

use convene_screen::{Rect, ScreenSize};

use crate::desktop::{Desktop, Step};
use crate::network::{Line, Meeting};

const FILM: Rect = Rect::new(131, 77, 321, 181);
const FRAME: Duration = Duration::from_millis(40);
const SECOND: Duration = Duration::from_secs(1);

struct Cinema {
    meeting: Meeting,
    frame: usize,
}

impl Cinema {
    fn new() -> Self {
        Self { meeting: Meeting::new(Desktop::page(ScreenSize::new(700, 400).unwrap())), frame: 0 }
    }

    fn play(&mut self, time: Duration) {
        let end = self.meeting.now + time;
        while self.meeting.now < end {
            self.frame += 1;
            self.meeting.desktop.film(FILM, self.frame);
            self.meeting.present();
            self.meeting.wait(FRAME);
        }
    }

    /// The mean square of what is off in the film at a viewer, and whether all is exact around it.
    fn error(&mut self, id: u32) -> (u64, bool) {
        let wanted = self.meeting.desktop.bgrx();
        let width = usize::from(self.meeting.desktop.size().width());
        let shown = self.meeting.viewer(id).decoder.canvas().expect("it has a screen").pixels();
        let (mut squares, mut is_exact) = (0, true);
        for (at, (shown, wanted)) in shown.chunks(4).zip(wanted.chunks(4)).enumerate() {
            let pixel = Rect::new((at % width) as u16, (at / width) as u16, 1, 1);
            if pixel.is_within(FILM) {
                squares +=
                    shown.iter().zip(wanted).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
            } else {
                is_exact &= shown == wanted;
            }
        }
        (squares / (3 * FILM.area() as u64), is_exact)
    }
}

#[test]
fn viewers_on_good_lines_get_every_frame_and_rest_exact() {
    let mut cinema = Cinema::new();
    cinema.meeting.join_and_play(1, Line::new(50_000, 5));
    cinema.meeting.join_and_play(2, Line::new(2_000, 60));
    cinema.play(5 * SECOND);
    // The slower one is still busy with the page when the film starts.
    for (id, frames_min) in [(1, 100), (2, 70)] {
        let frames = cinema.meeting.viewer(id).frames;
        assert!(frames_min < frames, "{id}: {frames} frames");
    }
    let (error, is_exact) = cinema.error(1);
    assert!(error < 300 && is_exact, "mean square {error}, exact around: {is_exact}");
    cinema.meeting.rest(5 * SECOND);
    cinema.meeting.assert_all_equal();
}

/// Who comes late has pictures at once, and the film from the next key frame on.
#[test]
fn a_late_viewer_has_pictures_until_the_next_key_frame() {
    let mut cinema = Cinema::new();
    cinema.play(2 * SECOND);
    cinema.meeting.join_and_play(1, Line::new(20_000, 20));
    cinema.play(Duration::from_millis(500));
    assert_eq!(cinema.meeting.viewer(1).frames, 0);
    let (error, is_exact) = cinema.error(1);
    assert!(error < 2_000 && is_exact, "mean square {error}, exact around: {is_exact}");
    cinema.play(4 * SECOND);
    let frames = cinema.meeting.viewer(1).frames;
    assert!(20 < frames && frames < 100, "{frames} frames");
    cinema.meeting.rest(5 * SECOND);
    cinema.meeting.assert_all_equal();
}

#[test]
fn who_cannot_play_gets_pictures_only() {
    let mut cinema = Cinema::new();
    cinema.meeting.join(1, Line::new(20_000, 20));
    cinema.meeting.join_and_play(2, Line::new(20_000, 20));
    cinema.play(6 * SECOND);
    assert_eq!(cinema.meeting.viewer(1).frames, 0);
    let (error, is_exact) = cinema.error(1);
    assert!(error < 2_000 && is_exact, "mean square {error}, exact around: {is_exact}");
    let (sent, played) = (cinema.meeting.viewer(1).sent_bytes, cinema.meeting.viewer(2).sent_bytes);
    assert!(sent < 10 * played, "{sent} bytes as pictures, {played} as a film");
    cinema.meeting.rest(5 * SECOND);
    cinema.meeting.assert_all_equal();
}

/// A line that is slower than the film: it is never flooded, sees a newer picture now and then, and rests exact.
#[test]
fn a_slow_viewer_gets_pictures_at_its_own_pace() {
    let mut cinema = Cinema::new();
    cinema.meeting.join_and_play(1, Line::new(50_000, 5));
    cinema.meeting.join_and_play(2, Line::new(120, 50));
    cinema.play(12 * SECOND);
    // The page goes on beside the film.
    cinema.meeting.desktop.step(&Step::Noise { rect: Rect::new(20, 300, 60, 12), seed: 1, colours: 3 });
    cinema.play(8 * SECOND);
    let viewer = cinema.meeting.viewer(2);
    assert!(viewer.in_flight() < 64 * 1024, "{} bytes are on their way", viewer.in_flight());
    assert!(cinema.error(2).1, "what is beside the film does not wait for ever");
    assert!(200 < cinema.meeting.viewer(1).frames, "nobody waits for the slow one");
    cinema.meeting.rest(60 * SECOND);
    cinema.meeting.assert_all_equal();
}

#[test]
fn a_film_that_restarts_and_moves_is_followed_by_all() {
    let mut cinema = Cinema::new();
    cinema.meeting.join_and_play(1, Line::new(50_000, 5));
    cinema.meeting.join_and_play(2, Line::new(600, 50));
    cinema.meeting.join(3, Line::new(3_000, 30));
    for round in 0..4_u64 {
        cinema.play(SECOND);
        let size = cinema.meeting.desktop.size();
        match round {
            0 => cinema.meeting.encoder.restart(),
            1 => cinema.meeting.desktop.step(&Step::Scroll { rect: size.rect(), dx: 0, dy: -30, seed: 3 }),
            2 => cinema.meeting.desktop.step(&Step::Fill { rect: Rect::new(0, 0, 300, 200), colour: [9; 3] }),
            _ => cinema.meeting.desktop.step(&Step::Resize(ScreenSize::new(500, 300).unwrap())),
        }
    }
    cinema.play(SECOND);
    cinema.meeting.rest(30 * SECOND);
    cinema.meeting.assert_all_equal();
}
