//! What voices are sent as.

/// A codec that the mixer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// Wide band; RFC 3551 has its clock at 8000 by an old mistake.
    G722,
    /// G.711, North America.
    Pcmu,
    /// G.711, elsewhere.
    Pcma,
}

impl Codec {
    /// All, the best first.
    pub const ALL: [Self; 4] = [Self::Opus, Self::G722, Self::Pcmu, Self::Pcma];

    /// As SDP and caps have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opus => "OPUS",
            Self::G722 => "G722",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Of timestamps.
    pub fn clock_rate(self) -> u32 {
        if self == Self::Opus { 48_000 } else { 8000 }
    }

    /// RFC 3551's number, where there is one.
    pub fn fixed_payload_type(self) -> Option<u8> {
        match self {
            Self::Opus => None,
            Self::G722 => Some(9),
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
        }
    }

    /// With the clock rate and, for Opus, the channels that RFC 7587 always says.
    pub fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::G722 => "G722/8000",
            Self::Pcmu => "PCMU/8000",
            Self::Pcma => "PCMA/8000",
        }
    }
}
