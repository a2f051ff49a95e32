//! Requests as the ledger has them.
use crate::failure::Failure;
use crate::intake;
use crate::output::facts;
use crate::session::Session;
use countersign_client::display::account_words;
use countersign_client::interface::topup::{Kind, Mode, RequestOf, RequestRecord, State};
use countersign_client::request::RequestCode;
use countersign_client::types::text::{self, REQUEST};
use countersign_client::types::{AccountId, Amount, Hash};
use countersign_client::uri;
use countersign_client::value::show_amount;
use countersign_client::{Need, clock};
use serde_json::{Value as Json, json};
use std::path::Path;

/// A request's business id from its code, which must be of the wallet's chain, an image of that, its text form or its
/// digits.
pub async fn request_id(session: &Session, text: &str) -> Result<Hash, Failure> {
    let text = text.trim();
    if text.to_ascii_lowercase().starts_with("csr1") {
        return Ok(Hash(text::decode(REQUEST, text)?));
    }
    if let Ok(hash) = text.parse() {
        return Ok(hash);
    }
    let is_file = text == "-" || (!uri::is_one(text) && Path::new(text).exists());
    let code: RequestCode = if is_file { intake::only_text(Path::new(text))?.parse()? } else { text.parse()? };
    let chain = session.chain().await?;
    if code.is_on(&chain) {
        Ok(code.request)
    } else {
        Err(Failure::OtherChain { found: format!("{}…", code.chain_digits()), wanted: chain.to_string() })
    }
}

/// A request's record.
pub async fn record(session: &Session, request: Hash) -> Result<RequestRecord, Failure> {
    let client = session.client("looking up a request")?;
    Ok(client.ask("topup", RequestOf::NAME, &RequestOf { request }).await?)
}

/// Learns the names and decimals a showing takes. Returns the decimals.
pub async fn learn(session: &mut Session, record: &RequestRecord) -> Result<Option<u8>, Failure> {
    let client = session.client("looking up names")?.clone();
    let accounts = [Some(record.holder), record.payee, record.agent];
    let names = accounts.into_iter().flatten().map(Need::NameOf);
    client.learn_all(&mut session.directory, names.chain([Need::Decimals(record.asset)]).collect()).await?;
    Ok(session.directory.decimals(&record.asset))
}

/// A request's state in words.
pub const fn state_words(state: State) -> &'static str {
    match state {
        State::Open => "open: waits for an agent",
        State::HandingOver => "an agent hands over the cash; the holder confirms it",
        State::Done => "carried out",
        State::Cancelled => "taken back by its holder",
        State::Rejected => "rejected by its agent",
        State::Expired => "expired",
    }
}

/// What is asked for in words.
pub const fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::TopUp => "top-up",
        Kind::CashOut => "cash-out",
        Kind::Payment => "payment",
    }
}

/// Shows a request.
pub async fn show(session: &mut Session, text: &str) -> Result<(), Failure> {
    let request = request_id(session, text).await?;
    let record = record(session, request).await?;
    learn(session, &record).await?;
    let code = RequestCode::new(request, &session.chain().await?);
    let result = as_json(session, &code, &record);
    let lines = lines(session, &code, &record);
    session.output.result(&result, || lines);
    Ok(())
}

/// A request for programs.
pub fn as_json(session: &Session, code: &RequestCode, record: &RequestRecord) -> Json {
    let amount = |amount: Amount| show_amount(amount, session.directory.decimals(&record.asset));
    let account = |account: Option<AccountId>| account.map(|account| account.to_string());
    let name = |account: Option<AccountId>| account.and_then(|account| session.directory.name_of(&account));
    json!({
        "request": code.request.to_string(), "code": code.to_string(), "state": format!("{:?}", record.state),
        "kind": format!("{:?}", record.kind), "mode": format!("{:?}", record.mode),
        "holder": record.holder.to_string(), "holder_name": name(Some(record.holder)),
        "agent": account(record.agent), "agent_name": name(record.agent),
        "payee": account(record.payee), "payee_name": name(record.payee),
        "asset": record.asset.as_str(), "amount": amount(record.amount), "fee": amount(record.fee),
        "reference": record.reference.as_str(), "requested_at": clock::to_utc(record.requested_at),
        "ends_at": clock::to_utc(record.ends_at)
    })
}

fn lines(session: &Session, code: &RequestCode, record: &RequestRecord) -> String {
    let directory = &session.directory;
    let money = |amount: Amount| format!("{} {}", show_amount(amount, directory.decimals(&record.asset)), record.asset);
    let at = |time| format!("{} ({})", clock::to_local(time), clock::relative(time, directory.now()));
    let agent = record.agent.map(|agent| account_words(&agent, directory));
    let by = match (agent, record.mode) {
        (Some(agent), _) => agent,
        (None, Mode::Proxy) => "any licensed agent".into(),
        (None, Mode::Own) => "the member that enrolled the holder, and its agents".into(),
    };
    let mut all = vec![
        ("code", code.to_string()),
        ("state", state_words(record.state).into()),
        ("what", kind_words(record.kind).into()),
        ("holder", account_words(&record.holder, directory)),
        ("amount", money(record.amount)),
        ("fee", format!("{} on top", money(record.fee))),
        ("agent", by),
    ];
    if let Some(payee) = &record.payee {
        all.push(("paid to", account_words(payee, directory)));
    }
    all.push(("reference", record.reference.to_string()));
    all.push(("requested", at(record.requested_at)));
    match record.state {
        State::Open => all.push(("expires", at(record.ends_at))),
        State::HandingOver => all.push(("confirm until", at(record.ends_at))),
        State::Done | State::Cancelled | State::Rejected | State::Expired => {}
    }
    facts(all)
}
