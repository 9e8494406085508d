//! Requests within a call: another INVITE, UPDATE, INFO, BYE.

use std::time::Instant;

use super::dialog::Pending;
use super::invite::{offer_of, session_timer};
use super::{Action, Agent, CallId, Ending};
use crate::message::Message;
use crate::transaction::Ticket;
use crate::uri::Uri;
use crate::write::{METHODS, Writer};

impl Agent {
    /// Which call a request belongs to.
    pub(super) fn call_of(&self, request: &Message) -> Option<CallId> {
        let to = request.address("to").ok()?;
        let name = (request.header("call-id")?.to_owned(), to.tag()?.to_owned());
        let call = *self.names.get(&name)?;
        let from = request.address("from").ok()?;
        let dialog = self.dialogs.get(&call)?;
        (dialog.remote_tag == from.tag().unwrap_or_default()).then_some(call)
    }

    /// A request that names a call.
    pub(super) fn within(&mut self, ticket: Ticket, request: &Message, now: Instant) {
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let call = self.call_of(request);
        let Some((call, dialog)) = call.and_then(|call| Some((call, self.dialogs.get_mut(&call)?))) else {
            return self.answer(ticket, request, (481, "No such call"), now);
        };
        if dialog.remote_cseq.is_some_and(|last| number <= last) {
            return self.answer(ticket, request, (500, "Out of order"), now);
        }
        dialog.remote_cseq = Some(number);
        dialog.flow = ticket.flow;
        match request.method().unwrap_or_default() {
            "BYE" => {
                self.answer(ticket, request, (200, "OK"), now);
                self.end(call, Ending::HungUp, now);
            }
            "REFER" => self.refer(call, ticket, request, now),
            "INFO" => self.info(call, ticket, request, now),
            "OPTIONS" => self.answer(ticket, request, (200, "OK"), now),
            _ => self.change(call, ticket, request, now),
        }
    }

    /// Another session description, or a refreshed timer.
    fn change(&mut self, call: CallId, ticket: Ticket, request: &Message, now: Instant) {
        let (sdp, timer) = match (offer_of(request), session_timer(request, now)) {
            (Ok(sdp), Ok(timer)) => (sdp, timer),
            (Err(status), _) => return self.answer(ticket, request, status, now),
            (_, Err(())) => return self.refuse_interval(ticket, request, now),
        };
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        if let Ok(contact) = request.address("contact")
            && Uri::parse(&contact.uri).is_ok()
        {
            dialog.target = contact.uri;
        }
        dialog.timer = timer.or(dialog.timer);
        let is_invite = request.method() == Some("INVITE");
        if sdp.is_none() && !is_invite {
            dialog.restart_timer(now);
            let mut response = Writer::response(request, &ticket.flow, 200, "OK", &dialog.tag);
            response.field("Contact", &super::contact(self.host, &dialog.flow, dialog.is_secure));
            response.field("Allow", METHODS);
            if let Some(timer) = &dialog.timer {
                let who = if timer.is_ours { "uas" } else { "uac" };
                response.field("Session-Expires", &format!("{};refresher={who}", timer.interval.as_secs()));
            }
            return self.answer_with(ticket, request, response.end(), now);
        }
        dialog.pending = Some(Pending { request: request.clone(), ticket });
        self.actions.push_back(Action::Offered(call, sdp));
    }

    /// A key of the dial-pad, as some telephones send it.
    fn info(&mut self, call: CallId, ticket: Ticket, request: &Message, now: Instant) {
        let digit = match request.content_type().as_deref() {
            Some("application/dtmf-relay") => signal(&request.body),
            Some("application/dtmf") => request.body.first().map(|byte| char::from(*byte)),
            // RFC 6086 wants an unknown package refused; keep-alives are empty.
            Some(_) => return self.answer(ticket, request, (415, "Unsupported Media Type"), now),
            None => None,
        };
        self.answer(ticket, request, (200, "OK"), now);
        if let Some(digit) = digit.filter(|digit| matches!(digit, '0'..='9' | '*' | '#')) {
            self.actions.push_back(Action::Key(call, digit));
        }
    }
}

/// `Signal=5` among the lines of a body.
fn signal(body: &[u8]) -> Option<char> {
    let body = std::str::from_utf8(body).ok()?;
    let value = body.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    value?.chars().next()
}
