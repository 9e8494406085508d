//! Calls of ours: whom they reach, and that nobody joins who does not want to.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use super::guesses::Guesser;
use super::presses::Presses;
use super::{Call, CallEnd, Exchange, Order, Origin, Progress, RoomId};
use crate::agent::{Account, CallId, Dialling};
use crate::digest::Credentials;
use crate::failure::Failure;
use crate::flow::{Flow, Transport};
use crate::hop::Hop;
use crate::menu::Menu;
use crate::sdes::{Crypto, Suite};
use crate::sdp::{self, Agreement, Profile};
use crate::shield::Ours;
use crate::uri::Uri;

/// Calls of ours at once that nobody has joined by yet.
pub const DIALLING_MAX: usize = 64;
/// The longest number (ITU-T E.164 has 15 digits), with what some networks put before it.
const NUMBER_DIGITS_MAX: usize = 20;
/// As whom we call without an account.
const NOBODY: &str = "convene";

/// Who connects our calls with the telephone network.
#[derive(Clone, PartialEq, Eq)]
pub struct Trunk {
    /// `sips:provider.example`, or `sip:` with `transport=tls`, `tcp` or `udp`.
    pub uri: String,
    /// As whom it knows us.
    pub credentials: Option<Credentials>,
    /// It is told where to bring calls to, too.
    pub is_registered: bool,
}

impl std::fmt::Debug for Trunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, credentials: {:?}", self.uri, self.credentials)
    }
}

impl Trunk {
    /// Reads its URI, which names nobody; without an account, and unregistered.
    pub fn parse(uri: &str) -> Option<Self> {
        let is_good = |parsed: &Uri| parsed.user.is_none() && Hop::of(parsed).is_some();
        Uri::parse(uri).ok().filter(is_good)?;
        Some(Self { uri: uri.to_owned(), credentials: None, is_registered: false })
    }

    /// How it is reached.
    pub fn hop(&self) -> Option<Hop> {
        Hop::of(&Uri::parse(&self.uri).ok()?)
    }
}

/// A call of ours by which nobody has joined yet.
#[derive(Debug)]
pub(super) struct Outgoing {
    room: RoomId,
    uri: String,
    hop: Hop,
    is_trunk: bool,
    /// Once there is a way.
    flow: Option<Flow>,
    is_cancelled: bool,
}

impl Exchange {
    /// By which trunk numbers are called from now on, and maybe calls come.
    pub fn connect(&mut self, trunk: Trunk, now: Instant) {
        self.agent.know(trunk.credentials.clone());
        if let Some(uri) = Uri::parse(&trunk.uri).ok().filter(|_| trunk.is_registered)
            && let Some(hop) = Hop::of(&uri)
        {
            let registrar = format!("{}:{}", scheme(&uri), uri.host);
            self.agent.register(Account { hop, registrar, address: account(&trunk) }, now);
        }
        self.trunk = Some(trunk);
        self.work(now);
    }

    /// Calls somebody into a room: a SIP URI, or a number by way of the trunk. The call's name is of the shell's choice, and beyond
    /// [`CallId::OURS`]. Then [`Order::Progress`], and [`Order::Join`] when who is called wants to join.
    pub fn call(&mut self, id: CallId, room: RoomId, to: &str, now: Instant) {
        debug_assert!(CallId::OURS <= id, "numbers below are the agent's own");
        let refuse = |why| Order::Progress { room, call: id, progress: Progress::Failed(why) };
        let waiting = self.calls.values().filter(|call| call.outgoing.is_some()).count();
        if DIALLING_MAX <= waiting || !self.rooms.contains_key(&room) || self.calls.contains_key(&id) {
            return self.orders.push_back(refuse(Failure::Failed));
        }
        let Some((number, outgoing)) = self.target(room, to) else {
            return self.orders.push_back(refuse(Failure::Unknown));
        };
        self.orders.push_back(Order::Reach(outgoing.hop.clone()));
        let is_trunk = outgoing.is_trunk;
        let call = Call {
            origin: Origin { is_outgoing: true, is_trunk, transport: None, began: now },
            // Until there is a way to who is called.
            guesser: Guesser::at(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            name: String::new(),
            number,
            room: None,
            label: String::new(),
            is_seated: false,
            answered_at: None,
            agreement: None,
            local: None,
            menu: Menu::inside(),
            presses: Presses::default(),
            outgoing: Some(outgoing),
            has_name: false,
            hang_up_at: None,
        };
        self.calls.insert(id, call);
        self.label(id, room);
        self.work(now);
    }

    fn target(&self, room: RoomId, to: &str) -> Option<(String, Outgoing)> {
        let trunk = self.trunk.as_ref().and_then(|trunk| Uri::parse(&trunk.uri).ok());
        let outgoing = |uri: String, hop, is_trunk| Outgoing {
            room,
            uri,
            hop,
            is_trunk,
            flow: None,
            is_cancelled: false,
        };
        if let Some(number) = number(to) {
            let trunk = trunk?;
            let uri = format!("{}:{number}@{};user=phone", scheme(&trunk), trunk.host);
            return Some((number, outgoing(uri, Hop::of(&trunk)?, true)));
        }
        let uri = Uri::parse(to).ok()?;
        // What the trunk is asked for is asked the way that it is reached by.
        let is_trunk = |trunk: &&Uri| trunk.host.eq_ignore_ascii_case(&uri.host) && uri.port == trunk.port;
        let by_trunk = trunk.as_ref().filter(is_trunk);
        let hop = Hop::of(by_trunk.unwrap_or(&uri))?;
        let is_trunk = by_trunk.is_some();
        Some((uri.user.unwrap_or_default(), outgoing(to.to_owned(), hop, is_trunk)))
    }

    /// There is a way to there, or none.
    pub fn reached(&mut self, hop: &Hop, flow: Option<Flow>, now: Instant) {
        self.agent.reached(hop, flow, now);
        if let Some(flow) = flow
            && self.trunk.as_ref().and_then(Trunk::hop).as_ref() == Some(hop)
        {
            self.trunk_address = Some(flow.peer.ip());
        }
        let waits = |call: &Call| {
            call.outgoing.as_ref().is_some_and(|outgoing| outgoing.hop == *hop && outgoing.flow.is_none())
        };
        let waiting: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| waits(call)).map(|(id, _)| *id).collect();
        for id in waiting {
            let (Some(flow), Some(call)) = (flow, self.calls.get_mut(&id)) else {
                self.fail(id, Failure::Unreachable, now);
                continue;
            };
            call.guesser = match call.outgoing.as_ref().is_some_and(|outgoing| outgoing.is_trunk) {
                true => Guesser::by_trunk(flow.peer.ip(), &call.number),
                false => Guesser::at(flow.peer.ip()),
            };
            call.origin.transport = Some(flow.transport);
            if let Some(outgoing) = &mut call.outgoing {
                outgoing.flow = Some(flow);
            }
            self.orders.push_back(Order::Open { call: id, flow });
        }
        self.work(now);
    }

    /// Whether who calls from there is one of the trunk's callers.
    pub(super) fn is_trunk(&self, address: IpAddr) -> bool {
        self.trunk_address == Some(address)
    }

    /// A connection has broken.
    pub fn disconnected(&mut self, flow: u64, now: Instant) {
        self.agent.lose(flow, now);
        self.work(now);
    }

    /// Its ports are open: now it may ring.
    pub(super) fn dial(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (Some(local), Some(outgoing)) = (&mut call.local, &call.outgoing) else {
            return;
        };
        let Some(flow) = outgoing.flow else {
            return;
        };
        // A key that anybody on the way could read is no key. Where nobody can, nothing but encrypted sound is offered.
        let profile = if flow.transport == Transport::Tls { Profile::Encrypted } else { Profile::Plain };
        local.protection = (profile == Profile::Encrypted)
            .then(|| Ours::Key(Crypto::new(1, Suite::Tag80, &mut self.chance)));
        let sdp = sdp::offer(local, profile);
        local.version += 1;
        let from = match self.trunk.as_ref().filter(|_| outgoing.is_trunk) {
            Some(trunk) => account(trunk),
            None => format!("sip:{NOBODY}@{}", host(flow.local.ip())),
        };
        let to = Dialling { flow, uri: outgoing.uri.clone(), from, is_trunk: outgoing.is_trunk };
        self.agent.dial(id, to, sdp, now);
    }

    /// Somebody has answered, or a machine has.
    pub(super) fn accepted(&mut self, id: CallId, sdp: Option<&str>, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return self.agent.hang_up(id, now);
        };
        let ours = call.local.as_ref().and_then(|local| local.protection.clone());
        let agreement = sdp.and_then(|sdp| Agreement::choose(sdp, None).ok()?.settle(ours.as_ref()));
        let is_good = |agreement: &Agreement| ours.is_none() || agreement.protection.is_some();
        let Some(agreement) = agreement.filter(is_good) else {
            self.fail(id, Failure::NoSound, now);
            return self.agent.hang_up(id, now);
        };
        call.agreement = Some(agreement.clone());
        call.answered_at = Some(now);
        let (menu, steps) = Menu::called(now);
        call.menu = menu;
        self.orders.push_back(Order::Agreed { call: id, agreement: Box::new(agreement), ours });
        self.tell(id, Progress::Answered);
        self.follow(id, steps, now);
    }

    /// Who was called wants to join.
    pub(super) fn join(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(outgoing) = call.outgoing.take() else {
            return;
        };
        call.room = Some(outgoing.room);
        self.admit(id, now);
        self.work(now);
    }

    /// We end a call of ours, however far it has come.
    pub fn cancel(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(outgoing) = &mut call.outgoing {
            outgoing.is_cancelled = true;
            // Before it rings, the agent knows nothing of it.
            if call.local.is_none() {
                return self.fail(id, Failure::Cancelled, now);
            }
        }
        self.hang_up(id, now);
    }

    pub(super) fn cancel_all_of(&mut self, room: RoomId, now: Instant) {
        let is_of = |call: &Call| call.outgoing.as_ref().is_some_and(|outgoing| outgoing.room == room);
        let calls: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| is_of(call)).map(|(id, _)| *id).collect();
        calls.into_iter().for_each(|call| self.cancel(call, now));
    }

    /// The room is told how far a call has come.
    pub(super) fn tell(&mut self, id: CallId, progress: Progress) {
        let outgoing = self.calls.get(&id).and_then(|call| call.outgoing.as_ref());
        if let Some(room) = outgoing.map(|outgoing| outgoing.room) {
            self.orders.push_back(Order::Progress { room, call: id, progress });
        }
    }

    /// A call of ours is over before anybody has answered.
    pub(super) fn fail(&mut self, id: CallId, why: Failure, now: Instant) {
        self.tell(id, Progress::Failed(why));
        self.close_call(id, CallEnd::failed(why), now);
    }

    /// The same, as the other end says it.
    pub(super) fn declined(&mut self, id: CallId, status: u16, now: Instant) {
        let why = Failure::of_status(status);
        self.tell(id, Progress::Failed(why));
        self.close_call(id, CallEnd { status: Some(status), ..CallEnd::failed(why) }, now);
    }

    /// A call of ours is over, and nobody has joined by it. Returns why, if it is one.
    pub(super) fn not_joined(&mut self, id: CallId) -> Option<Failure> {
        let outgoing = self.calls.get(&id).and_then(|call| call.outgoing.as_ref());
        let why = outgoing.map(|outgoing| match outgoing.is_cancelled {
            true => Failure::Cancelled,
            false => Failure::NotJoined,
        });
        if let Some(why) = why {
            self.tell(id, Progress::Failed(why));
        }
        why
    }
}

/// As whom the trunk knows us.
fn account(trunk: &Trunk) -> String {
    let user = trunk.credentials.as_ref().map_or(NOBODY, |credentials| credentials.user.as_str());
    match Uri::parse(&trunk.uri) {
        // Some accounts are whole addresses.
        Ok(_) if user.contains('@') => format!("sip:{user}"),
        Ok(uri) => format!("{}:{user}@{}", scheme(&uri), uri.host),
        Err(_) => format!("sip:{user}@invalid"),
    }
}

fn scheme(uri: &Uri) -> &'static str {
    if uri.is_secure { "sips" } else { "sip" }
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// A telephone number as people write it, `tel:` or not, without what is only for the eye (RFC 3966, section 5.1.1).
fn number(text: &str) -> Option<String> {
    let text = text.strip_prefix("tel:").unwrap_or(text).trim();
    let plus = if text.starts_with('+') { "+" } else { "" };
    let rest = &text[plus.len()..];
    let is_number =
        rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/'));
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    (is_number && (1..=NUMBER_DIGITS_MAX).contains(&digits.len())).then(|| format!("{plus}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, read) in [
            ("+49 (30) 123-45.67", Some("+49301234567")),
            ("tel:+4930", Some("+4930")),
            ("030/12", Some("03012")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("123456789012345678901", None),
            ("sip:12@b", None),
            ("+", None),
            ("", None),
            ("12+3", None),
            ("12;ext=3", None),
        ] {
            assert_eq!(number(text).as_deref(), read, "{text}");
        }
    }
}
