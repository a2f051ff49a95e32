//! `countersign-node init`: a node's folder, before its chain's spec is made or from it.
use super::CliError;
use crate::config::Config;
use crate::entry::{self, Entry};
use crate::folder::{self, FolderError};
use crate::keys::{NodeKey, NodeKeys, Passphrase};
use clap::Args;
use countersign_types::{Genesis, Validator};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The RPC's port is this much above the network's unless it is named: 26800 to 26600.
const RPC_PORT_ABOVE: u16 = 200;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder to make.
    #[arg(long, env = "COUNTERSIGN_DIR", value_name = "DIR")]
    dir: PathBuf,
    /// The spec of a chain that is there already; without one, this node will be part of a chain that is being made.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["member", "follower"])]
    spec: Option<PathBuf>,
    /// Where peers reach the node, as /dns4/node.harbor-bank.example/tcp/26600; it listens on that port.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "spec")]
    address: Option<String>,
    /// The member that runs the node, as harbor-bank.example.
    #[arg(long, value_name = "NAME", required_unless_present = "spec")]
    member: Option<String>,
    /// The validator's key, made with `keys new`. Without it a new chain's node makes one, and a node of an existing chain follows.
    #[arg(long, value_name = "FILE")]
    validator_key: Option<PathBuf>,
    /// The node of a new chain only follows it.
    #[arg(long, conflicts_with = "validator_key")]
    follower: bool,
    /// Address of the RPC [default: 127.0.0.1 with a port 200 above the network's]
    #[arg(long, value_name = "ADDRESS")]
    rpc_listen: Option<SocketAddr>,
    /// File with the passphrase under which the keys are encrypted; the node will read it at every start.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Init {
    pub fn execute(self) -> Result<(), CliError> {
        let mut config = Config::new(self.dir.clone());
        config.passphrase_file = self.passphrase_file.as_deref().map(super::absolute).transpose()?;
        let passphrase = Passphrase::of(&config)?;
        if let Some(address) = &self.address {
            let address = entry::node_address(command_line, address)?;
            (config.network_listen, config.rpc_listen) = listening(&address, config.rpc_listen);
        }
        config.rpc_listen = self.rpc_listen.unwrap_or(config.rpc_listen);
        let given = self.validator_key.as_deref().map(|file| NodeKey::load(file, passphrase.as_ref())).transpose()?;
        match (&self.spec, &self.address, &self.member) {
            (None, Some(address), Some(member)) => {
                let validator = match given {
                    None if !self.follower => Some(NodeKey::generate()?),
                    given => given,
                };
                join_a_new_chain(&mut config, address, member, validator)
            }
            (Some(spec), ..) => join(&mut config, spec, given),
            (None, ..) => unreachable!("the command line's reader asks for both without a spec"),
        }
    }
}

fn command_line() -> String {
    "command line".into()
}

/// Where a node that is reached at `address` listens, and where its RPC does unless said otherwise.
fn listening(address: &str, rpc: SocketAddr) -> (String, SocketAddr) {
    let mut parts = address.split('/').skip(1);
    let (kind, host, port) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.nth(1));
    let port: u16 = port.and_then(|port| port.parse().ok()).unwrap_or_default();
    // Only a loopback address is certainly one of this machine's: others may be those of a router before it.
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback());
    let listen = match kind {
        _ if is_loopback => address.to_owned(),
        "ip6" | "dns6" => format!("/ip6/::/tcp/{port}"),
        _ => format!("/ip4/0.0.0.0/tcp/{port}"),
    };
    (listen, SocketAddr::new(rpc.ip(), port.checked_add(RPC_PORT_ABOVE).unwrap_or(rpc.port())))
}

/// Keys, settings, and the entry for the spec that is being made.
fn join_a_new_chain(
    config: &mut Config,
    address: &str,
    member: &str,
    validator: Option<NodeKey>,
) -> Result<(), CliError> {
    let (address, member) = (entry::node_address(command_line, address)?, entry::member(command_line, member)?);
    let keys = NodeKeys { network: NodeKey::generate()?, validator };
    let identity = folder::make(config, None, &keys)?;
    let validator = keys.validator.as_ref().map(|key| Validator { key: key.public(), power: 1 });
    let entry = Entry { member, address, network_key: identity.public(), validator };
    let file = config.dir.join(folder::ENTRY_FILE);
    folder::write(&file, &entry.to_toml())?;
    let dir = config.dir.display();
    println!("folder     {dir}");
    println!("entry      {}", file.display());
    println!("peer id    {}", identity.peer_id());
    println!("listens    {}  rpc {}", config.network_listen, config.rpc_listen);
    match validator {
        Some(validator) => println!("validator  {}", validator.key),
        None => println!("validator  none: this node only follows"),
    }
    println!("\nNow gather the entries of all nodes: countersign-node spec new --from SPEC --out chain.toml ENTRY...");
    println!("and start this one with what comes out: countersign-node run --dir {dir} --spec chain.toml");
    Ok(())
}

/// A folder for a chain whose spec is there.
fn join(config: &mut Config, spec: &Path, validator: Option<NodeKey>) -> Result<(), CliError> {
    let genesis = countersign_chain_spec::load(spec)?;
    let text =
        fs::read_to_string(spec).map_err(|cause| CliError::System { action: "read the chain's spec again", cause })?;
    let keys = NodeKeys { network: NodeKey::generate()?, validator };
    let identity = folder::make(config, Some(&text), &keys)?;
    keep_spec_where_it_reads_the_same(config, &genesis, spec)?;
    println!("folder     {}", config.dir.display());
    println!("chain      {}  {}", genesis.chain(), genesis.title);
    println!("node       {}  (for the council to admit)", identity.public());
    println!("peer id    {}", identity.peer_id());
    println!("listens    {}  rpc {}", config.network_listen, config.rpc_listen);
    match &keys.validator {
        Some(key) => println!("validator  {}", key.public()),
        None => println!("validator  none: this node only follows (see --validator-key)"),
    }
    let registered = genesis.nodes.len();
    if registered == 0 {
        println!("\nThe spec lists no nodes: list peers in {}", config.dir.join(folder::SETTINGS_FILE).display());
    }
    println!("\nNow: countersign-node run --dir {}", config.dir.display());
    Ok(())
}

/// A spec that names files beside it is left where it is.
fn keep_spec_where_it_reads_the_same(config: &mut Config, genesis: &Genesis, spec: &Path) -> Result<(), CliError> {
    let copied = countersign_chain_spec::load(&config.path(&config.spec));
    if copied.is_ok_and(|copied| copied.chain() == genesis.chain()) {
        return Ok(());
    }
    let copy = config.path(&config.spec);
    config.spec = spec.canonicalize().map_err(|cause| CliError::System { action: "find the chain's spec", cause })?;
    fs::remove_file(&copy).map_err(|cause| FolderError::Delete { path: copy, cause })?;
    Ok(folder::write(&config.dir.join(folder::SETTINGS_FILE), &crate::config::template(config))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_listens_where_its_address_leads() {
        let rpc = SocketAddr::from(([127, 0, 0, 1], 26800));
        let of = |address: &str| {
            let (listen, rpc) = listening(address, rpc);
            (listen, rpc.to_string())
        };
        let at = |listen: &str, rpc: &str| (listen.to_owned(), rpc.to_owned());
        assert_eq!(of("/ip4/127.0.0.1/tcp/26601"), at("/ip4/127.0.0.1/tcp/26601", "127.0.0.1:26801"));
        assert_eq!(of("/ip4/203.0.113.7/tcp/26600"), at("/ip4/0.0.0.0/tcp/26600", "127.0.0.1:26800"));
        assert_eq!(of("/dns4/node.shop.example/tcp/443"), at("/ip4/0.0.0.0/tcp/443", "127.0.0.1:643"));
        assert_eq!(of("/ip6/2001:db8::7/tcp/65500"), at("/ip6/::/tcp/65500", "127.0.0.1:26800"));
    }
}
