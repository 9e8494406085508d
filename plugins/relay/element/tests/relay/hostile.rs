//! A peer that is not who it offered to be.

use gst::prelude::*;

use crate::client::{Client, Wanted};
use crate::media::sees;
use crate::support::{Relay, Told};

/// The offer with the fingerprint of another certificate.
fn another_fingerprint(offer: &str) -> String {
    let (before, after) = offer.split_once("a=fingerprint:sha-256 ").expect("an offer has a fingerprint");
    let (prints, rest) = after.split_at(2);
    let other = if prints == "00" { "01" } else { "00" };
    // Each line has one.
    let rest =
        rest.replace(&format!("a=fingerprint:sha-256 {prints}"), &format!("a=fingerprint:sha-256 {other}"));
    format!("{before}a=fingerprint:sha-256 {other}{rest}")
}

#[test]
fn whoever_has_another_certificate_than_was_offered_is_let_in_nowhere() {
    let relay = Relay::start();
    let heard: Told<()> = Told::new();
    let pad = relay.element.request_pad_simple("voice_src_0").expect("a pad can be had");
    pad.set_property("peer", "mallory");
    let told = heard.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        told.tell(());
        gst::PadProbeReturn::Ok
    });
    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 2 });
    bob.join(&relay, "bob");
    let mallory = Client::new(&Wanted { camera: Some(7), voice: true, slots: 1 });
    let answer = relay.offer("mallory", &another_fingerprint(&mallory.offer())).expect("nothing shows yet");
    mallory.accept(&answer);
    relay.signals.wait_for("the end of it", |signal| signal == "peer-state mallory closed");
    // By the time that somebody else is seen, Mallory would be, too: that end took the handshake for complete.
    let ann = Client::new(&Wanted { camera: Some(1), voice: false, slots: 0 });
    ann.join(&relay, "ann");
    sees(&bob, 1, 20);
    assert!(bob.seen.all().iter().all(|(_, mark)| mark.whose == 1));
    assert!(mallory.seen.all().is_empty() && mallory.heard.all().is_empty() && heard.all().is_empty());
    let signals = relay.signals.all();
    assert!(!signals.iter().any(|signal| signal == "peer-state mallory connected"), "{signals:?}");
}
