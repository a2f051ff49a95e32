//! Every bound of letters and of what a wallet keeps of them, with its reason. Those of the wire stand in
//! [`crate::rpc_types::relay`].
use crate::rpc_types::relay::ATTACHMENT_BYTES_MAX;

/// Bytes of a letter's text, or of the note beside a proposal or file: some pages. With the largest file it stays short
/// of the padding's next step, so that every letter fits an envelope.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a file's name: file systems take 255, and a wallet may add to it when it is saved.
pub const FILE_NAME_BYTES_MAX: usize = 200;
/// Bytes of an encoded letter with its signature: the largest attachment, its note and name, and some hundred for the
/// rest.
pub const LETTER_BYTES_MAX: usize = ATTACHMENT_BYTES_MAX + TEXT_BYTES_MAX + 1024;
/// Bytes to which every smaller letter is padded: a short text looks like a proposal of one call.
pub const PADDED_BYTES_MIN: usize = 1024;
/// How far the sender's clock may be ahead of this one.
pub const CLOCK_AHEAD_MS_MAX: u64 = 5 * 60 * 1000;

/// Messages that a wallet keeps for one account: as many as a relay hands out in a hundred pages. Listing them takes a
/// moment.
pub const STORED_MESSAGES_MAX: usize = 10_000;
/// Bytes of all of them: half of the messages could carry nothing else than identity papers of a hundred kilobytes.
pub const STORED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Messages set aside because they are not to be believed. The oldest makes room: whoever floods a wallet with them
/// gains nothing.
pub const ASIDE_MESSAGES_MAX: usize = 200;
/// Bytes of what stands before letter and envelope in a stored message: times, a name, a reason.
pub const HEAD_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the reason for which a message was set aside.
pub const REASON_BYTES_MAX: usize = 1024;
/// Characters of a message's id by which it may be named.
pub const ID_CHARS_MIN: usize = 8;
/// Messages in one page of a listing.
pub const LISTING_PAGE_MAX: usize = 200;
/// Ids that a store remembers of messages that were removed or made room, until they expire: a relay may not bring them
/// again.
pub const FORGOTTEN_MAX: usize = 20_000;

/// Bytes of a session's file: seven short fields.
pub const SESSION_FILE_BYTES_MAX: u64 = 4 * 1024;
/// Sessions that are looked at: a person has a few.
pub const SESSIONS_MAX: usize = 1_000;
