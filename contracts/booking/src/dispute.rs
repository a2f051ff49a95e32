//! Disputes: the escrow waits for an arbiter, but not for ever.
use crate::state::{booking_of, keep, tell, terms_of};
use crate::{end, limits, stage};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{Dispute, Disputed, Error, Release, Resolve, Status, scheduled};
use countersign_types::account::Role;
use countersign_types::{AccountId, Timestamp, lean};

pub fn dispute(host: &mut impl Host, party: AccountId, args: Dispute) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_party(&record, &party)?;
    stage::check(host, &record, &[Status::Paid, Status::CheckedIn, Status::CheckedOut])?;
    let listing = terms_of(host, &record);
    let decide_within_ms = u64::from(listing.decide_within_s) * limits::SECOND_MS;
    let decide_by = host.now().checked_add_millis(decide_within_ms).unwrap_or(Timestamp::MAX);

    // Everything is checked; from here on it must succeed.
    host.cancel(record.job);
    record.status = Status::Disputed;
    record.due_at = decide_by;
    record.job = host.schedule(decide_by, scheduled::release, lean::encode(&Release { booking: args.booking }));
    keep(host, &args.booking, &record);
    tell::<Disputed>(host, &args.booking, &record, &(&party, &args.reason, decide_by));
    Ok(())
}

pub fn resolve(host: &mut impl Host, arbiter: AccountId, args: Resolve) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    let is_arbiter = match terms_of(host, &record).arbiter {
        Some(named) => named == arbiter,
        None => {
            let is_party = stage::check_party(&record, &arbiter).is_ok();
            !is_party && host.has_role(arbiter, Role::Arbiter)
        }
    };
    if !is_arbiter {
        return Err(Error::NotTheArbiter);
    }
    if record.status != Status::Disputed && !stage::has_ended(record.status) {
        return Err(Error::NotInDispute);
    }
    stage::check(host, &record, &[Status::Disputed])?;
    if args.asset != record.asset {
        return Err(Error::PriceDiffers);
    }
    if args.to_customer.checked_add(args.to_merchant) != Some(record.price) {
        return Err(Error::SplitDiffers);
    }

    // Everything is checked; from here on it must succeed.
    end::end(host, &args.booking, &mut record, Status::Resolved, args.to_customer);
    Ok(())
}
