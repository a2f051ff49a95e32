//! What anybody may ask of the contract.
use crate::state::{PURCHASES, REBATES, SET_ASIDE};
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Error, PurchaseOf, PurchaseRecord, RebateOf, RebateRecord, SetAside};
use countersign_types::Amount;

pub fn purchase_of(host: &mut impl Host, args: PurchaseOf) -> Result<PurchaseRecord, Error> {
    PURCHASES.get(host, &args.purchase).ok_or(Error::UnknownPurchase)
}

pub fn rebate_of(host: &mut impl Host, args: RebateOf) -> Result<RebateRecord, Error> {
    REBATES.get(host, &args.rebate).ok_or(Error::UnknownRebate)
}

pub fn set_aside(host: &mut impl Host, args: SetAside) -> Result<Amount, Error> {
    Ok(SET_ASIDE.get(host, &args.asset).unwrap_or_default())
}
