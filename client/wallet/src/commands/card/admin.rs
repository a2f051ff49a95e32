//! Issuing cards and what issuer and holder change about them.
use super::held::{HeldCard, Way, choose_pin};
use super::{DeviceArgs, enrolment, show, sign_with_pin};
use crate::commands::propose::{ProposalOptions, call, finish, one, own, pair};
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::Args;
use countersign_client::card::reader::ProvenCard;
use countersign_client::card::{AuthKey, SoftwareCard, auth_name};
use countersign_client::interface::card::CardRecord;
use countersign_client::types::{AccountId, AssetId, Call, Name};
use serde_json::json;
use std::path::PathBuf;

/// A new software card.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// The card's name, at its issuer's site: card-1234@bank.example
    card: Name,
    /// The new card file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// File whose first line is the card's PIN [default: asked at the terminal]
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// What a card pays at most.
#[derive(Args, Debug)]
struct Limits {
    /// Most it pays at once
    #[arg(long, value_name = "AMOUNT")]
    payment_max: String,
    /// Most it pays on one day (UTC)
    #[arg(long, value_name = "AMOUNT")]
    day_max: String,
}

/// A new card.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    #[command(flatten)]
    held: HeldCard,
    /// Whose card it is [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    holder: Option<String>,
    #[command(flatten)]
    device: DeviceArgs,
    /// The asset it holds, such as EUR
    #[arg(long)]
    asset: AssetId,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A card by its name.
#[derive(Args, Debug)]
pub struct CardArgs {
    /// The card's name
    #[arg(long, value_name = "NAME")]
    card: Name,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Another PIN.
#[derive(Args, Debug)]
pub struct ChangeAuthArgs {
    #[command(flatten)]
    held: HeldCard,
    /// File whose first line is the new PIN [default: asked at the terminal]
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
    /// Leave the card its PIN and tell the ledger the key it makes: for a new card that takes another's place, or one that has its new
    /// PIN already
    #[arg(long, conflicts_with = "new_pin_file")]
    keep_pin: bool,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Another device.
#[derive(Args, Debug)]
pub struct ChangeDeviceArgs {
    /// The card's name
    #[arg(long, value_name = "NAME")]
    card: Name,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Other limits.
#[derive(Args, Debug)]
pub struct LimitsArgs {
    /// The card's name
    #[arg(long, value_name = "NAME")]
    card: Name,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Makes a card's file. The ledger is not asked: it knows nothing of the card yet.
pub fn new(session: &Session, args: &NewArgs) -> Result<(), Failure> {
    let pin = choose_pin(args.pin_file.as_deref(), args.card.as_str())?;
    let card = SoftwareCard::create(&args.output, args.card.clone(), &pin)?;
    session.output.warn("it counts wrong PINs as a smart card does, but who has the file can try PINs without it");
    let (name, key, file) = (card.card().to_string(), card.key().to_string(), args.output.display().to_string());
    let result = json!({ "card": name, "key": key, "file": file });
    session.output.result(&result, || format!("Software card {name} written to {file}"));
    Ok(())
}

/// Draws up all that makes a card, signed with the PIN's key: the accounts it needs, and the card.
pub async fn register(session: &mut Session, args: RegisterArgs) -> Result<(), Failure> {
    files::check_new(&args.options.output, args.options.force)?;
    let mut card = args.held.new_card(session)?;
    let issuer = session.account(card.card().site()).await?;
    let holder = session.account_or_own(args.holder.as_deref()).await?;
    let key = args.held.enter(&mut card)?;
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(auth_enrolment(session, issuer, &card, &key).await?);
    let device = device(session, issuer, &args.device, &mut calls).await?;
    let parties = [pair("issuer", issuer), pair("holder", holder), pair("device", device), pair("auth", key.account)];
    let texts = [
        pair("card", card.card()),
        pair("asset", args.asset),
        pair("payment_max", args.limits.payment_max),
        pair("day_max", args.limits.day_max),
    ];
    calls.push(call(session, "card.register", &parties, &texts).await?);
    let mut proposal = session.transaction(calls, None).await?;
    sign_with_pin(&mut proposal, &key)?;
    finish(session, proposal, &args.options).await
}

/// The call that enrols the PIN's key, under the name that vouches for the card's own key.
async fn auth_enrolment(
    session: &mut Session,
    issuer: AccountId,
    card: &ProvenCard<Way>,
    key: &AuthKey,
) -> Result<Option<Call>, Failure> {
    enrolment(session, issuer, key.account, &auth_name(card.card(), card.key(), &key.account)?).await
}

/// The device's account, and the call that enrols it if it is to be.
async fn device(
    session: &mut Session,
    issuer: AccountId,
    args: &DeviceArgs,
    calls: &mut Vec<Call>,
) -> Result<AccountId, Failure> {
    let device = session.account(&args.device).await?;
    if let Some(name) = &args.device_name {
        calls.extend(enrolment(session, issuer, device, name).await?);
    }
    Ok(device)
}

/// The parties of what issuer and holder do together.
fn both(record: &CardRecord) -> [(String, String); 2] {
    [pair("issuer", record.issuer), pair("holder", record.holder)]
}

/// Draws up a block by the account in use.
pub async fn block(session: &mut Session, args: CardArgs) -> Result<(), Failure> {
    own(session, "card.block", "by", &[pair("card", args.card)], &args.options).await
}

/// Draws up the end of a block.
pub async fn unblock(session: &mut Session, args: CardArgs) -> Result<(), Failure> {
    let record = show::record(session, &args.card).await?;
    one(session, "card.unblock", &both(&record), &[pair("card", args.card)], None, &args.options).await
}

/// Draws up the change of a card's PIN, or of the card, signed with the new key. The card itself has its new PIN from then on.
pub async fn change_auth(session: &mut Session, args: ChangeAuthArgs) -> Result<(), Failure> {
    files::check_new(&args.options.output, args.options.force)?;
    let (card, record, key) = new_auth(session, &args).await?;
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(auth_enrolment(session, record.issuer, &card, &key).await?);
    let [issuer, holder] = both(&record);
    let parties = [issuer, holder, pair("auth", key.account)];
    calls.push(call(session, "card.change_auth", &parties, &[pair("card", card.card())]).await?);
    let mut proposal = session.transaction(calls, None).await?;
    sign_with_pin(&mut proposal, &key)?;
    finish(session, proposal, &args.options).await
}

async fn new_auth(
    session: &mut Session,
    args: &ChangeAuthArgs,
) -> Result<(ProvenCard<Way>, CardRecord, AuthKey), Failure> {
    if args.keep_pin {
        let mut card = args.held.new_card(session)?;
        let record = show::record(session, card.card()).await?;
        let key = args.held.enter(&mut card)?;
        return Ok((card, record, key));
    }
    let (mut card, record) = args.held.registered(session).await?;
    let pin = args.held.pin(&mut card)?;
    let new = choose_pin(args.new_pin_file.as_deref(), card.card().as_str())?;
    let key = card.change_pin(&pin, &new)?;
    session.output.note(
        "The card has its new PIN, and pays again when this is signed by issuer and holder and submitted. Should it be lost, draw it \
         up again with --keep-pin",
    );
    Ok((card, record, key))
}

/// Draws up the change of the associated device.
pub async fn change_device(session: &mut Session, args: ChangeDeviceArgs) -> Result<(), Failure> {
    let record = show::record(session, &args.card).await?;
    let mut calls = Vec::new();
    let device = device(session, record.issuer, &args.device, &mut calls).await?;
    let [issuer, holder] = both(&record);
    let parties = [issuer, holder, pair("device", device)];
    calls.push(call(session, "card.change_device", &parties, &[pair("card", args.card)]).await?);
    let proposal = session.transaction(calls, None).await?;
    finish(session, proposal, &args.options).await
}

/// Draws up other limits.
pub async fn limits(session: &mut Session, args: LimitsArgs) -> Result<(), Failure> {
    let record = show::record(session, &args.card).await?;
    let texts = [
        pair("card", args.card),
        pair("asset", record.asset),
        pair("payment_max", args.limits.payment_max),
        pair("day_max", args.limits.day_max),
    ];
    one(session, "card.set_limits", &both(&record), &texts, None, &args.options).await
}
