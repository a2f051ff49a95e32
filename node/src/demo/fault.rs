//! Why a demonstration could not be played to its end.
use crate::ask::AskError;
use crate::local::LocalError;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

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
    /// Cargo could not build the other programs.
    #[error("cargo could not build the wallet and the site's server ({status}); run `cargo build` to see why")]
    Build {
        /// How cargo ended.
        status: ExitStatus,
    },
    /// A program is missing.
    #[error("the program `{name}` is not beside this one in {}; put it there", folder.display())]
    NoProgram {
        /// The program.
        name: &'static str,
        /// Where it should be.
        folder: PathBuf,
    },
    /// No certificate for a site could be made.
    #[error("making a certificate for a site")]
    Certificate(#[from] rcgen::Error),
    /// The server of a site ended, or never listened.
    #[error("the server of the site {site} does not listen; its log is {}", log.display())]
    Site {
        /// The site.
        site: &'static str,
        /// Its log.
        log: PathBuf,
    },
    /// The network did not start, or a node of it ended.
    #[error(transparent)]
    Network(#[from] LocalError),
    /// A node gave no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A command that must succeed did not.
    #[error("`{command}` of {who} failed: {output}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// Whose wallet or site.
        who: String,
        /// What it printed.
        output: String,
    },
    /// A program printed something else than expected.
    #[error("no {wanted} in what was printed: {found}")]
    Printed {
        /// What was looked for.
        wanted: String,
        /// What was there.
        found: Value,
    },
    /// A message that was sent has not come.
    #[error("the message {id} from {from} has not reached {to} within {} s", within.as_secs())]
    NotDelivered {
        /// The message.
        id: String,
        /// Who sent it.
        from: &'static str,
        /// Who waits for it.
        to: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// What is published was not pushed to a wallet that is connected.
    #[error("the post `{title}` has not been pushed to {to} within {} s", within.as_secs())]
    NotPushed {
        /// The post.
        title: String,
        /// Who waits for it.
        to: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// The summary cannot be printed.
    #[error("printing the summary")]
    Summary(#[from] serde_json::Error),
}

/// Names what the system was asked for.
pub fn doing(doing: &'static str) -> impl FnOnce(io::Error) -> DemoError {
    move |cause| DemoError::System { doing, cause }
}
