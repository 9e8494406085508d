//! Callers say who they are, each with a tone, and are told to those who are there.

use convene_test_support::amplitude;
use gst::prelude::*;

use crate::bridge::Conference;
use crate::phone::{Phone, wait_until};

const CODE: &str = "123456789";
const LOUD: f64 = 2000.0;

/// Comes in and says a name, which is a tone, for as long as a name may be.
fn come(conference: &Conference, hertz: u32, codec: &str, more: &str) -> Phone {
    let there = conference.codecs().len();
    let mut phone = Phone::call(&conference.uri("tls"), codec, hertz, more);
    phone.await_log("established");
    phone.press(CODE);
    wait_until("he is there", || conference.codecs().len() == there + 1, || phone.log());
    phone
}

/// Tenths of a second from here on in which there is this tone.
fn tenths(phone: &Phone, from: usize, hertz: u32) -> usize {
    let heard = phone.heard();
    let tenths = heard[from..].chunks_exact(4800);
    tenths.filter(|tenth| LOUD < amplitude(tenth, f64::from(hertz))).count()
}

fn set_muted(conference: &Conference, seat: u32) {
    let mixer = conference.mixer.static_pad(&format!("sink_{seat}")).expect("it is linked");
    mixer.set_property("mute", true);
}

#[test]
fn who_asks_hears_the_names_of_others_and_who_comes_is_announced() {
    let conference = Conference::with(3, CODE, &[("names", "asked")]);
    let mut ann = come(&conference, 700, "pcmu/8000", ";mediaenc=dtls_srtp");
    let bob = come(&conference, 1300, "opus/48000/2", ";mediaenc=srtp-mand");
    // Not their voices, but their names are to be heard.
    [0, 1].into_iter().for_each(|seat| set_muted(&conference, seat));
    ann.press("*3");
    wait_until("she asks", || conference.told().contains(&"0 count".to_owned()), || ann.log());
    // What was said to her on her way in is over by then.
    let quiet = ann.last_second(ann.heard().len() + 12 * 48_000);
    assert!(amplitude(&quiet, 1300.0) < LOUD, "he is muted");
    let before = ann.heard().len();
    for prompt in ["count-2", "names"] {
        conference.bridge.emit_by_name::<()>("announce", &[&0_u32, &prompt]);
    }
    let hears = || 25 <= tenths(&ann, before, 1300);
    wait_until("she hears his name", hears, || format!("{} tenths", tenths(&ann, before, 1300)));
    assert_eq!(tenths(&ann, before, 700), 0, "and not her own");
    // Somebody without a name comes, and somebody whose name all others hear.
    conference.bridge.set_property("names", "announced");
    let mut cem = Phone::call(&conference.uri("tls"), "g722/16000", 1000, ";mediaenc=srtp-mand");
    cem.await_log("established");
    let before = [&ann, &bob].map(|phone| phone.heard().len());
    cem.press(CODE);
    wait_until("he is there", || conference.codecs().len() == 3, || cem.log());
    set_muted(&conference, 2);
    for (phone, before) in [&ann, &bob].into_iter().zip(before) {
        let tell = || format!("{} tenths", tenths(phone, before, 1000));
        wait_until("all hear who comes", || 25 <= tenths(phone, before, 1000), tell);
    }
    conference.assert_well();
}

#[test]
fn a_key_does_without_a_name() {
    let conference = Conference::with(2, CODE, &[("names", "announced")]);
    let mut ann = Phone::call(&conference.uri("tls"), "pcmu/8000", 700, ";mediaenc=srtp-mand");
    ann.await_log("established");
    ann.press(&format!("{CODE}#"));
    // That key ends the code; another one, while the voice still asks, does without a name.
    ann.last_second(ann.heard().len() + 3 * 48_000);
    assert!(conference.codecs().is_empty(), "she is asked for her name");
    ann.press("#");
    let before = ann.heard().len();
    wait_until("she is there", || conference.codecs().len() == 1, || ann.log());
    assert!(ann.heard().len() < before + 2 * 48_000, "at once");
    conference.assert_well();
}
