//! What a meeting's tests are made of: pictures, a presenter that encodes them, and a viewer that paints them.

use std::time::Duration;

use bytes::Bytes;
use convene_pipelines::{MeetingPipeline, Viewer};
use convene_screen::{Decoder, Encoder, Frame, PixelOrder, ScreenSize};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Nothing here takes a second; whoever waits longer than this waits in vain.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// A small screen: what is tested here is carrying, not painting.
pub const WIDTH: u16 = 160;
/// See [`WIDTH`].
pub const HEIGHT: u16 = 120;

/// A picture in which every pixel depends on `seed`.
pub fn picture(seed: u8) -> Vec<u8> {
    let pixel = |x: u16, y: u16| {
        let mixed = (u32::from(x) * 31 + u32::from(y) * 17).wrapping_mul(u32::from(seed) * 2 + 1);
        // Few colours, as text has: a photograph would come lossy first.
        let shade = mixed.to_le_bytes()[0] & 0x0f;
        [shade << 4 ^ seed, shade, seed, 0xff]
    };
    (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y))).collect()
}

/// Encodes pictures, one a tenth of a second.
pub struct Presenter {
    encoder: Encoder,
    time: Duration,
}

impl Presenter {
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), time: Duration::ZERO }
    }

    pub fn show(&mut self, seed: u8) -> Bytes {
        self.time += Duration::from_millis(100);
        let size = ScreenSize::new(u32::from(WIDTH), u32::from(HEIGHT)).expect("a size");
        let pixels = picture(seed);
        let frame = Frame { size, stride: usize::from(WIDTH) * 4, order: PixelOrder::Bgrx, pixels: &pixels };
        let update = self.encoder.frame(frame, self.time).expect("every picture differs from the one before");
        let mut stream = update.to_vec();
        // What looks like a photograph or a film is exact only when it has rested.
        while let Some(at) = self.encoder.next_refinement_at() {
            self.time = self.time.max(at);
            stream.extend(self.encoder.refine(self.time).into_iter().flatten());
        }
        stream.into()
    }
}

/// A viewer that decodes what it gets.
pub struct Watcher {
    viewer: Viewer,
    bytes: UnboundedReceiver<Bytes>,
    decoder: Decoder,
    pub acknowledges: bool,
}

impl Watcher {
    pub fn join(meeting: &MeetingPipeline) -> Self {
        let (viewer, bytes) = meeting.watch(true, true).expect("a place at the relay");
        Self { viewer, bytes, decoder: Decoder::new(), acknowledges: true }
    }

    /// Paints until the screen shows this picture.
    pub async fn see(&mut self, seed: u8) {
        let wanted = picture(seed);
        while self.decoder.canvas().is_none_or(|canvas| canvas.pixels() != wanted) {
            let bytes = timeout(WAIT_MAX, self.bytes.recv()).await;
            let bytes =
                bytes.unwrap_or_else(|_| panic!("picture {seed} never came")).expect("the channel is open");
            self.paint(&bytes);
        }
    }

    /// Whether nothing more comes.
    pub async fn is_closed(&mut self) -> bool {
        timeout(WAIT_MAX, async { while self.bytes.recv().await.is_some() {} }).await.is_ok()
    }

    fn paint(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
        while self.decoder.next_update().expect("the relay sends a sound stream").is_some() {
            if self.acknowledges {
                self.viewer.painted(self.decoder.painted_bytes());
            }
        }
    }
}
