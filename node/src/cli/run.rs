//! `countersign-node run`: the node of a folder, until it is told to stop.
use super::{CliError, Flags, Folder};
use crate::config::{self, Config};
use crate::folder;
use crate::node::Node;
use clap::Args;
use countersign_consensus::{LOG_DIRECTIVES, STOPPING_LOG_DIRECTIVES};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Directives for the database libraries, which tell of their every step, and as a warning of what a crash cut off and the blocks
/// on disk replace.
const DATABASE_LOG_DIRECTIVES: &str = "sled=warn,sled::pagecache::blob_io=error,fjall=warn,lsm_tree=warn";
/// Threads for storage, verification and contracts: more would only wait for the cores and the disk.
const BLOCKING_THREADS_MAX: usize = 32;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    flags: Flags,
    /// The chain's spec; copied into the folder at the first run, checked to be the same chain's at later ones.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Stop when standard input ends: for a program that runs this one, and may itself be killed.
    #[arg(long)]
    stop_with_stdin: bool,
}

impl Run {
    pub fn execute(self) -> Result<(), CliError> {
        let config = config::load(&self.folder.dir, std::env::vars(), &self.flags.overrides()?)?;
        folder::take_spec(&config, self.spec.as_deref())?;
        run_node(config, self.stop_with_stdin, |_| {})
    }
}

/// Runs a node until a signal, or the end of standard input if `with_stdin`, asks it to stop; `serving` is called when it serves RPC.
pub(super) fn run_node(config: Config, with_stdin: bool, serving: impl FnOnce(&Node)) -> Result<(), CliError> {
    let stopping = log_to_stderr(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        // Queries and simulations run contracts on the runtime's blocking threads.
        .thread_stack_size(countersign_executor::STACK_BYTES)
        .build()
        .map_err(|cause| CliError::System { action: "start the runtime", cause })?;
    runtime.block_on(async {
        let node = Node::start(config).await?;
        serving(&node);
        let shutdown = async {
            tokio::select! {
                () = shutdown_requested() => {}
                () = stdin_ended(), if with_stdin => {}
            }
            stopping();
        };
        Ok(node.run(shutdown).await?)
    })
}

/// Resolves when standard input has ended. What it holds is thrown away.
async fn stdin_ended() {
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for the read when it shuts down.
    let reader = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(());
    });
    match reader {
        Ok(_) => drop(end.await),
        Err(error) => {
            tracing::warn!(%error, "no thread to watch standard input; its end will not stop this node");
            std::future::pending().await
        }
    }
}

/// Resolves when the process is asked to stop: SIGTERM or SIGINT.
pub async fn shutdown_requested() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Logs to standard error, with the libraries' noise filtered unless `directives` names them. What it returns is to be called when the
/// node stops.
pub fn log_to_stderr(directives: &str) -> impl Fn() + use<> {
    let filter = filter(&[LOG_DIRECTIVES, DATABASE_LOG_DIRECTIVES, directives]);
    let stopping = [LOG_DIRECTIVES, DATABASE_LOG_DIRECTIVES, STOPPING_LOG_DIRECTIVES, directives].map(str::to_owned);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logger = tracing_subscriber::fmt().with_ansi(colours).with_writer(std::io::stderr);
    let logger = logger.with_env_filter(filter).with_filter_reloading();
    let filters = logger.reload_handle();
    // An error means that somebody logs already: a test.
    let _ = logger.try_init();
    // Without it, the log has more lines than it needs.
    move || drop(filters.reload(self::filter(&stopping.each_ref().map(String::as_str))))
}

/// What is logged, by directives of which the later win.
fn filter(directives: &[&str]) -> EnvFilter {
    EnvFilter::try_new(directives.join(",")).unwrap_or_else(|_| EnvFilter::new("info"))
}
