//! What may happen to a booking where it stands.
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Error, Status};
use countersign_types::AccountId;

/// True if nothing happens to a booking any more, but for paying out what a frozen asset keeps back.
pub const fn has_ended(status: Status) -> bool {
    match status {
        Status::Requested | Status::Paid | Status::CheckedIn | Status::CheckedOut | Status::Disputed => false,
        Status::Lapsed
        | Status::Cancelled
        | Status::Withdrawn
        | Status::NoShow
        | Status::Completed
        | Status::Resolved
        | Status::Undecided => true,
    }
}

/// Checks that a booking stands at one of these, and that its parties may still act: the ledger's own time has not come.
///
/// Deadlines are judged by the block's time and not by whether the job has run, since a full lane may put it off.
///
/// # Errors
/// The refusal that tells where it stands, or [`Error::TooLate`].
#[inline(never)]
pub fn check(host: &mut impl Host, record: &BookingRecord, allowed: &[Status]) -> Result<(), Error> {
    if !allowed.contains(&record.status) {
        return Err(match record.status {
            Status::Requested => Error::NotPaid,
            Status::Paid if allowed == [Status::Requested] => Error::AlreadyPaid,
            Status::Paid => Error::NotCheckedIn,
            Status::CheckedIn => Error::AlreadyCheckedIn,
            Status::CheckedOut => Error::AlreadyCheckedOut,
            Status::Disputed => Error::InDispute,
            _ => Error::BookingEnded,
        });
    }
    if host.now() >= record.due_at { Err(Error::TooLate) } else { Ok(()) }
}

/// Checks that the booking is this customer's.
///
/// # Errors
/// [`Error::NotTheCustomer`].
#[inline(never)]
pub fn check_customer(record: &BookingRecord, customer: &AccountId) -> Result<(), Error> {
    if record.customer == *customer { Ok(()) } else { Err(Error::NotTheCustomer) }
}

/// Checks that the booking is with this merchant.
///
/// # Errors
/// [`Error::NotTheMerchant`].
#[inline(never)]
pub fn check_merchant(record: &BookingRecord, merchant: &AccountId) -> Result<(), Error> {
    if record.merchant == *merchant { Ok(()) } else { Err(Error::NotTheMerchant) }
}

/// Checks that the account is the booking's customer or merchant.
///
/// # Errors
/// [`Error::NotAParty`].
#[inline(never)]
pub fn check_party(record: &BookingRecord, party: &AccountId) -> Result<(), Error> {
    if [&record.customer, &record.merchant].contains(&party) { Ok(()) } else { Err(Error::NotAParty) }
}
