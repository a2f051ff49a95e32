//! The accounts, documents and transactions of a referral rebate.
use crate::world::{BLOCK_MS, World, eur, id, ids, ms};
use countersign_executor::BlockPlace;
use countersign_interface::Method;
use countersign_interface::rebate::{
    Claim, Offer, Purchase, PurchaseOf, PurchaseRecord, RebateOf, RebateRecord, Redeem, Refund, SetAside,
};
use countersign_types::{
    AccountId, Amount, AssetId, Call, CallFault, Document, Hash, ModuleName, Receipt, SignedDocument, Transaction,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

pub const MERCHANT: &str = "hotel.example";
pub const CUSTOMER: &str = "alice@hotel.example";
pub const NEWCOMER: &str = "carol@books.example";
pub const ALL: [&str; 3] = [MERCHANT, CUSTOMER, NEWCOMER];

pub const DAY_MS: u64 = 86_400_000;
/// What the customer pays first.
pub const PRICE: u128 = 10_000;
/// What the newcomer pays.
pub const LOWER: u128 = 8_000;
/// What the customer gets back.
pub const REBATE: u128 = 1_000;

/// A deal up to its offer: the first purchase took place.
pub struct Deal {
    pub world: World,
    pub first: Hash,
    pub offer: Offer,
}

fn module() -> ModuleName {
    "rebate".parse().unwrap()
}

pub fn contract() -> AccountId {
    AccountId::of_contract(&module())
}

pub fn purchase(amount: u128) -> Purchase {
    Purchase { asset: eur(), amount: Amount::new(amount), reference: "order 1".parse().unwrap() }
}

/// The id of the purchase a receipt's first event tells of.
pub fn purchase_id(receipt: &Receipt) -> Hash {
    Hash::decode(&mut &receipt.events[0].data[..]).unwrap()
}

impl Deal {
    /// The first purchase, and an offer that ends in 20 days, its rebate due in 30.
    pub fn new() -> Self {
        Self::in_world(World::new())
    }

    pub fn in_world(mut world: World) -> Self {
        let receipt = crate::world::ok(world.call(&purchase(PRICE), &[MERCHANT, CUSTOMER]));
        let first = purchase_id(&receipt);
        let offer = Offer {
            purchase: first,
            asset: eur(),
            price: Amount::new(LOWER),
            deadline: ms(world.time + 20 * DAY_MS),
            rebate: Amount::new(REBATE),
            rebate_time: ms(world.time + 30 * DAY_MS),
            purchase_required: true,
        };
        Self { world, first, offer }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Offer)) -> Self {
        change(&mut self.offer);
        self
    }

    /// The offer as a document of the three.
    pub fn document(&self) -> Document {
        Document {
            chain: self.world.chain,
            kind: "rebate/Offer".parse().unwrap(),
            parties: ids(&ALL).try_into().unwrap(),
            body: self.offer.encode().try_into().unwrap(),
            expires_at: ms(self.offer.rebate_time.millis() + DAY_MS),
        }
    }

    /// The document with all three signatures.
    pub fn signed_offer(&self) -> SignedDocument {
        self.world.sign_document(self.document(), &[])
    }

    pub fn redeem(&self) -> Redeem {
        Redeem { offer: self.signed_offer(), reference: "order 2".parse().unwrap() }
    }

    pub fn claim(&self) -> Claim {
        Claim {
            offer: self.document(),
            asset: self.offer.asset,
            amount: self.offer.rebate,
            settles_at: self.offer.rebate_time,
        }
    }

    pub fn refund(&self, purchase: Hash, amount: u128) -> Refund {
        Refund { purchase, asset: self.offer.asset, amount: Amount::new(amount) }
    }

    /// A call of the three.
    pub fn of_all(&self, method: &impl Method) -> Call {
        method.call(&ids(&ALL))
    }

    /// Runs a call of the three.
    pub fn run(&mut self, method: &impl Method) -> Receipt {
        let call = self.of_all(method);
        self.world.run(vec![call])
    }

    /// A transaction that the parties have weeks to sign.
    pub fn long_draft(&mut self, call: Call) -> Transaction {
        let draft = self.world.draft(vec![call]);
        Transaction { expires_at: ms(draft.valid_from.millis() + 40 * DAY_MS), ..draft }
    }

    /// Lets time pass with an empty block; returns the receipts of the jobs.
    pub fn pass_until(&mut self, time: u64) -> Vec<Receipt> {
        self.world.block_at(time, &[]).receipts
    }

    /// Lets the rebate time come.
    pub fn pass_rebate_time(&mut self) -> Receipt {
        let mut receipts = self.pass_until(self.offer.rebate_time.millis());
        assert_eq!(receipts.len(), 1);
        receipts.pop().unwrap()
    }

    pub fn place(&self) -> BlockPlace {
        BlockPlace { time: ms(self.world.time + BLOCK_MS), ..self.world.place() }
    }

    fn ask<T: Decode>(&self, query: &str, args: impl Encode) -> Result<T, CallFault> {
        let world = &self.world;
        let answer = world.executor.query(&world.state, &module(), query, &args.encode(), self.place())?;
        Ok(T::decode_all(&mut &answer[..]).unwrap())
    }

    pub fn purchase_of(&self, purchase: Hash) -> Result<PurchaseRecord, CallFault> {
        self.ask(PurchaseOf::NAME, PurchaseOf { purchase })
    }

    pub fn rebate(&self) -> Result<RebateRecord, CallFault> {
        self.ask(RebateOf::NAME, RebateOf { rebate: self.document().hash() })
    }

    pub fn set_aside(&self, asset: AssetId) -> Amount {
        self.ask(SetAside::NAME, SetAside { asset }).unwrap()
    }

    /// Balances of merchant, customer, newcomer and the contract.
    pub fn balances(&self) -> [u128; 4] {
        [id(MERCHANT), id(CUSTOMER), id(NEWCOMER), contract()].map(|account| self.world.balance(account))
    }

    /// Runs what must be refused, and checks that nothing moved. Returns the module's own code.
    #[track_caller]
    pub fn refused(&mut self, call: Call) -> u16 {
        let before = (self.balances(), self.set_aside(eur()));
        let receipt = self.world.run(vec![call]);
        assert_eq!((self.balances(), self.set_aside(eur())), before);
        crate::world::refusal(&receipt)
    }
}
