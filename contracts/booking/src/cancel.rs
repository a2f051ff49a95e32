//! Cancelling before check-in.
use crate::state::{booking_of, terms_of};
use crate::{end, limits, listing, stage};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Cancel, Error, Status};
use countersign_types::{AccountId, Amount};

pub fn cancel(host: &mut impl Host, party: AccountId, args: Cancel) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_party(&record, &party)?;
    let by_customer = party == record.customer;
    // The merchant may give in to a dispute.
    let allowed: &[Status] = if by_customer {
        &[Status::Requested, Status::Paid]
    } else {
        &[Status::Requested, Status::Paid, Status::Disputed]
    };
    stage::check(host, &record, allowed)?;
    let back = match (record.status, by_customer) {
        (Status::Requested, _) => Amount::ZERO,
        (_, false) => record.price,
        (_, true) => refund(host, &record),
    };

    // Everything is checked; from here on it must succeed.
    let status = if by_customer { Status::Cancelled } else { Status::Withdrawn };
    end::end(host, &args.booking, &mut record, status, back);
    Ok(())
}

/// What a customer who cancels now gets back: the part of the first tier it is in time for, rounded down; nothing if there is none;
/// all of it from a merchant that may not sell any more.
fn refund(host: &mut impl Host, record: &BookingRecord) -> Amount {
    if listing::check_merchant(host, record.merchant).is_err() {
        return record.price;
    }
    let now = host.now();
    if now > record.from {
        return Amount::ZERO;
    }
    let left_ms = record.from.saturating_since(now);
    let listing = terms_of(host, record);
    let tier = listing.refunds.iter().find(|tier| left_ms >= u64::from(tier.before_s) * limits::SECOND_MS);
    tier.map_or(Amount::ZERO, |tier| end::percent(record.price, tier.refund_percent))
}
