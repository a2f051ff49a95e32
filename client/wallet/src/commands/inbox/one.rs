//! One message: shown, saved, removed.
use super::kept;
use super::message::{Message, doubt};
use crate::failure::Failure;
use crate::files;
use crate::logged_in::Who;
use crate::output::facts;
use crate::session::Session;
use crate::show;
use clap::Args;
use countersign_client::messaging::store::{Kind, id_text};
use countersign_client::messaging::{Body, KeptMessage, MessageStore};
use serde_json::json;
use std::path::PathBuf;

/// A message.
#[derive(Args, Debug)]
pub struct OneArgs {
    /// Its id, csm1…, or the beginning of it, of at least 8 characters
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    who: Who,
}

/// A message whose content goes into a file.
#[derive(Args, Debug)]
pub struct SaveArgs {
    #[command(flatten)]
    message: OneArgs,
    /// Where it goes; only you can read what is not a proposal
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// The message of this id, which is to be believed.
pub fn believed(store: &MessageStore, id: &str) -> Result<KeptMessage, Failure> {
    let kept = store.read(id)?;
    match doubt(&kept) {
        Some(doubt) => Err(Failure::NotBelieved { id: id_text(&kept.head.id), reason: doubt.reason }),
        None => Ok(kept),
    }
}

pub async fn show(session: &mut Session, args: &OneArgs) -> Result<(), Failure> {
    let store = kept(session, &args.who)?;
    let read = store.read(&args.id)?;
    let message = Message::of(session, &read, false).await;
    let told = message.told.as_ref().and_then(|told| told.as_ref().ok());
    let simulation = match &message.proposal {
        Some(proposal) if told.is_some() => session.simulate(proposal).await?,
        _ => None,
    };
    let mut result = message.to_json();
    result["proposal"] = json!(told);
    result["simulation"] = show::simulation_json(simulation.as_ref(), &session.directory);
    session.output.result(&result, || {
        let mut parts = vec![facts([
            ("message", message.id()),
            ("from", message.sender()),
            ("sent", message.time()),
            ("kind", message.kind().into()),
        ])];
        parts.extend(message.doubt.as_ref().map(|doubt| format!("Not to be believed: {}", doubt.reason)));
        parts.extend(Some(message.words.clone()).filter(|words| !words.is_empty()));
        parts.extend(message.head.file_name.as_ref().filter(|_| message.doubt.is_none()).map(|name| {
            let (name, size) = (name.as_str(), message.head.size);
            format!("File {name}, {size} bytes: `countersign inbox save {} -o FILE` takes it", message.short_id())
        }));
        parts.extend(told.map(|told| show::proposal(told, simulation.as_ref(), &session.directory)));
        if let Some(Err(failure)) = &message.told {
            parts.push(format!("Its proposal cannot be told: {failure}"));
        }
        parts.join("\n\n")
    });
    // Of a text nothing is left to do once it was read.
    if message.head.kind == Some(Kind::Text) && message.doubt.is_none() {
        store.mark_handled(&message.id())?;
    }
    Ok(())
}

pub fn save(session: &Session, args: &SaveArgs) -> Result<(), Failure> {
    files::check_new(&args.output, args.force)?;
    let store = kept(session, &args.message.who)?;
    let kept = believed(&store, &args.message.id)?;
    let body = kept.signed.as_ref().map(|signed| &signed.letter.body);
    match body {
        Some(Body::Proposal { .. }) => {
            let proposal = body.map(Body::to_proposal).transpose()?.flatten();
            files::write_proposal(&args.output, &proposal.ok_or(Failure::NothingGiven)?)?;
        }
        Some(Body::File { bytes, .. }) => files::write_private(&args.output, bytes, args.force)?,
        Some(Body::Text(text)) => files::write_private(&args.output, text.as_str().as_bytes(), args.force)?,
        None => return Err(Failure::NothingGiven),
    }
    let (id, file) = (id_text(&kept.head.id), args.output.display().to_string());
    store.mark_handled(&id)?;
    session.output.result(&json!({ "id": id, "file": file }), || format!("Written to {file}"));
    Ok(())
}

pub fn remove(session: &Session, args: &OneArgs) -> Result<(), Failure> {
    let head = kept(session, &args.who)?.remove(&args.id)?;
    let id = id_text(&head.id);
    session.output.result(&json!({ "id": id }), || format!("Removed {id}"));
    Ok(())
}
