//! What these tests share: pictures, streams made of them, and the bus.

use std::sync::Once;

use gst::prelude::*;
use gst_check::Harness;

/// Far more than anything here takes; a test that reaches it has failed.
pub const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// GStreamer with our elements, and with the independent WebP decoder.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gstconvenescreen::plugin_register_static().expect("the elements can be registered");
        gstrswebp::plugin_register_static().expect("the WebP decoder can be registered");
    });
}

/// A picture as red, green and blue bytes, rows tight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Something like a page: a plain ground, a coloured bar, and small noise that is another for each seed.
    pub fn page(width: u32, height: u32, seed: u32) -> Self {
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        for y in 0..height {
            for x in 0..width {
                let pixel = match (x, y) {
                    (_, 0..8) => [30, 60, 120],
                    (8..40, 12..28) => {
                        let noise = (x * 7 + y * 13).wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 8;
                        [noise as u8, (noise >> 8) as u8, (noise >> 16) as u8]
                    }
                    _ => [250, 250, 245],
                };
                rgb.extend_from_slice(&pixel);
            }
        }
        Self { width, height, rgb }
    }

    /// Noise of 64 colours: many bytes, and no photograph, so that it is exact at once.
    pub fn noise(width: u32, height: u32, seed: u32) -> Self {
        let mut picture = Self::plain(width, height, [0; 3]);
        let mut chance = seed.wrapping_mul(2_654_435_761);
        for pixel in picture.rgb.as_chunks_mut::<3>().0 {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let colour = (chance >> 26) as u8;
            *pixel = [colour * 4, colour.wrapping_mul(83), 255 - colour * 3];
        }
        picture
    }

    /// Soft light and grain, which is sent lossy at first; another picture for each seed.
    pub fn photograph(width: u32, height: u32, seed: u32) -> Self {
        let wave = |at: u32, length: u32| (at as f32 / length as f32).sin() * 50.0;
        let mut picture = Self::noise(width, height, seed);
        for (at, pixel) in (0..).zip(picture.rgb.as_chunks_mut::<3>().0) {
            let (x, y) = (at % width + 11 * seed, at / width);
            let light = 120.0 + wave(x, 37) + wave(y, 23) + f32::from(pixel[0] % 12);
            *pixel = [light as u8, (light * 0.8) as u8, (light * 0.6) as u8];
        }
        picture
    }

    /// One colour all over.
    pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> Self {
        Self { width, height, rgb: colour.repeat((width * height) as usize) }
    }

    /// As bytes in memory, where `order` names what each byte of a pixel holds: `r`, `g`, `b`, or `x` for nothing.
    pub fn packed(&self, order: &str) -> Vec<u8> {
        self.rgb
            .chunks_exact(3)
            .flat_map(|pixel| {
                order.chars().map(|channel| match channel {
                    'r' => pixel[0],
                    'g' => pixel[1],
                    'b' => pixel[2],
                    // Whatever stands there is to be ignored.
                    _ => pixel[0] ^ 0x5a,
                })
            })
            .collect()
    }

    pub fn caps(&self, format: &str) -> gst::Caps {
        gst::Caps::builder("video/x-raw")
            .field("format", format)
            .field("width", self.width as i32)
            .field("height", self.height as i32)
            .field("framerate", gst::Fraction::new(30, 1))
            .build()
    }

    pub fn buffer(&self, pts: gst::ClockTime) -> gst::Buffer {
        let mut buffer = gst::Buffer::from_slice(self.packed("bgrx"));
        buffer.get_mut().expect("a new buffer").set_pts(pts);
        buffer
    }

    /// From a buffer of BGRx, as `screendec` makes it.
    pub fn of(buffer: &gst::Buffer, width: u32, height: u32) -> Self {
        let map = buffer.map_readable().expect("a picture can be read");
        assert_eq!(map.len(), (width * height * 4) as usize);
        let rgb = map.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        Self { width, height, rgb }
    }
}

/// The time of the n-th picture: four a second are no film.
pub fn at(index: usize) -> gst::ClockTime {
    gst::ClockTime::from_mseconds(250) * index as u64
}

/// Encodes pictures and gives one buffer for each that changed something.
pub fn encode(pictures: &[Picture]) -> Vec<gst::Buffer> {
    init();
    let mut encoder = Harness::new("screenenc");
    encoder.set_sink_caps_str("video/x-convene-screen");
    let mut caps = None;
    for (index, picture) in pictures.iter().enumerate() {
        let these = picture.caps("BGRx");
        if caps.as_ref() != Some(&these) {
            encoder.set_src_caps(these.clone());
            caps = Some(these);
        }
        encoder.push(picture.buffer(at(index))).expect("a picture can be encoded");
    }
    std::iter::from_fn(|| encoder.try_pull()).collect()
}

/// The same as one run of bytes.
pub fn stream(pictures: &[Picture]) -> Vec<u8> {
    encode(pictures).iter().flat_map(bytes_of).collect()
}

pub fn bytes_of(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().expect("a buffer can be read").to_vec()
}

/// Three pages that differ a little.
pub fn three_pages() -> Vec<Picture> {
    (1..=3).map(|seed| Picture::page(96, 64, seed)).collect()
}

/// A decoder that takes buffers with or without times.
pub fn decoder() -> Harness {
    init();
    let mut decoder = Harness::new("screendec");
    decoder.set_src_caps_str("video/x-convene-screen");
    decoder
}

/// Watches an element that is not in a pipeline.
pub fn bus_of(harness: &Harness) -> gst::Bus {
    let bus = gst::Bus::new();
    harness.element().expect("the harness has an element").set_bus(Some(&bus));
    bus
}

/// The next error's sentence.
pub fn error_on(bus: &gst::Bus) -> String {
    let message = bus.timed_pop_filtered(LIMIT, &[gst::MessageType::Error]).expect("an error is posted");
    match message.view() {
        gst::MessageView::Error(error) => error.error().message().to_string(),
        _ => unreachable!("only errors were asked for"),
    }
}

/// Waits for the end of a pipeline; an error is a failure.
pub fn run_to_end(pipeline: &gst::Pipeline) {
    pipeline.set_state(gst::State::Playing).expect("the pipeline starts");
    wait_for_end(pipeline);
    pipeline.set_state(gst::State::Null).expect("the pipeline stops");
}

pub fn wait_for_end(pipeline: &gst::Pipeline) {
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let message = bus
        .timed_pop_filtered(LIMIT, &[gst::MessageType::Error, gst::MessageType::Eos])
        .expect("the pipeline comes to its end");
    assert!(matches!(message.view(), gst::MessageView::Eos(_)), "{message:?}");
}
