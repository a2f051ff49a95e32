//! A bank, its licensed shop, holders with money, and their usual moves.
use crate::Topup;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::{Actor, Stopped, TestHost};
use countersign_interface::topup::{
    Cancel, Collect, Confirm, Error, Execute, Kind, LicenceOf, LicenceStatus, License, Mode, Reject, Request,
    RequestOf, RequestRecord, Requested, Rules, SetAside, Withdraw, dispatch,
};
use countersign_interface::{DispatchFault, Event};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, AssetId, Hash, Text, Timestamp};
use parity_scale_codec::{Decode, DecodeAll};

pub type Outcome<T> = Result<T, Stopped<Error>>;

/// What everybody has in the beginning.
pub const FUNDS: Amount = Amount::new(100_000);
/// Noon of a day, so that the day's end is twelve hours away.
pub const START: Timestamp = Timestamp::from_millis(20_000 * 86_400_000 + 43_200_000);
/// When the usual request ends.
pub const ENDS: Timestamp = after(60 * 60 * 1000);
pub const AMOUNT: Amount = Amount::new(5_000);
pub const FEE: Amount = Amount::new(50);
/// Limits of the usual licence.
pub const PER_REQUEST: Amount = Amount::new(10_000);
pub const PER_DAY: Amount = Amount::new(15_000);

pub const fn after(millis: u64) -> Timestamp {
    Timestamp::from_millis(START.millis() + millis)
}

pub struct Scene {
    pub host: TestHost,
    pub eur: AssetId,
    /// A member with the role agent.
    pub bank: Actor,
    /// Another one.
    pub rival: Actor,
    /// A member without it, which enrolled payee and stranger.
    pub shop: Actor,
    /// Enrolled by the bank.
    pub holder: Actor,
    pub payee: Actor,
    pub stranger: Actor,
}

impl Scene {
    pub fn new() -> Self {
        let mut host = TestHost::new("topup", START);
        let eur = host.add_asset("EUR");
        let bank = host.add_member("bank.example", &[Role::Agent]);
        let rival = host.add_member("rival.example", &[Role::Agent, Role::Issuer]);
        let shop = host.add_member("shop.example", &[Role::Merchant]);
        let holder = host.add_holder("hanna@bank.example", &bank);
        let [payee, stranger] = ["paul@shop.example", "stan@shop.example"].map(|name| host.add_holder(name, &shop));
        for actor in [bank, rival, shop, holder, payee, stranger] {
            host.issue(actor.account, eur, FUNDS);
        }
        Self { host, eur, bank, rival, shop, holder, payee, stranger }
    }

    /// A scene in which the bank has licensed the shop.
    pub fn licensed() -> Self {
        let mut scene = Self::new();
        scene.license(scene.bank, scene.shop, PER_REQUEST.get(), PER_DAY.get()).unwrap();
        scene
    }

    /// The usual request of a kind: for any agent.
    pub fn ask(&self, kind: Kind) -> Request {
        Request {
            mode: Mode::Proxy,
            kind,
            asset: self.eur,
            amount: AMOUNT,
            fee: FEE,
            payee: (kind == Kind::Payment).then_some(self.payee.account),
            agent: None,
            reference: text("market day"),
            expires_at: ENDS,
        }
    }

    pub fn request(&mut self, args: Request) -> Outcome<Hash> {
        self.request_by(self.holder, args)
    }

    pub fn request_by(&mut self, holder: Actor, args: Request) -> Outcome<Hash> {
        let holder = holder.account;
        self.host.call(&[holder], |host| Topup::request(host, holder, args))?;
        Ok(self.last_event::<Requested>().request)
    }

    /// The usual request of a kind, made.
    pub fn asked(&mut self, kind: Kind) -> Hash {
        self.request(self.ask(kind)).unwrap()
    }

    /// What an agent signs who has looked the request up.
    pub fn seen(&mut self, request: Hash) -> Execute {
        let RequestRecord { kind, holder, payee, asset, amount, fee, .. } = self.record(request);
        Execute { request, kind, holder, payee, asset, amount, fee }
    }

    pub fn execute(&mut self, agent: Actor, request: Hash) -> Outcome<()> {
        let args = self.seen(request);
        self.execute_as(agent, args)
    }

    pub fn execute_as(&mut self, agent: Actor, args: Execute) -> Outcome<()> {
        let agent = agent.account;
        self.host.call(&[agent], |host| Topup::execute(host, agent, args))
    }

    /// What the holder signs who has the cash from `agent`.
    pub fn received(&mut self, request: Hash, agent: Actor) -> Confirm {
        let RequestRecord { asset, amount, fee, .. } = self.record(request);
        Confirm { request, agent: agent.account, asset, amount, fee }
    }

    pub fn confirm(&mut self, request: Hash, agent: Actor) -> Outcome<()> {
        let args = self.received(request, agent);
        self.confirm_as(self.holder, args)
    }

    pub fn confirm_as(&mut self, holder: Actor, args: Confirm) -> Outcome<()> {
        let holder = holder.account;
        self.host.call(&[holder], |host| Topup::confirm(host, holder, args))
    }

    pub fn cancel(&mut self, holder: Actor, request: Hash) -> Outcome<()> {
        let holder = holder.account;
        self.host.call(&[holder], |host| Topup::cancel(host, holder, Cancel { request }))
    }

    pub fn reject(&mut self, agent: Actor, request: Hash) -> Outcome<()> {
        let (agent, args) = (agent.account, Reject { request, reason: text("the till is empty") });
        self.host.call(&[agent], |host| Topup::reject(host, agent, args))
    }

    pub fn collect(&mut self, asker: Actor, request: Hash) -> Outcome<()> {
        let asker = asker.account;
        self.host.call(&[asker], |host| Topup::collect(host, asker, Collect { request }))
    }

    pub fn license(&mut self, member: Actor, agent: Actor, per_request: u128, per_day: u128) -> Outcome<()> {
        let (member, agent) = (member.account, agent.account);
        let args = License { asset: self.eur, per_request: Amount::new(per_request), per_day: Amount::new(per_day) };
        self.host.call(&[member, agent], |host| Topup::license(host, member, agent, args))
    }

    pub fn withdraw(&mut self, party: Actor, agent: Actor) -> Outcome<()> {
        let (party, args) = (party.account, Withdraw { agent: agent.account, asset: self.eur });
        self.host.call(&[party], |host| Topup::withdraw(host, party, args))
    }

    /// Makes a block and returns how the jobs in it ended.
    pub fn block(&mut self, time: Timestamp) -> Vec<Outcome<()>> {
        let run = |host: &mut TestHost, method, args: &[u8]| match dispatch::<_, Topup>(host, method, &[], args) {
            Ok(_) => Ok(()),
            Err(DispatchFault::Refused(code)) => Err(Error::from_code(code).unwrap()),
            Err(fault) => panic!("a job is of a declared method: {fault:?}"),
        };
        self.host.block(time, run).into_iter().map(|(_, outcome)| outcome).collect()
    }

    pub fn record(&mut self, request: Hash) -> RequestRecord {
        self.host.query(|host| Topup::request_of(host, RequestOf { request })).unwrap()
    }

    pub fn licence(&mut self, agent: Actor) -> Outcome<LicenceStatus> {
        let args = LicenceOf { agent: agent.account, asset: self.eur };
        self.host.query(|host| Topup::licence_of(host, args))
    }

    pub fn set_aside(&mut self) -> Amount {
        let asset = self.eur;
        self.host.query(|host| Topup::set_aside(host, SetAside { asset })).unwrap()
    }

    pub fn held(&self, actor: Actor) -> u128 {
        self.host.held(actor.account, self.eur).get()
    }

    /// What holder, bank, shop, payee and contract hold, less what they began with.
    pub fn gains(&self) -> [i128; 5] {
        let accounts = [self.holder, self.bank, self.shop, self.payee].map(|actor| actor.account);
        let held = |account: AccountId| self.host.held(account, self.eur).get() as i128;
        let [holder, bank, shop, payee] = accounts.map(|account| held(account) - FUNDS.get() as i128);
        [holder, bank, shop, payee, held(self.host.contract())]
    }

    pub fn last_event<E: Event + Decode>(&self) -> E {
        let event = self.host.events().last().unwrap();
        assert_eq!((event.module.as_str(), event.kind), ("topup", E::KIND));
        let decoded = E::decode_all(&mut &event.data[..]).unwrap();
        assert_eq!(&event.accounts[..], decoded.accounts());
        decoded
    }
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn refused<T>(error: Error) -> Outcome<T> {
    Err(Stopped::Refused(error))
}
