//! The file, its connections and its migrations.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{
    ConnectionManager, CustomizeConnection, Error as ConnectionError, Pool, PooledConnection,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// SQLite has one writer; a few readers beside it are plenty for a catalogue.
const CONNECTIONS_MAX: u32 = 4;

/// How long a statement waits for a free connection. Nobody's media waits with it.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The database. Every call blocks for as long as the disk does, so call it where blocking is allowed. Clones share it.
#[derive(Clone)]
pub struct Store {
    pool: Pool<ConnectionManager<SqliteConnection>>,
}

impl Store {
    /// Opens the file, makes it when it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or is no database of ours.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = |why: String| StoreError::Open { path: path.to_owned(), why };
        let url = path.to_str().ok_or_else(|| open("its path is not UTF-8".into()))?;
        // First by one plain connection: the pool would try for long and then not say why.
        let mut connection = SqliteConnection::establish(url).map_err(|error| open(error.to_string()))?;
        Settings.on_acquire(&mut connection).map_err(|error| open(error.to_string()))?;
        connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(|error| StoreError::Migrate { path: path.to_owned(), why: error.to_string() })?;

        let pool = Pool::builder()
            .max_size(CONNECTIONS_MAX)
            .min_idle(Some(1))
            .connection_timeout(WAIT_MAX)
            .connection_customizer(Box::new(Settings))
            .build(ConnectionManager::new(url))
            .map_err(|error| open(error.to_string()))?;
        Ok(Self { pool })
    }

    pub(crate) fn connection(
        &self,
    ) -> Result<PooledConnection<ConnectionManager<SqliteConnection>>, StoreError> {
        self.pool.get().map_err(|error| StoreError::Busy(error.to_string()))
    }
}

/// What every connection needs: readers beside the writer, foreign keys, and patience with another writer.
#[derive(Debug)]
struct Settings;

impl CustomizeConnection<SqliteConnection, ConnectionError> for Settings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), ConnectionError> {
        connection
            .batch_execute(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
            )
            .map_err(ConnectionError::QueryError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = diesel::sql_types::Text)]
        journal_mode: String,
    }

    #[derive(QueryableByName)]
    struct Keys {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        foreign_keys: i32,
    }

    #[test]
    fn connections_have_a_write_ahead_log_and_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let mut connection = store.connection().unwrap();
        let mode: Mode = diesel::sql_query("PRAGMA journal_mode").get_result(&mut connection).unwrap();
        let keys: Keys = diesel::sql_query("PRAGMA foreign_keys").get_result(&mut connection).unwrap();
        assert_eq!((mode.journal_mode.as_str(), keys.foreign_keys), ("wal", 1));
    }

    #[test]
    fn a_second_start_finds_everything_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        drop(Store::open(&path).unwrap());
        let store = Store::open(&path).unwrap();
        let mut connection = store.connection().unwrap();
        assert!(!connection.has_pending_migration(MIGRATIONS).unwrap());
    }

    #[test]
    fn every_migration_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let mut connection = store.connection().unwrap();
        connection.revert_all_migrations(MIGRATIONS).unwrap();
        connection.run_pending_migrations(MIGRATIONS).unwrap();
    }

    #[test]
    fn what_is_no_database_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        std::fs::write(&path, "this is a diary, not a database, and it is long enough to have a page header")
            .unwrap();
        let sentence = Store::open(&path).err().expect("it is no database").to_string();
        assert!(sentence.contains("a.sqlite") && sentence.contains("not a database"), "{sentence}");
        let missing = Store::open(&folder.path().join("no/such/folder/a.sqlite"));
        assert!(missing.err().expect("no folder").to_string().contains("cannot be opened"));
    }
}
