//! What must hold before value moves, so that the ledger's transfer cannot fail afterwards.
use countersign_contract_sdk::Host;
use countersign_interface::rebate::Error;
use countersign_types::{AccountId, Amount, AssetId};

/// Checks that `payer` can pay `amount` now.
///
/// # Errors
/// [`Error::AmountZero`], [`Error::AssetUnavailable`] or [`Error::InsufficientFunds`].
pub fn check(host: &mut impl Host, payer: AccountId, asset: AssetId, amount: Amount) -> Result<(), Error> {
    if amount.is_zero() {
        return Err(Error::AmountZero);
    }
    if !host.asset_is_active(asset) {
        return Err(Error::AssetUnavailable);
    }
    if host.balance(payer, asset) < amount {
        return Err(Error::InsufficientFunds);
    }
    Ok(())
}
