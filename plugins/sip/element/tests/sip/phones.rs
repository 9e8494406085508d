//! Telephones in a conference, checked by what each of them hears.

use std::cell::Cell;
use std::process::Command;

use convene_test_support::amplitude;
use gst::prelude::*;

use crate::bridge::Conference;
use crate::phone::{Phone, wait_until};

/// These tones are heard and those are not.
pub fn assert_hears(sound: &[i16], heard: &[u32], not_heard: &[u32]) {
    let loud = |hertz: &u32| amplitude(sound, f64::from(*hertz));
    assert!(
        heard.iter().all(|hertz| 2000.0 < loud(hertz)),
        "{:?}",
        heard.iter().map(loud).collect::<Vec<_>>()
    );
    assert!(
        not_heard.iter().all(|hertz| loud(hertz) < 300.0),
        "{:?}",
        not_heard.iter().map(loud).collect::<Vec<_>>()
    );
}

#[test]
fn callers_of_all_codecs_and_transports_hear_the_others_and_not_themselves() {
    let conference = Conference::new(4, "");
    let callers = [
        (400, "udp", "pcmu/8000", ""),
        (700, "tcp", "pcma/8000", ""),
        (1000, "tls", "g722/16000", ";mediaenc=srtp-mand"),
        (1300, "tls", "opus/48000/2", ";mediaenc=srtp"),
    ];
    let phones = callers.map(|(hertz, transport, codec, more)| {
        (hertz, Phone::call(&conference.uri(transport), codec, hertz, more))
    });
    wait_until("all are there", || conference.codecs().len() == 4, || format!("{:?}", conference.told()));
    let tones = callers.map(|(hertz, ..)| hertz);
    // From when all are there.
    let before = phones.iter().map(|(_, phone)| phone.heard().len()).collect::<Vec<_>>();
    for ((hertz, phone), before) in phones.iter().zip(before) {
        let sound = phone.last_second(before + 48_000);
        let others: Vec<u32> = tones.into_iter().filter(|tone| tone != hertz).collect();
        assert_hears(&sound, &others, &[*hertz]);
    }
    let mut codecs = conference.codecs();
    codecs.sort();
    assert_eq!(codecs, ["G722", "OPUS", "PCMA", "PCMU"]);
    conference.assert_well();
}

/// Keys that are agreed on where the sound goes, by either way of reports, and kept through hold and resume.
#[test]
fn callers_with_a_handshake_hear_and_are_heard() {
    let conference = Conference::new(4, "123456789");
    let callers = [
        (400, "tls", "pcmu/8000", ";mediaenc=dtls_srtp", ""),
        (700, "tls", "opus/48000/2", ";mediaenc=dtls_srtp", "rtcp_mux yes"),
        (1000, "udp", "g722/16000", ";mediaenc=dtls_srtp", ""),
        (1300, "tls", "pcma/8000", ";mediaenc=srtp-mand", ""),
    ];
    let mut phones = callers.map(|(hertz, transport, codec, more, config)| {
        let mut phone = Phone::call_as(config, &conference.uri(transport), (codec, hertz, more));
        phone.await_log("established");
        let prompt = phone.last_second(0);
        assert!(prompt.iter().any(|sample| 1000 < sample.unsigned_abs()), "a voice asks for the code");
        phone.press("123456789");
        (hertz, phone)
    });
    wait_until("all are there", || conference.codecs().len() == 4, || format!("{:?}", conference.told()));
    // One for the sound and one for the reports, unless they share a port.
    let handshakes = |phone: &Phone| phone.log().matches("DTLS-SRTP complete").count();
    assert_eq!(phones.each_ref().map(|(_, phone)| handshakes(phone)), [2, 1, 2, 0]);
    let assert_all_hear = |phones: &[(u32, Phone)]| {
        let before = phones.iter().map(|(_, phone)| phone.heard().len()).collect::<Vec<_>>();
        for ((hertz, phone), before) in phones.iter().zip(before) {
            // What was said to them at first is over by then.
            let sound = phone.last_second(before + 12 * 48_000);
            let others: Vec<u32> =
                callers.iter().map(|(tone, ..)| *tone).filter(|tone| tone != hertz).collect();
            assert_hears(&sound, &others, &[*hertz]);
        }
    };
    assert_all_hear(&phones);
    phones[1].1.command("hold");
    let last = Cell::new(0);
    let is_silent = || last.replace(conference.sent(1)) == conference.sent(1);
    wait_until("nothing is sent", is_silent, || phones[1].1.log());
    phones[1].1.command("resume");
    let sent = conference.sent(1);
    wait_until("sound is sent again", || sent + 50 < conference.sent(1), || phones[1].1.log());
    let log = phones[1].1.log();
    assert!(!log.contains("failed to decrypt") && handshakes(&phones[1].1) == 1, "{log}");
    let other = &phones[0].1;
    assert_hears(&other.last_second(other.heard().len() + 24_000), &[700, 1000, 1300], &[400]);
    conference.assert_well();
}

#[test]
fn the_next_caller_on_a_seat_may_speak_another_codec() {
    let conference = Conference::new(2, "");
    let stays = Phone::call(&conference.uri("udp"), "opus/48000/2", 400, "");
    wait_until("the first seat is taken", || conference.codecs().len() == 1, || stays.log());
    for (number, codec) in ["pcmu/8000", "g722/16000", "opus/48000/2"].into_iter().enumerate() {
        let phone = Phone::call(&conference.uri("tcp"), codec, 700, "");
        wait_until("both are there", || conference.codecs().len() == 2, || phone.log());
        let sound = phone.last_second(24_000);
        assert_hears(&sound, &[400], &[700]);
        assert_hears(&stays.last_second(stays.heard().len()), &[700], &[400]);
        conference.bridge.emit_by_name::<()>("hang-up", &[&1_u32]);
        phone.await_log("terminated");
        wait_until("he is gone", || conference.told().len() == number + 1, || phone.log());
    }
    assert!(conference.told().iter().all(|told| told == "1 left dismissed"), "{:?}", conference.told());
    conference.assert_well();
}

#[test]
fn after_hold_and_resume_both_are_heard_again() {
    let conference = Conference::new(2, "");
    let mut ann = Phone::call(&conference.uri("tls"), "pcma/8000", 400, ";mediaenc=srtp-mand");
    wait_until("she is there", || conference.codecs().len() == 1, || ann.log());
    let bob = Phone::call(&conference.uri("tcp"), "opus/48000/2", 700, "");
    assert_hears(&ann.last_second(ann.heard().len() + 48_000), &[700], &[400]);
    ann.command("hold");
    let last = Cell::new(0);
    let is_silent = || last.replace(conference.sent(0)) == conference.sent(0);
    wait_until("nothing is sent to her", is_silent, || ann.log());
    ann.command("resume");
    assert_hears(&bob.last_second(bob.heard().len() + 24_000), &[400], &[700]);
    // baresip writes nothing down after it has held, but it would complain of what it can't decrypt.
    let sent = conference.sent(0);
    wait_until("she is sent sound again", || sent + 50 < conference.sent(0), || ann.log());
    assert!(!ann.log().contains("failed to decrypt"), "{}", ann.log());
    conference.assert_well();
}

#[test]
fn a_caller_types_the_code_and_then_commands() {
    let conference = Conference::new(2, "123456789");
    let mut phone = Phone::call(&conference.uri("tls"), "pcmu/8000", 400, ";mediaenc=srtp-mand");
    phone.await_log("established");
    // Somebody speaks before a key is pressed.
    let prompt = phone.last_second(0);
    assert!(prompt.iter().any(|sample| 1000 < sample.unsigned_abs()), "a voice asks for the code");
    assert!(conference.codecs().is_empty(), "nobody is in the meeting yet");
    phone.press("123456789");
    wait_until("he is in the meeting", || conference.codecs() == ["PCMU"], || phone.log());
    phone.press("*6*94711#*2");
    wait_until("commands come", || conference.told().len() == 2, || phone.log());
    assert_eq!(conference.told(), ["0 mute", "0 lock"]);
    let before = phone.heard().len();
    conference.bridge.emit_by_name::<()>("announce", &[&0_u32, &"muted"]);
    let announced = phone.last_second(before);
    assert!(announced.iter().any(|sample| 1000 < sample.unsigned_abs()), "a voice says it");
    drop(phone);
    conference.assert_well();
}

/// Debian's sipp, which makes many calls at once, waits a little in each, and hangs up.
#[test]
fn many_calls_at_once_come_and_go() {
    const CALLS: usize = 40;
    let conference = Conference::new(0, "");
    // Who listens to this may bring pads later, so there are seats for all.
    conference.bridge.connect("call-joined", false, |_| None);
    for (transport, mode) in [("udp", "u1"), ("tcp", "t1")] {
        let port: i32 = conference.bridge.property(&format!("actual-{transport}-port"));
        let ran = Command::new("sipp")
            .args(["-sn", "uac", "-t", mode, "-i", "127.0.0.1", "-r", "40", "-d", "300", "-timeout", "40s"])
            .args(["-m", &CALLS.to_string(), "-nostdin", &format!("127.0.0.1:{port}")])
            .output()
            .expect("sip-tester is installed");
        assert!(ran.status.success(), "{transport}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    wait_until(
        "all are gone",
        || conference.told().len() == 2 * CALLS,
        || format!("{:?}", conference.told()),
    );
    assert!(conference.told().iter().all(|told| told.ends_with("left hung-up")), "{:?}", conference.told());
    conference.assert_well();
}
