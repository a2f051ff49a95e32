//! Paying the price into the contract's own account.
use crate::state::{ESCROW, booking_of, keep, tell, terms_of};
use crate::{limits, listing, request, stage};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Error, NoShow, Paid, Pay, Status, scheduled};
use countersign_types::{AccountId, lean};

pub fn pay(host: &mut impl Host, customer: AccountId, args: Pay) -> Result<(), Error> {
    let Pay { asset, amount, .. } = args;
    let mut record = booking_of(host, &args.booking)?;
    stage::check_customer(&record, &customer)?;
    stage::check(host, &record, &[Status::Requested])?;
    listing::check_merchant(host, record.merchant)?;
    if (asset, amount) != (record.asset, record.price) {
        return Err(Error::PriceDiffers);
    }
    if !host.asset_is_active(asset) {
        return Err(Error::AssetUnavailable);
    }
    if host.balance(customer, asset) < amount {
        return Err(Error::InsufficientFunds);
    }
    let grace_ms = u64::from(terms_of(host, &record).grace_s) * limits::SECOND_MS;
    let held = ESCROW.get(host, &asset).unwrap_or_default();
    let held = held.checked_add(amount).expect("the contract holds no more than the asset's supply");

    // Everything is checked; from here on it must succeed.
    let this = host.this();
    host.transfer(customer, this, asset, amount);
    ESCROW.set(host, &asset, &held);
    request::forget_unpaid(host, &record);
    host.cancel(record.job);
    let BookingRecord { from, until, .. } = record;
    let come_by = from.checked_add_millis(grace_ms).unwrap_or(until).min(until);
    record.status = Status::Paid;
    record.due_at = come_by;
    record.job = host.schedule(come_by, scheduled::no_show, lean::encode(&NoShow { booking: args.booking }));
    keep(host, &args.booking, &record);
    tell::<Paid>(host, &args.booking, &record, &(&asset, amount, come_by));
    Ok(())
}
