//! Which picture of somebody belongs beside which sound of theirs, for a recorder.

use gst::prelude::*;

/// As long as reports do not tell: a voice is in the mix so much later than a picture of the same moment is here, as it waits for what comes late.
const VOICE_DELAY: i64 = 60_000_000;
/// Reports by which a picture and its voice are further apart are no help: a clock has been set between the two, or one of them is wrong.
const APART_MAX: i64 = 1_000_000_000;

/// For how many nanoseconds a picture waits that is here `now`, a running time, until its voice is in the mix. It is late if they are fewer
/// than none. `voice` is the mixer's pad.
///
/// From the mix to the ear are the look-aheads of two encoders of Opus, 6.5 ms each; from a picture's time to its turn in the recording is half of the time
/// between two pictures on average. One makes up for the other, and nothing is added for either.
pub(super) fn wait(picture: &gst::BufferRef, voice: &gst::Pad, now: gst::ClockTime) -> i64 {
    let offset = voice.property::<i64>("capture-offset");
    by_reports(captured(picture), Some(offset).filter(|offset| *offset != i64::MIN), now)
        .unwrap_or(VOICE_DELAY)
}

/// When a buffer's content was captured, by its sender's clock.
fn captured(buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let mut times = buffer.iter_meta::<gst::ReferenceTimestampMeta>();
    let time = times.find(|time| {
        time.reference().structure(0).is_some_and(|reference| reference.name() == "timestamp/x-ntp")
    });
    time.map(|time| time.timestamp())
}

fn by_reports(captured: Option<gst::ClockTime>, offset: Option<i64>, now: gst::ClockTime) -> Option<i64> {
    let [captured, now] = [captured?, now].map(|time| i64::try_from(time.nseconds()).ok());
    let mixed = captured?.checked_add(offset?)?;
    let wait = mixed.checked_sub(now?)?;
    (-APART_MAX..=APART_MAX).contains(&wait).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment of the sender's clock.
    const THEN: i64 = 3_900_000_000_000_000_000;
    const MS: i64 = 1_000_000;

    /// A picture of that moment, whose voice is mixed at one running time and which is here at another, in milliseconds.
    fn waits(mixed: i64, here: u64) -> Option<i64> {
        let captured = gst::ClockTime::from_nseconds(THEN as u64);
        by_reports(Some(captured), Some(mixed * MS - THEN), gst::ClockTime::from_mseconds(here))
    }

    #[test]
    fn a_picture_waits_until_its_voice_is_mixed() {
        assert_eq!(waits(5300, 5000), Some(300 * MS));
        assert_eq!(waits(5000, 5150), Some(-150 * MS));
    }

    #[test]
    fn what_clocks_say_that_cannot_be_is_not_believed() {
        assert_eq!(waits(9000, 5000), None);
        assert_eq!(waits(5000, 9000), None);
        let now = gst::ClockTime::from_seconds(5);
        assert_eq!(by_reports(None, Some(0), now), None);
        assert_eq!(by_reports(Some(now), None, now), None);
        for offset in [i64::MIN + 1, i64::MAX] {
            assert_eq!(by_reports(Some(gst::ClockTime::MAX), Some(offset), now), None);
            assert_eq!(by_reports(Some(now), Some(offset), gst::ClockTime::MAX), None);
        }
    }
}
