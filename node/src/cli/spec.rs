//! `countersign-node spec`: chain specs.
use super::CliError;
use crate::entry::{self, Entry, EntryError};
use clap::Subcommand;
use countersign_chain_spec::LoadError;
use countersign_types::Genesis;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum Spec {
    /// Say whether a spec makes a chain, and which; every mistake is named with its line.
    Check {
        /// The spec.
        file: PathBuf,
    },
    /// Print a spec in its canonical form; without a file that of the development network.
    Show {
        /// The spec.
        file: Option<PathBuf>,
    },
    /// Write a spec: a given one with the nodes of the entries as its nodes and validators, or one to be edited.
    New {
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The spec with members, council, assets and contracts [default: the development network's, whose keys are well known]
        #[arg(long, value_name = "SPEC")]
        from: Option<PathBuf>,
        /// Entries that `init` made, one for each node.
        #[arg(value_name = "ENTRY")]
        entries: Vec<PathBuf>,
    },
}

impl Spec {
    pub fn execute(self) -> Result<(), CliError> {
        match self {
            Self::Check { file } => print_summary(&countersign_chain_spec::load(&file)?),
            Self::Show { file: Some(file) } => {
                print!("{}", countersign_chain_spec::to_toml(&countersign_chain_spec::load(&file)?));
            }
            Self::Show { file: None } => print!("{}", countersign_chain_spec::to_toml(&countersign_chain_spec::dev())),
            Self::New { out, from, entries } => new(&out, from.as_deref(), entries)?,
        }
        Ok(())
    }
}

fn new(out: &Path, from: Option<&Path>, entries: Vec<PathBuf>) -> Result<(), CliError> {
    let genesis = from.map_or_else(|| Ok(countersign_chain_spec::dev()), countersign_chain_spec::load)?;
    let (text, made) = if entries.is_empty() {
        let text = match from {
            None => countersign_chain_spec::DEV.into(),
            Some(_) => countersign_chain_spec::to_toml(&genesis),
        };
        (text, genesis)
    } else {
        let load = |file: PathBuf| Entry::load(&file).map(|entry| (file, entry));
        let entries = entries.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let made = entry::gathered(genesis, &entries)?;
        (countersign_chain_spec::to_toml(&made), made)
    };
    // Contracts in files are named relative to the spec: it must read the same where it will stand.
    let read = countersign_chain_spec::parse(&text, out.parent().unwrap_or(Path::new("")));
    let read = read.map_err(|source| LoadError::Mistakes { path: out.into(), source })?;
    if read.chain() != made.chain() {
        return Err(EntryError::OtherFiles { out: out.into() }.into());
    }
    let write = |cause| CliError::System { action: "write the spec (an existing file is left as it is)", cause };
    let mut file = std::fs::File::create_new(out).map_err(write)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(write)?;
    print_summary(&made);
    if from.is_none() {
        println!(
            "\nIts members' and holders' keys are well known: anybody can sign for anybody. For more than trying out, put in"
        );
        println!("your own, then: countersign-node spec check {}", out.display());
    }
    if !made.nodes.is_empty() {
        println!("\nNow, for each node: countersign-node run --dir DIR --spec {}", out.display());
    }
    Ok(())
}

fn print_summary(genesis: &Genesis) {
    println!("title       {}", genesis.title);
    println!("chain       {}", genesis.chain());
    println!("validators  {}", genesis.validators.0.len());
    println!("nodes       {}", genesis.nodes.len());
    println!("council     {} of {}", genesis.council.threshold, genesis.council.members.len());
    println!("members     {}", genesis.members.len());
    println!("holders     {}", genesis.holders.len());
    println!("assets      {}", genesis.assets.iter().map(|asset| asset.id.to_string()).collect::<Vec<_>>().join(", "));
    println!(
        "contracts   {}",
        genesis.contracts.iter().map(|contract| contract.name.to_string()).collect::<Vec<_>>().join(", ")
    );
}
