//! The command line.
//!
//! Exit codes: 0 done; 1 something else went wrong; 2 the command line is wrong; 3 settings, spec or a key file are wrong;
//! 4 storage failed; 5 this node and the validators disagree about a block: a person has to look.
mod dev;
mod doctor;
mod init;
mod keys;
mod run;
mod settings;
mod snapshot;
mod spec;

use crate::chain::Fault;
use crate::config::ConfigError;
use crate::entry::EntryError;
use crate::folder::FolderError;
use crate::inspect::OpenError;
use crate::keys::KeyFileError;
use crate::local::LocalError;
use crate::node::NodeError;
use crate::snapshot::SnapshotError;
use crate::voted::VotedError;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};

pub use run::{log_to_stderr, shutdown_requested};

/// Something went wrong that has no code of its own.
pub const EXIT_FAILURE: u8 = 1;
/// Settings, spec or a key file are wrong.
pub const EXIT_SETTINGS: u8 = 3;
/// Storage failed.
pub const EXIT_STORAGE: u8 = 4;
/// This node and the validators disagree.
pub const EXIT_DIVERGED: u8 = 5;

/// A node of a Countersign ledger.
#[derive(Debug, Parser)]
#[command(name = "countersign-node", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 failed; 2 wrong command line; 3 settings, spec or key file wrong; 4 storage failed;
5 this node and the validators disagree about a block.

Start here: `countersign-node dev` runs a ready network of one validator, `dev --validators 4` one of four.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a ready network on this machine, for developers. Its keys are well known: anybody can sign.
    Dev(dev::Dev),
    /// Play the product's stories with real wallets on a fresh network of four validators.
    Demo(crate::demo::DemoArgs),
    /// Make a node's folder, for a chain that is being made or one that is there.
    Init(init::Init),
    /// Run the node of a folder.
    Run(run::Run),
    /// Say what is wrong with a node, running or stopped, how bad it is, and what to do.
    Doctor(doctor::Doctor),
    /// Make and show key files.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Make, check and show chain specs.
    #[command(subcommand)]
    Spec(spec::Spec),
    /// Show and check a node's settings.
    #[command(subcommand)]
    Config(settings::Settings),
    /// Make a snapshot of a chain, and a node's chain of a snapshot.
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
}

/// The node's folder.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The node's folder.
    #[arg(long, env = "COUNTERSIGN_DIR", value_name = "DIR")]
    dir: PathBuf,
}

/// Settings given as flags.
#[derive(Debug, Default, Args)]
pub(crate) struct Flags {
    /// Address of the RPC, as 127.0.0.1:26800.
    #[arg(long, value_name = "ADDRESS")]
    rpc_listen: Option<String>,
    /// libp2p address to listen on, as /ip4/0.0.0.0/tcp/26600.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Peers, separated by commas, as /ip4/<address>/tcp/<port>/p2p/<peer id>.
    #[arg(long, value_name = "ADDRESSES")]
    peers: Option<String>,
    /// File with the passphrase of the key files, if they are encrypted.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Relay log-ins at merchants' sites and sealed messages, as far as the ledger lets this node.
    #[arg(long)]
    relay: bool,
    /// PEM file with certificates of sites that the relay trusts besides the system's.
    #[arg(long, value_name = "FILE")]
    trusted_certificates: Option<PathBuf>,
    /// What to log, as info or debug,countersign_node::rpc=trace.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// A path from the command line, which starts where the command was given, not in the node's folder.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|cause| CliError::System { action: "find the current folder", cause })
}

impl Flags {
    fn overrides(&self) -> Result<crate::config::Overrides, CliError> {
        let file = |file: &Option<PathBuf>| -> Result<Option<String>, CliError> {
            Ok(file.as_deref().map(absolute).transpose()?.map(|file| file.display().to_string()))
        };
        let passphrase_file = file(&self.passphrase_file)?;
        let certificates = file(&self.trusted_certificates)?;
        let relay = self.relay.then(|| "true".to_owned());
        let flags = [
            ("rpc.listen", &self.rpc_listen),
            ("network.listen", &self.listen),
            ("network.peers", &self.peers),
            ("keys.passphrase_file", &passphrase_file),
            ("relay.enabled", &relay),
            ("relay.trusted_certificates", &certificates),
            ("log.filter", &self.log),
        ];
        Ok(flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect())
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node failed.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A key file is wrong.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A spec is wrong.
    #[error(transparent)]
    Spec(#[from] countersign_chain_spec::LoadError),
    /// The folder was not made.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A node's entry, or a spec of entries, is wrong.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A development network was not made or did not start.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A snapshot was not made or not taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A demonstration could not be played.
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    /// A demonstration was played, but not every step came out right.
    #[error("not every step came out right")]
    DemoWentWrong,
    /// The doctor found something that must be mended.
    #[error("{errors} of the findings are errors")]
    Unhealthy {
        /// How many.
        errors: usize,
    },
    /// The system refused something else.
    #[error("cannot {action}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl CliError {
    /// The process' exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Key(_) | Self::Spec(_) | Self::Folder(_) | Self::Entry(_) => EXIT_SETTINGS,
            Self::Node(NodeError::Spec(_) | NodeError::Key(_) | NodeError::Peer { .. } | NodeError::Relay(_)) => {
                EXIT_SETTINGS
            }
            Self::Snapshot(error) => snapshot_code(error),
            Self::Node(NodeError::Chain(fault)) => fault_code(fault),
            Self::Node(NodeError::Stopped(fault)) => fault_code(fault),
            Self::Node(NodeError::Voted(VotedError::Damaged { .. })) => EXIT_SETTINGS,
            Self::Node(NodeError::Voted(VotedError::File { .. })) => EXIT_STORAGE,
            Self::Local(LocalError::OtherNetwork { .. } | LocalError::Folder(_)) => EXIT_SETTINGS,
            Self::Node(_)
            | Self::Local(_)
            | Self::Demo(_)
            | Self::DemoWentWrong
            | Self::Unhealthy { .. }
            | Self::System { .. } => EXIT_FAILURE,
        }
    }
}

/// What is wrong with the command's folders and files is the caller's; what is wrong with their contents is the storage's.
fn snapshot_code(error: &SnapshotError) -> u8 {
    match error {
        SnapshotError::Folder(OpenError::Store { .. }) | SnapshotError::State(_) | SnapshotError::Source { .. } => {
            EXIT_STORAGE
        }
        SnapshotError::Chain(fault) => fault_code(fault),
        SnapshotError::File { .. } | SnapshotError::TooYoung { .. } => EXIT_FAILURE,
        _ => EXIT_SETTINGS,
    }
}

fn fault_code(fault: &Fault) -> u8 {
    match fault {
        Fault::Store(_) | Fault::Unreadable { .. } | Fault::Missing { .. } | Fault::ConsensusLog => EXIT_STORAGE,
        Fault::Diverged { .. } | Fault::BadBlock { .. } => EXIT_DIVERGED,
        Fault::OtherChain { .. } | Fault::Genesis(_) => EXIT_SETTINGS,
        Fault::Engine(_) | Fault::Ended(_) | Fault::ConsensusEnded | Fault::Thread { .. } => EXIT_FAILURE,
    }
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// [`CliError`], whose `exit_code` is the process'.
    pub fn execute(self) -> Result<(), CliError> {
        match self.command {
            Command::Dev(dev) => dev.execute(),
            Command::Demo(args) => match crate::demo::run(&args)? {
                true => Ok(()),
                false => Err(CliError::DemoWentWrong),
            },
            Command::Init(init) => init.execute(),
            Command::Run(run) => run.execute(),
            Command::Doctor(doctor) => doctor.execute(),
            Command::Keys(keys) => keys.execute(),
            Command::Spec(spec) => spec.execute(),
            Command::Config(settings) => settings.execute(),
            Command::Snapshot(snapshot) => snapshot.execute(),
        }
    }
}
