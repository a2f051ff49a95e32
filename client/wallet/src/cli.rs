//! The words of the command line. Each command's own words stand with the command.
use crate::commands::{
    account, asset, booking, calendar, card, contacts, contract, council, doc, events, feed, inbox, keys, lock, login,
    member, network, qr, rebate, send, topup, tx,
};
use crate::failure::{EXIT_CODES, Failure};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use countersign_client::types::{AssetId, Hash, limits};
use std::path::PathBuf;

/// Address of a node on this machine.
pub const NODE_URL: &str = "ws://127.0.0.1:26800";

/// The wallet of a Countersign ledger: a deal takes effect when everyone it binds has signed it.
#[derive(Parser, Debug)]
#[command(name = "countersign", version, after_help = EXIT_CODES, max_term_width = 120)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// The node to talk to
    #[arg(long, global = true, env = "COUNTERSIGN_NODE", default_value = NODE_URL, value_name = "URL")]
    pub node: String,
    /// Folder of the wallet's files [default: ~/.countersign]
    #[arg(long, global = true, env = "COUNTERSIGN_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// The key to sign with; not needed if there is only one
    #[arg(long, global = true, env = "COUNTERSIGN_KEY", value_name = "NAME")]
    pub key: Option<String>,
    /// File whose first line is the key's passphrase (else COUNTERSIGN_PASSPHRASE or the terminal)
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Results as JSON on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Ask no node: bundled interfaces only, accounts by id, the chain by --chain
    #[arg(long, global = true)]
    pub offline: bool,
    /// The chain's id; a node of another chain is refused [default: the chain of `network trust`, else the first one
    /// met]
    #[arg(long, global = true, env = "COUNTERSIGN_CHAIN", value_name = "HEX")]
    pub chain: Option<Hash>,
    /// Take the node's word for everything, instead of believing what can be proven with proof only
    #[arg(long, global = true)]
    pub no_verify: bool,
    /// Decimals of an asset, for use offline; may come several times
    #[arg(long = "decimals", global = true, value_name = "ASSET=N", value_parser = parse_decimals)]
    pub decimals: Vec<(AssetId, u8)>,
}

impl Global {
    /// The folder of the wallet's files.
    pub fn home_folder(&self) -> PathBuf {
        let default = || std::env::home_dir().unwrap_or_else(|| PathBuf::from(".")).join(".countersign");
        self.home.clone().unwrap_or_else(default)
    }
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Keys of this wallet
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The chain and the node
    #[command(subcommand)]
    Network(network::NetworkCommand),
    /// Accounts on the ledger
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Assets, balances and payments
    #[command(subcommand)]
    Asset(asset::AssetCommand),
    /// Members of the consortium
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// The council: who governs, and proposals of its calls
    #[command(subcommand)]
    Council(Box<council::CouncilCommand>),
    /// Contracts and native modules
    #[command(subcommand)]
    Contract(contract::ContractCommand),
    /// Transactions: drawn up, signed by all parties, submitted
    #[command(subcommand)]
    Tx(tx::TxCommand),
    /// Documents: signed off the ledger and shown to a contract later
    #[command(subcommand)]
    Doc(doc::DocCommand),
    /// Listings, bookings and their escrow
    #[command(subcommand)]
    Booking(booking::BookingCommand),
    /// Purchases, offers and rebates
    #[command(subcommand)]
    Rebate(rebate::RebateCommand),
    /// Top-up, cash-out and payment through an agent, against cash
    #[command(subcommand)]
    Topup(topup::TopupCommand),
    /// Smart cards: issued, loaded, paid with
    #[command(subcommand)]
    Card(card::CardCommand),
    /// Accounts, requests and proposals as QR codes, and what codes in images say
    #[command(subcommand)]
    Qr(qr::QrCommand),
    /// Log in to a relay: a user with its password at its member's site, or a member with its key
    Login(login::LoginArgs),
    /// End a session at a relay
    Logout(login::LogoutArgs),
    /// Whom the user that is logged in knows, as its site tells
    Contacts(contacts::ContactsArgs),
    /// What the site of the user that is logged in has published
    Feed(feed::FeedArgs),
    /// Messages: fetched, opened, checked and listed
    Inbox(inbox::InboxArgs),
    /// Send a message: a text, a file or a proposal, sealed to its receiver
    Send(send::SendArgs),
    /// A door's lock: made, asking, and checking keys offline
    #[command(subcommand)]
    Lock(lock::LockCommand),
    /// What happened on the ledger, and what happens now
    Events(events::EventsArgs),
    /// What the ledger will do by itself
    Calendar(calendar::CalendarArgs),
    /// What is wrong with this wallet and its way to the chain, and what to do
    Doctor,
    /// Completions for a shell, to be loaded by it
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Manual pages, one for each command
    Man {
        /// Folder for the pages, which need not be there; `man -l FILE` shows one
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

fn parse_decimals(text: &str) -> Result<(AssetId, u8), Failure> {
    let wrong = || Failure::BadOption { given: text.chars().take(40).collect(), wanted: "EUR=2, at most 18 decimals" };
    let (symbol, decimals) = text.split_once('=').ok_or_else(wrong)?;
    let decimals: u8 = decimals.parse().map_err(|_| wrong())?;
    let asset: AssetId = symbol.parse().map_err(|_| wrong())?;
    if decimals > limits::ASSET_DECIMALS_MAX { Err(wrong()) } else { Ok((asset, decimals)) }
}

/// `name=value`, as `--party`, `--arg` take it.
pub fn parse_pair(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err(Failure::BadOption { given: text.chars().take(60).collect(), wanted: "name=value" }),
    }
}

#[cfg(test)]
mod tests;
