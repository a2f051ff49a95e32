//! Value onto a card, from it to a payee, and back to its holder.
use super::held::HeldCard;
use super::{order, show, sign_with_both, sign_with_pin};
use crate::commands::propose::{ProposalOptions, call, finish, own, pair};
use crate::commands::sign;
use crate::failure::Failure;
use crate::files;
use crate::intake::{self, Wanted};
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::Need;
use countersign_client::display::account_words;
use countersign_client::interface::Method;
use countersign_client::interface::card::{Pay, PayConfirmed};
use countersign_client::types::proposal::Subject;
use countersign_client::types::{self, AccountId, Call, Name, Proposal, limits};
use countersign_client::value::show_amount;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Value onto a card.
#[derive(Args, Debug)]
pub struct LoadArgs {
    /// The card's name
    #[arg(long, value_name = "NAME")]
    card: Name,
    /// How much, such as 50.00
    #[arg(long)]
    amount: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A payment.
#[derive(Args, Debug)]
pub struct PayArgs {
    /// The order file that the point of sale made
    #[arg(long, value_name = "FILE")]
    order: PathBuf,
    #[command(flatten)]
    held: HeldCard,
    /// The new proposal file (.csp)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// A second confirmation.
#[derive(Args, Debug)]
pub struct ConfirmArgs {
    /// The payment as the paying device sent it: a file (.csp), a text (countersign:…) or an image of its code
    file: PathBuf,
    /// Where the confirmed payment goes [default: the file it came from]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Value off a card.
#[derive(Args, Debug)]
pub struct UnloadArgs {
    /// The card's name, if the card is not at hand
    #[arg(long, value_name = "NAME", required_unless_present_any = ["reader", "card_file"])]
    #[arg(conflicts_with_all = ["reader", "card_file"])]
    card: Option<Name>,
    /// The card in a reader, in that whose name contains NAME or in the only one with a card: the PIN signs
    #[arg(long, value_name = "NAME", conflicts_with = "card_file")]
    reader: Option<Option<String>>,
    /// The software card's file: the PIN signs
    #[arg(long, value_name = "FILE")]
    card_file: Option<PathBuf>,
    /// File whose first line is the PIN [default: asked at the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "card")]
    pin_file: Option<PathBuf>,
    /// Without the PIN and without the issuer: 30 days after the card was blocked, or while its issuer is suspended.
    /// Otherwise, without the PIN, the issuer signs
    #[arg(long, conflicts_with_all = ["reader", "card_file"])]
    alone: bool,
    /// How much [default: all of it]
    #[arg(long)]
    amount: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// What a device shows before anything is signed, for people and for programs.
struct Facts {
    lines: Vec<(&'static str, String)>,
    json: Json,
}

impl Facts {
    async fn of(session: &mut Session, payment: &Pay, device: AccountId) -> Result<Self, Failure> {
        let Pay { card, asset, amount, payee, account, order } = payment;
        if let Some(node) = session.node().cloned() {
            let needs = vec![Need::Decimals(*asset), Need::NameOf(device)];
            node.learn_all(&mut session.directory, needs).await?;
        }
        let amount = show_amount(*amount, session.directory.decimals(asset));
        let json = json!({
            "card": card.as_str(), "asset": asset.as_str(), "amount": amount, "payee": payee.as_str(),
            "account": account.to_string(), "order": order.as_str(), "device": device.to_string()
        });
        let lines = vec![
            ("card", card.to_string()),
            ("amount", format!("{amount} {asset}")),
            ("payee", payee.to_string()),
            ("account", account.to_string()),
            ("order", format!("{} of {}", order.as_str(), account_words(&device, &session.directory))),
        ];
        Ok(Self { lines, json })
    }

    fn show(&self, session: &Session) {
        session.output.note(&format!("This pays with a card:\n{}\n", facts(self.lines.clone())));
    }
}

/// Draws up a payment onto a card from the account in use.
pub async fn load(session: &mut Session, args: LoadArgs) -> Result<(), Failure> {
    let record = show::record(session, &args.card).await?;
    let texts = [pair("card", args.card), pair("asset", record.asset), pair("amount", args.amount)];
    own(session, "card.load", "payer", &texts, &args.options).await
}

/// Draws up the payment of an order, shows it, and signs exactly that with this device's key and the card's PIN.
pub async fn pay(session: &mut Session, args: &PayArgs) -> Result<(), Failure> {
    files::check_new(&args.output, args.force)?;
    let order = order::read(&args.order)?;
    let (mut card, record) = args.held.registered(session).await?;
    let device = session.key()?.account;
    let account = session.account(&order.payee).await?;
    let texts = [
        pair("card", card.card()),
        pair("asset", order.asset),
        pair("amount", order.amount),
        pair("payee", order.payee),
        pair("account", account),
        pair("order", order.order),
    ];
    let is_associated = device == record.device;
    let mut parties = vec![pair("auth", record.auth), pair("device", device)];
    if !is_associated {
        parties.push(pair("associated", record.device));
    }
    let method = if is_associated { Pay::NAME } else { PayConfirmed::NAME };
    let call = call(session, &format!("card.{method}"), &parties, &texts).await?;
    let shown = Facts::of(session, &payment(&call, &args.output)?, device).await?;
    shown.show(session);
    let mut proposal = session.transaction(vec![call], None).await?;
    sign_with_both(session, &mut proposal, args.yes, || args.held.enter_registered(&mut card, &record)).await?;
    written(session, &proposal, &shown, &args.output, &record.device).await
}

/// Shows a payment at the associated device and signs it.
pub async fn confirm(session: &mut Session, args: &ConfirmArgs) -> Result<(), Failure> {
    let taken = intake::take(std::slice::from_ref(&args.file), Wanted::Transaction)?;
    let output = args.output.clone().or_else(|| taken.file.clone()).ok_or(Failure::NoOutput)?;
    let mut proposal = intake::merged(session, taken).await?;
    session.check_chain(&proposal).await?;
    session.interface("card").await?;
    let call = only_call(session, &proposal).ok_or_else(|| not_a_payment(&args.file))?;
    let payment = payment(&call, &args.file)?;
    if session.node().is_some() {
        let found = session.account(payment.payee.as_str()).await?;
        if found != payment.account {
            let (payee, shown) = (payment.payee.to_string(), payment.account.to_string());
            return Err(Failure::PayeeDiffers { payee, found: found.to_string(), shown });
        }
    }
    let (device, associated) = (call.parties[1], call.parties[2]);
    let shown = Facts::of(session, &payment, device).await?;
    shown.show(session);
    sign::sign(session, &mut proposal, None, args.yes).await?;
    written(session, &proposal, &shown, &output, &associated).await
}

/// Writes a payment and tells who still has to sign.
async fn written(
    session: &mut Session,
    proposal: &Proposal,
    shown: &Facts,
    output: &Path,
    associated: &AccountId,
) -> Result<(), Failure> {
    let told = session.describe(proposal).await?;
    files::write_proposal(output, proposal)?;
    let file = output.display().to_string();
    let missing = proposal.missing();
    let result = json!({
        "id": told.id, "file": file, "complete": missing.is_empty(), "payment": shown.json,
        "missing": missing.iter().map(ToString::to_string).collect::<Vec<_>>(), "proposal": told
    });
    session.output.result(&result, || {
        let next = match missing.is_empty() {
            true => format!("Everybody has signed: countersign tx submit {file} --wait"),
            false => format!(
                "The second confirmation is missing: send it to {}, who runs countersign card confirm {file}",
                account_words(associated, &session.directory)
            ),
        };
        format!("Signed and written to {file}. {next}")
    });
    Ok(())
}

/// The call of a transaction that is nothing but a payment to be confirmed.
fn only_call(session: &Session, proposal: &Proposal) -> Option<Call> {
    let Subject::Transaction(transaction) = proposal.subject() else {
        return None;
    };
    let [call] = &transaction.calls[..] else {
        return None;
    };
    let (_, method, _) = session.directory.method(call.module.as_str(), call.method)?;
    let is_payment = call.module.as_str() == PayConfirmed::MODULE && method.name == PayConfirmed::NAME;
    (is_payment && method.takes_parties(call.parties.len())).then(|| call.clone())
}

/// What a payment says: both ways to pay have the same arguments.
fn payment(call: &Call, path: &Path) -> Result<Pay, Failure> {
    types::decode("payment", &call.args, limits::ARGS_BYTES_MAX).map_err(|_| not_a_payment(path))
}

fn not_a_payment(path: &Path) -> Failure {
    Failure::WrongSubject {
        path: path.display().to_string(),
        found: "proposal of something else than a card's payment to be confirmed",
        command: "countersign tx",
    }
}

/// Draws up the return of a balance to the card's holder: with the PIN, with the issuer, or by the holder alone.
pub async fn unload(session: &mut Session, args: UnloadArgs) -> Result<(), Failure> {
    let held = HeldCard { reader: args.reader, card_file: args.card_file, pin_file: args.pin_file };
    let (mut card, record) = match args.card {
        None => held.registered(session).await.map(|(card, record)| (Some(card), record))?,
        Some(name) => (None, show::record(session, &name).await?),
    };
    let amount = match args.amount {
        Some(amount) => amount,
        None => {
            let node = session.client("looking up the decimals")?.clone();
            node.learn(&mut session.directory, &Need::Decimals(record.asset)).await?;
            show_amount(record.balance, session.directory.decimals(&record.asset))
        }
    };
    let texts = [pair("card", &record.card), pair("asset", record.asset), pair("amount", amount)];
    let holder = pair("holder", record.holder);
    let (method, parties) = match (&card, args.alone) {
        (Some(_), _) => ("card.unload", vec![pair("auth", record.auth), holder]),
        (None, true) => ("card.reclaim", vec![holder]),
        (None, false) => ("card.recover", vec![pair("issuer", record.issuer), holder]),
    };
    let call = call(session, method, &parties, &texts).await?;
    let mut proposal = session.transaction(vec![call], None).await?;
    if let Some(card) = &mut card {
        sign_with_pin(&mut proposal, &held.enter_registered(card, &record)?)?;
    }
    finish(session, proposal, &args.options).await
}
