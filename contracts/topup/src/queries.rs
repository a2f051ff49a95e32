//! What anybody may ask of the contract.
use crate::licence;
use crate::state::{LICENCES, REQUESTS, SET_ASIDE};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Error, LicenceOf, LicenceStatus, RequestOf, RequestRecord, SetAside};
use countersign_types::Amount;
use countersign_types::account::Role;

pub fn request_of(host: &mut impl Host, args: RequestOf) -> Result<RequestRecord, Error> {
    REQUESTS.get(host, &args.request).ok_or(Error::UnknownRequest)
}

pub fn licence_of(host: &mut impl Host, args: LicenceOf) -> Result<LicenceStatus, Error> {
    let LicenceOf { agent, asset } = args;
    let licence = LICENCES.get(host, &(agent, asset)).ok_or(Error::UnknownLicence)?;
    let used = licence::used_today(host, agent, asset).amount;
    let valid = host.has_role(licence.member, Role::Agent);
    Ok(LicenceStatus {
        member: licence.member,
        per_request: licence.per_request,
        per_day: licence.per_day,
        used,
        valid,
    })
}

pub fn set_aside(host: &mut impl Host, args: SetAside) -> Result<Amount, Error> {
    Ok(SET_ASIDE.get(host, &args.asset).unwrap_or_default())
}
