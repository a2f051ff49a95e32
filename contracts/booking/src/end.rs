//! How a booking ends: its object is free again and the escrow is split, by the ledger itself when the time has come.
use crate::state::{ESCROW, booking_of, keep, tell, terms_of};
use crate::{listing, places, request, stage};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Ended, Error, Settled, Status};
use countersign_types::{Amount, Hash};

/// A part of an amount, rounded down.
///
/// By hand, 32 bits at a time: a division of 128 bits would be two thousand bytes of wasm.
pub fn percent(amount: Amount, percent: u8) -> Amount {
    const HUNDRED: u64 = 100;
    let (mut hundredth, mut rest) = (0_u128, 0_u64);
    for shift in [96, 64, 32, 0] {
        let part = rest << 32 | (amount.get() >> shift) as u32 as u64;
        hundredth = hundredth << 32 | u128::from(part / HUNDRED);
        rest = part % HUNDRED;
    }
    let whole = Amount::new(hundredth).checked_mul(percent.into());
    let of_rest = Amount::new(u128::from(rest * u64::from(percent) / HUNDRED));
    whole.and_then(|whole| whole.checked_add(of_rest)).expect("a part of the amount")
}

/// Ends a booking: `to_customer` of what is in escrow goes back, the rest to the merchant. If the asset is frozen both wait for
/// [`collect`].
#[inline(never)]
pub fn end(host: &mut impl Host, booking: &Hash, record: &mut BookingRecord, status: Status, to_customer: Amount) {
    let unpaid = record.status == Status::Requested;
    let escrowed = if unpaid { Amount::ZERO } else { record.price };
    if unpaid {
        request::forget_unpaid(host, record);
    }
    host.cancel(record.job);
    places::leave(host, booking, record);
    record.status = status;
    record.to_customer = to_customer;
    record.to_merchant = escrowed.checked_sub(to_customer).expect("no more goes back than was paid");
    record.settled = pay_out(host, record);
    keep(host, booking, record);
    tell::<Ended>(host, booking, record, &(status, &record.asset, to_customer, record.to_merchant, record.settled));
}

/// Pays both parts out; false, and nothing happened, if the asset is frozen.
#[inline(never)]
fn pay_out(host: &mut impl Host, record: &BookingRecord) -> bool {
    let BookingRecord { asset, to_customer, to_merchant, .. } = *record;
    let total = to_customer.checked_add(to_merchant).expect("the parts are those of the price");
    if total.is_zero() {
        return true;
    }
    if !host.asset_is_active(asset) {
        return false;
    }
    let held = ESCROW.get(host, &asset).unwrap_or_default();
    let held = held.checked_sub(total).expect("the price was added when it was paid");
    let this = host.this();
    for (to, amount) in [(&record.customer, to_customer), (&record.merchant, to_merchant)] {
        if !amount.is_zero() {
            host.transfer(this, *to, asset, amount);
        }
    }
    ESCROW.set(host, &asset, &held);
    true
}

/// What the ledger does by itself when a booking's time has come.
///
/// # Errors
/// [`Error::UnknownBooking`], [`Error::BookingEnded`] or [`Error::NotYetDue`].
#[inline(never)]
pub fn due(host: &mut impl Host, booking: &Hash) -> Result<(), Error> {
    let mut record = booking_of(host, booking)?;
    if stage::has_ended(record.status) {
        return Err(Error::BookingEnded);
    }
    if host.now() < record.due_at {
        return Err(Error::NotYetDue);
    }
    let (status, to_customer) = match record.status {
        Status::Requested => (Status::Lapsed, Amount::ZERO),
        // Nobody can check in with a merchant that may not sell any more.
        Status::Paid if listing::check_merchant(host, record.merchant).is_err() => (Status::Withdrawn, record.price),
        Status::Paid => (Status::NoShow, Amount::ZERO),
        Status::Disputed => {
            let undecided_percent = terms_of(host, &record).undecided_percent;
            (Status::Undecided, percent(record.price, undecided_percent))
        }
        _ => (Status::Completed, Amount::ZERO),
    };

    // Everything is checked; from here on it must succeed.
    end(host, booking, &mut record, status, to_customer);
    Ok(())
}

/// Does what is due and was not done, or pays out what a frozen asset had kept back.
///
/// # Errors
/// [`Error::UnknownBooking`], [`Error::NotYetDue`], [`Error::AlreadySettled`] or [`Error::AssetUnavailable`].
pub fn collect(host: &mut impl Host, booking: &Hash) -> Result<(), Error> {
    let mut record = booking_of(host, booking)?;
    if !stage::has_ended(record.status) {
        return due(host, booking);
    }
    if record.settled {
        return Err(Error::AlreadySettled);
    }
    if !pay_out(host, &record) {
        return Err(Error::AssetUnavailable);
    }

    // Everything is checked; from here on it must succeed.
    record.settled = true;
    keep(host, booking, &record);
    tell::<Settled>(host, booking, &record, &(&record.asset, record.to_customer, record.to_merchant));
    Ok(())
}
