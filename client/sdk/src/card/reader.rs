//! The reader's side of the applet's protocol (`docs/card-applet.md`), over any way to a card. A card can be of anybody's making: each of
//! its answers is bounded and checked before it is used, and it is given a PIN only after it has proved its key.
//!
//! ```text
//! Transport ─SELECT, GET DATA→ SelectedCard ─INTERNAL AUTHENTICATE→ ProvenCard ─VERIFY, GET DATA, Argon2id→ AuthKey
//! ```
use super::apdu::{self, Answer, Command, StatusWord};
use super::applet::Applet;
use super::{AuthKey, CardError, CardSecret, Pin, SECRET_BYTES, auth_name};
use crate::types::signature::{Signature, check_key, verify};
use crate::types::{AccountId, Name, PublicKey};
use zeroize::Zeroizing;

/// Why a reader or the card in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// No card service.
    #[error(
        "the card service pcscd does not run{at}: install it (on Debian `apt install pcscd`) and start it (`systemctl start \
         pcscd.socket`, or `pcscd -f` as root)"
    )]
    NoService {
        /// Where it was looked for, if not in the usual place.
        at: String,
    },
    /// No reader at all.
    #[error("the card service knows no card reader: connect one")]
    NoReader,
    /// No reader of that name.
    #[error("no card reader's name contains `{given}`; there are: {known}")]
    UnknownReader {
        /// What was given.
        given: String,
        /// The readers' names.
        known: String,
    },
    /// No card came.
    #[error("no card was put into {reader} within {waited_s} s")]
    NoCard {
        /// The reader or readers.
        reader: String,
        /// Seconds waited.
        waited_s: u64,
    },
    /// Which card is meant?
    #[error("there are cards in several readers; name one: {readers}")]
    SeveralCards {
        /// Their readers' names.
        readers: String,
    },
    /// Another program has the card.
    #[error("another program uses the card in {reader}; end it")]
    InUse {
        /// The reader's name.
        reader: String,
    },
    /// The card is gone, or answers nothing any more.
    #[error("the card was removed or does not answer any more; put it in again")]
    Removed,
    /// More bytes than any answer of the applet.
    #[error("the card answers more than {} bytes, which nothing it could say has", apdu::ANSWER_BYTES_MAX)]
    AnswerTooLong,
    /// Something else of PC/SC.
    #[cfg(feature = "card-reader")]
    #[error("the card service refused: {doing}")]
    Service {
        /// What was asked of it.
        doing: &'static str,
        /// What it answered.
        #[source]
        source: pcsc::Error,
    },
    /// The virtual reader is not there.
    #[error(
        "no virtual card reader listens at {address}: install it (on Debian `apt install pcscd vsmartcard-vpcd`), and start the \
         card service (`pcscd -f` as root) or one of your own (`countersign card virtual-reader`)"
    )]
    NoVirtualReader {
        /// Where it was looked for.
        address: String,
        /// What the system answered.
        #[source]
        source: std::io::Error,
    },
    /// The connection to the virtual reader broke.
    #[error("the virtual card reader broke the connection")]
    Broken(#[source] std::io::Error),
}

/// A way to a card: commands go in, answers come out.
pub trait Transport {
    /// Sends a command and gives the card's answer, of any bytes.
    ///
    /// # Errors
    /// [`ReaderError`] if there is no answer.
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError>;
}

/// A software card at hand, without a reader between.
impl Transport for Applet {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        Ok(self.answer(command))
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        (**self).transmit(command)
    }
}

/// A card with the applet selected, as it describes itself: none of it is proved.
pub struct SelectedCard<T> {
    transport: T,
    card: Name,
    key: PublicKey,
}

impl<T> std::fmt::Debug for SelectedCard<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SelectedCard({}, {})", self.card, self.key)
    }
}

/// A card that holds the key it was registered with, and can be given a PIN.
pub struct ProvenCard<T>(SelectedCard<T>);

impl<T> std::fmt::Debug for ProvenCard<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProvenCard({}, {})", self.0.card, self.0.key)
    }
}

impl<T: Transport> SelectedCard<T> {
    /// Selects the applet and asks the card who it says it is.
    ///
    /// # Errors
    /// [`CardError::Refused`], [`CardError::BadAnswer`], [`CardError::ForeignVersion`] or [`CardError::Reader`].
    pub fn select(mut transport: T) -> Result<Self, CardError> {
        let select = Command::new(apdu::SELECT, [0x04, 0x00]).with(&apdu::APPLICATION).expecting_data();
        let answer = ask(&mut transport, "SELECT", &select)?;
        let card = described(&answer)?;
        let key = get(&mut transport, apdu::TAG_KEY)?;
        let bad = |cause| CardError::BadAnswer { to: "GET DATA", cause };
        let key = PublicKey(key.as_slice().try_into().map_err(|_| bad("the card's key is not 32 bytes"))?);
        check_key(&key).map_err(|_| bad("the card's key is none that could prove anything"))?;
        Ok(Self { transport, card, key })
    }

    /// The name it goes by.
    pub fn card(&self) -> &Name {
        &self.card
    }

    /// Wrong PINs it takes until it takes none.
    ///
    /// # Errors
    /// As [`SelectedCard::select`].
    pub fn tries_left(&mut self) -> Result<u8, CardError> {
        match get(&mut self.transport, apdu::TAG_TRIES)?[..] {
            [left, most] if left <= most => Ok(left),
            _ => Err(CardError::BadAnswer { to: "GET DATA", cause: "it counts its tries in another way" }),
        }
    }

    /// Has a new card prove the key it comes with. Registering it tells the ledger that key.
    ///
    /// # Errors
    /// [`CardError::NotProven`] if it does not hold the key, and those of [`SelectedCard::select`].
    pub fn prove(mut self) -> Result<ProvenCard<T>, CardError> {
        let mut challenge = [0; apdu::CHALLENGE_BYTES];
        getrandom::fill(&mut challenge).map_err(|_| CardError::Randomness)?;
        let command = Command::new(apdu::INTERNAL_AUTHENTICATE, [0, 0]).with(&challenge).expecting_data();
        let to = "INTERNAL AUTHENTICATE";
        let answer = ask(&mut self.transport, to, &command)?;
        let cause = "a signature is 64 bytes";
        let signature = answer.as_slice().try_into().map_err(|_| CardError::BadAnswer { to, cause })?;
        let message = apdu::proof(self.card.as_str(), &challenge);
        match verify(&self.key, &message, &Signature(signature)) {
            true => Ok(ProvenCard(self)),
            false => Err(CardError::NotProven { card: self.card }),
        }
    }

    /// Has a registered card prove the key that its issuer registered. `auth` is the account of its PIN's key as the ledger has it, and
    /// `name` that account's name there, in which the issuer put the card's key.
    ///
    /// # Errors
    /// [`CardError::OtherCard`] if it comes with another key, and those of [`SelectedCard::prove`].
    pub fn prove_registered(self, auth: &AccountId, name: Option<&str>) -> Result<ProvenCard<T>, CardError> {
        let expected = auth_name(&self.card, &self.key, auth)?;
        if name == Some(expected.as_str()) { self.prove() } else { Err(CardError::OtherCard { card: self.card }) }
    }
}

impl<T: Transport> ProvenCard<T> {
    /// The card's name.
    pub fn card(&self) -> &Name {
        &self.0.card
    }

    /// The key it proved.
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// Tries that are left for its PIN.
    ///
    /// # Errors
    /// As [`SelectedCard::select`].
    pub fn tries_left(&mut self) -> Result<u8, CardError> {
        self.0.tries_left()
    }

    /// Gives the card its PIN and makes the key of both. Takes some tenths of a second.
    ///
    /// # Errors
    /// [`CardError::WrongPin`], [`CardError::PinBlocked`], and those of [`SelectedCard::select`].
    pub fn enter(&mut self, pin: &Pin) -> Result<AuthKey, CardError> {
        self.verify(pin)?;
        self.derive(pin)
    }

    /// Has the card take `new` in place of `pin`, and makes the key of the new one.
    ///
    /// # Errors
    /// As [`ProvenCard::enter`]. After [`CardError::Reader`] the card may have taken the new PIN or not.
    pub fn change_pin(&mut self, pin: &Pin, new: &Pin) -> Result<AuthKey, CardError> {
        self.verify(pin)?;
        let command = Command::new(apdu::CHANGE_REFERENCE_DATA, [0x01, apdu::PIN_REFERENCE]).with(new.digits());
        ask(&mut self.0.transport, "CHANGE REFERENCE DATA", &command)?;
        self.derive(new)
    }

    fn verify(&mut self, pin: &Pin) -> Result<(), CardError> {
        let command = Command::new(apdu::VERIFY, [0x00, apdu::PIN_REFERENCE]).with(pin.digits());
        let answer = exchange(&mut self.0.transport, "VERIFY", &command)?;
        let card = || self.0.card.clone();
        match answer.status {
            StatusWord::DONE => Ok(()),
            StatusWord::PIN_BLOCKED => Err(CardError::PinBlocked { card: card() }),
            status => Err(match status.tries_left() {
                Some(0) => CardError::PinBlocked { card: card() },
                Some(tries_left) => CardError::WrongPin { card: card(), tries_left },
                None => CardError::Refused { to: "VERIFY", status },
            }),
        }
    }

    /// The card has verified the PIN.
    fn derive(&mut self, pin: &Pin) -> Result<AuthKey, CardError> {
        let read = get(&mut self.0.transport, apdu::TAG_SECRET)?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        if read.len() != SECRET_BYTES {
            return Err(CardError::BadAnswer { to: "GET DATA", cause: "a card's secret is 32 bytes" });
        }
        secret.copy_from_slice(&read);
        Ok(AuthKey::derive(pin, &CardSecret::new(secret), &self.0.card))
    }
}

/// The card's name in its answer to SELECT.
fn described(answer: &[u8]) -> Result<Name, CardError> {
    let bad = |cause| CardError::BadAnswer { to: "SELECT", cause };
    let outer = apdu::objects(answer).ok_or(bad("it is no list of objects"))?;
    let [(apdu::TAG_TEMPLATE, template)] = outer[..] else {
        return Err(bad("it is no description of an applet"));
    };
    let inner = apdu::objects(template).ok_or(bad("its description is no list of objects"))?;
    let value = |tag| {
        let mut found = inner.iter().filter(|(found, _)| *found == tag).map(|(_, value)| *value);
        found.next().filter(|_| found.next().is_none())
    };
    if value(apdu::TAG_APPLICATION) != Some(&apdu::APPLICATION[..]) {
        return Err(bad("it describes another applet"));
    }
    match value(apdu::TAG_VERSION) {
        Some([apdu::VERSION]) => {}
        Some([found]) => return Err(CardError::ForeignVersion { found: *found }),
        _ => return Err(bad("it tells no version")),
    }
    let name = value(apdu::TAG_NAME).and_then(|name| std::str::from_utf8(name).ok());
    let name: Name = name.and_then(|name| name.parse().ok()).ok_or(bad("it tells no name of a card"))?;
    if name.user().is_some() { Ok(name) } else { Err(CardError::BadName { name }) }
}

/// A data object of the card.
fn get(transport: &mut impl Transport, object: u8) -> Result<Zeroizing<Vec<u8>>, CardError> {
    ask(transport, "GET DATA", &Command::new(apdu::GET_DATA, [0, object]).expecting_data())
}

/// The data of an answer that must be a success.
fn ask(transport: &mut impl Transport, to: &'static str, command: &Command) -> Result<Zeroizing<Vec<u8>>, CardError> {
    let answer = exchange(transport, to, command)?;
    match answer.status {
        StatusWord::DONE => Ok(answer.data),
        status => Err(CardError::Refused { to, status }),
    }
}

fn exchange(transport: &mut impl Transport, to: &'static str, command: &Command) -> Result<Answer, CardError> {
    let answer = transport.transmit(&command.to_bytes())?;
    let cause = "it is no status word, with at most 255 bytes before it";
    Answer::parse(&answer).ok_or(CardError::BadAnswer { to, cause })
}

#[cfg(test)]
mod tests;
