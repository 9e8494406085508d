//! A call's dialog (RFC 3261, section 12).

use std::time::{Duration, Instant};

use crate::flow::Flow;
use crate::message::Message;
use crate::transaction::{Repeat, Ticket};
use crate::uri::Uri;
use crate::write::Writer;

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
    pub remote_cseq: u32,
    pub local_cseq: u32,
    pub pending: Option<Pending>,
    /// Our answer, until it is acknowledged.
    pub unacknowledged: Option<Repeat>,
    /// The ACK is to bring the answer to our offer.
    pub awaits_answer: bool,
    pub timer: Option<SessionTimer>,
    pub is_established: bool,
    /// The Contact is to be a `sips:`.
    pub is_secure: bool,
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
            remote_cseq: request.cseq()?.number,
            local_cseq: 0,
            pending: None,
            unacknowledged: None,
            awaits_answer: false,
            timer: None,
            is_established: false,
            is_secure: Uri::parse(uri).is_ok_and(|uri| uri.is_secure),
        })
    }

    /// When it has something to do.
    pub fn due(&self) -> Option<Instant> {
        let repeat = self.unacknowledged.as_ref().map(Repeat::due);
        repeat.into_iter().chain(self.timer.filter(|_| self.is_established).map(|timer| timer.due)).min()
    }

    /// A request of ours, without its end; and the branch that names it.
    pub fn write(&mut self, method: &str, branch: &str, contact: &str) -> Writer {
        self.local_cseq += 1;
        let mut request = Writer::request(method, &self.target);
        let (word, local) = (self.flow.transport.word(), self.flow.local);
        request.field("Via", &format!("SIP/2.0/{word} {local};branch={branch};rport"));
        request.field("Max-Forwards", "70");
        for route in &self.routes {
            request.field("Route", route);
        }
        request.field("From", &self.local);
        request.field("To", &self.remote);
        request.field("Call-ID", &self.call_id);
        request.field("CSeq", &format!("{} {method}", self.local_cseq));
        request.field("Contact", contact);
        request
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
