//! The user agent: answers SIP requests, and keeps one dialog for each call.

mod client;
mod dialog;
mod invite;
mod outgoing;
mod refer;
mod registrar;
mod request;
mod within;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use crate::chance::Chance;
use crate::digest::{Credentials, Login};
use crate::failure::Failure;
use crate::flow::{Flow, Transport};
use crate::hop::Hop;
use crate::message::{Malformed, Message};
use crate::transaction::{Key, Servers, Ticket};
use crate::write::{METHODS, Writer};

use client::Client;
use dialog::Dialog;
use outgoing::Calling;
pub use outgoing::{Dialling, RINGING_MAX};
use registrar::Registrar;
pub use registrar::{Account, BACK_OFF_MAX, TrunkState};

/// Calls that one agent holds.
pub const CALLS_MAX: usize = 4096;

/// A call of this agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

impl CallId {
    /// Calls of ours have this number and those above, calls of others those below.
    pub const OURS: Self = Self(1 << 48);
}

/// Who calls, and what for.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// What the caller says he is called; often nothing.
    pub name: String,
    /// His number, or the name before the `@`.
    pub number: String,
    /// Whom he has dialled: the part before the `@`.
    pub dialled: String,
    /// How the call came.
    pub flow: Flow,
    /// The caller's session description; without one he waits for ours.
    pub offer: Option<String>,
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The caller has hung up.
    HungUp,
    /// We have.
    Dismissed,
    /// Our answer was never acknowledged.
    Unacknowledged,
    /// The session timer was not refreshed (RFC 4028), or our refresh not answered.
    Expired,
}

/// What the agent wants done, or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this.
    Send(Flow, Vec<u8>),
    /// Somebody calls: [`Agent::accept`] or [`Agent::refuse`].
    Invited(CallId, Invite),
    /// The caller would change the session, or has us offer: [`Agent::accept`] or [`Agent::refuse`].
    Offered(CallId, Option<String>),
    /// The caller has answered our offer.
    Answered(CallId, String),
    /// A key of the dial-pad, by INFO.
    Key(CallId, char),
    /// The caller is to be put through to whoever is called so here, or, without a name, to somebody elsewhere: [`Agent::refer_done`] or
    /// [`Agent::refer_refused`].
    Referred(CallId, Option<String>),
    /// Somebody whom we call hears it ring.
    Rings(CallId),
    /// Somebody whom we call has answered our offer; without a session description there will be no sound.
    Accepted(CallId, Option<String>),
    /// Somebody whom we call is not reached.
    Failed(CallId, Failure),
    /// Somebody whom we call, or a proxy on the way, has refused the call with this status.
    Declined(CallId, u16),
    /// A way to there is wanted: [`Agent::reached`].
    Reach(Hop),
    /// Whether the trunk brings calls.
    Trunk(TrunkState),
    /// The call is over.
    Ended(CallId, Ending),
}

/// The user agent.
#[derive(Debug)]
pub struct Agent {
    chance: Chance,
    /// What Contact says; where it is not set, the address that a request came to.
    host: Option<IpAddr>,
    servers: Servers,
    /// By [`client::key`].
    clients: BTreeMap<String, Client>,
    login: Login,
    registrar: Option<Registrar>,
    callings: BTreeMap<CallId, Calling>,
    dialogs: BTreeMap<CallId, Dialog>,
    /// By Call-ID and our tag.
    names: BTreeMap<(String, String), CallId>,
    next_call: u64,
    actions: VecDeque<Action>,
}

impl Agent {
    /// An agent without calls.
    pub fn new(seed: [u8; 32], host: Option<IpAddr>) -> Self {
        Self {
            chance: Chance::new(seed),
            host,
            servers: Servers::default(),
            clients: BTreeMap::new(),
            login: Login::default(),
            registrar: None,
            callings: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            names: BTreeMap::new(),
            next_call: 1,
            actions: VecDeque::new(),
        }
    }

    /// What our trunk is told when it asks who we are.
    pub fn know(&mut self, credentials: Option<Credentials>) {
        self.login = Login::new(credentials);
    }

    /// What has come over the wire; drain [`Self::poll`] after it, and after everything else.
    pub fn receive(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => self.request(flow, &message, now),
            Ok(message) => self.response(&message, now),
            Err(Malformed::Noise) => {}
            Err(Malformed::Refused { status, reason, message }) => {
                // An ACK is never answered, and what has no Via could not be.
                if message.method() != Some("ACK") && message.via().is_some() {
                    self.answer_stateless(&flow, &message, status, reason);
                }
            }
        }
    }

    /// Time has passed; see [`Self::due`].
    pub fn timeout(&mut self, now: Instant) {
        let Self { servers, actions, .. } = self;
        servers.tick(now, |flow, bytes| actions.push_back(Action::Send(flow, bytes)));
        self.tick_clients(now);
        self.tick_callings(now);
        self.tick_registrar(now);
        let calls: Vec<CallId> = self.dialogs.keys().copied().collect();
        calls.into_iter().for_each(|call| self.tick_dialog(call, now));
    }

    /// When [`Self::timeout`] is to be called, if nothing else happens before.
    pub fn due(&self) -> Option<Instant> {
        let clients = self.clients.values().map(|client| client.repeat.due());
        let dialogs = self.dialogs.values().filter_map(Dialog::due);
        let registrar = self.registrar.as_ref().and_then(Registrar::due);
        let others = self.servers.due().into_iter().chain(self.callings_due()).chain(registrar);
        clients.chain(dialogs).chain(others).min()
    }

    /// What is to be done next, until there is nothing.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Ends a call that is established.
    pub fn hang_up(&mut self, call: CallId, now: Instant) {
        self.end(call, Ending::Dismissed, now);
    }

    /// Ends a call of whose caller nothing comes any more.
    pub fn give_up(&mut self, call: CallId, now: Instant) {
        self.end(call, Ending::Expired, now);
    }

    fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.actions.push_back(Action::Send(flow, bytes));
    }

    fn request(&mut self, flow: Flow, request: &Message, now: Instant) {
        let Some(key) = Key::of(request) else {
            return;
        };
        let method = request.method().unwrap_or_default().to_owned();
        match method.as_str() {
            "ACK" => {
                if !self.servers.acknowledge(&key) {
                    self.acknowledged(request, flow);
                }
                return;
            }
            "CANCEL" => {
                // Whoever is called here answers at once, so it is always too late.
                match self.servers.again(&key) {
                    Some(_) => self.answer_stateless(&flow, request, 200, "OK"),
                    None => self.answer_stateless(&flow, request, 481, "No such transaction"),
                }
                return;
            }
            _ => {}
        }
        if let Some((flow, bytes)) = self.servers.again(&key) {
            self.send(flow, bytes);
            return;
        }
        let ticket = Ticket { key, flow };
        if let Some(unknown) = unsupported(request) {
            let mut response = Writer::response(request, &flow, 420, "Bad Extension", &self.chance.word());
            response.field("Unsupported", &unknown);
            self.answer_with(ticket, request, response.end(), now);
            return;
        }
        let is_within = request.address("to").is_ok_and(|to| to.tag().is_some());
        match method.as_str() {
            "INVITE" if !is_within => self.invite(ticket, request, now),
            "OPTIONS" if !is_within => self.options(ticket, request, now),
            "INVITE" | "BYE" | "INFO" | "UPDATE" | "OPTIONS" | "REFER" if is_within => {
                self.within(ticket, request, now);
            }
            "BYE" | "INFO" | "UPDATE" => self.within(ticket, request, now),
            "REFER" => self.answer(ticket, request, (603, "Decline"), now),
            "REGISTER" | "MESSAGE" | "SUBSCRIBE" | "NOTIFY" | "PRACK" | "PUBLISH" => {
                self.answer(ticket, request, (405, "Method Not Allowed"), now);
            }
            _ => self.answer(ticket, request, (501, "Not Implemented"), now),
        }
    }

    fn options(&mut self, ticket: Ticket, request: &Message, now: Instant) {
        let mut response = Writer::response(request, &ticket.flow, 200, "OK", &self.chance.word());
        response.field("Allow", METHODS);
        response.field("Accept", "application/sdp");
        response.field("Supported", "timer");
        self.answer_with(ticket, request, response.end(), now);
    }

    /// An answer without a body, which is remembered.
    fn answer(&mut self, ticket: Ticket, request: &Message, status: (u16, &str), now: Instant) {
        let mut response = Writer::response(request, &ticket.flow, status.0, status.1, &self.chance.word());
        if matches!(status.0, 405 | 501) {
            response.field("Allow", METHODS);
        }
        if status.0 == 415 {
            response.field("Accept", "application/sdp");
        }
        self.answer_with(ticket, request, response.end(), now);
    }

    fn answer_with(&mut self, mut ticket: Ticket, request: &Message, response: Vec<u8>, now: Instant) {
        ticket.flow = way_back(ticket.flow, request);
        let is_refusal = !response.starts_with(b"SIP/2.0 2");
        let is_refused_invite = is_refusal && request.method() == Some("INVITE");
        self.send(ticket.flow, response.clone());
        self.servers.answer(ticket, response, is_refused_invite, now);
    }

    fn answer_stateless(&mut self, flow: &Flow, request: &Message, status: u16, reason: &str) {
        let response = Writer::response(request, flow, status, reason, &self.chance.word());
        self.send(way_back(*flow, request), response.end());
    }
}

/// Datagrams go back to where they came from; to the port that Via names if RFC 3581 was not asked for.
fn way_back(mut flow: Flow, request: &Message) -> Flow {
    if !flow.transport.is_reliable()
        && let Some(via) = request.via().filter(|via| !via.wants_rport)
    {
        flow.peer.set_port(via.port.unwrap_or(5060));
    }
    flow
}

/// What the request insists on and we don't know (RFC 3261, section 8.2.2.3).
fn unsupported(request: &Message) -> Option<String> {
    let required = request.list("require").filter(|option| !option.eq_ignore_ascii_case("timer"));
    let unknown: Vec<&str> = required.collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}

/// Where we are reached within a call that goes this way.
fn contact(host: Option<IpAddr>, flow: &Flow, is_secure: bool) -> String {
    let mut local = flow.local;
    if let Some(host) = host {
        local.set_ip(host);
    }
    match (flow.transport, is_secure) {
        (_, true) => format!("<sips:convene@{local}>"),
        (Transport::Tls, false) => format!("<sip:convene@{local};transport=tls>"),
        (Transport::Tcp, false) => format!("<sip:convene@{local};transport=tcp>"),
        (Transport::Udp, false) => format!("<sip:convene@{local}>"),
    }
}
