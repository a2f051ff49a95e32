//! `countersign calendar`: what the ledger will do by itself, to whom, when; also as a file for other calendars.
//!
//! ```text
//! all, or of a contract   jobs on the ledger's schedule ─┐
//! of an account           events that name it ───────────┴→ the deals they are about ─→ words, table, iCalendar
//! ```
mod deal;

use crate::failure::Failure;
use crate::files;
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::clock;
use countersign_client::ics::{self, Moment};
use countersign_client::rpc_types::{EventFilter, JobView};
use countersign_client::types::Timestamp;
use countersign_client::value::{decode_fields, write_fields};
use deal::{Deal, Due};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Jobs or events on one page.
const PAGE: u32 = 100;
/// Events of one name looked at for an account: each is a question to the node. What is older has most likely ended.
const EVENTS_MAX: usize = 1_000;

/// What to show.
#[derive(Args, Debug)]
pub struct CalendarArgs {
    /// What concerns this account: id, name, or name of a key here
    #[arg(long, conflicts_with = "cursor")]
    account: Option<String>,
    /// Of this contract
    #[arg(long)]
    module: Option<String>,
    /// Continue after this cursor
    #[arg(long)]
    cursor: Option<String>,
    /// Write it as an iCalendar file (.ics) too
    #[arg(long, value_name = "FILE")]
    ics: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "ics")]
    force: bool,
}

/// Something the ledger will do.
struct Entry {
    at: Timestamp,
    module: String,
    /// The deal it ends or moves on, as its contract's commands name it; else the job's number.
    id: String,
    /// In words.
    what: String,
    json: Json,
}

/// Runs the command.
pub async fn run(session: &mut Session, args: CalendarArgs) -> Result<(), Failure> {
    if let Some(path) = &args.ics {
        files::check_new(path, args.force)?;
    }
    let (entries, next) = match &args.account {
        Some(account) => (of_account(session, account, args.module.as_deref()).await?, None),
        None => of_schedule(session, args.module.as_deref(), args.cursor.as_deref()).await?,
    };
    if let Some(path) = &args.ics {
        let name = args.account.as_deref().or(args.module.as_deref()).unwrap_or("all");
        write_ics(session, path, &format!("Countersign: {name}"), &entries).await?;
    }
    let items: Vec<&Json> = entries.iter().map(|entry| &entry.json).collect();
    let file = args.ics.as_ref().map(|path| path.display().to_string());
    session.output.result(&json!({ "items": items, "next": next, "file": file }), || {
        let rows = entries.iter().map(|entry| {
            let left = clock::relative(entry.at, session.directory.now());
            let when = format!("{} ({left})", clock::to_local(entry.at));
            [when, entry.what.clone(), entry.module.clone(), entry.id.clone()]
        });
        let mut listed = table(["WHEN", "WHAT", "CONTRACT", "ID"], rows);
        if let Some(file) = &file {
            listed.push_str(&format!("\n\nWritten to {file}"));
        }
        if let Some(next) = &next {
            listed.push_str(&format!("\n\nMore with --cursor {next}"));
        }
        listed
    });
    Ok(())
}

/// A page of the ledger's schedule.
async fn of_schedule(
    session: &mut Session,
    module: Option<&str>,
    cursor: Option<&str>,
) -> Result<(Vec<Entry>, Option<String>), Failure> {
    let client = session.client("the calendar")?;
    let page = client.schedule(module, cursor, PAGE).await?;
    let modules: BTreeSet<_> = page.items.iter().map(|job| job.module.as_str()).collect();
    for module in modules {
        session.interface(module).await?;
    }
    let mut entries = Vec::new();
    for job in &page.items {
        entries.push(of_job(session, job).await?);
    }
    Ok((entries, page.next))
}

async fn of_job(session: &mut Session, job: &JobView) -> Result<Entry, Failure> {
    let fields = fields(session, job);
    let at = Timestamp::from_millis(job.at_ms);
    let due = match Deal::of_job(job) {
        Some(deal) => deal.due(session).await?.map(|due| (deal, due)),
        None => None,
    };
    let (id, what, accounts) = match due {
        Some((deal, due)) => (deal.id(), due.what, due.accounts),
        // A contract this wallet does not know, or a record that is gone.
        None => (job.job.to_string(), format!("{}.{} {fields}", job.module, job.method), Vec::new()),
    };
    let mut json = entry_json(at, &job.module, &id, &what, &accounts);
    json["job"] = json!(job.job);
    json["method"] = json!(job.method);
    json["fields"] = fields;
    Ok(Entry { at, module: job.module.clone(), id, what, json })
}

fn fields(session: &Session, job: &JobView) -> Json {
    let read = session.directory.interface(&job.module).and_then(|interface| {
        let (_, method) = interface.method_named(&job.method)?;
        let values = decode_fields(interface, &method.fields, &job.args.0).ok()?;
        Some(write_fields(interface, &method.fields, &values, &session.directory))
    });
    read.unwrap_or(Json::Null)
}

/// What concerns an account, the soonest first: from the events that name it, for jobs name deals only.
async fn of_account(session: &mut Session, account: &str, module: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let account = session.account(account).await?;
    let mut deals = BTreeSet::new();
    for (of, name) in deal::OPENED.iter().filter(|(of, _)| module.is_none_or(|module| module == *of)) {
        let filter =
            EventFilter { account: Some(account.to_string()), module: Some((*of).into()), name: Some((*name).into()) };
        deals.extend(deals_of(session, &filter).await?);
    }
    let mut entries = Vec::new();
    for deal in deals {
        if let Some(Due { at, what, accounts }) = deal.due(session).await? {
            let (module, id) = (deal.module(), deal.id());
            let what = if at <= session.directory.now() { format!("overdue, ask by `collect`: {what}") } else { what };
            let json = entry_json(at, module, &id, &what, &accounts);
            entries.push(Entry { at, module: module.into(), id, what, json });
        }
    }
    entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok(entries)
}

async fn deals_of(session: &Session, filter: &EventFilter) -> Result<Vec<Deal>, Failure> {
    let client = session.client("the calendar")?;
    let (mut cursor, mut deals, mut looked_at) = (None, Vec::new(), 0);
    loop {
        let page = client.events(filter, cursor.as_deref(), PAGE).await?;
        looked_at += page.items.len();
        deals.extend(page.items.iter().filter_map(|placed| Deal::of_event(&placed.event)));
        cursor = page.next;
        if cursor.is_none() || page.items.is_empty() {
            return Ok(deals);
        }
        if looked_at >= EVENTS_MAX {
            session.output.warn(&format!("only the first {looked_at} events were looked at; name a --module"));
            return Ok(deals);
        }
    }
}

fn entry_json(at: Timestamp, module: &str, id: &str, what: &str, accounts: &[String]) -> Json {
    json!({
        "at": clock::to_utc(at), "at_ms": at.millis(), "module": module, "id": id, "what": what,
        "accounts": accounts
    })
}

async fn write_ics(session: &Session, path: &std::path::Path, name: &str, entries: &[Entry]) -> Result<(), Failure> {
    let chain = session.chain().await?.to_string();
    let moment = |entry: &Entry| Moment {
        uid: format!("{}-{}@{}", entry.module, entry.id, &chain[..16]),
        at: entry.at,
        summary: entry.what.clone(),
        description: format!("{} {} on chain {chain}", entry.module, entry.id),
    };
    let moments: Vec<Moment> = entries.iter().map(moment).collect();
    files::write(path, ics::calendar(name, session.directory.now(), &moments).as_bytes())
}
