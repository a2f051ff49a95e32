//! `countersign calendar`: what the ledger will do by itself.
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::clock;
use countersign_client::rpc_types::JobView;
use countersign_client::types::Timestamp;
use countersign_client::value::{decode_fields, write_fields};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Jobs on one page.
const PAGE: u32 = 100;

/// Which jobs.
#[derive(Args, Debug)]
pub struct CalendarArgs {
    /// Of this contract
    #[arg(long)]
    module: Option<String>,
    /// Continue after this cursor
    #[arg(long)]
    cursor: Option<String>,
}

/// Runs the command.
pub async fn run(session: &mut Session, args: CalendarArgs) -> Result<(), Failure> {
    let client = session.client("the calendar")?;
    let page = client.schedule(args.module.as_deref(), args.cursor.as_deref(), PAGE).await?;
    let modules: BTreeSet<_> = page.items.iter().map(|job| job.module.as_str()).collect();
    for module in modules {
        session.interface(module).await?;
    }
    let items: Vec<Json> = page.items.iter().map(|job| job_json(session, job)).collect();
    session.output.result(&json!({ "items": items, "next": page.next }), || {
        let rows = page.items.iter().zip(&items).map(|(job, json)| {
            let at = Timestamp::from_millis(job.at_ms);
            let when = format!("{} ({})", clock::to_local(at), clock::relative(at, session.directory.now()));
            [job.job.to_string(), when, format!("{}.{}", job.module, job.method), json["fields"].to_string()]
        });
        let listed = table(["JOB", "WHEN", "WHAT", "ARGUMENTS"], rows);
        match &page.next {
            Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
            None => listed,
        }
    });
    Ok(())
}

fn job_json(session: &Session, job: &JobView) -> Json {
    let read = session.directory.interface(&job.module).and_then(|interface| {
        let (_, method) = interface.method_named(&job.method)?;
        let values = decode_fields(interface, &method.fields, &job.args.0).ok()?;
        Some(write_fields(interface, &method.fields, &values, &session.directory))
    });
    let mut json = json!(job);
    json["fields"] = read.unwrap_or(Json::Null);
    json
}
