//! A merchant's listing: opened with its types and terms, closed, shown.
use crate::commands::propose::{ProposalOptions, own, pair};
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::display::account_words;
use countersign_client::interface::booking::{ListingOf, ListingRecord, ObjectType, TypeOf};
use countersign_client::value::show_amount;
use countersign_client::{Need, clock};
use serde_json::{Value as Json, json};

/// What to do with a listing.
#[derive(Subcommand, Debug)]
pub enum ListingCommand {
    /// Open your booking service
    Open(Box<OpenArgs>),
    /// Take no more bookings; those that were made go on
    Close {
        #[command(flatten)]
        options: ProposalOptions,
    },
    /// A merchant's listing: its types, objects and terms
    Show {
        /// The merchant
        merchant: String,
        /// The listing's number [default: the newest]
        #[arg(long)]
        number: Option<u32>,
    },
}

/// A listing.
#[derive(Args, Debug)]
pub struct OpenArgs {
    /// What it is called
    #[arg(long)]
    title: String,
    /// In what prices are paid
    #[arg(long)]
    asset: String,
    /// A type of objects: name:unit:price:objects, such as "single room:night:80.00:1,2,3"; the unit is hour, day, night or week
    #[arg(long = "type", value_name = "TYPE", required = true)]
    types: Vec<String>,
    /// What a cancellation gives back: a time before the beginning and percent, such as 2d=100; may come several times
    #[arg(long = "refund", value_name = "SPAN=PERCENT")]
    refunds: Vec<String>,
    /// How long after the beginning a customer may come
    #[arg(long, value_name = "SPAN", default_value = "6h")]
    grace: String,
    /// How long a customer has to pay
    #[arg(long, value_name = "SPAN", default_value = "1h")]
    pay_within: String,
    /// How long the arbiter has to decide
    #[arg(long, value_name = "SPAN", default_value = "14d")]
    decide_within: String,
    /// What the customer gets if the arbiter does not, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 50)]
    undecided: u8,
    /// Who decides disputes [default: any member with the role arbiter]
    #[arg(long, value_name = "ACCOUNT")]
    arbiter: Option<String>,
    /// Customers show papers before they check in
    #[arg(long)]
    identity_required: bool,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: ListingCommand) -> Result<(), Failure> {
    match command {
        ListingCommand::Open(args) => open(session, *args).await,
        ListingCommand::Close { options } => own(session, "booking.close_listing", "merchant", &[], &options).await,
        ListingCommand::Show { merchant, number } => show(session, &merchant, number).await,
    }
}

fn bad(given: &str, wanted: &'static str) -> Failure {
    Failure::BadOption { given: given.chars().take(60).collect(), wanted }
}

/// A span such as 2h in seconds.
fn seconds(text: &str) -> Result<u32, Failure> {
    let wanted = "a span of time such as 30s, 90m, 6h or 14d";
    let millis = clock::parse_span(text).map_err(|_| bad(text, wanted))?;
    u32::try_from(millis / 1_000).map_err(|_| bad(text, wanted))
}

fn read_type(text: &str) -> Result<Json, Failure> {
    let parts: Vec<&str> = text.split(':').collect();
    let [name, unit, price, objects] = parts[..] else {
        return Err(bad(text, "name:unit:price:objects, such as \"single room:night:80.00:1,2,3\""));
    };
    let unit = match unit.to_ascii_lowercase().as_str() {
        "hour" => "Hour",
        "day" => "Day",
        "night" => "Night",
        "week" => "Week",
        _ => return Err(bad(unit, "hour, day, night or week")),
    };
    // The ledger wants them in order, so that it need not sort.
    let mut objects: Vec<&str> = objects.split(',').map(str::trim).collect();
    objects.sort_unstable();
    Ok(json!({ "name": name, "unit": unit, "price": price, "objects": objects }))
}

fn read_refunds(texts: &[String]) -> Result<Json, Failure> {
    let mut tiers = Vec::new();
    for text in texts {
        let wanted = "a span and percent, such as 2d=100";
        let (span, percent) = text.split_once('=').ok_or_else(|| bad(text, wanted))?;
        let percent: u8 = percent.trim_end_matches('%').parse().map_err(|_| bad(text, wanted))?;
        tiers.push((seconds(span)?, percent));
    }
    tiers.sort_unstable_by(|one, other| other.cmp(one));
    let tier = |(before_s, percent): (u32, u8)| json!({ "before_s": before_s, "refund_percent": percent });
    Ok(tiers.into_iter().map(tier).collect())
}

async fn open(session: &mut Session, args: OpenArgs) -> Result<(), Failure> {
    let types = args.types.iter().map(|text| read_type(text)).collect::<Result<Json, Failure>>()?;
    let arbiter = match &args.arbiter {
        Some(text) => session.account(text).await?.to_string(),
        None => "none".into(),
    };
    let texts = [
        pair("title", args.title),
        pair("asset", args.asset),
        pair("types", types),
        pair("refunds", read_refunds(&args.refunds)?),
        pair("grace_s", seconds(&args.grace)?),
        pair("pay_within_s", seconds(&args.pay_within)?),
        pair("decide_within_s", seconds(&args.decide_within)?),
        pair("undecided_percent", args.undecided),
        pair("arbiter", arbiter),
        pair("identity_required", args.identity_required),
    ];
    own(session, "booking.open_listing", "merchant", &texts, &args.options).await
}

async fn show(session: &mut Session, merchant: &str, number: Option<u32>) -> Result<(), Failure> {
    let merchant = session.account(merchant).await?;
    let client = session.client("looking up a listing")?.clone();
    let record: ListingRecord = client.ask("booking", ListingOf::NAME, &ListingOf { merchant, number }).await?;
    let mut types: Vec<ObjectType> = Vec::new();
    for kind in &record.types {
        let args = TypeOf { merchant, listing: record.number, kind: kind.clone() };
        types.push(client.ask("booking", TypeOf::NAME, &args).await?);
    }
    let names = [Some(merchant), record.arbiter].into_iter().flatten().map(Need::NameOf);
    client.learn_all(&mut session.directory, names.chain([Need::Decimals(record.asset)]).collect()).await?;
    let directory = &session.directory;
    let price = |kind: &ObjectType| show_amount(kind.price, directory.decimals(&record.asset));
    let objects = |kind: &ObjectType| kind.objects.iter().map(|object| object.to_string()).collect::<Vec<_>>();
    let result = json!({
        "merchant": merchant.to_string(), "number": record.number, "title": record.title.as_str(),
        "asset": record.asset.as_str(), "open": record.closed_at.is_none(),
        "types": types.iter().map(|kind| json!({
            "name": kind.name.as_str(), "unit": format!("{:?}", kind.unit), "price": price(kind),
            "objects": objects(kind)
        })).collect::<Vec<_>>(),
        "refunds": record.refunds.iter().map(|tier| json!({
            "before_s": tier.before_s, "refund_percent": tier.refund_percent
        })).collect::<Vec<_>>(),
        "grace_s": record.grace_s, "pay_within_s": record.pay_within_s, "decide_within_s": record.decide_within_s,
        "undecided_percent": record.undecided_percent,
        "arbiter": record.arbiter.map(|arbiter| arbiter.to_string()), "identity_required": record.identity_required
    });
    session.output.result(&result, || {
        let state = record.closed_at.map_or_else(|| "open".into(), |at| format!("closed {}", clock::to_local(at)));
        let arbiter = record.arbiter.map_or_else(|| "any arbiter".into(), |one| account_words(&one, directory));
        let mut lines = vec![
            ("merchant", account_words(&merchant, directory)),
            ("listing", format!("{} \"{}\", {state}", record.number, record.title)),
            ("papers", if record.identity_required { "required".into() } else { "not asked for".into() }),
            ("disputes", format!("decided by {arbiter}")),
        ];
        for kind in &types {
            let unit = format!("{:?}", kind.unit).to_ascii_lowercase();
            let price = format!("{} {} a {unit}", price(kind), record.asset);
            lines.push(("type", format!("{}: {price}; {}", kind.name, objects(kind).join(", "))));
        }
        for tier in &record.refunds {
            let hours = f64::from(tier.before_s) / 3_600.0;
            lines.push(("refund", format!("{}% until {hours} h before", tier.refund_percent)));
        }
        facts(lines)
    });
    Ok(())
}
