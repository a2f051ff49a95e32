//! The three ways back: a card's balance goes to its holder, and never to anybody else.
use crate::access::{check_auth, check_holder, check_value, find, find_of_both};
use crate::limits::RECLAIM_AFTER_MS;
use crate::state::{CARDS, emit, hold_less};
use countersign_contract_sdk::Host;
use countersign_interface::card::{CardRecord, Error, Reclaim, Recover, Unload, Unloaded};
use countersign_types::{AccountId, Amount, AssetId, Hash};

/// With the PIN.
pub fn unload(host: &mut impl Host, auth: AccountId, holder: AccountId, args: Unload) -> Result<(), Error> {
    let Unload { card, asset, amount } = args;
    let (key, record) = find(host, &card)?;
    check_auth(&record, auth)?;
    check_holder(&record, holder)?;
    give_back(host, key, record, asset, amount)
}

/// With the issuer.
pub fn recover(host: &mut impl Host, issuer: AccountId, holder: AccountId, args: Recover) -> Result<(), Error> {
    let Recover { card, asset, amount } = args;
    let (key, record) = find_of_both(host, &card, issuer, holder)?;
    give_back(host, key, record, asset, amount)
}

/// By the holder alone.
pub fn reclaim(host: &mut impl Host, holder: AccountId, args: Reclaim) -> Result<(), Error> {
    let Reclaim { card, asset, amount } = args;
    let (key, record) = find(host, &card)?;
    check_holder(&record, holder)?;
    if !waited_enough(host, &record) && !is_suspended(host, record.issuer) {
        return Err(Error::NotYetReclaimable);
    }
    give_back(host, key, record, asset, amount)
}

fn waited_enough(host: &mut impl Host, record: &CardRecord) -> bool {
    record.blocked_since.is_some_and(|since| host.now().saturating_since(since) >= RECLAIM_AFTER_MS)
}

fn is_suspended(host: &mut impl Host, issuer: AccountId) -> bool {
    host.account(issuer).is_none_or(|(_, _, active)| !active)
}

fn give_back(
    host: &mut impl Host,
    key: Hash,
    mut record: CardRecord,
    asset: AssetId,
    amount: Amount,
) -> Result<(), Error> {
    check_value(host, &record, asset, amount)?;
    let balance = record.balance.checked_sub(amount).ok_or(Error::CardBalanceTooLow)?;

    // Everything is checked; from here on it must succeed.
    let this = host.this();
    host.transfer(this, record.holder, asset, amount);
    hold_less(host, &asset, amount);
    record.balance = balance;
    CARDS.set(host, &key, &record);
    emit(host, &Unloaded { card: record.card, holder: record.holder, asset, amount });
    Ok(())
}
