//! Readers and the cards in them, and software cards put into a virtual one.
use crate::failure::Failure;
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::card::applet::Applet;
use countersign_client::card::pcsc::{self, Slot};
use countersign_client::card::reader::SelectedCard;
use countersign_client::card::vpcd::{self, Plugged};
use countersign_client::card::{CardError, SoftwareCard};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A software card in a virtual reader.
#[derive(Args, Debug)]
pub struct EmulateArgs {
    /// The software card's file
    #[arg(long, value_name = "FILE")]
    card_file: PathBuf,
    /// Where the virtual reader's driver listens
    #[arg(long, value_name = "ADDRESS", default_value_t = vpcd::ADDRESS)]
    vpcd: SocketAddr,
}

/// What a card tells everybody.
struct Told {
    card: String,
    tries_left: u8,
}

/// Lists the readers and what the cards in them say.
pub fn list(session: &Session) -> Result<(), Failure> {
    let slots = pcsc::slots().map_err(CardError::from)?;
    let told: Vec<_> = slots.iter().map(|slot| slot.has_card.then(|| tell(slot))).collect();
    let json = slots.iter().zip(&told).map(|(slot, told)| {
        let known = told.as_ref().and_then(|told| told.as_ref().ok());
        let problem = told.as_ref().and_then(|told| told.as_ref().err());
        json!({
            "reader": slot.reader, "has_card": slot.has_card, "card": known.map(|told| &told.card),
            "tries_left": known.map(|told| told.tries_left), "problem": problem.map(ToString::to_string)
        })
    });
    let json: Vec<_> = json.collect();
    session.output.result(&json, || {
        let rows = slots.iter().zip(&told).map(|(slot, told)| match told {
            None => [slot.reader.clone(), "no card".into(), String::new()],
            Some(Ok(told)) => [slot.reader.clone(), told.card.clone(), told.tries_left.to_string()],
            Some(Err(error)) => [slot.reader.clone(), error.to_string(), String::new()],
        });
        table(["READER", "CARD", "PIN TRIES LEFT"], rows)
    });
    Ok(())
}

fn tell(slot: &Slot) -> Result<Told, CardError> {
    let mut selected = SelectedCard::select(pcsc::connect(Some(&slot.reader), Duration::ZERO)?)?;
    Ok(Told { tries_left: selected.tries_left()?, card: selected.card().to_string() })
}

/// Puts a software card into the virtual reader, until interrupted or until the reader ends.
pub fn emulate(session: &Session, args: &EmulateArgs) -> Result<(), Failure> {
    let card = SoftwareCard::open(&args.card_file)?;
    let (name, address) = (card.card().to_string(), args.vpcd.to_string());
    let plugged = Plugged::plug(Applet::new(card), &args.vpcd).map_err(CardError::from)?;
    session.output.item(&json!({ "card": name, "vpcd": address }), || {
        format!("{name} is in the virtual reader at {address}; interrupt to take it out")
    });
    plugged.serve().map_err(CardError::from)?;
    session.output.note("The virtual reader ended");
    Ok(())
}
