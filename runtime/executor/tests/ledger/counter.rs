//! The accounts and transactions at an agent's counter: top-up, cash-out, payment.
use crate::world::{World, eur, id, ids, ms, ok};
use countersign_interface::Method;
use countersign_interface::topup::{
    Confirm, Error, Execute, Kind, LicenceOf, LicenceStatus, License, Mode, Request, RequestOf, RequestRecord,
    SetAside, State,
};
use countersign_types::{AccountId, Amount, AssetId, Call, CallFault, Hash, ModuleName, Receipt, VerifiedTransaction};
use parity_scale_codec::{Decode, DecodeAll, Encode};

/// A member with the role agent.
pub const BANK: &str = "bank.example";
/// A member without it, which the bank licenses.
pub const SHOP: &str = "books.example";
pub const HOLDER: &str = "alice@hotel.example";
/// The member that enrolled the holder.
pub const OWN: &str = "hotel.example";
pub const PAYEE: &str = "dave@books.example";
pub const COUNCIL: [&str; 2] = [BANK, OWN];

pub const HOUR_MS: u64 = 3_600_000;
pub const CONFIRM_MS: u64 = HOUR_MS / 2;
pub const AMOUNT: u128 = 5_000;
pub const FEE: u128 = 50;
/// Limits of the shop's licence.
pub const PER_REQUEST: u128 = 10_000;
pub const PER_DAY: u128 = 15_000;

pub struct Counter {
    pub world: World,
}

fn module() -> ModuleName {
    "topup".parse().unwrap()
}

pub fn contract() -> AccountId {
    AccountId::of_contract(&module())
}

/// The id of the request a receipt's first event tells of.
pub fn request_id(receipt: &Receipt) -> Hash {
    Hash::decode(&mut &receipt.events[0].data[..]).unwrap()
}

pub fn licence(per_request: u128, per_day: u128) -> License {
    License { asset: eur(), per_request: Amount::new(per_request), per_day: Amount::new(per_day) }
}

impl Counter {
    /// The bank has licensed the shop.
    pub fn new() -> Self {
        let mut world = World::new();
        ok(world.call(&licence(PER_REQUEST, PER_DAY), &[BANK, SHOP]));
        Self { world }
    }

    /// The usual request: for any agent, within an hour.
    pub fn ask(&self, kind: Kind) -> Request {
        Request {
            mode: Mode::Proxy,
            kind,
            asset: eur(),
            amount: Amount::new(AMOUNT),
            fee: Amount::new(FEE),
            payee: (kind == Kind::Payment).then(|| id(PAYEE)),
            agent: None,
            reference: "invoice 7".parse().unwrap(),
            expires_at: ms(self.world.time + HOUR_MS),
        }
    }

    /// Makes the usual request.
    pub fn asked(&mut self, kind: Kind) -> Hash {
        let ask = self.ask(kind);
        self.request(&ask)
    }

    pub fn request(&mut self, ask: &Request) -> Hash {
        request_id(&ok(self.world.call(ask, &[HOLDER])))
    }

    /// What an agent signs who has looked the request up.
    pub fn seen(&self, request: Hash) -> Execute {
        let RequestRecord { kind, holder, payee, asset, amount, fee, .. } = self.record(request).unwrap();
        Execute { request, kind, holder, payee, asset, amount, fee }
    }

    pub fn execute(&mut self, agent: &str, request: Hash) -> Receipt {
        let seen = self.seen(request);
        self.world.call(&seen, &[agent])
    }

    /// What the holder signs who has the cash.
    pub fn received(&self, agent: &str, request: Hash) -> Confirm {
        Confirm { request, agent: id(agent), asset: eur(), amount: Amount::new(AMOUNT), fee: Amount::new(FEE) }
    }

    pub fn confirm(&mut self, agent: &str, request: Hash) -> Receipt {
        let received = self.received(agent, request);
        self.world.call(&received, &[HOLDER])
    }

    /// Signs a call for a block of several.
    pub fn signed(&mut self, method: &impl Method, parties: &[&str]) -> VerifiedTransaction {
        let draft = self.world.draft(vec![method.call(&ids(parties))]);
        self.world.sign(&draft)
    }

    fn ask_contract<T: Decode>(&self, query: &str, args: impl Encode) -> Result<T, CallFault> {
        let world = &self.world;
        let answer = world.executor.query(&world.state, &module(), query, &args.encode(), world.place())?;
        Ok(T::decode_all(&mut &answer[..]).unwrap())
    }

    pub fn record(&self, request: Hash) -> Result<RequestRecord, CallFault> {
        self.ask_contract(RequestOf::NAME, RequestOf { request })
    }

    pub fn state(&self, request: Hash) -> State {
        self.record(request).unwrap().state
    }

    pub fn licence_of(&self, agent: &str) -> Result<LicenceStatus, CallFault> {
        self.ask_contract(LicenceOf::NAME, LicenceOf { agent: id(agent), asset: eur() })
    }

    pub fn set_aside(&self, asset: AssetId) -> Amount {
        self.ask_contract(SetAside::NAME, SetAside { asset }).unwrap()
    }

    /// Balances of holder, bank, shop, payee and the contract.
    pub fn balances(&self) -> [u128; 5] {
        [id(HOLDER), id(BANK), id(SHOP), id(PAYEE), contract()].map(|account| self.world.balance(account))
    }

    /// Runs what must be refused, and checks that nothing moved.
    #[track_caller]
    pub fn refused(&mut self, call: Call) -> Error {
        let before = (self.balances(), self.set_aside(eur()));
        let receipt = self.world.run(vec![call]);
        assert_eq!((self.balances(), self.set_aside(eur())), before);
        Error::from_code(crate::world::refusal(&receipt)).unwrap()
    }
}
