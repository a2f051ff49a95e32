//! A card that a bank issued, with a phone and a till, on the real ledger.
use crate::world::{World, eur, id, ids, ok, refusal};
use countersign_interface::Method;
use countersign_interface::card::{
    Block, CardOf, CardRecord, CardsOf, ChangeAuth, ChangeDevice, Error, Held, Load, Pay, PayConfirmed, PaymentOf,
    PaymentRecord, Reclaim, Recover, Register, SetLimits, Unblock, Unload,
};
use countersign_interface::registry::Enrol;
use countersign_types::{AccountId, Amount, Call, CallFault, List, ModuleName, Name, Receipt, Role};
use parity_scale_codec::{Decode, DecodeAll, Encode};

pub const BANK: &str = "bank.example";
pub const SHOP: &str = "books.example";
pub const HOLDER: &str = "alice@hotel.example";
pub const STRANGER: &str = "dave@books.example";
/// Enrolled with the card.
pub const PHONE: &str = "card-1.phone@bank.example";
pub const AUTH: &str = "card-1+a@bank.example";
/// The key of another PIN, and the shop's till: enrolled with it and by the shop.
pub const OTHER_AUTH: &str = "card-1+b@bank.example";
pub const TILL: &str = "till-7@books.example";
pub const CARD: &str = "card-1@bank.example";

pub const PAYMENT_MAX: u128 = 5_000;
pub const DAY_MAX: u128 = 12_000;
pub const LOADED: u128 = 50_000;
pub const DAY_MS: u64 = 86_400_000;

pub struct Scene {
    pub world: World,
}

pub fn module() -> ModuleName {
    "card".parse().unwrap()
}

pub fn contract() -> AccountId {
    AccountId::of_contract(&module())
}

pub fn name(name: &str) -> Name {
    name.parse().unwrap()
}

pub fn enrol(member: &str, holder: &str) -> Call {
    Enrol { name: name(holder) }.call(&ids(&[member, holder]))
}

/// The call's method of a card, with its usual amounts.
pub fn registration() -> Register {
    let (payment_max, day_max) = (Amount::new(PAYMENT_MAX), Amount::new(DAY_MAX));
    Register { card: name(CARD), asset: eur(), payment_max, day_max }
}

pub fn load(amount: u128) -> Load {
    Load { card: name(CARD), asset: eur(), amount: Amount::new(amount) }
}

/// An order of the shop's.
pub fn order(order: &str, amount: u128) -> Pay {
    Pay {
        card: name(CARD),
        asset: eur(),
        amount: Amount::new(amount),
        payee: name(SHOP),
        account: id(SHOP),
        order: order.parse().unwrap(),
    }
}

pub fn confirmed(order: Pay) -> PayConfirmed {
    let Pay { card, asset, amount, payee, account, order } = order;
    PayConfirmed { card, asset, amount, payee, account, order }
}

/// Pays the shop with the phone.
pub fn pay(id: &str, amount: u128) -> Call {
    order(id, amount).call(&ids(&[AUTH, PHONE]))
}

/// Pays the shop at its till, confirmed by the phone.
pub fn pay_at_till(id: &str, amount: u128) -> Call {
    confirmed(order(id, amount)).call(&ids(&[AUTH, TILL, PHONE]))
}

pub fn unload(amount: u128) -> Unload {
    Unload { card: name(CARD), asset: eur(), amount: Amount::new(amount) }
}

pub fn recover(amount: u128) -> Recover {
    Recover { card: name(CARD), asset: eur(), amount: Amount::new(amount) }
}

pub fn reclaim(amount: u128) -> Reclaim {
    Reclaim { card: name(CARD), asset: eur(), amount: Amount::new(amount) }
}

pub fn block() -> Block {
    Block { card: name(CARD) }
}

pub fn unblock() -> Unblock {
    Unblock { card: name(CARD) }
}

pub fn change_auth() -> ChangeAuth {
    ChangeAuth { card: name(CARD) }
}

pub fn change_device() -> ChangeDevice {
    ChangeDevice { card: name(CARD) }
}

pub fn set_limits(payment_max: u128, day_max: u128) -> SetLimits {
    let (payment_max, day_max) = (Amount::new(payment_max), Amount::new(day_max));
    SetLimits { card: name(CARD), asset: eur(), payment_max, day_max }
}

impl Scene {
    /// The bank is licensed, the shop has a till; no card yet.
    pub fn empty() -> Self {
        let mut world = World::with(|genesis| {
            let mut members = genesis.members.to_vec();
            let bank = members.iter_mut().find(|member| member.id == id(BANK)).unwrap();
            bank.roles = vec![Role::Issuer, Role::CardIssuer].try_into().unwrap();
            genesis.members = members.try_into().unwrap();
            let own = genesis.contracts.iter().filter(|contract| contract.name == module());
            genesis.contracts = own.cloned().collect::<Vec<_>>().try_into().unwrap();
        });
        // Ids of transactions do not depend on the genesis, as in `journal::named_world`.
        world.chain = countersign_types::Hash::of("test-chain", b"card");
        [PHONE, AUTH, OTHER_AUTH, TILL].iter().for_each(|name| world.knows(name));
        ok(world.run(vec![enrol(SHOP, TILL)]));
        Self { world }
    }

    /// All that makes a card, in one transaction: the PIN key's and the phone's accounts, and the card.
    pub fn registering() -> Vec<Call> {
        let register = registration().call(&ids(&[BANK, HOLDER, PHONE, AUTH]));
        vec![enrol(BANK, AUTH), enrol(BANK, PHONE), register]
    }

    /// A card with [`LOADED`] on it.
    pub fn new() -> Self {
        let mut scene = Self::empty();
        ok(scene.world.run(Self::registering()));
        ok(scene.call(&load(LOADED), &[HOLDER]));
        scene
    }

    pub fn call(&mut self, method: &impl Method, parties: &[&str]) -> Receipt {
        self.world.call(method, parties)
    }

    /// One block of these calls, each a transaction of its own, signed by all its parties.
    pub fn block_of(&mut self, calls: &[Call]) -> Vec<Result<(), Error>> {
        let transactions: Vec<_> = calls
            .iter()
            .map(|call| {
                let draft = self.world.draft(vec![call.clone()]);
                self.world.sign(&draft)
            })
            .collect();
        let receipts = self.world.block(&transactions).receipts;
        receipts
            .iter()
            .map(|receipt| receipt.outcome.map_err(|_| Error::from_code(refusal(receipt)).unwrap()))
            .collect()
    }

    /// Runs what must be refused, and checks that nothing moved.
    #[track_caller]
    pub fn refused(&mut self, call: Call) -> Error {
        let before = (self.balances(), self.card());
        let receipt = self.world.run(vec![call]);
        assert_eq!((self.balances(), self.card()), before);
        Error::from_code(refusal(&receipt)).unwrap()
    }

    /// What holder, shop and contract hold.
    pub fn balances(&self) -> [u128; 3] {
        [id(HOLDER), id(SHOP), contract()].map(|account| self.world.balance(account))
    }

    pub fn ask<T: Decode>(&self, query: &str, args: impl Encode) -> Result<T, CallFault> {
        let world = &self.world;
        let answer = world.executor.query(&world.state, &module(), query, &args.encode(), world.place())?;
        Ok(T::decode_all(&mut &answer[..]).unwrap())
    }

    pub fn card(&self) -> Result<CardRecord, CallFault> {
        self.ask(CardOf::NAME, CardOf { card: name(CARD) })
    }

    pub fn balance(&self) -> u128 {
        self.card().unwrap().balance.get()
    }

    pub fn payment(&self, device: &str, order: &str) -> Result<PaymentRecord, CallFault> {
        self.ask(PaymentOf::NAME, PaymentOf { device: id(device), order: order.parse().unwrap() })
    }

    pub fn cards_of(&self, holder: &str) -> List<Name> {
        self.ask(CardsOf::NAME, CardsOf { holder: id(holder), after: None }).unwrap()
    }

    pub fn held(&self) -> u128 {
        self.ask::<Amount>(Held::NAME, Held { asset: eur() }).unwrap().get()
    }
}
