//! The card at hand, in a reader or in a file. It proves that it is the registered one before anybody is asked for its PIN, and the PIN
//! goes to the card alone.
use super::show;
use crate::confirm;
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use countersign_client::Need;
use countersign_client::card::applet::Applet;
use countersign_client::card::reader::{ProvenCard, SelectedCard, Transport};
use countersign_client::card::{AuthKey, PIN_TRIES, Pin, SoftwareCard, pcsc};
use countersign_client::interface::card::CardRecord;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a card is waited for: time to find it and put it on the reader.
const CARD_WAIT: Duration = Duration::from_secs(10);

/// A card at hand, and its PIN.
#[derive(Args, Debug)]
pub struct HeldCard {
    /// The card in a reader: in that whose name contains NAME, or in the only one with a card
    #[arg(long, value_name = "NAME", required_unless_present = "card_file", conflicts_with = "card_file")]
    pub reader: Option<Option<String>>,
    /// A software card's file
    #[arg(long, value_name = "FILE")]
    pub card_file: Option<PathBuf>,
    /// File whose first line is the PIN [default: asked at the terminal]
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
}

/// A card by whichever way.
pub type Way = Box<dyn Transport>;

impl HeldCard {
    /// The card as it describes itself.
    pub fn select(&self, session: &Session) -> Result<SelectedCard<Way>, Failure> {
        let way: Way = match &self.card_file {
            Some(path) => Box::new(Applet::new(SoftwareCard::open(path)?)),
            None => {
                let reader = self.reader.as_ref().and_then(Option::as_deref);
                session.output.note("Reading the card; put it on the reader if it is not there");
                let card = pcsc::connect(reader, CARD_WAIT).map_err(|error| Failure::Card(error.into()))?;
                Box::new(card)
            }
        };
        Ok(SelectedCard::select(way)?)
    }

    /// A new card, which has proved the key it comes with.
    pub fn new_card(&self, session: &Session) -> Result<ProvenCard<Way>, Failure> {
        Ok(self.select(session)?.prove()?)
    }

    /// A card of the ledger, which has proved the key its issuer registered.
    pub async fn registered(&self, session: &mut Session) -> Result<(ProvenCard<Way>, CardRecord), Failure> {
        let selected = self.select(session)?;
        let record = show::record(session, selected.card()).await?;
        let client = session.client("looking up the card's key")?.clone();
        client.learn(&mut session.directory, &Need::NameOf(record.auth)).await?;
        let proven = selected.prove_registered(&record.auth, session.directory.name_of(&record.auth))?;
        Ok((proven, record))
    }

    /// The PIN of the card.
    pub fn pin(&self, card: &mut ProvenCard<Way>) -> Result<Pin, Failure> {
        let mut prompt = format!("PIN of {}", card.card());
        let left = card.tries_left()?;
        if left < PIN_TRIES {
            prompt.push_str(&format!(" (tries left: {left})"));
        }
        Ok(Pin::new(confirm::pin(self.pin_file.as_deref(), &prompt)?)?)
    }

    /// The key that the card makes with its PIN, whatever the ledger knows of it.
    pub fn enter(&self, card: &mut ProvenCard<Way>) -> Result<AuthKey, Failure> {
        let pin = self.pin(card)?;
        Ok(card.enter(&pin)?)
    }

    /// The key that the card makes with its PIN, if it is the one of the ledger.
    pub fn enter_registered(&self, card: &mut ProvenCard<Way>, record: &CardRecord) -> Result<AuthKey, Failure> {
        let key = self.enter(card)?;
        match key.account == record.auth {
            true => Ok(key),
            false => Err(Failure::OtherPinKey { card: card.card().to_string() }),
        }
    }
}

/// A PIN that is chosen for the card.
pub fn choose_pin(file: Option<&Path>, card: &str) -> Result<Pin, Failure> {
    Ok(Pin::new(confirm::new_pin(file, &format!("New PIN of {card}"))?)?)
}
