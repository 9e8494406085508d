//! Registration with a trunk (RFC 3261, section 10): it learns where to bring calls to, for as long as the service is there.

use std::time::{Duration, Instant};

use super::client::Owner;
use super::request::Request;
use super::{Action, Agent, contact};
use crate::chance::Chance;
use crate::flow::Flow;
use crate::hop::Hop;
use crate::message::{Message, content_length};
use crate::uri::{NameAddress, Uri};

/// What we ask for: seldom enough for any trunk, and often enough that a restarted one knows us soon.
const EXPIRES_SECONDS: u32 = 600;
/// A trunk that wants us to register more seldom than once a day is not taken at its word.
const EXPIRES_SECONDS_MAX: u32 = 86_400;
/// However short a trunk makes it, we are not back before.
const REFRESH_MIN: Duration = Duration::from_secs(10);
/// After a refusal it is tried again, each time after twice as long (the numbers are those of RFC 5626, section 4.5).
const BACK_OFF_MIN: Duration = Duration::from_secs(30);
/// But never after longer.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(1800);
/// A connection that has broken is tried again almost at once: its calls come by it.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Whether calls come from the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkState {
    /// They do.
    Registered,
    /// It does not answer.
    Unreachable,
    /// It has refused us, with this status.
    Refused(u16),
}

/// Where to register, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How it is reached.
    pub hop: Hop,
    /// `sip:provider.example`
    pub registrar: String,
    /// `sip:ann@provider.example`
    pub address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is to be done before this time; then it begins, or is refreshed.
    Resting(Instant),
    /// Waiting for a way to the trunk.
    Reaching,
    /// Waiting for its answer.
    Asking,
}

/// A registration.
#[derive(Debug)]
pub struct Registrar {
    account: Account,
    call_id: String,
    tag: String,
    pub number: u32,
    expires: u32,
    stage: Stage,
    /// The way that it was registered by last.
    flow: Option<Flow>,
    is_registered: bool,
    refusals: u32,
}

impl Registrar {
    /// Begins now.
    pub fn new(account: Account, chance: &mut Chance, now: Instant) -> Self {
        Self {
            account,
            call_id: chance.word(),
            tag: chance.word(),
            number: 0,
            expires: EXPIRES_SECONDS,
            stage: Stage::Resting(now),
            flow: None,
            is_registered: false,
            refusals: 0,
        }
    }

    pub fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Resting(until) => Some(until),
            Stage::Reaching | Stage::Asking => None,
        }
    }

    fn request(&mut self, contact: &str, expires: u32) -> Request {
        self.number += 1;
        let Account { registrar, address, .. } = &self.account;
        let fields = vec![
            ("From", format!("<{address}>;tag={}", self.tag)),
            ("To", format!("<{address}>")),
            ("Call-ID", self.call_id.clone()),
            ("Contact", contact.to_owned()),
            ("Expires", expires.to_string()),
        ];
        let (number, uri) = (self.number, registrar.clone());
        Request { method: "REGISTER", uri, number, fields, body: None, is_trusted: true }
    }

    /// Tries again later; not all who were thrown out together come back together.
    fn back_off(&mut self, chance: &mut Chance, now: Instant) {
        let longest = BACK_OFF_MIN.saturating_mul(1 << self.refusals.min(16)).min(BACK_OFF_MAX);
        self.refusals += 1;
        let share = 0.5 + f64::from(chance.number()) / f64::from(u32::MAX) / 2.0;
        self.stage = Stage::Resting(now + longest.mul_f64(share));
    }
}

impl Agent {
    /// Registers from now on.
    pub fn register(&mut self, account: Account, now: Instant) {
        self.registrar = Some(Registrar::new(account, &mut self.chance, now));
        self.tick_registrar(now);
    }

    /// Registers no longer: the trunk is told, if that needs no more than one message. Otherwise it finds out when the time is over.
    pub fn unregister(&mut self, now: Instant) {
        let Some(mut registrar) = self.registrar.take().filter(|registrar| registrar.is_registered) else {
            return;
        };
        if let Some(flow) = registrar.flow {
            let request = registrar.request(&reached_at(self.host, &flow, &registrar.account), 0);
            self.ask(Owner::Registrar, flow, request, now);
        }
    }

    pub(super) fn tick_registrar(&mut self, now: Instant) {
        if let Some(registrar) = &mut self.registrar
            && registrar.due().is_some_and(|due| due <= now)
        {
            registrar.stage = Stage::Reaching;
            self.actions.push_back(Action::Reach(registrar.account.hop.clone()));
        }
    }

    /// There is a way to there, or none.
    pub fn reached(&mut self, hop: &Hop, flow: Option<Flow>, now: Instant) {
        let waits =
            |registrar: &&mut Registrar| registrar.stage == Stage::Reaching && registrar.account.hop == *hop;
        let Some(registrar) = self.registrar.as_mut().filter(waits) else {
            return;
        };
        let Some(flow) = flow else {
            return self.not_registered(TrunkState::Unreachable, now);
        };
        registrar.flow = Some(flow);
        registrar.stage = Stage::Asking;
        let contact = reached_at(self.host, &flow, &registrar.account);
        let request = registrar.request(&contact, registrar.expires);
        self.ask(Owner::Registrar, flow, request, now);
    }

    /// The trunk's answer.
    pub(super) fn registered(&mut self, response: &Message, status: u16, now: Instant) {
        let Some(registrar) = self.registrar.as_mut().filter(|registrar| registrar.stage == Stage::Asking)
        else {
            return;
        };
        match status {
            200..300 => {
                let ours = registrar.flow.map(|flow| reached_at(self.host, &flow, &registrar.account));
                let granted = granted(response, ours.as_deref()).unwrap_or(registrar.expires);
                registrar.is_registered = true;
                registrar.refusals = 0;
                // Well before the end, so that there is time to try again.
                let refresh = Duration::from_secs(u64::from(granted) * 3 / 4).max(REFRESH_MIN);
                registrar.stage = Stage::Resting(now + refresh);
                self.actions.push_back(Action::Trunk(TrunkState::Registered));
            }
            423 => {
                let least = response.header("min-expires").and_then(content_length);
                let least = least.and_then(|least| u32::try_from(least).ok()).filter(|least| {
                    // Only more than was asked for is a reason to ask once more.
                    (registrar.expires + 1..=EXPIRES_SECONDS_MAX).contains(least)
                });
                match least {
                    Some(least) => {
                        registrar.expires = least;
                        registrar.stage = Stage::Resting(now);
                        self.tick_registrar(now);
                    }
                    None => self.not_registered(TrunkState::Refused(423), now),
                }
            }
            status => self.not_registered(TrunkState::Refused(status), now),
        }
    }

    pub(super) fn not_registered(&mut self, why: TrunkState, now: Instant) {
        if let Some(registrar) = &mut self.registrar {
            registrar.is_registered = false;
            registrar.back_off(&mut self.chance, now);
            self.actions.push_back(Action::Trunk(why));
        }
    }

    /// The connection by which the trunk would bring calls is no more.
    pub(super) fn lose_registrar(&mut self, flow: u64, now: Instant) {
        if let Some(registrar) = &mut self.registrar
            && registrar.flow.is_some_and(|lost| lost.id == flow && lost.transport.is_reliable())
        {
            registrar.flow = None;
            let is_first = std::mem::take(&mut registrar.is_registered);
            if is_first && matches!(registrar.stage, Stage::Resting(_)) {
                registrar.stage = Stage::Resting(now + RECONNECT_AFTER);
                self.actions.push_back(Action::Trunk(TrunkState::Unreachable));
            }
        }
    }
}

/// What the trunk is told: where to bring calls to.
fn reached_at(host: Option<std::net::IpAddr>, flow: &Flow, account: &Account) -> String {
    contact(host, flow, account.registrar.starts_with("sips:"))
}

/// For how many seconds: what is said of our contact, or else of all.
fn granted(response: &Message, ours: Option<&str>) -> Option<u32> {
    let place = |uri: &str| Uri::parse(uri).ok().map(|uri| (uri.user, uri.host, uri.port));
    let ours = ours.and_then(|ours| place(&NameAddress::parse(ours).ok()?.uri));
    let of_contact = response.list("contact").find_map(|contact| {
        let contact = NameAddress::parse(contact).ok().filter(|contact| place(&contact.uri) == ours)?;
        let expires = contact.parameters.into_iter().find(|(name, _)| name == "expires")?.1?;
        content_length(&expires)
    });
    let seconds = of_contact.or_else(|| content_length(response.header("expires")?))?;
    u32::try_from(seconds).ok()
}
