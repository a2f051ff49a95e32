//! Random sequences of calls against a naive model: value is conserved, and every balance is what the model says.
use crate::probe::{self, Script};
use crate::world::{BALANCE, World, eur, id};
use countersign_executor::audit_supply;
use countersign_interface::Method;
use countersign_interface::assets::{Burn, Issue, Payment, SetFrozen, Transfer, TransferMany};
use countersign_types::{AccountId, Amount, Call};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["bank.example", "alice@hotel.example", "bob@hotel.example", "carol@books.example"];

/// A call in a model's words. Accounts are indices into [`NAMES`]; the one after them is the test contract's.
#[derive(Clone, Debug)]
enum Step {
    Transfer {
        from: usize,
        to: usize,
        amount: u128,
    },
    Many {
        from: usize,
        payments: Vec<(usize, u128)>,
    },
    Issue {
        by: usize,
        to: usize,
        amount: u128,
    },
    Burn {
        by: usize,
        amount: u128,
    },
    Freeze {
        by: usize,
        frozen: bool,
    },
    /// By way of the contract, `from` being a party.
    Contract {
        from: usize,
        to: usize,
        amount: u128,
    },
}

fn account(index: usize) -> AccountId {
    NAMES.get(index).map_or_else(|| probe::account("probe"), |name| id(name))
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![Just(0), 1..1_000_u128, Just(BALANCE), BALANCE..3 * BALANCE, Just(u128::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
    let signer = 0..NAMES.len();
    let any = 0..=NAMES.len();
    prop_oneof![
        4 => (signer.clone(), any.clone(), amount()).prop_map(|(from, to, amount)| Step::Transfer { from, to, amount }),
        2 => (signer.clone(), proptest::collection::vec((any.clone(), 0..400_000_u128), 0..4))
            .prop_map(|(from, payments)| Step::Many { from, payments }),
        1 => (0..2_usize, any.clone(), amount()).prop_map(|(by, to, amount)| Step::Issue { by, to, amount }),
        1 => (signer.clone(), amount()).prop_map(|(by, amount)| Step::Burn { by, amount }),
        1 => (0..2_usize, prop::bool::weighted(0.3)).prop_map(|(by, frozen)| Step::Freeze { by, frozen }),
        3 => (any.clone(), any, amount()).prop_map(|(from, to, amount)| Step::Contract { from, to, amount }),
    ]
}

impl Step {
    fn call(&self) -> Call {
        let reference = "".parse().unwrap();
        match self {
            Self::Transfer { from, to, amount } => {
                let to = account(*to);
                Transfer { asset: eur(), to, amount: Amount::new(*amount), reference }.call(&[account(*from)])
            }
            Self::Many { from, payments } => {
                let payment = |(to, amount): &(usize, u128)| Payment { to: account(*to), amount: Amount::new(*amount) };
                let payments: Vec<_> = payments.iter().map(payment).collect();
                TransferMany { asset: eur(), payments: payments.try_into().unwrap(), reference }.call(&[account(*from)])
            }
            Self::Issue { by, to, amount } => {
                Issue { asset: eur(), to: account(*to), amount: Amount::new(*amount) }.call(&[account(*by)])
            }
            Self::Burn { by, amount } => Burn { asset: eur(), amount: Amount::new(*amount) }.call(&[account(*by)]),
            Self::Freeze { by, frozen } => SetFrozen { asset: eur(), frozen: *frozen }.call(&[account(*by)]),
            Self::Contract { from, to, amount } => {
                let script =
                    Script::new().host("transfer", (account(*from), account(*to), eur(), Amount::new(*amount)));
                let actor = if *from < NAMES.len() { *from } else { 0 };
                script.call("probe", &[account(actor)])
            }
        }
    }
}

/// Balances by index, as plain numbers.
#[derive(Clone, Debug)]
struct Model {
    balances: BTreeMap<usize, u128>,
    frozen: bool,
}

impl Model {
    fn new() -> Self {
        Self { balances: (0..NAMES.len()).map(|index| (index, BALANCE)).collect(), frozen: false }
    }

    fn supply(&self) -> u128 {
        // The members and holders of the genesis that take no part hold the rest.
        self.balances.values().sum::<u128>() + 4 * BALANCE
    }

    fn pay(&mut self, from: usize, to: usize, amount: u128) -> bool {
        let held = self.balances.get(&from).copied().unwrap_or(0);
        if self.frozen || held < amount {
            return false;
        }
        *self.balances.entry(from).or_default() -= amount;
        *self.balances.entry(to).or_default() += amount;
        true
    }

    /// Applies a step; false and unchanged if it is refused.
    fn apply(&mut self, step: &Step) -> bool {
        let before = self.clone();
        let done = match step {
            Step::Transfer { from, to, amount } => *amount > 0 && from != to && self.pay(*from, *to, *amount),
            Step::Many { from, payments } => {
                !payments.is_empty()
                    && payments.iter().all(|(to, amount)| *amount > 0 && from != to && self.pay(*from, *to, *amount))
            }
            Step::Issue { by, to, amount } => {
                let fits = self.supply().checked_add(*amount).is_some();
                let issued = !self.frozen && *by == 0 && *amount > 0 && fits;
                if issued {
                    *self.balances.entry(*to).or_default() += amount;
                }
                issued
            }
            Step::Burn { by, amount } => {
                let held = self.balances[by];
                let burnt = !self.frozen && *amount > 0 && held >= *amount;
                if burnt {
                    self.balances.insert(*by, held - amount);
                }
                burnt
            }
            Step::Freeze { by, frozen } => {
                if *by == 0 {
                    self.frozen = *frozen;
                }
                *by == 0
            }
            Step::Contract { from, to, amount } => self.pay(*from, *to, *amount),
        };
        if !done {
            *self = before;
        }
        done
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn balances_follow_the_model_and_add_up_to_the_supply(
        transactions in proptest::collection::vec(proptest::collection::vec(step(), 1..4), 1..30),
        block_sizes in proptest::collection::vec(1..6_usize, 30),
    ) {
        let mut world = World::new();
        let mut model = Model::new();
        let mut rest = &transactions[..];
        for size in block_sizes {
            let (block, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let mut signed = Vec::new();
            for steps in block {
                let draft = world.draft(steps.iter().map(Step::call).collect());
                signed.push(world.sign(&draft));
            }
            // Debug builds check each block's supply inside, too.
            let receipts = world.block(&signed).receipts;
            for (steps, receipt) in block.iter().zip(receipts) {
                let before = model.clone();
                let done = steps.iter().all(|step| model.apply(step));
                if !done {
                    model = before;
                }
                prop_assert_eq!(receipt.outcome.is_ok(), done, "{:?} {:?}", steps, receipt.outcome);
            }
            for index in 0..=NAMES.len() {
                let expected = model.balances.get(&index).copied().unwrap_or(0);
                prop_assert_eq!(world.balance(account(index)), expected);
            }
            prop_assert_eq!(audit_supply(&world.state), Ok(()));
        }
    }
}
