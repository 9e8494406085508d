//! The built plugin, as `gst-inspect-1.0` and `gst-launch-1.0` see it.

use convene_test_support::Plugins;

fn plugins() -> Plugins {
    Plugins::new(&["gstconvenerelay"])
}

#[test]
fn the_element_can_be_inspected() {
    let ran = plugins().inspect("vp8relay");
    assert!(ran.ok, "{}", ran.output);
    for words in [
        "feed_%u",
        "feed_sink_%u",
        "h264_%u",
        "voice_src_%u",
        "voice_sink_%u",
        "On request",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "Default: 1853",
        "actual-port",
        "bind-address",
        "candidates",
        "/whip/NAME",
        "\"offer\"",
        "\"slots-changed\"",
        "\"speakers-changed\"",
    ] {
        assert!(ran.output.contains(words), "{words} is missing in\n{}", ran.output);
    }
}

/// Runs the line and expects it to fail with this sentence.
fn launch_in_vain(line: &str, sentence: &str) {
    let ran = plugins().launch(line);
    assert!(!ran.ok, "{line}\n{}", ran.output);
    assert!(ran.output.contains(sentence), "{line}\n{}", ran.output);
    assert!(!ran.output.contains("CRITICAL"), "{line}\n{}", ran.output);
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    launch_in_vain(
        "vp8relay port=0 bind-address=localhost",
        "The property bind-address is an IP address, and \"localhost\" is none.",
    );
    launch_in_vain(
        "vp8relay port=0 candidates=192.0.2.1,here",
        "The property candidates is a comma separated list of IP addresses, and \"here\" is none.",
    );
    launch_in_vain("vp8relay port=0 bind-address=192.0.2.1", "on 192.0.2.1 cannot be opened");
}

#[test]
fn what_is_wrong_with_an_http_address_is_said() {
    launch_in_vain(
        "vp8relay port=0 http=8080",
        "The property http is an address and a port, like 127.0.0.1:8080, and \"8080\" is none.",
    );
    launch_in_vain("vp8relay port=0 http=192.0.2.1:80", "192.0.2.1:80 cannot be opened for HTTP");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("the loopback has a free port");
    let port = taken.local_addr().expect("it is bound").port();
    launch_in_vain(
        &format!("vp8relay bind-address=127.0.0.1 port={port}"),
        &format!("UDP port {port} on 127.0.0.1 cannot be opened"),
    );
}

#[test]
fn a_tcp_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    let port = taken.local_addr().expect("it is bound").port();
    launch_in_vain(
        &format!("vp8relay bind-address=127.0.0.1 port=0 tcp-port={port}"),
        &format!("TCP port {port} on 127.0.0.1 cannot be opened"),
    );
}
