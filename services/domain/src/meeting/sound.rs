//! How well each participant's sound comes in, which hosts are told, so that they can tell a bad line from a bad microphone.

use std::time::Duration;

use serde::Serialize;

use super::{Meeting, Message, Order, ParticipantId, Role, tell};

/// ITU-T G.114: up to so long hardly anybody notices.
const DELAY_GOOD_MAX: Duration = Duration::from_millis(150);
/// Beyond this, says G.114, people begin to speak at the same time.
const DELAY_FAIR_MAX: Duration = Duration::from_millis(400);
/// Thousandths of all packets: what Opus mends without being noticed.
const LOST_GOOD_MAX: u32 = 10;
/// From here on words are lost.
const LOST_FAIR_MAX: u32 = 50;

/// What came of one voice since it was looked at last, and how it stands now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoundFigures {
    /// Packets that should have come.
    pub expected: u64,
    /// Of these, those that did not.
    pub missing: u64,
    /// Those that came too late to be played.
    pub late: u64,
    /// Frames of 20 ms that went into the mix; none of somebody who says nothing.
    pub played: u64,
    /// Of these, those that were made up.
    pub concealed: u64,
    /// How unevenly packets come (RFC 3550, section 6.4.1).
    pub jitter: Duration,
    /// How long they wait until they are mixed.
    pub buffer: Duration,
    /// To the participant and back, where it is known.
    pub round_trip: Option<Duration>,
    /// About how long it takes from their mouth to what leaves the mix.
    pub mouth_to_ear: Duration,
    /// In dBov: 0 is full scale, -127 silence.
    pub level: i32,
}

/// What a host makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundQuality {
    /// As if in the same room.
    Good,
    /// Understood, with some effort.
    Fair,
    /// Words are lost, or come so late that people interrupt each other.
    Poor,
}

impl SoundQuality {
    /// As programs are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
        }
    }
}

/// As hosts are told of one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SoundView {
    id: ParticipantId,
    quality: SoundQuality,
    lost_permille: u32,
    concealed_permille: u32,
    jitter_ms: u64,
    buffer_ms: u64,
    round_trip_ms: Option<u64>,
    mouth_to_ear_ms: u64,
    level_dbov: i32,
}

impl SoundFigures {
    /// The worst of what is lost, made up, and waited for.
    pub fn quality(&self) -> SoundQuality {
        let lost = judge(self.lost().max(self.concealed()), LOST_GOOD_MAX, LOST_FAIR_MAX);
        lost.max(judge(self.mouth_to_ear, DELAY_GOOD_MAX, DELAY_FAIR_MAX))
    }

    /// Thousandths of the packets.
    fn lost(&self) -> u32 {
        permille(self.missing + self.late, self.expected)
    }

    /// Thousandths of the frames.
    fn concealed(&self) -> u32 {
        permille(self.concealed, self.played)
    }

    fn view(&self, id: ParticipantId) -> SoundView {
        let millis = |time: Duration| time.as_millis() as u64;
        SoundView {
            id,
            quality: self.quality(),
            lost_permille: self.lost(),
            concealed_permille: self.concealed(),
            jitter_ms: millis(self.jitter),
            buffer_ms: millis(self.buffer),
            round_trip_ms: self.round_trip.map(millis),
            mouth_to_ear_ms: millis(self.mouth_to_ear),
            level_dbov: self.level,
        }
    }
}

fn judge<T: PartialOrd>(value: T, good_max: T, fair_max: T) -> SoundQuality {
    if value <= good_max {
        SoundQuality::Good
    } else if value <= fair_max {
        SoundQuality::Fair
    } else {
        SoundQuality::Poor
    }
}

fn permille(part: u64, whole: u64) -> u32 {
    (part * 1000).checked_div(whole).unwrap_or(0).min(1000) as u32
}

impl Meeting {
    /// How the voices of those stand of whom anything came. Nobody but hosts is told.
    pub(super) fn sound(&self, figures: &[(ParticipantId, SoundFigures)]) -> Vec<Order> {
        let is_listed = |id: &ParticipantId| self.participant(*id).is_some();
        let listed = figures.iter().filter(|(id, _)| is_listed(id));
        let participants: Vec<SoundView> = listed.map(|(id, figures)| figures.view(*id)).collect();
        let hosts = self.present.iter().filter(|(_, seat)| seat.role == Role::Host);
        hosts.map(|(id, _)| tell(*id, Message::Sound { participants: participants.clone() })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERFECT: SoundFigures = SoundFigures {
        expected: 1000,
        missing: 0,
        late: 0,
        played: 500,
        concealed: 0,
        jitter: Duration::ZERO,
        buffer: Duration::from_millis(25),
        round_trip: None,
        mouth_to_ear: Duration::from_millis(45),
        level: -20,
    };

    #[test]
    fn the_worst_figure_judges() {
        let delayed = |millis| SoundFigures { mouth_to_ear: Duration::from_millis(millis), ..PERFECT };
        for (figures, quality) in [
            (PERFECT, SoundQuality::Good),
            (SoundFigures { expected: 0, played: 0, ..PERFECT }, SoundQuality::Good),
            (SoundFigures { missing: 6, late: 4, ..PERFECT }, SoundQuality::Good),
            (SoundFigures { missing: 6, late: 5, ..PERFECT }, SoundQuality::Fair),
            (SoundFigures { missing: 51, ..PERFECT }, SoundQuality::Poor),
            (SoundFigures { concealed: 6, ..PERFECT }, SoundQuality::Fair),
            (SoundFigures { concealed: 26, ..PERFECT }, SoundQuality::Poor),
            (delayed(150), SoundQuality::Good),
            (delayed(151), SoundQuality::Fair),
            (SoundFigures { missing: 51, ..delayed(151) }, SoundQuality::Poor),
            (delayed(401), SoundQuality::Poor),
        ] {
            assert_eq!(figures.quality(), quality, "{figures:?}");
        }
    }

    #[test]
    fn it_reads_as_the_protocol_has_it() {
        let figures = SoundFigures {
            missing: 21,
            concealed: 8,
            round_trip: Some(Duration::from_millis(80)),
            ..PERFECT
        };
        let participants = vec![figures.view(ParticipantId(4)), PERFECT.view(ParticipantId(5))];
        assert_eq!(
            serde_json::to_string(&Message::Sound { participants }).unwrap(),
            r#"{"type":"sound","participants":[{"id":4,"quality":"fair","lost_permille":21,"concealed_permille":16,"jitter_ms":0,"buffer_ms":25,"round_trip_ms":80,"mouth_to_ear_ms":45,"level_dbov":-20},{"id":5,"quality":"good","lost_permille":0,"concealed_permille":0,"jitter_ms":0,"buffer_ms":25,"round_trip_ms":null,"mouth_to_ear_ms":45,"level_dbov":-20}]}"#
        );
    }
}
