//! Issuing cards and what issuer and holder change about them.
use super::{DeviceArgs, HeldCard, choose_pin, enrolment, show, sign_with_pin};
use crate::commands::propose::{ProposalOptions, call, finish, one, own, pair};
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use countersign_client::card::{SoftwareCard, auth_name};
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
    let card = SoftwareCard::new(args.card.clone())?;
    card.write(&args.output)?;
    session.output.warn("whoever has this file can try PINs: a smart card counts wrong ones, a file cannot");
    let (name, file) = (card.card.to_string(), args.output.display().to_string());
    session.output.result(&json!({ "card": name, "file": file }), || format!("Software card {name} written to {file}"));
    Ok(())
}

/// Draws up all that makes a card, signed with the PIN's new key: the accounts it needs, and the card.
pub async fn register(session: &mut Session, args: RegisterArgs) -> Result<(), Failure> {
    let card = SoftwareCard::read(&args.held.card_file)?;
    let issuer = session.account(card.card.site()).await?;
    let holder = session.account_or_own(args.holder.as_deref()).await?;
    let key = choose_pin(args.held.pin_file.as_deref(), &card)?;
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(enrolment(session, issuer, key.account, &auth_name(&card.card, &key.account)?).await?);
    let device = device(session, issuer, &args.device, &mut calls).await?;
    let parties = [pair("issuer", issuer), pair("holder", holder), pair("device", device), pair("auth", key.account)];
    let texts = [
        pair("card", &card.card),
        pair("asset", args.asset),
        pair("payment_max", args.limits.payment_max),
        pair("day_max", args.limits.day_max),
    ];
    calls.push(call(session, "card.register", &parties, &texts).await?);
    let mut proposal = session.transaction(calls, None).await?;
    sign_with_pin(&mut proposal, &key)?;
    finish(session, proposal, &args.options).await
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

/// Draws up the change of a card's PIN, or of its secret, signed with the new key.
pub async fn change_auth(session: &mut Session, args: ChangeAuthArgs) -> Result<(), Failure> {
    let card = SoftwareCard::read(&args.held.card_file)?;
    let record = show::record(session, &card.card).await?;
    let key = choose_pin(args.held.pin_file.as_deref(), &card)?;
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(enrolment(session, record.issuer, key.account, &auth_name(&card.card, &key.account)?).await?);
    let [issuer, holder] = both(&record);
    let parties = [issuer, holder, pair("auth", key.account)];
    calls.push(call(session, "card.change_auth", &parties, &[pair("card", &card.card)]).await?);
    let mut proposal = session.transaction(calls, None).await?;
    sign_with_pin(&mut proposal, &key)?;
    finish(session, proposal, &args.options).await
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
