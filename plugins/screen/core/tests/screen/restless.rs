//! What changes again and again: slides that fade in.

use std::time::Duration;

use convene_screen::{Decoder, Encoder, Frame, PixelOrder, Rect, ScreenSize};

use crate::desktop::{Desktop, Step};

const FRAME: Duration = Duration::from_millis(33);
/// Frames of a fade: a third of a second.
const FADE: u32 = 10;

fn size() -> ScreenSize {
    ScreenSize::new(800, 600).expect("within the limits")
}

/// A photograph on a page.
fn slide(seed: u64) -> Vec<u8> {
    let mut desktop = Desktop::page(size());
    desktop.step(&Step::Photograph { rect: Rect::new(60, 40, 700, 500), seed });
    desktop.bgrx()
}

fn mixed(from: &[u8], to: &[u8], step: u32) -> Vec<u8> {
    let mix =
        |(from, to): (&u8, &u8)| ((u32::from(*from) * (FADE - step) + u32::from(*to) * step) / FADE) as u8;
    from.iter().zip(to).map(mix).collect()
}

#[derive(Default)]
struct Talk {
    encoder: Encoder,
    decoder: Decoder,
    frame: Duration,
    now: Duration,
}

impl Talk {
    /// The bytes that a frame took.
    fn show(&mut self, pixels: &[u8]) -> usize {
        self.now += self.frame;
        let frame = Frame { size: size(), stride: 800 * 4, order: PixelOrder::Bgrx, pixels };
        let update = self.encoder.frame(frame, self.now).unwrap_or_default();
        self.take(&update)
    }

    fn take(&mut self, update: &[u8]) -> usize {
        self.decoder.push(update);
        while self.decoder.next_update().expect("a stream of the encoder").is_some() {}
        update.len()
    }

    fn shows(&self, pixels: &[u8]) -> bool {
        self.decoder.canvas().expect("a screen").pixels() == pixels
    }
}

/// Half a second a step, each one is a slide of its own.
#[test]
fn a_slide_that_fades_in_costs_a_part_of_what_its_steps_would_alone() {
    let (first, second) = (slide(1), slide(200));
    let bytes = |frame: Duration| {
        let mut talk = Talk { frame, ..Talk::default() };
        talk.show(&first);
        (1..=FADE).map(|step| talk.show(&mixed(&first, &second, step))).sum::<usize>()
    };
    let (fading, slow) = (bytes(FRAME), bytes(Duration::from_millis(500)));
    assert!(3 * fading < slow, "{fading} bytes, {slow} slowly");
}

/// Between two frames, and also when no frame ever comes again.
#[test]
fn what_was_held_back_is_painted_as_soon_as_it_rests() {
    let (first, second) = (slide(1), slide(2));
    let mut talk = Talk { frame: FRAME, ..Talk::default() };
    talk.show(&first);
    (1..=FADE).for_each(|step| {
        talk.show(&mixed(&first, &second, step));
    });
    assert!(!talk.shows(&second));
    let ended = talk.now;
    while let Some(at) = talk.encoder.next_refinement_at() {
        assert!(ended < at && at < ended + Duration::from_millis(500), "{:?} after the fade", at - ended);
        let update = talk.encoder.refine(at).unwrap_or_default();
        talk.take(&update);
    }
    assert!(talk.shows(&second));
}
