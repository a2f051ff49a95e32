//! `countersign booking`: a merchant's listing, and bookings from the request to their end; each command writes a `.csp` file.
//!
//! ```text
//! merchant  listing open ─→ open.csp ─submit
//! customer  bind, request ─→ request.csp ─submit─→ the booking's id ─→ pay, choose, identify
//! customer  key ─→ countersign:key?…, for the door's lock
//! both      check-in ─→ check-in.csp ─signed by both, submit
//! either    check-out, cancel, dispute        arbiter  resolve
//! ```
pub mod key;
mod list;
mod listing;
mod show;

use super::propose::{ProposalOptions, call, finish_with, one, own, pair};
use crate::failure::Failure;
use crate::files;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::interface::booking::{BookingRecord, papers_hash};
use countersign_client::request::call_id;
use countersign_client::types::Hash;
use countersign_client::types::proposal::Subject;
use countersign_client::value::{parse_amount, show_amount};
use std::path::{Path, PathBuf};

/// Bytes of sealed papers: some scanned pages.
const PAPERS_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Listings and bookings.
#[derive(Subcommand, Debug)]
pub enum BookingCommand {
    /// A merchant's booking service
    #[command(subcommand)]
    Listing(listing::ListingCommand),
    /// Use a merchant's booking service from now on
    Bind(BindArgs),
    /// Ask for an object for a time; prints the booking's id
    Request(RequestArgs),
    /// Pay a booking's price into escrow
    Pay(AboutArgs),
    /// Choose an object of the booked type
    Choose(ChooseArgs),
    /// Name the papers you sent to the merchant
    Identify(PapersArgs),
    /// As the merchant, accept a customer's papers
    AcceptIdentity(PapersArgs),
    /// Check in: signed by merchant and customer
    CheckIn(AboutArgs),
    /// Check out: the customer's pays at once, the merchant's at the end of the time
    CheckOut(AboutArgs),
    /// Cancel a booking before check-in, or give in to a dispute as the merchant
    Cancel(AboutArgs),
    /// Freeze the escrow until the arbiter decides
    Dispute(DisputeArgs),
    /// As the arbiter, split the escrow of a dispute
    Resolve(ResolveArgs),
    /// Ask for a booking to be settled that the ledger could not settle at its time
    Collect(AboutArgs),
    /// A booking as the ledger has it, and what happens next
    Show {
        /// The booking
        booking: Hash,
    },
    /// Bookings of an account, as customer or merchant
    List(list::ListArgs),
    /// Open the booked object's door: the answer to what its lock asks
    Key(key::KeyArgs),
    /// The objects that are free for a time, or that a booking may choose
    Free(show::FreeArgs),
}

/// A service to use.
#[derive(Args, Debug)]
pub struct BindArgs {
    /// The merchant
    #[arg(long, value_name = "ACCOUNT")]
    merchant: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A wish.
#[derive(Args, Debug)]
pub struct RequestArgs {
    /// The merchant
    #[arg(long, value_name = "ACCOUNT")]
    merchant: String,
    /// The type of object, such as "single room"
    #[arg(long = "type", value_name = "NAME")]
    kind: String,
    /// When it begins
    #[arg(long, value_name = "TIME")]
    from: String,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    until: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A move about a booking.
#[derive(Args, Debug)]
pub struct AboutArgs {
    /// The booking
    booking: Hash,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A choice.
#[derive(Args, Debug)]
pub struct ChooseArgs {
    /// The booking
    booking: Hash,
    /// The object's name
    #[arg(long)]
    object: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Papers.
#[derive(Args, Debug)]
pub struct PapersArgs {
    /// The booking
    booking: Hash,
    /// The papers' file, sealed for the merchant, exactly as it is sent; only its hash goes to the ledger
    #[arg(long, value_name = "FILE")]
    papers: PathBuf,
    #[command(flatten)]
    options: ProposalOptions,
}

/// An objection.
#[derive(Args, Debug)]
pub struct DisputeArgs {
    /// The booking
    booking: Hash,
    /// Why, for the arbiter; everybody can read it
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A decision.
#[derive(Args, Debug)]
pub struct ResolveArgs {
    /// The booking
    booking: Hash,
    /// What of the price goes back to the customer; the rest goes to the merchant
    #[arg(long, value_name = "AMOUNT")]
    to_customer: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: BookingCommand) -> Result<(), Failure> {
    match command {
        BookingCommand::Listing(command) => listing::run(session, command).await,
        BookingCommand::Bind(args) => {
            let merchant = session.account(&args.merchant).await?;
            own(session, "booking.bind", "customer", &[pair("merchant", merchant)], &args.options).await
        }
        BookingCommand::Request(args) => request(session, args).await,
        BookingCommand::Pay(args) => pay(session, args).await,
        BookingCommand::Choose(args) => {
            let texts = [pair("booking", args.booking), pair("object", args.object)];
            own(session, "booking.choose", "customer", &texts, &args.options).await
        }
        BookingCommand::Identify(args) => papers(session, "booking.identify", "customer", args).await,
        BookingCommand::AcceptIdentity(args) => accept(session, args).await,
        BookingCommand::CheckIn(args) => check_in(session, args).await,
        BookingCommand::CheckOut(args) => about(session, "booking.check_out", "party", args).await,
        BookingCommand::Cancel(args) => about(session, "booking.cancel", "party", args).await,
        BookingCommand::Dispute(args) => {
            let texts = [pair("booking", args.booking), pair("reason", args.reason)];
            own(session, "booking.dispute", "party", &texts, &args.options).await
        }
        BookingCommand::Resolve(args) => resolve(session, args).await,
        BookingCommand::Collect(args) => about(session, "booking.collect", "asker", args).await,
        BookingCommand::Show { booking } => show::show(session, booking).await,
        BookingCommand::List(args) => list::list(session, args).await,
        BookingCommand::Key(args) => key::key(session, args).await,
        BookingCommand::Free(args) => show::free(session, args).await,
    }
}

async fn request(session: &mut Session, args: RequestArgs) -> Result<(), Failure> {
    let customer = session.key()?.account;
    let texts = [
        pair("merchant", session.account(&args.merchant).await?),
        pair("kind", args.kind),
        pair("from", session.time(&args.from)?),
        pair("until", session.time(&args.until)?),
    ];
    let call = call(session, "booking.request", &[pair("customer", customer)], &texts).await?;
    let proposal = session.transaction(vec![call], None).await?;
    // The booking's id follows from the transaction: it counts once that is in a block.
    let more = match proposal.subject() {
        Subject::Transaction(transaction) => vec![("booking", call_id(&transaction.id(), 0).to_string())],
        Subject::Document(_) => Vec::new(),
    };
    finish_with(session, proposal, &args.options, &more).await
}

async fn pay(session: &mut Session, args: AboutArgs) -> Result<(), Failure> {
    let record = show::record(session, args.booking).await?;
    let decimals = show::learn(session, &record).await?;
    let texts = [
        pair("booking", args.booking),
        pair("asset", record.asset),
        pair("amount", show_amount(record.price, decimals)),
    ];
    own(session, "booking.pay", "customer", &texts, &args.options).await
}

/// The hash of a papers' file.
fn hash_of(path: &Path) -> Result<Hash, Failure> {
    Ok(papers_hash(&files::read(path, PAPERS_BYTES_MAX)?))
}

async fn papers(session: &mut Session, method: &str, role: &str, args: PapersArgs) -> Result<(), Failure> {
    let texts = [pair("booking", args.booking), pair("papers", hash_of(&args.papers)?)];
    own(session, method, role, &texts, &args.options).await
}

async fn accept(session: &mut Session, args: PapersArgs) -> Result<(), Failure> {
    let record = show::record(session, args.booking).await?;
    if record.papers != Some(hash_of(&args.papers)?) {
        return Err(Failure::OtherPapers { path: args.papers.display().to_string() });
    }
    papers(session, "booking.accept_identity", "merchant", args).await
}

async fn check_in(session: &mut Session, args: AboutArgs) -> Result<(), Failure> {
    let BookingRecord { merchant, customer, .. } = show::record(session, args.booking).await?;
    let parties = [pair("merchant", merchant), pair("customer", customer)];
    one(session, "booking.check_in", &parties, &[pair("booking", args.booking)], None, &args.options).await
}

async fn resolve(session: &mut Session, args: ResolveArgs) -> Result<(), Failure> {
    let record = show::record(session, args.booking).await?;
    let decimals = show::learn(session, &record).await?;
    let bad = || Failure::BadOption { given: args.to_customer.clone(), wanted: "an amount up to the booking's price" };
    let to_customer = parse_amount(&args.to_customer, Some(record.asset), |_| decimals).map_err(|_| bad())?;
    let to_merchant = record.price.checked_sub(to_customer).ok_or_else(bad)?;
    let texts = [
        pair("booking", args.booking),
        pair("asset", record.asset),
        pair("to_customer", show_amount(to_customer, decimals)),
        pair("to_merchant", show_amount(to_merchant, decimals)),
    ];
    own(session, "booking.resolve", "arbiter", &texts, &args.options).await
}

/// A call about a booking that takes nothing but its id.
async fn about(session: &mut Session, method: &str, role: &str, args: AboutArgs) -> Result<(), Failure> {
    own(session, method, role, &[pair("booking", args.booking)], &args.options).await
}
