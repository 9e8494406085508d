//! Somebody has a caller put through (RFC 3515).

use std::time::Instant;

use super::client::Owner;
use super::dialog::Pending;
use super::{Action, Agent, CallId, contact};
use crate::message::Message;
use crate::transaction::Ticket;
use crate::uri::{NameAddress, Uri};
use crate::write::Writer;

/// What the one who has asked is told of how it went (RFC 3515, section 2.4.5).
const DONE: &str = "SIP/2.0 200 OK\r\n";

impl Agent {
    /// REFER within a call. Whoever is named has to be one of ours; everybody else would be called on our account.
    pub(super) fn refer(&mut self, call: CallId, ticket: Ticket, request: &Message, now: Instant) {
        if request.all("refer-to").count() != 1 {
            return self.answer(ticket, request, (400, "One Refer-To is needed"), now);
        }
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        let target = request.address("refer-to").ok().and_then(|to| Uri::parse(&to.uri).ok());
        let dialled = NameAddress::parse(&dialog.local).ok().and_then(|local| Uri::parse(&local.uri).ok());
        let own = ticket.flow.local.ip().to_string();
        let is_ours = |uri: &Uri| {
            let host = uri.host.trim_start_matches('[').trim_end_matches(']');
            host == own || dialled.is_some_and(|dialled| dialled.host.eq_ignore_ascii_case(&uri.host))
        };
        let user = target.filter(is_ours).and_then(|uri| uri.user);
        dialog.referral = Some(Pending { request: request.clone(), ticket });
        self.actions.push_back(Action::Referred(call, user));
    }

    /// The caller is put through, and whoever has asked for it is told so, unless he does not want to be (RFC 4488, section 4).
    pub fn refer_done(&mut self, call: CallId, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&call) else {
            return;
        };
        let Some(Pending { request, ticket }) = dialog.referral.take() else {
            return;
        };
        let contact = contact(self.host, &dialog.flow, dialog.is_secure);
        let is_silent =
            request.header("refer-sub").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let mut response = Writer::response(&request, &ticket.flow, 202, "Accepted", &dialog.tag);
        response.field("Contact", &contact);
        if is_silent {
            response.field("Refer-Sub", "false");
        }
        let flow = dialog.flow;
        let notify = (!is_silent).then(|| {
            let mut notify = dialog.request("NOTIFY", &contact);
            let id = request.cseq().map_or(0, |cseq| cseq.number);
            notify.fields.push(("Event", format!("refer;id={id}")));
            notify.fields.push(("Subscription-State", "terminated;reason=noresource".to_owned()));
            notify.body = Some(("message/sipfrag;version=2.0", DONE.to_owned()));
            notify
        });
        self.answer_with(ticket, &request, response.end(), now);
        if let Some(notify) = notify {
            self.ask(Owner::Call(call), flow, notify, now);
        }
    }

    /// The caller stays where he is.
    pub fn refer_refused(&mut self, call: CallId, status: (u16, &str), now: Instant) {
        let referral = self.dialogs.get_mut(&call).and_then(|dialog| dialog.referral.take());
        if let Some(Pending { request, ticket }) = referral {
            self.answer(ticket, &request, status, now);
        }
    }
}
