//! `countersign-node run`: the node of a folder, until it is told to stop.
use super::{CliError, Flags, Folder};
use crate::config::{self, Config};
use crate::node::Node;
use clap::Args;
use tracing_subscriber::EnvFilter;

/// Threads for storage, verification and contracts: more would only wait for the cores and the disk.
const BLOCKING_THREADS_MAX: usize = 32;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    flags: Flags,
}

impl Run {
    pub fn execute(self) -> Result<(), CliError> {
        let config = config::load(&self.folder.dir, std::env::vars(), &self.flags.overrides())?;
        run_node(config, |_| {})
    }
}

/// Runs a node until a signal asks it to stop; `serving` is called when it serves RPC.
pub(super) fn run_node(config: Config, serving: impl FnOnce(&Node)) -> Result<(), CliError> {
    log_to_stderr(&config.log);
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
        Ok(node.run(shutdown_requested()).await?)
    })
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

/// Logs to standard error, with the libraries' noise filtered unless `directives` names them.
pub fn log_to_stderr(directives: &str) {
    let noisy = countersign_consensus::NOISY_LOG_TARGETS.map(|target| format!("{target}=warn,")).concat();
    let filter =
        EnvFilter::try_new(format!("{noisy}sled=warn,{directives}")).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error means that somebody logs already: a test.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = logger.try_init();
}
