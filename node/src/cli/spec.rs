//! `countersign-node spec`: chain specs.
use super::CliError;
use clap::Subcommand;
use countersign_types::Genesis;
use std::path::PathBuf;

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
    /// Write a spec to begin with: the development network's, to be edited.
    New {
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
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
            Self::New { out } => {
                let write = |cause| CliError::System { action: "write the spec", cause };
                let mut file = std::fs::File::create_new(&out).map_err(write)?;
                std::io::Write::write_all(&mut file, countersign_chain_spec::DEV.as_bytes()).map_err(write)?;
                println!(
                    "{}: put in your own keys, then `countersign-node spec check {}`",
                    out.display(),
                    out.display()
                );
            }
        }
        Ok(())
    }
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
