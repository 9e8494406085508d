//! Calls of ours: INVITE as a client (RFC 3261, sections 9.1, 13.2 and 17.1.1), until there is a dialog or a reason why not.

use std::time::{Duration, Instant};

use super::client::{Client, Owner};
use super::dialog::Dialog;
use super::invite::offer_of;
use super::request::Request;
use super::{Action, Agent, CALLS_MAX, CallId, contact};
use crate::failure::Failure;
use crate::flow::Flow;
use crate::message::{Message, Start};
use crate::transaction::PATIENCE;
use crate::write::{METHODS, SDP};

/// How long a telephone rings: some eight times. Mailboxes answer before.
pub const RINGING_MAX: Duration = Duration::from_secs(45);

/// Whom we call, and as whom.
#[derive(Clone)]
pub struct Dialling {
    pub flow: Flow,
    /// Whom.
    pub uri: String,
    /// As whom, also a URI.
    pub from: String,
    /// By way of our trunk, which may ask who we are.
    pub is_trunk: bool,
}

/// A call that is not answered yet.
#[derive(Debug)]
pub struct Calling {
    /// Of its transaction.
    key: String,
    tag: String,
    /// When it has rung for long enough.
    pub cancel_at: Instant,
    is_cancelled: bool,
    has_rung: bool,
}

impl Agent {
    /// Calls somebody, with our offer. Then [`Action::Rings`], and [`Action::Accepted`] or [`Action::Failed`].
    pub fn dial(&mut self, call: CallId, to: Dialling, sdp: String, now: Instant) {
        if CALLS_MAX <= self.dialogs.len() + self.callings.len() {
            return self.actions.push_back(Action::Failed(call, Failure::Failed));
        }
        let Dialling { flow, uri, from, is_trunk } = to;
        let (tag, id) = (self.chance.word(), self.chance.word());
        let fields = vec![
            ("From", format!("<{from}>;tag={tag}")),
            ("To", format!("<{uri}>")),
            ("Call-ID", id),
            ("Contact", contact(self.host, &flow, uri.starts_with("sips:"))),
            ("Allow", METHODS.to_owned()),
        ];
        let request = Request {
            method: "INVITE",
            uri,
            number: 1,
            fields,
            body: Some((SDP, sdp)),
            is_trusted: is_trunk,
        };
        let key = self.ask(Owner::Call(call), flow, request, now);
        let cancel_at = now + RINGING_MAX;
        self.callings.insert(call, Calling { key, tag, cancel_at, is_cancelled: false, has_rung: false });
    }

    /// Takes an INVITE back. Returns whether there was one.
    pub(super) fn cancel(&mut self, call: CallId, now: Instant) -> bool {
        let Some(calling) = self.callings.get_mut(&call).filter(|calling| !calling.is_cancelled) else {
            return false;
        };
        calling.is_cancelled = true;
        let key = calling.key.clone();
        let Some(client) = self.clients.get_mut(&key) else {
            return true;
        };
        client.repeat.end_at(now + PATIENCE);
        // RFC 3261, section 9.1: not before it is known that the INVITE has come there.
        if client.is_provisional {
            self.send_cancel(&key, now);
        }
        true
    }

    fn send_cancel(&mut self, invite: &str, now: Instant) {
        if let Some(client) = self.clients.get(invite) {
            let request = client.request.follow_up("CANCEL", None);
            let cancel = Client {
                branch: client.branch.clone(),
                ..Client::new(client.owner, client.flow, request, now)
            };
            self.transact(cancel, now);
        }
    }

    /// When the first call has rung for long enough.
    pub(super) fn callings_due(&self) -> Option<Instant> {
        self.callings.values().filter(|calling| !calling.is_cancelled).map(|calling| calling.cancel_at).min()
    }

    /// Nobody comes to the telephone.
    pub(super) fn tick_callings(&mut self, now: Instant) {
        let is_over = |calling: &Calling| !calling.is_cancelled && calling.cancel_at <= now;
        let over = self.callings.iter().filter(|(_, calling)| is_over(calling));
        let over: Vec<CallId> = over.map(|(call, _)| *call).collect();
        for call in over {
            self.cancel(call, now);
            self.actions.push_back(Action::Failed(call, Failure::NoAnswer));
        }
    }

    pub(super) fn invite_answered(&mut self, key: &str, response: &Message, status: u16, now: Instant) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        let to = response.address("to").ok();
        let tag = to.as_ref().and_then(|to| to.tag()).unwrap_or_default().to_owned();
        if status < 200 {
            if client.acks.is_empty() {
                self.rings(key, status, now);
            }
            return;
        }
        // What has come again was acknowledged in vain (RFC 3261, section 17.1.1.2, and RFC 6026, section 7.2).
        if let Some(ack) = client.acks.get(&tag) {
            let (flow, ack) = (client.flow, ack.clone());
            return self.send(flow, ack);
        }
        if status < 300 {
            self.accepted(key, tag, response, now);
        } else {
            self.declined(key, tag, response, now);
        }
    }

    fn rings(&mut self, key: &str, status: u16, now: Instant) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        let Owner::Call(call) = client.owner else {
            return;
        };
        client.repeat.hush();
        let is_first = !std::mem::replace(&mut client.is_provisional, true);
        let Some(calling) = self.callings.get_mut(&call) else {
            return;
        };
        if calling.is_cancelled {
            if is_first {
                self.send_cancel(key, now);
            }
            return;
        }
        // From here on it is the ringing that has a limit.
        client.repeat.end_at(calling.cancel_at + PATIENCE);
        if status != 100 && !std::mem::replace(&mut calling.has_rung, true) {
            self.actions.push_back(Action::Rings(call));
        }
    }

    fn accepted(&mut self, key: &str, tag: String, response: &Message, now: Instant) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        let Owner::Call(call) = client.owner else {
            return;
        };
        let flow = client.flow;
        client.repeat.hush();
        client.repeat.end_at(now + PATIENCE);
        let calling = self.callings.remove(&call);
        let ours = calling.as_ref().map(|calling| calling.tag.clone()).unwrap_or_default();
        let Some(mut dialog) = Dialog::of_answer(&client.request, flow, &ours, response) else {
            return self.actions.push_back(Action::Failed(call, Failure::Failed));
        };
        let contact = contact(self.host, &flow, dialog.is_secure);
        let branch = format!("z9hG4bK{}", self.chance.word());
        let ack = dialog.request("ACK", &contact).write(&flow, &branch, &client.credentials);
        client.acks.insert(tag, ack.clone());
        self.send(flow, ack);
        if calling.is_some_and(|calling| !calling.is_cancelled) {
            self.names.insert((dialog.call_id.clone(), dialog.tag.clone()), call);
            self.dialogs.insert(call, dialog);
            let answer = offer_of(response).ok().flatten();
            self.actions.push_back(Action::Accepted(call, answer));
        } else {
            // It was cancelled too late, or another telephone that the call was forked to has answered, too (RFC 3261, section 13.2.2.4).
            let bye = dialog.request("BYE", &contact);
            self.ask(Owner::Call(call), flow, bye, now);
        }
    }

    fn declined(&mut self, key: &str, tag: String, response: &Message, now: Instant) {
        let (Some(client), Start::Response { status }) = (self.clients.get_mut(key), &response.start) else {
            return;
        };
        let Owner::Call(call) = client.owner else {
            return;
        };
        let (flow, mut request, mut tries) = (client.flow, client.request.clone(), client.tries);
        let ack = request.follow_up("ACK", response.header("to")).write(&flow, &client.branch, &[]);
        client.repeat.hush();
        // Timer D: only datagrams may come again.
        client.repeat.end_at(now + PATIENCE);
        client.acks.insert(tag, ack.clone());
        if flow.transport.is_reliable() {
            self.clients.remove(key);
        }
        self.send(flow, ack);
        let is_wanted = self.callings.get(&call).is_some_and(|calling| !calling.is_cancelled);
        if is_wanted && request.is_trusted && self.login.challenged(response, *status, &mut tries) {
            request.number += 1;
            let again = Client { tries, ..Client::new(Owner::Call(call), flow, request, now) };
            let key = self.transact(again, now);
            if let Some(calling) = self.callings.get_mut(&call) {
                calling.key = key;
            }
        } else {
            let status = *status;
            if self.callings.remove(&call).is_some_and(|calling| !calling.is_cancelled) {
                self.actions.push_back(Action::Declined(call, status));
            }
        }
    }

    /// There will be no call.
    pub(super) fn fail(&mut self, call: CallId, why: Failure) {
        if self.callings.remove(&call).is_some_and(|calling| !calling.is_cancelled) {
            self.actions.push_back(Action::Failed(call, why));
        }
    }
}
