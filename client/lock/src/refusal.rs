//! Why a lock stays shut: one reason each, with a number for small displays and words for people.
use crate::text::BadText;
use countersign_interface::booking::Status;
use countersign_state::ProofError;
use countersign_types::DecodeError;
use countersign_types::block::BadCertificate;

/// Why a lock stays shut.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The text is not of the form, or cut off.
    #[error(transparent)]
    Text(#[from] BadText),
    /// The bytes are not what they should be.
    #[error(transparent)]
    Format(#[from] DecodeError),
    /// Written by another version.
    #[error("it has version {found}, this lock reads version 1")]
    OtherVersion {
        /// The version found.
        found: u8,
    },
    /// The header is of another chain.
    #[error("it is of another chain than this lock believes")]
    OtherChain,
    /// The header is older than the validators that the lock knows.
    #[error("its header of height {height} is older than the validators this lock knows, those since height {since}")]
    BeforeTrust {
        /// The header's height.
        height: u64,
        /// The first height the lock can judge.
        since: u64,
    },
    /// The validators changed, and the lock has not been told to whom.
    #[error("the validators of height {height} are not those this lock knows; it has to be updated")]
    OtherValidators {
        /// The header's height.
        height: u64,
    },
    /// The next validators of a handover are not those that its header names.
    #[error("the validators after height {height} are not those that its header names")]
    OtherNext {
        /// Height of the handover's header.
        height: u64,
    },
    /// The certificate does not vouch for the header.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The header's time is ahead of the lock's clock.
    #[error("its header is {} s ahead of this lock's clock; the clock may have to be set", .ahead_ms / 1000)]
    FromTheFuture {
        /// By how much.
        ahead_ms: u64,
    },
    /// The header is too old: what it says may have changed.
    #[error("it is {} s old, this lock takes none older than {} s; make a new one", .age_ms / 1000, .limit_ms / 1000)]
    Stale {
        /// Its age.
        age_ms: u64,
        /// The oldest taken.
        limit_ms: u64,
    },
    /// The booking's record is not that of the certified state.
    #[error("the booking is not on the ledger like this")]
    Booking(#[source] ProofError),
    /// The holder's record is not that of the certified state.
    #[error("the holder is not on the ledger like this")]
    Holder(#[source] ProofError),
    /// The booking is with another merchant.
    #[error("the booking is with another merchant")]
    OtherMerchant,
    /// No object is bound to it.
    #[error("no object is bound to the booking yet; choose one or check in")]
    NoObject,
    /// Another object is bound to it.
    #[error("the booking is for another object")]
    OtherObject,
    /// It is not paid.
    #[error("the booking is not paid")]
    Unpaid,
    /// The listing asks for papers, and the merchant has not accepted any.
    #[error("the merchant has not accepted the holder's papers")]
    NotIdentified,
    /// The merchant has checked the customer out.
    #[error("the merchant has checked the customer out")]
    CheckedOut,
    /// An arbiter decides about it.
    #[error("the booking is in dispute")]
    InDispute,
    /// It was cancelled, or is over.
    #[error("the booking has ended: {}", ended(.status))]
    Ended {
        /// How.
        status: Status,
    },
    /// The customer did not check in in time: the ledger ends the booking.
    #[error("the time to check in ended {} s ago", .since_ms / 1000)]
    NoShow {
        /// How long ago.
        since_ms: u64,
    },
    /// The span has not begun.
    #[error("the booked time begins in {} s", .wait_ms / 1000)]
    TooEarly {
        /// How long until then.
        wait_ms: u64,
    },
    /// The span is over.
    #[error("the booked time ended {} s ago", .since_ms / 1000)]
    TooLate {
        /// How long ago.
        since_ms: u64,
    },
    /// The holder's account may not sign.
    #[error("the holder's account is suspended")]
    HolderSuspended,
    /// No challenge waits: it was answered already, or none was made.
    #[error("this lock waits for no answer: a challenge opens once; ask for a new one")]
    NoChallenge,
    /// The answer is to another challenge than the one that waits.
    #[error("the answer is to another challenge: an older one, or another lock's")]
    OtherChallenge,
    /// The challenge that waits is too old.
    #[error("the challenge is {} s old and void; ask for a new one", .age_ms / 1000)]
    ChallengeExpired {
        /// Its age.
        age_ms: u64,
    },
    /// A signature is not valid for its key and this challenge.
    #[error("a signature is not the holder's over this challenge")]
    Signature,
    /// Signatures out of order, or of keys that are not the holder's, or too few.
    #[error("the signatures do not reach what the holder's account requires")]
    NotTheHolder,
}

const fn ended(status: &Status) -> &'static str {
    match status {
        Status::Lapsed => "it was not paid in time",
        Status::Cancelled => "the customer cancelled it",
        Status::Withdrawn => "the merchant cancelled it",
        Status::NoShow => "the customer did not come",
        Status::Completed => "it is completed",
        Status::Resolved | Status::Undecided => "a dispute about it was settled",
        Status::Requested | Status::Paid | Status::CheckedIn | Status::CheckedOut | Status::Disputed => "it goes on",
    }
}

impl Refusal {
    /// Numbers and names of all reasons; both keep their meaning.
    pub const ALL: [(u8, &'static str); 29] = [
        (1, "text"),
        (2, "format"),
        (3, "other_version"),
        (4, "other_chain"),
        (5, "before_trust"),
        (6, "other_validators"),
        (7, "other_next"),
        (8, "certificate"),
        (9, "from_the_future"),
        (10, "stale"),
        (11, "booking_proof"),
        (12, "holder_proof"),
        (13, "other_merchant"),
        (14, "no_object"),
        (15, "other_object"),
        (16, "unpaid"),
        (17, "not_identified"),
        (18, "checked_out"),
        (19, "in_dispute"),
        (20, "ended"),
        (21, "no_show"),
        (22, "too_early"),
        (23, "too_late"),
        (24, "holder_suspended"),
        (25, "no_challenge"),
        (26, "other_challenge"),
        (27, "challenge_expired"),
        (28, "signature"),
        (29, "not_the_holder"),
    ];

    /// The reason's number.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::Format(_) => 2,
            Self::OtherVersion { .. } => 3,
            Self::OtherChain => 4,
            Self::BeforeTrust { .. } => 5,
            Self::OtherValidators { .. } => 6,
            Self::OtherNext { .. } => 7,
            Self::Certificate(_) => 8,
            Self::FromTheFuture { .. } => 9,
            Self::Stale { .. } => 10,
            Self::Booking(_) => 11,
            Self::Holder(_) => 12,
            Self::OtherMerchant => 13,
            Self::NoObject => 14,
            Self::OtherObject => 15,
            Self::Unpaid => 16,
            Self::NotIdentified => 17,
            Self::CheckedOut => 18,
            Self::InDispute => 19,
            Self::Ended { .. } => 20,
            Self::NoShow { .. } => 21,
            Self::TooEarly { .. } => 22,
            Self::TooLate { .. } => 23,
            Self::HolderSuspended => 24,
            Self::NoChallenge => 25,
            Self::OtherChallenge => 26,
            Self::ChallengeExpired { .. } => 27,
            Self::Signature => 28,
            Self::NotTheHolder => 29,
        }
    }

    /// The reason's name, for programs.
    pub fn name(&self) -> &'static str {
        Self::ALL[usize::from(self.code()) - 1].1
    }
}
