//! The host in memory, for a contract's native tests: the ledger's rules about value, parties, time and limits, without gas.
//!
//! ```text
//! add_member, add_holder, add_asset, issue   set the scene
//! call     one transaction of one call       all effects, or none
//! block    the next block's time             runs the jobs that are due
//! query    reads only
//! ```
mod ledger;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use countersign_types::account::Role;
use countersign_types::document::Document;
use countersign_types::proposal::Subject;
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{
    Account, AccountId, Amount, AssetId, Authority, CallFault, Event, Failure, Hash, Member, ModuleName, Proposal,
    SignedDocument, Status, Timestamp,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Someone who signs.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// Their account.
    pub account: AccountId,
    /// The 32-byte secret of the key that signs for it.
    pub secret: [u8; 32],
}

/// Why a call or job had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The rules refused.
    Refused(E),
    /// The ledger refused.
    Failed(Failure),
}

/// A job that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingJob {
    /// When it is due.
    pub at: Timestamp,
    /// Its number.
    pub number: u64,
    /// The method's index in the interface.
    pub method: u32,
    /// The method's encoded arguments.
    pub args: Vec<u8>,
}

/// A ledger with one contract.
#[derive(Debug)]
pub struct TestHost {
    world: World,
    chain: Hash,
    module: ModuleName,
    running: Running,
    transactions: u64,
}

/// Everything a failed call gives back.
#[derive(Clone, Debug, Default)]
struct World {
    now: Timestamp,
    height: u64,
    accounts: BTreeMap<AccountId, Account>,
    members: BTreeMap<AccountId, Member>,
    assets: BTreeMap<AssetId, Status>,
    balances: BTreeMap<(AccountId, AssetId), Amount>,
    data: BTreeMap<Vec<u8>, Vec<u8>>,
    jobs: BTreeMap<(Timestamp, u64), WaitingJob>,
    next_job: u64,
    events: Vec<Event>,
}

/// What runs at the moment.
#[derive(Clone, Debug, Default)]
struct Running {
    id: Hash,
    parties: Vec<AccountId>,
    writes: bool,
}

impl TestHost {
    /// A ledger that holds nothing but the contract called `module`.
    ///
    /// # Panics
    /// If the name is no module's name.
    pub fn new(module: &str, now: Timestamp) -> Self {
        Self {
            world: World { now, height: 1, ..World::default() },
            chain: Hash::of("test-chain", module.as_bytes()),
            module: module.parse().expect("a module's name"),
            running: Running::default(),
            transactions: 0,
        }
    }

    /// Admits a member.
    ///
    /// # Panics
    /// If the name is no member's name.
    pub fn add_member(&mut self, name: &str, roles: &[Role]) -> Actor {
        let actor = self.add_account(name, None);
        let member = Member {
            name: name.parse().expect("a member's name"),
            status: Status::Active,
            roles: roles.to_vec().try_into().expect("few roles"),
            admitted_at: self.world.now,
        };
        self.world.members.insert(actor.account, member);
        actor
    }

    /// Enrols a holder with a member.
    ///
    /// # Panics
    /// If the name is no holder's name.
    pub fn add_holder(&mut self, name: &str, member: &Actor) -> Actor {
        self.add_account(name, Some(member.account))
    }

    fn add_account(&mut self, name: &str, member: Option<AccountId>) -> Actor {
        let secret = development_secret(name);
        let key = public_key(&secret);
        let account = AccountId::of_key(&key);
        let record = Account {
            authority: Authority::single(key),
            member: member.unwrap_or(account),
            name: name.parse().expect("a name"),
            status: Status::Active,
            encryption_key: None,
        };
        self.world.accounts.insert(account, record);
        Actor { account, secret }
    }

    /// Creates an asset.
    ///
    /// # Panics
    /// If the symbol is no asset's symbol.
    pub fn add_asset(&mut self, symbol: &str) -> AssetId {
        let asset = symbol.parse().expect("an asset's symbol");
        self.world.assets.insert(asset, Status::Active);
        asset
    }

    /// Gives new value to an account.
    ///
    /// # Panics
    /// If the account would hold more than an amount can be.
    pub fn issue(&mut self, to: AccountId, asset: AssetId, amount: Amount) {
        let held = self.world.balances.entry((to, asset)).or_default();
        *held = held.checked_add(amount).expect("a test's value fits an amount");
    }

    /// Freezes an asset, or lets it move again.
    pub fn set_frozen(&mut self, asset: AssetId, frozen: bool) {
        self.world.assets.insert(asset, status(frozen));
    }

    /// Suspends an account (a member with all its holders), or resumes it.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn set_suspended(&mut self, account: AccountId, suspended: bool) {
        self.world.accounts.get_mut(&account).expect("an enrolled account").status = status(suspended);
        if let Some(member) = self.world.members.get_mut(&account) {
            member.status = status(suspended);
        }
    }

    /// Replaces a member's roles.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn set_roles(&mut self, member: AccountId, roles: &[Role]) {
        self.world.members.get_mut(&member).expect("an admitted member").roles =
            roles.to_vec().try_into().expect("few roles");
    }

    /// Replaces the keys that sign for an account.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn set_authority(&mut self, account: AccountId, authority: Authority) {
        self.world.accounts.get_mut(&account).expect("an enrolled account").authority = authority;
    }

    /// A document signed by some of its parties.
    ///
    /// # Panics
    /// If a signer is no party.
    pub fn signed(&self, document: Document, signers: &[&Actor]) -> SignedDocument {
        let mut proposal = Proposal::new(Subject::Document(document));
        for signer in signers {
            proposal.sign(&signer.account, &signer.secret).expect("a signer is a party");
        }
        proposal.to_document().expect("it was made of a document")
    }

    /// Runs one call as a transaction of its own, signed by `parties`. If it stops, nothing of it remains.
    ///
    /// # Errors
    /// [`Stopped`].
    ///
    /// # Panics
    /// If the rules panic: on the ledger that is a trap, in a contract it is a mistake.
    pub fn call<T, E>(
        &mut self,
        parties: &[AccountId],
        rules: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, Stopped<E>> {
        self.transactions += 1;
        for party in parties {
            match self.is_active(party) {
                None => return Err(Stopped::Failed(Failure::UnknownAccount(*party))),
                Some(false) => return Err(Stopped::Failed(Failure::Suspended(*party))),
                Some(true) => {}
            }
        }
        let id = Hash::of_encoded("test-transaction", &self.transactions);
        self.run(Running { id, parties: parties.to_vec(), writes: true }, rules)
    }

    /// Runs a query.
    ///
    /// # Errors
    /// [`Stopped`]; a query that writes is stopped.
    pub fn query<T, E>(&mut self, rules: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, Stopped<E>> {
        self.run(Running::default(), rules)
    }

    /// Makes a block at `time`: runs the jobs that are due with `run`, which is given method and arguments. Returns each job's
    /// number and outcome, in the order they ran. What a failing job did is undone; it does not run again.
    ///
    /// # Panics
    /// If `time` is not later than the last block's.
    pub fn block<E>(
        &mut self,
        time: Timestamp,
        mut run: impl FnMut(&mut Self, u32, &[u8]) -> Result<(), E>,
    ) -> Vec<(u64, Result<(), Stopped<E>>)> {
        assert!(time > self.world.now, "a block is later than the one before");
        self.world.now = time;
        self.world.height += 1;
        let mut outcomes = Vec::new();
        // Ends: a job schedules later than the block's time only.
        while let Some(entry) = self.world.jobs.first_entry().filter(|entry| entry.key().0 <= time) {
            let job = entry.remove();
            let running = Running { id: Hash::of_encoded("job", &job.number), parties: Vec::new(), writes: true };
            outcomes.push((job.number, self.run(running, |host| run(host, job.method, &job.args))));
        }
        outcomes
    }

    fn run<T, E>(&mut self, running: Running, rules: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, Stopped<E>> {
        let before = self.world.clone();
        self.running = running;
        let ended = catch_unwind(AssertUnwindSafe(|| rules(self)));
        let outcome = match ended {
            Ok(result) => result.map_err(Stopped::Refused),
            Err(payload) => match payload.downcast::<CallFault>() {
                Ok(fault) => Err(Stopped::Failed(Failure::Call { index: 0, fault: *fault })),
                Err(mistake) => resume_unwind(mistake),
            },
        };
        if outcome.is_err() {
            self.world = before;
        }
        outcome
    }

    /// Ends the running call as a failing host function does: nothing is returned to the contract.
    fn end(&self, fault: CallFault) -> ! {
        resume_unwind(Box::new(fault))
    }

    fn is_active(&self, account: &AccountId) -> Option<bool> {
        let record = self.world.accounts.get(account)?;
        let member = self.world.members.get(&record.member)?;
        Some(record.status == Status::Active && member.status == Status::Active)
    }

    /// The block's time.
    pub fn time(&self) -> Timestamp {
        self.world.now
    }

    /// The chain for which documents are signed.
    pub fn chain_id(&self) -> Hash {
        self.chain
    }

    /// The contract's own account.
    pub fn contract(&self) -> AccountId {
        AccountId::of_contract(&self.module)
    }

    /// What an account holds.
    pub fn held(&self, account: AccountId, asset: AssetId) -> Amount {
        self.world.balances.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// The sum of all balances: calls and jobs never change it.
    ///
    /// # Panics
    /// If the sum is more than an amount can be.
    pub fn supply(&self, asset: AssetId) -> Amount {
        let of_asset = self.world.balances.iter().filter(|((_, of), _)| *of == asset);
        of_asset.fold(Amount::ZERO, |sum, (_, held)| sum.checked_add(*held).expect("a test's value fits an amount"))
    }

    /// The events so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.world.events
    }

    /// The jobs that wait, in the order they will run.
    pub fn waiting_jobs(&self) -> impl Iterator<Item = &WaitingJob> {
        self.world.jobs.values()
    }

    /// The contract's storage.
    pub fn storage(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.world.data
    }
}

const fn status(suspended: bool) -> Status {
    if suspended { Status::Suspended } else { Status::Active }
}
