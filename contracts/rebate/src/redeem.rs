//! The new first-type transaction: the third party buys at the offer's price.
use crate::offer::{self, Parties};
use crate::state::{PURCHASES, REBATES, REDEEMED, emit};
use crate::{payment, purchase};
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Error, Locked, PurchaseRecord, Redeem, Redeemed, State};
use countersign_types::Amount;

pub fn redeem(host: &mut impl Host, parties: Parties, args: Redeem) -> Result<(), Error> {
    let Parties { merchant, customer, third_party } = parties;
    let Redeem { offer: signed, reference } = args;
    purchase::check_merchant(host, merchant)?;
    let (offer_id, offer) = offer::read(host, &signed.document, parties)?;
    if host.now() >= offer.deadline {
        return Err(Error::DeadlinePassed);
    }
    if REDEEMED.contains(host, &offer_id) {
        return Err(Error::OfferUsed);
    }
    payment::check(host, third_party, offer.asset, offer.price)?;
    let purchase = purchase::new_id(host)?;
    // Last, for it costs the most.
    if !host.verify_document(signed) {
        return Err(Error::OfferNotSigned);
    }

    // Everything is checked; from here on it must succeed.
    host.transfer(third_party, merchant, offer.asset, offer.price);
    let record = PurchaseRecord {
        merchant,
        buyer: third_party,
        asset: offer.asset,
        amount: offer.price,
        refunded: Amount::ZERO,
        at: host.now(),
        reference: reference.clone(),
        offer: Some(offer_id),
    };
    PURCHASES.set(host, &purchase, &record);
    REDEEMED.set(host, &offer_id, &purchase);
    let (asset, amount) = (offer.asset, offer.price);
    emit(host, &Redeemed { purchase, offer: offer_id, merchant, customer, third_party, asset, amount, reference });
    if let Some(mut rebate) = REBATES.get(host, &offer_id) {
        // Still pending: the deadline has not passed, and the rebate is settled later than it.
        rebate.purchase = Some(purchase);
        rebate.state = State::Locked;
        REBATES.set(host, &offer_id, &rebate);
        emit(host, &Locked { rebate: offer_id, purchase, customer, merchant });
    }
    Ok(())
}
