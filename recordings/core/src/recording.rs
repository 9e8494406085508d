//! What a recording is, as the catalogue keeps it and as the protocol shows it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Digest, RecordingId, RecordingLayout, RegionName};

/// How far a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Asked for; nothing is recorded yet.
    Starting,
    /// It runs, and can be played as far as it is.
    Recording,
    /// It runs, and what happens is left out until it goes on.
    Paused,
    /// The meeting is recorded; the regions do not have all of it yet.
    Finishing,
    /// Every region has all of it.
    Ready,
    /// It can be played, but a region is still behind.
    Degraded,
    /// It could not be recorded; the message says why.
    Failed,
}

impl RecordingState {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Recording,
        Self::Paused,
        Self::Finishing,
        Self::Ready,
        Self::Degraded,
        Self::Failed,
    ];

    /// One word for it, as the protocol has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Recording => "recording",
            Self::Paused => "paused",
            Self::Finishing => "finishing",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }

    /// The state of a recording that has ended, from its copies. As long as no region has all of it, it is finishing:
    /// the rest is in the spool.
    #[must_use]
    pub fn of_ended(copies: &[Copy]) -> Self {
        let complete = copies.iter().filter(|copy| copy.state == CopyState::Complete).count();
        match complete {
            0 => Self::Finishing,
            all if all == copies.len() => Self::Ready,
            _ => Self::Degraded,
        }
    }
}

/// How far one region's copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// The recording runs and the region follows.
    Writing,
    /// The region has all of it.
    Complete,
    /// The recording has ended, or the region failed; what is missing is in the spool.
    Behind,
    /// To be deleted; the region has not confirmed it.
    Deleting,
    /// Nothing is left.
    Deleted,
}

impl CopyState {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Writing, Self::Complete, Self::Behind, Self::Deleting, Self::Deleted];

    /// One word for it, as the protocol has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Complete => "complete",
            Self::Behind => "behind",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

/// The copy in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Where.
    #[serde(rename = "name")]
    pub region: RegionName,
    /// How far.
    pub state: CopyState,
    /// The length of what can be read there.
    pub bytes: u64,
    /// Of what was read back from the region, once it is complete.
    pub sha256: Option<Digest>,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Which.
    pub id: RecordingId,
    /// The code of its meeting.
    pub code: String,
    /// What people call it.
    pub title: String,
    /// What of the meeting is in it.
    #[serde(default)]
    pub layout: RecordingLayout,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// How long it is by now.
    pub duration_ms: u64,
    /// How large it is by now.
    pub bytes: u64,
    /// How far it is.
    pub state: RecordingState,
    /// Why it failed, or what is still missing.
    pub message: Option<String>,
    /// When it is deleted by itself; never when there is none.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub keep_until: Option<OffsetDateTime>,
    /// Its copies.
    pub regions: Vec<Copy>,
}

/// What is said of a recording whose process died: it has no duration and no index in it.
const CUT_OFF: &str = "The recording was cut off; what there is of it can be played.";

impl Recording {
    /// One that was found in the spool and that nobody knows: it was begun while the catalogue could not be written. The spool knows its layout.
    #[must_use]
    pub fn recovered(id: RecordingId, layout: RecordingLayout, now: OffsetDateTime) -> Self {
        Self {
            id,
            code: String::new(),
            title: "A recovered recording".into(),
            layout,
            started: now,
            duration_ms: 0,
            bytes: 0,
            state: RecordingState::Finishing,
            message: None,
            keep_until: None,
            regions: Vec::new(),
        }
    }

    /// The recording has ended, and this is where its copies are. Its state and its message follow from them; that it was cut off is not
    /// forgotten.
    pub fn settle(&mut self, copies: Vec<Copy>) {
        let cut_off = self.message.as_deref().is_some_and(|message| message.starts_with(CUT_OFF));
        self.state = RecordingState::of_ended(&copies);
        self.message = match (cut_off, what_is_behind(&copies)) {
            (false, behind) => behind,
            (true, None) => Some(CUT_OFF.to_owned()),
            (true, Some(behind)) => Some(format!("{CUT_OFF} {behind}")),
        };
        self.regions = copies;
    }

    /// The same for a recording whose end was never written.
    pub fn settle_cut_off(&mut self, copies: Vec<Copy>) {
        self.message = Some(CUT_OFF.to_owned());
        self.settle(copies);
    }

    /// Whether it is being made just now, so that nothing is to be done about it from outside.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, RecordingState::Starting | RecordingState::Recording | RecordingState::Paused)
    }
}

/// Which regions are still to come, as a sentence; `None` when all have it.
fn what_is_behind(copies: &[Copy]) -> Option<String> {
    let behind: Vec<_> = copies
        .iter()
        .filter(|copy| copy.state != CopyState::Complete)
        .map(|copy| copy.region.as_str())
        .collect();
    match behind[..] {
        [] => None,
        [one] => Some(format!(
            "Region {one} does not have all of it yet; it follows as soon as it can be reached."
        )),
        _ => {
            let all = behind.join(", ");
            Some(format!(
                "The regions {all} do not have all of it yet; they follow as soon as they can be reached."
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_reads_as_the_protocol_has_it() {
        let digest = "ab".repeat(32);
        let json = format!(
            r#"{{"id":"00000000-0000-0000-0000-000000000001","code":"123456789","title":"Talk","layout":"beside","started":"2026-01-31T10:00:00Z","duration_ms":61000,"bytes":123456,"state":"ready","message":null,"keep_until":null,"regions":[{{"name":"a","state":"complete","bytes":123456,"sha256":"{digest}"}}]}}"#
        );
        let recording: Recording = serde_json::from_str(&json).expect("the protocol's own example");
        assert_eq!(serde_json::to_string(&recording).expect("it can be written"), json);
        assert_eq!(recording.regions[0].sha256.map(|d| d.to_string()), Some(digest));
    }

    #[test]
    fn ended_recordings_are_ready_when_all_copies_are() {
        let copy =
            |state| Copy { region: RegionName::new("a").expect("a name"), state, bytes: 1, sha256: None };
        let state = |states: &[CopyState]| {
            RecordingState::of_ended(&states.iter().map(|&state| copy(state)).collect::<Vec<_>>())
        };
        assert_eq!(state(&[CopyState::Complete, CopyState::Complete]), RecordingState::Ready);
        assert_eq!(state(&[CopyState::Complete, CopyState::Behind]), RecordingState::Degraded);
        assert_eq!(state(&[CopyState::Behind, CopyState::Behind]), RecordingState::Finishing);
        assert_eq!(state(&[]), RecordingState::Finishing);
    }
}
