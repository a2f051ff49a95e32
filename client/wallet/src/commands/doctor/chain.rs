//! The node, the chain it is on, whether what it says is certified, whether wallet and node know the same calls, and the clock.
use crate::cli::Global;
use countersign_client::Client;
use countersign_client::builder::{CLOCK_SKEW_MS, VALIDITY_MS};
use countersign_client::clock;
use countersign_client::directory::bundled;
use countersign_client::rpc::{ClientError, Patience};
use countersign_client::rpc_types::ChainHead;
use countersign_client::rpc_types::finding::Finding;
use countersign_client::types::{Hash, Interface, Timestamp};
use countersign_client::verify::{Trust, TrustStore};

/// Whoever asks the doctor wants to know now.
const ATTEMPTS: u32 = 2;
/// A clock that disagrees with the blocks' times by less than this harms nothing.
const CLOCK_TOLERANCE_MS: u64 = 500;
/// The chain's parameter for how long it makes no block while there is nothing to do.
const IDLE_INTERVAL: &str = "idle_interval_ms";
const CLOCK_ADVICE: &str = "let the machine's clock be set by NTP (`timedatectl set-ntp true`)";
const NODE_ADVICE: &str = "start it (`countersign-node dev`), or name another by --node or COUNTERSIGN_NODE";

pub(super) async fn examine(options: &Global, findings: &mut Vec<Finding>) {
    if options.offline {
        findings.push(Finding::note("node", "is not asked: --offline"));
        return;
    }
    let patience = Patience { attempts: ATTEMPTS, ..Patience::default() };
    let client = match Client::new(&options.node, patience) {
        Ok(client) => client,
        Err(error) => {
            findings.push(Finding::failed("node", &error, NODE_ADVICE));
            return;
        }
    };
    let head = match client.head().await {
        Ok(head) => head,
        Err(error) => {
            findings.push(Finding::failed("node", &error, NODE_ADVICE));
            return;
        }
    };
    findings.push(Finding::ok("node", format!("{} answers, height {}", client.url(), head.height)));
    let store = TrustStore::new(options.home_folder().join("chains"));
    match store.default_chain() {
        Ok(kept) => findings.push(chain(options.chain.or(kept), &head)),
        Err(error) => findings.push(Finding::failed("chain", &error, "remove it and trust the chain again")),
    }
    findings.push(proofs(&client, &head).await);
    match versions(&client).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::failed("version", &error, "ask another node")),
    }
    findings.push(match pace(&client).await {
        Ok((idle_ms, is_normal)) => {
            clock_finding(clock::now(), Timestamp::from_millis(head.time_ms), idle_ms, is_normal)
        }
        Err(error) => Finding::failed("clock", &error, "ask another node"),
    });
}

fn chain(trusted: Option<Hash>, head: &ChainHead) -> Finding {
    let told = format!("{} ({})", head.chain, head.title);
    match trusted {
        Some(wanted) if wanted.to_string() != head.chain => {
            let text = format!("the node is on {told}, you trust {wanted}");
            Finding::error(
                "chain",
                text,
                "ask a node of your chain, or correct --chain, COUNTERSIGN_CHAIN or `network trust`",
            )
        }
        Some(_) => Finding::ok("chain", format!("{told}, the one you trust")),
        None => Finding::note(
            "chain",
            format!("{told}; nothing says that it is yours: `network trust` with the id from someone you trust does"),
        ),
    }
}

/// Whether the validators, followed from the genesis, certified the newest block.
async fn proofs(client: &Client, head: &ChainHead) -> Finding {
    if head.height == 0 {
        return Finding::note("proofs", "the chain has no block yet");
    }
    match certified(client, head).await {
        Ok(()) => Finding::ok("proofs", format!("block {} is certified by the chain's validators", head.height)),
        Err(error) => Finding::failed("proofs", &error, "do not believe this node; ask another"),
    }
}

async fn certified(client: &Client, head: &ChainHead) -> Result<(), ClientError> {
    let mut trust = Trust::from_genesis(client.chain().await?, &client.spec().await?)?;
    client.certified_header(&mut trust, head.height).await.map(drop)
}

/// The programs' versions, and the modules whose calls the wallet does not know as the node does.
async fn versions(client: &Client) -> Result<Vec<Finding>, ClientError> {
    let (own, node) = (env!("CARGO_PKG_VERSION"), client.node_status().await?.version);
    let mut findings = vec![match own == node {
        true => Finding::ok("version", format!("wallet and node are of version {own}")),
        false => Finding::note("version", format!("the wallet is of version {own}, the node of {node}")),
    }];
    let (mut same, mut unknown) = (0, Vec::new());
    for module in client.contracts().await? {
        let Some(known) = bundled(&module.name) else {
            unknown.push(module.name);
            continue;
        };
        let told = client.contract_interface(&module.name).await?;
        match Interface::parse(&told.text).map(|told| foreign_methods(known, &told)) {
            Ok(methods) if methods.is_empty() => same += 1,
            Ok(methods) => findings.push(differing(&module.name, &methods)),
            Err(error) => findings.push(Finding::failed("version", &error, "ask another node")),
        }
    }
    findings.push(Finding::ok("version", format!("{same} modules have the calls this wallet knows")));
    if !unknown.is_empty() {
        let text =
            format!("not known to this wallet: {}; of these it shows what the node declares", unknown.join(", "));
        findings.push(Finding::note("version", text));
    }
    Ok(findings)
}

fn differing(module: &str, methods: &[String]) -> Finding {
    let text =
        format!("{module} has calls on this chain that this wallet knows otherwise or not: {}", methods.join(", "));
    Finding::warning("version", text, "use the wallet of the chain's version")
}

/// The methods of `told` that `known` does not have as they are.
fn foreign_methods(known: &Interface, told: &Interface) -> Vec<String> {
    let methods = told.methods.iter().enumerate();
    let foreign = methods.filter(|(index, _)| known.method(told.selector(*index)).is_none());
    foreign.map(|(_, method)| method.name.clone()).collect()
}

/// How long an idle chain makes no block, and whether it goes on as it should.
async fn pace(client: &Client) -> Result<(u64, bool), ClientError> {
    let council = client.council().await?;
    let idle = council.parameters.iter().find(|parameter| parameter.name == IDLE_INTERVAL);
    let is_normal = client.explain_consensus().await?.is_normal;
    Ok((idle.map_or(0, |parameter| parameter.value), is_normal))
}

/// This clock against the newest block's time. A chain that stands still cannot tell a clock that is ahead.
fn clock_finding(now: Timestamp, block: Timestamp, idle_ms: u64, is_normal: bool) -> Finding {
    let (behind, age) = (block.saturating_since(now), now.saturating_since(block));
    if behind >= VALIDITY_MS {
        let text = format!("is {behind} ms behind the newest block: what you propose has expired already");
        return Finding::error("clock", text, CLOCK_ADVICE);
    }
    if behind > CLOCK_TOLERANCE_MS {
        return Finding::warning("clock", format!("is {behind} ms behind the newest block"), CLOCK_ADVICE);
    }
    if age <= idle_ms.saturating_add(CLOCK_SKEW_MS) {
        return Finding::ok("clock", "agrees with the newest block");
    }
    match is_normal {
        true => {
            let text = format!("is {age} ms ahead of the newest block, though the chain makes one every {idle_ms} ms");
            Finding::warning("clock", text, CLOCK_ADVICE)
        }
        false => Finding::warning(
            "clock",
            format!("the newest block is {age} ms old: the chain stands still"),
            "see `countersign network explain`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::rpc_types::finding::Level;

    const HOUR: u64 = 3_600_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_clock_is_judged_by_the_newest_block() {
        let level = |now, block, is_normal| clock_finding(at(now), at(block), 60_000, is_normal).level;
        assert_eq!(level(HOUR, HOUR, true), Level::Ok);
        assert_eq!(level(HOUR, HOUR + CLOCK_TOLERANCE_MS, true), Level::Ok);
        assert_eq!(level(HOUR, HOUR + CLOCK_TOLERANCE_MS + 1, true), Level::Warning);
        assert_eq!(level(HOUR, HOUR + VALIDITY_MS, true), Level::Error);
        assert_eq!(level(HOUR + 60_000 + CLOCK_SKEW_MS, HOUR, true), Level::Ok);
        assert_eq!(level(HOUR + 60_001 + CLOCK_SKEW_MS, HOUR, true), Level::Warning);
        let still = clock_finding(at(2 * HOUR), at(HOUR), 60_000, false);
        assert!(still.text.contains("stands still"), "{still}");
    }

    #[test]
    fn a_chain_is_compared_with_the_one_that_is_trusted() {
        let own = Hash([1; 32]);
        let head = ChainHead {
            chain: own.to_string(),
            title: "test".into(),
            height: 1,
            hash: String::new(),
            time_ms: 0,
            state_root: String::new(),
        };
        assert_eq!(chain(Some(own), &head).level, Level::Ok);
        assert_eq!(chain(Some(Hash([2; 32])), &head).level, Level::Error);
        assert_eq!(chain(None, &head).level, Level::Note);
    }

    #[test]
    fn methods_of_another_declaration_are_found() {
        let known = bundled("assets").unwrap();
        assert!(foreign_methods(known, known).is_empty());
        let changed = known.to_string().replace("reference", "remark");
        let told = Interface::parse(&changed).unwrap();
        assert!(!foreign_methods(known, &told).is_empty());
    }
}
