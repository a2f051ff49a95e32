//! What anybody may ask of the contract.
use crate::access::find;
use crate::limits::CARDS_PER_ANSWER;
use crate::state::{CARDS_OF_PREFIX, HELD, PAYMENTS, card_key, order_key};
use countersign_contract_sdk::Host;
use countersign_interface::card::{CardOf, CardRecord, CardsOf, Error, Held, PaymentOf, PaymentRecord};
use countersign_types::{Amount, List, Name};
use parity_scale_codec::{DecodeAll, Encode};

pub fn card_of(host: &mut impl Host, args: CardOf) -> Result<CardRecord, Error> {
    Ok(find(host, &args.card)?.1)
}

pub fn payment_of(host: &mut impl Host, args: PaymentOf) -> Result<PaymentRecord, Error> {
    let key = order_key(host, &args.device, &args.order);
    PAYMENTS.get(host, &key).ok_or(Error::UnknownPayment)
}

/// In the order of the names' hashes.
pub fn cards_of(host: &mut impl Host, args: CardsOf) -> Result<List<Name>, Error> {
    let prefix = (CARDS_OF_PREFIX, args.holder).encode();
    let after = args.after.map(|card| (CARDS_OF_PREFIX, args.holder, card_key(host, &card)).encode());
    let mut names = List::empty();
    for (_, name) in host.range(prefix, after, CARDS_PER_ANSWER) {
        let name = Name::decode_all(&mut &name[..]).expect("a stored value has the type it was stored with");
        names.push(name).expect("an answer is shorter than a list may be");
    }
    Ok(names)
}

pub fn held(host: &mut impl Host, args: Held) -> Result<Amount, Error> {
    Ok(HELD.get(host, &args.asset).unwrap_or_default())
}
