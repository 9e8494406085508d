//! A request of ours: it can be written again, with another number and with credentials.

use crate::flow::Flow;
use crate::write::Writer;

/// All of a request but its Via, and what answers challenges.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub uri: String,
    /// In CSeq.
    pub number: u32,
    /// In their order: Route, From, To, Call-ID, and more.
    pub fields: Vec<(&'static str, String)>,
    /// Its type and its text.
    pub body: Option<(&'static str, String)>,
    /// It goes to our trunk, which may be answered when it asks who we are; nobody else is.
    pub is_trusted: bool,
}

impl Request {
    /// As it goes over the wire.
    pub fn write(&self, flow: &Flow, branch: &str, credentials: &[(&'static str, String)]) -> Vec<u8> {
        let mut request = Writer::request(self.method, &self.uri);
        let (word, local) = (flow.transport.word(), flow.local);
        request.field("Via", &format!("SIP/2.0/{word} {local};branch={branch};rport"));
        request.field("Max-Forwards", "70");
        for (name, value) in self.fields.iter().chain(credentials) {
            request.field(name, value);
        }
        request.field("CSeq", &format!("{} {}", self.number, self.method));
        match &self.body {
            Some((kind, body)) => request.end_with(kind, body),
            None => request.end(),
        }
    }

    /// The ACK of a refusal, or a CANCEL (RFC 3261, sections 17.1.1.3 and 9.1): to the same, with the same branch, and nothing else of it.
    pub fn follow_up(&self, method: &'static str, to: Option<&str>) -> Self {
        let kept =
            self.fields.iter().filter(|(name, _)| matches!(*name, "Route" | "From" | "To" | "Call-ID"));
        let fields = kept.map(|(name, value)| match (*name, to) {
            ("To", Some(to)) => ("To", to.to_owned()),
            (name, _) => (name, value.clone()),
        });
        let fields = fields.collect();
        Self { method, uri: self.uri.clone(), number: self.number, fields, body: None, is_trusted: false }
    }
}
