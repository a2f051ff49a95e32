//! The second-type transaction: sets the rebate's amount aside and has the ledger settle it at the rebate time.
//!
//! All three parties sign this call, which holds the whole offer: the offer's own signatures would prove nothing more.
use crate::offer::{self, Parties};
use crate::payment;
use crate::state::{REBATES, REDEEMED, SET_ASIDE, emit};
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Claim, Claimed, Error, Locked, RebateRecord, Settle, State, scheduled};
use countersign_types::Amount;
use parity_scale_codec::Encode;

pub fn claim(host: &mut impl Host, parties: Parties, args: Claim) -> Result<(), Error> {
    let Parties { merchant, customer, third_party } = parties;
    let (rebate, offer) = offer::read(host, &args.offer, parties)?;
    let (asset, amount, settles_at) = (offer.asset, offer.rebate, offer.rebate_time);
    if (args.asset, args.amount, args.settles_at) != (asset, amount, settles_at) {
        return Err(Error::RebateDiffers);
    }
    if host.now() >= settles_at {
        return Err(Error::RebateTimePassed);
    }
    if REBATES.contains(host, &rebate) {
        return Err(Error::RebateExists);
    }
    payment::check(host, merchant, asset, amount)?;
    let held = SET_ASIDE.get(host, &asset).unwrap_or_default();
    let held = held.checked_add(amount).expect("the contract holds no more than the asset's supply");

    // Everything is checked; from here on it must succeed.
    let this = host.this();
    host.transfer(merchant, this, asset, amount);
    SET_ASIDE.set(host, &asset, &held);
    let purchase = REDEEMED.get(host, &rebate);
    let record = RebateRecord {
        offer: rebate,
        merchant,
        customer,
        third_party,
        asset,
        amount,
        paid: Amount::ZERO,
        settles_at,
        purchase_required: offer.purchase_required,
        purchase,
        state: if purchase.is_some() { State::Locked } else { State::Pending },
    };
    REBATES.set(host, &rebate, &record);
    host.schedule(settles_at, scheduled::settle, Settle { rebate }.encode());
    emit(host, &Claimed { rebate, merchant, customer, third_party, asset, amount, settles_at });
    if let Some(purchase) = purchase {
        emit(host, &Locked { rebate, purchase, customer, merchant });
    }
    Ok(())
}
