//! What is set aside for cash-outs, and how a request closes that comes to nothing.
use crate::state::{REQUESTS, SET_ASIDE};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Error, Kind, RequestRecord, State};
use countersign_types::{AccountId, Amount, AssetId, Hash};

/// What is set aside while the request is not closed: amount and fee of a cash-out, nothing of others.
///
/// # Errors
/// [`Error::AmountTooLarge`]: of a request that is on record it cannot arise.
pub fn amount(kind: Kind, amount: Amount, fee: Amount) -> Result<Amount, Error> {
    let sum = amount.checked_add(fee).ok_or(Error::AmountTooLarge)?;
    Ok(if kind == Kind::CashOut { sum } else { Amount::ZERO })
}

/// Moves what a new request sets aside. It must have been checked that the holder can pay it.
pub fn take(host: &mut impl Host, holder: AccountId, asset: AssetId, amount: Amount) {
    if amount.is_zero() {
        return;
    }
    let this = host.this();
    host.transfer(holder, this, asset, amount);
    let held = SET_ASIDE.get(host, &asset).unwrap_or_default();
    let held = held.checked_add(amount).expect("the contract holds no more than the asset's supply");
    SET_ASIDE.set(host, &asset, &held);
}

/// What a request that is not closed has set aside, checked to be free to move.
///
/// # Errors
/// [`Error::AssetUnavailable`] if there is something and the asset is frozen.
pub fn check_release(host: &mut impl Host, record: &RequestRecord) -> Result<Amount, Error> {
    let held = amount(record.kind, record.amount, record.fee)?;
    if held.is_zero() || host.asset_is_active(record.asset) { Ok(held) } else { Err(Error::AssetUnavailable) }
}

/// Pays out what [`check_release`] found.
pub fn release(host: &mut impl Host, to: AccountId, asset: AssetId, amount: Amount) {
    if amount.is_zero() {
        return;
    }
    let this = host.this();
    host.transfer(this, to, asset, amount);
    let held = SET_ASIDE.get(host, &asset).unwrap_or_default();
    let held = held.checked_sub(amount).expect("it was added when it was set aside");
    SET_ASIDE.set(host, &asset, &held);
}

/// Closes a request that came to nothing: what [`check_release`] found returns to the holder.
pub fn give_back(host: &mut impl Host, request: Hash, mut record: RequestRecord, held: Amount, state: State) {
    release(host, record.holder, record.asset, held);
    // The job that would close it; it is gone already if it is the one that runs.
    host.cancel(record.job);
    record.state = state;
    REQUESTS.set(host, &request, &record);
}
