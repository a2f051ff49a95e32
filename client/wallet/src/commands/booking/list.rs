//! Bookings an account has to do with.
use super::show;
use crate::commands::events;
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::clock;
use countersign_client::display::account_words;
use countersign_client::interface::booking::{BookingRecord, Requested};
use countersign_client::rpc_types::EventFilter;
use countersign_client::types::{self, Hash, limits};
use countersign_client::value::show_amount;
use serde_json::{Value as Json, json};

/// Which bookings.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Their customer or merchant [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Ended ones too
    #[arg(long)]
    all: bool,
    /// Continue after this cursor
    #[arg(long)]
    cursor: Option<String>,
}

/// Lists bookings, the oldest first.
pub async fn list(session: &mut Session, args: ListArgs) -> Result<(), Failure> {
    let account = session.account_or_own(args.account.as_deref()).await?.to_string();
    let filter = EventFilter { account: Some(account), module: Some("booking".into()), name: Some("Requested".into()) };
    let (events, cursor) = events::deals(session, &filter, args.cursor, read).await?;
    let mut found = Vec::new();
    for event in events {
        let record = show::record(session, event.booking).await?;
        if args.all || !show::has_ended(record.status) {
            show::learn(session, &record).await?;
            found.push((event.booking, record));
        }
    }
    print(session, &found, cursor);
    Ok(())
}

fn read(event: &[u8]) -> Result<Requested, types::DecodeError> {
    types::decode("event", event, limits::EVENT_BYTES_MAX)
}

fn print(session: &Session, found: &[(Hash, BookingRecord)], next: Option<String>) {
    let items: Vec<Json> = found.iter().map(|(id, record)| show::as_json(session, *id, record)).collect();
    session.output.result(&json!({ "items": items, "next": next }), || {
        let rows = found.iter().map(|(id, record)| row(session, *id, record));
        let head = ["BOOKING", "CUSTOMER", "MERCHANT", "TYPE", "OBJECT", "FROM", "UNTIL", "PRICE", "STATUS"];
        let listed = table(head, rows);
        match &next {
            Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
            None => listed,
        }
    });
}

fn row(session: &Session, booking: Hash, record: &BookingRecord) -> [String; 9] {
    let directory = &session.directory;
    [
        booking.to_string(),
        account_words(&record.customer, directory),
        account_words(&record.merchant, directory),
        record.kind.to_string(),
        record.object.as_ref().map_or_else(|| "-".into(), |object| object.to_string()),
        clock::to_local(record.from),
        clock::to_local(record.until),
        format!("{} {}", show_amount(record.price, directory.decimals(&record.asset)), record.asset),
        format!("{:?}", record.status),
    ]
}
