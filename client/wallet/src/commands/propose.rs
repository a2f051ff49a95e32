//! What all commands that draw up a proposal have in common: the arguments' texts, the new file, signing at once.
use super::qr::Forms;
use super::sign;
use crate::failure::Failure;
use crate::files;
use crate::output::facts;
use crate::session::Session;
use crate::show;
use clap::Args;
use countersign_client::builder::CallDraft;
use countersign_client::rpc_types::SimulationView;
use countersign_client::types::interface::{Basic, Interface, Shape, Type};
use countersign_client::types::{Call, Proposal, Timestamp, limits};
use countersign_client::value::{write_document, write_signed};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

/// Where a proposal goes and what happens with it at once.
#[derive(Args, Debug)]
pub struct ProposalOptions {
    /// The new proposal file (.csp)
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
    /// Sign it with the key in use as well
    #[arg(long)]
    pub sign: bool,
    /// With --sign: do not ask
    #[arg(long, short, requires = "sign")]
    pub yes: bool,
    #[command(flatten)]
    pub forms: Forms,
}

/// The name of a role or argument and its value's text.
pub fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.into(), value.to_string())
}

/// A call from `module.method`, `role=account` and `name=value` texts.
pub async fn call(
    session: &mut Session,
    method: &str,
    parties: &[(String, String)],
    texts: &[(String, String)],
) -> Result<Call, Failure> {
    let draft = draft(session, method, parties, texts, None).await?;
    session.call(&draft).await
}

/// Proposes one call, as the options say.
pub async fn one(
    session: &mut Session,
    method: &str,
    parties: &[(String, String)],
    texts: &[(String, String)],
    expires_at: Option<Timestamp>,
    options: &ProposalOptions,
) -> Result<(), Failure> {
    let call = call(session, method, parties, texts).await?;
    let proposal = session.transaction(vec![call], expires_at).await?;
    finish(session, proposal, options).await
}

/// Proposes one call whose only party is the account of the key in use.
pub async fn own(
    session: &mut Session,
    method: &str,
    role: &str,
    texts: &[(String, String)],
    options: &ProposalOptions,
) -> Result<(), Failure> {
    let own = session.key()?.account;
    one(session, method, &[pair(role, own)], texts, None, options).await
}

/// Shows a new proposal, signs it if that was asked for, and writes it.
pub async fn finish(session: &mut Session, proposal: Proposal, options: &ProposalOptions) -> Result<(), Failure> {
    write(session, proposal, None, options, &[]).await
}

/// As [`finish`], with more to tell: names and values.
pub async fn finish_with(
    session: &mut Session,
    proposal: Proposal,
    options: &ProposalOptions,
    more: &[(&'static str, String)],
) -> Result<(), Failure> {
    write(session, proposal, None, options, more).await
}

/// As [`finish`], with a transaction that is tried first, so that nobody collects signatures for what would be refused.
pub async fn finish_tried(session: &mut Session, proposal: Proposal, options: &ProposalOptions) -> Result<(), Failure> {
    let simulation = session.simulate(&proposal).await?;
    if let Some(failure) = simulation.as_ref().and_then(|simulation| simulation.receipt.failure.as_ref()) {
        session.output.warn(&format!("as things stand this would be refused ({}): {}", failure.name, failure.message));
    }
    write(session, proposal, simulation, options, &[]).await
}

async fn write(
    session: &mut Session,
    mut proposal: Proposal,
    simulation: Option<SimulationView>,
    options: &ProposalOptions,
    more: &[(&'static str, String)],
) -> Result<(), Failure> {
    files::check_new(&options.output, options.force)?;
    if options.sign {
        sign::sign(session, &mut proposal, None, options.yes).await?;
    }
    let told = session.describe(&proposal).await?;
    let file = options.output.display().to_string();
    let mut result = json!({ "id": told.id, "file": file, "complete": told.complete, "proposal": told });
    let forms = options.forms.add(&proposal, &mut result)?;
    files::write_proposal(&options.output, &proposal)?;
    for (name, value) in more {
        result[*name] = json!(value);
    }
    if simulation.is_some() {
        result["simulation"] = show::simulation_json(simulation.as_ref(), &session.directory);
    }
    session.output.result(&result, || {
        let mut lines = facts(more.iter().map(|(name, value)| (*name, value.clone())));
        if !lines.is_empty() {
            lines.push_str("\n\n");
        }
        let shown = || show::proposal(&told, simulation.as_ref(), &session.directory);
        match options.sign {
            true => format!("{lines}Written to {file}{forms}"),
            false => format!("{}\n\n{lines}Written to {file}{forms}", shown()),
        }
    });
    Ok(())
}

/// `module.method`.
pub fn split_call(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('.') {
        Some((module, method)) if !module.is_empty() && !method.is_empty() => Ok((module.into(), method.into())),
        _ => Err(Failure::BadOption { given: text.chars().take(60).collect(), wanted: "module.method" }),
    }
}

/// A call from `module.method`, `role=account` and `name=value` texts and an object of further arguments.
pub async fn draft(
    session: &mut Session,
    call: &str,
    parties: &[(String, String)],
    args: &[(String, String)],
    further: Option<Json>,
) -> Result<CallDraft, Failure> {
    let (module, method) = split_call(call)?;
    let interface = session.interface(&module).await?;
    let mut held = Vec::new();
    for (role, account) in parties {
        held.push((role.clone(), session.account(account).await?));
    }
    let fields = interface.method_named(&method).map(|(_, method)| method.fields.clone()).unwrap_or_default();
    let mut object = match further {
        Some(Json::Object(object)) => object,
        Some(_) => return Err(Failure::BadOption { given: "--args".into(), wanted: "a JSON object" }),
        None => Map::new(),
    };
    for (name, text) in args {
        let ty = fields.iter().find(|field| field.name == *name).map(|field| &field.ty);
        let value = match ty {
            Some(ty) => read_text(session, &interface, ty, text)?,
            None => json!(text),
        };
        object.insert(name.clone(), value);
    }
    Ok(CallDraft { module, method, parties: held, args: Json::Object(object) })
}

/// The JSON of an argument's text, by its type: documents from their files, lists and structs as JSON, `@file` for bytes.
pub fn read_text(session: &Session, interface: &Interface, ty: &Type, text: &str) -> Result<Json, Failure> {
    let is_json = text.starts_with('{') || text.starts_with('[');
    match ty {
        Type::Basic(Basic::SignedDocument | Basic::Document) if !is_json && !text.starts_with("0x") => {
            let proposal = files::read_document(Path::new(text))?;
            let signed = proposal.to_document().ok_or_else(|| Failure::WrongSubject {
                path: text.into(),
                found: "transaction",
                command: "countersign tx",
            })?;
            Ok(match ty {
                Type::Basic(Basic::Document) => write_document(&signed.document, &session.directory),
                _ => write_signed(&signed, &session.directory),
            })
        }
        Type::Basic(Basic::Bytes | Basic::Code) => match text.strip_prefix('@') {
            Some(path) => Ok(json!(hex(&files::read(Path::new(path), limits::CODE_BYTES_MAX)?))),
            None => Ok(json!(text)),
        },
        Type::Option(_) if text == "none" => Ok(Json::Null),
        Type::Option(inner) => read_text(session, interface, inner, text),
        Type::List(_) | Type::Basic(Basic::Authority | Basic::SignedDocument | Basic::Document) => parse_json(text),
        Type::Declared(index) if matches!(interface.types[*index].shape, Shape::Struct(_)) => parse_json(text),
        _ => Ok(json!(text)),
    }
}

/// JSON given on the command line.
pub fn parse_json(text: &str) -> Result<Json, Failure> {
    let what = || format!("`{}`", text.chars().take(60).collect::<String>());
    serde_json::from_str(text).map_err(|source| Failure::BadJson { what: what(), source })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
