//! A card service of one's own with a virtual reader: for development and tests, without touching the system's.
//!
//! Debian's pcscd keeps its socket and its process id under `/run/pcscd`, which is compiled in. So that several can run at a time, and
//! without root, it gets a view of the file system in which `/run` is a folder of ours; programs outside find its socket there by
//! `PCSCLITE_CSOCK_NAME`. Where the system lets nobody have such a view, root can still start one at the usual place, one at a time.
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use serde_json::{Value as Json, json};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The driver of the virtual reader, as Debian installs it.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// The card service; ordinary users do not have `sbin` in their path.
const SERVICES: [&str; 2] = ["/usr/sbin/pcscd", "/usr/local/sbin/pcscd"];
/// The service's folder, compiled into it, and the names of its files there.
const SYSTEM_RUN: &str = "/run";
const SERVICE_FOLDER: &str = "pcscd";
const SOCKET: &str = "pcscd.comm";
const PROCESS_ID: &str = "pcscd.pid";
/// Held by the program whose service is at the usual place.
const SYSTEM_LOCK: &str = "/run/countersign-pcscd.lock";
/// Bytes of a socket's path: what the system's `sockaddr_un` holds.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// How long the service may take to show its reader, on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to end after it was told to.
const END_MAX: Duration = Duration::from_secs(5);
/// Time between two looks at the service.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Bytes at the end of its log that are told when it does not start.
const LOG_BYTES_TOLD: usize = 600;
/// Ways to a view of one's own: as oneself, and as root where there are no user namespaces.
const VIEWS: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];

/// A card service of one's own.
#[derive(Args, Debug)]
pub struct VirtualReaderArgs {
    /// Folder for its socket, settings and log
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Port at which the driver of its reader listens, and with the next for a second card [default: free ones]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_534))]
    port: Option<u16>,
    /// End when standard input is closed, for programs that start it
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Why there is no virtual reader.
#[derive(Debug, thiserror::Error)]
pub enum VirtualReaderError {
    /// A package is missing.
    #[error("there is no {file}: install it (on Debian `apt install pcscd vsmartcard-vpcd`)")]
    NotInstalled {
        /// What was looked for.
        file: &'static str,
    },
    /// Neither a view of one's own nor root.
    #[error(
        "this system lets you start no card service: it has no user namespaces for you (`unshare --user` is refused), and you are not root"
    )]
    NotAllowed,
    /// The folder's path is too long for a socket in it.
    #[error(
        "{path} is longer than the {SOCKET_PATH_BYTES_MAX} bytes a socket's path may have: name a folder with a shorter one"
    )]
    PathTooLong {
        /// The socket's path.
        path: String,
    },
    /// One runs already.
    #[error("a card service runs already at {path}; end it, or use it with `countersign card emulate`")]
    RunsAlready {
        /// Its socket.
        path: String,
    },
    /// It ended, or never showed its reader.
    #[error("the card service did not start; its log {log} ends: {told}")]
    NotStarted {
        /// Its log.
        log: String,
        /// The end of it.
        told: String,
    },
    /// It ended while it was in use.
    #[error("the card service ended; its log {log} ends: {told}")]
    Ended {
        /// Its log.
        log: String,
        /// The end of it.
        told: String,
    },
}

/// Where the service keeps its socket.
enum Place {
    /// In a folder of ours, by a view of the file system made by `unshare` with these options.
    Own(&'static [&'static str]),
    /// At the usual place, for as long as the lock is held.
    System(#[expect(dead_code, reason = "held, not looked at")] File),
}

/// A running service; told to end when dropped.
struct Service {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
    _place: Place,
}

/// Starts a card service with a virtual reader and tells where they are, until interrupted.
pub async fn run(session: &Session, args: &VirtualReaderArgs) -> Result<(), Failure> {
    let (mut service, port) = ready(args).await?;
    let (socket, address) = (text(&service.socket), format!("127.0.0.1:{port}"));
    session.output.item(&json!({ "socket": socket, "vpcd": address, "log": text(&service.log) }), || {
        format!(
            "A virtual card reader is ready; interrupt to end it. In other terminals:\n  export PCSCLITE_CSOCK_NAME={socket}\n  \
             countersign card emulate --card-file FILE --vpcd {address}"
        )
    });
    let stop = if args.stop_with_stdin { closed_stdin() } else { Arc::default() };
    while !stop.load(Ordering::Relaxed) {
        if service.ended()? {
            return Err(VirtualReaderError::Ended { log: text(&service.log), told: service.told() }.into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Starts the service and waits until it shows its reader. Free ports can be taken by others before the driver has them: then with others.
async fn ready(args: &VirtualReaderArgs) -> Result<(Service, u16), Failure> {
    /// Starts with other ports: each fails only if somebody takes a port within milliseconds.
    const STARTS_MAX: usize = 5;
    let mut starts = 0;
    loop {
        starts += 1;
        let port = match args.port {
            Some(port) => port,
            None => free_port().map_err(io_failure(Path::new("a free port")))?,
        };
        let mut service = Service::start(&args.dir, port)?;
        let end = Instant::now() + START_MAX;
        let readers = loop {
            match readers(&service.socket) {
                Some(readers) => break readers,
                None if service.ended()? || Instant::now() > end => break 0,
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        if readers > 0 {
            return Ok((service, port));
        }
        if args.port.is_some() || starts == STARTS_MAX || service.ended()? {
            return Err(VirtualReaderError::NotStarted { log: text(&service.log), told: service.told() }.into());
        }
    }
}

impl Service {
    fn start(dir: &Path, port: u16) -> Result<Self, Failure> {
        let program = SERVICES.into_iter().find(|path| Path::new(path).exists());
        let program = program.ok_or(VirtualReaderError::NotInstalled { file: SERVICES[0] })?;
        if !Path::new(DRIVER).exists() {
            return Err(VirtualReaderError::NotInstalled { file: DRIVER }.into());
        }
        let (run, readers) = (dir.join("run"), dir.join("readers"));
        for folder in [&run, &readers] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(io_failure(folder))?;
        }
        let dir = dir.canonicalize().map_err(io_failure(dir))?;
        let (run, readers, log) = (dir.join("run"), dir.join("readers"), dir.join("pcscd.log"));
        let settings = readers.join("vpcd");
        fs::write(&settings, reader_settings(port)).map_err(io_failure(&settings))?;
        let place = Place::find(&run)?;
        let folder = match place {
            Place::Own(_) => run.join(SERVICE_FOLDER),
            Place::System(_) => Path::new(SYSTEM_RUN).join(SERVICE_FOLDER),
        };
        let socket = folder.join(SOCKET);
        clear(&folder)?;
        if text(&socket).len() > SOCKET_PATH_BYTES_MAX {
            return Err(VirtualReaderError::PathTooLong { path: text(&socket) }.into());
        }
        let file = File::create(&log).map_err(io_failure(&log))?;
        let also = file.try_clone().map_err(io_failure(&log))?;
        let mut command = place.command(&run, program, &readers);
        command.stdin(Stdio::null()).stdout(also).stderr(file);
        let child = command.spawn().map_err(io_failure(Path::new(program)))?;
        Ok(Self { child, socket, log, _place: place })
    }

    fn ended(&mut self) -> Result<bool, Failure> {
        Ok(self.child.try_wait().map_err(io_failure(Path::new("the card service")))?.is_some())
    }

    /// The end of its log.
    fn told(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let from = log.len().saturating_sub(LOG_BYTES_TOLD);
        String::from_utf8_lossy(&log[from..]).trim().to_owned()
    }
}

impl Drop for Service {
    /// Tells it to end, so that it takes its socket away; kills it if it does not.
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &id]).stderr(Stdio::null()).status();
        let end = Instant::now() + END_MAX;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    fn find(run: &Path) -> Result<Self, Failure> {
        let is_allowed = |options: &&[&str]| {
            let mut probe = Command::new("unshare");
            probe.args(*options).args(["mount", "--bind"]).arg(run).arg(SYSTEM_RUN);
            let probed = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            probed.is_ok_and(|status| status.success())
        };
        if let Some(options) = VIEWS.into_iter().find(is_allowed) {
            return Ok(Self::Own(options));
        }
        let lock = File::create(SYSTEM_LOCK).map_err(|_| VirtualReaderError::NotAllowed)?;
        lock.lock().map_err(io_failure(Path::new(SYSTEM_LOCK)))?;
        Ok(Self::System(lock))
    }

    /// The command that becomes the service. It ends with this program, however that ends.
    fn command(&self, run: &Path, program: &str, readers: &Path) -> Command {
        const BECOME: &str = r#"exec setpriv --pdeathsig TERM "$1" --foreground --config "$2""#;
        let script = match self {
            Self::Own(_) => format!("mount --bind \"$3\" {SYSTEM_RUN} && {BECOME}"),
            Self::System(_) => BECOME.into(),
        };
        let mut command = match self {
            Self::Own(options) => {
                let mut command = Command::new("unshare");
                command.args(*options).arg("sh");
                command
            }
            Self::System(_) => Command::new("sh"),
        };
        command.args(["-c", &script, "sh", program]).arg(readers).arg(run);
        command
    }
}

/// Fails if a service answers in the folder, and removes what one that was killed left there.
fn clear(folder: &Path) -> Result<(), Failure> {
    let socket = folder.join(SOCKET);
    if UnixStream::connect(&socket).is_ok() {
        return Err(VirtualReaderError::RunsAlready { path: text(&socket) }.into());
    }
    for file in [socket, folder.join(PROCESS_ID)] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_failure(&file)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// What makes pcscd load the driver. Its two slots listen at the port and at the one after it.
fn reader_settings(port: u16) -> String {
    format!("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:{port:#06X}\nLIBPATH {DRIVER}\nCHANNELID {port:#06X}\n")
}

/// A port that is free together with the one after it.
fn free_port() -> io::Result<u16> {
    /// Pairs that are tried: half of the ports would have to be taken for this to be too few.
    const PAIRS_MAX: usize = 32;
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PAIRS_MAX {
        let first = TcpListener::bind("0.0.0.0:0")?;
        let port = first.local_addr()?.port();
        match port.checked_add(1).map(|next| TcpListener::bind(("0.0.0.0", next))) {
            Some(Ok(_)) => return Ok(port),
            Some(Err(error)) => last = error,
            None => {}
        }
    }
    Err(last)
}

/// How many readers the service shows to a program like this; `None` as long as it does not answer.
fn readers(socket: &Path) -> Option<usize> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["--json", "--offline", "card", "readers"]).env("PCSCLITE_CSOCK_NAME", socket).stdin(Stdio::null());
    let output = command.output().ok()?;
    serde_json::from_slice::<Json>(&output.stdout).ok()?.as_array().map(Vec::len)
}

/// Becomes true when standard input is closed.
fn closed_stdin() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let told = closed.clone();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        told.store(true, Ordering::Relaxed);
    });
    closed
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn io_failure(path: &Path) -> impl FnOnce(io::Error) -> Failure + use<> {
    let path = text(path);
    move |source| Failure::Io { path, source }
}
