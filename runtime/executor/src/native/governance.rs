//! `governance`: who governs, who votes, who may connect, and the chain's parameters.
//!
//! No change may end the council's power to act ([`council::can_act`]) or the validators' to decide ([`turns::keep_the_quorum`]).
//! Validators change two blocks later, because the next header's validators were named by this one's; parameters change in the
//! next block; nodes as soon as the block is executed.
use super::{EVENT_GAS, Halted, KEY_CHECK_GAS, Native, READ_GAS, WRITE_GAS, council};
use crate::turns;
use countersign_interface::governance::{
    AdmitNode, CouncilChanged, Error, NodeAdmitted, NodeRemoved, ParametersChanged, RemoveNode, RemoveValidator, Rules,
    SetCouncil, SetNodeAddress, SetParameters, SetValidator, ValidatorChanged,
};
use countersign_types::genesis::Council;
use countersign_types::limits::{ADDRESS_BYTES_MAX, NODES_MAX};
use countersign_types::params::Parameter;
use countersign_types::signature::check_key;
use countersign_types::{
    AccountId, BoundedText, NodeRecord, PublicKey, Status, Text, Validator, ValidatorSet, address,
};

/// Nodes read at once while the active ones are counted.
const NODES_PER_READ: usize = 100;

/// The rules.
pub(super) struct Governance;

impl Rules<Native<'_, '_, '_>> for Governance {
    fn set_council(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: SetCouncil) -> Result<(), Error> {
        let reads = 1 + 2 * args.members.len() as u64;
        native.charge(reads * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        native.check_signed(&council)?;
        let ledger = &mut *native.run.ledger;
        let present = ledger.council();
        let mut members = args.members.into_inner();
        members.sort_unstable();
        let twice = members.windows(2).any(|pair| pair[0] == pair[1]);
        let (count, threshold) = (members.len(), args.threshold);
        let members = members.try_into().map_err(|_| Error::BadCouncil)?;
        if twice || threshold == 0 || usize::from(threshold) > count {
            return Err(Error::BadCouncil);
        }
        let next = Council { members, threshold };
        // One who sits already may be suspended and stay: suspending is not dismissing.
        let joins = |id: &AccountId| present.members.contains(id) || ledger.active_member(id).is_some();
        if !next.members.iter().all(joins) {
            return Err(Error::NotAMember);
        }
        if !council::can_act(ledger, &next) {
            return Err(Error::LocksOutTheCouncil);
        }
        if next == present {
            return Err(Error::NothingChanges);
        }
        ledger.put_council(&next);
        let members = u16::try_from(count).expect("a council's members are within their bound");
        native.emit(&CouncilChanged { members, threshold })?;
        Ok(())
    }

    fn set_validator(
        native: &mut Native<'_, '_, '_>,
        council: Vec<AccountId>,
        args: SetValidator,
    ) -> Result<(), Error> {
        native.charge(KEY_CHECK_GAS)?;
        native.charge_for_validators()?;
        native.check_signed(&council)?;
        check_key(&args.key).map_err(|_| Error::BadKey)?;
        let (key, power) = (args.key, args.power);
        let mut set = native.run.ledger.validators().0.into_inner();
        match set.binary_search_by(|validator| validator.key.cmp(&key)) {
            Ok(at) if set[at].power == power => return Err(Error::NothingChanges),
            Ok(at) => set[at].power = power,
            Err(at) => set.insert(at, Validator { key, power }),
        }
        native.change_validators(set, ValidatorChanged { key, power, from: native.validators_from() })
    }

    fn remove_validator(
        native: &mut Native<'_, '_, '_>,
        council: Vec<AccountId>,
        args: RemoveValidator,
    ) -> Result<(), Error> {
        native.charge_for_validators()?;
        native.check_signed(&council)?;
        let key = args.key;
        let mut set = native.run.ledger.validators().0.into_inner();
        let at = set.binary_search_by(|validator| validator.key.cmp(&key)).map_err(|_| Error::NoSuchValidator)?;
        set.remove(at);
        native.change_validators(set, ValidatorChanged { key, power: 0, from: native.validators_from() })?;
        turns::forget(native.run.ledger, &key);
        Ok(())
    }

    fn set_parameters(
        native: &mut Native<'_, '_, '_>,
        council: Vec<AccountId>,
        args: SetParameters,
    ) -> Result<(), Error> {
        let seats = native.run.ledger.council().members.len() as u64;
        native.charge(set_parameters_gas(seats))?;
        native.check_signed(&council)?;
        let present = native.run.ledger.params();
        let mut next = present.clone();
        for (index, change) in args.changes.iter().enumerate() {
            let twice = args.changes[..index].iter().any(|before| before.name == change.name);
            let parameter = Parameter::named(change.name.as_str()).filter(|_| !twice);
            let parameter = parameter.ok_or(Error::UnknownParameter)?;
            parameter.set(&mut next, change.value).map_err(|_| Error::BadParameter)?;
        }
        next.check().map_err(|_| Error::BadParameter)?;
        if next == present {
            return Err(Error::NothingChanges);
        }
        native.run.ledger.put_params(&next);
        // Whoever refuses undoes the writes.
        if !council::can_act(native.run.ledger, &native.run.ledger.council()) {
            return Err(Error::LocksOutTheCouncil);
        }
        native.emit(&ParametersChanged { changes: args.changes })?;
        Ok(())
    }

    fn admit_node(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: AdmitNode) -> Result<(), Error> {
        native.charge(KEY_CHECK_GAS + 4 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        native.check_signed(&council)?;
        check_key(&args.key).map_err(|_| Error::BadKey)?;
        if native.run.ledger.active_member(&args.member).is_none() {
            return Err(Error::NotAMember);
        }
        let address = checked_address(&args.address)?;
        let listed = native.run.ledger.node(&args.key).filter(|node| node.status == Status::Active);
        if listed.is_none() && native.active_nodes()? >= NODES_MAX {
            return Err(Error::TooManyNodes);
        }
        if listed.is_some_and(|node| node.member == args.member && node.address == address) {
            return Err(Error::NothingChanges);
        }
        native.list_node(&args.key, args.member, address, args.address)
    }

    fn remove_node(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: RemoveNode) -> Result<(), Error> {
        native.charge(2 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        native.check_signed(&council)?;
        let node = native.run.ledger.node(&args.key).ok_or(Error::NoSuchNode)?;
        if node.status == Status::Suspended {
            return Err(Error::NothingChanges);
        }
        let (member, since) = (node.member, native.run.place.height);
        native.run.ledger.put_node(&args.key, &NodeRecord { status: Status::Suspended, since, ..node });
        native.emit(&NodeRemoved { key: args.key, member })?;
        Ok(())
    }

    fn set_node_address(native: &mut Native<'_, '_, '_>, member: AccountId, args: SetNodeAddress) -> Result<(), Error> {
        native.charge(READ_GAS + WRITE_GAS + EVENT_GAS)?;
        let node = native.run.ledger.node(&args.key).filter(|node| node.status == Status::Active);
        let node = node.ok_or(Error::NoSuchNode)?;
        if node.member != member {
            return Err(Error::NotTheOperator);
        }
        let address = checked_address(&args.address)?;
        if node.address == address {
            return Err(Error::NothingChanges);
        }
        native.list_node(&args.key, member, address, args.address)
    }
}

/// Gas of `set_parameters` by a council of so many members, each of whom is looked at.
pub(super) const fn set_parameters_gas(seats: u64) -> u64 {
    (3 + 2 * seats) * READ_GAS + WRITE_GAS + EVENT_GAS
}

impl Native<'_, '_, '_> {
    fn check_signed(&self, parties: &[AccountId]) -> Result<(), Error> {
        if council::has_signed(self.run.ledger, parties) { Ok(()) } else { Err(Error::NotTheCouncil) }
    }

    /// The first height at which validators changed by this block vote.
    fn validators_from(&self) -> u64 {
        self.run.place.height.next().next().get()
    }

    /// Each validator's turns are looked at.
    fn charge_for_validators(&mut self) -> Result<(), Halted> {
        let validators = self.run.ledger.validators().0.len() as u64;
        self.charge((3 + validators) * READ_GAS + 2 * WRITE_GAS + EVENT_GAS)
    }

    /// Lets `set` be the validators, if it may be.
    fn change_validators(&mut self, set: Vec<Validator>, event: ValidatorChanged) -> Result<(), Error> {
        // Without validators there is no quorum: that is what is wrong with removing the last.
        let removes_the_last = set.is_empty();
        let set = ValidatorSet(set.try_into().map_err(|_| Error::BadPower)?);
        if !removes_the_last && !set.is_well_formed() {
            return Err(Error::BadPower);
        }
        if removes_the_last || !turns::keep_the_quorum(self.run.ledger, &set) {
            return Err(Error::LosesTheQuorum);
        }
        self.run.ledger.put_validators(&set);
        self.emit(&event)?;
        Ok(())
    }

    fn active_nodes(&mut self) -> Result<usize, Halted> {
        let (mut active, mut after) = (0, None);
        loop {
            let nodes = self.run.ledger.nodes(after.as_ref(), NODES_PER_READ);
            self.charge(nodes.len() as u64 * READ_GAS)?;
            active += nodes.iter().filter(|(_, node)| node.status == Status::Active).count();
            if nodes.len() < NODES_PER_READ {
                return Ok(active);
            }
            after = nodes.last().map(|(key, _)| *key);
        }
    }

    fn list_node(
        &mut self,
        key: &PublicKey,
        member: AccountId,
        address: BoundedText<ADDRESS_BYTES_MAX>,
        told: Text,
    ) -> Result<(), Error> {
        let since = self.run.place.height;
        self.run.ledger.put_node(key, &NodeRecord { member, address, status: Status::Active, since });
        self.emit(&NodeAdmitted { key: *key, member, address: told })?;
        Ok(())
    }
}

fn checked_address(text: &Text) -> Result<BoundedText<ADDRESS_BYTES_MAX>, Error> {
    if !text.is_empty() {
        address::check(text.as_str()).map_err(|_| Error::BadAddress)?;
    }
    BoundedText::new(text.as_str()).map_err(|_| Error::BadAddress)
}
