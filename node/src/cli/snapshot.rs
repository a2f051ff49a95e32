//! `countersign-node snapshot`: a chain at a height as one file.
use super::{CliError, Folder};
use crate::snapshot::{self, Summary};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Snapshot {
    /// Write the newest certified state of a stopped node to a file, with all that a node needs to go on from there.
    Create {
        #[command(flatten)]
        folder: Folder,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make a node's chain of a snapshot. Only the spec is trusted: the snapshot must be certified by the validators it leads to.
    Restore {
        /// The chain's spec.
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
        #[command(flatten)]
        folder: Folder,
        /// The snapshot.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
}

impl Snapshot {
    pub fn execute(self) -> Result<(), CliError> {
        match self {
            Self::Create { folder, out } => {
                print(&snapshot::create(&folder.dir, &out)?);
                println!(
                    "\n{} can be restored with the chain's spec: countersign-node snapshot restore",
                    out.display()
                );
            }
            Self::Restore { spec, folder, from } => {
                let genesis = countersign_chain_spec::load(&spec)?;
                print(&snapshot::restore(&genesis, &folder.dir, &from)?);
                println!(
                    "\nThe node of {} goes on from there. History before it is not in a snapshot.",
                    folder.dir.display()
                );
            }
        }
        Ok(())
    }
}

fn print(summary: &Summary) {
    println!("chain    {}", summary.chain);
    println!("height   {}", summary.height);
    println!("root     {}", summary.root);
    println!("entries  {}", summary.entries);
    println!("ids      {}", summary.ids);
    println!("bytes    {}", summary.bytes);
}
