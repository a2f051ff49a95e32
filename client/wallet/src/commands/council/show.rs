//! `countersign council show`: everything the council decides, on one screen.
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use countersign_client::Client;
use countersign_client::rpc_types::{CouncilView, EvidenceView, NodeView, ValidatorView};
use serde_json::json;

/// Nodes or evidence on one page.
const PAGE: u32 = 200;

pub async fn show(session: &Session) -> Result<(), Failure> {
    let client = session.client("looking up the council")?;
    let council = client.council().await?;
    let validators = client.validators().await?;
    let nodes = nodes(client).await?;
    let evidence = evidence(client).await?;
    let result = json!({
        "council": { "members": council.members, "threshold": council.threshold },
        "parameters": council.parameters, "validators": validators, "nodes": nodes, "evidence": evidence
    });
    session.output.result(&result, || {
        [
            council_words(&council),
            validator_words(&validators),
            node_words(&nodes),
            evidence_words(&evidence),
            parameter_words(&council),
        ]
        .join("\n\n")
    });
    Ok(())
}

async fn nodes(client: &Client) -> Result<Vec<NodeView>, Failure> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = client.nodes(cursor.as_deref(), PAGE).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

async fn evidence(client: &Client) -> Result<Vec<EvidenceView>, Failure> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = client.evidence(cursor.as_deref(), PAGE).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

fn council_words(council: &CouncilView) -> String {
    let rows = council.members.iter().map(|seat| [seat.name.clone(), seat.status.clone(), seat.id.clone()]);
    let seats = table(["COUNCIL", "STATUS", "ACCOUNT"], rows);
    format!("{seats}\n{} of {} must sign.", council.threshold, council.members.len())
}

fn validator_words(validators: &[ValidatorView]) -> String {
    let rows = validators.iter().map(|validator| {
        let pending = validator.pending.as_ref();
        let power = match pending {
            Some(pending) => format!("{}, {} from height {}", validator.power, pending.power, pending.from),
            None => validator.power.to_string(),
        };
        let proposed = validator.proposed.map_or_else(|| "never".into(), |height| height.to_string());
        let runs = if validator.runs { "yes" } else { "not known to" };
        [validator.key.clone(), power, runs.into(), proposed]
    });
    table(["VALIDATOR", "POWER", "RUNS", "LAST SEEN"], rows)
}

fn node_words(nodes: &[NodeView]) -> String {
    if nodes.is_empty() {
        return "No node is registered: each node's settings list whom it connects to.".into();
    }
    let rows = nodes.iter().map(|node| {
        let address = if node.address.is_empty() { "only dials" } else { &node.address };
        let connected = match (node.own, node.connected) {
            (true, _) => "this one",
            (false, true) => "connected",
            (false, false) => "",
        };
        [node.member_name.clone(), node.status.clone(), connected.into(), address.into(), node.key.clone()]
    });
    table(["NODE OF", "STATUS", "", "ADDRESS", "KEY"], rows)
}

fn evidence_words(evidence: &[EvidenceView]) -> String {
    if evidence.is_empty() {
        return "No validator was caught contradicting itself.".into();
    }
    let rows = evidence.iter().map(|one| {
        let place = format!("height {}, round {}", one.height, one.round);
        [one.validator.clone(), one.step.clone(), place, one.recorded_at.to_string()]
    });
    table(["CONTRADICTED ITSELF", "STEP", "AT", "RECORDED AT"], rows)
}

fn parameter_words(council: &CouncilView) -> String {
    let rows = council.parameters.iter().map(|parameter| [parameter.name.clone(), parameter.value.to_string()]);
    table(["PARAMETER", "VALUE"], rows)
}
