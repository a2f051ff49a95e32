//! Commands over a Unix socket in the site's folder: a line of JSON there, a line of JSON back. Whoever may open the socket may do
//! everything; it has mode 0600.
use super::{Command, Outcome, Refused, execute};
use crate::api::Api;
use crate::limits::{COMMAND_BYTES_MAX, OUTCOME_BYTES_MAX, PATIENCE};
use crate::settings::Checked;
use crate::store::{Store, StoreError};
use countersign_client::clock;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::time::timeout;

/// A way to the database.
#[derive(Debug)]
pub enum Access {
    /// The file itself.
    Store(Box<Store>),
    /// The running server.
    Server(PathBuf),
}

/// Why a command did not reach the database.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something has the database open, but it is no server that answers.
    #[error("the database is in use, but no server answers at {path}: another command may be running")]
    NoServer {
        /// The socket.
        path: String,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// The server broke off, or is of another version.
    #[error("the server at {path} did not answer as expected; is it of this version?")]
    BadOutcome {
        /// The socket.
        path: String,
    },
}

impl Access {
    /// Opens the database, or finds the server that has it.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub fn open(settings: &Checked) -> Result<Self, AccessError> {
        match Store::open(&settings.database(), &settings.site) {
            Ok(store) => Ok(Self::Store(Box::new(store))),
            Err(StoreError::InUse) => Ok(Self::Server(settings.socket())),
            Err(other) => Err(other.into()),
        }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// [`AccessError`] if it did not get there; inside, what it was refused for.
    pub fn run(&self, command: Command) -> Result<Result<Outcome, Refused>, AccessError> {
        match self {
            Self::Store(store) => Ok(execute(store, command, clock::now().millis())),
            Self::Server(path) => ask(path, &command),
        }
    }
}

fn ask(path: &Path, command: &Command) -> Result<Result<Outcome, Refused>, AccessError> {
    let bad = || AccessError::BadOutcome { path: path.display().to_string() };
    let no_server = |source| AccessError::NoServer { path: path.display().to_string(), source };
    let mut stream = UnixStream::connect(path).map_err(no_server)?;
    let line = serde_json::to_string(command).expect("commands are plain JSON") + "\n";
    stream.write_all(line.as_bytes()).map_err(|_| bad())?;
    let mut answer = String::new();
    BufReader::new(stream.take(OUTCOME_BYTES_MAX)).read_line(&mut answer).map_err(|_| bad())?;
    if answer.ends_with('\n') { serde_json::from_str(&answer).map_err(|_| bad()) } else { Err(bad()) }
}

/// Makes the socket. The database is open, so a socket that is there already belongs to no running server.
///
/// # Errors
/// What the file system answers; a path longer than about 100 bytes cannot be a socket's.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Runs commands until the server stops, one after the other: each waits for the disk.
pub async fn serve(api: Arc<Api>, listener: UnixListener) {
    let mut stopped = std::pin::pin!(api.stopped());
    loop {
        let accepted = tokio::select! {
            () = stopped.as_mut() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let done = timeout(PATIENCE, exchange(&api, stream)).await.unwrap_or_else(|late| Err(late.into()));
        if let Err(error) = done {
            tracing::debug!(%error, "a command broke off");
        }
    }
}

async fn exchange(api: &Arc<Api>, mut stream: tokio::net::UnixStream) -> io::Result<()> {
    let mut line = Vec::new();
    let (reading, mut writing) = stream.split();
    tokio::io::BufReader::new(reading.take(COMMAND_BYTES_MAX)).read_until(b'\n', &mut line).await?;
    let outcome = match serde_json::from_slice::<Command>(&line) {
        Ok(command) => {
            let api = api.clone();
            tokio::task::spawn_blocking(move || run(&api, command)).await.map_err(io::Error::other)?
        }
        Err(error) => Err(Refused { kind: "bad_input".into(), message: format!("not a command: {error}") }),
    };
    let mut answer = serde_json::to_vec(&outcome).expect("outcomes are plain JSON");
    answer.push(b'\n');
    writing.write_all(&answer).await?;
    writing.shutdown().await
}

fn run(api: &Api, command: Command) -> Result<Outcome, Refused> {
    let outcome = execute(api.store(), command, clock::now().millis());
    if matches!(outcome, Ok(Outcome::Published { .. })) {
        api.tell_published();
    }
    outcome
}
