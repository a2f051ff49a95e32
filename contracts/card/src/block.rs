//! Blocking, by either, and unblocking, by both.
use crate::access::{find, find_of_both};
use crate::state::{CARDS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::card::{Block, Blocked, Error, Unblock, Unblocked};
use countersign_types::AccountId;

/// Blocking again is refused: it would put off the day from which the holder alone takes the balance.
pub fn block(host: &mut impl Host, by: AccountId, args: Block) -> Result<(), Error> {
    let Block { card } = args;
    let (key, mut record) = find(host, &card)?;
    if by != record.holder && by != record.issuer {
        return Err(Error::NeitherHolderNorIssuer);
    }
    if record.blocked_since.is_some() {
        return Err(Error::CardBlocked);
    }

    // Everything is checked; from here on it must succeed.
    record.blocked_since = Some(host.now());
    CARDS.set(host, &key, &record);
    emit(host, &Blocked { card, issuer: record.issuer, holder: record.holder, by });
    Ok(())
}

pub fn unblock(host: &mut impl Host, issuer: AccountId, holder: AccountId, args: Unblock) -> Result<(), Error> {
    let Unblock { card } = args;
    let (key, mut record) = find_of_both(host, &card, issuer, holder)?;
    if record.blocked_since.is_none() {
        return Err(Error::NotBlocked);
    }

    // Everything is checked; from here on it must succeed.
    record.blocked_since = None;
    CARDS.set(host, &key, &record);
    emit(host, &Unblocked { card, issuer, holder });
    Ok(())
}
