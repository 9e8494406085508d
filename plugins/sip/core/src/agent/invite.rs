//! How a call begins, and how a session changes: INVITE, its answers, and the session timer.

use std::time::{Duration, Instant};

use super::client::Owner;
use super::dialog::{Dialog, Pending, SessionTimer};
use super::{Action, Agent, CALLS_MAX, CallId, Ending, Invite, contact};
use crate::flow::Flow;
use crate::message::{Message, Start, content_length};
use crate::transaction::{Repeat, Ticket};
use crate::uri::{NameAddress, Uri};
use crate::write::{METHODS, Writer};

/// RFC 4028, section 5: nobody may refresh more often.
const SESSION_SECONDS_MIN: u32 = 90;
/// What RFC 4028, section 4.2, recommends.
const SESSION_SECONDS: u32 = 1800;

impl Agent {
    /// The caller's first INVITE.
    pub(super) fn invite(&mut self, ticket: Ticket, request: &Message, now: Instant) {
        let refusal = if let Err(status) = offer_of(request) {
            Some(status)
        } else if CALLS_MAX <= self.dialogs.len() + self.callings.len() {
            Some((503, "Too many calls"))
        } else if self.is_merged(request) {
            // RFC 3261, section 8.2.2.2: it has come before, on another way.
            Some((482, "Loop Detected"))
        } else {
            None
        };
        if let Some(status) = refusal {
            return self.answer(ticket, request, status, now);
        }
        let timer = match session_timer(request, now) {
            Ok(timer) => timer,
            Err(()) => return self.refuse_interval(ticket, request, now),
        };
        let Some(mut dialog) = Dialog::new(request, ticket.flow, self.chance.word()) else {
            return self.answer(ticket, request, (400, "Bad Contact"), now);
        };
        let call = CallId(self.next_call);
        self.next_call += 1;
        dialog.timer = timer;
        let flow = ticket.flow;
        dialog.pending = Some(Pending { request: request.clone(), ticket });
        self.names.insert((dialog.call_id.clone(), dialog.tag.clone()), call);
        self.dialogs.insert(call, dialog);
        let from = request.address("from").unwrap_or(NameAddress {
            name: String::new(),
            uri: String::new(),
            parameters: Vec::new(),
        });
        let user = |uri: &str| Uri::parse(uri).ok().and_then(|uri| uri.user).unwrap_or_default();
        let dialled = match &request.start {
            Start::Request { uri, .. } => user(uri),
            Start::Response { .. } => String::new(),
        };
        let offer = offer_of(request).unwrap_or_default();
        let invite = Invite { name: from.name, number: user(&from.uri), dialled, flow, offer };
        self.actions.push_back(Action::Invited(call, invite));
    }

    /// The caller would refresh the session too often.
    pub(super) fn refuse_interval(&mut self, ticket: Ticket, request: &Message, now: Instant) {
        let tag = self.chance.word();
        let mut response = Writer::response(request, &ticket.flow, 422, "Session Interval Too Small", &tag);
        response.field("Min-SE", &SESSION_SECONDS_MIN.to_string());
        self.answer_with(ticket, request, response.end(), now);
    }

    fn is_merged(&self, request: &Message) -> bool {
        let (Ok(from), Some(id), Some(cseq)) =
            (request.address("from"), request.header("call-id"), request.cseq())
        else {
            return false;
        };
        let same_id =
            self.names.range((id.to_owned(), String::new())..).take_while(|((other, _), _)| other == id);
        let mut dialogs = same_id.filter_map(|(_, call)| self.dialogs.get(call));
        dialogs.any(|dialog| {
            dialog.remote_tag == from.tag().unwrap_or_default() && dialog.remote_cseq == Some(cseq.number)
        })
    }

    /// The caller's INVITE or UPDATE is answered by a session description of ours.
    pub fn accept(&mut self, call: CallId, sdp: &str, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        let Some(Pending { request, ticket }) = dialog.pending.take() else {
            return;
        };
        let contact = contact(self.host, &dialog.flow, dialog.is_secure);
        let is_invite = request.method() == Some("INVITE");
        dialog.awaits_answer = is_invite && request.body.is_empty();
        let mut response = Writer::response(&request, &ticket.flow, 200, "OK", &dialog.tag);
        for route in request.list("record-route") {
            response.field("Record-Route", route);
        }
        response.field("Contact", &contact);
        response.field("Allow", METHODS);
        response.field("Supported", "timer");
        if let Some(timer) = &dialog.timer {
            let who = if timer.is_ours { "uas" } else { "uac" };
            response.field("Session-Expires", &format!("{};refresher={who}", timer.interval.as_secs()));
            if !timer.is_ours {
                response.field("Require", "timer");
            }
        }
        let bytes = response.end_with_sdp(sdp);
        dialog.is_established = true;
        dialog.restart_timer(now);
        if is_invite {
            // Also over TCP: a proxy on the way may have taken it and died (RFC 3261, section 13.3.1.4).
            dialog.unacknowledged =
                Some(Repeat::new(bytes.clone(), super::way_back(ticket.flow, &request), true, now));
        }
        self.answer_with(ticket, &request, bytes, now);
    }

    /// The caller's INVITE or UPDATE is refused; if it was the first, there is no call.
    pub fn refuse(&mut self, call: CallId, status: (u16, &str), now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        let is_first = !dialog.is_established;
        if let Some(Pending { request, ticket }) = dialog.pending.take() {
            let response = Writer::response(&request, &ticket.flow, status.0, status.1, &dialog.tag);
            self.answer_with(ticket, &request, response.end(), now);
        }
        if is_first {
            self.forget(call);
        }
    }

    /// An ACK that belongs to no refusal.
    pub(super) fn acknowledged(&mut self, request: &Message, flow: Flow) {
        let Some(call) = self.call_of(request) else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        if request.cseq().is_some_and(|cseq| Some(cseq.number) == dialog.remote_cseq) {
            dialog.unacknowledged = None;
            dialog.flow = flow;
            if std::mem::take(&mut dialog.awaits_answer)
                && let Ok(Some(sdp)) = offer_of(request)
            {
                self.actions.push_back(Action::Answered(call, sdp));
            }
        }
    }

    /// What is due of one call.
    pub(super) fn tick_dialog(&mut self, call: CallId, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        if let Some(repeat) = &mut dialog.unacknowledged {
            if let Some((flow, bytes)) = repeat.tick(now) {
                self.actions.push_back(Action::Send(flow, bytes));
            } else if repeat.is_over(now) {
                return self.end(call, Ending::Unacknowledged, now);
            }
        }
        let Some(timer) = dialog.timer.filter(|timer| dialog.is_established && timer.due <= now) else {
            return;
        };
        if !timer.is_ours {
            return self.end(call, Ending::Expired, now);
        }
        dialog.restart_timer(now);
        let seconds = timer.interval.as_secs();
        let contact = contact(self.host, &dialog.flow, dialog.is_secure);
        let mut request = dialog.request("UPDATE", &contact);
        request.fields.push(("Supported", "timer".to_owned()));
        request.fields.push(("Session-Expires", format!("{seconds};refresher=uac")));
        let flow = dialog.flow;
        self.ask(Owner::Call(call), flow, request, now);
    }

    /// Our UPDATE was answered.
    pub(super) fn refreshed(&mut self, call: CallId, status: u16, now: Instant) {
        // RFC 3261, section 12.2.1.2: these two say that there is no such call any longer.
        if matches!(status, 408 | 481) {
            self.end(call, Ending::Expired, now);
        }
    }

    /// A call is over; the caller is told, unless he knows.
    pub(super) fn end(&mut self, call: CallId, why: Ending, now: Instant) {
        if self.cancel(call, now) {
            return self.actions.push_back(Action::Ended(call, why));
        }
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        if dialog.is_established && why != Ending::HungUp {
            let contact = contact(self.host, &dialog.flow, dialog.is_secure);
            let (flow, request) = (dialog.flow, dialog.request("BYE", &contact));
            self.ask(Owner::Call(call), flow, request, now);
        }
        self.forget(call);
        self.actions.push_back(Action::Ended(call, why));
    }

    fn forget(&mut self, call: CallId) {
        if let Some(dialog) = self.dialogs.remove(&call) {
            self.names.remove(&(dialog.call_id, dialog.tag));
        }
    }
}

/// The session description in a body, if there is one.
pub(super) fn offer_of(request: &Message) -> Result<Option<String>, (u16, &'static str)> {
    if request.body.is_empty() {
        return Ok(None);
    }
    if request.content_type().is_some_and(|kind| kind != "application/sdp")
        || request.header("content-encoding").is_some_and(|encoding| encoding != "identity")
    {
        return Err((415, "Unsupported Media Type"));
    }
    String::from_utf8(request.body.clone()).map(Some).map_err(|_| (400, "Bad session description"))
}

/// What the caller would have of RFC 4028; an error when it is too short.
pub(super) fn session_timer(request: &Message, now: Instant) -> Result<Option<SessionTimer>, ()> {
    if !request.has("supported", "timer") && !request.has("require", "timer") {
        return Ok(None);
    }
    let wanted = request.header("session-expires");
    let seconds = wanted.and_then(|wanted| content_length(wanted.split(';').next()?.trim()));
    let seconds = seconds.map_or(SESSION_SECONDS, |seconds| seconds as u32);
    if seconds < SESSION_SECONDS_MIN {
        return Err(());
    }
    let is_ours = wanted.is_some_and(|wanted| wanted.replace(' ', "").contains("refresher=uas"));
    // Refreshing is done by UPDATE, so who does not know that refreshes himself or is not watched by a timer.
    if is_ours && !request.has("allow", "UPDATE") {
        return Ok(None);
    }
    Ok(Some(SessionTimer { interval: Duration::from_secs(seconds.into()), is_ours, due: now }))
}
