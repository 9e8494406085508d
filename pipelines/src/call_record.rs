//! What is known of a telephone call that is over. Nothing of what was said is.

use std::time::Duration;

use crate::talk::milliseconds;

/// One call. Times are UTC, as RFC 3339 has them.
#[derive(Clone, PartialEq)]
pub struct CallRecord {
    /// Of the meeting, as its [`TelephoneRoom`](crate::TelephoneRoom) has it; nothing when the caller came into none.
    pub label: Option<String>,
    /// The meeting has called.
    pub is_outgoing: bool,
    /// `tls`, `tcp` or `udp`; nothing when there was no way to who was called.
    pub transport: Option<String>,
    /// By the telephone provider.
    pub is_trunk: bool,
    /// What the caller's telephone calls him. For nobody's eyes unless the operator says so, as is the number.
    pub name: String,
    /// His number, or the one that was called.
    pub number: String,
    /// When it came, or was begun.
    pub begin: String,
    /// When it was answered.
    pub answer: Option<String>,
    /// When it was over.
    pub end: String,
    /// From the answer to the end.
    pub duration: Duration,
    /// The last that was agreed on.
    pub codec: Option<String>,
    /// `none`, `sdes` or `dtls`.
    pub encryption: String,
    /// Who has ended it: the `telephone`, the `service`, or the `line` that was lost.
    pub ended_by: String,
    /// Why, in a word of `sipbridge`.
    pub reason: String,
    /// The SIP status with which it was refused, by us or by the other end.
    pub status: Option<u32>,
    /// What came and went, if there was any sound.
    pub sound: Option<CallSound>,
}

impl std::fmt::Debug for CallRecord {
    /// Names and numbers are not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { label, is_outgoing, reason, .. } = self;
        write!(f, "REDACTED in {label:?}, {reason}, ours: {is_outgoing}")
    }
}

/// The sound of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallSound {
    /// Packets of the telephone's that came.
    pub received: u64,
    /// And that should have.
    pub expected: u64,
    /// Packets to the telephone.
    pub sent: u64,
    /// The share of these that it has said was lost lately.
    pub lost_there: f64,
    /// How unevenly its packets came (RFC 3550, section 6.4.1).
    pub jitter: Duration,
    /// To it and back, if it has told.
    pub round_trip: Option<Duration>,
}

impl CallRecord {
    /// As `sipbridge` tells it.
    pub(crate) fn read(call: &gst::StructureRef) -> Option<Self> {
        let word = |field: &str| call.get::<String>(field).ok();
        Some(Self {
            label: word("label").filter(|label| !label.is_empty()),
            is_outgoing: word("direction")? == "out",
            transport: word("transport"),
            is_trunk: call.get("trunk").ok()?,
            name: word("name").unwrap_or_default(),
            number: word("number").unwrap_or_default(),
            begin: word("begin")?,
            answer: word("answer"),
            end: word("end")?,
            duration: Duration::from_millis(call.get("duration-ms").ok()?),
            codec: word("codec"),
            encryption: word("encryption")?,
            ended_by: word("ended-by")?,
            reason: word("reason")?,
            status: call.get("status").ok(),
            sound: CallSound::read(call),
        })
    }
}

impl CallSound {
    fn read(call: &gst::StructureRef) -> Option<Self> {
        Some(Self {
            received: call.get("received").ok()?,
            expected: call.get("expected").ok()?,
            sent: call.get("sent").ok()?,
            lost_there: call.get("lost").ok()?,
            jitter: milliseconds(call.get("jitter-ms").ok()?),
            round_trip: call.get("round-trip-ms").ok().map(milliseconds),
        })
    }
}
