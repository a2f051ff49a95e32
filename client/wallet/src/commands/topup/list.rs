//! Requests an account has to do with.
use super::show;
use crate::commands::events;
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::clock;
use countersign_client::display::account_words;
use countersign_client::interface::topup::{RequestRecord, Requested, State};
use countersign_client::request::RequestCode;
use countersign_client::rpc_types::EventFilter;
use countersign_client::types::{self, Hash, limits, text};
use countersign_client::value::show_amount;
use serde_json::{Value as Json, json};

/// Which requests.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Its holder, payee or the only agent it is for [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Of everybody: what any agent may find
    #[arg(long, conflicts_with = "account")]
    everybody: bool,
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// Continue after this cursor
    #[arg(long)]
    cursor: Option<String>,
}

/// Lists requests, the oldest first.
pub async fn list(session: &mut Session, args: ListArgs) -> Result<(), Failure> {
    let account = match args.everybody {
        true => None,
        false => Some(session.account_or_own(args.account.as_deref()).await?.to_string()),
    };
    let filter = EventFilter { account, module: Some("topup".into()), name: Some("Requested".into()) };
    let (events, cursor) = events::deals(session, &filter, args.cursor, read).await?;
    let mut found = Vec::new();
    for event in events {
        let record = show::record(session, event.request).await?;
        if args.all || matches!(record.state, State::Open | State::HandingOver) {
            show::learn(session, &record).await?;
            found.push((event.request, record));
        }
    }
    print(session, &found, cursor).await
}

fn read(event: &[u8]) -> Result<Requested, types::DecodeError> {
    types::decode("event", event, limits::EVENT_BYTES_MAX)
}

async fn print(session: &Session, found: &[(Hash, RequestRecord)], next: Option<String>) -> Result<(), Failure> {
    let chain = session.chain().await?;
    let items: Vec<Json> =
        found.iter().map(|(id, record)| show::as_json(session, &RequestCode::new(*id, &chain), record)).collect();
    session.output.result(&json!({ "items": items, "next": next }), || {
        let rows = found.iter().map(|(id, record)| row(session, *id, record));
        let listed = table(["REQUEST", "WHAT", "AMOUNT", "FEE", "HOLDER", "AGENT", "ENDS", "STATE"], rows);
        match &next {
            Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
            None => listed,
        }
    });
    Ok(())
}

fn row(session: &Session, request: Hash, record: &RequestRecord) -> [String; 8] {
    let directory = &session.directory;
    let amount = |amount| format!("{} {}", show_amount(amount, directory.decimals(&record.asset)), record.asset);
    [
        text::encode(text::REQUEST, &request.0),
        show::kind_words(record.kind).into(),
        amount(record.amount),
        amount(record.fee),
        account_words(&record.holder, directory),
        record.agent.map_or_else(|| "any".into(), |agent| account_words(&agent, directory)),
        clock::to_local(record.ends_at),
        format!("{:?}", record.state),
    ]
}
