//! The relay's database: one redb file, owned by one process. What a write has answered is on disk.
//!
//! ```text
//! write ─bounded queue→ one thread: all that wait, in one transaction ─one sync of the disk→ answers to all
//! ```
//!
//! A change checks everything and then writes: what it refuses is a value it returns. A [`StoreError`] undoes it, and
//! with it the changes that shared its transaction.
use crate::limits;
use countersign_types::{DecodeError, decode};
use parity_scale_codec::{DecodeAll, Encode};
use redb::{
    Database, DatabaseError, Key, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, Table,
    TableDefinition, TransactionError, WriteTransaction,
};
use std::borrow::Borrow;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// What is kept once: the format, the secret of the tags, totals.
pub(crate) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// The database in the relay's folder.
const FILE: &str = "relay.redb";
/// Version of what is in the file.
const FORMAT: u32 = 1;

/// Why the database does not do what it is asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program has written it.
    #[error("{} has format {found}, this program reads up to {FORMAT}: use the newer program", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It is no database, or not whole.
    #[error("{} is damaged: restore it from a backup, or move it away and start with an empty one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Arc<redb::Error>,
    },
    /// A row in it is not what its table holds.
    #[error("the relay's database is damaged: a row of `{table}` cannot be read")]
    BadRow {
        /// The table.
        table: &'static str,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// The folder or the file cannot be made.
    #[error("cannot make {}", path.display())]
    Unmakeable {
        /// The folder or the file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file cannot be read or written. It is opened again by itself when the disk works again.
    #[error("the relay's database cannot be read or written; is the disk full?")]
    Disk(#[source] Arc<redb::Error>),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness(#[source] getrandom::Error),
    /// The relay is stopping.
    #[error("the relay is stopping")]
    Stopped,
}

/// Makes any of redb's faults one of ours.
pub(crate) fn fault(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Disk(Arc::new(error.into()))
}

/// The row under `key`.
pub(crate) fn get<'k, K: Key + 'static, T: DecodeAll>(
    table: &impl ReadableTable<K, &'static [u8]>,
    name: &'static str,
    key: impl Borrow<K::SelfType<'k>>,
) -> Result<Option<T>, StoreError> {
    let found = table.get(key).map_err(fault)?;
    found.map(|bytes| row(name, bytes.value())).transpose()
}

/// Reads a row's bytes.
pub(crate) fn row<T: DecodeAll>(table: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    decode(table, bytes, limits::ROW_BYTES_MAX).map_err(|source| StoreError::BadRow { table, source })
}

/// Writes the row under `key`.
pub(crate) fn put<'k, K: Key + 'static>(
    table: &mut Table<'_, K, &'static [u8]>,
    key: impl Borrow<K::SelfType<'k>>,
    row: &impl Encode,
) -> Result<(), StoreError> {
    table.insert(key, row.encode().as_slice()).map_err(fault)?;
    Ok(())
}

/// The database.
#[derive(Debug)]
pub(crate) struct Store {
    file: Arc<File>,
    writes: Option<mpsc::Sender<Write>>,
    /// Permits for KiB of writes that wait.
    room: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the database in `dir`, making both if they are not there. After a crash the whole file is read first.
    ///
    /// # Errors
    /// [`StoreError`] says what to do.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let unmakeable = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Unmakeable { path, source: Arc::new(source) }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unmakeable(dir))?;
        let path = dir.join(FILE);
        let made = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        drop(made.map_err(unmakeable(&path))?);
        let database = open_database(&path)?;
        check_format(&path, &database)?;
        let file =
            Arc::new(File { path, database: RwLock::new(Some(database)), opened_at: RwLock::new(Instant::now()) });
        let (writes, waiting) = mpsc::channel(limits::WRITES_WAITING_MAX);
        let written = Arc::clone(&file);
        let writer = std::thread::Builder::new().name("relay-store".into()).spawn(move || write_all(&written, waiting));
        let writer = Some(writer.map_err(unmakeable(dir))?);
        let room = Arc::new(Semaphore::new(limits::WRITES_WAITING_KIB_MAX as usize));
        Ok(Self { file, writes: Some(writes), room, writer })
    }

    /// Runs `change`, which holds about `bytes`, and answers when it is on disk. It is carried out even if nobody waits
    /// any more.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed, but after `Disk` it may be.
    pub async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(1).min(limits::WRITES_WAITING_KIB_MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| StoreError::Stopped)?;
        let (answer, answered) = oneshot::channel();
        let change = Box::new(Pending { change: Some(change), done: None, answer });
        let writes = self.writes.as_ref().ok_or(StoreError::Stopped)?;
        writes.send(Write { kib, change, _room: room }).await.map_err(|_| StoreError::Stopped)?;
        answered.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// Asks the database, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(&self.file);
        let asked = tokio::task::spawn_blocking(move || ask(&file.begin_read()?)).await;
        asked.unwrap_or(Err(StoreError::Stopped))
    }

    /// As [`Store::write`], on this thread: for the start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn write_now<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.file.begin_write()?;
        let done = change(&transaction)?;
        transaction.commit().map_err(fault)?;
        Ok(done)
    }

    /// As [`Store::read`], on this thread: for the start, and for a row or two that are certainly in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_now<T>(&self, ask: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        ask(&self.file.begin_read()?)
    }
}

impl Drop for Store {
    /// Waits for the writes that wait, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.writes = None;
        if let Some(writer) = self.writer.take() {
            // It has nothing to say but that it panicked, which the log has.
            let _ = writer.join();
        }
    }
}

fn open_database(path: &Path) -> Result<Database, StoreError> {
    let mut builder = redb::Builder::new();
    // A file that was altered is refused here; redb may panic on it later.
    builder.set_cache_size(limits::STORE_CACHE_BYTES).set_check_integrity_on_open(true);
    builder.create(path).map_err(|error| {
        let damaged = |error: DatabaseError| StoreError::Damaged { path: path.into(), source: Arc::new(error.into()) };
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                StoreError::InUse { path: path.into() }
            }
            DatabaseError::Storage(StorageError::Io(cause)) if cause.kind() != io::ErrorKind::InvalidData => {
                StoreError::Disk(Arc::new(redb::Error::Io(cause)))
            }
            other => damaged(other),
        }
    })
}

fn check_format(path: &Path, database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(fault)?;
    {
        let mut meta = transaction.open_table(META).map_err(fault)?;
        match get::<_, u32>(&meta, "meta", "format")? {
            None => put(&mut meta, "format", &FORMAT)?,
            Some(found) if found > FORMAT => return Err(StoreError::NewerFormat { path: path.into(), found }),
            Some(_) => {}
        }
    }
    transaction.commit().map_err(fault)
}

/// The open file. After a fault of the disk redb wants it opened anew.
#[derive(Debug)]
struct File {
    path: PathBuf,
    database: RwLock<Option<Database>>,
    /// When it was opened last, or should have been.
    opened_at: RwLock<Instant>,
}

impl File {
    fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        self.begin(Database::begin_write)
    }

    fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        self.begin(|database| database.begin_read())
    }

    fn begin<T>(&self, begin: impl Fn(&Database) -> Result<T, TransactionError>) -> Result<T, StoreError> {
        {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            match database.as_ref().map(&begin) {
                None | Some(Err(TransactionError::Storage(StorageError::PreviousIo))) => {}
                Some(begun) => return begun.map_err(fault),
            }
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let mut opened_at = self.opened_at.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have opened it meanwhile.
        if opened_at.elapsed() < limits::STORE_REOPEN_PAUSE {
            let begun = database.as_ref().map(&begin);
            return begun.unwrap_or(Err(TransactionError::Storage(StorageError::PreviousIo))).map_err(fault);
        }
        *opened_at = Instant::now();
        *database = None;
        let opened = open_database(&self.path)?;
        tracing::info!(path = %self.path.display(), "the relay's database is open again after a fault of the disk");
        let begun = begin(&opened).map_err(fault);
        *database = Some(opened);
        begun
    }
}

/// A change that waits for its turn.
struct Write {
    kib: u32,
    change: Box<dyn Change>,
    _room: OwnedSemaphorePermit,
}

trait Change: Send {
    fn apply(&mut self, transaction: &WriteTransaction) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<T, F> {
    change: Option<F>,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Change for Pending<T, F>
where
    T: Send,
    F: FnOnce(&WriteTransaction) -> Result<T, StoreError> + Send,
{
    fn apply(&mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        if let Some(change) = self.change.take() {
            self.done = Some(change(transaction)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { done, answer, .. } = *self;
        // Whoever asked may have gone; it is done all the same.
        let _ = answer.send(committed.and_then(|()| done.ok_or(StoreError::Stopped)));
    }
}

fn write_all(file: &File, mut waiting: mpsc::Receiver<Write>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut kib = first.kib;
        let mut together = vec![first];
        while together.len() < limits::WRITES_PER_COMMIT_MAX && kib < limits::WRITE_KIB_PER_COMMIT_MAX {
            let Ok(next) = waiting.try_recv() else { break };
            kib = kib.saturating_add(next.kib);
            together.push(next);
        }
        let committed = commit(file, &mut together);
        if let Err(error) = &committed {
            tracing::error!(%error, cause = ?std::error::Error::source(error), "the relay cannot write");
        }
        for write in together {
            write.change.answer(committed.clone());
        }
    }
}

fn commit(file: &File, together: &mut [Write]) -> Result<(), StoreError> {
    let transaction = file.begin_write()?;
    for write in together {
        write.change.apply(&transaction)?;
    }
    transaction.commit().map_err(fault)
}

#[cfg(test)]
mod tests;
