//! What a clapper shows and says, at any time of its own.

use std::time::Duration;

use convene_screen::vp8::Encoder;
use convene_screen::{Canvas, Colour, Record, Rect, ScreenSize};
use convene_test_support::Tone;

/// A clapper flashes and beeps as often.
pub(crate) const CLAP: Duration = Duration::from_secs(1);
/// ... for so long.
const CLAPPING: Duration = Duration::from_millis(100);
/// The beep.
const HERTZ: f64 = 1000.0;
const AMPLITUDE: f64 = 12_000.0;
/// Samples in 20 ms.
const PIECE: usize = 960;
const SIZE: (u16, u16) = (320, 240);
const BITS_A_SECOND: u32 = 600_000;
/// Pieces of VP8 in packets.
const PAYLOAD_BYTES: usize = 1000;

/// Whether it flashes and beeps at this time of the film.
fn claps(at: Duration) -> bool {
    at.as_nanos() % CLAP.as_nanos() < CLAPPING.as_nanos()
}

/// The camera: dark, with something that moves, and white while it flashes.
pub(crate) struct Camera {
    canvas: Canvas,
    encoder: Encoder,
    picture: u16,
}

impl Camera {
    pub(crate) fn new() -> Self {
        let size = ScreenSize::new(SIZE.0.into(), SIZE.1.into()).expect("a size");
        let encoder = Encoder::new(SIZE.0, SIZE.1, BITS_A_SECOND);
        Self { canvas: Canvas::new(size), encoder, picture: 0 }
    }

    /// The picture of this time, as payloads of RTP (RFC 7741, 4.2).
    pub(crate) fn take(&mut self, at: Duration, is_key: bool) -> Vec<Vec<u8>> {
        let whole = self.canvas.size().rect();
        self.fill(whole, if claps(at) { 255 } else { 30 });
        let moved = (at.as_millis() / 10) as u16;
        for number in 0..20_u16 {
            let [left, top] =
                [(number * 37 + moved) % (SIZE.0 - 16), (number * 53 + moved / 3) % (SIZE.1 - 16)];
            let grey = if claps(at) { 200 } else { (number * 5) as u8 };
            self.fill(Rect { x: left, y: top, width: 16, height: 16 }, grey);
        }
        let Some(encoded) = self.encoder.encode(&self.canvas, whole, at, is_key) else { return Vec::new() };
        self.picture = (self.picture + 1) & 0x7fff;
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        let pieces = encoded.frame.chunks(PAYLOAD_BYTES).enumerate();
        pieces
            .map(|(number, piece)| {
                // Extended, the start of a partition; a picture id follows.
                let first = if number == 0 { 0x90 } else { 0x80 };
                [&[first, 0x80, high, low], piece].concat()
            })
            .collect()
    }

    fn fill(&mut self, rect: Rect, grey: u8) {
        let colour = Colour { red: grey, green: grey, blue: grey };
        self.canvas.apply(&Record::Fill { rect, colour }).expect("within the canvas");
    }
}

/// The microphone.
pub(crate) struct Microphone {
    tone: Tone,
    encoder: opus::Encoder,
}

impl Microphone {
    pub(crate) fn new() -> Self {
        let encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip);
        Self { tone: Tone::new(HERTZ), encoder: encoder.expect("such an encoder can be made") }
    }

    /// The 20 ms from this time on as a packet, and their level (RFC 6464).
    pub(crate) fn take(&mut self, from: Duration) -> (Vec<u8>, i8) {
        let (amplitude, level) = if claps(from) { (AMPLITUDE, -12) } else { (0.0, -127) };
        let sound = self.tone.next(PIECE, amplitude);
        (self.encoder.encode_vec(&sound, 1275).expect("20 ms can be encoded"), level)
    }
}
