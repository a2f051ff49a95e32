//! Finding a card, and what must hold of it before anything is done with it.
use crate::state::{CARDS, card_key};
use countersign_contract_sdk::Host;
use countersign_interface::card::{CardRecord, Error};
use countersign_types::{AccountId, Amount, AssetId, Hash, Name};

/// A card and its key.
///
/// # Errors
/// [`Error::UnknownCard`].
pub fn find(host: &mut impl Host, card: &Name) -> Result<(Hash, CardRecord), Error> {
    let key = card_key(host, card);
    CARDS.get(host, &key).map(|record| (key, record)).ok_or(Error::UnknownCard)
}

/// A card that issuer and holder change together.
///
/// # Errors
/// [`Error::UnknownCard`], [`Error::NotTheIssuer`] or [`Error::NotTheHolder`].
pub fn find_of_both(
    host: &mut impl Host,
    card: &Name,
    issuer: AccountId,
    holder: AccountId,
) -> Result<(Hash, CardRecord), Error> {
    let (key, record) = find(host, card)?;
    if record.issuer != issuer {
        return Err(Error::NotTheIssuer);
    }
    check_holder(&record, holder)?;
    Ok((key, record))
}

/// Checks who holds the card.
///
/// # Errors
/// [`Error::NotTheHolder`].
pub fn check_holder(record: &CardRecord, holder: AccountId) -> Result<(), Error> {
    if record.holder == holder { Ok(()) } else { Err(Error::NotTheHolder) }
}

/// Checks that the PIN's key is the card's.
///
/// # Errors
/// [`Error::NotTheAuth`].
pub fn check_auth(record: &CardRecord, auth: AccountId) -> Result<(), Error> {
    if record.auth == auth { Ok(()) } else { Err(Error::NotTheAuth) }
}

/// Checks that the PIN's key is nobody who signs in another part: one key would then do the work of two.
///
/// # Errors
/// [`Error::AuthNotItsOwn`].
pub fn check_own_auth(auth: AccountId, others: [AccountId; 3]) -> Result<(), Error> {
    if others.contains(&auth) { Err(Error::AuthNotItsOwn) } else { Ok(()) }
}

/// Checks a payment's limit and a day's.
///
/// # Errors
/// [`Error::BadLimits`].
pub fn check_limits(payment_max: Amount, day_max: Amount) -> Result<(), Error> {
    if payment_max.is_zero() || payment_max > day_max { Err(Error::BadLimits) } else { Ok(()) }
}

/// Checks that `amount` of the card's asset can move now.
///
/// # Errors
/// [`Error::AmountZero`], [`Error::OtherAsset`] or [`Error::AssetUnavailable`].
pub fn check_value(host: &mut impl Host, record: &CardRecord, asset: AssetId, amount: Amount) -> Result<(), Error> {
    if amount.is_zero() {
        return Err(Error::AmountZero);
    }
    if record.asset != asset {
        return Err(Error::OtherAsset);
    }
    if host.asset_is_active(asset) { Ok(()) } else { Err(Error::AssetUnavailable) }
}
