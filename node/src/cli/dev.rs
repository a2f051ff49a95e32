//! `countersign-node dev`: a ready network on this machine. One validator runs in this process, several each in its own.
use super::run::run_node;
use super::{CliError, run};
use crate::config::{self, Config};
use crate::folder;
use crate::local::{self, Launch, LocalError, Process};
use crate::node::Node;
use clap::Args;
use countersign_types::Genesis;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names shown as examples, of each kind.
const EXAMPLES_MAX: usize = 6;
/// Time between two looks whether all nodes still run.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where to keep the chain; default `countersign/dev` in the user's data folder, or `./countersign-dev` without one.
    #[arg(long, env = "COUNTERSIGN_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Validators, each a process of its own if there are several [default: as many as the folder holds, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=local::VALIDATORS_MAX as i64))]
    validators: Option<u8>,
    /// Port of the (first node's) RPC on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    rpc_port: Option<u16>,
    /// Begin again: what the folder holds of an earlier chain is deleted.
    #[arg(long)]
    fresh: bool,
    /// Let every node relay log-ins at merchants' sites and sealed messages.
    #[arg(long)]
    relay: bool,
    /// PEM file with certificates of sites that the relays trust besides the system's.
    #[arg(long, value_name = "FILE")]
    trusted_certificates: Option<PathBuf>,
    /// What to log, as info or debug,countersign_node::rpc=trace.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl Dev {
    pub fn execute(self) -> Result<(), CliError> {
        let dir = self.dir.clone().unwrap_or_else(default_dir);
        if self.fresh {
            folder::forget(&dir)?;
            local::forget(&dir)?;
        }
        let alone = usize::from(dir.join(folder::SETTINGS_FILE).exists());
        let found = local::size(&dir).max(alone);
        let wanted = self.validators.map_or(found.max(1), usize::from);
        if found != 0 && found != wanted {
            return Err(LocalError::OtherNetwork { dir, found, wanted }.into());
        }
        // A network of one made as several nodes are stays so.
        if wanted == 1 && local::size(&dir) == 0 { self.run_alone(&dir) } else { self.run_several(&dir, wanted) }
    }

    fn run_alone(self, dir: &Path) -> Result<(), CliError> {
        if !dir.join(folder::SETTINGS_FILE).exists() {
            make(dir)?;
        }
        let mut flags = Vec::new();
        flags.extend(self.rpc_port.map(|port| ("rpc.listen", format!("127.0.0.1:{port}"))));
        flags.extend(self.relay.then(|| ("relay.enabled", "true".to_owned())));
        let certificates = self.trusted_certificates.as_deref().map(super::absolute).transpose()?;
        flags.extend(certificates.map(|file| ("relay.trusted_certificates", file.display().to_string())));
        flags.extend(self.log.map(|filter| ("log.filter", filter)));
        let config = config::load(dir, std::env::vars(), &flags)?;
        run_node(config, false, |node: &Node| {
            let (chain, address) = (node.chain(), node.rpc_address());
            println!("{}, height {}", chain.genesis().title, chain.head().height());
            println!("rpc      http://{address}  ws://{address}  (also /metrics, /readyz)");
            if let Some(relay) = node.relay_key() {
                println!("relay    {relay}");
            }
            welcome(chain.genesis(), &address.to_string());
        })
    }

    fn run_several(self, dir: &Path, validators: usize) -> Result<(), CliError> {
        let program =
            std::env::current_exe().map_err(|cause| CliError::System { action: "find this program", cause })?;
        let nodes = local::open(dir, validators)?;
        let certificates = self.trusted_certificates.as_deref().map(super::absolute).transpose()?;
        let port = self.rpc_port.unwrap_or_else(|| Config::new(PathBuf::new()).rpc_listen.port());
        let launch = |number| Launch {
            program: program.clone(),
            // The first node serves where wallets look; the others anywhere.
            rpc_listen: SocketAddr::from(([127, 0, 0, 1], if number == 1 { port } else { 0 })),
            log: self.log.clone(),
            relay: self.relay,
            trusted_certificates: certificates.clone(),
        };
        let processes = Process::start_all(&nodes, launch)?;
        let spec = nodes.first().map(|node| node.dir.join(folder::SPEC_FILE)).unwrap_or_default();
        let genesis = countersign_chain_spec::load(&spec)?;
        println!("{}: {validators} validators, files in {}", genesis.title, dir.display());
        for process in &processes {
            let (address, pid) = (process.address(), process.pid());
            println!("node {}   rpc ws://{address}  network {}  process {pid}", process.number(), process.listen());
            println!("         log {}", process.log().display());
            if self.relay {
                println!("         relay {}", local::identity(process.number()).public());
            }
        }
        welcome(&genesis, processes.first().map(Process::address).unwrap_or_default());
        supervise(processes)
    }
}

/// Waits until this process is asked to stop, or no node is left; stops what runs. A node that ends is told, the others go on.
fn supervise(mut processes: Vec<Process>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| CliError::System { action: "start the runtime", cause })?;
    let mut last = None;
    let asked = runtime.block_on(async {
        let mut shutdown = std::pin::pin!(run::shutdown_requested());
        let mut look = tokio::time::interval(LOOK_EVERY);
        while !processes.is_empty() {
            tokio::select! {
                () = &mut shutdown => return true,
                _ = look.tick() => last = report_ended(&mut processes).or(last.take()),
            }
        }
        false
    });
    println!("stopping");
    Process::stop_all(processes);
    match last {
        Some(fault) if !asked => Err(fault.into()),
        _ => Ok(()),
    }
}

/// Takes out the nodes that have ended, and says so; the last of them.
fn report_ended(processes: &mut Vec<Process>) -> Option<LocalError> {
    let mut last = None;
    processes.retain_mut(|process| {
        // One that cannot be looked after is asked again next time.
        let Ok(Some(status)) = process.ended() else {
            return true;
        };
        let what = format!("ended ({status})");
        let fault = LocalError::Node { number: process.number(), what, log: process.log() };
        eprintln!("{fault}");
        last = Some(fault);
        false
    });
    if last.is_some() && !processes.is_empty() {
        let numbers: Vec<String> = processes.iter().map(|process| process.number().to_string()).collect();
        eprintln!("still running: node {}; stop with Ctrl-C and start again to have all back", numbers.join(", "));
    }
    last
}

fn make(dir: &Path) -> Result<(), CliError> {
    let mut config = Config::new(dir.to_path_buf());
    // One node alone: nobody else connects.
    config.network_listen = "/ip4/127.0.0.1/tcp/0".into();
    config.log = "warn,countersign_node=info,countersign_relay=info".into();
    folder::make(&mut config, Some(&local::spec(1)), &local::keys(1))?;
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

/// What to try; `address` is `host:port` of an RPC.
fn welcome(genesis: &Genesis, address: &str) {
    let names = |names: &mut dyn Iterator<Item = String>| names.take(EXAMPLES_MAX).collect::<Vec<_>>().join(", ");
    println!("chain    {}", genesis.chain());
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
