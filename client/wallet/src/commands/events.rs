//! `countersign events`: what happened, and with `--follow` what happens now.
use crate::failure::Failure;
use crate::session::Session;
use crate::show;
use clap::Args;
use countersign_client::clock;
use countersign_client::rpc_types::{EventFilter, PlacedEvent};
use countersign_client::types::{self, Timestamp};
use serde_json::json;

/// Which events.
#[derive(Args, Debug)]
pub struct EventsArgs {
    /// Of this account: id, name, or name of a key here
    #[arg(long)]
    account: Option<String>,
    /// Of this module
    #[arg(long)]
    module: Option<String>,
    /// With this name
    #[arg(long)]
    name: Option<String>,
    /// Continue after this cursor
    #[arg(long)]
    cursor: Option<String>,
    /// Keep following, also over broken connections
    #[arg(long, short)]
    follow: bool,
    /// Events to show; with --follow the end comes after so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Events on one page of a history.
const PAGE: u32 = 100;
/// Events looked at before a list of deals says that there are more: each deal is a question to the node.
const DEALS_MAX: usize = 500;

/// Runs the command.
pub async fn run(session: &mut Session, args: EventsArgs) -> Result<(), Failure> {
    let account = match &args.account {
        Some(text) => Some(session.account(text).await?.to_string()),
        None => None,
    };
    let filter = EventFilter { account, module: args.module, name: args.name };
    let client = session.client("events")?.clone();
    if args.follow {
        let mut stream = client.follow(filter, args.cursor);
        let mut left = args.limit;
        while left != Some(0) {
            tell(session, &stream.next().await?).await?;
            left = left.map(|left| left - 1);
        }
        return Ok(());
    }
    let mut cursor = args.cursor;
    let mut left = args.limit.unwrap_or(PAGE);
    while left > 0 {
        let page = client.events(&filter, cursor.as_deref(), left.min(PAGE)).await?;
        for event in &page.items {
            tell(session, event).await?;
        }
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        cursor = page.next;
        if cursor.is_none() || page.items.is_empty() {
            return Ok(());
        }
    }
    if let Some(cursor) = cursor {
        session.output.note(&format!("More with --cursor {cursor}"));
    }
    Ok(())
}

/// What `read` finds in events of one name, the oldest first, and the cursor after them if there may be more.
pub async fn deals<T>(
    session: &Session,
    filter: &EventFilter,
    mut cursor: Option<String>,
    read: impl Fn(&[u8]) -> Result<T, types::DecodeError>,
) -> Result<(Vec<T>, Option<String>), Failure> {
    let client = session.client("a list of deals")?;
    let (mut looked_at, mut found) = (0, Vec::new());
    while looked_at < DEALS_MAX {
        let page = client.events(filter, cursor.as_deref(), PAGE).await?;
        looked_at += page.items.len();
        // An event of a contract that was upgraded to something else is not one of ours.
        found.extend(page.items.iter().filter_map(|item| read(&item.event.data.0).ok()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok((found, cursor))
}

async fn tell(session: &mut Session, placed: &PlacedEvent) -> Result<(), Failure> {
    session.learn_for_events(std::slice::from_ref(&placed.event)).await?;
    let mut json = json!(placed);
    json["fields"] = show::event_json(&placed.event, &session.directory)["fields"].take();
    session.output.item(&json, || {
        let time = clock::to_local(Timestamp::from_millis(placed.time_ms));
        format!("{time}  {}", show::event_line(&placed.event, &session.directory))
    });
    Ok(())
}
