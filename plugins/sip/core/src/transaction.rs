//! Server and client transactions (RFC 3261, section 17): what is sent again, and what came again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::flow::Flow;
use crate::message::Message;

/// RFC 3261's estimate of a round trip.
pub const T1: Duration = Duration::from_millis(500);
/// The longest time between two retransmissions.
const T2: Duration = Duration::from_secs(4);
/// After this, whoever has not answered never will.
pub const PATIENCE: Duration = Duration::from_secs(32);
/// Transactions that are remembered: beyond this, repeated requests are answered anew.
pub const TRANSACTIONS_MAX: usize = 8192;

/// Something that is sent again and again, until its time is over.
#[derive(Debug)]
pub struct Repeat {
    bytes: Vec<u8>,
    flow: Flow,
    interval: Duration,
    interval_max: Duration,
    next: Option<Instant>,
    end: Instant,
}

impl Repeat {
    /// Of what has just been sent.
    pub fn new(bytes: Vec<u8>, flow: Flow, is_repeated: bool, now: Instant) -> Self {
        let next = is_repeated.then(|| now + T1);
        Self { bytes, flow, interval: T1, interval_max: T2, next, end: now + PATIENCE }
    }

    /// Of a request of ours. An INVITE waits twice as long each time, without an end to that (RFC 3261, section 17.1.1.2).
    pub fn of_request(bytes: Vec<u8>, flow: Flow, is_invite: bool, now: Instant) -> Self {
        let repeat = Self::new(bytes, flow, !flow.transport.is_reliable(), now);
        Self { interval_max: if is_invite { PATIENCE } else { T2 }, ..repeat }
    }

    /// When something is due.
    pub fn due(&self) -> Instant {
        self.next.unwrap_or(self.end).min(self.end)
    }

    /// What is to be sent now, if it is time.
    pub fn tick(&mut self, now: Instant) -> Option<(Flow, Vec<u8>)> {
        let next = self.next.filter(|next| *next <= now && now < self.end)?;
        self.interval = (self.interval * 2).min(self.interval_max);
        self.next = Some(next.max(now) + self.interval);
        Some((self.flow, self.bytes.clone()))
    }

    /// Nobody has answered in all that time.
    pub fn is_over(&self, now: Instant) -> bool {
        self.end <= now
    }

    /// It has been answered provisionally: no more of it.
    pub fn hush(&mut self) {
        self.next = None;
    }

    /// From now on it is over at another time.
    pub fn end_at(&mut self, end: Instant) {
        self.end = end;
    }
}

/// What names a server transaction (RFC 3261, section 17.2.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    branch: String,
    sent_by: String,
    /// ACK and CANCEL belong to their INVITE.
    method: String,
}

impl Key {
    /// Of a request that the parser has let through.
    pub fn of(request: &Message) -> Option<Self> {
        let via = request.via()?;
        let method = match request.method()? {
            "ACK" | "CANCEL" => "INVITE",
            method => method,
        };
        let branch = match via.branch {
            Some(branch) if branch.starts_with("z9hG4bK") => branch,
            // Before RFC 3261, all of these together were the name.
            _ => {
                let part = |name| request.header(name).unwrap_or_default();
                let number = request.cseq()?.number;
                let tag = request.address("from").ok()?.tag().unwrap_or_default().to_owned();
                format!("{}|{}|{tag}|{number}|{}", part("call-id"), part("from"), via.sent_by)
            }
        };
        Some(Self { branch, sent_by: via.sent_by.to_ascii_lowercase(), method: method.to_owned() })
    }
}

/// A request that is to be answered: its name, and the way it came.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Which.
    pub key: Key,
    /// How it came.
    pub flow: Flow,
}

/// What has been answered to a request.
#[derive(Debug)]
struct Answered {
    response: Vec<u8>,
    flow: Flow,
    forget_at: Instant,
    /// A refused INVITE, until its ACK comes.
    repeat: Option<Repeat>,
}

/// All server transactions.
#[derive(Debug, Default)]
pub struct Servers {
    answered: BTreeMap<Key, Answered>,
}

impl Servers {
    /// The answer that this request has had already, to be sent again.
    pub fn again(&self, key: &Key) -> Option<(Flow, Vec<u8>)> {
        self.answered.get(key).map(|answered| (answered.flow, answered.response.clone()))
    }

    /// Remembers an answer.
    pub fn answer(&mut self, ticket: Ticket, response: Vec<u8>, is_refused_invite: bool, now: Instant) {
        let Ticket { key, flow } = ticket;
        if TRANSACTIONS_MAX <= self.answered.len() {
            return;
        }
        let repeat = is_refused_invite
            .then(|| Repeat::new(response.clone(), flow, !flow.transport.is_reliable(), now));
        self.answered.insert(key, Answered { response, flow, forget_at: now + PATIENCE, repeat });
    }

    /// The ACK of a refusal has come. Returns false when there is no such refusal.
    pub fn acknowledge(&mut self, key: &Key) -> bool {
        let answered = self.answered.get_mut(key);
        answered.is_some_and(|answered| answered.repeat.take().is_some())
    }

    /// When something is due.
    pub fn due(&self) -> Option<Instant> {
        let dues = self.answered.values().map(|answered| {
            answered.repeat.as_ref().map_or(answered.forget_at, Repeat::due).min(answered.forget_at)
        });
        dues.min()
    }

    /// What is to be sent again now.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(Flow, Vec<u8>)) {
        for answered in self.answered.values_mut() {
            if let Some((flow, bytes)) = answered.repeat.as_mut().and_then(|repeat| repeat.tick(now)) {
                send(flow, bytes);
            }
        }
        self.answered.retain(|_, answered| now < answered.forget_at);
    }
}
