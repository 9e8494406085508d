//! Why a call of ours came to nothing, in a word for each of the reasons that people know.

/// Why nobody was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The line is engaged.
    Busy,
    /// The call was refused by who was called.
    Declined,
    /// It rang, and nobody came.
    NoAnswer,
    /// The telephone is switched off, or its owner does not want to be called now.
    Unavailable,
    /// There is no such number.
    Unknown,
    /// The trunk does not let us call there, or does not know us.
    Forbidden,
    /// The other end cannot be connected to, or does not speak.
    Unreachable,
    /// No codec or no encryption that both have.
    NoSound,
    /// Somebody or something answered, and did not press the key that leads into the meeting.
    NotJoined,
    /// We have ended it before.
    Cancelled,
    /// Something else.
    Failed,
}

impl Failure {
    /// Of the status of a final answer (RFC 3261, section 21).
    pub fn of_status(status: u16) -> Self {
        match status {
            486 | 600 => Self::Busy,
            603 | 607 => Self::Declined,
            408 | 487 => Self::NoAnswer,
            480 => Self::Unavailable,
            404 | 410 | 484 | 485 | 604 => Self::Unknown,
            401..=403 | 407 => Self::Forbidden,
            415 | 488 | 606 => Self::NoSound,
            503 | 504 => Self::Unreachable,
            _ => Self::Failed,
        }
    }

    /// As applications are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no-answer",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::NoSound => "no-sound",
            Self::NotJoined => "not-joined",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}
