//! The catalogue of recordings.

use convene_recordings::{CopyState, Recording, RecordingId, RecordingState, RegionName};
use diesel::dsl::count_star;
use diesel::prelude::*;
use time::OffsetDateTime;

use crate::rows::{CopyRow, ProgressRow, RecordingRow, micros, parse_recording_state, recording_id};
use crate::schema::{copies, recordings};
use crate::{Store, StoreError};

/// How many recordings a list has at most; the newest come first.
pub const RECORDINGS_LISTED_MAX: i64 = 10_000;

impl Store {
    /// A new recording with its copies.
    ///
    /// # Errors
    /// When it is there already or the database cannot be written.
    pub fn add_recording(&self, recording: &Recording) -> Result<(), StoreError> {
        self.connection()?.immediate_transaction(|connection| {
            diesel::insert_into(recordings::table).values(RecordingRow::of(recording)).execute(connection)?;
            diesel::insert_into(copies::table).values(CopyRow::all_of(recording)).execute(connection)?;
            Ok(())
        })
    }

    /// Writes how far a recording and its copies are; its title and how long it is kept stay as people want them. `false` when
    /// it is not there, or is being deleted: then nothing changes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_recording(&self, recording: &Recording) -> Result<bool, StoreError> {
        let id = recording.id.to_string();
        self.connection()?.immediate_transaction(|connection| {
            let kept =
                recordings::table.filter(recordings::id.eq(&id)).filter(recordings::deleting.eq(false));
            let changed = diesel::update(kept).set(ProgressRow::of(recording)).execute(connection)?;
            if changed == 0 {
                return Ok(false);
            }
            diesel::delete(copies::table.filter(copies::recording.eq(&id))).execute(connection)?;
            diesel::insert_into(copies::table).values(CopyRow::all_of(recording)).execute(connection)?;
            Ok(true)
        })
    }

    /// Calls a recording something else. `false` when it is not there, or is being deleted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rename_recording(&self, id: RecordingId, title: &str) -> Result<bool, StoreError> {
        let kept = recordings::table.find(id.to_string()).filter(recordings::deleting.eq(false));
        let update = diesel::update(kept).set(recordings::title.eq(title));
        Ok(update.execute(&mut self.connection()?)? != 0)
    }

    /// Says when a recording is to be deleted by itself; `None` is never. `false` when it is not there, or is being deleted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_recording(&self, id: RecordingId, until: Option<OffsetDateTime>) -> Result<bool, StoreError> {
        let kept = recordings::table.find(id.to_string()).filter(recordings::deleting.eq(false));
        let update = diesel::update(kept).set(recordings::keep_until.eq(until.map(micros)));
        Ok(update.execute(&mut self.connection()?)? != 0)
    }

    /// Recordings whose time has come, and that nobody deletes yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings_kept_long_enough(&self, now: OffsetDateTime) -> Result<Vec<RecordingId>, StoreError> {
        let ids: Vec<String> = recordings::table
            .filter(recordings::deleting.eq(false).and(recordings::keep_until.le(micros(now))))
            .order(recordings::id)
            .select(recordings::id)
            .load(&mut self.connection()?)?;
        ids.iter().map(|id| recording_id(id)).collect()
    }

    /// The generation that links to this recording have to be of; `None` when it is not there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn link_generation(&self, id: RecordingId) -> Result<Option<u32>, StoreError> {
        let row = recordings::table.find(id.to_string()).select(recordings::link_generation);
        let generation: Option<i32> = row.get_result(&mut self.connection()?).optional()?;
        Ok(generation.map(i32::cast_unsigned))
    }

    /// Takes back all links to a recording. `false` when it is not there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn take_links_back(&self, id: RecordingId) -> Result<bool, StoreError> {
        let row = recordings::table.find(id.to_string());
        let update = diesel::update(row).set(recordings::link_generation.eq(recordings::link_generation + 1));
        Ok(update.execute(&mut self.connection()?)? != 0)
    }

    /// All recordings, the newest first, at most [`RECORDINGS_LISTED_MAX`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings(&self) -> Result<Vec<Recording>, StoreError> {
        let rows = recordings::table
            .order((recordings::started.desc(), recordings::id))
            .limit(RECORDINGS_LISTED_MAX)
            .select(RecordingRow::as_select())
            .load(&mut self.connection()?)?;
        self.with_copies(rows)
    }

    /// One recording.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>, StoreError> {
        let row = recordings::table
            .find(id.to_string())
            .select(RecordingRow::as_select())
            .load(&mut self.connection()?)?;
        Ok(self.with_copies(row)?.pop())
    }

    /// How many recordings there are in each state; those that are being deleted do not count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings_by_state(&self) -> Result<Vec<(RecordingState, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = recordings::table
            .filter(recordings::deleting.eq(false))
            .group_by(recordings::state)
            .select((recordings::state, count_star()))
            .load(&mut self.connection()?)?;
        rows.into_iter().map(|(state, count)| Ok((parse_recording_state(&state)?, count))).collect()
    }

    /// Recordings that are not as they should be: still being made when we looked, or not in every region.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unfinished_recordings(&self) -> Result<Vec<Recording>, StoreError> {
        let rows = recordings::table
            .filter(recordings::state.ne(RecordingState::Ready.word()))
            .filter(recordings::deleting.eq(false))
            .order((recordings::started.desc(), recordings::id))
            .select(RecordingRow::as_select())
            .load(&mut self.connection()?)?;
        self.with_copies(rows)
    }

    /// Notes that a recording is to go: from now on nothing else changes it. `false` when it is not there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_delete(&self, id: RecordingId) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.connection()?.immediate_transaction(|connection| {
            let row = recordings::table.find(&id);
            let changed = diesel::update(row).set(recordings::deleting.eq(true)).execute(connection)?;
            let left = copies::recording.eq(&id).and(copies::state.ne(CopyState::Deleted.word()));
            diesel::update(copies::table.filter(left))
                .set(copies::state.eq(CopyState::Deleting.word()))
                .execute(connection)?;
            Ok(changed != 0)
        })
    }

    /// Notes that nothing is left in one region. When nothing is left in any, the recording is forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn confirm_delete(&self, id: RecordingId, region: &RegionName) -> Result<(), StoreError> {
        let id = id.to_string();
        self.connection()?.immediate_transaction(|connection| {
            diesel::update(copies::table.find((&id, region.as_str())))
                .set((
                    copies::state.eq(CopyState::Deleted.word()),
                    copies::bytes.eq(0),
                    copies::sha256.eq(None::<String>),
                ))
                .execute(connection)?;
            let left: i64 = copies::table
                .filter(copies::recording.eq(&id).and(copies::state.ne(CopyState::Deleted.word())))
                .count()
                .get_result(connection)?;
            if left == 0 {
                let done =
                    recordings::table.filter(recordings::id.eq(&id).and(recordings::deleting.eq(true)));
                diesel::delete(done).execute(connection)?;
            }
            Ok(())
        })
    }

    /// Recordings that are to go and are not gone yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings_to_delete(&self) -> Result<Vec<RecordingId>, StoreError> {
        let ids: Vec<String> = recordings::table
            .filter(recordings::deleting.eq(true))
            .order(recordings::id)
            .select(recordings::id)
            .load(&mut self.connection()?)?;
        ids.iter().map(|id| recording_id(id)).collect()
    }

    /// Whether somebody wants this recording gone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_being_deleted(&self, id: RecordingId) -> Result<bool, StoreError> {
        let row = recordings::table.find(id.to_string()).select(recordings::deleting);
        Ok(row.get_result(&mut self.connection()?).optional()?.unwrap_or(false))
    }

    fn with_copies(&self, rows: Vec<RecordingRow>) -> Result<Vec<Recording>, StoreError> {
        let mut connection = self.connection()?;
        let with = |row: RecordingRow| {
            let copies = copies::table
                .filter(copies::recording.eq(&row.id))
                .order(copies::place)
                .select(CopyRow::as_select())
                .load(&mut connection)?;
            row.recording(copies)
        };
        rows.into_iter().map(with).collect()
    }
}
