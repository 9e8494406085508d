//! What is told of a call when it is over, of calls by Debian's baresip.

use std::sync::{Arc, Mutex};

use gst::prelude::*;

use crate::bridge::Conference;
use crate::phone::{Phone, wait_until};

/// All that `call-ended` tells.
fn records(conference: &Conference) -> Arc<Mutex<Vec<gst::Structure>>> {
    let records: Arc<Mutex<Vec<gst::Structure>>> = Arc::default();
    let theirs = Arc::clone(&records);
    conference.bridge.connect("call-ended", false, move |values| {
        theirs.lock().expect("nobody panics").push(values[1].get().ok()?);
        None
    });
    records
}

fn word(record: &gst::Structure, field: &str) -> String {
    record.get(field).unwrap_or_else(|_| panic!("{field} is told: {record}"))
}

/// Once each other has told how it hears, which takes two reports.
fn knows_round_trip(conference: &Conference) -> bool {
    let stats: gst::Structure = conference.bridge.emit_by_name("stats", &[]);
    let calls: gst::Array = stats.get("calls").expect("it has calls");
    let mut calls = calls.iter().filter_map(|call| call.get::<gst::Structure>().ok());
    calls.next().is_some_and(|call| call.get::<f64>("round-trip-ms").is_ok())
}

#[test]
fn each_call_is_told_of_when_it_is_over() {
    let conference = Conference::with(1, "123456789", &[("records", "true"), ("label", "board")]);
    let records = records(&conference);
    let count = || records.lock().expect("nobody panics").len();
    for (number, (transport, codec, more, name, encryption)) in [
        ("tls", "opus/48000/2", ";mediaenc=srtp-mand", "OPUS", "sdes"),
        ("tls", "pcma/8000", ";mediaenc=dtls_srtp", "PCMA", "dtls"),
        ("udp", "g722/16000", "", "G722", "none"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut phone = Phone::call(&conference.uri(transport), codec, 400, more);
        phone.await_log("established");
        phone.press("123456789");
        wait_until("he is in the meeting", || conference.codecs() == [name], || phone.log());
        if encryption == "none" {
            wait_until("the way is known", || knows_round_trip(&conference), || phone.log());
        }
        assert_eq!(count(), number, "it is not over");
        phone.command("hangup");
        wait_until("it is over", || count() == number + 1, || phone.log());
        let record = records.lock().expect("nobody panics")[number].clone();
        for (field, value) in [
            ("label", "board"),
            ("direction", "in"),
            ("transport", transport),
            ("codec", name),
            ("encryption", encryption),
            ("ended-by", "telephone"),
            ("reason", "hung-up"),
            ("number", "400"),
        ] {
            assert_eq!(word(&record, field), value, "{field} of {record}");
        }
        let times = ["begin", "answer", "end"].map(|field| {
            let text = word(&record, field);
            gst::glib::DateTime::from_iso8601(&text, None).unwrap_or_else(|_| panic!("{text} is a time"))
        });
        assert!(times.is_sorted(), "{record}");
        let lasted = times[2].difference(&times[1]).as_milliseconds();
        let told = record.get::<u64>("duration-ms").expect("how long it took") as i64;
        assert!((lasted - told).abs() <= 2 && 100 < told, "{lasted} ms by the clock: {record}");
        let packets =
            ["received", "expected", "sent"].map(|field| record.get::<u64>(field).expect("packets"));
        assert!(packets.iter().all(|packets| 0 < *packets), "{record}");
        assert!(packets[1] <= packets[0] + 5, "nothing is lost on one machine: {record}");
        assert!(record.get::<f64>("jitter-ms").expect("a time") < 50.0, "{record}");
        if encryption == "none" {
            let trip = record.get::<f64>("round-trip-ms").expect("it is known");
            assert!((0.0..100.0).contains(&trip), "on one machine: {record}");
        }
    }
    // All that are left are told of before this returns.
    let phone = Phone::call(&conference.uri("tcp"), "pcmu/8000", 400, "");
    phone.await_log("established");
    conference.bridge.emit_by_name::<()>("hang-up-all", &[]);
    let record = records.lock().expect("nobody panics")[3].clone();
    assert_eq!((word(&record, "ended-by"), word(&record, "reason")), ("service".into(), "dismissed".into()));
    assert_eq!(word(&record, "label"), "", "he has entered no code");
    conference.assert_well();
}
