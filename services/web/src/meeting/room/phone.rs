//! What telephones say and are told, in the words of the domain and of `sipbridge`.

use std::collections::VecDeque;

use convene_domain::{
    Announcement, CallFailure, CallOutId, CallOutState, DisplayName, Input, Key, NAME_CHARACTERS_MAX, Order,
};
use convene_pipelines::{CallProgress, PhoneKey};
use convene_recordings::RecordingId;
use tracing::warn;
use uuid::Uuid;

use super::Room;

impl Room {
    /// A call that the meeting makes gets on, or comes to nothing.
    pub(super) async fn call_out_progress(&mut self, call: u64, progress: &CallProgress) {
        let Some(id) = self.talk.call_out_of(call) else { return };
        let state = match progress {
            CallProgress::Ringing => CallOutState::Ringing,
            CallProgress::Answered => CallOutState::Answered,
            CallProgress::Failed(why) => {
                self.talk.forget_call_out(call);
                CallOutState::Failed(failure(why))
            }
        };
        self.handle(Input::CallOutChanged(id, state)).await;
    }

    /// What the domain wants of telephones; nothing else comes here.
    pub(super) async fn carry_out_by_telephone(&mut self, order: Order, inputs: &mut VecDeque<Input>) {
        match order {
            Order::PutThrough(id) => {
                let name = self.meeting.name(id).cloned();
                if let Err(error) = self.talk.put_through(id, name.as_ref()).await {
                    warn!(meeting = self.number, participant = id.0, %error, "a caller is not put through");
                    inputs.push_back(Input::Leave(id));
                }
            }
            Order::Announce(id, announcement) => self.talk.announce(id, &prompt(announcement)),
            Order::Turn(id, decibels) => self.talk.turn(id, decibels),
            Order::CallOut(id, number) => {
                let is_called = self.talk.call_out(id, &number);
                inputs.extend((!is_called).then(|| failed(id)));
            }
            Order::CancelCallOut(id) => self.talk.cancel_call_out(id),
            Order::Lock(locked) => self.talk.lock(locked),
            _ => {}
        }
    }
}

/// There is nothing to call with.
pub(super) fn failed(id: CallOutId) -> Input {
    Input::CallOutChanged(id, CallOutState::Failed(CallFailure::Failed))
}

/// The words of `sipbridge`.
fn failure(why: &str) -> CallFailure {
    match why {
        "busy" => CallFailure::Busy,
        "declined" => CallFailure::Declined,
        "no-answer" | "unavailable" => CallFailure::NoAnswer,
        "unknown" => CallFailure::Unknown,
        "forbidden" => CallFailure::Forbidden,
        "not-joined" => CallFailure::NotJoined,
        _ => CallFailure::Failed,
    }
}

/// As the telephone says it, if a roster can show it.
pub(super) fn caller_name(name: &str) -> DisplayName {
    let shown = name.chars().filter(|character| !character.is_control()).take(NAME_CHARACTERS_MAX).collect();
    let unnamed = || DisplayName::parse("Telephone".into()).expect("a word is a name");
    DisplayName::parse(shown).unwrap_or_else(|_| unnamed())
}

pub(super) fn asked(key: PhoneKey) -> Key {
    match key {
        PhoneKey::Mute => Key::Mute,
        PhoneKey::Hand => Key::Hand,
        PhoneKey::Count => Key::Count,
        PhoneKey::Louder => Key::Louder,
        PhoneKey::Quieter => Key::Quieter,
        PhoneKey::MuteAll => Key::MuteAll,
        PhoneKey::Lock => Key::Lock,
        PhoneKey::Record => Key::Record(RecordingId::new(Uuid::new_v4())),
        PhoneKey::End => Key::End,
    }
}

/// Up to so many people are counted by name.
const COUNTED_MAX: usize = 20;

/// As `sipbridge` calls it.
fn prompt(announcement: Announcement) -> String {
    let word = match announcement {
        Announcement::Muted => "muted",
        Announcement::Unmuted => "unmuted",
        Announcement::HandUp => "hand-up",
        Announcement::HandDown => "hand-down",
        Announcement::Louder => "louder",
        Announcement::Quieter => "quieter",
        Announcement::Loudest => "loudest",
        Announcement::Quietest => "quietest",
        Announcement::AllMuted => "all-muted",
        Announcement::Locked => "meeting-locked",
        Announcement::Unlocked => "meeting-unlocked",
        Announcement::Recording => "recording",
        Announcement::RecordingStopped => "recording-stopped",
        Announcement::Count(people @ 1..=COUNTED_MAX) => return format!("count-{people}"),
        Announcement::Count(_) => "count-many",
        Announcement::Names => "names",
        Announcement::Browsers(people @ 1..=COUNTED_MAX) => return format!("browsers-{people}"),
        Announcement::Browsers(_) => "browsers-many",
    };
    word.to_owned()
}
