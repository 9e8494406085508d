//! Telephones that are called.

use gst::prelude::*;
use tempfile::TempDir;

use crate::bridge::{Certificate, Conference};
use crate::phone::{Phone, wait_until};
use crate::phones::assert_hears;

fn await_told(conference: &Conference, words: &str) {
    let is_told = || conference.told().iter().any(|told| told == words);
    wait_until(&format!("\"{words}\" is told"), is_told, || format!("{:?}", conference.told()));
}

#[test]
fn who_is_called_hears_and_is_heard_after_a_key() {
    let conference = Conference::new(4, "");
    let ann = Phone::call(&conference.uri("udp"), "pcmu/8000", 400, "");
    wait_until("she is there", || conference.codecs().len() == 1, || ann.log());
    let called = [
        (700, "tls", "pcma/8000", ";mediaenc=srtp-mand"),
        (1000, "tls", "opus/48000/2", ";mediaenc=srtp-mand"),
        (1300, "udp", "g722/16000", ""),
    ];
    let mut tones = vec![400];
    let mut phones = Vec::new();
    for (hertz, transport, codec, more) in called {
        let more = format!("{more};answermode=auto");
        let mut phone = Phone::wait(codec, hertz, &more, &conference.certificate);
        conference.call(&phone.uri(transport));
        phone.await_log("Call established");
        // A voice says what it is about.
        let prompt = phone.last_second(0);
        assert!(prompt.iter().any(|sample| 1000 < sample.unsigned_abs()), "a voice says it");
        assert_eq!(conference.codecs().len(), tones.len(), "nobody is in the meeting by picking up");
        phone.press("1");
        wait_until("who was called is there", || tones.len() < conference.codecs().len(), || phone.log());
        tones.push(hertz);
        phones.push((hertz, phone));
    }
    phones.push((400, ann));
    let before: Vec<usize> = phones.iter().map(|(_, phone)| phone.heard().len()).collect();
    for ((hertz, phone), before) in phones.iter().zip(before) {
        // What was said to them at first is over by then.
        let sound = phone.last_second(before + 12 * 48_000);
        let others: Vec<u32> = tones.iter().copied().filter(|tone| tone != hertz).collect();
        assert_hears(&sound, &others, &[*hertz]);
    }
    assert_eq!(conference.told().iter().filter(|told| *told == "answered").count(), 3);
    conference.bridge.emit_by_name::<()>("hang-up", &[&1_u32]);
    phones[0].1.await_log("terminated");
    await_told(&conference, "1 left dismissed");
    conference.assert_well();
}

#[test]
fn who_does_not_want_is_told_so_and_who_does_not_come_is_not_waited_for() {
    let conference = Conference::new(1, "");
    let mut phone =
        Phone::wait("pcmu/8000", 700, ";answermode=manual;mediaenc=srtp", &conference.certificate);
    conference.call(&phone.uri("tcp"));
    await_told(&conference, "ringing");
    phone.command("hangup");
    await_told(&conference, "busy");
    // Taken back while it rings.
    let call = conference.call(&phone.uri("tls"));
    let is_told = || conference.told().iter().filter(|told| *told == "ringing").count() == 2;
    wait_until("it rings again", is_told, || phone.log());
    conference.bridge.emit_by_name::<()>("cancel", &[&call]);
    await_told(&conference, "cancelled");
    phone.await_log("session closed");
    // Who cannot encrypt is not talked to by TLS.
    let plain = Phone::wait("pcmu/8000", 800, ";answermode=auto", &conference.certificate);
    conference.call(&plain.uri("tls"));
    await_told(&conference, "no-sound");
    // Whose certificate nobody has vouched for, and whose port is closed.
    let folder = TempDir::new().expect("a temporary folder can be made");
    let strange = Certificate::new(folder.path());
    let stranger = Phone::wait("pcmu/8000", 1000, ";answermode=auto", &strange);
    let unreachable = |times: usize| {
        let told = || conference.told().iter().filter(|told| *told == "unreachable").count() == times;
        wait_until("nobody is reached", told, || format!("{:?}", conference.told()));
    };
    conference.call(&stranger.uri("tls"));
    unreachable(1);
    assert!(!stranger.log().contains("incoming"), "{}", stranger.log());
    let uri = stranger.uri("tcp");
    drop(stranger);
    conference.call(&uri);
    unreachable(2);
    assert!(conference.codecs().is_empty());
    conference.assert_well();
}
