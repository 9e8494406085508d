//! The exchange: which call goes to which room, and what is agreed on with each caller.

mod guesses;
mod names;
mod order;
mod outgoing;
mod presses;
mod record;
mod refer;
mod talk;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_conference::Codec;

use crate::agent::{Action, Agent, CallId, Ending, Invite};
use crate::chance::Chance;
use crate::dtls::Identity;
use crate::failure::Failure;
use crate::flow::Flow;
use crate::limits::{Limit, Network};
use crate::menu::Menu;
use crate::prompt::Prompt;
use crate::sdes::{Crypto, Suite};
use crate::sdp::{self, Agreement, Local, SdpError};
use crate::shield::{Ours, Theirs};

use guesses::{Guesser, Guesses};
pub use guesses::{MISSES_MAX, TRUNK_MISSES_MAX};
pub use order::{About, Names, Order, Progress, RoomId, RoomRules};
use outgoing::Outgoing;
pub use outgoing::{DIALLING_MAX, Trunk};
use presses::{Presses, Way};
use record::Origin;
pub use record::{CallEnd, CallRecord, Encryption};

/// Messages that one address may send within [`WINDOW`]: a proxy with 250 calls sends some 1,500 when all of them begin at once.
pub const MESSAGES_MAX: u32 = 5000;
/// Calls that one address may begin within [`WINDOW`].
pub const INVITES_MAX: u32 = 500;
const WINDOW: Duration = Duration::from_secs(10);
/// A caller who is dismissed hears why, but not for longer.
const FAREWELL_MAX: Duration = Duration::from_secs(20);

struct Call {
    origin: Origin,
    guesser: Guesser,
    name: String,
    number: String,
    room: Option<RoomId>,
    /// Of the room that it is or was in.
    label: String,
    is_seated: bool,
    answered_at: Option<Instant>,
    agreement: Option<Agreement>,
    local: Option<Local>,
    menu: Menu,
    presses: Presses,
    /// Until who is called joins.
    outgoing: Option<Outgoing>,
    /// The shell keeps what he says he is called.
    has_name: bool,
    /// Hung up when all is said, or at this time at the latest.
    hang_up_at: Option<Instant>,
}

/// All calls and rooms of one set of ports.
pub struct Exchange {
    agent: Agent,
    chance: Chance,
    media_address: Option<IpAddr>,
    identity: Arc<dyn Identity>,
    trunk: Option<Trunk>,
    /// Where it was reached last.
    trunk_address: Option<IpAddr>,
    rooms: BTreeMap<RoomId, RoomRules>,
    calls: BTreeMap<CallId, Call>,
    messages: Limit<Network>,
    invites: Limit<Network>,
    misses: Guesses,
    orders: VecDeque<Order>,
}

impl Exchange {
    /// Without rooms. Two seeds; who we are in handshakes; and the address that callers are told, if it is not the one that they reach us at.
    pub fn new(seeds: [[u8; 32]; 2], identity: Arc<dyn Identity>, media_address: Option<IpAddr>) -> Self {
        Self {
            agent: Agent::new(seeds[0], media_address),
            chance: Chance::new(seeds[1]),
            media_address,
            identity,
            trunk: None,
            trunk_address: None,
            rooms: BTreeMap::new(),
            calls: BTreeMap::new(),
            messages: Limit::new(MESSAGES_MAX, WINDOW),
            invites: Limit::new(INVITES_MAX, WINDOW),
            misses: Guesses::default(),
            orders: VecDeque::new(),
        }
    }

    /// A room opens, or has other rules from now on.
    pub fn open(&mut self, room: RoomId, rules: RoomRules) {
        self.rooms.insert(room, rules);
    }

    /// A room closes: its callers are dismissed.
    pub fn close(&mut self, room: RoomId, now: Instant) {
        self.rooms.remove(&room);
        let callers = self.calls.iter().filter(|(_, call)| call.room == Some(room));
        let callers: Vec<CallId> = callers.map(|(id, _)| *id).collect();
        for call in callers {
            self.leave(call, "dismissed");
            self.farewell(call, &[Prompt::MeetingOver], now);
        }
        self.cancel_all_of(room, now);
    }

    /// A message has come; drain [`Self::poll`] after it, and after everything else.
    pub fn receive(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        // Whoever floods gets no answers, which would only double the flood.
        if !self.messages.count(flow.peer.ip().into(), now) {
            return;
        }
        self.agent.receive(flow, bytes, now);
        self.work(now);
    }

    /// Time has passed; see [`Self::due`].
    pub fn timeout(&mut self, now: Instant) {
        self.agent.timeout(now);
        self.tick_menus(now);
        self.work(now);
    }

    /// When [`Self::timeout`] is to be called, if nothing else happens before.
    pub fn due(&self) -> Option<Instant> {
        let calls = self.calls.values().flat_map(|call| [call.menu.due(), call.hang_up_at]);
        calls.flatten().chain(self.agent.due()).min()
    }

    /// What is to be done next, until there is nothing.
    pub fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// We end a call.
    pub fn hang_up(&mut self, call: CallId, now: Instant) {
        self.agent.hang_up(call, now);
        self.work(now);
    }

    /// We end all calls, and the registration: there is nobody left who could.
    pub fn hang_up_all(&mut self, now: Instant) {
        self.agent.unregister(now);
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        calls.into_iter().for_each(|call| self.cancel(call, now));
        self.work(now);
    }

    /// Nothing comes of a caller any more.
    pub fn lose(&mut self, call: CallId, now: Instant) {
        self.agent.give_up(call, now);
        self.work(now);
    }

    /// The ports of a call are open on this address, or none were free.
    pub fn opened(&mut self, id: CallId, at: Option<(IpAddr, u16)>, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some((address, port)) = at else {
            if call.outgoing.is_some() {
                return self.fail(id, Failure::Failed, now);
            }
            self.decline(id, (503, "No port is free"), now);
            return self.work(now);
        };
        call.local = Some(Local {
            address: self.media_address.unwrap_or(address),
            port,
            protection: None,
            session: self.chance.number() >> 1,
            version: 1,
        });
        match call.room {
            _ if call.outgoing.is_some() => self.dial(id, now),
            Some(room) => {
                let about = call.about();
                self.orders.push_back(Order::Join { room, call: id, about });
            }
            None => self.ask(id, now),
        }
        self.work(now);
    }

    /// A caller has a seat, or there is none.
    pub fn seated(&mut self, id: CallId, is_seated: bool, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.is_seated = is_seated;
        let is_answered = call.answered_at.is_some();
        if let Some(room) = call.room.filter(|_| is_seated) {
            self.label(id, room);
        }
        match (is_seated, is_answered) {
            (true, true) => {
                self.say(id, &[Prompt::Joined]);
                self.announce_name(id);
            }
            (true, false) => self.answer(id, now),
            (false, true) => self.turn_away(id, Prompt::Full, now),
            (false, false) => self.decline(id, (486, "Busy Here"), now),
        }
        self.work(now);
    }

    /// A call that was not answered yet is refused.
    fn decline(&mut self, id: CallId, status: (u16, &str), now: Instant) {
        self.close_call(id, CallEnd::refused(status.0), now);
        self.agent.refuse(id, status, now);
    }

    fn work(&mut self, now: Instant) {
        while let Some(action) = self.agent.poll() {
            match action {
                Action::Send(flow, bytes) => self.orders.push_back(Order::Send(flow, bytes)),
                Action::Invited(call, invite) => self.invited(call, invite, now),
                Action::Offered(call, offer) => self.offered(call, offer, now),
                Action::Answered(call, sdp) => self.answered(call, &sdp, now),
                Action::Referred(call, user) => self.referred(call, user.as_deref(), now),
                Action::Key(call, key) => self.press(call, key, Way::Message, now),
                Action::Ended(call, why) => self.ended(call, why, now),
                Action::Rings(call) => self.tell(call, Progress::Ringing),
                Action::Accepted(call, sdp) => self.accepted(call, sdp.as_deref(), now),
                Action::Failed(call, why) => self.fail(call, why, now),
                Action::Declined(call, status) => self.declined(call, status, now),
                Action::Reach(hop) => self.orders.push_back(Order::Reach(hop)),
                Action::Trunk(state) => self.orders.push_back(Order::Trunk(state)),
            }
        }
    }

    fn invited(&mut self, id: CallId, invite: Invite, now: Instant) {
        let Invite { name, number, dialled, flow, offer } = invite;
        let address = flow.peer.ip();
        let guesser = match self.is_trunk(address) {
            true => Guesser::by_trunk(address, &number),
            false => Guesser::at(address),
        };
        if !self.invites.count(address.into(), now) {
            return self.agent.refuse(id, (503, "Too many calls"), now);
        }
        let agreement = offer.map(|offer| Agreement::choose(&offer, None)).transpose();
        let room = match agreement {
            Ok(_) => self.room_of("").or_else(|| self.try_code(&guesser, &dialled, now)),
            Err(_) => None,
        };
        let is_trunk = self.is_trunk(address);
        let mut call = Call {
            origin: Origin { is_outgoing: false, is_trunk, transport: Some(flow.transport), began: now },
            guesser,
            name,
            number,
            room,
            label: String::new(),
            is_seated: false,
            answered_at: None,
            agreement: None,
            local: None,
            menu: Menu::inside(),
            presses: Presses::default(),
            outgoing: None,
            has_name: false,
            hang_up_at: None,
        };
        let refused = match agreement {
            Err(why) => Some(refusal(why)),
            Ok(_) if room.is_some_and(|room| self.rooms[&room].is_locked) => {
                Some((480, "The meeting is locked"))
            }
            Ok(_) if room.is_none() && self.misses.is_reached(&call.guesser, now) => {
                Some((403, "Too many wrong codes"))
            }
            Ok(agreement) => {
                call.agreement = agreement;
                None
            }
        };
        self.calls.insert(id, call);
        match refused {
            Some(status) => self.decline(id, status, now),
            None => self.orders.push_back(Order::Open { call: id, flow }),
        }
    }

    fn room_of(&self, code: &str) -> Option<RoomId> {
        self.rooms.iter().find(|(_, rules)| rules.code == code).map(|(room, _)| *room)
    }

    /// Accepts what waits in the agent, by an answer or by an offer of ours.
    fn answer(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(local) = &mut call.local else {
            return;
        };
        let theirs = call.agreement.as_ref().map(|agreement| agreement.protection.as_ref());
        local.protection = match (theirs, local.protection.take()) {
            // The answer takes the tag of the offer's line, and keeps our key for as long as the suite is the same.
            (Some(Some(Theirs::Key(theirs))), Some(Ours::Key(ours))) if ours.suite == theirs.suite => {
                Some(Ours::Key(Crypto { tag: theirs.tag, ..ours }))
            }
            (Some(Some(Theirs::Key(theirs))), _) => {
                Some(Ours::Key(Crypto::new(theirs.tag, theirs.suite, &mut self.chance)))
            }
            (Some(Some(Theirs::Dtls(peer))), ours) => {
                let role = peer.role(ours.and_then(|ours| ours.role()));
                Some(Ours::Dtls(Arc::clone(&self.identity), role))
            }
            (Some(None), _) => None,
            (None, _) => Some(Ours::Key(Crypto::new(1, Suite::Tag80, &mut self.chance))),
        };
        let sdp = match &call.agreement {
            Some(agreement) => agreement.answer(local),
            None => sdp::offer(local, sdp::Profile::Plain),
        };
        local.version += 1;
        let ours = local.protection.clone();
        call.answered_at.get_or_insert(now);
        if let Some(agreement) = call.agreement.clone() {
            self.orders.push_back(Order::Agreed { call: id, agreement: Box::new(agreement), ours });
        }
        self.agent.accept(id, &sdp, now);
    }

    /// The caller would change the session: put us on hold, resume, move.
    fn offered(&mut self, id: CallId, offer: Option<String>, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(offer) = offer {
            let liked = call.agreement.as_ref().map(|agreement| agreement.codec);
            match Agreement::choose(&offer, liked) {
                Ok(agreement) => call.agreement = Some(agreement),
                Err(why) => return self.agent.refuse(id, refusal(why), now),
            }
        }
        self.answer(id, now);
    }

    /// The caller has answered an offer of ours.
    fn answered(&mut self, id: CallId, sdp: &str, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let ours = call.local.as_mut().and_then(|local| local.protection.as_mut());
        let liked = call.agreement.as_ref().map(|agreement| agreement.codec);
        let agreement =
            Agreement::choose(sdp, liked).ok().and_then(|agreement| agreement.settle(ours.as_deref()));
        let Some(agreement) = agreement else {
            return self.agent.hang_up(id, now);
        };
        if let (Some(Ours::Dtls(_, role)), Some(Theirs::Dtls(peer))) = (ours, &agreement.protection) {
            *role = peer.role(Some(*role));
        }
        let is_asked = call.room.is_none();
        call.agreement = Some(agreement.clone());
        let ours = call.local.as_ref().and_then(|local| local.protection.clone());
        self.orders.push_back(Order::Agreed { call: id, agreement: Box::new(agreement), ours });
        if is_asked {
            // What was said before there was a way to hear it.
            self.say(id, &[Prompt::EnterCode]);
        }
    }

    fn ended(&mut self, id: CallId, why: Ending, now: Instant) {
        let end = CallEnd::of(why);
        self.leave(id, end.why);
        let why = self.not_joined(id).map_or(end.why, Failure::word);
        self.close_call(id, CallEnd { why, ..end }, now);
    }

    /// The room, if there is one, does without him.
    fn leave(&mut self, id: CallId, why: &'static str) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let was_seated = std::mem::take(&mut call.is_seated);
        if let Some(room) = call.room.take().filter(|_| was_seated) {
            self.orders.push_back(Order::Leave { room, call: id, why });
        }
    }
}

/// What is said to whoever offers what is not taken.
fn refusal(why: SdpError) -> (u16, &'static str) {
    match why {
        SdpError::Fingerprint => (488, "No fingerprint by SHA-256 or better"),
        SdpError::Syntax | SdpError::Nothing => (488, "Not Acceptable Here"),
    }
}

impl Call {
    fn about(&self) -> About {
        let agreement = self.agreement.as_ref();
        About {
            codec: agreement.map_or(Codec::Opus, |agreement| agreement.codec),
            payload_type: agreement.map_or(0, |agreement| agreement.payload_type),
            name: self.name.clone(),
            number: self.number.clone(),
            is_encrypted: agreement.is_some_and(|agreement| agreement.protection.is_some()),
        }
    }
}
