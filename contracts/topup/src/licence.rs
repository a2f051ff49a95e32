//! Who may carry requests out, and how much.
use crate::state::{LICENCES, USED, emit};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{DayUse, Error, Licence, LicenceWithdrawn, License, Licensed, Withdraw, day};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, AssetId};

pub fn license(host: &mut impl Host, member: AccountId, agent: AccountId, args: License) -> Result<(), Error> {
    let License { asset, per_request, per_day } = args;
    if member == agent {
        return Err(Error::SameAccount);
    }
    if !host.has_role(member, Role::Agent) {
        return Err(Error::NotAnAgentMember);
    }
    if per_request.is_zero() || per_request > per_day {
        return Err(Error::BadLimits);
    }
    // A licence that counts for nothing any more stands in nobody's way.
    let other = LICENCES.get(host, &(agent, asset)).filter(|licence| licence.member != member);
    if other.is_some_and(|licence| host.has_role(licence.member, Role::Agent)) {
        return Err(Error::LicensedElsewhere);
    }

    // Everything is checked; from here on it must succeed.
    LICENCES.set(host, &(agent, asset), &Licence { member, per_request, per_day });
    emit(host, &Licensed { member, agent, asset, per_request, per_day });
    Ok(())
}

pub fn withdraw(host: &mut impl Host, party: AccountId, args: Withdraw) -> Result<(), Error> {
    let Withdraw { agent, asset } = args;
    let licence = LICENCES.get(host, &(agent, asset)).ok_or(Error::UnknownLicence)?;
    if party != licence.member && party != agent {
        return Err(Error::NotYourLicence);
    }

    // Everything is checked; from here on it must succeed.
    LICENCES.remove(host, &(agent, asset));
    emit(host, &LicenceWithdrawn { member: licence.member, agent, asset });
    Ok(())
}

/// By what right an account carries requests out.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The member with the role agent: the account itself, or the one that licensed it.
    pub member: AccountId,
    /// The licence, with its limits; `None` for a member's own account.
    licence: Option<Licence>,
}

/// The account's standing in this asset now.
///
/// # Errors
/// [`Error::NotLicensed`].
pub fn standing(host: &mut impl Host, agent: AccountId, asset: AssetId) -> Result<Standing, Error> {
    if host.has_role(agent, Role::Agent) {
        return Ok(Standing { member: agent, licence: None });
    }
    let licence = LICENCES.get(host, &(agent, asset)).ok_or(Error::NotLicensed)?;
    let member = licence.member;
    if host.has_role(member, Role::Agent) {
        Ok(Standing { member, licence: Some(licence) })
    } else {
        Err(Error::NotLicensed)
    }
}

/// Checks the agent's limits, of which a member's own account has none. Returns what to [`note`].
///
/// # Errors
/// [`Error::OverRequestLimit`] or [`Error::OverDayLimit`].
pub fn check_limits(
    host: &mut impl Host,
    agent: AccountId,
    asset: AssetId,
    amount: Amount,
    standing: &Standing,
) -> Result<Option<DayUse>, Error> {
    let Some(licence) = &standing.licence else {
        return Ok(None);
    };
    if amount > licence.per_request {
        return Err(Error::OverRequestLimit);
    }
    let used = used_today(host, agent, asset);
    let after = used.amount.checked_add(amount).filter(|after| *after <= licence.per_day);
    match after {
        Some(amount) => Ok(Some(DayUse { amount, ..used })),
        None => Err(Error::OverDayLimit),
    }
}

/// Notes what went through the agent with the request that was just executed.
pub fn note(host: &mut impl Host, agent: AccountId, asset: AssetId, used: Option<DayUse>) {
    if let Some(used) = used {
        USED.set(host, &(agent, asset), &used);
    }
}

/// What went through the agent on the day of the running block.
pub fn used_today(host: &mut impl Host, agent: AccountId, asset: AssetId) -> DayUse {
    let today = day(host.now());
    let nothing = DayUse { day: today, amount: Amount::ZERO };
    USED.get(host, &(agent, asset)).filter(|used| used.day == today).unwrap_or(nothing)
}
