//! What goes out of the composer: the recorded picture, encoded and stamped, with the events that belong before it.

use std::time::Duration;

use convene_recording::{Encoder, Layout, Show, VideoSize};

use super::Plan;
use super::canvas::Canvas;
use super::scene::Scene;

/// How long a picture is said to last. Nobody knows when the next one comes, and the file must not be longer than what
/// was recorded.
const PICTURE_LENGTH_MAX: Duration = Duration::from_millis(33);
/// The recorded size where no picture came in the first second of a live recording.
const DEFAULT_SIZE: (u32, u32) = (1280, 720);

/// Holds the recorded picture.
#[derive(Default)]
pub(super) struct Stage {
    begun: bool,
    film: Option<(Canvas, Encoder)>,
}

impl Stage {
    /// What comes before everything, also before an end without pictures.
    pub fn stream_start(&mut self) -> Option<gst::Event> {
        let first = !std::mem::replace(&mut self.begun, true);
        first.then(|| gst::event::StreamStart::new("recording/screen"))
    }

    /// The picture to record, and the events before it. With a card it says that there was a pause, instead of the scene.
    pub fn paint(
        &mut self,
        plan: &Plan,
        show: Show,
        scene: &Scene,
        is_card: bool,
    ) -> Result<(Vec<gst::Event>, gst::Buffer), Box<dyn std::error::Error>> {
        let mut events = Vec::new();
        let begins = self.film.is_none();
        if begins {
            let canvas = Canvas::new(size(plan, scene)?, plan.look.clone())?;
            let encoder = Encoder::new(canvas.size(), plan.bitrate)?;
            events.extend(self.stream_start());
            events.push(gst::event::Caps::new(&caps(canvas.size())));
            events.push(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
            self.film = Some((canvas, encoder));
        }
        let (canvas, encoder) = self.film.as_mut().expect("it was just made");
        if is_card {
            canvas.draw_pause_card()?;
        } else if show.changed || show.faces || begins {
            canvas.draw(scene, show.faces)?;
        }
        let encoded =
            canvas.look(|picture, damage| encoder.encode(picture, damage, show.time, show.keyframe))??;
        let mut buffer = gst::Buffer::from_slice(encoded.frame);
        let stamped = buffer.get_mut().expect("a new buffer is writable");
        if !encoded.is_key {
            stamped.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        stamped.set_pts(clock_time(show.time));
        stamped.set_duration(clock_time(plan.gap.min(PICTURE_LENGTH_MAX)));
        Ok((events, buffer))
    }
}

fn caps(size: VideoSize) -> gst::Caps {
    let [width, height] = [size.width(), size.height()].map(|side| i32::try_from(side).unwrap_or(i32::MAX));
    gst::Caps::builder("video/x-vp8").field("width", width).field("height", height).build()
}

pub(super) fn clock_time(time: Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1))
}

/// Faces that are there at the beginning get a place beside the screen, so that both keep their size.
fn size(plan: &Plan, scene: &Scene) -> Result<VideoSize, convene_recording::RecordingError> {
    let (width, height) = DEFAULT_SIZE;
    let there = (scene.screen().is_some(), scene.faces.seen().next().is_some());
    let (shows_screen, has_faces) = plan.look.arrangement.shows(there.0, there.1);
    let screen = scene.screen_size().transpose()?.filter(|_| shows_screen);
    match (plan.size, screen) {
        (Some(size), _) => Ok(size),
        (None, Some(screen)) => Ok(if has_faces { Layout::beside(screen) } else { screen }),
        (None, None) => VideoSize::new(width, height),
    }
}
