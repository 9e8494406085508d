//! Client transactions (RFC 3261, section 17.1): requests of ours that wait for their answers.

use std::collections::BTreeMap;
use std::time::Instant;

use super::registrar::TrunkState;
use super::request::Request;
use super::{Action, Agent, CallId};
use crate::digest::Tries;
use crate::failure::Failure;
use crate::flow::Flow;
use crate::message::{Message, Start};
use crate::transaction::Repeat;

/// Whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A call's.
    Call(CallId),
    /// The registration's.
    Registrar,
}

/// A request of ours.
#[derive(Debug)]
pub struct Client {
    pub owner: Owner,
    pub request: Request,
    pub flow: Flow,
    pub branch: String,
    /// What answered for it, which its ACK repeats (RFC 3261, section 22.1).
    pub credentials: Vec<(&'static str, String)>,
    pub repeat: Repeat,
    pub tries: Tries,
    /// It has been answered provisionally, so it may be cancelled.
    pub is_provisional: bool,
    /// What an INVITE's final answers were acknowledged with, by their tags. Once there is one, they are all that it still waits for.
    pub acks: BTreeMap<String, Vec<u8>>,
}

/// CANCEL has the branch of its INVITE, and is another transaction.
pub fn key(branch: &str, method: &str) -> String {
    format!("{branch} {method}")
}

impl Agent {
    /// Sends a request. Returns the key of its transaction.
    pub(super) fn ask(&mut self, owner: Owner, flow: Flow, request: Request, now: Instant) -> String {
        self.transact(Client::new(owner, flow, request, now), now)
    }

    /// The same, of a request that has a branch already, or has been tried before.
    pub(super) fn transact(&mut self, mut client: Client, now: Instant) -> String {
        if client.branch.is_empty() {
            client.branch = format!("z9hG4bK{}", self.chance.word());
        }
        if client.request.is_trusted {
            let Request { method, uri, .. } = &client.request;
            client.credentials = self.login.answers(method, uri, &mut self.chance);
        }
        let bytes = client.request.write(&client.flow, &client.branch, &client.credentials);
        let is_invite = client.request.method == "INVITE";
        client.repeat = Repeat::of_request(bytes.clone(), client.flow, is_invite, now);
        let key = key(&client.branch, client.request.method);
        self.send(client.flow, bytes);
        self.clients.insert(key.clone(), client);
        key
    }

    /// The answer to a request of ours.
    pub(super) fn response(&mut self, response: &Message, now: Instant) {
        let branch = response.via().and_then(|via| via.branch).unwrap_or_default();
        let (Some(cseq), Start::Response { status }) = (response.cseq(), &response.start) else {
            return;
        };
        let (key, status) = (key(&branch, &cseq.method), *status);
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if client.request.method == "INVITE" {
            return self.invite_answered(&key, response, status, now);
        }
        if status < 200 {
            return client.repeat.hush();
        }
        let Some(mut client) = self.clients.remove(&key) else {
            return;
        };
        let is_again =
            client.request.is_trusted && self.login.challenged(response, status, &mut client.tries);
        let Client { owner, flow, mut request, tries, .. } = client;
        if is_again {
            request.number = self.next_number(owner).unwrap_or(request.number + 1);
            self.transact(Client { tries, ..Client::new(owner, flow, request, now) }, now);
        } else {
            match (owner, request.method) {
                (Owner::Call(call), "UPDATE") => self.refreshed(call, status, now),
                (Owner::Call(_), _) => {}
                (Owner::Registrar, _) => self.registered(response, status, now),
            }
        }
    }

    /// A call or a registration that is over counts no further.
    fn next_number(&mut self, owner: Owner) -> Option<u32> {
        let number = match owner {
            Owner::Call(call) => &mut self.dialogs.get_mut(&call)?.local_cseq,
            Owner::Registrar => &mut self.registrar.as_mut()?.number,
        };
        *number += 1;
        Some(*number)
    }

    /// Sends what is due again, and gives up what was never answered.
    pub(super) fn tick_clients(&mut self, now: Instant) {
        let mut over = Vec::new();
        for (key, client) in &mut self.clients {
            if let Some((flow, bytes)) = client.repeat.tick(now) {
                self.actions.push_back(Action::Send(flow, bytes));
            }
            if client.repeat.is_over(now) {
                over.push(key.clone());
            }
        }
        over.iter().for_each(|key| self.unanswered(key, now));
    }

    /// A connection is no more: what went out by it, and has no answer yet, will have none.
    pub fn lose(&mut self, flow: u64, now: Instant) {
        let is_lost = |client: &Client| client.flow.id == flow && client.flow.transport.is_reliable();
        let lost = self.clients.iter().filter(|(_, client)| is_lost(client));
        let lost: Vec<String> = lost.map(|(key, _)| key.clone()).collect();
        lost.iter().for_each(|key| self.unanswered(key, now));
        self.lose_registrar(flow, now);
    }

    fn unanswered(&mut self, key: &str, now: Instant) {
        let Some(client) = self.clients.remove(key).filter(|client| client.acks.is_empty()) else {
            return;
        };
        match (client.owner, client.request.method) {
            (Owner::Call(call), "INVITE") => self.fail(call, Failure::Unreachable),
            (Owner::Call(call), "UPDATE") => self.refreshed(call, 408, now),
            (Owner::Call(_), _) => {}
            (Owner::Registrar, _) => self.not_registered(TrunkState::Unreachable, now),
        }
    }
}

impl Client {
    pub(super) fn new(owner: Owner, flow: Flow, request: Request, now: Instant) -> Self {
        Self {
            owner,
            request,
            flow,
            branch: String::new(),
            credentials: Vec::new(),
            repeat: Repeat::new(Vec::new(), flow, false, now),
            tries: Tries::default(),
            is_provisional: false,
            acks: BTreeMap::new(),
        }
    }
}
