//! The built plugin, as `gst-inspect-1.0` sees it.

use convene_test_support::Plugins;

#[test]
fn the_element_can_be_inspected() {
    let ran = Plugins::new(&["gstconvenesip"]).inspect("sipbridge");
    assert!(ran.ok, "{}", ran.output);
    for words in [
        "call_src_%u",
        "call_sink_%u",
        "PCMU",
        "PCMA",
        "G722",
        "OPUS",
        "room",
        "tls-port",
        "certificate",
        "rtp-ports",
        "locked",
        "pin",
        "names",
        "language",
        "prompts",
        "call-joined",
        "call-left",
        "command",
        "hang-up",
        "announce",
        "trunk",
        "trunk-register",
        "trunk-account",
        "ca-file",
        "call-progress",
        "call-failed",
        "cancel",
        "stats",
    ] {
        assert!(ran.output.contains(words), "{words} is missing in\n{}", ran.output);
    }
}
