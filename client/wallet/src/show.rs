//! Proposals, simulations, receipts and events as people read them.
use crate::output::facts;
use countersign_client::Directory;
use countersign_client::clock;
use countersign_client::display::{self, CallDescription, Description, DocumentDescription, SignerDescription};
use countersign_client::rpc::Finality;
use countersign_client::rpc_types::{BalanceChange, EventView, ReceiptView, SimulationView};
use countersign_client::types::bounded::is_deceptive;
use countersign_client::types::{AccountId, Amount, AssetId, Timestamp};
use countersign_client::value::show_amount;
use serde_json::{Value as Json, json};

/// A proposal and, where it was simulated, what it would do.
pub fn proposal(told: &Description, simulation: Option<&SimulationView>, directory: &Directory) -> String {
    let mut lines = vec![format!("{} {}", if told.document.is_some() { "Document" } else { "Transaction" }, told.id)];
    for (number, call) in told.calls.iter().enumerate() {
        call_lines(number + 1, call, &mut lines);
    }
    if let Some(document) = &told.document {
        document_lines(document, &mut lines);
    } else {
        lines.push(String::new());
        let needing = simulation.map(|simulation| &simulation.missing[..]).unwrap_or_default();
        lines.extend(told.signers.iter().map(|signer| match signer.signed && needing.contains(&signer.account) {
            true => format!("{}; that is not enough, a further key of it must sign", signer_line(signer)),
            false => signer_line(signer),
        }));
    }
    let expires_at = Timestamp::from_millis(told.expires_at_ms);
    let left = clock::relative(expires_at, directory.now());
    lines.push(String::new());
    let valid_from = told.valid_from_ms.map(Timestamp::from_millis).filter(|from| *from > directory.now());
    if let Some(from) = valid_from {
        lines.push(format!("Not valid before {} ({})", clock::to_local(from), clock::relative(from, directory.now())));
    }
    lines.push(format!("Expires {} ({left}). Chain {}", clock::to_local(expires_at), &told.chain[..12]));
    match simulation {
        Some(simulation) => lines.extend([String::new(), self::simulation(simulation, directory)]),
        None if told.document.is_none() => {
            lines.push("Not tried on a node: what would move is not told here.".into());
        }
        None => {}
    }
    lines.join("\n")
}

fn call_lines(number: usize, call: &CallDescription, lines: &mut Vec<String>) {
    lines.push(String::new());
    lines.push(format!("{number}. {}", call.line));
    lines.push(format!("   {}.{}", call.module, call.method));
    if !call.bundled {
        lines.push(
            "   This method is not one the wallet knows; the node told its declaration, which fits the call.".into(),
        );
    }
    let parties = call.parties.iter().map(|p| (p.role.as_str(), name_and_id(p.name.as_deref(), &p.account)));
    lines.extend(facts(parties).lines().map(|line| format!("   {line}")));
    for document in &call.documents {
        document_lines(document, lines);
    }
}

fn document_lines(document: &DocumentDescription, lines: &mut Vec<String>) {
    lines.push(format!("   {} {}", document.kind, document.id));
    if document.lines.is_empty() {
        lines.push(format!("     This kind of document is not known here; its bytes: {}", document.body));
    }
    if !document.bundled {
        lines.push("     What this document says is told by the node's declaration of it.".into());
    }
    let said = document.lines.iter().map(|(name, value)| (name.as_str(), value.clone()));
    lines.extend(facts(said).lines().map(|line| format!("     {line}")));
    if !document.bare {
        lines.extend(document.signers.iter().map(|signer| format!("     {}", signer_line(signer))));
    }
}

fn signer_line(signer: &SignerDescription) -> String {
    let state = if signer.signed { "signed " } else { "missing" };
    let roles = if signer.roles.is_empty() { String::new() } else { format!(" as {}", signer.roles.join(", ")) };
    let keys = match signer.other_keys.is_empty() {
        true => String::new(),
        false => format!(", with the key {}", signer.other_keys.join(", ")),
    };
    format!("{state}  {}{roles}{keys}", name_and_id(signer.name.as_deref(), &signer.account))
}

/// `alice@shop.example (csa1…)`, or the id alone.
pub fn name_and_id(name: Option<&str>, id: &str) -> String {
    match name {
        Some(name) => format!("{name} ({id})"),
        None => id.into(),
    }
}

/// What a proposal is about, a line for each of its calls, or one for a document.
pub fn summary(told: &Description) -> Vec<String> {
    match &told.document {
        Some(document) => {
            let said = document.lines.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>();
            vec![format!("{} ({})", document.kind, said.join(", "))]
        }
        None => told.calls.iter().map(|call| call.line.clone()).collect(),
    }
}

/// What somebody else has written, on one line and without what controls a terminal or reorders the text around it.
pub fn foreign_line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_deceptive(*c));
    shown.collect()
}

/// The same with its lines.
pub fn foreign_text(text: &str) -> String {
    text.lines().map(foreign_line).collect::<Vec<_>>().join("\n")
}

/// What a transaction would do now.
pub fn simulation(simulation: &SimulationView, directory: &Directory) -> String {
    let mut lines = vec![format!("If it ran now, at height {}:", simulation.height)];
    match &simulation.receipt.failure {
        Some(failure) => lines.push(format!("  it would fail ({}): {}", failure.name, failure.message)),
        None if simulation.changes.is_empty() => lines.push("  no balance would change".into()),
        None => lines.extend(simulation.changes.iter().map(|change| format!("  {}", change_line(change, directory)))),
    }
    lines.extend(simulation.receipt.events.iter().map(|event| format!("  {}", event_line(event, directory))));
    lines.join("\n")
}

/// `alice@shop.example  100.00 → 90.00 EUR (-10.00)`.
pub fn change_line(change: &BalanceChange, directory: &Directory) -> String {
    let asset: Option<AssetId> = change.asset.parse().ok();
    let decimals = asset.and_then(|asset| directory.decimals(&asset));
    let shown = |text: &str| text.parse().map(|minor| show_amount(Amount::new(minor), decimals)).unwrap_or_default();
    let minor = |text: &str| text.parse::<u128>().unwrap_or(0);
    let (before, after) = (minor(&change.before), minor(&change.after));
    let sign = if after < before { '-' } else { '+' };
    let difference = show_amount(Amount::new(before.abs_diff(after)), decimals);
    let who = change
        .account
        .parse()
        .map_or_else(|_| change.account.clone(), |id: AccountId| display::account_words(&id, directory));
    format!("{who}  {} → {} {} ({sign}{difference})", shown(&change.before), shown(&change.after), change.asset)
}

/// An event in words.
pub fn event_line(event: &EventView, directory: &Directory) -> String {
    let told = display::describe_event(event, directory);
    if told.words.is_empty() {
        return format!("{}.{} 0x{}", told.module, told.name, hex_digits(&event.data.0));
    }
    let words: Vec<_> = told.words.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("{}.{}: {}", told.module, told.name, words.join(", "))
}

fn hex_digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What became of a transaction.
pub fn receipt(receipt: &ReceiptView, directory: &Directory) -> String {
    let mut lines = match &receipt.failure {
        Some(failure) => vec![format!("Failed ({}): {}", failure.name, failure.message)],
        None => vec!["It took effect.".to_string()],
    };
    lines.push(format!("Gas used: {}", receipt.gas));
    lines.extend(receipt.events.iter().map(|event| event_line(event, directory)));
    lines.join("\n")
}

/// A final transaction.
pub fn finality(finality: &Finality, directory: &Directory) -> String {
    format!("Transaction {} in block {}\n{}", finality.id, finality.height, receipt(&finality.receipt, directory))
}

/// A receipt for programs, its events read.
pub fn receipt_json(receipt: &ReceiptView, directory: &Directory) -> Json {
    let mut json = json!(receipt);
    json["events"] = receipt.events.iter().map(|event| event_json(event, directory)).collect();
    json
}

/// An event for programs, its fields read.
pub fn event_json(event: &EventView, directory: &Directory) -> Json {
    let mut json = json!(event);
    json["fields"] = display::describe_event(event, directory).fields;
    json
}

/// A final transaction for programs.
pub fn finality_json(finality: &Finality, directory: &Directory) -> Json {
    json!({
        "id": finality.id, "state": "final", "height": finality.height, "index": finality.index,
        "ok": finality.receipt.ok, "receipt": receipt_json(&finality.receipt, directory)
    })
}

/// A simulation for programs.
pub fn simulation_json(simulation: Option<&SimulationView>, directory: &Directory) -> Json {
    let Some(simulation) = simulation else {
        return Json::Null;
    };
    let mut json = json!(simulation);
    json["receipt"] = receipt_json(&simulation.receipt, directory);
    json
}
