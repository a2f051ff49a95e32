//! `countersign-node dev`: a network of one validator, ready to use.
use super::run::run_node;
use super::{CliError, init};
use crate::config::{self, Config};
use crate::keys::NodeKey;
use crate::node::Node;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the well-known key of the network's validator.
const VALIDATOR: &str = "validator-1";
/// Names shown as examples, of each kind.
const EXAMPLES_MAX: usize = 6;

#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where to keep the chain; default `countersign/dev` in the user's data folder, or `./countersign-dev` without one.
    #[arg(long, env = "COUNTERSIGN_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Port of the RPC on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    rpc_port: Option<u16>,
    /// Begin again: what the folder holds of an earlier chain is deleted.
    #[arg(long)]
    fresh: bool,
    /// What to log, as info or debug,countersign_node::rpc=trace.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl Dev {
    pub fn execute(self) -> Result<(), CliError> {
        let dir = self.dir.unwrap_or_else(default_dir);
        if self.fresh {
            forget(&dir)?;
        }
        if !dir.join("node.toml").exists() {
            make(&dir)?;
        }
        let mut flags = Vec::new();
        flags.extend(self.rpc_port.map(|port| ("rpc.listen", format!("127.0.0.1:{port}"))));
        flags.extend(self.log.map(|filter| ("log.filter", filter)));
        let config = config::load(&dir, std::env::vars(), &flags)?;
        run_node(config, welcome)
    }
}

fn make(dir: &Path) -> Result<(), CliError> {
    let mut config = Config::new(dir.to_path_buf());
    // One node alone: nobody else connects.
    config.network_listen = "/ip4/127.0.0.1/tcp/0".into();
    config.log = "warn,countersign_node=info".into();
    init::make(&mut config, countersign_chain_spec::DEV, Some(&NodeKey::development(VALIDATOR)))?;
    Ok(())
}

/// The user's data folder by the XDG rules.
fn default_dir() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    match data.or_else(home) {
        Some(data) => data.join("countersign/dev"),
        None => "countersign-dev".into(),
    }
}

/// The files of a node's folder that are not the chain's.
const FORGOTTEN: [&str; 7] = [
    "mempool.bin",
    "evidence.bin",
    "node.toml",
    "spec.toml",
    "network.key",
    "validator.key",
    crate::node::ADDRESS_FILE,
];

/// Deletes what a node keeps in `dir`, and nothing else.
fn forget(dir: &Path) -> Result<(), CliError> {
    for name in ["chain", "consensus", "code-cache"] {
        ignore_missing(fs::remove_dir_all(dir.join(name)))?;
    }
    for name in FORGOTTEN {
        ignore_missing(fs::remove_file(dir.join(name)))?;
    }
    Ok(())
}

fn ignore_missing(result: std::io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(CliError::System { action: "delete the earlier chain", cause })
        }
        _ => Ok(()),
    }
}

fn welcome(node: &Node) {
    let (chain, address) = (node.chain(), node.rpc_address());
    let genesis = chain.genesis();
    let names = |names: &mut dyn Iterator<Item = String>| names.take(EXAMPLES_MAX).collect::<Vec<_>>().join(", ");
    println!("{}, height {}", genesis.title, chain.head().height());
    println!("chain    {}", chain.id());
    println!("rpc      http://{address}  ws://{address}  (also /metrics, /readyz)");
    println!("members  {}", names(&mut genesis.members.iter().map(|member| member.name.to_string())));
    println!("holders  {}", names(&mut genesis.holders.iter().map(|holder| holder.name.to_string())));
    println!("assets   {}", names(&mut genesis.assets.iter().map(|asset| asset.id.to_string())));
    println!("\nEvery key is well known here: anybody can sign for anybody. Try, with the wallet:");
    println!("  export COUNTERSIGN_NODE=ws://{address}");
    println!("  countersign network status");
    let (mut holders, asset) = (genesis.holders.iter(), genesis.assets.first());
    if let (Some(payer), Some(payee), Some(asset)) = (holders.next(), holders.next(), asset) {
        println!("  countersign keys dev {} --no-passphrase", payer.name);
        println!("  countersign asset transfer --asset {} --amount 10.00 --to {}", asset.id, payee.name);
    }
    println!("\nStop with Ctrl-C; the chain goes on from here next time (`--fresh` begins again).");
}
