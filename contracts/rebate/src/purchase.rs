//! The first-type transaction: a customer pays a merchant.
use crate::payment;
use crate::state::{PURCHASES, emit};
use countersign_contract_sdk::{Host, call_id};
use countersign_interface::rebate::{Error, Purchase, PurchaseRecord, Purchased};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, Hash};

pub fn purchase(host: &mut impl Host, merchant: AccountId, customer: AccountId, args: Purchase) -> Result<(), Error> {
    let Purchase { asset, amount, reference } = args;
    if merchant == customer {
        return Err(Error::SameAccount);
    }
    check_merchant(host, merchant)?;
    payment::check(host, customer, asset, amount)?;
    let purchase = new_id(host)?;

    // Everything is checked; from here on it must succeed.
    host.transfer(customer, merchant, asset, amount);
    let record = PurchaseRecord {
        merchant,
        buyer: customer,
        asset,
        amount,
        refunded: Amount::ZERO,
        at: host.now(),
        reference: reference.clone(),
        offer: None,
    };
    PURCHASES.set(host, &purchase, &record);
    emit(host, &Purchased { purchase, merchant, customer, asset, amount, reference });
    Ok(())
}

/// Checks that the account may sell.
///
/// # Errors
/// [`Error::NotAMerchant`].
pub fn check_merchant(host: &mut impl Host, merchant: AccountId) -> Result<(), Error> {
    if host.has_role(merchant, Role::Merchant) { Ok(()) } else { Err(Error::NotAMerchant) }
}

/// The id of the purchase this call makes.
///
/// # Errors
/// [`Error::PurchaseExists`] if another contract calls a second time within one call.
pub fn new_id(host: &mut impl Host) -> Result<Hash, Error> {
    let id = call_id(host);
    if PURCHASES.contains(host, &id) { Err(Error::PurchaseExists) } else { Ok(id) }
}
