//! The measured network and its chain: validators, a bank, a merchant, and as many holders as wanted.
use anyhow::Context as _;
use countersign_harness::{MERCHANT, Network, Person, Plan};
use countersign_rpc_types::{CountersignRpcClient as _, TxStatus};
use countersign_types::Hash;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use std::path::Path;

/// Requests a connection may have open: more than the load keeps.
const REQUESTS_MAX: usize = 4_096;
/// Messages of a subscription that may wait in the generator.
const NOTICES_MAX: usize = 65_536;

/// A running network and what a client needs to know of its chain.
#[derive(Debug)]
pub struct Chain {
    /// The chain's id.
    pub id: Hash,
    /// The merchant first, then the holders.
    pub holders: Vec<Person>,
    /// The nodes' processes.
    pub network: Network,
}

impl Chain {
    /// Makes the chain in `dir` and starts its validators.
    pub fn start(dir: &Path, validators: usize, holders: u32) -> anyhow::Result<Self> {
        let plan = Plan { holders, links: false, ..Plan::of(validators) };
        let holders = std::iter::once(Person::named(MERCHANT)).chain(plan.people()).collect();
        let mut network = Network::make(dir, plan)?;
        network.start_all()?;
        Ok(Self { id: network.chain(), holders, network })
    }

    /// A new connection to a node.
    pub async fn connect(&self, node: usize) -> anyhow::Result<WsClient> {
        let builder = WsClientBuilder::default()
            .max_concurrent_requests(REQUESTS_MAX)
            .max_buffer_capacity_per_subscription(NOTICES_MAX)
            .request_timeout(std::time::Duration::from_secs(60));
        let url = self.network.node(node).url();
        builder.build(url).await.with_context(|| format!("connecting with node {node}"))
    }

    /// Checks that the transactions took effect, so that nobody measures refusals.
    pub async fn check_outcomes(&self, ids: &[String]) -> anyhow::Result<()> {
        anyhow::ensure!(!ids.is_empty(), "no transaction became final");
        let client = self.connect(0).await?;
        for id in ids {
            match client.tx_status(id.clone()).await? {
                TxStatus::Final { receipt, .. } if receipt.ok => {}
                other => anyhow::bail!("transaction {id} did not take effect: {other:?}"),
            }
        }
        Ok(())
    }
}
