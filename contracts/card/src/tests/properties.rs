//! Random moves at random times: the contract agrees with the model, value is conserved, nothing is stuck.
use super::model::{AUTH_A, AUTH_B, Attempt, BANK, Back, Card, HANNA, Model, PEOPLE, PHONE, SHOP, STAN, TILL};
use super::scene::{FUNDS, PAYMENT_MAX, START, Scene, card_name, text};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::Actor;
use countersign_interface::card::{Load, Pay, Register, SetLimits};
use countersign_types::Amount;
use proptest::prelude::*;

const CARDS: usize = 2;
const NAMES: [&str; PEOPLE] = [
    "bank.example",
    "hanna@club.example",
    "stan@club.example",
    "hanna.phone@club.example",
    "till-7@shop.example",
    "card-1234+a@bank.example",
    "card-1234+b@bank.example",
    "shop.example",
];
/// Two payments reach it.
const DAY_MAX: u128 = 6_000;
/// On each card in the beginning: some payments' worth.
const FIRST_LOAD: u128 = 20_000;
/// Until the holder alone takes a blocked card's balance.
const THIRTY_DAYS: u64 = 30 * 86_400_000;

/// Somebody, or whoever is right at that moment.
type Who = Option<usize>;

#[derive(Clone, Debug)]
enum Move {
    Load {
        payer: usize,
        card: usize,
        amount: u128,
    },
    Pay {
        card: usize,
        auth: Who,
        device: Who,
        associated: Option<Who>,
        amount: u128,
        payee: usize,
        account: Who,
        order: u8,
    },
    Return {
        card: usize,
        way: u8,
        signer: Who,
        holder: Who,
        amount: u128,
    },
    Block {
        by: Who,
        card: usize,
    },
    Unblock {
        issuer: Who,
        holder: Who,
        card: usize,
    },
    ChangeAuth {
        issuer: Who,
        holder: Who,
        auth: usize,
        card: usize,
    },
    ChangeDevice {
        issuer: Who,
        holder: Who,
        device: usize,
        card: usize,
    },
    SetLimits {
        issuer: Who,
        holder: Who,
        card: usize,
        payment_max: u128,
        day_max: u128,
    },
    Wait {
        millis: u64,
    },
    Freeze {
        frozen: bool,
    },
    Suspend {
        bank: bool,
        suspended: bool,
    },
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![24 => Just(None), 1 => (0..PEOPLE).prop_map(Some)]
}

/// Amounts around the limits; thousands often, of which the limits are made, so that they are met exactly.
fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![12 => (0..7_u128).prop_map(|n| n * 1_000), 6 => 1..5_500_u128, 1 => 0..150_000_u128]
}

/// Quarters of a day, so that midnight is often met exactly, and now and then a month.
fn wait() -> impl Strategy<Value = u64> {
    const QUARTER: u64 = 6 * 3_600_000;
    prop_oneof![6 => (1..4_u64).prop_map(|n| n * QUARTER), 2 => 1..QUARTER, 1 => THIRTY_DAYS - 2..THIRTY_DAYS + 2]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let card = 0..CARDS;
    let payee = prop_oneof![4 => Just(SHOP), 1 => Just(STAN), 1 => Just(HANNA)];
    let second = prop_oneof![1 => Just(None), 1 => who().prop_map(Some)];
    let pay = (card.clone(), who(), who(), second, amount(), payee, who(), 0..12_u8);
    let pay = pay.prop_map(|(card, auth, device, associated, amount, payee, account, order)| Move::Pay {
        card,
        auth,
        device,
        associated,
        amount,
        payee,
        account,
        order,
    });
    let back = (card.clone(), 0..3_u8, who(), who(), amount());
    let limits = (who(), who(), card.clone(), 0..6_000_u128, 0..15_000_u128);
    let one = prop_oneof![
        4 => (0..PEOPLE, card.clone(), amount()).prop_map(|(payer, card, amount)| Move::Load { payer, card, amount }),
        12 => pay,
        3 => back.prop_map(|(card, way, signer, holder, amount)| Move::Return { card, way, signer, holder, amount }),
        1 => (who(), card.clone()).prop_map(|(by, card)| Move::Block { by, card }),
        3 => (who(), who(), card.clone()).prop_map(|(issuer, holder, card)| Move::Unblock { issuer, holder, card }),
        1 => (who(), who(), 0..PEOPLE, card.clone())
            .prop_map(|(issuer, holder, auth, card)| Move::ChangeAuth { issuer, holder, auth, card }),
        1 => (who(), who(), 0..PEOPLE, card)
            .prop_map(|(issuer, holder, device, card)| Move::ChangeDevice { issuer, holder, device, card }),
        1 => limits.prop_map(|(issuer, holder, card, payment_max, day_max)| {
            Move::SetLimits { issuer, holder, card, payment_max, day_max }
        }),
        3 => wait().prop_map(|millis| Move::Wait { millis }),
        1 => prop_oneof![5 => Just(false), 1 => Just(true)].prop_map(|frozen| Move::Freeze { frozen }),
        1 => (any::<bool>(), prop_oneof![5 => Just(false), 1 => Just(true)])
            .prop_map(|(bank, suspended)| Move::Suspend { bank, suspended }),
    ];
    prop::collection::vec(one, 1..80)
}

/// The contract and the model side by side.
struct Pair {
    scene: Scene,
    model: Model,
    people: [Actor; PEOPLE],
}

impl Pair {
    fn new() -> Self {
        let mut scene = Scene::empty();
        let people = [
            scene.bank,
            scene.holder,
            scene.stranger,
            scene.phone,
            scene.till,
            scene.auth,
            scene.other_auth,
            scene.shop,
        ];
        let (payment_max, day_max) = (PAYMENT_MAX.get(), DAY_MAX);
        let cards = vec![
            Card::new(HANNA, PHONE, AUTH_A, payment_max, day_max),
            Card::new(STAN, TILL, AUTH_B, payment_max, day_max),
        ];
        for (number, card) in cards.iter().enumerate() {
            let day_max = Amount::new(day_max);
            let args = Register { card: card_name(number), day_max, ..scene.registration() };
            let parties = [BANK, card.holder, card.device, card.auth].map(|person| people[person]);
            scene.register_as(parties, args).unwrap();
        }
        let balances = people.map(|actor| scene.host.held(actor.account, scene.eur).get());
        assert_eq!(balances[HANNA], FUNDS.get());
        let now = START.millis();
        let (frozen, bank_suspended, shop_suspended) = (false, false, false);
        let orders = Vec::new();
        let model = Model { now, frozen, bank_suspended, shop_suspended, balances, cards, orders };
        let mut pair = Self { scene, model, people };
        (0..CARDS).for_each(|card| pair.make(&Move::Load { payer: BANK, card, amount: FIRST_LOAD }));
        pair
    }

    fn actors<const N: usize>(&self, people: [usize; N]) -> [Actor; N] {
        people.map(|person| self.people[person])
    }

    /// Issuer and holder of a card, where none others are named.
    fn both(&self, issuer: Who, holder: Who, card: usize) -> [usize; 2] {
        [issuer.unwrap_or(BANK), holder.unwrap_or(self.model.cards[card].holder)]
    }

    /// Makes one move on both sides; both take it or both refuse it.
    // long: one arm per move
    fn make(&mut self, step: &Move) {
        let amounts = |amount: u128| Amount::new(amount);
        let asset = self.scene.eur;
        match *step {
            Move::Load { payer, card, amount } => {
                let args = Load { card: card_name(card), asset, amount: amounts(amount) };
                let outcome = self.scene.load_as(self.people[payer], args);
                assert_eq!(outcome.is_ok(), self.model.load(payer, card, amount), "{outcome:?}");
            }
            Move::Pay { .. } => self.pay(step),
            Move::Return { card, way, signer, holder, amount } => {
                let of = &self.model.cards[card];
                let (auth, holder) = (signer.unwrap_or(of.auth), holder.unwrap_or(of.holder));
                let back = match way {
                    0 => Back::Unload { auth },
                    1 => Back::Recover { issuer: signer.unwrap_or(BANK) },
                    _ => Back::Reclaim,
                };
                self.give_back(back, card, holder, amount);
            }
            Move::Block { by, card } => {
                let by = by.unwrap_or(self.model.cards[card].holder);
                let outcome = self.scene.block_card(self.people[by], card_name(card).as_str());
                assert_eq!(outcome.is_ok(), self.model.block(by, card), "{outcome:?}");
            }
            Move::Unblock { issuer, holder, card } => {
                let [issuer, holder] = self.both(issuer, holder, card);
                let [first, second] = self.actors([issuer, holder]);
                let outcome = self.scene.unblock_as(first, second, card_name(card).as_str());
                assert_eq!(outcome.is_ok(), self.model.unblock(issuer, holder, card), "{outcome:?}");
            }
            Move::ChangeAuth { issuer, holder, auth, card } => {
                let [issuer, holder] = self.both(issuer, holder, card);
                let parties = self.actors([issuer, holder, auth]);
                let outcome = self.scene.change_auth_as(parties, card_name(card).as_str());
                assert_eq!(outcome.is_ok(), self.model.change_auth(issuer, holder, auth, card), "{outcome:?}");
            }
            Move::ChangeDevice { issuer, holder, device, card } => {
                let [issuer, holder] = self.both(issuer, holder, card);
                let parties = self.actors([issuer, holder, device]);
                let outcome = self.scene.change_device_as(parties, card_name(card).as_str());
                assert_eq!(outcome.is_ok(), self.model.change_device(issuer, holder, device, card), "{outcome:?}");
            }
            Move::SetLimits { issuer, holder, card, payment_max, day_max } => {
                let [issuer, holder] = self.both(issuer, holder, card);
                let [first, second] = self.actors([issuer, holder]);
                let (card_name, most, of_day) = (card_name(card), amounts(payment_max), amounts(day_max));
                let args = SetLimits { card: card_name, asset, payment_max: most, day_max: of_day };
                let outcome = self.scene.set_limits_as(first, second, args);
                let expected = self.model.set_limits(issuer, holder, card, payment_max, day_max);
                assert_eq!(outcome.is_ok(), expected, "{outcome:?}");
            }
            Move::Wait { millis } => {
                self.scene.wait(millis);
                self.model.now += millis;
            }
            Move::Freeze { frozen } => {
                self.scene.host.set_frozen(asset, frozen);
                self.model.frozen = frozen;
            }
            Move::Suspend { bank, suspended } => {
                let member = if bank { BANK } else { SHOP };
                self.scene.host.set_suspended(self.people[member].account, suspended);
                *(if bank { &mut self.model.bank_suspended } else { &mut self.model.shop_suspended }) = suspended;
            }
        }
    }

    fn pay(&mut self, step: &Move) {
        let &Move::Pay { card, auth, device, associated, amount, payee, account, order } = step else { return };
        let of = &self.model.cards[card];
        let elsewhere = if of.device == TILL { PHONE } else { TILL };
        let attempt = Attempt {
            card,
            auth: auth.unwrap_or(of.auth),
            device: device.unwrap_or(if associated.is_some() { elsewhere } else { of.device }),
            associated: associated.map(|who| who.unwrap_or(of.device)),
            amount,
            payee,
            account: account.unwrap_or(payee),
            order,
        };
        let args = Pay {
            card: card_name(card),
            asset: self.scene.eur,
            amount: Amount::new(amount),
            payee: NAMES[payee].parse().unwrap(),
            account: self.people[attempt.account].account,
            order: text(&format!("order {order}")),
        };
        let [auth, device] = self.actors([attempt.auth, attempt.device]);
        let outcome = match attempt.associated {
            None => self.scene.pay_as(auth, device, args),
            Some(associated) => self.scene.pay_confirmed_as(auth, device, self.people[associated], args),
        };
        assert_eq!(outcome.is_ok(), self.model.pay(&attempt), "{attempt:?}: {outcome:?}");
    }

    fn give_back(&mut self, back: Back, card: usize, holder: usize, amount: u128) {
        let (name, to) = (card_name(card), self.people[holder]);
        let outcome = match back {
            Back::Unload { auth } => self.scene.unload_as(self.people[auth], to, name.as_str(), amount),
            Back::Recover { issuer } => self.scene.recover_as(self.people[issuer], to, name.as_str(), amount),
            Back::Reclaim => self.scene.reclaim_as(to, name.as_str(), amount),
        };
        assert_eq!(outcome.is_ok(), self.model.give_back(back, card, holder, amount), "{back:?}: {outcome:?}");
    }

    fn check(&mut self) {
        let (host, eur) = (&self.scene.host, self.scene.eur);
        let held = self.people.map(|person| host.held(person.account, eur).get());
        assert_eq!(held, self.model.balances);
        assert_eq!(host.held(host.contract(), eur).get(), self.model.held_by_contract());
        assert_eq!(self.scene.held(), self.model.held_by_contract());
        for (number, of) in self.model.cards.clone().iter().enumerate() {
            let card = self.scene.card_of(card_name(number).as_str()).unwrap();
            assert_eq!((card.balance.get(), card.auth), (of.balance, self.people[of.auth].account));
            let blocked_since = card.blocked_since.map(|since| since.millis());
            assert_eq!((blocked_since, card.device), (of.blocked_since, self.people[of.device].account));
            let of_day =
                if card.day.millis() / 86_400_000 == self.model.now / 86_400_000 { card.spent.get() } else { 0 };
            assert_eq!(of_day, of.paid_on(self.model.now / 86_400_000));
        }
    }

    /// Empties every card in one of the ways there are, whatever happened to it before.
    fn finish(&mut self, way: u8) {
        self.make(&Move::Freeze { frozen: false });
        for card in 0..CARDS {
            let Card { holder, auth, balance, blocked_since, .. } = self.model.cards[card];
            // With its issuer suspended nobody but the holder can act, and that at once.
            let back = match way {
                _ if self.model.bank_suspended => Back::Reclaim,
                0 => Back::Unload { auth },
                1 => Back::Recover { issuer: BANK },
                _ => {
                    if blocked_since.is_none() {
                        self.make(&Move::Block { by: None, card });
                    }
                    self.make(&Move::Wait { millis: THIRTY_DAYS });
                    Back::Reclaim
                }
            };
            // A card that changed hands to a till whose shop is suspended waits for the shop, not for its money.
            let suspended_till = matches!(back, Back::Unload { auth } if [TILL, SHOP].contains(&auth));
            if suspended_till {
                self.make(&Move::Suspend { bank: false, suspended: false });
            }
            self.give_back(back, card, holder, balance);
        }
        assert_eq!(self.model.held_by_contract(), 0, "nothing is stuck");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_contract_agrees_with_the_model(moves in moves(), way in 0..3_u8) {
        let mut pair = Pair::new();
        let supply = pair.scene.host.supply(pair.scene.eur);
        for step in &moves {
            pair.make(step);
            pair.check();
        }
        pair.finish(way);
        pair.check();
        prop_assert_eq!(pair.scene.host.supply(pair.scene.eur), supply);
    }
}
