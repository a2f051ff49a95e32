//! Cards as the ledger has them.
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use countersign_client::display::account_words;
use countersign_client::interface::card::{CardOf, CardRecord, CardsOf};
use countersign_client::types::{AccountId, Amount, List, Name};
use countersign_client::value::show_amount;
use countersign_client::{Directory, Need, clock};
use serde_json::{Value as Json, json};

/// Cards of one holder that are listed.
const CARDS_MAX: usize = 10_000;
/// Milliseconds of a UTC day.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A card's record.
pub async fn record(session: &Session, card: &Name) -> Result<CardRecord, Failure> {
    let client = session.client("looking up a card")?;
    Ok(client.ask("card", CardOf::NAME, &CardOf { card: card.clone() }).await?)
}

/// True if the account is on the ledger.
pub async fn is_enrolled(session: &mut Session, account: AccountId) -> Result<bool, Failure> {
    let client = session.client("looking up an account")?.clone();
    client.learn(&mut session.directory, &Need::NameOf(account)).await?;
    Ok(session.directory.name_of(&account).is_some())
}

async fn learn(session: &mut Session, record: &CardRecord) -> Result<(), Failure> {
    let client = session.client("looking up names")?.clone();
    let accounts = [record.issuer, record.holder, record.device, record.auth];
    let needs = accounts.into_iter().map(Need::NameOf).chain([Need::Decimals(record.asset)]);
    client.learn_all(&mut session.directory, needs.collect()).await?;
    Ok(())
}

/// What the card has paid on the day of the directory's now.
fn spent_today(record: &CardRecord, directory: &Directory) -> Amount {
    let is_today = directory.now().millis() / DAY_MS <= record.day.millis() / DAY_MS;
    if is_today { record.spent } else { Amount::ZERO }
}

fn to_json(record: &CardRecord, directory: &Directory) -> Json {
    let amount = |amount: Amount| show_amount(amount, directory.decimals(&record.asset));
    json!({
        "card": record.card.as_str(), "issuer": record.issuer.to_string(), "holder": record.holder.to_string(),
        "device": record.device.to_string(), "auth": record.auth.to_string(), "asset": record.asset.as_str(),
        "balance": amount(record.balance), "payment_max": amount(record.payment_max), "day_max": amount(record.day_max),
        "spent_today": amount(spent_today(record, directory)), "blocked": record.blocked_since.is_some(),
        "blocked_since": record.blocked_since.map(clock::to_utc), "registered_at": clock::to_utc(record.registered_at)
    })
}

fn state(record: &CardRecord) -> String {
    match record.blocked_since {
        Some(since) => format!("blocked since {}", clock::to_local(since)),
        None => "active".into(),
    }
}

/// Shows a card.
pub async fn card(session: &mut Session, card: &Name) -> Result<(), Failure> {
    let record = record(session, card).await?;
    learn(session, &record).await?;
    let directory = &session.directory;
    session.output.result(&to_json(&record, directory), || {
        let amount =
            |amount: Amount| format!("{} {}", show_amount(amount, directory.decimals(&record.asset)), record.asset);
        facts([
            ("card", record.card.to_string()),
            ("state", state(&record)),
            ("balance", amount(record.balance)),
            ("holder", account_words(&record.holder, directory)),
            ("issuer", account_words(&record.issuer, directory)),
            ("device", account_words(&record.device, directory)),
            ("PIN key", account_words(&record.auth, directory)),
            ("a payment", format!("at most {}", amount(record.payment_max))),
            ("a day (UTC)", format!("at most {}", amount(record.day_max))),
            ("paid today", amount(spent_today(&record, directory))),
            ("registered", clock::to_local(record.registered_at)),
        ])
    });
    Ok(())
}

/// Lists the cards of a holder.
pub async fn list(session: &mut Session, holder: Option<&str>) -> Result<(), Failure> {
    let holder = session.account_or_own(holder).await?;
    let client = session.client("looking up cards")?.clone();
    let mut records = Vec::new();
    let mut after: Option<Name> = None;
    while records.len() < CARDS_MAX {
        let page: List<Name> = client.ask("card", CardsOf::NAME, &CardsOf { holder, after: after.clone() }).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for name in &page {
            let record = record(session, name).await?;
            learn(session, &record).await?;
            records.push(record);
        }
    }
    let directory = &session.directory;
    let json: Vec<Json> = records.iter().map(|record| to_json(record, directory)).collect();
    session.output.result(&json, || {
        let rows = records.iter().map(|record| {
            let balance = show_amount(record.balance, directory.decimals(&record.asset));
            [record.card.to_string(), format!("{balance} {}", record.asset), state(record)]
        });
        table(["CARD", "BALANCE", "STATE"], rows)
    });
    Ok(())
}
