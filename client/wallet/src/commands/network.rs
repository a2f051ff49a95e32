//! `countersign network`: the chain and the node.
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use clap::Subcommand;
use countersign_client::clock;
use countersign_client::types::Timestamp;
use serde_json::json;

/// What to know of the network.
#[derive(Subcommand, Debug)]
pub enum NetworkCommand {
    /// The chain, its newest block, and the node
    Status,
}

/// Runs the command.
pub async fn run(session: &Session, command: NetworkCommand) -> Result<(), Failure> {
    let NetworkCommand::Status = command;
    let client = session.client("the network's status")?;
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
