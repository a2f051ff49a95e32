//! `countersign rebate`: purchases, offers and rebates as short commands; each writes or takes a `.csp` file.
//!
//! ```text
//! purchase ─→ purchase.csp ─sign, submit─→ purchase id
//! offer ─→ offer.csp ─signed by merchant, customer, third party─┬→ redeem ─→ redeem.csp ─sign, submit
//!                                                               └→ claim ─→ claim.csp ─sign, submit before the rebate time
//! ```
mod show;

use super::doc::document;
use super::propose::{ProposalOptions, finish, one, own, pair};
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::builder::{DocumentDraft, VALIDITY_MS};
use countersign_client::display::account_words;
use countersign_client::interface::rebate::Offer;
use countersign_client::types::{self, AssetId, Document, Hash, Proposal, SignedDocument, Timestamp, limits};
use countersign_client::value::show_amount;
use serde_json::json;
use std::path::{Path, PathBuf};

/// How long an offer outlives its rebate time: blocks may be somewhat late.
const AFTER_REBATE_MS: u64 = 60 * 60 * 1000;

/// The steps of a rebate.
#[derive(Subcommand, Debug)]
pub enum RebateCommand {
    /// A customer pays a merchant: the first-type transaction, signed by both
    Purchase(PurchaseArgs),
    /// The event description: a newcomer's lower price and the customer's rebate, signed by all three
    Offer(OfferArgs),
    /// The newcomer buys at the offer's price: signed by all three before the deadline
    Redeem(RedeemArgs),
    /// The rebate transaction: signed by all three, submitted before the rebate time
    Claim(ClaimArgs),
    /// The merchant pays a purchase back, whole or in part
    Refund(RefundArgs),
    /// Ask for a rebate to be settled that the ledger could not settle at its time
    Collect(CollectArgs),
    /// A purchase, or a rebate by its offer, as the ledger has it
    Show {
        /// Purchase id, offer id (csd1…), or the offer's file
        id: String,
    },
    /// Where the rebate of an offer stands
    Status {
        /// Offer id (csd1…), or the offer's file
        offer: String,
    },
}

/// A purchase.
#[derive(Args, Debug)]
pub struct PurchaseArgs {
    /// Who is paid
    #[arg(long, value_name = "ACCOUNT")]
    merchant: String,
    /// Who pays
    #[arg(long, value_name = "ACCOUNT")]
    customer: String,
    /// The asset, such as EUR
    #[arg(long)]
    asset: String,
    /// The price, such as 100.00
    #[arg(long)]
    amount: String,
    /// What for
    #[arg(long)]
    reference: String,
    /// Until when the transaction is valid [default: +10m]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// An offer.
#[derive(Args, Debug)]
pub struct OfferArgs {
    /// The purchase it rests on
    #[arg(long, value_name = "ID")]
    purchase: Hash,
    /// The newcomer
    #[arg(long, value_name = "ACCOUNT")]
    third_party: String,
    /// The newcomer's price, lower than the purchase's
    #[arg(long)]
    price: String,
    /// Until when the newcomer may buy
    #[arg(long, value_name = "TIME")]
    deadline: String,
    /// What the customer gets back
    #[arg(long)]
    rebate: String,
    /// When the ledger pays it; after the deadline
    #[arg(long, value_name = "TIME")]
    rebate_time: String,
    /// The rebate is paid even if the newcomer does not buy
    #[arg(long)]
    purchase_not_required: bool,
    /// The purchase's merchant [default: asked from the ledger]
    #[arg(long, value_name = "ACCOUNT", requires_all = ["customer", "asset"])]
    merchant: Option<String>,
    /// The purchase's customer [default: asked from the ledger]
    #[arg(long, value_name = "ACCOUNT", requires = "merchant")]
    customer: Option<String>,
    /// The purchase's asset [default: asked from the ledger]
    #[arg(long, requires = "merchant")]
    asset: Option<AssetId>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A purchase at an offer's price.
#[derive(Args, Debug)]
pub struct RedeemArgs {
    /// The offer with all three signatures (.csp)
    #[arg(long, value_name = "FILE")]
    offer: PathBuf,
    /// What for
    #[arg(long)]
    reference: String,
    /// Until when the transaction is valid [default: +10m, at most the deadline]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A rebate transaction.
#[derive(Args, Debug)]
pub struct ClaimArgs {
    /// The offer, signed or not (.csp)
    #[arg(long, value_name = "FILE")]
    offer: PathBuf,
    /// Until when the transaction is valid [default: the rebate time, which is the latest]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A refund.
#[derive(Args, Debug)]
pub struct RefundArgs {
    /// The purchase
    #[arg(long, value_name = "ID")]
    purchase: Hash,
    /// How much is paid back
    #[arg(long)]
    amount: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A late settlement.
#[derive(Args, Debug)]
pub struct CollectArgs {
    /// Offer id (csd1…), or the offer's file
    #[arg(long)]
    offer: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: RebateCommand) -> Result<(), Failure> {
    match command {
        RebateCommand::Purchase(args) => purchase(session, args).await,
        RebateCommand::Offer(args) => offer(session, args).await,
        RebateCommand::Redeem(args) => redeem(session, args).await,
        RebateCommand::Claim(args) => claim(session, args).await,
        RebateCommand::Refund(args) => refund(session, args).await,
        RebateCommand::Collect(args) => {
            let texts = [pair("rebate", show::offer_hash(&args.offer)?)];
            own(session, "rebate.collect", "asker", &texts, &args.options).await
        }
        RebateCommand::Show { id } => show::any(session, &id).await,
        RebateCommand::Status { offer } => {
            let hash = show::offer_hash(&offer)?;
            show::rebate(session, hash).await
        }
    }
}

async fn purchase(session: &mut Session, args: PurchaseArgs) -> Result<(), Failure> {
    let parties = [pair("merchant", args.merchant), pair("customer", args.customer)];
    let texts = [pair("asset", args.asset), pair("amount", args.amount), pair("reference", args.reference)];
    let expires_at = args.expires.as_deref().map(|text| session.time(text)).transpose()?;
    one(session, "rebate.purchase", &parties, &texts, expires_at, &args.options).await
}

async fn offer(session: &mut Session, args: OfferArgs) -> Result<(), Failure> {
    let (merchant, customer, asset) = match (&args.merchant, &args.customer, args.asset) {
        (Some(merchant), Some(customer), Some(asset)) => {
            (session.account(merchant).await?, session.account(customer).await?, asset)
        }
        _ => {
            let record = show::purchase_of(session, args.purchase).await?;
            (record.merchant, record.buyer, record.asset)
        }
    };
    let third_party = session.account(&args.third_party).await?;
    let deadline = session.time(&args.deadline)?;
    let rebate_time = session.time(&args.rebate_time)?;
    let body = json!({
        "purchase": args.purchase.to_string(), "asset": asset.as_str(), "price": args.price,
        "deadline": deadline.millis(), "rebate": args.rebate, "rebate_time": rebate_time.millis(),
        "purchase_required": !args.purchase_not_required
    });
    let draft = DocumentDraft {
        kind: "rebate/Offer".into(),
        parties: vec![merchant, customer, third_party],
        body,
        expires_at: Timestamp::from_millis(rebate_time.millis().saturating_add(AFTER_REBATE_MS)),
    };
    let proposal = document(session, &draft).await?;
    finish(session, proposal, &args.options).await
}

/// The offer in a file: the document, its hash and what it says.
fn read_offer(path: &Path) -> Result<(Proposal, SignedDocument, Offer), Failure> {
    let proposal = files::read_document(path)?;
    let wrong = || Failure::WrongSubject {
        path: path.display().to_string(),
        found: "document that is no rebate/Offer of three parties",
        command: "countersign doc",
    };
    let signed = proposal.to_document().ok_or_else(wrong)?;
    let is_offer = signed.document.kind.as_str() == "rebate/Offer" && signed.document.parties.len() == 3;
    let offer = types::decode("offer", &signed.document.body, limits::DOCUMENT_BYTES_MAX);
    match offer {
        Ok(offer) if is_offer => Ok((proposal, signed, offer)),
        _ => Err(wrong()),
    }
}

fn offer_parties(document: &Document) -> [(String, String); 3] {
    let party = |i: usize| document.parties[i];
    [pair("merchant", party(0)), pair("customer", party(1)), pair("third_party", party(2))]
}

async fn redeem(session: &mut Session, args: RedeemArgs) -> Result<(), Failure> {
    let (proposal, signed, offer) = read_offer(&args.offer)?;
    session.check_chain(&proposal).await?;
    session.check_signatures(&proposal, &args.offer.display().to_string()).await?;
    if !signed.verify_signatures() {
        session.describe(&proposal).await?;
        let missing = proposal.missing();
        let names = missing.iter().map(|account| account_words(account, &session.directory)).collect::<Vec<_>>();
        return Err(Failure::Incomplete { missing: names.join(", ") });
    }
    let default = Timestamp::from_millis(session.directory.now().millis().saturating_add(VALIDITY_MS));
    let expires_at = match &args.expires {
        Some(text) => session.time(text)?,
        None => default.min(offer.deadline),
    };
    let texts = [pair("offer", args.offer.display()), pair("reference", args.reference)];
    let parties = offer_parties(&signed.document);
    one(session, "rebate.redeem", &parties, &texts, Some(expires_at), &args.options).await
}

async fn claim(session: &mut Session, args: ClaimArgs) -> Result<(), Failure> {
    let (proposal, signed, offer) = read_offer(&args.offer)?;
    session.check_chain(&proposal).await?;
    session.check_signatures(&proposal, &args.offer.display().to_string()).await?;
    let expires_at = match &args.expires {
        Some(text) => session.time(text)?,
        None => offer.rebate_time,
    };
    let texts = [
        pair("offer", args.offer.display()),
        pair("asset", offer.asset.as_str()),
        pair("amount", show_amount(offer.rebate, None)),
        pair("settles_at", offer.rebate_time),
    ];
    let parties = offer_parties(&signed.document);
    one(session, "rebate.claim", &parties, &texts, Some(expires_at.min(offer.rebate_time)), &args.options).await
}

async fn refund(session: &mut Session, args: RefundArgs) -> Result<(), Failure> {
    let record = show::purchase_of(session, args.purchase).await?;
    let parties = [pair("merchant", record.merchant), pair("buyer", record.buyer)];
    let texts = [pair("purchase", args.purchase), pair("asset", record.asset), pair("amount", args.amount)];
    one(session, "rebate.refund", &parties, &texts, None, &args.options).await
}
