//! Licences: who may carry requests out for a member, and how much.
use crate::commands::propose::{ProposalOptions, one, own, pair};
use crate::failure::Failure;
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::display::account_words;
use countersign_client::interface::topup::{LicenceOf, LicenceStatus};
use countersign_client::rpc_types::ErrorCode;
use countersign_client::types::{AccountId, Amount, AssetId};
use countersign_client::value::show_amount;
use countersign_client::{Client, Need};
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
    one(session, "topup.license", &parties, &texts, None, &args.options).await
}

/// Draws up the end of a licence.
pub async fn withdraw(session: &mut Session, args: WithdrawArgs) -> Result<(), Failure> {
    let agent = session.account_or_own(args.agent.as_deref()).await?;
    let texts = [pair("agent", agent), pair("asset", args.asset)];
    own(session, "topup.withdraw", "party", &texts, &args.options).await
}

/// Shows a licence, or that the account needs none.
pub async fn limits(session: &mut Session, args: LimitsArgs) -> Result<(), Failure> {
    let agent = session.account_or_own(args.agent.as_deref()).await?;
    let client = session.client("looking up a licence")?.clone();
    if is_agent_member(&client, agent).await? {
        client.learn_all(&mut session.directory, vec![Need::NameOf(agent)]).await?;
        let result =
            json!({ "agent": agent.to_string(), "member": agent.to_string(), "valid": true, "unlimited": true });
        session.output.result(&result, || {
            let name = account_words(&agent, &session.directory);
            format!("{name} is an active member with the role agent: it needs no licence and has no limits here")
        });
        return Ok(());
    }
    let query = LicenceOf { agent, asset: args.asset };
    let licence: LicenceStatus = client.ask("topup", LicenceOf::NAME, &query).await?;
    let needs = vec![Need::NameOf(agent), Need::NameOf(licence.member), Need::Decimals(args.asset)];
    client.learn_all(&mut session.directory, needs).await?;
    show(session, agent, args.asset, &licence);
    Ok(())
}

async fn is_agent_member(client: &Client, account: AccountId) -> Result<bool, Failure> {
    match client.member(&account.to_string()).await {
        Ok(member) => Ok(member.status == "active" && member.roles.iter().any(|role| role == "agent")),
        Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn show(session: &Session, agent: AccountId, asset: AssetId, licence: &LicenceStatus) {
    let directory = &session.directory;
    let amount = |amount: Amount| show_amount(amount, directory.decimals(&asset));
    let left = licence.per_day.checked_sub(licence.used).unwrap_or_default();
    let result = json!({
        "agent": agent.to_string(), "member": licence.member.to_string(), "asset": asset.as_str(),
        "per_request": amount(licence.per_request), "per_day": amount(licence.per_day),
        "used_today": amount(licence.used), "left_today": amount(left), "valid": licence.valid, "unlimited": false
    });
    session.output.result(&result, || {
        let money = |value: Amount| format!("{} {asset}", amount(value));
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
}
