//! `countersign card`: smart cards as short commands; each writes or takes a `.csp` file.
//!
//! ```text
//! new ─→ card ─PIN→ register ─→ register.csp ─signed by issuer, holder, device→ submit
//! order ─→ order file ─┐
//! card ─PIN────────────┴→ pay ─→ pay.csp ─ at the associated device: complete ──────────────→ submit
//!                                        └ at another: confirmed by the associated device ─→ submit
//! ```
//!
//! A card is in a PC/SC reader (`--reader`) or in a file (`--card-file`); both speak the applet's protocol. A PIN is read from the
//! terminal or from a file named by `--pin-file`; it is never an argument and goes nowhere but to the card.
mod admin;
mod held;
mod order;
mod pay;
mod reader;
mod show;
mod virtual_reader;

use super::propose::{call, pair};
use super::sign;
use crate::failure::Failure;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::Signer;
use countersign_client::card::AuthKey;
use countersign_client::types::{AccountId, Call, Name, Proposal};
pub use virtual_reader::VirtualReaderError;

/// What to do with smart cards.
#[derive(Subcommand, Debug)]
pub enum CardCommand {
    /// Make a software card: a file with what a smart card keeps, and its PIN. For development
    New(admin::NewArgs),
    /// The card readers, and what the cards in them tell everybody
    Readers,
    /// Put a software card into the virtual reader of the card service (vsmartcard-vpcd), until interrupted
    Emulate(reader::EmulateArgs),
    /// Start a card service of one's own with a virtual reader, for development; no root needed where there are user namespaces
    VirtualReader(virtual_reader::VirtualReaderArgs),
    /// Issue a card: signed by issuer, holder, device and the PIN's key, all new accounts enrolled with it
    Register(Box<admin::RegisterArgs>),
    /// Load a card from the account of the key in use
    Load(pay::LoadArgs),
    /// Make an order at a point of sale, for a card to pay
    Order(order::OrderArgs),
    /// Pay an order at this device with a card and its PIN
    Pay(pay::PayArgs),
    /// Confirm a payment at the device associated with the card: shown and signed as it is
    Confirm(pay::ConfirmArgs),
    /// Take value off a card, back to its holder
    Unload(pay::UnloadArgs),
    /// Let a card pay nothing more: its holder or its issuer alone
    Block(admin::CardArgs),
    /// Let a blocked card pay again: issuer and holder
    Unblock(admin::CardArgs),
    /// Give a card another PIN, or another card its place: issuer, holder and the new PIN's key
    ChangeAuth(admin::ChangeAuthArgs),
    /// Let another device give a card's second confirmations: issuer, holder and the new device
    ChangeDevice(admin::ChangeDeviceArgs),
    /// Set a card's limits: issuer and holder
    Limits(admin::LimitsArgs),
    /// A card as the ledger has it
    Show {
        /// The card's name
        card: Name,
    },
    /// The cards of a holder
    List {
        /// The holder [default: the account of the key in use]
        holder: Option<String>,
    },
}

/// A new account for the key of a device, enrolled by the card's issuer.
#[derive(Args, Debug)]
pub struct DeviceArgs {
    /// The device that gives second confirmations: an account, or a key of this wallet
    #[arg(long, value_name = "ACCOUNT")]
    device: String,
    /// Enrol the device in the same transaction under this name, which is at the issuer's site
    #[arg(long, value_name = "NAME")]
    device_name: Option<Name>,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: CardCommand) -> Result<(), Failure> {
    match command {
        CardCommand::New(args) => admin::new(session, &args),
        CardCommand::Readers => reader::list(session),
        CardCommand::Emulate(args) => reader::emulate(session, &args),
        CardCommand::VirtualReader(args) => virtual_reader::run(session, &args).await,
        CardCommand::Register(args) => admin::register(session, *args).await,
        CardCommand::Load(args) => pay::load(session, args).await,
        CardCommand::Order(args) => order::make(session, args).await,
        CardCommand::Pay(args) => pay::pay(session, &args).await,
        CardCommand::Confirm(args) => pay::confirm(session, &args).await,
        CardCommand::Unload(args) => pay::unload(session, args).await,
        CardCommand::Block(args) => admin::block(session, args).await,
        CardCommand::Unblock(args) => admin::unblock(session, args).await,
        CardCommand::ChangeAuth(args) => admin::change_auth(session, args).await,
        CardCommand::ChangeDevice(args) => admin::change_device(session, args).await,
        CardCommand::Limits(args) => admin::limits(session, args).await,
        CardCommand::Show { card } => show::card(session, &card).await,
        CardCommand::List { holder } => show::list(session, holder.as_deref()).await,
    }
}

/// A call by which the issuer enrols a new account; `None` if the account has a name already.
async fn enrolment(
    session: &mut Session,
    issuer: AccountId,
    account: AccountId,
    name: &Name,
) -> Result<Option<Call>, Failure> {
    if show::is_enrolled(session, account).await? {
        return Ok(None);
    }
    let parties = [pair("member", issuer), pair("holder", account)];
    call(session, "registry.enrol", &parties, &[pair("name", name)]).await.map(Some)
}

/// Adds the signature of the PIN's key.
fn sign_with_pin(proposal: &mut Proposal, key: &AuthKey) -> Result<(), Failure> {
    key.sign_proposal(proposal, &key.account).map(drop).map_err(|error| Failure::of_signing("the proposal", error))
}

/// Shows a proposal, has it confirmed and signed with the key in use, and then with the PIN.
async fn sign_with_both(
    session: &mut Session,
    proposal: &mut Proposal,
    yes: bool,
    enter: impl FnOnce() -> Result<AuthKey, Failure>,
) -> Result<(), Failure> {
    sign::sign(session, proposal, None, yes).await?;
    sign_with_pin(proposal, &enter()?)
}
