//! Why a demonstration could not be played to its end.
use crate::ask::AskError;
use crate::local::LocalError;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A step that could not be played at all; a step that came out wrong is told in the summary instead.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The system refused.
    #[error("{doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What it answered.
        #[source]
        cause: io::Error,
    },
    /// The stories need a fresh ledger.
    #[error("{} is not empty, but the stories need a fresh ledger: name another folder", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// No story that is played has a step of this number.
    #[error("there is no step `{given}` to restart at; use all or one of {known}")]
    NoSuchStep {
        /// What was given.
        given: String,
        /// The steps.
        known: String,
    },
    /// Cargo could not build the wallet.
    #[error("cargo could not build the wallet ({status}); run `cargo build -p countersign-wallet` to see why")]
    Build {
        /// How cargo ended.
        status: ExitStatus,
    },
    /// There is no wallet.
    #[error("the wallet `countersign` is not beside this program in {}; put it there", folder.display())]
    NoWallet {
        /// Where it should be.
        folder: PathBuf,
    },
    /// The network did not start, or a node of it ended.
    #[error(transparent)]
    Network(#[from] LocalError),
    /// A node gave no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A wallet's command that must succeed did not.
    #[error("`countersign {command}` of {who} failed: {output}")]
    Wallet {
        /// The arguments.
        command: String,
        /// Whose wallet.
        who: String,
        /// What it printed.
        output: String,
    },
    /// A wallet printed something else than expected.
    #[error("no {wanted} in what the wallet printed: {found}")]
    Printed {
        /// What was looked for.
        wanted: String,
        /// What was there.
        found: Value,
    },
    /// The summary cannot be printed.
    #[error("printing the summary")]
    Summary(#[from] serde_json::Error),
}

/// Names what the system was asked for.
pub fn doing(doing: &'static str) -> impl FnOnce(io::Error) -> DemoError {
    move |cause| DemoError::System { doing, cause }
}
