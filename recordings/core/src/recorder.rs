//! The line protocol between the service and a recording process: one job in, events out, each one line of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Copy, RecordingId, RegionName, Secret, StoreConfig};

/// What a recording process is told, as one line on its standard input; [`RecorderOrder`]s may follow. Closing that input ends the recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderJob {
    /// Which recording this is.
    pub id: RecordingId,
    /// The code of the meeting.
    pub code: String,
    /// What of the meeting is shown.
    #[serde(default)]
    pub layout: RecordingLayout,
    /// What is written where neither a screen nor a face is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How loud speech is to be; without one, as loud as it was spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Lufs>,
    /// The server to join, such as `https://127.0.0.1:8443`.
    pub server: String,
    /// The recorder's token, which makes it an unlisted receiver.
    pub token: Secret,
    /// The folder on local disk that holds what the regions do not have yet.
    pub spool: PathBuf,
    /// The regions, nearest first.
    pub stores: Vec<StoreConfig>,
    /// Certificates (PEM) to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// What of a meeting a recording shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingLayout {
    /// The screen with the faces beside it; the faces alone while no screen is shared.
    #[default]
    Beside,
    /// The screen alone while one is shared, and the faces otherwise.
    Screen,
    /// The faces alone while there are any, and the screen otherwise.
    Faces,
    /// What is said, without any picture.
    Sound,
    /// The same, with a track of its own for each participant besides.
    Tracks,
}

impl RecordingLayout {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Beside, Self::Screen, Self::Faces, Self::Sound, Self::Tracks];

    /// Whether there are pictures in it.
    #[must_use]
    pub fn has_pictures(self) -> bool {
        !matches!(self, Self::Sound | Self::Tracks)
    }

    /// One word for it, as the protocol and the element have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Beside => "beside",
            Self::Screen => "screen",
            Self::Faces => "faces",
            Self::Sound => "sound",
            Self::Tracks => "tracks",
        }
    }
}

/// A loudness that speech in a recording may have, in LUFS (EBU R 128): -36 to -10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Lufs(i8);

/// A number that is no loudness for speech.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{number} is no loudness for speech: it is between -36 and -10 LUFS, such as -23 as for broadcasts, or -16"
)]
pub struct LufsError {
    number: i64,
}

impl Lufs {
    const RANGE: std::ops::RangeInclusive<i64> = -36..=-10;

    /// The number.
    #[must_use]
    pub fn value(self) -> i8 {
        self.0
    }
}

impl TryFrom<i64> for Lufs {
    type Error = LufsError;

    fn try_from(number: i64) -> Result<Self, LufsError> {
        let value = i8::try_from(number).ok().filter(|_| Self::RANGE.contains(&number));
        value.map(Self).ok_or(LufsError { number })
    }
}

impl From<Lufs> for i64 {
    fn from(Lufs(value): Lufs) -> Self {
        value.into()
    }
}

/// What a recording process is told later, as one line each on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum RecorderOrder {
    /// Leave out what happens from now on.
    Pause,
    /// Go on.
    Resume,
}

/// What a recording process says, as one line each on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RecorderEvent {
    /// It has joined the meeting and records.
    Started,
    /// It leaves out what happens, as it was told to.
    Paused,
    /// It goes on.
    Resumed,
    /// It is this far.
    Progress {
        /// The length by now.
        duration_ms: u64,
        /// The bytes by now.
        bytes: u64,
    },
    /// This is how each region follows. For those who watch over the service; a recorder need not say it.
    Regions {
        /// One for each region.
        regions: Vec<RegionReport>,
    },
    /// The recording is over and the regions have what they could take.
    Finished {
        /// The length.
        duration_ms: u64,
        /// The bytes of the whole file.
        bytes: u64,
        /// The copies; one that is behind is finished later, from the spool.
        regions: Vec<Copy>,
    },
    /// It cannot go on; what is in the spool is not lost.
    Failed {
        /// Why, as a sentence.
        message: String,
    },
}

/// How one region follows, counted since the process began to bring this recording there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionReport {
    /// Which.
    #[serde(rename = "name")]
    pub region: RegionName,
    /// Blocks that it took, also those that it took again.
    pub blocks: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// Calls that failed.
    pub errors: u64,
    /// How long the oldest block that is not safe there has waited. A list is committed every few blocks, so some seconds are as it should be.
    pub lag_ms: u64,
    /// How much is not safe there.
    pub lag_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_each() {
        let lines = [
            (RecorderEvent::Started, r#"{"event":"started"}"#),
            (
                RecorderEvent::Progress { duration_ms: 1, bytes: 2 },
                r#"{"event":"progress","duration_ms":1,"bytes":2}"#,
            ),
            (
                RecorderEvent::Regions {
                    regions: vec![RegionReport {
                        region: "a".parse().expect("a name"),
                        blocks: 1,
                        bytes: 2,
                        errors: 3,
                        lag_ms: 4,
                        lag_bytes: 5,
                    }],
                },
                r#"{"event":"regions","regions":[{"name":"a","blocks":1,"bytes":2,"errors":3,"lag_ms":4,"lag_bytes":5}]}"#,
            ),
            (
                RecorderEvent::Finished { duration_ms: 1, bytes: 2, regions: vec![] },
                r#"{"event":"finished","duration_ms":1,"bytes":2,"regions":[]}"#,
            ),
            (
                RecorderEvent::Failed { message: "The disk\nis full.".into() },
                r#"{"event":"failed","message":"The disk\nis full."}"#,
            ),
        ];
        for (event, line) in lines {
            assert_eq!(serde_json::to_string(&event).expect("it can be written"), line);
            assert_eq!(serde_json::from_str::<RecorderEvent>(line).expect("our own line"), event);
        }
    }

    #[test]
    fn a_loudness_has_limits() {
        for number in [-36, -23, -10] {
            assert_eq!(Lufs::try_from(number).map(i64::from), Ok(number));
        }
        for number in [-37, -9, 0, 23, i64::MIN, i64::MAX] {
            assert_eq!(Lufs::try_from(number), Err(LufsError { number }));
        }
        let refused = serde_json::from_str::<Lufs>("0").expect_err("too loud");
        assert!(refused.to_string().starts_with("0 is no loudness for speech"), "{refused}");
    }

    #[test]
    fn a_job_reads_back_and_hides_its_token() {
        let json = r#"{"id":"00000000-0000-0000-0000-000000000001","code":"123456789","layout":"screen","title":"Budget","loudness":-16,"server":"https://127.0.0.1:8443","token":"hush","spool":"/s","stores":[{"kind":"folder","region":"a","path":"/a"},{"kind":"memory","region":"b"}]}"#;
        let job: RecorderJob = serde_json::from_str(json).expect("a job");
        assert_eq!(serde_json::to_string(&job).expect("it can be written"), json);
        assert!(!format!("{job:?}").contains("hush"));
    }
}
