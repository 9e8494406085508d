//! Who holds connections without speaking, or sends what is no SIP.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use gst::prelude::*;

use crate::bridge::Conference;
use crate::phone::Phone;

const OPTIONS: &str = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n\
    From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

fn connect(conference: &Conference, transport: &str) -> TcpStream {
    let port: i32 = conference.bridge.property(&format!("actual-{transport}-port"));
    let stream = TcpStream::connect(("127.0.0.1", port as u16)).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    stream
}

#[test]
fn noise_ends_a_connection_and_nobody_elses_call() {
    let conference = Conference::new(2, "");
    let phone = Phone::call(&conference.uri("udp"), "pcmu/8000", 400, "");
    phone.await_log("established");
    let mut silent = connect(&conference, "tls");
    for transport in ["tcp", "tls"] {
        let mut stream = connect(&conference, transport);
        stream.write_all(&[b'x'; 20_000]).expect("the system takes it");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 100, "{transport}: at most an alert");
    }
    let port: i32 = conference.bridge.property("actual-udp-port");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    for length in 0..1500 {
        socket.send_to(&vec![b'\r'; length], ("127.0.0.1", port as u16)).expect("it can be sent");
    }
    let mut stream = connect(&conference, "tcp");
    stream.write_all(b"\r\n\r\n").expect("the system takes it");
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).expect("a ping is answered");
    for piece in OPTIONS.as_bytes().chunks(7) {
        stream.write_all(piece).expect("the system takes it");
    }
    let mut answer = [0; 11];
    stream.read_exact(&mut answer).expect("it is answered");
    assert_eq!((&pong, &answer), (b"\r\n", b"SIP/2.0 200"));
    // Who connects and says nothing is shown out.
    let mut nothing = Vec::new();
    silent.read_to_end(&mut nothing).expect("the connection is closed");
    assert_eq!((nothing.len(), conference.codecs()), (0, vec!["PCMU".to_owned()]));
    conference.assert_well();
}

#[test]
fn whoever_mixes_for_a_caller_is_told_what_he_loses() {
    let conference = Conference::new(1, "");
    let sink = conference.bridge.static_pad("call_sink_0").expect("it was asked for");
    let (told, losses) = std::sync::mpsc::channel();
    let feeding = sink.peer().expect("it is linked");
    feeding.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        if info.event().is_some_and(|event| event.has_name("convene-voice-lost")) {
            let _ = told.send(());
        }
        gst::PadProbeReturn::Ok
    });

    let (signalling, sound) = (UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
    let (signalling, sound) = (signalling.expect("a port is free"), sound.expect("a port is free"));
    let [from, rtp] = [&signalling, &sound].map(|socket| socket.local_addr().expect("it is bound").port());
    for socket in [&signalling, &sound] {
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    }
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtp} RTP/AVP 0\r\na=rtcp-mux\r\n"
    );
    let invite = format!(
        "INVITE sip:meeting@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{from};branch=z9hG4bK7;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:ann@127.0.0.1>;tag=1\r\nTo: <sip:meeting@127.0.0.1>\r\nCall-ID: 7\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:ann@127.0.0.1:{from}>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let port: i32 = conference.bridge.property("actual-udp-port");
    signalling.send_to(invite.as_bytes(), ("127.0.0.1", port as u16)).expect("it can be sent");

    // A report comes first, on the same port; what is mixed comes while somebody sends, and has the number of G.711.
    let mut packet = [0; 2000];
    let (_, bridge) = sound.recv_from(&mut packet).expect("the call is answered");
    for sequence in 0.. {
        let mut silence = [0xff; 172];
        silence[..12].copy_from_slice(&[0x80, 0, 0, sequence, 0, 0, sequence, 0, 0, 0, 0, 9]);
        sound.send_to(&silence, bridge).expect("it can be sent");
        sound.recv_from(&mut packet).expect("something comes back");
        if packet[1] & 0x7f == 0 {
            break;
        }
    }
    // Of a receiver who has lost a fifth of it (RFC 3550, section 6.4.2).
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    report.extend_from_slice(&packet[8..12]);
    report.extend_from_slice(&[51, 0, 0, 10, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    sound.send_to(&report, bridge).expect("it can be sent");
    losses.recv_timeout(Duration::from_secs(30)).expect("the mixer's side is told");
    conference.assert_well();
}

#[test]
fn one_address_has_only_so_many_connections() {
    const ADDRESS_CONNECTIONS_MAX: usize = 128;
    let conference = Conference::new(0, "");
    let ask =
        |stream: &mut TcpStream| stream.write_all(b"\r\n\r\n").and_then(|()| stream.read_exact(&mut [0; 2]));
    let mut streams: Vec<TcpStream> =
        (0..ADDRESS_CONNECTIONS_MAX).map(|_| connect(&conference, "tcp")).collect();
    assert!(streams.iter_mut().all(|stream| ask(stream).is_ok()), "all of them are served");
    assert!(ask(&mut connect(&conference, "tcp")).is_err(), "one more is not");
}

#[test]
fn wrong_properties_are_refused_with_a_sentence() {
    crate::bridge::init();
    for (property, value, words) in [
        ("room", "12345", "nine digits"),
        ("rtp-ports", "9-8", "range like 7800-32000"),
        ("bind-address", "nowhere", "IP address"),
        ("certificate", "/nowhere", "both or neither"),
        ("language", "xx", "one of"),
        ("prompts", "/nowhere", "is a folder"),
        ("pin", "a1", "digits only"),
        ("trunk", "provider.example", "like sips:provider.example"),
        ("trunk", "sip:ann@provider.example;transport=tls", "without a user"),
        ("trunk", "sip:provider.example", "reached by UDP"),
        ("ca-file", "/nowhere", "cannot be used"),
    ] {
        let bridge = gst::ElementFactory::make("sipbridge").property("tcp-port", 0).property(property, value);
        let bridge = bridge.build().expect("the element is registered");
        let bus = gst::Bus::new();
        bridge.set_bus(Some(&bus));
        assert!(bridge.set_state(gst::State::Ready).is_err(), "{property}");
        let message = bus.pop_filtered(&[gst::MessageType::Error]).expect("an error is posted");
        let gst::MessageView::Error(error) = message.view() else { panic!("{message:?}") };
        assert!(error.error().to_string().contains(words), "{property}: {}", error.error());
        bridge.set_state(gst::State::Null).expect("it can always be stopped");
    }
}
