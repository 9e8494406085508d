//! When a packet's content was captured, by its sender's own clock.

use std::time::{Duration, SystemTime};

use str0m::rtp::rtcp::SenderInfo;

/// From the beginning of NTP's time, 1900, to that of Unix, 1970 (RFC 868).
const NTP_BEFORE_UNIX: Duration = Duration::from_secs(2_208_988_800);
/// A report that is older, or younger, by the stream's own time tells nothing: clocks drift, and timestamps of 32 bits come round again.
/// Senders report every few seconds (RFC 3550, section 6.2).
const REPORT_AGE_MAX: Duration = Duration::from_secs(60);

/// Ticks a second of all voices' timestamps (RFC 7587, section 4.1), and of all cameras' (RFC 7741, section 4.1).
pub const VOICE_RATE: u32 = 48_000;
pub const CAMERA_RATE: u32 = 90_000;

/// The time since 1900 at which what has this timestamp was captured, by what the sender has last reported of this stream (RFC 3550, section
/// 6.4.1). The streams of one peer share one clock. Nothing where no report has come, or its sender has no clock of the day.
pub fn captured(report: Option<&SenderInfo>, timestamp: u32, rate: u32) -> Option<Duration> {
    let report = report?;
    let reported =
        report.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok().filter(|time| !time.is_zero())?;
    // Whatever lies above 32 bits has been counted here, and not by the sender.
    let ticks = timestamp.wrapping_sub(report.rtp_time.numer() as u32).cast_signed();
    let since = Duration::from_nanos(u64::from(ticks.unsigned_abs()) * 1_000_000_000 / u64::from(rate));
    if REPORT_AGE_MAX < since {
        return None;
    }
    let reported = NTP_BEFORE_UNIX + reported;
    if ticks < 0 { reported.checked_sub(since) } else { Some(reported + since) }
}

#[cfg(test)]
mod tests {
    use str0m::media::MediaTime;

    use super::*;

    const REPORTED: Duration = Duration::from_secs(1_800_000_000);

    fn report(timestamp: u64) -> SenderInfo {
        SenderInfo {
            ssrc: 1.into(),
            ntp_time: SystemTime::UNIX_EPOCH + REPORTED,
            rtp_time: MediaTime::from_90khz(timestamp),
            sender_packet_count: 0,
            sender_octet_count: 0,
        }
    }

    fn of(timestamp: u32, reported: u64) -> Option<Duration> {
        captured(Some(&report(reported)), timestamp, CAMERA_RATE)
    }

    #[test]
    fn a_timestamp_is_so_long_before_or_after_the_report() {
        let at = NTP_BEFORE_UNIX + REPORTED;
        assert_eq!(of(90_000, 90_000), Some(at));
        assert_eq!(of(135_000, 90_000), Some(at + Duration::from_millis(500)));
        assert_eq!(of(45_000, 90_000), Some(at - Duration::from_millis(500)));
    }

    #[test]
    fn timestamps_come_round() {
        let at = NTP_BEFORE_UNIX + REPORTED;
        let before = u64::from(u32::MAX) - 89_999;
        for turns in [0, 1 << 32, 7 << 32] {
            assert_eq!(of(0, before + turns), Some(at + Duration::from_secs(1)));
        }
        assert_eq!(of(u32::MAX - 89_999, 0), Some(at - Duration::from_secs(1)));
    }

    #[test]
    fn an_old_report_and_one_of_no_clock_tell_nothing() {
        assert!(of(60 * CAMERA_RATE, 0).is_some());
        assert_eq!(of(60 * CAMERA_RATE + 90, 0), None);
        assert_eq!(captured(None, 0, CAMERA_RATE), None);
        let without_clock = SenderInfo { ntp_time: SystemTime::UNIX_EPOCH, ..report(0) };
        assert_eq!(captured(Some(&without_clock), 0, CAMERA_RATE), None);
    }
}
