//! Issuing a card.
use crate::access::{check_limits, check_own_auth};
use crate::limits::DAY_MS;
use crate::state::{CARDS, CARDS_OF, card_key, emit};
use countersign_contract_sdk::Host;
use countersign_interface::card::{CardRecord, Error, Register, Registered};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, Name, Timestamp};

/// Everyone who signs for a new card.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// The member that issues it.
    pub issuer: AccountId,
    /// Whose it is.
    pub holder: AccountId,
    /// Gives second confirmations.
    pub device: AccountId,
    /// The PIN's key.
    pub auth: AccountId,
}

pub fn register(host: &mut impl Host, parties: Parties, args: Register) -> Result<(), Error> {
    let Parties { issuer, holder, device, auth } = parties;
    let Register { card, asset, payment_max, day_max } = args;
    if !host.has_role(issuer, Role::CardIssuer) {
        return Err(Error::NotACardIssuer);
    }
    check_own_auth(auth, [issuer, holder, device])?;
    check_name(host, &card, issuer)?;
    check_limits(payment_max, day_max)?;
    if !host.asset_is_active(asset) {
        return Err(Error::AssetUnavailable);
    }
    let key = card_key(host, &card);
    if CARDS.contains(host, &key) {
        return Err(Error::CardExists);
    }

    // Everything is checked; from here on it must succeed.
    let now = host.now();
    let record = CardRecord {
        card: card.clone(),
        issuer,
        holder,
        device,
        auth,
        asset,
        balance: Amount::ZERO,
        payment_max,
        day_max,
        day: day_of(now),
        spent: Amount::ZERO,
        blocked_since: None,
        registered_at: now,
    };
    CARDS.set(host, &key, &record);
    CARDS_OF.set(host, &(holder, key), &card);
    emit(host, &Registered { card, issuer, holder, device, auth, asset, payment_max, day_max });
    Ok(())
}

/// Checks that the card's name is at its issuer's site.
fn check_name(host: &mut impl Host, card: &Name, issuer: AccountId) -> Result<(), Error> {
    let site = host.account(issuer).map(|(name, _, _)| name);
    let is_there = site.is_some_and(|site| card.user().is_some() && card.site() == site.as_str());
    if is_there { Ok(()) } else { Err(Error::BadCardName) }
}

/// The beginning of the UTC day of a moment.
pub fn day_of(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis() - now.millis() % DAY_MS)
}
