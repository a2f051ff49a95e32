//! `registry`: members, the holders they enrol, names, keys.
use super::{EVENT_GAS, KEY_CHECK_GAS, Native, READ_GAS, WRITE_GAS, council};
use crate::ledger::Ledger;
use countersign_interface::registry::{
    Admit, Admitted, AuthorityChanged, EncryptionKeyChanged, Enrol, Enrolled, Error, HolderSuspensionChanged,
    MemberSuspensionChanged, RolesChanged, Rules, SetAuthority, SetEncryptionKey, SetHolderSuspended,
    SetMemberSuspended, SetRoles, SetSite, SiteChanged,
};
use countersign_types::endpoint::Endpoint;
use countersign_types::limits::{ROLES_MAX, SITE_ENDPOINT_BYTES_MAX, SITE_RELAYS_MAX};
use countersign_types::signature::check_key;
use countersign_types::{
    Account, AccountId, Authority, BoundedText, BoundedVec, List, Member, PublicKey, Role, Site, Status, Text,
};
use std::collections::BTreeSet;

/// The rules.
pub(super) struct Registry;

impl Rules<Native<'_, '_, '_>> for Registry {
    fn admit(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: Admit) -> Result<(), Error> {
        native.charge(KEY_CHECK_GAS + 3 * READ_GAS + 3 * WRITE_GAS + EVENT_GAS)?;
        check_council(native.run.ledger, &council)?;
        if args.name.user().is_some() {
            return Err(Error::NotAMemberName);
        }
        check_key(&args.key).map_err(|_| Error::BadKey)?;
        let roles = checked_roles(args.roles)?;
        let id = AccountId::of_key(&args.key);
        check_new(native.run.ledger, &id, &args.name)?;
        let (name, admitted_at) = (args.name, native.run.place.time);
        let authority = Authority::single(args.key);
        let account =
            Account { authority, member: id, name: name.clone(), status: Status::Active, encryption_key: None };
        let member = Member { name: name.clone(), status: Status::Active, roles, admitted_at };
        native.run.ledger.put_account(&id, &account);
        native.run.ledger.put_member(&id, &member);
        native.run.ledger.put_name(&name, &id);
        native.emit(&Admitted { member: id, name })?;
        Ok(())
    }

    fn set_roles(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: SetRoles) -> Result<(), Error> {
        native.charge(2 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        check_council(native.run.ledger, &council)?;
        let mut member = native.run.ledger.member(&args.member).ok_or(Error::NoSuchAccount)?;
        member.roles = checked_roles(args.roles.clone())?;
        native.run.ledger.put_member(&args.member, &member);
        native.emit(&RolesChanged { member: args.member, roles: args.roles })?;
        Ok(())
    }

    fn set_member_suspended(
        native: &mut Native<'_, '_, '_>,
        council: Vec<AccountId>,
        args: SetMemberSuspended,
    ) -> Result<(), Error> {
        native.charge(2 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        check_council(native.run.ledger, &council)?;
        let mut member = native.run.ledger.member(&args.member).ok_or(Error::NoSuchAccount)?;
        member.status = status(args.suspended);
        // Whoever refuses undoes the writes.
        native.run.ledger.put_member(&args.member, &member);
        check_council_can_act(native.run.ledger, &args.member)?;
        native.emit(&MemberSuspensionChanged { member: args.member, suspended: args.suspended })?;
        Ok(())
    }

    fn enrol(native: &mut Native<'_, '_, '_>, member: AccountId, holder: AccountId, args: Enrol) -> Result<(), Error> {
        native.charge(KEY_CHECK_GAS + 4 * READ_GAS + 2 * WRITE_GAS + EVENT_GAS)?;
        let enroller = native.run.ledger.active_member(&member).ok_or(Error::NotAMember)?;
        if args.name.user().is_none() || args.name.site() != enroller.name.as_str() {
            return Err(Error::NotAtThisSite);
        }
        let key = PublicKey(holder.0);
        check_key(&key).map_err(|_| Error::BadKey)?;
        check_new(native.run.ledger, &holder, &args.name)?;
        let (authority, name) = (Authority::single(key), args.name);
        let account = Account { authority, member, name: name.clone(), status: Status::Active, encryption_key: None };
        native.run.ledger.put_account(&holder, &account);
        native.run.ledger.put_name(&name, &holder);
        native.emit(&Enrolled { holder, name, member })?;
        Ok(())
    }

    fn set_holder_suspended(
        native: &mut Native<'_, '_, '_>,
        member: AccountId,
        args: SetHolderSuspended,
    ) -> Result<(), Error> {
        native.charge(3 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        if native.run.ledger.active_member(&member).is_none() {
            return Err(Error::NotAMember);
        }
        let mut account = native.run.ledger.account(&args.holder).ok_or(Error::NoSuchAccount)?;
        // A member's own account names itself, but the council admitted it: suspending itself, it could never resume.
        if account.member != member || args.holder == member {
            return Err(Error::NotTheEnroller);
        }
        account.status = status(args.suspended);
        native.run.ledger.put_account(&args.holder, &account);
        native.emit(&HolderSuspensionChanged { holder: args.holder, suspended: args.suspended })?;
        Ok(())
    }

    fn set_authority(native: &mut Native<'_, '_, '_>, account: AccountId, args: SetAuthority) -> Result<(), Error> {
        native.charge(KEY_CHECK_GAS * args.authority.keys.len() as u64 + READ_GAS + WRITE_GAS + EVENT_GAS)?;
        args.authority.check().map_err(|_| Error::BadAuthority)?;
        if args.authority.keys.iter().any(|(key, _)| check_key(key).is_err()) {
            return Err(Error::BadKey);
        }
        let mut record = native.run.ledger.account(&account).ok_or(Error::NoSuchAccount)?;
        record.authority = args.authority;
        native.run.ledger.put_account(&account, &record);
        check_council_can_act(native.run.ledger, &account)?;
        native.emit(&AuthorityChanged { account })?;
        Ok(())
    }

    fn set_encryption_key(
        native: &mut Native<'_, '_, '_>,
        account: AccountId,
        args: SetEncryptionKey,
    ) -> Result<(), Error> {
        native.charge(READ_GAS + WRITE_GAS + EVENT_GAS)?;
        let mut record = native.run.ledger.account(&account).ok_or(Error::NoSuchAccount)?;
        record.encryption_key = Some(args.key.0);
        native.run.ledger.put_account(&account, &record);
        native.emit(&EncryptionKeyChanged { account })?;
        Ok(())
    }

    fn set_site(native: &mut Native<'_, '_, '_>, member: AccountId, args: SetSite) -> Result<(), Error> {
        // A node, its member and that member's account are read for each of them, so the price follows from their number.
        let relays = distinct_relays(args.relays)?;
        let reads = 2 + 3 * relays.len() as u64;
        native.charge(KEY_CHECK_GAS + reads * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        if native.run.ledger.active_member(&member).is_none() {
            return Err(Error::NotAMember);
        }
        check_key(&args.key).map_err(|_| Error::BadKey)?;
        let endpoint = checked_endpoint(&args.endpoint)?;
        if !relays.iter().all(|relay| native.run.ledger.is_relay(relay)) {
            return Err(Error::NotARelay);
        }
        native.run.ledger.put_site(&member, &Site { endpoint, key: args.key, relays });
        native.emit(&SiteChanged { member })?;
        Ok(())
    }
}

/// Each once, within the bound, in the order given: the first keeps the messages.
fn distinct_relays(relays: List<PublicKey>) -> Result<BoundedVec<PublicKey, SITE_RELAYS_MAX>, Error> {
    let relays: BoundedVec<PublicKey, SITE_RELAYS_MAX> =
        relays.into_inner().try_into().map_err(|_| Error::BadRelays)?;
    let distinct: BTreeSet<&PublicKey> = relays.iter().collect();
    if distinct.len() == relays.len() { Ok(relays) } else { Err(Error::BadRelays) }
}

/// Empty, or an endpoint.
fn checked_endpoint(text: &Text) -> Result<BoundedText<SITE_ENDPOINT_BYTES_MAX>, Error> {
    if !text.is_empty() {
        Endpoint::parse(text).map_err(|_| Error::BadEndpoint)?;
    }
    text.parse().map_err(|_| Error::BadEndpoint)
}

fn check_council(ledger: &Ledger<'_>, parties: &[AccountId]) -> Result<(), Error> {
    if council::has_signed(ledger, parties) { Ok(()) } else { Err(Error::NotTheCouncil) }
}

/// After a change of `account`: a council that can no longer act has nobody to repair it.
fn check_council_can_act(ledger: &Ledger<'_>, account: &AccountId) -> Result<(), Error> {
    let council = ledger.council();
    if council.members.contains(account) && !council::can_act(ledger, &council) {
        return Err(Error::LocksOutTheCouncil);
    }
    Ok(())
}

fn check_new(ledger: &Ledger<'_>, id: &AccountId, name: &countersign_types::Name) -> Result<(), Error> {
    if ledger.can_hold(id) {
        return Err(Error::AccountExists);
    }
    if ledger.resolve(name).is_some() { Err(Error::NameTaken) } else { Ok(()) }
}

/// Sorted, without duplicates, within the bound.
fn checked_roles(roles: List<Role>) -> Result<BoundedVec<Role, ROLES_MAX>, Error> {
    if roles.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::BadRoles);
    }
    roles.into_inner().try_into().map_err(|_| Error::BadRoles)
}

fn status(suspended: bool) -> Status {
    if suspended { Status::Suspended } else { Status::Active }
}
