//! `countersign network`: the chain and the node.
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::Subcommand;
use countersign_client::types::Timestamp;
use countersign_client::{Client, clock};
use serde_json::json;

/// What to know of the network.
#[derive(Subcommand, Debug)]
pub enum NetworkCommand {
    /// The chain, its newest block, and the node
    Status,
    /// The node's peers, and whether they are there
    Peers,
    /// Why the next block is not there yet
    Explain,
}

/// Runs the command.
pub async fn run(session: &Session, command: NetworkCommand) -> Result<(), Failure> {
    let client = session.client("the network's status")?;
    match command {
        NetworkCommand::Status => status(session, client).await,
        NetworkCommand::Peers => {
            let peers = client.peers().await?;
            session.output.result(&peers, || {
                let rows = peers.iter().map(|peer| {
                    let state = if peer.connected { "connected" } else { "away" };
                    let height = peer.height.map(|height| height.to_string()).unwrap_or_default();
                    [state.to_string(), height, peer.address.clone()]
                });
                table(["STATE", "HEIGHT", "ADDRESS"], rows)
            });
            Ok(())
        }
        NetworkCommand::Explain => {
            let told = client.explain_consensus().await?;
            session.output.result(&told, || {
                let state = if told.is_normal { "normal" } else { "held up" };
                let head = format!("Height {} ({state}), {} ms after the newest block", told.height, told.waiting_ms);
                std::iter::once(head).chain(told.words.iter().cloned()).collect::<Vec<_>>().join("\n")
            });
            Ok(())
        }
    }
}

async fn status(session: &Session, client: &Client) -> Result<(), Failure> {
    session.chain().await?;
    let head = client.head().await?;
    let node = client.node_status().await?;
    let mut result = json!(head);
    result["url"] = json!(client.url());
    result["node"] = json!(node);
    session.output.result(&result, || {
        let time = Timestamp::from_millis(head.time_ms);
        let age = clock::relative(time, session.directory.now());
        facts([
            ("node", client.url().into()),
            ("version", node.version.clone()),
            ("chain", format!("{} ({})", head.chain, head.title)),
            ("height", head.height.to_string()),
            ("block", head.hash.clone()),
            ("block time", format!("{} ({age})", clock::to_local(time))),
            ("waiting", format!("{} transactions, {} bytes", node.mempool_transactions, node.mempool_bytes)),
            ("validator", node.validator.clone().unwrap_or_else(|| "no".into())),
            ("up for", format!("{} s", node.uptime_s)),
        ])
    });
    Ok(())
}
