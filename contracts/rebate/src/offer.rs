//! Offers: the documents by which merchant, customer and third party agree on a lower price and a rebate.
use crate::state::PURCHASES;
use countersign_contract_sdk::Host;
use countersign_interface::rebate::{Error, Offer};
use countersign_types::{AccountId, Document, Hash};
use parity_scale_codec::DecodeAll;

/// The accounts of a call that shows an offer.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// Who sells.
    pub merchant: AccountId,
    /// Who bought first and gets the rebate.
    pub customer: AccountId,
    /// The newcomer.
    pub third_party: AccountId,
}

/// Checks that `document` is an offer of exactly these parties that counts now. Returns its hash and what it says.
///
/// Who has signed it is not looked at.
///
/// # Errors
/// One of the refusals about offers, parties and the first purchase.
pub fn read(host: &mut impl Host, document: &Document, parties: Parties) -> Result<(Hash, Offer), Error> {
    if document.kind.as_str() != Offer::KIND || document.chain != host.chain() {
        return Err(Error::BadOffer);
    }
    let [merchant, customer, third_party] = document.parties[..] else {
        return Err(Error::BadOffer);
    };
    if merchant != parties.merchant {
        return Err(Error::NotTheMerchant);
    }
    if customer != parties.customer {
        return Err(Error::NotTheCustomer);
    }
    if third_party != parties.third_party {
        return Err(Error::NotTheThirdParty);
    }
    if merchant == customer || merchant == third_party || customer == third_party {
        return Err(Error::SameAccount);
    }
    if host.now() > document.expires_at {
        return Err(Error::OfferNotSigned);
    }
    let offer = Offer::decode_all(&mut &document.body[..]).map_err(|_| Error::BadOffer)?;
    check_terms(host, &offer, parties)?;
    Ok((document.hash(), offer))
}

fn check_terms(host: &mut impl Host, offer: &Offer, parties: Parties) -> Result<(), Error> {
    let first = PURCHASES.get(host, &offer.purchase).ok_or(Error::UnknownPurchase)?;
    if first.merchant != parties.merchant {
        return Err(Error::NotTheMerchant);
    }
    if first.buyer != parties.customer {
        return Err(Error::NotTheCustomer);
    }
    if first.asset != offer.asset {
        return Err(Error::BadOffer);
    }
    if offer.price.is_zero() || offer.rebate.is_zero() {
        return Err(Error::AmountZero);
    }
    if offer.price >= first.amount {
        return Err(Error::PriceNotLower);
    }
    if offer.rebate > offer.price {
        return Err(Error::RebateTooLarge);
    }
    if offer.deadline >= offer.rebate_time {
        return Err(Error::DeadlineAfterRebate);
    }
    Ok(())
}
