//! What issuer and holder change together: the PIN's key, the associated device, the limits.
use crate::access::{check_limits, check_own_auth, find_of_both};
use crate::state::{CARDS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::card::{
    AuthChanged, ChangeAuth, ChangeDevice, DeviceChanged, Error, LimitsChanged, SetLimits,
};
use countersign_types::AccountId;

/// The old key need not sign: a forgotten PIN or a broken card is what this is for.
pub fn auth(
    host: &mut impl Host,
    issuer: AccountId,
    holder: AccountId,
    auth: AccountId,
    args: ChangeAuth,
) -> Result<(), Error> {
    let ChangeAuth { card } = args;
    let (key, mut record) = find_of_both(host, &card, issuer, holder)?;
    check_own_auth(auth, [issuer, holder, record.device])?;

    // Everything is checked; from here on it must succeed.
    record.auth = auth;
    CARDS.set(host, &key, &record);
    emit(host, &AuthChanged { card, issuer, holder, auth });
    Ok(())
}

pub fn device(
    host: &mut impl Host,
    issuer: AccountId,
    holder: AccountId,
    device: AccountId,
    args: ChangeDevice,
) -> Result<(), Error> {
    let ChangeDevice { card } = args;
    let (key, mut record) = find_of_both(host, &card, issuer, holder)?;
    check_own_auth(record.auth, [issuer, holder, device])?;

    // Everything is checked; from here on it must succeed.
    record.device = device;
    CARDS.set(host, &key, &record);
    emit(host, &DeviceChanged { card, issuer, holder, device });
    Ok(())
}

/// What was paid today stays counted.
pub fn limits(host: &mut impl Host, issuer: AccountId, holder: AccountId, args: SetLimits) -> Result<(), Error> {
    let SetLimits { card, asset, payment_max, day_max } = args;
    let (key, mut record) = find_of_both(host, &card, issuer, holder)?;
    if record.asset != asset {
        return Err(Error::OtherAsset);
    }
    check_limits(payment_max, day_max)?;

    // Everything is checked; from here on it must succeed.
    record.payment_max = payment_max;
    record.day_max = day_max;
    CARDS.set(host, &key, &record);
    emit(host, &LimitsChanged { card, issuer, holder, asset, payment_max, day_max });
    Ok(())
}
