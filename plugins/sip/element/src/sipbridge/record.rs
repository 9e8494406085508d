//! A call that is over, as applications are told.

use std::time::{Duration, Instant};

use convene_sip::{CallId, CallRecord, SessionStats};
use gst::glib;

use crate::hub::now;

/// Times are UTC, as RFC 3339 has them.
pub fn structure(call: CallId, record: &CallRecord, sound: Option<SessionStats>) -> gst::Structure {
    let transport = record.transport.map(|transport| transport.word().to_ascii_lowercase());
    let duration = record.answered.map_or(Duration::ZERO, |answered| record.ended - answered);
    let clocks = (now(), glib::DateTime::now_utc().ok());
    let date = |then| date(&clocks, then);
    let told = gst::Structure::builder("call")
        .field("id", call.0.to_string())
        .field("label", &record.label)
        .field("direction", if record.is_outgoing { "out" } else { "in" })
        .field_if_some("transport", transport)
        .field("trunk", record.is_trunk)
        .field("name", &record.name)
        .field("number", &record.number)
        .field_if_some("begin", date(record.began))
        .field_if_some("answer", record.answered.and_then(date))
        .field_if_some("end", date(record.ended))
        .field("duration-ms", duration.as_millis() as u64)
        .field_if_some("codec", record.codec.map(|codec| codec.encoding_name()))
        .field("encryption", record.encryption.word())
        .field("ended-by", record.end.by)
        .field("reason", record.end.why)
        .field_if_some("status", record.end.status.map(u32::from));
    let Some(sound) = sound else {
        return told.build();
    };
    told.field("received", sound.received)
        .field("expected", sound.expected)
        .field("jitter-ms", sound.jitter.as_secs_f64() * 1000.0)
        .field_if_some("round-trip-ms", sound.round_trip.map(|trip| trip.as_secs_f64() * 1000.0))
        .field("sent", sound.sent)
        .field("lost", sound.lost)
        .build()
}

/// What the calendar said then, by what both clocks say now.
fn date((now, calendar): &(Instant, Option<glib::DateTime>), then: Instant) -> Option<String> {
    let ago = now.saturating_duration_since(then);
    let date = calendar.as_ref()?.add(glib::TimeSpan::from_microseconds(-(ago.as_micros() as i64))).ok()?;
    Some(date.format("%Y-%m-%dT%H:%M:%S.%fZ").ok()?.into())
}
