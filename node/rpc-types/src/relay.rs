//! What a wallet and a node's relay say to each other: log-in at the wallet's site, what the site has for its user, and sealed
//! messages. The relay learns neither the password nor what a message says.
//!
//! ```text
//! wallet ─KE1→ relay_login_start ─→ site      OPAQUE through the relay, see [`crate::site`]
//! wallet ─KE3→ relay_login_finish ─→ site     a session: its token, and the wallet's key that has to sign every request of it
//! member ────→ relay_member_login             a member's own account proves its key; it has no password
//!
//! sender ─Envelope→ relay_send ─→ (its relay) ─libp2p→ (the receiver's relay) ─relay_inbox→ receiver ─→ relay_acknowledge
//! ```
//!
//! What is asked in a session is a value that is both JSON, for the wire, and SCALE, for the signature in [`SessionAuth`].
#[cfg(any(feature = "server", feature = "client"))]
pub mod api;
mod envelope;

pub use envelope::{Envelope, EnvelopeError};

use crate::HexBytes;
use crate::site::{PostView, SessionToken};
use countersign_types::{Hash, PublicKey};
use parity_scale_codec::Encode;
use serde::{Deserialize, Serialize};

/// Bytes of the largest attachment: a photographed page of an identity paper.
pub const ATTACHMENT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a sealed letter: the largest attachment, the words around it, signature, padding (a thirty-second more) and seal.
pub const SEALED_BYTES_MAX: usize = ATTACHMENT_BYTES_MAX + ATTACHMENT_BYTES_MAX / 16;
/// Bytes of an encoded [`Envelope`].
pub const ENVELOPE_BYTES_MAX: usize = SEALED_BYTES_MAX + 256;
/// How long a message may wait: rebates are agreed weeks ahead, but whoever is away for longer has to be written to again.
pub const MESSAGE_LIFE_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;
/// Messages in one page.
pub const INBOX_PAGE_MAX: u32 = 100;
/// Bytes of the envelopes in one page; one that is larger comes alone.
pub const INBOX_PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Entries in one page of what was sent.
pub const SENT_PAGE_MAX: u32 = 200;
/// How far a request's count may be from the relay's clock, in microseconds.
pub const COUNT_AGE_US_MAX: u64 = 60_000_000;

/// What a node says of its relay. Whether it may relay for a site is on the ledger ([`countersign_types::Site`]).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RelayInfo {
    /// The relay's key, `csk1…`: the network key of its node.
    pub key: String,
    /// The chain's id.
    pub chain: String,
    /// Its clock, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// Ends a log-in that [`crate::site::LoginStart`] began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayLoginFinish {
    /// The login's number, from [`crate::site::LoginStarted`].
    pub login: HexBytes,
    /// OPAQUE's KE3.
    pub ke3: HexBytes,
    /// By the wallet's key, over [`login_digest`]: it is there, and not only known.
    pub signature: HexBytes,
}

/// Opens a session for a member's own account, which has no user name and password at a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberLogin {
    /// The member's name, `harbor-hotel.example`.
    pub member: String,
    /// One of the keys of its account's authority, `csk1…`.
    pub key: String,
    /// Now, by the wallet's clock: microseconds since the Unix epoch, at most [`COUNT_AGE_US_MAX`] from the relay's. It counts once.
    pub count: u64,
    /// By that key, over [`member_login_digest`].
    pub signature: HexBytes,
}

/// A session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RelaySession {
    /// Its token.
    pub session: SessionToken,
    /// Whose it is: `alice@harbor-hotel.example`, or a member.
    pub user: String,
    /// The account of that name on the ledger, if it has the wallet's key: only then are there messages. Absent before the enrolment.
    pub account: Option<String>,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Who asks in a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionAuth {
    /// The session's token.
    pub session: SessionToken,
    /// Greater than in any request of the session before: microseconds since the Unix epoch by the wallet's clock, at most
    /// [`COUNT_AGE_US_MAX`] from the relay's.
    pub count: u64,
    /// By the session's key, over [`request_digest`]. Who has the token alone can do nothing.
    pub signature: HexBytes,
}

/// What a request of a session is signed over: the method and what is asked are part of it.
pub fn request_digest(relay: &PublicKey, session: &SessionToken, count: u64, method: &str, ask: &impl Encode) -> Hash {
    Hash::of_encoded("relay-request", &(relay, session.0, count, method, ask))
}

/// What the end of a log-in is signed over.
pub fn login_digest(relay: &PublicKey, login: &[u8], ke3: &[u8]) -> Hash {
    Hash::of_encoded("relay-login", &(relay, login, ke3))
}

/// What a member's log-in is signed over.
pub fn member_login_digest(relay: &PublicKey, chain: &Hash, member: &str, key: &PublicKey, count: u64) -> Hash {
    Hash::of_encoded("relay-member-login", &(relay, chain, member, key, count))
}

/// Asks for nothing but what the session says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Asks for the contacts of the session's user.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactsQuery {
    /// The last name of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// At most so many, 1 to [`crate::site::CONTACTS_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Asks for posts of the session's site.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostsQuery {
    /// Posts with a greater number; 0 for all.
    #[serde(default)]
    pub after: u64,
    /// At most so many, 1 to [`crate::site::POSTS_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Asks the site to sign the enrolment of the session's user.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// As [`crate::site::EnrolAsk::proposal`].
    pub proposal: HexBytes,
}

/// Hands a message in.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// An encoded [`Envelope`].
    pub envelope: HexBytes,
}

/// The relay has the message on disk: from now on it is delivered or reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Posted {
    /// The message's id, `csm1…`. Handing in the same envelope again answers the same.
    pub id: String,
    /// Where it stands.
    pub state: SentState,
}

/// Where a sent message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentState {
    /// On its way to the receiver's relay: it is not reachable, or holds as much for the receiver as it may.
    Waiting,
    /// The receiver's relay has it on disk.
    Delivered,
    /// It was not delivered in its time.
    Expired,
    /// The receiver's relay refuses it for good: the receiver is gone, or has another encryption key by now.
    Refused,
}

/// Asks what became of messages that were sent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentQuery {
    /// Entries with a greater number; 0 for all.
    #[serde(default)]
    pub after: u64,
    /// At most so many, 1 to [`SENT_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Messages that were sent, in the order in which they were handed in. They are remembered until they would expire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SentPage {
    /// The messages.
    pub messages: Vec<SentView>,
    /// What to give as `after` next time.
    pub next: u64,
    /// True if there are more already.
    pub more: bool,
}

/// A message that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SentView {
    /// Its number among those of the sender; grows.
    pub number: u64,
    /// Its id, `csm1…`.
    pub id: String,
    /// The receiver's account, `csa1…`.
    pub to: String,
    /// Where it stands.
    pub state: SentState,
    /// When it was handed in, milliseconds since the Unix epoch.
    pub sent_at_ms: u64,
}

/// Asks for messages.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxQuery {
    /// Messages with a greater number; 0 for all that are kept.
    #[serde(default)]
    pub after: u64,
    /// At most so many, 1 to [`INBOX_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Messages in the order in which the relay took them: those of one sender in the order in which they were sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboxPage {
    /// The messages.
    pub messages: Vec<StoredMessage>,
    /// What to give as `after` next time.
    pub next: u64,
    /// True if there are more already.
    pub more: bool,
}

/// A message that waits for its receiver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredMessage {
    /// Its number among those of the receiver; grows, and is never given twice.
    pub number: u64,
    /// When the relay took it, milliseconds since the Unix epoch.
    pub received_at_ms: u64,
    /// The encoded [`Envelope`].
    pub envelope: HexBytes,
}

/// Lets the relay forget messages: the wallet has them on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Up to the message with this number.
    pub up_to: u64,
}

/// Messages are forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// How many.
    pub count: u64,
}

/// What a wallet that is connected is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayNotice {
    /// There are messages up to this number; `relay_inbox` has them. Told at once if any waits.
    Message {
        /// The newest one's.
        number: u64,
    },
    /// The site has published something.
    Post(PostView),
    /// The session is over; nothing more comes.
    Ended,
}
