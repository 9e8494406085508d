//! Calls that the host has the meeting make, to whom the operator lets them be made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{Meeting, Message, Now, Order, ParticipantId, Role, error, tell};
use crate::DisplayName;
use crate::rate::{Allowance, Rate};

/// The longest number: E.164 has 15 digits, and some networks put some before it.
pub const NUMBER_DIGITS_MAX: usize = 20;

/// Calls of a meeting that nobody has joined by yet, and those that came to nothing and are still shown.
pub const CALL_OUTS_MAX: usize = 10;

/// Calls cost money, and ring at somebody's.
const CALLS: Rate = Rate { burst: 10, every: Duration::from_secs(30) };

/// A call's number in the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CallOutId(pub u32);

/// A telephone number: digits, and maybe a plus before them.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// What is typed is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A telephone number has 1 to {NUMBER_DIGITS_MAX} digits, maybe after a plus, as +49 30 123456.")]
pub struct NumberError;

impl PhoneNumber {
    /// Takes it as people write it: spaces, dashes, dots, slashes and brackets are only for the eye.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
        let is_for_the_eye = |c: char| matches!(c, ' ' | '-' | '.' | '/' | '(' | ')');
        if !rest.chars().all(|c| c.is_ascii_digit() || is_for_the_eye(c)) {
            return Err(NumberError);
        }
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        match digits.len() {
            1..=NUMBER_DIGITS_MAX => Ok(Self(format!("{plus}{digits}"))),
            _ => Err(NumberError),
        }
    }

    /// As a trunk is told it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

/// Which numbers the operator lets meetings call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutRules {
    prefixes: Vec<String>,
}

impl CallOutRules {
    /// Those that begin with any of these: a plus, digits, or both. The error is the one that is none.
    pub fn new(prefixes: &[String]) -> Result<Self, String> {
        let is_prefix = |text: &&String| {
            let digits = text.strip_prefix('+').unwrap_or(text);
            !text.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        match prefixes.iter().find(|text| !is_prefix(text)) {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Self { prefixes: prefixes.to_vec() }),
        }
    }

    fn permit(&self, number: &PhoneNumber) -> bool {
        self.prefixes.iter().any(|prefix| number.0.starts_with(prefix.as_str()))
    }
}

/// Why nobody has joined by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFailure {
    /// The line is engaged.
    Busy,
    /// Who was called does not want to.
    Declined,
    /// Nobody came to the telephone.
    NoAnswer,
    /// There is no such number, or it is not connected now.
    Unknown,
    /// The trunk does not let us.
    Forbidden,
    /// Somebody or a mailbox answered, and did not press the key.
    NotJoined,
    /// Something else is in the way.
    Failed,
}

impl CallFailure {
    fn sentence(self) -> &'static str {
        match self {
            Self::Busy => "The line is busy.",
            Self::Declined => "They declined.",
            Self::NoAnswer => "Nobody answered.",
            Self::Unknown => "There is no such number, or it cannot be reached now.",
            Self::Forbidden => "The telephone provider does not let this server call that number.",
            Self::NotJoined => "Somebody or a mailbox answered, and did not join.",
            Self::Failed => "The telephone provider cannot be reached, or had a fault.",
        }
    }
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutState {
    /// Nothing has been heard yet.
    Calling,
    /// It rings.
    Ringing,
    /// Somebody or a mailbox has answered, and is asked to press a key.
    Answered,
    /// It came to nothing.
    Failed(CallFailure),
}

/// A call, as hosts are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallOut {
    /// Which.
    pub id: CallOutId,
    /// To whom.
    pub number: PhoneNumber,
    /// What the host calls them.
    pub name: Option<DisplayName>,
    /// `calling`, `ringing`, `answered` or `failed`.
    pub state: &'static str,
    /// Why it failed, in a sentence.
    pub message: Option<&'static str>,
}

#[derive(Debug)]
struct Entry {
    number: PhoneNumber,
    name: Option<DisplayName>,
    state: CallOutState,
}

/// All calls of a meeting.
#[derive(Debug)]
pub(super) struct CallOuts {
    rules: Option<CallOutRules>,
    calls: BTreeMap<CallOutId, Entry>,
    last: u32,
    allowance: Allowance,
}

impl CallOuts {
    pub(super) fn new(rules: Option<CallOutRules>) -> Self {
        Self { rules, calls: BTreeMap::new(), last: 0, allowance: Allowance::new(CALLS) }
    }

    fn told(&self) -> Message {
        let call = |(id, entry): (&CallOutId, &Entry)| {
            let (state, message) = match entry.state {
                CallOutState::Calling => ("calling", None),
                CallOutState::Ringing => ("ringing", None),
                CallOutState::Answered => ("answered", None),
                CallOutState::Failed(why) => ("failed", Some(why.sentence())),
            };
            CallOut { id: *id, number: entry.number.clone(), name: entry.name.clone(), state, message }
        };
        Message::CallOuts { calls: self.calls.iter().map(call).collect() }
    }

    /// What came to nothing makes room, the oldest first.
    fn has_room(&mut self) -> bool {
        let is_over = |entry: &Entry| matches!(entry.state, CallOutState::Failed(_));
        let over = self.calls.iter().find(|(_, entry)| is_over(entry)).map(|(id, _)| *id);
        if CALL_OUTS_MAX <= self.calls.len()
            && let Some(id) = over
        {
            self.calls.remove(&id);
        }
        self.calls.len() < CALL_OUTS_MAX
    }
}

impl Meeting {
    /// The same, and the host may have numbers called that these rules permit.
    #[must_use]
    pub fn with_call_out(self, rules: Option<CallOutRules>) -> Self {
        Self { call_outs: CallOuts::new(rules), ..self }
    }

    pub(super) fn call_out(
        &mut self,
        by: ParticipantId,
        number: PhoneNumber,
        name: Option<DisplayName>,
        now: Now,
    ) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can have somebody called.")];
        }
        let Some(rules) = &self.call_outs.rules else {
            return vec![error(by, "Nobody can be called, as this server has no telephone provider.")];
        };
        if !rules.permit(&number) {
            return vec![error(
                by,
                "This server does not call that number. Its operator says which ones it does.",
            )];
        }
        if !self.call_outs.has_room() {
            let message = format!("{CALL_OUTS_MAX} calls are under way already; wait for one of them.");
            return vec![error(by, message)];
        }
        if let Err(wait) = self.call_outs.allowance.take(now.elapsed) {
            let seconds = wait.as_secs().max(1);
            return vec![error(by, format!("Too many were called; try again in {seconds} s."))];
        }
        self.call_outs.last += 1;
        let id = CallOutId(self.call_outs.last);
        let entry = Entry { number: number.clone(), name, state: CallOutState::Calling };
        self.call_outs.calls.insert(id, entry);
        let mut orders = self.tell_hosts_of_calls();
        orders.push(Order::CallOut(id, number));
        orders
    }

    /// The host takes a call back, or has seen that it came to nothing.
    pub(super) fn call_out_stop(&mut self, by: ParticipantId, id: CallOutId) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can end calls.")];
        }
        // Somebody may have joined by it just now.
        let Some(entry) = self.call_outs.calls.remove(&id) else { return Vec::new() };
        let mut orders = self.tell_hosts_of_calls();
        if !matches!(entry.state, CallOutState::Failed(_)) {
            orders.push(Order::CancelCallOut(id));
        }
        orders
    }

    pub(super) fn call_out_changed(&mut self, id: CallOutId, state: CallOutState) -> Vec<Order> {
        let Some(entry) = self.call_outs.calls.get_mut(&id) else { return Vec::new() };
        entry.state = state;
        self.tell_hosts_of_calls()
    }

    /// Somebody joins by a call. Returns how the host calls them, if it is still wanted.
    pub(super) fn joined_by(&mut self, id: CallOutId) -> Option<Option<DisplayName>> {
        self.call_outs.calls.remove(&id).map(|entry| entry.name)
    }

    pub(super) fn tell_hosts_of_calls(&self) -> Vec<Order> {
        let hosts = self.present.iter().filter(|(_, seat)| seat.role == Role::Host);
        hosts.map(|(id, _)| tell(*id, self.call_outs.told())).collect()
    }

    /// A host who comes, or comes back, sees what is under way.
    pub(super) fn tell_new_host_of_calls(&self, id: ParticipantId) -> Option<Order> {
        let is_told = self.is_host(id) && !self.call_outs.calls.is_empty();
        is_told.then(|| tell(id, self.call_outs.told()))
    }

    /// The meeting is over: nobody is called into it any longer.
    pub(super) fn cancel_call_outs(&mut self) -> Vec<Order> {
        let calls = std::mem::take(&mut self.call_outs.calls);
        let is_under_way = |entry: &Entry| !matches!(entry.state, CallOutState::Failed(_));
        let under_way = calls.iter().filter(|(_, entry)| is_under_way(entry));
        under_way.map(|(id, _)| Order::CancelCallOut(*id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_people_write_them() {
        for (text, read) in [
            (" +49 (30) 123-45.67 ", Some("+49301234567")),
            ("030/12", Some("03012")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("123456789012345678901", None),
            ("", None),
            ("+", None),
            ("12+3", None),
            ("sip:ann@example.org", None),
            ("٣", None),
        ] {
            assert_eq!(PhoneNumber::parse(text).ok().as_ref().map(PhoneNumber::as_str), read, "{text}");
        }
        assert_eq!(format!("{:?}", PhoneNumber::parse("110")), "Ok(REDACTED)");
    }

    #[test]
    fn rules_are_beginnings_of_numbers() {
        let rules = |prefixes: &[&str]| {
            CallOutRules::new(&prefixes.iter().map(|prefix| (*prefix).to_owned()).collect::<Vec<_>>())
        };
        let number = |text: &str| PhoneNumber::parse(text).unwrap();
        let permitted = rules(&["+49", "0800", "42"]).unwrap();
        for (text, is_permitted) in [
            ("+49 30 1", true),
            ("+44 20 1", false),
            ("4930", false),
            ("08001", true),
            ("42", true),
            ("4", false),
        ] {
            assert_eq!(permitted.permit(&number(text)), is_permitted, "{text}");
        }
        assert!(!rules(&[]).unwrap().permit(&number("1")), "what is not permitted is forbidden");
        assert!(rules(&["+"]).unwrap().permit(&number("+1")));
        for wrong in ["", "++", "a", "49*", "sip:"] {
            assert_eq!(rules(&["+49", wrong]), Err(wrong.to_owned()));
        }
    }
}
