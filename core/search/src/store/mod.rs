//! The record store: one SQLite file in which a study survives the end of its process.
//!
//! A store is written by one process at a time (a lock on a file beside it) and read by any number. Every change is one
//! transaction; a kill at any moment leaves the state before or after it.

mod error;
mod export;
mod lock;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use export::write_atomically;
pub use rows::{Asked, BatchEnd, CallKind, Evaluation, FinalRecord, LoggedCall, Origin, PluginRow, WallRow};

use rusqlite::{Connection, OpenFlags, Transaction};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the store in the output folder.
pub const STORE: &str = "study.sqlite";
/// Name of the lock beside it.
pub const LOCK: &str = "study.lock";

/// How long another program (a viewer) may hold the database before the study gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a new store is created with.
#[derive(Debug, Clone)]
pub struct Founding<'a> {
    /// Facts by name: the canonical experiment and its hash.
    pub facts: &'a [(&'a str, String)],
    /// Plugins of the experiment.
    pub plugins: &'a [PluginRow],
}

/// An open, locked store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Held until the store is dropped.
    _lock: File,
    #[cfg(test)]
    commits_left: Option<u64>,
}

impl Store {
    /// Opens the store in `folder` and creates it from `founding` if there is none. A store that is there is opened
    /// only with `resume`.
    ///
    /// # Errors
    /// Every variant of [`StoreError`].
    pub fn open(folder: &Path, resume: bool, founding: &Founding<'_>) -> Result<Store, StoreError> {
        let mut store = Store::connected(folder)?;
        if store.is_empty()? {
            store.found(founding)?;
        } else {
            store.check_version()?;
            if !resume {
                return Err(StoreError::Exists { path: store.path });
            }
            store.check_integrity()?;
        }
        store.pragma("journal_mode", "WAL")?;
        Ok(store)
    }

    /// The store that is in `folder`; `None` if there is none, or one whose process was killed while creating it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn existing(folder: &Path) -> Result<Option<Store>, StoreError> {
        if !folder.join(STORE).exists() {
            return Ok(None);
        }
        let store = Store::connected(folder)?;
        if store.is_empty()? {
            return Ok(None);
        }
        store.check_version()?;
        store.check_integrity()?;
        Ok(Some(store))
    }

    /// The locked store in `folder`, whatever it holds.
    fn connected(folder: &Path) -> Result<Store, StoreError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| StoreError::Folder { path: folder.to_owned(), reason: e.to_string() })?;
        let lock = lock::acquire(&folder.join(LOCK))?;
        let path = folder.join(STORE);
        let connection = connect(&path)?;
        Ok(Store {
            connection,
            path,
            _lock: lock,
            #[cfg(test)]
            commits_left: None,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to say of content that is not as it was written.
    pub(crate) fn damaged(&self, reason: String) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), reason }
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }

    fn integer(&self, pragma: &str) -> Result<i64, StoreError> {
        self.connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|e| self.error(e))
    }

    fn pragma(&self, name: &str, value: &str) -> Result<(), StoreError> {
        // Some pragmas answer with a row, some with none.
        self.connection
            .pragma_update_and_check(None, name, value, |_| Ok(()))
            .or_else(|e| if matches!(e, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(e) })
            .map_err(|e| self.error(e))
    }

    /// True for a file without any table, such as one whose process was killed while creating it.
    fn is_empty(&self) -> Result<bool, StoreError> {
        let tables: i64 = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|e| self.error(e))?;
        Ok(tables == 0 && self.integer("user_version")? == 0)
    }

    fn check_version(&self) -> Result<(), StoreError> {
        if self.integer("application_id")? != schema::APPLICATION {
            return Err(StoreError::Foreign { path: self.path.clone() });
        }
        let found = self.integer("user_version")?;
        match found {
            schema::VERSION => Ok(()),
            newer if newer > schema::VERSION => {
                Err(StoreError::Newer { path: self.path.clone(), found, known: schema::VERSION })
            }
            _ => Err(self.damaged(format!("its version is {found}, and the first one was 1"))),
        }
    }

    fn check_integrity(&self) -> Result<(), StoreError> {
        let answer: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|e| self.error(e))?;
        if answer == "ok" {
            return Ok(());
        }
        // The answer's first line names the database, which is the only one.
        let reason = answer.lines().filter(|line| !line.starts_with("***")).collect::<Vec<_>>().join("; ");
        Err(self.damaged(reason))
    }

    fn found(&mut self, founding: &Founding<'_>) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute_batch(schema::TABLES)?;
            t.pragma_update(None, "application_id", schema::APPLICATION)?;
            t.pragma_update(None, "user_version", schema::VERSION)?;
            for (key, value) in founding.facts {
                t.execute("INSERT INTO experiment (key, value) VALUES (?1, ?2)", (key, value))?;
            }
            for plugin in founding.plugins {
                plugin.insert(t)?;
            }
            Ok(())
        })
    }

    /// One transaction: all of `work` or nothing.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        #[cfg(test)]
        self.count_commit()?;
        let run = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut self.connection).map_err(|e| StoreError::of(&self.path, e))
    }

    /// Makes every transaction after the next `commits` fail, as if the process had been killed there.
    #[cfg(test)]
    pub(crate) fn fail_after(&mut self, commits: u64) {
        self.commits_left = Some(commits);
    }

    #[cfg(test)]
    fn count_commit(&mut self) -> Result<(), StoreError> {
        match &mut self.commits_left {
            Some(0) => Err(StoreError::Write { path: self.path.clone(), reason: "injected".into() }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| StoreError::of(path, e))?;
    let configure = || {
        connection.busy_timeout(PATIENCE)?;
        // In a write-ahead log, NORMAL survives any kill; a power cut may lose the newest trials, which are evaluated again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", "ON")
    };
    configure().map_err(|e| StoreError::of(path, e))?;
    Ok(connection)
}
