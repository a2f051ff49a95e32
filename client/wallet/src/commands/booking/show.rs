//! Bookings as the ledger has them, and what is free.
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::display::account_words;
use countersign_client::interface::booking::{BookingOf, BookingRecord, Choices, FreeObjects, Identity, Status};
use countersign_client::types::{Amount, Hash, List, Text};
use countersign_client::value::show_amount;
use countersign_client::{Need, clock};
use serde_json::{Value as Json, json};

/// What is free.
#[derive(Args, Debug)]
pub struct FreeArgs {
    /// A paid booking: the objects it may choose
    #[arg(conflicts_with_all = ["merchant", "kind", "from", "until"])]
    booking: Option<Hash>,
    /// The merchant
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "booking", requires_all = ["kind", "from", "until"])]
    merchant: Option<String>,
    /// The type of object
    #[arg(long = "type", value_name = "NAME")]
    kind: Option<String>,
    /// When the time begins
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// A booking's record.
pub async fn record(session: &Session, booking: Hash) -> Result<BookingRecord, Failure> {
    let client = session.client("looking up a booking")?;
    Ok(client.ask("booking", BookingOf::NAME, &BookingOf { booking }).await?)
}

/// Learns the names and decimals a showing takes. Returns the decimals.
pub async fn learn(session: &mut Session, record: &BookingRecord) -> Result<Option<u8>, Failure> {
    let client = session.client("looking up names")?.clone();
    let names = [record.customer, record.merchant].map(Need::NameOf);
    client.learn_all(&mut session.directory, names.into_iter().chain([Need::Decimals(record.asset)]).collect()).await?;
    Ok(session.directory.decimals(&record.asset))
}

/// True if nothing happens to a booking any more.
pub const fn has_ended(status: Status) -> bool {
    !matches!(status, Status::Requested | Status::Paid | Status::CheckedIn | Status::CheckedOut | Status::Disputed)
}

/// A booking's status in words.
const fn status_words(status: Status) -> &'static str {
    match status {
        Status::Requested => "requested, waits for payment",
        Status::Paid => "paid into escrow",
        Status::CheckedIn => "checked in",
        Status::CheckedOut => "checked out by the merchant",
        Status::Disputed => "in dispute, the escrow is frozen",
        Status::Lapsed => "lapsed: not paid in time",
        Status::Cancelled => "cancelled by the customer",
        Status::Withdrawn => "cancelled by the merchant",
        Status::NoShow => "the customer did not come",
        Status::Completed => "completed",
        Status::Resolved => "decided by the arbiter",
        Status::Undecided => "split, because nobody decided in time",
    }
}

/// What the ledger does by itself next.
const fn next_words(status: Status) -> &'static str {
    match status {
        Status::Requested => "lapses",
        Status::Paid => "ends as a no-show",
        Status::CheckedIn | Status::CheckedOut => "pays the merchant",
        Status::Disputed => "is split as the listing says",
        _ => "nothing",
    }
}

/// A booking's facts for programs.
pub fn as_json(session: &Session, booking: Hash, record: &BookingRecord) -> Json {
    let amount = |amount: Amount| show_amount(amount, session.directory.decimals(&record.asset));
    json!({
        "booking": booking.to_string(), "customer": record.customer.to_string(),
        "merchant": record.merchant.to_string(), "listing": record.listing, "type": record.kind.as_str(),
        "from": clock::to_utc(record.from), "until": clock::to_utc(record.until), "asset": record.asset.as_str(),
        "price": amount(record.price), "object": record.object.as_ref().map(|object| object.as_str()),
        "identity": format!("{:?}", record.identity), "papers": record.papers.map(|papers| papers.to_string()),
        "status": format!("{:?}", record.status),
        "due_at": (!has_ended(record.status)).then(|| clock::to_utc(record.due_at)),
        "to_customer": amount(record.to_customer), "to_merchant": amount(record.to_merchant),
        "settled": record.settled
    })
}

/// Shows a booking.
pub async fn show(session: &mut Session, booking: Hash) -> Result<(), Failure> {
    let record = record(session, booking).await?;
    let decimals = learn(session, &record).await?;
    let directory = &session.directory;
    let amount = |amount: Amount| format!("{} {}", show_amount(amount, decimals), record.asset);
    session.output.result(&as_json(session, booking, &record), || {
        let identity = match record.identity {
            Identity::NotRequired => "no papers asked for",
            Identity::Missing => "papers not shown yet",
            Identity::Shown => "papers shown, not accepted yet",
            Identity::Accepted => "papers accepted",
        };
        let mut lines = vec![
            ("booking", booking.to_string()),
            ("status", status_words(record.status).into()),
            ("customer", account_words(&record.customer, directory)),
            ("merchant", account_words(&record.merchant, directory)),
            ("type", record.kind.to_string()),
            ("object", record.object.as_ref().map_or_else(|| "not chosen yet".into(), |object| object.to_string())),
            ("from", clock::to_local(record.from)),
            ("until", clock::to_local(record.until)),
            ("price", amount(record.price)),
            ("identity", identity.into()),
        ];
        if has_ended(record.status) {
            lines.push(("to customer", amount(record.to_customer)));
            lines.push(("to merchant", amount(record.to_merchant)));
            if !record.settled {
                lines.push(("owed", "the asset was frozen; `booking collect` pays it out".into()));
            }
        } else {
            let left = clock::relative(record.due_at, directory.now());
            let at = clock::to_local(record.due_at);
            lines.push(("next", format!("{} {at} ({left})", next_words(record.status))));
        }
        facts(lines)
    });
    Ok(())
}

/// Lists what is free.
pub async fn free(session: &mut Session, args: FreeArgs) -> Result<(), Failure> {
    let client = session.client("looking up what is free")?.clone();
    let free: List<Text> = match args {
        FreeArgs { booking: Some(booking), .. } => client.ask("booking", Choices::NAME, &Choices { booking }).await?,
        FreeArgs { merchant: Some(merchant), kind: Some(kind), from: Some(from), until: Some(until), .. } => {
            let wanted = "the name of a type of object";
            let bad = |_| Failure::BadOption { given: kind.chars().take(60).collect(), wanted };
            let args = FreeObjects {
                merchant: session.account(&merchant).await?,
                kind: Text::new(&kind).map_err(bad)?,
                from: session.time(&from)?,
                until: session.time(&until)?,
            };
            client.ask("booking", FreeObjects::NAME, &args).await?
        }
        _ => return Err(Failure::BadOption { given: "free".into(), wanted: "a booking, or merchant, type and times" }),
    };
    let names: Vec<&str> = free.iter().map(|object| object.as_str()).collect();
    session.output.result(&json!({ "objects": names }), || match names[..] {
        [] => "none".into(),
        _ => names.join("\n"),
    });
    Ok(())
}
