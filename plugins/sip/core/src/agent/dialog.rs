//! A call's dialog (RFC 3261, section 12).

use std::time::{Duration, Instant};

use super::request::Request;
use crate::flow::Flow;
use crate::message::Message;
use crate::transaction::{Repeat, Ticket};
use crate::uri::Uri;

/// A request of the caller that waits for our decision.
#[derive(Debug)]
pub struct Pending {
    pub request: Message,
    pub ticket: Ticket,
}

/// RFC 4028.
#[derive(Clone, Copy, Debug)]
pub struct SessionTimer {
    pub interval: Duration,
    /// It is on us to refresh.
    pub is_ours: bool,
    pub due: Instant,
}

/// What is known of a call.
#[derive(Debug)]
pub struct Dialog {
    pub flow: Flow,
    pub call_id: String,
    pub tag: String,
    pub remote_tag: String,
    /// Our From, with our tag.
    pub local: String,
    /// Our To: the caller's From.
    pub remote: String,
    /// Where requests go to.
    pub target: String,
    pub routes: Vec<String>,
    /// None until something has come.
    pub remote_cseq: Option<u32>,
    pub local_cseq: u32,
    pub pending: Option<Pending>,
    /// A REFER that waits for our decision.
    pub referral: Option<Pending>,
    /// Our answer, until it is acknowledged.
    pub unacknowledged: Option<Repeat>,
    /// The ACK is to bring the answer to our offer.
    pub awaits_answer: bool,
    pub timer: Option<SessionTimer>,
    pub is_established: bool,
    /// The Contact is to be a `sips:`.
    pub is_secure: bool,
    /// By way of our trunk, which may be answered when it asks who we are.
    pub is_trunk: bool,
}

impl Dialog {
    /// From the caller's first request.
    pub fn new(request: &Message, flow: Flow, tag: String) -> Option<Self> {
        let from = request.address("from").ok()?;
        let contact = request.address("contact").ok()?;
        // Only to be sure that it can be used.
        Uri::parse(&contact.uri).ok()?;
        let uri = match &request.start {
            crate::message::Start::Request { uri, .. } => uri,
            crate::message::Start::Response { .. } => return None,
        };
        Some(Self {
            flow,
            call_id: request.header("call-id")?.to_owned(),
            local: format!("{};tag={tag}", request.header("to")?),
            tag,
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            remote: request.header("from")?.to_owned(),
            target: contact.uri,
            routes: request.list("record-route").map(str::to_owned).collect(),
            remote_cseq: Some(request.cseq()?.number),
            local_cseq: 0,
            pending: None,
            referral: None,
            unacknowledged: None,
            awaits_answer: false,
            timer: None,
            is_established: false,
            is_secure: Uri::parse(uri).is_ok_and(|uri| uri.is_secure),
            is_trunk: false,
        })
    }

    /// From the answer to an INVITE of ours (RFC 3261, section 12.1.2).
    pub fn of_answer(invite: &Request, flow: Flow, tag: &str, response: &Message) -> Option<Self> {
        let field = |name: &str| {
            let field = invite.fields.iter().find(|(other, _)| *other == name);
            field.map(|(_, value)| value.clone())
        };
        let contact = response.address("contact").ok().map(|contact| contact.uri);
        let mut routes: Vec<String> = response.list("record-route").map(str::to_owned).collect();
        routes.reverse();
        Some(Self {
            flow,
            call_id: field("Call-ID")?,
            tag: tag.to_owned(),
            remote_tag: response.address("to").ok()?.tag().unwrap_or_default().to_owned(),
            local: field("From")?,
            remote: response.header("to")?.to_owned(),
            target: contact.filter(|uri| Uri::parse(uri).is_ok()).unwrap_or_else(|| invite.uri.clone()),
            routes,
            remote_cseq: None,
            local_cseq: invite.number,
            pending: None,
            referral: None,
            unacknowledged: None,
            awaits_answer: false,
            timer: None,
            is_established: true,
            is_secure: Uri::parse(&invite.uri).is_ok_and(|uri| uri.is_secure),
            is_trunk: invite.is_trusted,
        })
    }

    /// When it has something to do.
    pub fn due(&self) -> Option<Instant> {
        let repeat = self.unacknowledged.as_ref().map(Repeat::due);
        repeat.into_iter().chain(self.timer.filter(|_| self.is_established).map(|timer| timer.due)).min()
    }

    /// A request of ours. An ACK has the number of what it acknowledges.
    pub fn request(&mut self, method: &'static str, contact: &str) -> Request {
        if method != "ACK" {
            self.local_cseq += 1;
        }
        let routes = self.routes.iter().map(|route| ("Route", route.clone()));
        let names = [
            ("From", self.local.clone()),
            ("To", self.remote.clone()),
            ("Call-ID", self.call_id.clone()),
            ("Contact", contact.to_owned()),
        ];
        Request {
            method,
            uri: self.target.clone(),
            number: self.local_cseq,
            fields: routes.chain(names).collect(),
            body: None,
            is_trusted: self.is_trunk,
        }
    }

    /// Counts from now on anew.
    pub fn restart_timer(&mut self, now: Instant) {
        if let Some(timer) = &mut self.timer {
            let interval = timer.interval;
            // RFC 4028, section 10: who refreshes does so at half the time; the other gives up a little before it is over.
            let wait = if timer.is_ours {
                interval / 2
            } else {
                interval - (interval / 3).min(Duration::from_secs(32))
            };
            timer.due = now + wait;
        }
    }
}
