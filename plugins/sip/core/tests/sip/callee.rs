//! Who is called: reads what comes, and answers as the test has it.

use std::time::Duration;

use convene_sip::{CallId, Credentials, Flow, Message, Progress, Start, Transport, Trunk};

use crate::world::{Phone, ROOM, World};

pub const OURS: CallId = CallId::OURS;
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
pub const SECOND: Duration = Duration::from_secs(1);

/// A world whose way out is of this kind.
pub fn world(transport: Transport) -> World {
    let mut world = World::new("123456789");
    world.way = Some(Phone::new("", transport).flow);
    world
}

/// With a trunk that knows us.
pub fn world_with_trunk(transport: Transport, password: &str) -> World {
    let mut world = world(transport);
    let credentials = Credentials { user: "ann".to_owned(), password: password.to_owned() };
    let uri = format!("sip:provider.example;transport={}", transport.word().to_ascii_lowercase());
    let trunk = Trunk { uri, credentials: Some(credentials), is_registered: false };
    world.exchange.connect(trunk, world.now);
    world
}

/// Calls, and returns the INVITE.
pub fn call(world: &mut World, to: &str) -> Message {
    world.exchange.call(OURS, ROOM, to, world.now);
    world.carry_out();
    next(world, "INVITE")
}

/// The next request that we have sent, which is of this kind.
pub fn next(world: &mut World, method: &str) -> Message {
    assert!(!world.sent.is_empty(), "no {method} was sent: {:?}", world.progress);
    let (_, bytes) = world.sent.remove(0);
    let message = Message::parse(&bytes).expect("we send good messages");
    assert_eq!(message.method(), Some(method));
    message
}

/// The methods of all that was sent.
pub fn methods(world: &mut World) -> Vec<String> {
    world.answers()
}

pub fn way(world: &World) -> Flow {
    world.way.expect("there is a way")
}

/// Answers a request, with more fields and maybe a body.
pub fn reply(world: &mut World, request: &Message, status: u16, more: &str, body: &str) {
    reply_as(world, request, (status, "callee"), more, body);
}

/// The same of another telephone.
pub fn reply_as(world: &mut World, request: &Message, (status, tag): (u16, &str), more: &str, body: &str) {
    let field = |name: &str| request.header(name).unwrap_or_default();
    let to = field("to");
    let to = if to.contains(";tag=") { to.to_owned() } else { format!("{to};tag={tag}") };
    let contact = if more.contains("Contact") { "" } else { "Contact: <sip:callee@192.0.2.7:5060>\r\n" };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "SIP/2.0 {status} Word\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}{more}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        field("via"),
        field("from"),
        field("call-id"),
        field("cseq"),
        body.len(),
    );
    world.receive(way(world), text.as_bytes());
}

/// A request of who was called, within the call.
pub fn request(world: &mut World, invite: &Message, method: &str, cseq: u32, body: &str) -> u16 {
    let field = |name: &str| invite.header(name).unwrap_or_default().to_owned();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "{method} sip:convene@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK{method}{cseq};rport\r\n\
         From: {};tag=callee\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:callee@192.0.2.7>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        field("to"),
        field("from"),
        field("call-id"),
        body.len(),
    );
    world.sent.clear();
    world.receive(way(world), text.as_bytes());
    let (_, bytes) = world.sent.remove(0);
    match Message::parse(&bytes).expect("we send good messages").start {
        Start::Response { status } => status,
        Start::Request { .. } => panic!("a request is no answer"),
    }
}

pub fn progress(world: &mut World) -> Vec<Progress> {
    std::mem::take(&mut world.progress)
}
