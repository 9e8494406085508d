//! What is kept of a call that is over: when, how and how long, and nothing of what was said.

use std::time::Instant;

use convene_conference::Codec;

use super::{Call, Exchange, Order, RoomId};
use crate::agent::{CallId, Ending};
use crate::failure::Failure;
use crate::flow::Transport;
use crate::shield::Theirs;

/// A call that is over.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// We have called.
    pub is_outgoing: bool,
    /// How its messages went; none if there was no way.
    pub transport: Option<Transport>,
    /// It came or went by the trunk.
    pub is_trunk: bool,
    /// The label of the room that it was last in, or would have come into; empty for none.
    pub label: String,
    /// What the caller says he is called; often nothing.
    pub name: String,
    /// His number, or whom we have called.
    pub number: String,
    /// When it came, or we began to call.
    pub began: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
    /// When it was over.
    pub ended: Instant,
    /// The last that was agreed on.
    pub codec: Option<Codec>,
    /// The last that was agreed on.
    pub encryption: Encryption,
    /// How it ended.
    pub end: CallEnd,
}

impl std::fmt::Debug for CallRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { is_outgoing, transport, codec, encryption, end, .. } = self;
        write!(f, "REDACTED by {transport:?} in {codec:?}, {encryption:?}, {end:?}, ours: {is_outgoing}")
    }
}

/// How the sound was encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// With keys in the session description (RFC 4568).
    Sdes,
    /// With keys from a handshake (RFC 5763).
    Dtls,
}

impl Encryption {
    /// As applications are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sdes => "sdes",
            Self::Dtls => "dtls",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnd {
    /// Who has ended it: the `telephone`, the `service`, or the `line` that was lost.
    pub by: &'static str,
    /// In a word: `hung-up`, `dismissed`, `lost`, `refused`, or that of a [`Failure`].
    pub why: &'static str,
    /// With which we have refused it, or a call of ours was refused (RFC 3261, section 21).
    pub status: Option<u16>,
}

impl CallEnd {
    /// It was not answered, but refused.
    pub(super) fn refused(status: u16) -> Self {
        Self { by: "service", why: "refused", status: Some(status) }
    }

    /// A call of ours has come to nothing.
    pub(super) fn failed(why: Failure) -> Self {
        let by = match why {
            Failure::Cancelled | Failure::NoSound => "service",
            Failure::Unreachable | Failure::Failed => "line",
            _ => "telephone",
        };
        Self { by, why: why.word(), status: None }
    }

    /// It was answered, or cancelled.
    pub(super) fn of(ending: Ending) -> Self {
        let (by, why) = match ending {
            Ending::HungUp => ("telephone", "hung-up"),
            Ending::Dismissed => ("service", "dismissed"),
            Ending::Unacknowledged | Ending::Expired => ("line", "lost"),
        };
        Self { by, why, status: None }
    }
}

/// How a call began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub is_outgoing: bool,
    pub is_trunk: bool,
    pub transport: Option<Transport>,
    pub began: Instant,
}

impl Exchange {
    /// The call is over: its rooms are told what is to be kept, and its ports are free.
    pub(super) fn close_call(&mut self, id: CallId, end: CallEnd, now: Instant) {
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        self.record(id, call.record(end, now));
        if call.local.is_some() {
            self.orders.push_back(Order::Close(id));
        }
    }

    pub(super) fn record(&mut self, call: CallId, record: CallRecord) {
        let keepers = self.rooms.iter().filter(|(_, rules)| rules.keeps_records);
        let rooms: Vec<RoomId> = keepers.map(|(room, _)| *room).collect();
        if !rooms.is_empty() {
            self.orders.push_back(Order::Record { rooms, call, record: Box::new(record) });
        }
    }

    /// The room that a call is in has this label.
    pub(super) fn label(&mut self, id: CallId, room: RoomId) {
        if let (Some(call), Some(rules)) = (self.calls.get_mut(&id), self.rooms.get(&room)) {
            call.label.clone_from(&rules.label);
        }
    }
}

impl Call {
    pub(super) fn record(&self, end: CallEnd, now: Instant) -> CallRecord {
        let agreement = self.agreement.as_ref();
        let encryption = match agreement.and_then(|agreement| agreement.protection.as_ref()) {
            None => Encryption::None,
            Some(Theirs::Key(_)) => Encryption::Sdes,
            Some(Theirs::Dtls(_)) => Encryption::Dtls,
        };
        let Origin { is_outgoing, is_trunk, transport, began } = self.origin;
        CallRecord {
            is_outgoing,
            transport,
            is_trunk,
            label: self.label.clone(),
            name: self.name.clone(),
            number: self.number.clone(),
            began,
            answered: self.answered_at,
            ended: now,
            codec: agreement.map(|agreement| agreement.codec),
            encryption,
            end,
        }
    }
}
