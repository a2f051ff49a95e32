//! The measured node and its chain: one validator, a bank, a merchant, and as many holders as wanted.
use anyhow::Context as _;
use countersign_harness::Node;
use countersign_rpc_types::{CountersignRpcClient as _, TxStatus};
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{AccountId, Hash};
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of the member that sells; it has the roles merchant, issuer and agent too.
pub const MERCHANT: &str = "shop.example";
/// Requests a connection may have open: more than the load keeps.
const REQUESTS_MAX: usize = 4_096;
/// Messages of a subscription that may wait in the generator.
const NOTICES_MAX: usize = 65_536;

/// A holder of the chain.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// Its key.
    pub secret: [u8; 32],
}

/// A running node and what a client needs to know of its chain.
#[derive(Debug)]
pub struct Chain {
    /// The chain's id.
    pub id: Hash,
    /// The merchant first, then the holders.
    pub holders: Vec<Holder>,
    /// The node's process.
    pub node: Node,
}

impl Chain {
    /// Makes the chain in `dir` and starts its node.
    pub async fn start(dir: &Path, holders: u32) -> anyhow::Result<Self> {
        let names: Vec<String> = std::iter::once(MERCHANT.to_string()).chain((0..holders).map(holder_name)).collect();
        let holders = names.iter().map(|name| holder(name)).collect();
        let spec = dir.join("spec.toml");
        std::fs::create_dir_all(dir)?;
        std::fs::write(&spec, spec_text(&names)?)?;
        let home = dir.join("node");
        init(&spec, &home)?;
        let node = Node::start(&home, &["run", "--rpc-listen", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"])?;
        let client = connect(&node.url()).await?;
        let id = client.chain_head().await?.chain.parse().context("the chain's id")?;
        Ok(Self { id, holders, node })
    }

    /// A new connection.
    pub async fn connect(&self) -> anyhow::Result<WsClient> {
        connect(&self.node.url()).await
    }

    /// Checks that the transactions took effect, so that nobody measures refusals.
    pub async fn check_outcomes(&self, ids: &[String]) -> anyhow::Result<()> {
        anyhow::ensure!(!ids.is_empty(), "no transaction became final");
        let client = self.connect().await?;
        for id in ids {
            match client.tx_status(id.clone()).await? {
                TxStatus::Final { receipt, .. } if receipt.ok => {}
                other => anyhow::bail!("transaction {id} did not take effect: {other:?}"),
            }
        }
        Ok(())
    }

    /// Where the node keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.node.dir().to_path_buf()
    }
}

async fn connect(url: &str) -> anyhow::Result<WsClient> {
    let builder = WsClientBuilder::default()
        .max_concurrent_requests(REQUESTS_MAX)
        .max_buffer_capacity_per_subscription(NOTICES_MAX);
    Ok(builder.request_timeout(std::time::Duration::from_secs(60)).build(url).await?)
}

fn holder_name(index: u32) -> String {
    format!("holder-{index}@{MERCHANT}")
}

fn holder(name: &str) -> Holder {
    let secret = development_secret(name);
    Holder { account: AccountId::of_key(&public_key(&secret)), secret }
}

fn key_of(name: &str) -> String {
    public_key(&development_secret(name)).to_string()
}

fn spec_text(names: &[String]) -> anyhow::Result<String> {
    let mut text = format!(
        "title = \"bench\"\ntime = \"2026-01-01T00:00:00Z\"\n\n[council]\nmembers = [\"{MERCHANT}\"]\nthreshold = 1\n\n\
         [[validator]]\nkey = \"{}\"\npower = 1\n\n\
         [[member]]\nname = \"{MERCHANT}\"\nkey = \"{}\"\nroles = [\"merchant\", \"issuer\"]\n\n",
        key_of("validator-1"),
        key_of(MERCHANT)
    );
    for name in &names[1..] {
        write!(text, "[[holder]]\nname = \"{name}\"\nkey = \"{}\"\n\n", key_of(name))?;
    }
    write!(
        text,
        "[[asset]]\nsymbol = \"EUR\"\nissuer = \"{MERCHANT}\"\ndecimals = 2\ntitle = \"Euro\"\n\n[asset.balances]\n"
    )?;
    for name in names {
        writeln!(text, "\"{name}\" = \"1000000000.00\"")?;
    }
    write!(text, "\n[[contract]]\nname = \"rebate\"\nbuiltin = \"rebate\"\n")?;
    Ok(text)
}

fn init(spec: &Path, home: &Path) -> anyhow::Result<()> {
    let key = spec.with_file_name("validator.key");
    run_node(&[&"keys", &"new", &"--development", &"validator-1", &"--out", &key])?;
    run_node(&[&"init", &"--spec", &spec, &"--dir", &home, &"--validator-key", &key])
}

/// Runs a command of the node that ends by itself.
fn run_node(args: &[&dyn AsRef<OsStr>]) -> anyhow::Result<()> {
    let mut command = Command::new(countersign_harness::binary(countersign_harness::Binary::Node)?);
    let output = command.args(args.iter().map(|arg| arg.as_ref())).output()?;
    anyhow::ensure!(output.status.success(), "the node refused:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
