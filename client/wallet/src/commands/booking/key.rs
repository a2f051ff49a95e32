//! `countersign booking key`: opens the door of a booked object. The lock asks, the wallet answers; or it takes along what the ledger says,
//! and answers without a network.
use crate::commands::lock::read_text;
use crate::failure::Failure;
use crate::files;
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::clock;
use countersign_client::display::account_words;
use countersign_client::door::{CARRIED_BYTES_MAX, Carried};
use countersign_client::lock::limits::FRESH_MS_DEFAULT;
use countersign_client::lock::{Admission, Challenge};
use countersign_client::rpc_types::HexBytes;
use countersign_client::types::{Hash, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Version of the file that is carried.
const VERSION: u32 = 1;
/// Bytes of that file: hexadecimal, and some words around it.
const FILE_BYTES_MAX: usize = 2 * CARRIED_BYTES_MAX + 1024;

/// A key.
#[derive(Args, Debug)]
pub struct KeyArgs {
    /// The booking
    #[arg(required_unless_present = "carried")]
    booking: Option<Hash>,
    /// What the lock asks (countersign:challenge?…), a file or an image of a QR code with it, or - for standard input. Without it a
    /// file is made that is carried to the door, for --carried
    #[arg(long, value_name = "TEXT", required_unless_present = "output")]
    challenge: Option<String>,
    /// Instead of asking a node: a file made without --challenge some minutes ago
    #[arg(long, value_name = "FILE", conflicts_with = "booking", requires = "challenge")]
    carried: Option<PathBuf>,
    /// Where it is written [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// What is written to carry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    /// For people: the booking.
    booking: String,
    /// For people: until when locks take it at most.
    fresh_until: String,
    carried: HexBytes,
}

/// Makes a key, or what is carried to make one.
pub async fn key(session: &mut Session, args: KeyArgs) -> Result<(), Failure> {
    if let Some(output) = &args.output {
        files::check_new(output, args.force)?;
    }
    let carried = match (&args.carried, args.booking) {
        (Some(file), _) => read(file)?,
        (None, Some(booking)) => fetch(session, booking).await?,
        (None, None) => return Err(bad("a booking, or --carried FILE")),
    };
    match (&args.challenge, &args.output) {
        (Some(challenge), output) => answer(session, &carried, challenge, output.as_deref()),
        (None, Some(output)) => carry(session, &carried, output),
        (None, None) => Err(bad("--challenge TEXT, or -o FILE to carry along")),
    }
}

fn bad(wanted: &'static str) -> Failure {
    Failure::BadOption { given: "booking key".into(), wanted }
}

async fn fetch(session: &Session, booking: Hash) -> Result<Carried, Failure> {
    let chain = session.chain().await?;
    Ok(session.client("making a key")?.pass(chain, booking).await?)
}

fn read(path: &Path) -> Result<Carried, Failure> {
    let bytes = files::read(path, FILE_BYTES_MAX)?;
    let file: File = serde_json::from_slice(&bytes)
        .map_err(|source| Failure::BadJson { what: path.display().to_string(), source })?;
    let damaged = |_| Failure::Damaged { path: path.display().to_string(), what: "what is carried to a door" };
    if file.version != VERSION {
        return Err(Failure::OtherVersion { path: path.display().to_string(), found: file.version, wanted: VERSION });
    }
    Carried::from_bytes(&file.carried.0).map_err(damaged)
}

fn carry(session: &Session, carried: &Carried, output: &Path) -> Result<(), Failure> {
    let admission = carried.check(clock::now())?;
    let fresh_until = fresh_until(&admission);
    let file = File {
        version: VERSION,
        booking: admission.booking.to_string(),
        fresh_until: clock::to_utc(fresh_until),
        carried: HexBytes(carried.to_bytes()),
    };
    let text =
        serde_json::to_vec_pretty(&file).map_err(|source| Failure::BadJson { what: "the file".into(), source })?;
    files::write(output, &text)?;
    let file = output.display().to_string();
    let none = ["text", "bytes", "characters"].map(|name| (name, Json::Null));
    let told = with(with(as_json(&admission), &none), &[("file", json!(file))]);
    session.output.result(&told, || {
        let mut lines = words(session, &admission);
        lines.push(("file", file.clone()));
        lines.push(("next", format!("`booking key --carried {file} --challenge …` at the door, without a network")));
        facts(lines)
    });
    Ok(())
}

fn answer(session: &Session, carried: &Carried, challenge: &str, output: Option<&Path>) -> Result<(), Failure> {
    let text = read_text(challenge)?;
    let challenge = Challenge::from_text(&text).map_err(Failure::BadChallenge)?;
    let signer = session.signer(&session.key()?)?;
    let (credential, admission) = carried.answer(&challenge, &*signer)?;
    let (text, bytes) = (credential.to_text(), credential.to_bytes().len());
    if let Some(output) = output {
        files::write(output, format!("{text}\n").as_bytes())?;
    }
    let file = output.map(|output| output.display().to_string());
    let more =
        [("text", json!(text)), ("bytes", json!(bytes)), ("characters", json!(text.len())), ("file", json!(file))];
    session.output.note(&facts(words(session, &admission)));
    session.output.result(&with(as_json(&admission), &more), || match &file {
        Some(file) => format!("Key of {} characters written to {file}", text.len()),
        None => text.clone(),
    });
    Ok(())
}

/// Until when a lock takes it that has the usual bound.
fn fresh_until(admission: &Admission) -> Timestamp {
    admission.certified_at.checked_add_millis(FRESH_MS_DEFAULT).unwrap_or(Timestamp::MAX)
}

/// An admission's facts for programs.
pub fn as_json(admission: &Admission) -> Json {
    json!({
        "booking": admission.booking.to_string(), "holder": admission.holder.to_string(),
        "object": admission.object.as_str(), "from": clock::to_utc(admission.from),
        "until": clock::to_utc(admission.until), "come_by": admission.come_by.map(clock::to_utc),
        "certified_at": clock::to_utc(admission.certified_at), "fresh_until": clock::to_utc(fresh_until(admission)),
    })
}

fn with(mut told: Json, more: &[(&str, Json)]) -> Json {
    for (name, value) in more {
        told[*name] = value.clone();
    }
    told
}

/// An admission's facts for people.
pub fn words(session: &Session, admission: &Admission) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("booking", admission.booking.to_string()),
        ("opens", admission.object.to_string()),
        ("for", account_words(&admission.holder, &session.directory)),
        ("from", clock::to_local(admission.from)),
        ("until", clock::to_local(admission.until)),
    ];
    if let Some(come_by) = admission.come_by {
        lines.push(("check in by", clock::to_local(come_by)));
    }
    lines.push(("certified", clock::to_local(admission.certified_at)));
    lines.push(("locks take it until", clock::to_local(fresh_until(admission))));
    lines
}
