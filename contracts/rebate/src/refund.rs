//! Refunds: the merchant pays a purchase back.
use crate::payment;
use crate::state::{PURCHASES, emit};
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Error, Refund, Refunded};
use countersign_types::AccountId;

/// What a refund does to a rebate is computed when that is settled.
pub fn refund(host: &mut impl Host, merchant: AccountId, buyer: AccountId, args: Refund) -> Result<(), Error> {
    let Refund { purchase, asset, amount } = args;
    let mut record = PURCHASES.get(host, &purchase).ok_or(Error::UnknownPurchase)?;
    if record.merchant != merchant {
        return Err(Error::NotTheMerchant);
    }
    if record.buyer != buyer {
        return Err(Error::NotTheCustomer);
    }
    if record.asset != asset {
        return Err(Error::OtherAsset);
    }
    let refunded = record.refunded.checked_add(amount).ok_or(Error::RefundTooLarge)?;
    if refunded > record.amount {
        return Err(Error::RefundTooLarge);
    }
    payment::check(host, merchant, asset, amount)?;

    // Everything is checked; from here on it must succeed.
    host.transfer(merchant, buyer, asset, amount);
    record.refunded = refunded;
    PURCHASES.set(host, &purchase, &record);
    emit(host, &Refunded { purchase, merchant, buyer, asset, amount });
    Ok(())
}
