//! Cards in PC/SC readers, through the system's card service (pcscd): which readers there are, waiting for a card, and commands to it.
//! One program has a card at a time; when it lets go, the card is reset, so that nobody finds it with its PIN verified.
use super::apdu::ANSWER_BYTES_MAX;
use super::reader::{ReaderError, Transport};
use pcsc::{Card, Context, Disposition, Error, PNP_NOTIFICATION, Protocols, ReaderState, Scope, ShareMode, State};
use std::ffi::CString;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Readers that are looked at. The card service itself knows no more than 16.
const READERS_MAX: usize = 64;
/// Environment variable by which libpcsclite finds a card service that is not in the usual place.
const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// A reader, and whether there is a card in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// The reader's name.
    pub reader: String,
    /// True if there is a card in it.
    pub has_card: bool,
}

/// A card in a reader, for this program alone. Reset when dropped.
pub struct ReaderCard {
    /// Until it is dropped.
    card: Option<Card>,
    /// True once it did not answer. Resetting it then would make the card service believe the reader empty until it has seen the
    /// card leave, which it never does if another one comes at once.
    is_gone: bool,
    /// Room for an answer, wiped after each.
    buffer: Zeroizing<Vec<u8>>,
}

impl Drop for ReaderCard {
    fn drop(&mut self) {
        let disposition = if self.is_gone { Disposition::LeaveCard } else { Disposition::ResetCard };
        if let Some(card) = self.card.take() {
            // One that cannot be disconnected is tried once more by dropping it, and then left to the card service.
            drop(card.disconnect(disposition));
        }
    }
}

impl std::fmt::Debug for ReaderCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderCard")
    }
}

impl Transport for ReaderCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let Some(card) = &self.card else {
            return Err(ReaderError::Removed);
        };
        let answer = card.transmit(command, &mut self.buffer);
        let answer = answer.map(|answer| Zeroizing::new(answer.to_vec())).map_err(|error| match error {
            Error::InsufficientBuffer => ReaderError::AnswerTooLong,
            other => failed("a command to the card")(other),
        });
        self.buffer.fill(0);
        self.is_gone |= matches!(answer, Err(ReaderError::Removed));
        answer
    }
}

/// The readers that are connected, by name.
///
/// # Errors
/// [`ReaderError::NoService`] or [`ReaderError::Service`].
pub fn slots() -> Result<Vec<Slot>, ReaderError> {
    let context = context()?;
    let mut states = states(&context)?;
    if states.is_empty() {
        return Ok(Vec::new());
    }
    look(&context, Duration::ZERO, &mut states)?;
    let slot = |state: &ReaderState| Slot { reader: name(state), has_card: has_card(state) };
    Ok(states.iter().map(slot).collect())
}

/// Connects to the card in the reader whose name contains `reader`, or without it to the only card there is. Waits for a card for at most
/// `patience`.
///
/// # Errors
/// [`ReaderError`].
pub fn connect(reader: Option<&str>, patience: Duration) -> Result<ReaderCard, ReaderError> {
    let context = context()?;
    let end = Instant::now() + patience;
    loop {
        let mut states = named(states(&context)?, reader)?;
        look(&context, Duration::ZERO, &mut states)?;
        let with_card: Vec<&ReaderState> = states.iter().filter(|state| has_card(state)).collect();
        match with_card[..] {
            [only] => return open(&context, only),
            [] => {}
            _ => return Err(ReaderError::SeveralCards { readers: names(with_card.iter().copied()) }),
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let reader = names(states.iter());
            return Err(ReaderError::NoCard { reader, waited_s: patience.as_secs() });
        }
        // Until a card comes, or a reader.
        states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
        states.iter_mut().for_each(ReaderState::sync_current_state);
        look(&context, left, &mut states)?;
    }
}

fn context() -> Result<Context, ReaderError> {
    let at = || match std::env::var(SOCKET_VARIABLE) {
        Ok(path) => format!(" at {path} ({SOCKET_VARIABLE})"),
        Err(_) => String::new(),
    };
    Context::establish(Scope::User).map_err(|error| match error {
        Error::NoService | Error::ServiceStopped => ReaderError::NoService { at: at() },
        source => ReaderError::Service { doing: "a connection to it", source },
    })
}

/// The readers, not looked at yet.
fn states(context: &Context) -> Result<Vec<ReaderState>, ReaderError> {
    let names = context.list_readers_owned().map_err(failed("the list of readers"))?;
    Ok(names.into_iter().take(READERS_MAX).map(|name| ReaderState::new(name, State::UNAWARE)).collect())
}

/// Those whose name contains `wanted`; all without it.
fn named(states: Vec<ReaderState>, wanted: Option<&str>) -> Result<Vec<ReaderState>, ReaderError> {
    if states.is_empty() {
        return Err(ReaderError::NoReader);
    }
    let Some(wanted) = wanted else {
        return Ok(states);
    };
    let known = names(states.iter());
    let found: Vec<_> = states.into_iter().filter(|state| name(state).contains(wanted)).collect();
    let given = || wanted.chars().take(128).collect();
    if found.is_empty() { Err(ReaderError::UnknownReader { given: given(), known }) } else { Ok(found) }
}

/// Waits until a state is another than the one known; with no patience it tells the states as they are.
fn look(context: &Context, patience: Duration, states: &mut [ReaderState]) -> Result<(), ReaderError> {
    match context.get_status_change(patience, states) {
        // A reader that went away is told by the next list.
        Ok(()) | Err(Error::Timeout | Error::UnknownReader | Error::ReaderUnavailable) => Ok(()),
        Err(error) => Err(failed("the state of the readers")(error)),
    }
}

fn open(context: &Context, state: &ReaderState) -> Result<ReaderCard, ReaderError> {
    let reader = CString::from(state.name());
    let card = context.connect(&reader, ShareMode::Exclusive, Protocols::T0 | Protocols::T1);
    let card = card.map_err(|error| match error {
        Error::SharingViolation => ReaderError::InUse { reader: name(state) },
        other => failed("a connection to the card")(other),
    })?;
    Ok(ReaderCard { card: Some(card), is_gone: false, buffer: Zeroizing::new(vec![0; ANSWER_BYTES_MAX]) })
}

fn has_card(state: &ReaderState) -> bool {
    state.event_state().contains(State::PRESENT)
}

fn name(state: &ReaderState) -> String {
    state.name().to_string_lossy().into_owned()
}

fn names<'a>(states: impl Iterator<Item = &'a ReaderState>) -> String {
    states.map(name).collect::<Vec<_>>().join(", ")
}

/// What a failure of the card service means.
fn failed(doing: &'static str) -> impl FnOnce(Error) -> ReaderError {
    move |source| match source {
        Error::RemovedCard
        | Error::NoSmartcard
        | Error::ResetCard
        | Error::UnpoweredCard
        | Error::UnresponsiveCard
        | Error::NotTransacted
        | Error::CommDataLost
        | Error::ReaderUnavailable => ReaderError::Removed,
        Error::NoService | Error::ServiceStopped => ReaderError::NoService { at: String::new() },
        source => ReaderError::Service { doing, source },
    }
}
