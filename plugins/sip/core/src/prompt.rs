//! What the telephone says. The words themselves are the shell's, which has them in several languages.

/// A prompt; its name is that of its file, without the ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prompt {
    /// Enter the code.
    EnterCode,
    /// There is no such meeting.
    WrongCode,
    /// It was wrong too often, or nothing came.
    Goodbye,
    /// The meeting takes nobody more.
    Locked,
    /// No seat is free.
    Full,
    /// You are called into a meeting: press a key to join.
    Called,
    /// Say your name after the tone.
    SayName,
    /// The tone.
    Tone,
    /// You are in.
    Joined,
    /// What is said after a caller's own name, to those who are there.
    HasJoined,
    /// What is said before the names of those who are there by telephone.
    Names,
    /// What the keys do in a meeting.
    Keys,
    /// And that there are more for whoever has the PIN.
    KeysPin,
    /// Enter the organiser's PIN.
    EnterPin,
    /// Wrong.
    WrongPin,
    /// Right: this is what the keys do.
    Organiser,
    /// You are muted.
    Muted,
    /// You are heard.
    Unmuted,
    /// Your hand is up.
    HandUp,
    /// And down.
    HandDown,
    /// The others are louder now.
    Louder,
    /// And quieter.
    Quieter,
    /// They do not get louder than this.
    Loudest,
    /// Nor quieter.
    Quietest,
    /// The organiser has muted all.
    AllMuted,
    /// The meeting is locked.
    MeetingLocked,
    /// And open.
    MeetingUnlocked,
    /// The meeting is recorded.
    Recording,
    /// No longer.
    RecordingStopped,
    /// The meeting is over.
    MeetingOver,
    /// So many are here, from 1 to [`COUNT_MAX`]; with one more, more than that.
    Count(u8),
    /// So many of them by browser, in the same way.
    Browsers(u8),
}

/// Up to so many are counted.
pub const COUNT_MAX: u8 = 20;

impl Prompt {
    const PLAIN: [(Self, &'static str); 30] = [
        (Self::EnterCode, "enter-code"),
        (Self::WrongCode, "wrong-code"),
        (Self::Goodbye, "goodbye"),
        (Self::Locked, "locked"),
        (Self::Full, "full"),
        (Self::Called, "called"),
        (Self::SayName, "say-name"),
        (Self::Tone, "tone"),
        (Self::HasJoined, "has-joined"),
        (Self::Names, "names"),
        (Self::Joined, "joined"),
        (Self::Keys, "keys"),
        (Self::KeysPin, "keys-pin"),
        (Self::EnterPin, "enter-pin"),
        (Self::WrongPin, "wrong-pin"),
        (Self::Organiser, "organiser"),
        (Self::Muted, "muted"),
        (Self::Unmuted, "unmuted"),
        (Self::HandUp, "hand-up"),
        (Self::HandDown, "hand-down"),
        (Self::Louder, "louder"),
        (Self::Quieter, "quieter"),
        (Self::Loudest, "loudest"),
        (Self::Quietest, "quietest"),
        (Self::AllMuted, "all-muted"),
        (Self::MeetingLocked, "meeting-locked"),
        (Self::MeetingUnlocked, "meeting-unlocked"),
        (Self::Recording, "recording"),
        (Self::RecordingStopped, "recording-stopped"),
        (Self::MeetingOver, "meeting-over"),
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = Self::PLAIN.iter().map(|(prompt, _)| *prompt);
        let counts = (1..=COUNT_MAX + 1).flat_map(|count| [Self::Count(count), Self::Browsers(count)]);
        plain.chain(counts)
    }

    /// `enter-code`, `count-7`.
    pub fn name(self) -> String {
        match self {
            Self::Count(count) if count <= COUNT_MAX => format!("count-{count}"),
            Self::Count(_) => "count-many".to_owned(),
            Self::Browsers(count) if count <= COUNT_MAX => format!("browsers-{count}"),
            Self::Browsers(_) => "browsers-many".to_owned(),
            plain => {
                let name = Self::PLAIN.iter().find(|(prompt, _)| *prompt == plain);
                name.expect("all but counts are in the list").1.to_owned()
            }
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|prompt| prompt.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for prompt in Prompt::all() {
            assert_eq!(Prompt::named(&prompt.name()), Some(prompt));
        }
        assert_eq!(Prompt::all().count(), 72);
        assert_eq!(Prompt::named("count-0"), None);
    }
}
