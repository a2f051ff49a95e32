//! Loading: value goes from anybody's account onto a card.
use crate::access::{check_value, find};
use crate::state::{CARDS, emit, hold_more};
use countersign_contract_sdk::Host;
use countersign_interface::card::{Error, Load, Loaded};
use countersign_types::AccountId;

pub fn load(host: &mut impl Host, payer: AccountId, args: Load) -> Result<(), Error> {
    let Load { card, asset, amount } = args;
    let (key, mut record) = find(host, &card)?;
    if record.blocked_since.is_some() {
        return Err(Error::CardBlocked);
    }
    check_value(host, &record, asset, amount)?;
    if host.balance(payer, asset) < amount {
        return Err(Error::InsufficientFunds);
    }

    // Everything is checked; from here on it must succeed.
    let this = host.this();
    host.transfer(payer, this, asset, amount);
    hold_more(host, &asset, amount);
    record.balance = record.balance.checked_add(amount).expect("a card holds no more than the asset's supply");
    CARDS.set(host, &key, &record);
    emit(host, &Loaded { card, payer, holder: record.holder, asset, amount });
    Ok(())
}
