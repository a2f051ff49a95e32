//! Purchases and rebates as the ledger has them.
use super::read_offer;
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use countersign_client::display::account_words;
use countersign_client::interface::rebate::{PurchaseOf, PurchaseRecord, RebateOf, RebateRecord};
use countersign_client::rpc_types::ErrorCode;
use countersign_client::types::text::{self, DOCUMENT};
use countersign_client::types::{AccountId, Amount, AssetId, Hash};
use countersign_client::value::show_amount;
use countersign_client::{Need, clock};
use serde_json::{Value as Json, json};
use std::path::Path;

/// An offer's hash, from its text form, its digits, or its file.
pub fn offer_hash(text: &str) -> Result<Hash, Failure> {
    if text.to_ascii_lowercase().starts_with("csd1") {
        return Ok(Hash(text::decode(DOCUMENT, text)?));
    }
    match text.parse() {
        Ok(hash) => Ok(hash),
        Err(_) => Ok(read_offer(Path::new(text))?.1.document.hash()),
    }
}

/// A purchase's record.
pub async fn purchase_of(session: &Session, purchase: Hash) -> Result<PurchaseRecord, Failure> {
    let client = session.client("looking up a purchase")?;
    Ok(client.ask("rebate", PurchaseOf::NAME, &PurchaseOf { purchase }).await?)
}

async fn rebate_of(session: &Session, rebate: Hash) -> Result<RebateRecord, Failure> {
    let client = session.client("looking up a rebate")?;
    Ok(client.ask("rebate", RebateOf::NAME, &RebateOf { rebate }).await?)
}

/// Shows a purchase or a rebate, whichever has this id.
pub async fn any(session: &mut Session, id: &str) -> Result<(), Failure> {
    let hash = offer_hash(id)?;
    let asked = purchase_of(session, hash).await;
    match asked {
        Ok(record) => show_purchase(session, hash, &record).await,
        Err(Failure::Client(error)) if error.code() == Some(ErrorCode::QueryFailed) => rebate(session, hash).await,
        Err(failure) => Err(failure),
    }
}

/// Shows the rebate of an offer.
pub async fn rebate(session: &mut Session, offer: Hash) -> Result<(), Failure> {
    let record = rebate_of(session, offer).await?;
    show_rebate(session, offer, &record).await
}

async fn learn(session: &mut Session, asset: AssetId, accounts: &[AccountId]) -> Result<(), Failure> {
    let client = session.client("looking up names")?.clone();
    let names = accounts.iter().map(|account| Need::NameOf(*account));
    client.learn_all(&mut session.directory, names.chain([Need::Decimals(asset)]).collect()).await?;
    Ok(())
}

async fn show_purchase(session: &mut Session, id: Hash, record: &PurchaseRecord) -> Result<(), Failure> {
    learn(session, record.asset, &[record.merchant, record.buyer]).await?;
    let directory = &session.directory;
    let amount =
        |amount: Amount| format!("{} {}", show_amount(amount, directory.decimals(&record.asset)), record.asset);
    let offer = record.offer.map(|offer| text::encode(DOCUMENT, &offer.0));
    let result = json!({
        "purchase": id.to_string(), "merchant": record.merchant.to_string(), "buyer": record.buyer.to_string(),
        "asset": record.asset.as_str(), "amount": show_amount(record.amount, directory.decimals(&record.asset)),
        "refunded": show_amount(record.refunded, directory.decimals(&record.asset)), "at": clock::to_utc(record.at),
        "reference": record.reference.as_str(), "offer": offer
    });
    session.output.result(&result, || {
        facts([
            ("purchase", id.to_string()),
            ("merchant", account_words(&record.merchant, directory)),
            ("buyer", account_words(&record.buyer, directory)),
            ("amount", amount(record.amount)),
            ("refunded", amount(record.refunded)),
            ("at", clock::to_local(record.at)),
            ("reference", record.reference.to_string()),
            ("offer", offer.unwrap_or_else(|| "none".into())),
        ])
    });
    Ok(())
}

async fn show_rebate(session: &mut Session, offer: Hash, record: &RebateRecord) -> Result<(), Failure> {
    learn(session, record.asset, &[record.merchant, record.customer, record.third_party]).await?;
    let directory = &session.directory;
    let decimals = directory.decimals(&record.asset);
    let offer = text::encode(DOCUMENT, &offer.0);
    let state = format!("{:?}", record.state);
    let purchase: Json = record.purchase.map(|purchase| purchase.to_string()).into();
    let result = json!({
        "offer": offer, "merchant": record.merchant.to_string(), "customer": record.customer.to_string(),
        "third_party": record.third_party.to_string(), "asset": record.asset.as_str(),
        "amount": show_amount(record.amount, decimals), "paid": show_amount(record.paid, decimals),
        "settles_at": clock::to_utc(record.settles_at), "purchase_required": record.purchase_required,
        "purchase": purchase, "state": state
    });
    session.output.result(&result, || {
        let left = clock::relative(record.settles_at, directory.now());
        facts([
            ("offer", offer),
            ("state", state),
            ("merchant", account_words(&record.merchant, directory)),
            ("customer", account_words(&record.customer, directory)),
            ("third party", account_words(&record.third_party, directory)),
            ("amount", format!("{} {}", show_amount(record.amount, decimals), record.asset)),
            ("paid", format!("{} {}", show_amount(record.paid, decimals), record.asset)),
            ("settles", format!("{} ({left})", clock::to_local(record.settles_at))),
            ("purchase", record.purchase.map_or_else(|| "none yet".into(), |purchase| purchase.to_string())),
        ])
    });
    Ok(())
}
