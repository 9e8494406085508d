//! A shell without sockets: telephones that speak SIP, an exchange that answers, and time that the test turns.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use convene_sip::{
    About, CallId, CallRecord, Exchange, Flow, Hop, Message, Order, Progress, Prompt, RoomId, RoomRules,
    Session, Start, Transport, TrunkState, Wish,
};

use crate::engine;

pub const ROOM: RoomId = RoomId(1);
pub const CODE: &str = "123456789";
pub const PCMU: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

pub struct World {
    pub exchange: Exchange,
    pub now: Instant,
    pub seats: usize,
    /// Messages to telephones, not yet looked at.
    pub sent: Vec<(Flow, Vec<u8>)>,
    pub sessions: BTreeMap<CallId, Session>,
    pub lines: BTreeSet<CallId>,
    pub joined: Vec<(RoomId, CallId, About)>,
    pub left: Vec<(CallId, &'static str)>,
    pub wishes: Vec<(CallId, Wish)>,
    pub said: Vec<Prompt>,
    pub hushed: usize,
    /// Who says a name just now.
    pub listening: Option<CallId>,
    /// Who has heard whose.
    pub names: Vec<(CallId, Vec<CallId>)>,
    /// By which calls of ours go out; none is there when there is no way.
    pub way: Option<Flow>,
    pub hops: Vec<Hop>,
    pub progress: Vec<Progress>,
    pub trunk: Vec<TrunkState>,
    pub records: Vec<CallRecord>,
}

impl World {
    pub fn new(code: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "any moment is as good as another")]
        let now = Instant::now();
        let mut exchange = Exchange::new([[1; 32], [2; 32]], engine::identity(), None);
        exchange.open(ROOM, RoomRules { code: code.to_owned(), ..RoomRules::default() });
        Self {
            exchange,
            now,
            seats: 10,
            sent: Vec::new(),
            sessions: BTreeMap::new(),
            lines: BTreeSet::new(),
            joined: Vec::new(),
            left: Vec::new(),
            wishes: Vec::new(),
            said: Vec::new(),
            hushed: 0,
            listening: None,
            names: Vec::new(),
            way: Some(Phone::new("", Transport::Udp).flow),
            hops: Vec::new(),
            progress: Vec::new(),
            trunk: Vec::new(),
            records: Vec::new(),
        }
    }

    pub fn rules(&mut self, is_locked: bool, pin: &str) {
        self.exchange.open(
            ROOM,
            RoomRules { code: CODE.to_owned(), is_locked, pin: pin.to_owned(), ..RoomRules::default() },
        );
    }

    pub fn receive(&mut self, flow: Flow, bytes: &[u8]) {
        self.exchange.receive(flow, bytes, self.now);
        self.carry_out();
    }

    /// Lets time pass, and does all that is due meanwhile.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.exchange.due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.exchange.timeout(self.now);
            self.carry_out();
        }
        self.now = end;
    }

    pub fn key(&mut self, keys: &str) {
        let call = *self.lines.last().expect("there is a call");
        for key in keys.chars() {
            self.exchange.key(call, key, self.now);
            self.carry_out();
        }
    }

    /// What was sent since the last time: `BYE`, or the status.
    pub fn answers(&mut self) -> Vec<String> {
        let word = |bytes: &Vec<u8>| match Message::parse(bytes).expect("we send good messages").start {
            Start::Request { method, .. } => method,
            Start::Response { status } => status.to_string(),
        };
        self.sent.drain(..).map(|(_, bytes)| word(&bytes)).collect()
    }

    pub fn carry_out(&mut self) {
        while let Some(order) = self.exchange.poll() {
            match order {
                Order::Send(flow, bytes) => self.sent.push((flow, bytes)),
                Order::Open { call, flow } => {
                    self.lines.insert(call);
                    self.exchange.opened(call, Some((flow.local.ip(), 7800)), self.now);
                }
                Order::Agreed { call, agreement, ours } => {
                    let session = self.sessions.remove(&call);
                    let session = match session {
                        Some(mut session) => {
                            session.change(*agreement, ours.as_ref(), self.now);
                            session
                        }
                        None => Session::new(*agreement, ours.as_ref(), (7, 9, 11), self.now),
                    };
                    self.sessions.insert(call, session);
                }
                Order::Join { room, call, about } => {
                    let is_seated = self.joined.len() < self.seats;
                    if is_seated {
                        self.joined.push((room, call, about));
                    }
                    self.exchange.seated(call, is_seated, self.now);
                }
                Order::Reach(hop) => {
                    self.exchange.reached(&hop, self.way, self.now);
                    self.hops.push(hop);
                }
                Order::Trunk(state) => self.trunk.push(state),
                Order::Progress { progress, .. } => self.progress.push(progress),
                Order::Leave { call, why, .. } => self.left.push((call, why)),
                Order::Wish { call, wish, .. } => self.wishes.push((call, wish)),
                Order::Say(_, prompts) => self.said.extend(prompts),
                Order::Hush(_) => self.hushed += 1,
                Order::Listen(call) => self.listening = Some(call),
                Order::EndName(call) => {
                    let has_name = self.listening.take() == Some(call);
                    self.exchange.named(call, has_name, self.now);
                }
                Order::SayNames { to, of } => self.names.push((to, of)),
                Order::Record { record, .. } => self.records.push(*record),
                Order::Close(call) => {
                    self.lines.remove(&call);
                    self.sessions.remove(&call);
                }
            }
        }
    }

    pub fn said(&mut self) -> Vec<Prompt> {
        std::mem::take(&mut self.said)
    }
}

/// A telephone and its one call.
#[derive(Clone, Debug)]
pub struct Phone {
    pub flow: Flow,
    pub name: String,
    pub uri: String,
    pub cseq: u32,
    /// Our tag, once it is known.
    pub tag: String,
    branch: u32,
}

impl Phone {
    pub fn new(name: &str, transport: Transport) -> Self {
        let peer = SocketAddr::new(IpAddr::from([192, 0, 2, 7]), 5060);
        let local = SocketAddr::new(IpAddr::from([192, 0, 2, 1]), 5060);
        let id = u64::from(transport.is_reliable());
        Self {
            flow: Flow { id, transport, peer, local },
            name: name.to_owned(),
            uri: "sip:convene@192.0.2.1".to_owned(),
            cseq: 0,
            tag: String::new(),
            branch: 0,
        }
    }

    /// Calls, and acknowledges the answer. Returns its status.
    pub fn call(&mut self, world: &mut World, sdp: &str) -> u16 {
        let request = self.request("INVITE", sdp);
        let status = self.ask(world, &request);
        let ack = self.ack("");
        world.receive(self.flow, ack.as_bytes());
        status
    }

    /// Sends something and returns the status of the answer.
    pub fn ask(&mut self, world: &mut World, request: &str) -> u16 {
        world.sent.clear();
        world.receive(self.flow, request.as_bytes());
        let (_, bytes) = world.sent.first().expect("it is answered").clone();
        self.read(&bytes)
    }

    /// Reads an answer.
    pub fn read(&mut self, bytes: &[u8]) -> u16 {
        let message = Message::parse(bytes).expect("we send good messages");
        let tag = message.address("to").expect("it has a To").tag().unwrap_or_default().to_owned();
        match message.start {
            Start::Response { status } => {
                if status < 300 {
                    self.tag = tag;
                }
                status
            }
            Start::Request { .. } => panic!("a request is no answer"),
        }
    }

    pub fn request(&mut self, method: &str, body: &str) -> String {
        self.cseq += 1;
        self.branch += 1;
        self.write(method, self.cseq, body, "")
    }

    pub fn ack(&mut self, body: &str) -> String {
        self.branch += 1;
        self.write("ACK", self.cseq, body, "")
    }

    pub fn write(&self, method: &str, cseq: u32, body: &str, more: &str) -> String {
        let Self { flow, name, uri, tag, branch, .. } = self;
        let to_tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{name}{branch};rport\r\nMax-Forwards: 70\r\n\
             From: \"{name}\" <sip:+4930{name}@example.org>;tag={name}\r\nTo: <{uri}>{to_tag}\r\nCall-ID: {name}@a\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{name}@{}>\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
            flow.transport.word(),
            flow.peer,
            flow.peer,
            body.len(),
        )
    }
}
