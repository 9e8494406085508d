//! What goes out of the composer: the recorded picture, stamped, with the events that belong before it.

use std::time::Duration;

use convene_recording::{Show, VideoSize};

use super::Plan;
use super::canvas::{Canvas, Picture};

/// How long a picture is said to last. Nobody knows when the next one comes, and the file must not be longer than what
/// was recorded.
const PICTURE_LENGTH_MAX: Duration = Duration::from_millis(33);
/// The recorded size where no picture came in the first second of a live recording.
const DEFAULT_SIZE: (u32, u32) = (1280, 720);

/// Holds the recorded picture.
#[derive(Default)]
pub(super) struct Stage {
    begun: bool,
    canvas: Option<Canvas>,
    keyframes: u32,
}

impl Stage {
    /// What comes before everything, also before an end without pictures.
    pub fn stream_start(&mut self) -> Option<gst::Event> {
        let first = !std::mem::replace(&mut self.begun, true);
        first.then(|| gst::event::StreamStart::new("recording/screen"))
    }

    /// The picture to record, and the events before it.
    pub fn paint(
        &mut self,
        plan: Plan,
        show: Show,
        picture: Option<&Picture>,
    ) -> Result<(Vec<gst::Event>, gst::Buffer), Box<dyn std::error::Error>> {
        let mut events = Vec::new();
        if self.canvas.is_none() {
            let canvas = Canvas::new(size(plan, picture)?)?;
            events.extend(self.stream_start());
            events.push(gst::event::Caps::new(&canvas.caps()?));
            events.push(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
            self.canvas = Some(canvas);
        }
        let canvas = self.canvas.as_mut().expect("it was just made");
        if let (true, Some(picture)) = (show.changed, picture) {
            canvas.draw(picture)?;
        }
        let time = clock_time(show.time);
        if show.keyframe {
            self.keyframes += 1;
            let event = gst_video::DownstreamForceKeyUnitEvent::builder()
                .timestamp(time)
                .running_time(time)
                .all_headers(true)
                .count(self.keyframes)
                .build();
            events.push(event);
        }
        let mut buffer = canvas.buffer();
        let stamped = buffer.make_mut();
        stamped.set_pts(time);
        stamped.set_dts(None);
        stamped.set_duration(clock_time(plan.gap.min(PICTURE_LENGTH_MAX)));
        Ok((events, buffer))
    }
}

pub(super) fn clock_time(time: Duration) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1))
}

fn size(plan: Plan, picture: Option<&Picture>) -> Result<VideoSize, convene_recording::RecordingError> {
    let (width, height) = DEFAULT_SIZE;
    match (plan.size, picture) {
        (Some(size), _) => Ok(size),
        (None, Some(picture)) => picture.size(),
        (None, None) => VideoSize::new(width, height),
    }
}
