//! Between rows and the types of recordings.

use convene_recordings::{Copy, CopyState, Recording, RecordingId, RecordingLayout, RecordingState};
use diesel::prelude::*;
use time::OffsetDateTime;

use crate::StoreError;
use crate::schema::{copies, recordings};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = recordings)]
pub struct RecordingRow {
    pub id: String,
    pub code: String,
    pub title: String,
    pub started: i64,
    pub duration_ms: i64,
    pub bytes: i64,
    pub state: String,
    pub message: Option<String>,
    pub keep_until: Option<i64>,
    pub layout: String,
}

/// What making a recording changes about it. What people say about it is theirs.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = recordings, treat_none_as_null = true)]
pub struct ProgressRow {
    duration_ms: i64,
    bytes: i64,
    state: String,
    message: Option<String>,
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = copies)]
pub struct CopyRow {
    pub recording: String,
    pub region: String,
    pub place: i32,
    pub state: String,
    pub bytes: i64,
    pub sha256: Option<String>,
}

impl RecordingRow {
    pub fn of(recording: &Recording) -> Self {
        Self {
            id: recording.id.to_string(),
            code: recording.code.clone(),
            title: recording.title.clone(),
            started: micros(recording.started),
            duration_ms: signed(recording.duration_ms),
            bytes: signed(recording.bytes),
            state: recording.state.word().to_owned(),
            message: recording.message.clone(),
            keep_until: recording.keep_until.map(micros),
            layout: recording.layout.word().to_owned(),
        }
    }

    pub fn recording(self, copies: Vec<CopyRow>) -> Result<Recording, StoreError> {
        Ok(Recording {
            id: recording_id(&self.id)?,
            started: date(self.started)?,
            duration_ms: unsigned(self.duration_ms),
            bytes: unsigned(self.bytes),
            state: parse_recording_state(&self.state)?,
            layout: parse_layout(&self.layout)?,
            regions: copies.into_iter().map(CopyRow::copy).collect::<Result<_, _>>()?,
            code: self.code,
            title: self.title,
            message: self.message,
            keep_until: self.keep_until.map(date).transpose()?,
        })
    }
}

impl ProgressRow {
    pub fn of(recording: &Recording) -> Self {
        let RecordingRow { duration_ms, bytes, state, message, .. } = RecordingRow::of(recording);
        Self { duration_ms, bytes, state, message }
    }
}

impl CopyRow {
    pub fn all_of(recording: &Recording) -> Vec<Self> {
        let row = |(place, copy): (i32, &Copy)| Self {
            recording: recording.id.to_string(),
            region: copy.region.to_string(),
            place,
            state: copy.state.word().to_owned(),
            bytes: signed(copy.bytes),
            sha256: copy.sha256.map(|digest| digest.to_string()),
        };
        (0..).zip(&recording.regions).map(row).collect()
    }

    fn copy(self) -> Result<Copy, StoreError> {
        let unknown = |what, value: &str| StoreError::Unknown { what, value: value.to_owned() };
        Ok(Copy {
            region: self.region.parse().map_err(|_| unknown("a region's name", &self.region))?,
            state: CopyState::ALL
                .into_iter()
                .find(|state| state.word() == self.state)
                .ok_or_else(|| unknown("a copy's state", &self.state))?,
            bytes: unsigned(self.bytes),
            sha256: match &self.sha256 {
                Some(text) => Some(text.parse().map_err(|_| unknown("a digest", text))?),
                None => None,
            },
        })
    }
}

pub fn recording_id(text: &str) -> Result<RecordingId, StoreError> {
    text.parse().map_err(|_| StoreError::Unknown { what: "a recording's id", value: text.to_owned() })
}

pub fn parse_recording_state(text: &str) -> Result<RecordingState, StoreError> {
    let found = RecordingState::ALL.into_iter().find(|state| state.word() == text);
    found.ok_or_else(|| StoreError::Unknown { what: "a recording's state", value: text.to_owned() })
}

fn parse_layout(text: &str) -> Result<RecordingLayout, StoreError> {
    let found = RecordingLayout::ALL.into_iter().find(|layout| layout.word() == text);
    found.ok_or_else(|| StoreError::Unknown { what: "a recording's layout", value: text.to_owned() })
}

/// Microseconds since 1970; the year 10,000 fits many times.
pub fn micros(date: OffsetDateTime) -> i64 {
    i64::try_from(date.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn date(micros: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|_| StoreError::Unknown { what: "a time", value: micros.to_string() })
}

/// SQLite's integers are signed; nothing of ours comes near 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
