//! From a presenter's pixels to a viewer's, through the real relay.

use std::time::Duration;

use bytes::Bytes;
use convene_screen::{Decoder, Encoder, Frame, PixelOrder, ScreenSize};
use serde_json::json;

use super::support::{Client, Meeting, Scene, scene};

/// A small screen, four bytes a pixel.
const WIDTH: u16 = 320;
const HEIGHT: u16 = 200;

/// A screen with a pattern that differs with the number; half of it stays the same.
pub fn pixels(number: u8) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let moving = if x < WIDTH / 2 { number } else { 0 };
            let check = ((x / 7 + y / 5) % 2) as u8 * 200;
            pixels.extend([check.wrapping_add(moving), (y % 256) as u8, moving.wrapping_mul(3), 0xff]);
        }
    }
    pixels
}

/// Somebody's screen, as a stream.
pub struct Screen {
    encoder: Encoder,
    time: Duration,
}

impl Screen {
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), time: Duration::ZERO }
    }

    pub fn show(&mut self, pixels: &[u8]) -> Bytes {
        // Too slowly for anything to be held back.
        self.time += Duration::from_millis(300);
        let size = ScreenSize::new(WIDTH.into(), HEIGHT.into()).unwrap();
        let frame = Frame { size, stride: usize::from(WIDTH) * 4, order: PixelOrder::Bgrx, pixels };
        let mut update = self.encoder.frame(frame, self.time).expect("the picture changed").to_vec();
        // What looks like a photograph is exact only when it has rested.
        while let Some(at) = self.encoder.next_refinement_at() {
            self.time = self.time.max(at);
            update.extend(self.encoder.refine(self.time).into_iter().flatten());
        }
        update.into()
    }
}

/// Somebody who watches and paints.
struct Watcher {
    client: Client,
    decoder: Decoder,
    bytes: u64,
    /// The next message belongs to a new `watch` when it begins with `Start`; before, it is of the former one.
    awaits_start: bool,
}

/// The kind of the record that a stream begins with.
const START: u8 = 1;

impl Watcher {
    async fn join(scene: &Scene, meeting: &Meeting, name: &str) -> Self {
        let mut client = scene.join_in(&meeting.code, name).await;
        client.tell(json!({"type": "watch"})).await;
        Self { client, decoder: Decoder::new(), bytes: 0, awaits_start: false }
    }

    async fn watch_again(&mut self) {
        self.client.tell(json!({"type": "unwatch"})).await;
        self.client.tell(json!({"type": "watch"})).await;
        (self.decoder, self.bytes, self.awaits_start) = (Decoder::new(), 0, true);
    }

    /// Paints until the picture is this one.
    async fn sees(&mut self, pixels: &[u8]) {
        loop {
            let piece = self.client.screen().await;
            if self.awaits_start && piece[0] != START {
                continue;
            }
            self.awaits_start = false;
            self.bytes += piece.len() as u64;
            self.decoder.push(&piece);
            let mut shown = false;
            while self.decoder.next_update().expect("the server sends a good stream").is_some() {
                shown = true;
            }
            if shown {
                self.client.tell(json!({"type": "painted", "bytes": self.bytes})).await;
                if self.decoder.canvas().is_some_and(|canvas| canvas.pixels() == pixels) {
                    return;
                }
            }
        }
    }
}

pub async fn present(client: &mut Client) {
    client.tell(json!({"type": "present"})).await;
    client.told_of("present_granted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_see_what_is_presented_pixel_for_pixel() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut early = Watcher::join(&scene, &meeting, "Early").await;
    present(&mut ann).await;
    assert_eq!(early.client.told_of("presenter").await["id"], ann.you);

    let mut screen = Screen::new();
    let first = screen.show(&pixels(1));
    let mut sent = first.len() as u64;
    ann.send_screen(first).await;
    early.sees(&pixels(1)).await;
    while ann.told_of("taken").await["bytes"].as_u64() != Some(sent) {}

    let mut late = Watcher::join(&scene, &meeting, "Late").await;
    late.sees(&pixels(1)).await;
    for number in 2..6 {
        let update = screen.show(&pixels(number));
        sent += update.len() as u64;
        // In pieces that know nothing of records.
        for piece in update.chunks(1000) {
            ann.send_screen(Bytes::copy_from_slice(piece)).await;
        }
        early.sees(&pixels(number)).await;
        late.sees(&pixels(number)).await;
    }
    while ann.told_of("taken").await["bytes"].as_u64() != Some(sent) {}
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_presenter_takes_over_and_the_first_is_told() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    let mut eve = Watcher::join(&scene, &meeting, "Eve").await;

    present(&mut ann).await;
    let mut hers = Screen::new();
    ann.send_screen(hers.show(&pixels(10))).await;
    eve.sees(&pixels(10)).await;

    present(&mut bob).await;
    assert_eq!(ann.told_of("present_ended").await["message"], "Bob presents now.");
    // What she had under way, cut anywhere, harms nobody.
    let cut = hers.show(&pixels(11));
    ann.send_screen(cut.slice(..cut.len() / 2)).await;
    let mut his = Screen::new();
    bob.send_screen(his.show(&pixels(20))).await;
    eve.sees(&pixels(20)).await;

    bob.tell(json!({"type": "present_stop"})).await;
    while !eve.client.told_of("presenter").await["id"].is_null() {}
    let mut late = Watcher::join(&scene, &meeting, "Late").await;
    late.sees(&pixels(20)).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presenter_may_begin_anew() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut eve = Watcher::join(&scene, &meeting, "Eve").await;
    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(1))).await;
    eve.sees(&pixels(1)).await;
    present(&mut ann).await;
    let again = Screen::new().show(&pixels(2));
    let length = again.len() as u64;
    ann.send_screen(again).await;
    eve.sees(&pixels(2)).await;
    while ann.told_of("taken").await["bytes"].as_u64() != Some(length) {}
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_read_ends_the_presenting_and_nothing_else() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut eve = Watcher::join(&scene, &meeting, "Eve").await;
    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(1))).await;
    eve.sees(&pixels(1)).await;

    ann.send_screen(Bytes::from_static(&[0x44, 0, 0, 0, 1, 0])).await;
    let ended = ann.told_of("present_ended").await;
    assert!(ended["message"].as_str().unwrap().len() > 20, "a sentence: {ended}");
    assert!(ann.told_of("presenter").await["id"].is_null());

    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(3))).await;
    eve.sees(&pixels(3)).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_again_begins_with_the_whole_screen() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    present(&mut ann).await;
    ann.send_screen(Screen::new().show(&pixels(1))).await;
    let mut eve = Watcher::join(&scene, &meeting, "Eve").await;
    eve.sees(&pixels(1)).await;
    for _ in 0..3 {
        eve.watch_again().await;
        eve.sees(&pixels(1)).await;
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presenter_that_runs_ahead_of_the_relay_is_held_back_and_loses_nothing() {
    let scene = scene().await;
    let meeting = scene.start_meeting().await;
    let mut ann = scene.join_host(&meeting).await;
    let mut eve = Watcher::join(&scene, &meeting, "Eve").await;
    present(&mut ann).await;
    let mut screen = Screen::new();
    let mut sent = 0;
    // Noise does not compress, and nobody reads what was taken meanwhile.
    let mut noise = pixels(0);
    let mut seed = 1u32;
    for _ in 0..40 {
        for byte in noise.chunks_exact_mut(4).flat_map(|pixel| &mut pixel[..3]) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (seed >> 24) as u8;
        }
        let update = screen.show(&noise);
        sent += update.len() as u64;
        ann.send_screen(update).await;
    }
    assert!(4 * 1024 * 1024 < sent, "{sent} bytes are more than may be ahead");
    eve.sees(&noise).await;
    while ann.told_of("taken").await["bytes"].as_u64() != Some(sent) {}
    scene.stop().await;
}

/// The relay stops while its viewers leave it, on whatever threads; GStreamer forgives nobody who uses a pipeline that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn meetings_end_under_their_viewers() {
    let scene = scene().await;
    for _ in 0..50 {
        let meeting = scene.start_meeting().await;
        let mut ann = scene.join_host(&meeting).await;
        present(&mut ann).await;
        ann.send_screen(Screen::new().show(&pixels(1))).await;
        let mut viewers = Vec::new();
        for _ in 0..4 {
            viewers.push(Watcher::join(&scene, &meeting, "Viewer").await);
        }
        for viewer in &mut viewers {
            viewer.sees(&pixels(1)).await;
        }
        ann.tell(json!({"type": "end"})).await;
        ann.closed().await;
    }
    scene.stop().await;
}
