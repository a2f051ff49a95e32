//! Check-in and check-out.
use crate::state::{booking_of, keep, tell};
use crate::{end, places, stage};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{
    CheckIn, CheckOut, CheckedIn, CheckedOut, Complete, Error, Identity, Status, scheduled,
};
use countersign_types::{AccountId, Amount, lean};

pub fn check_in(host: &mut impl Host, merchant: AccountId, customer: AccountId, args: CheckIn) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_merchant(&record, &merchant)?;
    stage::check_customer(&record, &customer)?;
    stage::check(host, &record, &[Status::Paid])?;
    if host.now() < record.from {
        return Err(Error::TooEarly);
    }
    if matches!(record.identity, Identity::Missing | Identity::Shown) {
        return Err(Error::IdentityNotAccepted);
    }

    // Everything is checked; from here on it must succeed.
    let object = places::bind(host, &args.booking, &mut record);
    host.cancel(record.job);
    record.status = Status::CheckedIn;
    record.due_at = record.until;
    record.job = host.schedule(record.until, scheduled::complete, lean::encode(&Complete { booking: args.booking }));
    keep(host, &args.booking, &record);
    tell::<CheckedIn>(host, &args.booking, &record, &object);
    Ok(())
}

pub fn check_out(host: &mut impl Host, party: AccountId, args: CheckOut) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_party(&record, &party)?;
    let by_customer = party == record.customer;
    // The customer may confirm what the merchant said.
    let allowed: &[Status] = if by_customer { &[Status::CheckedIn, Status::CheckedOut] } else { &[Status::CheckedIn] };
    stage::check(host, &record, allowed)?;

    // Everything is checked; from here on it must succeed.
    tell::<CheckedOut>(host, &args.booking, &record, &party);
    if by_customer {
        end::end(host, &args.booking, &mut record, Status::Completed, Amount::ZERO);
    } else {
        places::leave(host, &args.booking, &record);
        record.status = Status::CheckedOut;
        keep(host, &args.booking, &record);
    }
    Ok(())
}
