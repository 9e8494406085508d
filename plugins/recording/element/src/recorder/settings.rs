//! What can be set at a recorder, with its limits.

use std::time::Duration;

use convene_recording::{Arrangement, VideoSize};
use gst::glib;

use crate::composer::Look;

/// Milliseconds.
pub(super) const CLUSTER_MS_MIN: u32 = convene_recording::CLUSTER_LENGTH_MIN.as_millis() as u32;
/// Milliseconds; half of what a cluster can hold, as one may begin late.
pub(super) const CLUSTER_MS_MAX: u32 = convene_recording::CLUSTER_LENGTH_MAX.as_millis() as u32 / 2;
/// Pictures a second.
pub(super) const FRAMERATE_MAX: u32 = 120;

/// LUFS: quieter than that is no target for speech.
pub(super) const LOUDNESS_MIN: f64 = -36.0;

/// The properties.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Pixels; 0 for those of the first picture.
    pub width: u32,
    /// Pixels; 0 for those of the first picture.
    pub height: u32,
    /// Pictures a second, at most.
    pub max_framerate: u32,
    /// Bits a second.
    pub video_bitrate: u32,
    /// Bits a second.
    pub audio_bitrate: u32,
    /// LUFS; 0 for sound as it was spoken.
    pub loudness: f64,
    /// Milliseconds.
    pub cluster_duration: u32,
    pub force_live: bool,
    pub replace_header: bool,
    pub layout: RecordingLayout,
    pub title: Option<String>,
    pub pause_card: Option<String>,
}

/// What of a meeting is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "ConveneRecordingLayout")]
pub enum RecordingLayout {
    /// The screen with the faces beside it, the faces alone while no screen is shared.
    #[default]
    #[enum_value(name = "Screen with the faces beside it", nick = "beside")]
    Beside,
    /// The screen alone, the faces while none is shared.
    #[enum_value(name = "Screen alone, faces while none is shared", nick = "screen")]
    Screen,
    /// The faces alone, the screen while there are none.
    #[enum_value(name = "Faces alone, screen while there are none", nick = "faces")]
    Faces,
    /// What is heard, without a track of pictures.
    #[enum_value(name = "Sound without pictures", nick = "sound")]
    Sound,
    /// The same, with a track of its own for each participant besides.
    #[enum_value(name = "Sound without pictures, and a track for each participant", nick = "tracks")]
    Tracks,
}

impl RecordingLayout {
    /// Pictures are recorded, too.
    pub(super) fn has_pictures(self) -> bool {
        !matches!(self, Self::Sound | Self::Tracks)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 0,
            height: 0,
            max_framerate: 30,
            video_bitrate: 2_500_000,
            audio_bitrate: 64_000,
            loudness: 0.0,
            cluster_duration: 2000,
            force_live: false,
            replace_header: true,
            layout: RecordingLayout::Beside,
            title: None,
            pause_card: None,
        }
    }
}

impl Settings {
    /// Only both sides together are a size.
    pub fn size(&self) -> Option<VideoSize> {
        VideoSize::new(self.width, self.height).ok()
    }

    pub fn look(&self) -> Look {
        let arrangement = match self.layout {
            // Without pictures nothing is arranged.
            RecordingLayout::Beside | RecordingLayout::Sound | RecordingLayout::Tracks => Arrangement::Beside,
            RecordingLayout::Screen => Arrangement::Screen,
            RecordingLayout::Faces => Arrangement::Faces,
        };
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        Look { arrangement, title: text(&self.title), pause_card: text(&self.pause_card) }
    }

    /// How loud speech is to be, in LUFS; `None` for as loud as it was spoken.
    pub fn loudness(&self) -> Option<f64> {
        (self.loudness < 0.0).then_some(self.loudness)
    }

    pub fn gap(&self) -> Duration {
        Duration::from_secs(1) / self.max_framerate.max(1)
    }

    pub fn cluster(&self) -> Duration {
        Duration::from_millis(u64::from(self.cluster_duration))
    }
}
