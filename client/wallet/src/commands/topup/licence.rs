//! Licences: who may carry requests out for a member, and how much.
use super::{pair, propose};
use crate::commands::propose::ProposalOptions;
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::Need;
use countersign_client::display::account_words;
use countersign_client::interface::topup::{LicenceOf, LicenceStatus};
use countersign_client::types::{Amount, AssetId};
use countersign_client::value::show_amount;
use serde_json::json;

/// A licence.
#[derive(Args, Debug)]
pub struct LicenseArgs {
    /// The account that may carry requests out; it signs too
    #[arg(long, value_name = "ACCOUNT")]
    agent: String,
    /// The asset, such as EUR
    #[arg(long)]
    asset: String,
    /// The largest amount of one request
    #[arg(long, value_name = "AMOUNT")]
    per_request: String,
    /// The largest amount of one day (UTC)
    #[arg(long, value_name = "AMOUNT")]
    per_day: String,
    /// The member with the role agent [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    member: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// The end of a licence.
#[derive(Args, Debug)]
pub struct WithdrawArgs {
    /// The account that holds it [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    agent: Option<String>,
    /// The asset, such as EUR
    #[arg(long)]
    asset: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Whose licence.
#[derive(Args, Debug)]
pub struct LimitsArgs {
    /// The account that holds it [default: the account of the key in use]
    agent: Option<String>,
    /// The asset, such as EUR
    #[arg(long)]
    asset: AssetId,
}

/// Draws up a licence.
pub async fn license(session: &mut Session, args: LicenseArgs) -> Result<(), Failure> {
    let member = session.account_or_own(args.member.as_deref()).await?;
    let texts = [pair("asset", args.asset), pair("per_request", args.per_request), pair("per_day", args.per_day)];
    let parties = [pair("member", member), pair("agent", args.agent)];
    propose(session, "license", &parties, &texts, &args.options).await
}

/// Draws up the end of a licence.
pub async fn withdraw(session: &mut Session, args: WithdrawArgs) -> Result<(), Failure> {
    let agent = session.account_or_own(args.agent.as_deref()).await?;
    let own = session.key()?.account;
    let texts = [pair("agent", agent), pair("asset", args.asset)];
    propose(session, "withdraw", &[pair("party", own)], &texts, &args.options).await
}

/// Shows a licence.
pub async fn limits(session: &mut Session, args: LimitsArgs) -> Result<(), Failure> {
    let agent = session.account_or_own(args.agent.as_deref()).await?;
    let client = session.client("looking up a licence")?.clone();
    let query = LicenceOf { agent, asset: args.asset };
    let licence: LicenceStatus = client.ask("topup", LicenceOf::NAME, &query).await?;
    let needs = vec![Need::NameOf(agent), Need::NameOf(licence.member), Need::Decimals(args.asset)];
    client.learn_all(&mut session.directory, needs).await?;
    let directory = &session.directory;
    let amount = |amount: Amount| show_amount(amount, directory.decimals(&args.asset));
    let left = licence.per_day.checked_sub(licence.used).unwrap_or_default();
    let result = json!({
        "agent": agent.to_string(), "member": licence.member.to_string(), "asset": args.asset.as_str(),
        "per_request": amount(licence.per_request), "per_day": amount(licence.per_day),
        "used_today": amount(licence.used), "left_today": amount(left), "valid": licence.valid
    });
    session.output.result(&result, || {
        let money = |value: Amount| format!("{} {}", amount(value), args.asset);
        facts([
            ("agent", account_words(&agent, directory)),
            ("licensed by", account_words(&licence.member, directory)),
            ("valid", if licence.valid { "yes" } else { "no: its member is not an active agent" }.into()),
            ("per request", money(licence.per_request)),
            ("per day (UTC)", money(licence.per_day)),
            ("used today", money(licence.used)),
            ("left today", money(left)),
        ])
    });
    Ok(())
}
