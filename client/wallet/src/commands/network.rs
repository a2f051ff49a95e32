//! `countersign network`: the chain and the node.
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::Subcommand;
use countersign_client::rpc::ClientError;
use countersign_client::types::{Hash, Timestamp};
use countersign_client::verify::Trust;
use countersign_client::{Client, clock};
use serde_json::{Value as Json, json};

/// What to know of the network.
#[derive(Subcommand, Debug)]
pub enum NetworkCommand {
    /// The chain, its newest block, and the node
    Status,
    /// The node's peers, and whether they are there
    Peers,
    /// Why the next block is not there yet
    Explain,
    /// The chains this wallet trusts; with an id, trust that chain and use it from now on
    Trust {
        /// The chain's id, from those who run it; the node's genesis must be that chain's
        chain: Option<Hash>,
    },
    /// Trust a chain no more, and forget what was seen of it
    Forget {
        /// The chain's id [default: the one in use]
        chain: Option<Hash>,
    },
}

/// Runs the command.
pub async fn run(session: &Session, command: NetworkCommand) -> Result<(), Failure> {
    match command {
        NetworkCommand::Status => status(session).await,
        NetworkCommand::Peers => peers(session).await,
        NetworkCommand::Explain => explain(session).await,
        NetworkCommand::Trust { chain: Some(chain) } => trust(session, chain).await,
        NetworkCommand::Trust { chain: None } => trusted(session),
        NetworkCommand::Forget { chain } => forget(session, chain),
    }
}

fn client(session: &Session) -> Result<&Client, Failure> {
    session.client("the network's status")
}

async fn peers(session: &Session) -> Result<(), Failure> {
    let peers = client(session)?.peers().await?;
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

async fn explain(session: &Session) -> Result<(), Failure> {
    let told = client(session)?.explain_consensus().await?;
    session.output.result(&told, || {
        let state = if told.is_normal { "normal" } else { "held up" };
        let head = format!("Height {} ({state}), {} ms after the newest block", told.height, told.waiting_ms);
        std::iter::once(head).chain(told.words.iter().cloned()).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

/// Trusts a chain, which the node must have, unless it is trusted already.
async fn trust(session: &Session, chain: Hash) -> Result<(), Failure> {
    let store = &session.trusted;
    if store.load(&chain).map_err(ClientError::from)?.is_none() {
        let genesis = session.client("trusting a chain")?.spec().await?;
        let trust = Trust::from_genesis(chain, &genesis).map_err(ClientError::from)?;
        store.save(&trust).map_err(ClientError::from)?;
    }
    store.set_default(&chain).map_err(ClientError::from)?;
    trusted(session)
}

/// Tells what is trusted.
fn trusted(session: &Session) -> Result<(), Failure> {
    let chains = session.trusted.list().map_err(ClientError::from)?;
    let default = session.trusted.default_chain().map_err(ClientError::from)?;
    let items: Vec<_> = chains.iter().map(|trust| trust_json(trust, default)).collect();
    session.output.result(&json!({ "items": items }), || {
        let rows = chains.iter().map(|trust| {
            let newest = trust.newest();
            [
                if default == Some(trust.chain()) { "in use" } else { "" }.into(),
                trust.title().into(),
                trust.validators().0.len().to_string(),
                newest.map_or_else(|| "-".into(), |mark| mark.height.to_string()),
                newest.map_or_else(|| "-".into(), |mark| clock::to_local(mark.time)),
                trust.chain().to_string(),
            ]
        });
        table(["", "TITLE", "VALIDATORS", "HEIGHT", "TIME", "CHAIN"], rows)
    });
    Ok(())
}

fn trust_json(trust: &Trust, default: Option<Hash>) -> Json {
    let newest = trust.newest().map(
        |mark| json!({ "height": mark.height.get(), "time": clock::to_utc(mark.time), "hash": mark.hash.to_string() }),
    );
    json!({
        "chain": trust.chain().to_string(), "title": trust.title(), "in_use": default == Some(trust.chain()),
        "validators": trust.validators().0.len(), "since": trust.since().get(), "newest": newest
    })
}

fn forget(session: &Session, chain: Option<Hash>) -> Result<(), Failure> {
    let default = session.trusted.default_chain().map_err(ClientError::from)?;
    let chain = chain.or(default).ok_or_else(|| Failure::NotTrusted { chain: "any chain".into() })?;
    if !session.trusted.forget(&chain).map_err(ClientError::from)? {
        return Err(Failure::NotTrusted { chain: format!("chain {chain}") });
    }
    session.output.result(&json!({ "chain": chain.to_string(), "forgotten": true }), || format!("Forgotten: {chain}"));
    Ok(())
}

async fn status(session: &Session) -> Result<(), Failure> {
    let client = client(session)?;
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
