//! `countersign-node doctor`: what is wrong with a node, and what to do.
use super::{CliError, Folder};
use crate::doctor::{self, Level};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    folder: Folder,
    /// Print the findings as a JSON list of objects with check, level (ok, note, warning, error), text and advice.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub fn execute(self) -> Result<(), CliError> {
        let findings = doctor::examine(&self.folder.dir, std::env::vars());
        if self.json {
            println!("{}", serde_json::to_string(&findings).expect("texts are JSON"));
        } else {
            findings.iter().for_each(|finding| println!("{finding}"));
        }
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        if errors == 0 { Ok(()) } else { Err(CliError::Unhealthy { errors }) }
    }
}
