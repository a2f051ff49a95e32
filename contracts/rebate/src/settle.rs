//! The end of a rebate: what was set aside goes to the customer, or back to the merchant.
use crate::state::{PURCHASES, REBATES, SET_ASIDE, emit};
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Error, RebateRecord, Settled, State};
use countersign_types::{Amount, Hash};

/// Settles a rebate whose time has come: called by the ledger at the rebate time, or by anyone if that was refused.
pub fn settle(host: &mut impl Host, rebate: Hash) -> Result<(), Error> {
    let mut record = REBATES.get(host, &rebate).ok_or(Error::UnknownRebate)?;
    if matches!(record.state, State::Paid | State::Reversed) {
        return Err(Error::AlreadySettled);
    }
    if host.now() < record.settles_at {
        return Err(Error::NotYetDue);
    }
    if !host.asset_is_active(record.asset) {
        return Err(Error::AssetUnavailable);
    }
    let paid = due(host, &record);
    let returned = record.amount.checked_sub(paid).expect("no more is due than was set aside");
    let held = SET_ASIDE.get(host, &record.asset).unwrap_or_default();
    let held = held.checked_sub(record.amount).expect("the rebate was added when it was claimed");

    // Everything is checked; from here on it must succeed.
    let RebateRecord { customer, merchant, asset, .. } = record;
    let this = host.this();
    for (to, amount) in [(customer, paid), (merchant, returned)] {
        if !amount.is_zero() {
            host.transfer(this, to, asset, amount);
        }
    }
    SET_ASIDE.set(host, &asset, &held);
    record.paid = paid;
    record.state = if paid.is_zero() { State::Reversed } else { State::Paid };
    REBATES.set(host, &rebate, &record);
    emit(host, &Settled { rebate, customer, merchant, asset, paid, returned, state: record.state });
    Ok(())
}

/// What the customer gets: all of it if no purchase is required, nothing if one is and did not happen, else the part that
/// corresponds to what of the new purchase was not refunded, rounded down.
fn due(host: &mut impl Host, record: &RebateRecord) -> Amount {
    if !record.purchase_required {
        return record.amount;
    }
    let Some(purchase) = record.purchase else {
        return Amount::ZERO;
    };
    let purchase = PURCHASES.get(host, &purchase).expect("a rebate is locked by a purchase on record");
    let kept = purchase.amount.checked_sub(purchase.refunded).expect("no more is refunded than was paid");
    record.amount.checked_ratio(kept.get(), purchase.amount.get()).expect("a part of the amount, of a price above zero")
}
