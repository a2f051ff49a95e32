//! Referral rebates: a customer who brings a newcomer is paid back part of the price, and the merchant cannot default on it.
//!
//! 1. `purchase`: a customer pays a merchant. The purchase's id is [`countersign_contract_sdk::call_id`].
//! 2. Off the ledger merchant, customer and a third party sign an *offer*: a document `rebate/Offer` that names the purchase,
//!    a lower price for the third party until a deadline, and a rebate for the customer at a later time.
//! 3. `redeem`: the third party buys at the offer's price, before the deadline, once. All three sign.
//! 4. `claim`: sets the rebate's amount aside from the merchant in the contract's own account, before the rebate time, once.
//!    All three sign; amount and time are the offer's. The rebate's id is the hash of its offer.
//! 5. `settle`, by the ledger itself at the rebate time: what was set aside goes to the customer if the newcomer bought or the
//!    offer does not require it, else back to the merchant.
//! 6. `refund`: the merchant pays a purchase back, in parts if it likes.
//!
//! Rules that are not obvious from the calls:
//! - A rebate that requires a purchase shrinks with refunds of it until it is settled: `amount × (price − refunded) ÷ price`,
//!   rounded down, computed once at settlement so that rounding does not depend on how refunds were split. The rest returns
//!   to the merchant then. A rebate that requires no purchase is paid in full.
//! - Redeeming and claiming come in any order. A rebate is locked as soon as both have happened.
//! - An offer counts until its document expires; whoever draws it up lets it expire no earlier than the rebate time.
//! - A merchant's licence is asked for where it sells (`purchase`, `redeem`), not where it pays what it owes.
//! - If the asset is frozen at the rebate time the job is refused and the amount stays set aside; once the asset moves again
//!   anyone calls `collect`. A job does not put itself off because it is paid for one run only. Suspended accounts receive.
//!
//! Invariants: the contract's account holds the sum of the rebates that are not settled (and what somebody gives it by an ordinary
//! transfer, which no rule touches); an offer is redeemed at most once and claimed at most once; a settled rebate never moves
//! again.
#![no_std]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod claim;
mod offer;
mod payment;
mod purchase;
mod queries;
mod redeem;
mod refund;
mod settle;
mod state;
#[cfg(test)]
mod tests;

use countersign_contract_sdk::Host;
use countersign_interface::rebate::{
    Claim, Collect, Error, Purchase, PurchaseOf, PurchaseRecord, RebateOf, RebateRecord, Redeem, Refund, Rules,
    SetAside, Settle,
};
use countersign_types::{AccountId, Amount};

/// The contract's rules.
#[derive(Debug)]
pub struct Rebate;

#[cfg(target_arch = "wasm32")]
countersign_contract_sdk::entry!(Rebate, rebate);

impl<H: Host> Rules<H> for Rebate {
    fn purchase(host: &mut H, merchant: AccountId, customer: AccountId, args: Purchase) -> Result<(), Error> {
        purchase::purchase(host, merchant, customer, args)
    }

    fn redeem(
        host: &mut H,
        merchant: AccountId,
        customer: AccountId,
        third_party: AccountId,
        args: Redeem,
    ) -> Result<(), Error> {
        redeem::redeem(host, offer::Parties { merchant, customer, third_party }, args)
    }

    fn claim(
        host: &mut H,
        merchant: AccountId,
        customer: AccountId,
        third_party: AccountId,
        args: Claim,
    ) -> Result<(), Error> {
        claim::claim(host, offer::Parties { merchant, customer, third_party }, args)
    }

    fn refund(host: &mut H, merchant: AccountId, buyer: AccountId, args: Refund) -> Result<(), Error> {
        refund::refund(host, merchant, buyer, args)
    }

    fn collect(host: &mut H, _asker: AccountId, args: Collect) -> Result<(), Error> {
        settle::settle(host, args.rebate)
    }

    fn settle(host: &mut H, args: Settle) -> Result<(), Error> {
        settle::settle(host, args.rebate)
    }

    fn purchase_of(host: &mut H, args: PurchaseOf) -> Result<PurchaseRecord, Error> {
        queries::purchase_of(host, args)
    }

    fn rebate_of(host: &mut H, args: RebateOf) -> Result<RebateRecord, Error> {
        queries::rebate_of(host, args)
    }

    fn set_aside(host: &mut H, args: SetAside) -> Result<Amount, Error> {
        queries::set_aside(host, args)
    }
}
