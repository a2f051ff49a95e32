//! Paying an order, at the associated device or, with its second confirmation, at another.
use crate::access::{check_auth, check_value, find};
use crate::register::day_of;
use crate::state::{CARDS, PAYMENTS, emit, hold_less, order_key};
use countersign_contract_sdk::Host;
use countersign_interface::card::{CardRecord, Error, Paid, Pay, PaymentRecord};
use countersign_types::{AccountId, Amount, Hash, Name, Timestamp};

/// Everyone who signs a payment.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// The PIN's key.
    pub auth: AccountId,
    /// The device that made the order.
    pub device: AccountId,
    /// The device that confirmed it, if it is another.
    pub associated: Option<AccountId>,
}

pub fn pay(host: &mut impl Host, parties: Parties, args: Pay) -> Result<(), Error> {
    let Pay { card, asset, amount, payee, account, order } = args;
    let (key, mut record) = find(host, &card)?;
    check_auth(&record, parties.auth)?;
    check_devices(&record, parties)?;
    if record.blocked_since.is_some() {
        return Err(Error::CardBlocked);
    }
    check_value(host, &record, asset, amount)?;
    let order_key = check_order(host, parties.device, &order)?;
    check_payee(host, &payee, account)?;
    let (day, spent) = check_amount(&record, amount, host.now())?;
    let balance = record.balance.checked_sub(amount).ok_or(Error::CardBalanceTooLow)?;

    // Everything is checked; from here on it must succeed.
    let (this, at) = (host.this(), host.now());
    host.transfer(this, account, asset, amount);
    hold_less(host, &asset, amount);
    record.balance = balance;
    record.day = day;
    record.spent = spent;
    CARDS.set(host, &key, &record);
    let Parties { device, associated: confirmed_by, .. } = parties;
    let payment = PaymentRecord {
        card: card.clone(),
        device,
        order: order.clone(),
        payee: payee.clone(),
        account,
        asset,
        amount,
        confirmed_by,
        at,
    };
    PAYMENTS.set(host, &order_key, &payment);
    let holder = record.holder;
    emit(host, &Paid { card, holder, device, confirmed_by, payee, account, asset, amount, order });
    Ok(())
}

/// Checks that the associated device has signed: as the device that pays, or as the one that confirms, not as both.
fn check_devices(record: &CardRecord, parties: Parties) -> Result<(), Error> {
    let is_own = parties.device == record.device;
    match parties.associated {
        None if is_own => Ok(()),
        None => Err(Error::NeedsConfirmation),
        Some(_) if is_own => Err(Error::NeedsNoConfirmation),
        Some(associated) if associated == record.device => Ok(()),
        Some(_) => Err(Error::NotTheAssociated),
    }
}

/// Checks that the order was not paid, and gives the key its payment will have.
fn check_order(host: &mut impl Host, device: AccountId, order: &str) -> Result<Hash, Error> {
    if order.is_empty() {
        return Err(Error::OrderMissing);
    }
    let key = order_key(host, &device, order);
    if PAYMENTS.contains(host, &key) { Err(Error::OrderPaid) } else { Ok(key) }
}

/// Checks that the payee's name leads to the account that was shown, and that it is in business.
fn check_payee(host: &mut impl Host, payee: &Name, account: AccountId) -> Result<(), Error> {
    if host.resolve(payee.clone()) != Some(account) {
        return Err(Error::PayeeChanged);
    }
    match host.account(account) {
        Some((_, _, true)) => Ok(()),
        _ => Err(Error::PayeeSuspended),
    }
}

/// Checks the limits. Gives the day of `now` and what will have been paid on it.
fn check_amount(record: &CardRecord, amount: Amount, now: Timestamp) -> Result<(Timestamp, Amount), Error> {
    if amount > record.payment_max {
        return Err(Error::OverPaymentLimit);
    }
    let day = day_of(now);
    let before = if record.day == day { record.spent } else { Amount::ZERO };
    let spent = before.checked_add(amount).ok_or(Error::OverDayLimit)?;
    if spent > record.day_max { Err(Error::OverDayLimit) } else { Ok((day, spent)) }
}
