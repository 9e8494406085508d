//! What these tests share: the element, and what is heard in a file.

use std::path::Path;
use std::sync::Once;

use convene_test_support::{AMPLITUDE, amplitude};

/// The volume of `audiotestsrc` at which its tone has `AMPLITUDE`.
pub const VOLUME: f64 = AMPLITUDE / 32_767.0;

/// GStreamer with our element.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer is installed");
        gstconveneconference::plugin_register_static().expect("the element can be registered");
    });
}

/// The samples of a mono file of `wavenc`.
pub fn wave(path: &Path) -> Vec<i16> {
    const HEADER_BYTES: usize = 44;
    let bytes = std::fs::read(path).expect("the pipeline has written a file");
    let samples = bytes.get(HEADER_BYTES..).expect("a file of wavenc has a header").as_chunks::<2>().0.iter();
    samples.map(|sample| i16::from_le_bytes(*sample)).collect()
}

/// In the middle of the sound, where all speak, these tones are heard and those are not.
pub fn assert_heard(sound: &[i16], heard: &[f64], not_heard: &[f64]) {
    let middle = &sound[sound.len() / 4..sound.len() * 3 / 4];
    for hertz in heard {
        let share = amplitude(middle, *hertz) / AMPLITUDE;
        assert!((0.6..1.3).contains(&share), "{hertz} Hz is heard with {share:.3}");
    }
    for hertz in not_heard {
        let share = amplitude(middle, *hertz) / AMPLITUDE;
        assert!(share < 0.03, "{hertz} Hz is heard with {share:.3}, and should not be");
    }
}
