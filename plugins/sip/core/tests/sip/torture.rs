//! RFC 4475's messages in spirit: what is right is taken however strange it looks, what is wrong is answered as the RFC says.

use convene_sip::{Malformed, Message, Transport};

use crate::world::{Phone, World};

const GOOD: &str = "OPTIONS sip:convene@example.org SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:ann@example.org>;tag=1\r\n\
    To: <sip:convene@example.org>\r\n\
    Call-ID: 1@example.org\r\n\
    CSeq: 7 OPTIONS\r\n\
    Content-Length: 0\r\n\r\n";

fn status(text: &str) -> Option<u16> {
    match Message::parse(text.as_bytes()) {
        Ok(_) => None,
        Err(Malformed::Refused { status, .. }) => Some(status),
        Err(Malformed::Noise) => Some(0),
    }
}

#[test]
fn strange_but_right() {
    for (what, from, to) in [
        ("as it is", "", ""),
        ("spaces before the colon", "Max-Forwards:", "MAX-Forwards \t :"),
        ("a folded line", "CSeq: 7 OPTIONS", "CSeq: 7\r\n  OPTIONS"),
        ("names of one letter", "Call-ID:", "i:"),
        ("spaces in Via", "SIP/2.0/UDP", "SIP  / 2.0\t /UDP"),
        (
            "a quotation with all in it",
            "<sip:ann@example.org>",
            "\"\\\"An<n>\\\\, ;b\" <sip:ann@example.org>",
        ),
        ("without brackets", "<sip:ann@example.org>", "sip:ann@example.org"),
        ("a semicolon before the at", "sip:convene@example.org SIP", "sip:convene;x=y@example.org SIP"),
        ("escapes", "sip:convene@example.org SIP", "sip:sips%3Aa%40b@example.org SIP"),
        ("a zero as an escape", "sip:convene@example.org SIP", "sip:null-%00@example.org SIP"),
        ("Latin letters", "<sip:ann@example.org>", "J\u{f6}rg <sip:ann@example.org>"),
        ("another transport", "SIP/2.0/UDP", "SIP/2.0/SCTP"),
        ("no hops left", "Max-Forwards: 70", "Max-Forwards: 0"),
        ("an unknown field", "Max-Forwards", "NewFangledHeader: newfangled;value\r\nMax-Forwards"),
        ("many Vias", "Max-Forwards", "v:SIP/2.0/TCP a;branch=z9hG4bK2, SIP/2.0/UDP b\r\nMax-Forwards"),
        ("the same length twice", "Content-Length: 0", "Content-Length: 0\r\nl: 0"),
    ] {
        assert_eq!(status(&GOOD.replacen(from, to, 1)), None, "{what}");
    }
    // One datagram with a second message behind the first.
    assert_eq!(status(&format!("{GOOD}{GOOD}")), None);
    // A method that nobody knows, with all letters that a method may have.
    let method = GOOD.replace("OPTIONS", "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(status(&method), None);
}

#[test]
fn wrong() {
    for (what, expected, from, to) in [
        ("a length beyond the end", 400, "Content-Length: 0", "Content-Length: 9999"),
        ("a length below zero", 400, "Content-Length: 0", "Content-Length: -999"),
        ("two lengths", 400, "Content-Length: 0", "Content-Length: 0\r\nl: 5"),
        ("a sequence number without end", 400, "CSeq: 7", "CSeq: 36893488147419103232"),
        ("a sequence number of 32 bits", 400, "CSeq: 7", "CSeq: 2147483648"),
        (
            "a quotation without end",
            400,
            "<sip:convene@example.org>",
            "\"Mr. J. User <sip:j.user@example.com>",
        ),
        (
            "brackets around the Request-URI",
            400,
            "sip:convene@example.org SIP",
            "<sip:convene@example.org> SIP",
        ),
        ("a space in the Request-URI", 400, "sip:convene@example.org SIP", "sip:convene@example.org; lr SIP"),
        ("two spaces in the first line", 400, "OPTIONS sip", "OPTIONS  sip"),
        ("a space after the first line", 400, "SIP/2.0\r\nVia", "SIP/2.0  \r\nVia"),
        ("fields in the Request-URI", 400, "example.org SIP", "example.org?Route=%3Csip:a%3E SIP"),
        ("spaces in an address", 400, "<sip:ann", "< sip:ann"),
        ("another version", 505, "SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
        ("a sequence of another method", 400, "7 OPTIONS", "7 INVITE"),
        ("no Call-ID", 400, "Call-ID: 1@example.org\r\n", ""),
        ("no From", 400, "From: <sip:ann@example.org>;tag=1\r\n", ""),
        ("no To", 400, "To: <sip:convene@example.org>\r\n", ""),
        ("two CSeqs", 400, "CSeq", "CSeq: 8 OPTIONS\r\nCSeq"),
        ("two Call-IDs", 400, "Call-ID", "i: 2\r\nCall-ID"),
        ("hops beyond a byte", 400, "Max-Forwards: 70", "Max-Forwards: 300"),
        ("an unknown scheme", 416, "sip:convene@example.org SIP", "nobodyKnowsThisScheme:totallyopaque SIP"),
        ("a page of the web", 416, "sip:convene@example.org SIP", "http://example.org SIP"),
        ("separators without values", 400, "<sip:ann@example.org>;tag=1", ";;,;,,"),
        ("a field without a name", 400, "Max-Forwards: 70", ": 70"),
        ("a line without a colon", 400, "Max-Forwards: 70", "Max-Forwards 70"),
        ("a control character", 400, "Max-Forwards: 70", "Max-Forwards: 7\u{1}"),
        ("no message at all", 0, "OPTIONS sip", "\u{0}\u{1}\u{2}"),
    ] {
        assert_eq!(status(&GOOD.replacen(from, to, 1)), Some(expected), "{what}");
    }
    let response =
        GOOD.replacen("OPTIONS sip:convene@example.org SIP/2.0", "SIP/2.0 4294967301 better not", 1);
    assert_eq!(status(&response), Some(0), "a status beyond all");
}

#[test]
fn every_truncated_length_is_noise_or_refused() {
    for length in 0..GOOD.len() {
        assert!(Message::parse(&GOOD.as_bytes()[..length]).is_err(), "{length}");
    }
}

#[test]
fn limits_hold_and_one_less_is_taken() {
    use convene_sip::{HEADERS_MAX, MESSAGE_BYTES_MAX};
    let with_fields =
        |count: usize| GOOD.replacen("Max-Forwards", &("x: y\r\n".repeat(count) + "Max-Forwards"), 1);
    assert_eq!(status(&with_fields(HEADERS_MAX - 7)), None);
    assert_eq!(status(&with_fields(HEADERS_MAX - 6)), Some(400));
    let of_length = |length: usize| {
        let fill = "y".repeat(length - GOOD.len() - "x: \r\n".len());
        GOOD.replacen("Max-Forwards", &format!("x: {fill}\r\nMax-Forwards"), 1)
    };
    assert_eq!(status(&of_length(MESSAGE_BYTES_MAX)), None);
    assert_eq!(status(&of_length(MESSAGE_BYTES_MAX + 1)), Some(0));
}

#[test]
fn what_is_wrong_is_answered_to_whom_it_came_from() {
    let mut world = World::new("");
    let ann = Phone::new("ann", Transport::Udp);
    for (status, from, to) in [
        ("400", "CSeq: 7 OPTIONS", "CSeq: 7 INVITE"),
        ("416", "sip:convene@example.org SIP", "tel:+4930 SIP"),
        ("505", "SIP/2.0\r\nVia", "SIP/3.0\r\nVia"),
    ] {
        world.receive(ann.flow, GOOD.replacen(from, to, 1).as_bytes());
        let (flow, answer) = world.sent.pop().expect("it is answered");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{answer}");
        assert!(
            answer.contains("branch=z9hG4bK1;received=192.0.2.7\r\n") && answer.contains("Call-ID: 1@"),
            "{answer}"
        );
        assert_eq!(flow.peer, ann.flow.peer);
    }
    // What nobody could be told, nobody is.
    for silent in
        [GOOD.replace("OPTIONS", "ACK").replacen("7 ACK", "7 BYE", 1), GOOD.replacen("Via:", "Vio:", 1)]
    {
        world.receive(ann.flow, silent.as_bytes());
        assert!(world.sent.is_empty(), "{silent}");
    }
}
