//! Every bound of the server, with its reason. Those of the wire stand in `rpc_types::site`.
use std::time::Duration;

/// Connections at once; a relay needs a few, each waiting request one.
pub const CONNECTIONS_MAX: usize = 2_000;
/// Requests waiting for posts at once, below the connections: the others must get through.
pub const WAITING_MAX: usize = 1_000;
/// Logins begun and not finished: some hundred bytes each.
pub const LOGINS_MAX: usize = 10_000;
/// Sessions open at once: some hundred bytes each, in memory and on disk.
pub const SESSIONS_MAX: usize = 100_000;
/// Sessions of one user: a few devices at a few relays. One more ends the oldest.
pub const USER_SESSIONS_MAX: usize = 16;
/// Nonces remembered for one relay: 500 requests a second for as long as a request may be old, before and after its time.
pub const NONCES_MAX: usize = 60_000;
/// Users and relays whose attempts are counted: as many names as the relays may try in a window.
pub const COUNTED_MAX: usize = 200_000;
/// Bytes of a request's head; signatures and their inputs take about one kilobyte.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request.
pub const HEADERS_MAX: usize = 64;
/// For a handshake, a head, a body, or the next request of a connection.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Life of a connection: one whose other side reads nothing does not hold its place for ever.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(15 * 60);
/// For the last answer of a connection that is being closed: the longest wait for posts, and time to send.
pub const LAST_ANSWER: Duration = Duration::from_secs(60);
/// For requests under way when the server is stopped.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// Users of a site: what the database was tried with; beyond it, put a user base of one's own behind the interface.
pub const USERS_MAX: u64 = 1_000_000;
/// Contacts of one user: a full address book.
pub const CONTACTS_MAX: usize = 2_000;
/// Posts kept; remove old ones.
pub const POSTS_MAX: u64 = 100_000;
/// Relays granted: those of the consortium.
pub const RELAYS_MAX: u64 = 256;
/// Bytes of what a user calls a contact, or an operator a relay.
pub const LABEL_BYTES_MAX: usize = 128;
/// Bytes of a post's title: one line.
pub const TITLE_BYTES_MAX: usize = 200;
/// Bytes of a post's text: a page.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a proposal in a post: an offer with its documents.
pub const POST_PROPOSAL_BYTES_MAX: usize = 16 * 1024;
/// Bytes of posts in one answer, as stored; what JSON and hexadecimal add keeps within `ANSWER_BYTES_MAX`.
pub const POSTS_BYTES_MAX: usize = 256 * 1024;
/// Bytes of an enrolment's proposal: one call with two signatures has some 400.
pub const ENROLMENT_BYTES_MAX: usize = 4 * 1024;
/// How long a signed enrolment may stay valid: the wallet submits it at once.
pub const ENROLMENT_VALIDITY_MS_MAX: u64 = 60 * 60 * 1000;

/// Bytes of one command of the administration: a hundred registrations.
pub const COMMAND_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of its outcome: a page of the longest items.
pub const OUTCOME_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Users registered by one command; an import sends several.
pub const REGISTRATIONS_MAX: usize = 100;
/// Items in one page of a listing.
pub const LIST_PAGE_MAX: usize = 500;
/// Bytes of a file of users to import.
pub const IMPORT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of `site.toml`.
pub const SETTINGS_BYTES_MAX: u64 = 64 * 1024;
