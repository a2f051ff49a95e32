//! Binding to a service, and asking for a booking: the contract checks availability, prices it and issues the order.
use crate::calendar::{self, Slot};
use crate::limits;
use crate::listing;
use crate::places::Floor;
use crate::state::{BOOKINGS, PLACES, UNPAID, USERS, emit, keep, tell, type_of};
use countersign_contract_sdk::{Host, call_id};
use countersign_interface::booking::{
    Bind, BookingRecord, Bound, Error, Identity, Lapse, ObjectType, Request, Requested, Status, Unit, scheduled,
};
use countersign_types::{AccountId, Amount, Timestamp, lean};

pub fn bind(host: &mut impl Host, customer: AccountId, args: Bind) -> Result<(), Error> {
    let merchant = args.merchant;
    if customer == merchant {
        return Err(Error::SameAccount);
    }
    listing::current(host, merchant)?;
    if USERS.contains(host, &(customer, merchant)) {
        return Err(Error::AlreadyBound);
    }

    // Everything is checked; from here on it must succeed.
    let now = host.now();
    USERS.set(host, &(customer, merchant), &now);
    emit(host, &Bound { customer, merchant });
    Ok(())
}

pub fn request(host: &mut impl Host, customer: AccountId, args: Request) -> Result<(), Error> {
    let Request { merchant, kind, from, until } = args;
    let listing = listing::current(host, merchant)?;
    listing::check_merchant(host, merchant)?;
    if listing.arbiter == Some(customer) {
        return Err(Error::SameAccount);
    }
    if !USERS.contains(host, &(customer, merchant)) {
        return Err(Error::NotBound);
    }
    let offered = type_of(host, &merchant, &listing, &kind)?;
    let price = price(&offered, from, until)?;
    let now = host.now();
    if from <= now {
        return Err(Error::StartPassed);
    }
    let unpaid = UNPAID.get(host, &(customer, merchant)).unwrap_or(0);
    if unpaid >= limits::UNPAID_MAX {
        return Err(Error::TooManyUnpaid);
    }
    let booking = call_id(host);
    if BOOKINGS.contains(host, &booking) {
        return Err(Error::BookingExists);
    }
    // The last check, since it may already move others: a refusal undoes that.
    let place = Floor::for_request(host, &merchant, listing.number).make_room(&offered.objects, from, until);
    let place = place.ok_or(Error::NoneFree)?;

    // Everything is checked; from here on it must succeed.
    let pay_within_ms = u64::from(listing.pay_within_s) * limits::SECOND_MS;
    let pay_by = now.checked_add_millis(pay_within_ms).unwrap_or(from).min(from);
    calendar::put(host, &merchant, &place, &Slot { from, until, booking, listing: listing.number, bound: false });
    PLACES.set(host, &booking, &place);
    UNPAID.set(host, &(customer, merchant), &(unpaid + 1));
    let job = host.schedule(pay_by, scheduled::lapse, lean::encode(&Lapse { booking }));
    let record = BookingRecord {
        customer,
        merchant,
        listing: listing.number,
        kind: kind.clone(),
        from,
        until,
        asset: listing.asset,
        price,
        object: None,
        identity: if listing.identity_required { Identity::Missing } else { Identity::NotRequired },
        papers: None,
        status: Status::Requested,
        due_at: pay_by,
        job,
        to_customer: Amount::ZERO,
        to_merchant: Amount::ZERO,
        settled: false,
    };
    keep(host, &booking, &record);
    tell::<Requested>(host, &booking, &record, &(&kind, from, until, &listing.asset, price, pay_by));
    Ok(())
}

/// One price for each unit of time that has begun.
fn price(offered: &ObjectType, from: Timestamp, until: Timestamp) -> Result<Amount, Error> {
    let span_ms = until.saturating_since(from);
    if span_ms == 0 || span_ms > limits::SPAN_MS_MAX {
        return Err(Error::BadSpan);
    }
    let unit_ms = match offered.unit {
        Unit::Hour => limits::HOUR_MS,
        Unit::Day | Unit::Night => limits::DAY_MS,
        Unit::Week => 7 * limits::DAY_MS,
    };
    let units = span_ms.div_ceil(unit_ms);
    Ok(offered.price.checked_mul(units.into()).expect("a listing's price fits the longest booking"))
}

/// One unpaid booking less.
pub fn forget_unpaid(host: &mut impl Host, record: &BookingRecord) {
    let key = (record.customer, record.merchant);
    let unpaid = UNPAID.get(host, &key).expect("an unpaid booking is counted");
    match unpaid.checked_sub(1).expect("an unpaid booking is counted") {
        0 => UNPAID.remove(host, &key),
        left => UNPAID.set(host, &key, &left),
    }
}
