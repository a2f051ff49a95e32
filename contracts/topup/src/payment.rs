//! What must hold before value moves, so that the ledger's transfer cannot fail afterwards.
use countersign_contract_sdk::Host;
use countersign_interface::topup::Error;
use countersign_types::{AccountId, Amount, AssetId};

/// Checks that `payer` can pay `amount` now.
///
/// # Errors
/// [`Error::AssetUnavailable`] or [`Error::InsufficientFunds`].
pub fn check(host: &mut impl Host, payer: AccountId, asset: AssetId, amount: Amount) -> Result<(), Error> {
    if !host.asset_is_active(asset) {
        return Err(Error::AssetUnavailable);
    }
    if host.balance(payer, asset) < amount { Err(Error::InsufficientFunds) } else { Ok(()) }
}

/// Checks that `payee` may be paid: an enrolled account, neither it nor its member suspended.
///
/// # Errors
/// [`Error::PayeeUnavailable`].
pub fn check_payee(host: &mut impl Host, payee: AccountId) -> Result<(), Error> {
    match host.account(payee) {
        Some((_, _, true)) => Ok(()),
        _ => Err(Error::PayeeUnavailable),
    }
}
