//! Everything that can go wrong, each with the exit code scripts decide by.
mod messages;

pub use messages::MessagingFailure;

use crate::commands::card::VirtualReaderError;
use countersign_client::builder::BuildError;
use countersign_client::card::CardError;
use countersign_client::display::DisplayError;
use countersign_client::door::DoorError;
use countersign_client::keystore::KeyError;
use countersign_client::keystore::words::WordsError;
use countersign_client::lock::{BadLock, Refusal};
use countersign_client::messaging::SessionError;
use countersign_client::qr::QrError;
use countersign_client::request::BadRequestCode;
use countersign_client::rpc::ClientError;
use countersign_client::rpc_types::FailureView;
use countersign_client::signer::{SignError, SignerError};
use countersign_client::types::params::BadParam;
use countersign_client::types::proposal::ProposalError;
use countersign_client::types::text::TextError;
use countersign_client::uri::BadUri;
use countersign_client::value::ValueError;
use messages::{refusal_exit_code, session_exit_code};
use std::io;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the ledger decided it and it failed: nothing took effect
  2  bad usage, input or file
  3  the node cannot be reached or did not answer in time
  4  the node refused, or knows no such thing
  5  the key or its passphrase, the card's PIN, or the password at the site
  6  declined at the prompt
  7  the node's answer does not follow from what the validators certified, or it is on another chain; the site does not
     grant the relay; the message is not to be believed
  8  the doctor found an error
  9  the lock stays shut
 10  nobody is logged in, or the session is over: log in, and again
 11  no message came in the time that was waited";

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The node, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The keystore.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Whoever signs does not.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// Words that give no key.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// Words belong on paper: not into a log, not through a pipe.
    #[error("a key's words are shown at a terminal only, and never as JSON; --output writes them to a file")]
    WordsNotShown,
    /// No words and nobody to ask.
    #[error("there is no terminal to ask for the words at: give --words-file")]
    NoWords,
    /// The doctor's findings say what.
    #[error("{errors} of the findings are errors")]
    Unhealthy {
        /// How many.
        errors: usize,
    },
    /// A lock stays shut.
    #[error(transparent)]
    Lock(#[from] Refusal),
    /// A challenge that is none.
    #[error("this is not what a lock asks (countersign:challenge?…)")]
    BadChallenge(#[source] Refusal),
    /// No key for a door can be made.
    #[error(transparent)]
    Door(DoorError),
    /// No lock can be made.
    #[error(transparent)]
    BadLock(#[from] BadLock),
    /// A file of ours that is not whole.
    #[error("{path} is not {what}, or was changed by hand")]
    Damaged {
        /// The file.
        path: String,
        /// What it should be.
        what: &'static str,
    },
    /// A file of ours that another version wrote.
    #[error("{path} has version {found}, this program reads version {wanted}")]
    OtherVersion {
        /// The file.
        path: String,
        /// Version found in it.
        found: u32,
        /// The one that is read.
        wanted: u32,
    },
    /// A smart card or its PIN.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A proposal cannot be drawn up.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A proposal cannot be told in words.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// A value is refused.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// An id or name is mistyped.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The text of a request is none.
    #[error(transparent)]
    Request(#[from] BadRequestCode),
    /// A proposal file is none, or its signatures are not valid.
    #[error("{path}: {source}")]
    BadProposal {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ProposalError,
    },
    /// A text `countersign:…` is damaged, or of another kind.
    #[error("{place}: {cause}")]
    BadText {
        /// Where it was found.
        place: String,
        /// What is wrong with it.
        cause: BadUri,
    },
    /// The parts of a text that were given do not make a whole.
    #[error("{cause}{}", codes_left(.unread))]
    BadParts {
        /// What is wrong with them.
        cause: BadUri,
        /// Codes in the images that could not be read.
        unread: usize,
    },
    /// An image cannot be read, or the codes in it.
    #[error("{path}: {cause}")]
    BadImage {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: QrError,
    },
    /// A text does not fit into codes.
    #[error(transparent)]
    Qr(#[from] QrError),
    /// A code that is not one of ours.
    #[error("the QR code in {path} is none of Countersign's; it says `{says}`")]
    OtherCode {
        /// The file.
        path: String,
        /// The beginning of what it says.
        says: String,
    },
    /// Neither a proposal nor an image nor a text.
    #[error("{path} is neither a proposal (.csp) nor an image (PNG, JPEG) nor a text `countersign:…`")]
    NothingToRead {
        /// The file.
        path: String,
    },
    /// One text or proposal was wanted.
    #[error("{path} holds {count} texts; one is wanted")]
    NotOneText {
        /// The file.
        path: String,
        /// Texts in it.
        count: usize,
    },
    /// Nothing was given where a proposal is wanted.
    #[error("no proposal was given")]
    NothingGiven,
    /// A signed proposal that did not come from a file has no place to go.
    #[error("where does the signed proposal go? It came from no file: name one with -o")]
    NoOutput,
    /// Somebody else's key signed for a party.
    #[error(
        "{place}: the key {key} has signed for {account} and is none of its keys, so its signature counts nothing; ask \
         for a copy without it"
    )]
    ForeignSignature {
        /// Where the proposal was found.
        place: String,
        /// The key.
        key: String,
        /// The account it signed for.
        account: String,
    },
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// File or folder.
        path: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// A file is longer than anything it could hold.
    #[error("{path} is longer than {limit} bytes, which nothing it could hold is")]
    FileTooLong {
        /// The file.
        path: String,
        /// Bytes it may have.
        limit: usize,
    },
    /// A file would be overwritten.
    #[error("{path} exists already; name another or give --force")]
    FileExists {
        /// The file.
        path: String,
    },
    /// A transaction was wanted and this is a document, or the other way round.
    #[error("{path} is a {found}; `{command}` is the command for it")]
    WrongSubject {
        /// The file.
        path: String,
        /// What it is.
        found: &'static str,
        /// The command that takes it.
        command: &'static str,
    },
    /// An option's text is not of its form.
    #[error("`{given}` is not of the form {wanted}")]
    BadOption {
        /// What was given.
        given: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// JSON text that is none.
    #[error("{what} is not JSON")]
    BadJson {
        /// Where it was given.
        what: String,
        /// What the parser found.
        #[source]
        source: serde_json::Error,
    },
    /// The proposal is for another chain than the node's or the one named by `--chain`.
    #[error("this is for chain {found}, the wallet is on chain {wanted}")]
    OtherChain {
        /// Of the proposal or node.
        found: String,
        /// Of the wallet.
        wanted: String,
    },
    /// Not possible with `--offline`.
    #[error("{what} needs a node; leave out --offline")]
    NeedsNode {
        /// What.
        what: &'static str,
    },
    /// Offline and no chain named.
    #[error("offline the chain must be named: --chain <id>, as `countersign network status` tells it")]
    NeedsChain,
    /// No key named and none or several there.
    #[error("which key? name one with --key or COUNTERSIGN_KEY; there are {count} in the keystore")]
    NoKey {
        /// Keys in the store.
        count: usize,
    },
    /// The key's account is no party.
    #[error("{account} (key `{key}`) is no party of this: its parties are {parties}")]
    NotAParty {
        /// The key's name.
        key: String,
        /// The account it would sign for.
        account: String,
        /// Who is.
        parties: String,
    },
    /// The key does not sign for the account (any more).
    #[error(
        "the key `{key}` does not sign for {account}; its keys are those of `countersign account show`. Another account \
         is named by --for"
    )]
    NotASignatory {
        /// The key's name.
        key: String,
        /// The account.
        account: String,
    },
    /// More members of the council than must sign.
    #[error("{threshold} of {members} must sign; name those who will: --by MEMBER,…")]
    WhichCouncil {
        /// How many.
        threshold: u16,
        /// Their names.
        members: String,
    },
    /// A file without an interface section.
    #[error("{path} is no contract: compiled wasm with an interface is wanted")]
    NotAContract {
        /// The file.
        path: String,
    },
    /// A parameter of the chain out of its range.
    #[error(transparent)]
    Param(#[from] BadParam),
    /// Signatures are missing.
    #[error("not everybody has signed; missing: {missing}")]
    Incomplete {
        /// Accounts or names.
        missing: String,
    },
    /// Nothing is trusted of the chain.
    #[error("nothing is trusted of {chain}; `network trust` tells what is")]
    NotTrusted {
        /// The chain, or that none is named.
        chain: String,
    },
    /// The ledger has no such name.
    #[error("nothing on the ledger is called `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// The module has no such query.
    #[error("{module} has no query `{query}`; its queries are {known}")]
    UnknownQuery {
        /// The module.
        module: String,
        /// What was asked for.
        query: String,
        /// What there is.
        known: String,
    },
    /// There is no such module.
    #[error("there is no module `{module}`")]
    UnknownModule {
        /// The module.
        module: String,
    },
    /// There is no cash to confirm.
    #[error("no agent is handing over cash for this request; it is {state}")]
    NotHandingOver {
        /// Where it stands.
        state: &'static str,
    },
    /// The papers are not those the booking names.
    #[error("{path} is not what the customer's booking names: ask for the papers again")]
    OtherPapers {
        /// The file.
        path: String,
    },
    /// The ledger decided against it.
    #[error("failed on the ledger ({}): {}", .0.name, .0.message)]
    Ledger(FailureView),
    /// The person said no.
    #[error("declined")]
    Declined,
    /// Nobody to ask.
    #[error("there is no terminal to ask at: give --yes to sign without asking")]
    NoTerminal,
    /// No passphrase and nobody to ask.
    #[error("there is no terminal to ask for the passphrase: set COUNTERSIGN_PASSPHRASE or give --passphrase-file")]
    NoPassphrase,
    /// No PIN and nobody to ask.
    #[error("there is no terminal to ask for the PIN at: give --pin-file, for a new PIN --new-pin-file")]
    NoPin,
    /// The two PINs typed differ.
    #[error("the two PINs differ")]
    PinsDiffer,
    /// The card took the PIN, and the key of both is not the card's on the ledger.
    #[error(
        "the card {card} has this PIN, but the ledger knows the key of another: a change of the PIN was not submitted. Draw it up with \
         `countersign card change-auth --keep-pin`"
    )]
    OtherPinKey {
        /// The card's name.
        card: String,
    },
    /// A card service of one's own.
    #[error(transparent)]
    VirtualReader(#[from] VirtualReaderError),
    /// A payment's payee is not, or no longer, who its name leads to.
    #[error("the payee {payee} has the account {found}, but the payment shows {shown}: do not confirm it")]
    PayeeDiffers {
        /// The payee's name.
        payee: String,
        /// The account it leads to.
        found: String,
        /// The account in the payment.
        shown: String,
    },
    /// The two passphrases typed differ.
    #[error("the two passphrases differ")]
    PassphrasesDiffer,
    /// A log-in, or a message.
    #[error(transparent)]
    Messaging(Box<MessagingFailure>),
    /// There is no session to work in.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No password and nobody to ask.
    #[error("there is no terminal to ask for the password at: give --password-file, or set COUNTERSIGN_PASSWORD")]
    NoPassword,
    /// No message came.
    #[error("no message came in {seconds} s")]
    NothingCame {
        /// Waited for one.
        seconds: u64,
    },
    /// There is no proposal among the messages.
    #[error("no message has a proposal of a {wanted} in it; `countersign inbox` fetches what has come")]
    NoProposalCame {
        /// What was wanted.
        wanted: &'static str,
    },
    /// A message was named that has none.
    #[error("the message {id} has no proposal in it: it is a {found}")]
    NotAProposal {
        /// The message's id.
        id: String,
        /// What it is.
        found: &'static str,
    },
    /// A message was named of which nothing is believed.
    #[error("the message {id} is not to be believed: {reason}")]
    NotBelieved {
        /// The message's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// Everybody has signed.
    #[error("nobody but you has to sign this any more: name who gets it with --to")]
    NobodyToSend,
    /// A file is longer than a message carries.
    #[error("{path} is longer than the {} KiB that a message carries", .limit / 1024)]
    LongAttachment {
        /// The file.
        path: String,
        /// Bytes it may have.
        limit: usize,
    },
    /// A post was wanted that is not there.
    #[error("the site has no post {number}; `countersign feed` lists them")]
    NoPost {
        /// Its number.
        number: u64,
    },
    /// A post has no proposal.
    #[error("post {number} has no proposal in it")]
    PostWithoutProposal {
        /// Its number.
        number: u64,
    },
}

fn codes_left(unread: &usize) -> String {
    match unread {
        0 => String::new(),
        1 => ". One more QR code was seen and could not be read: take it again, whole and sharp".into(),
        several => {
            format!(". {several} more QR codes were seen and could not be read: take them again, whole and sharp")
        }
    }
}

impl From<DoorError> for Failure {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Client(error) => Self::Client(error),
            DoorError::Refused(refusal) => Self::Lock(refusal),
            DoorError::Signer(error) => Self::Signer(error),
            other => Self::Door(other),
        }
    }
}

impl Failure {
    /// Why the proposal called `what` is not signed.
    pub fn of_signing(what: &str, error: SignError) -> Self {
        match error {
            SignError::Signer(error) => Self::Signer(error),
            SignError::Proposal(source) => Self::BadProposal { path: what.into(), source },
        }
    }

    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self.exit_code() {
            1 => "failed_on_ledger",
            2 => "bad_input",
            3 => "node_unreachable",
            4 => "refused_by_node",
            5 => "key",
            6 => "declined",
            7 => "unverified",
            8 => "unhealthy",
            9 => "refused_by_lock",
            10 => "not_logged_in",
            _ => "nothing_came",
        }
    }

    /// One of [`EXIT_CODES`].
    // long: one arm for each code
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(_) => 1,
            Self::Client(error) => match error {
                ClientError::Unreachable { .. } | ClientError::Timeout { .. } | ClientError::NotFinal { .. } => 3,
                ClientError::Refused(refusal) => refusal_exit_code(refusal.code),
                ClientError::BadAnswer { .. } => 4,
                ClientError::BadUrl { .. } | ClientError::Trust(_) => 2,
                ClientError::Unverified(_) => 7,
            },
            Self::UnknownName { .. } | Self::Door(DoorError::Unknown { .. }) => 4,
            Self::Door(DoorError::Unverified(_)) => 7,
            Self::Key(KeyError::BadName) => 2,
            Self::Key(_)
            | Self::Signer(_)
            | Self::Door(DoorError::NotASignatory | DoorError::Randomness)
            | Self::NoKey { .. }
            | Self::NotAParty { .. }
            | Self::NotASignatory { .. }
            | Self::NoPassphrase
            | Self::PassphrasesDiffer
            | Self::NoPin
            | Self::PinsDiffer
            | Self::NoPassword
            | Self::OtherPinKey { .. } => 5,
            Self::Declined => 6,
            Self::Unhealthy { .. } => 8,
            Self::Lock(_) | Self::Door(_) => 9,
            Self::NotBelieved { .. } => 7,
            Self::Session(error) => session_exit_code(error),
            Self::Messaging(failure) => failure.exit_code(),
            Self::NothingCame { .. } => 11,
            Self::Card(error) => card_exit_code(error),
            Self::VirtualReader(_)
            | Self::PayeeDiffers { .. }
            | Self::Build(_)
            | Self::Display(_)
            | Self::Value(_)
            | Self::Text(_)
            | Self::Request(_)
            | Self::BadProposal { .. }
            | Self::BadText { .. }
            | Self::BadParts { .. }
            | Self::BadImage { .. }
            | Self::Qr(_)
            | Self::OtherCode { .. }
            | Self::NothingToRead { .. }
            | Self::NotOneText { .. }
            | Self::NothingGiven
            | Self::NoOutput
            | Self::ForeignSignature { .. }
            | Self::Io { .. }
            | Self::FileTooLong { .. }
            | Self::FileExists { .. }
            | Self::WrongSubject { .. }
            | Self::BadOption { .. }
            | Self::BadJson { .. }
            | Self::OtherChain { .. }
            | Self::NeedsNode { .. }
            | Self::NeedsChain
            | Self::Words(_)
            | Self::WordsNotShown
            | Self::NoWords
            | Self::NotTrusted { .. }
            | Self::Incomplete { .. }
            | Self::WhichCouncil { .. }
            | Self::NotAContract { .. }
            | Self::Param(_)
            | Self::UnknownQuery { .. }
            | Self::UnknownModule { .. }
            | Self::NotHandingOver { .. }
            | Self::OtherPapers { .. }
            | Self::BadLock(_)
            | Self::BadChallenge(_)
            | Self::Damaged { .. }
            | Self::OtherVersion { .. }
            | Self::NoProposalCame { .. }
            | Self::NotAProposal { .. }
            | Self::NobodyToSend
            | Self::LongAttachment { .. }
            | Self::NoPost { .. }
            | Self::PostWithoutProposal { .. }
            | Self::NoTerminal => 2,
        }
    }

    /// The code and data of whoever refused: node, ledger or lock; of a card the tries that are left for its PIN.
    pub fn data(&self) -> serde_json::Value {
        match self {
            Self::Card(CardError::WrongPin { tries_left, .. }) => serde_json::json!({ "tries_left": tries_left }),
            Self::Card(CardError::PinBlocked { .. }) => serde_json::json!({ "tries_left": 0 }),
            Self::Client(ClientError::Refused(refusal)) => {
                serde_json::json!({"code": refusal.number, "data": refusal.data})
            }
            Self::Client(ClientError::Unverified(error)) => serde_json::json!({"name": error.name()}),
            Self::Ledger(failure) => serde_json::json!(failure),
            Self::BadParts { cause: BadUri::MissingParts { count, missing }, unread } => {
                serde_json::json!({"parts": count, "missing": missing, "unread_codes": unread})
            }
            Self::BadParts { cause: BadUri::ForeignParts { count, present, missing, .. }, unread } => {
                serde_json::json!({"parts": count, "foreign": present, "missing": missing, "unread_codes": unread})
            }
            Self::Messaging(failure) => failure.data(),
            Self::Lock(refusal) => serde_json::json!({"code": refusal.code(), "name": refusal.name()}),
            _ => serde_json::Value::Null,
        }
    }
}

/// 5 if the card or its PIN is not the right one; 2 if there is no card to use.
fn card_exit_code(error: &CardError) -> u8 {
    match error {
        CardError::BadPin
        | CardError::File(_)
        | CardError::WrongPin { .. }
        | CardError::PinBlocked { .. }
        | CardError::OtherCard { .. }
        | CardError::NotProven { .. } => 5,
        CardError::BadName { .. }
        | CardError::NameTooLong(_)
        | CardError::Exists { .. }
        | CardError::NotACard { .. }
        | CardError::Randomness
        | CardError::Reader(_)
        | CardError::Refused { .. }
        | CardError::BadAnswer { .. }
        | CardError::ForeignVersion { .. } => 2,
    }
}
