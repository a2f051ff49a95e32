//! The commands: each file holds the words of one and what it does.
pub mod account;
pub mod asset;
pub mod booking;
pub mod calendar;
pub mod card;
pub mod contacts;
pub mod contract;
pub mod council;
pub mod doc;
pub mod doctor;
pub mod events;
pub mod feed;
pub mod inbox;
pub mod keys;
pub mod lock;
pub mod login;
pub mod man;
pub mod member;
pub mod network;
pub mod propose;
pub mod qr;
pub mod rebate;
pub mod send;
pub mod sign;
pub mod topup;
pub mod tx;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use clap::CommandFactory;

/// Runs one command.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let output = Output::new(cli.global.json, None);
    // These work without keys and nodes, or look into what is wrong with them.
    match &cli.command {
        Command::Doctor => return doctor::run(&cli.global, &output).await,
        Command::Man { dir } => return man::write(&output, dir),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "countersign", &mut std::io::stdout());
            return Ok(());
        }
        _ => {}
    }
    let mut session = Session::open(cli.global)?;
    let outcome = Box::pin(dispatch(&mut session, cli.command)).await;
    session.output.footer();
    outcome
}

async fn dispatch(session: &mut Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::Keys(command) => keys::run(session, command),
        Command::Network(command) => network::run(session, command).await,
        Command::Account(command) => account::run(session, command).await,
        Command::Asset(command) => Box::pin(asset::run(session, command)).await,
        Command::Member(command) => member::run(session, command).await,
        Command::Council(command) => Box::pin(council::run(session, *command)).await,
        Command::Contract(command) => contract::run(session, command).await,
        Command::Tx(command) => Box::pin(tx::run(session, command)).await,
        Command::Doc(command) => Box::pin(doc::run(session, command)).await,
        Command::Booking(command) => Box::pin(booking::run(session, command)).await,
        Command::Rebate(command) => Box::pin(rebate::run(session, command)).await,
        Command::Topup(command) => Box::pin(topup::run(session, command)).await,
        Command::Card(command) => Box::pin(card::run(session, command)).await,
        Command::Qr(command) => qr::run(session, command).await,
        Command::Login(args) => Box::pin(login::login(session, args)).await,
        Command::Logout(args) => Box::pin(login::logout(session, args)).await,
        Command::Contacts(args) => Box::pin(contacts::run(session, args)).await,
        Command::Feed(args) => Box::pin(feed::run(session, args)).await,
        Command::Inbox(args) => Box::pin(inbox::run(session, args)).await,
        Command::Send(args) => Box::pin(send::run(session, args)).await,
        Command::Lock(command) => Box::pin(lock::run(session, command)).await,
        Command::Events(args) => events::run(session, args).await,
        Command::Calendar(args) => calendar::run(session, args).await,
        Command::Doctor | Command::Man { .. } | Command::Completions { .. } => unreachable!("they have run above"),
    }
}
