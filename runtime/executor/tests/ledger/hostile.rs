//! Any bytes as arguments of any method or host function give a receipt: no panic, no value from nowhere.
use crate::probe::Script;
use crate::world::{World, eur, id, ids};
use countersign_executor::audit_supply;
use countersign_interface::Method;
use countersign_interface::assets::{Payment, Transfer, TransferMany};
use countersign_interface::code::Deploy;
use countersign_interface::registry::{Admit, Enrol, SetAuthority};
use countersign_types::interface::MethodKind;
use countersign_types::{AccountId, Amount, Authority, Call, Interface, Selector, Timestamp};
use parity_scale_codec::Encode;
use proptest::prelude::*;

const ALICE: &str = "alice@hotel.example";
const TWO: [&str; 2] = ["bank.example", "hotel.example"];
/// As many as any call has roles.
const SIGNERS: [&str; 5] = [TWO[0], TWO[1], ALICE, "bob@hotel.example", "carol@books.example"];

/// Every call that a transaction can make, with as many parties as it takes.
fn every_call() -> Vec<Call> {
    let modules = countersign_executor::native_interfaces().chain(countersign_interface::contracts());
    let calls = |interface: &'static Interface| {
        let methods = interface.methods.iter().enumerate().filter(|(_, method)| method.kind == MethodKind::Call);
        methods.map(|(index, method)| Call {
            module: interface.module.clone(),
            method: interface.selector(index),
            parties: ids(&SIGNERS[..method.roles.len()]).try_into().unwrap(),
            args: Vec::new().try_into().unwrap(),
        })
    };
    modules.flat_map(calls).collect()
}

/// Calls that succeed as they are.
fn good_calls() -> Vec<Call> {
    let pay = Transfer { asset: eur(), to: id(TWO[0]), amount: Amount::new(5), reference: "r".parse().unwrap() };
    let payment = Payment { to: id(TWO[0]), amount: Amount::new(5) };
    let payments = vec![payment.clone(), payment].try_into().unwrap();
    let authority = Authority::single(crate::world::key(ALICE));
    let code = crate::probe::wasm("fresh").try_into().unwrap();
    let admit = Admit {
        name: "spa.example".parse().unwrap(),
        key: crate::world::key("spa.example"),
        roles: vec![].try_into().unwrap(),
    };
    vec![
        pay.call(&ids(&[ALICE])),
        TransferMany { asset: eur(), payments, reference: "r".parse().unwrap() }.call(&ids(&[ALICE])),
        SetAuthority { authority }.call(&ids(&[ALICE])),
        Enrol { name: "erin@hotel.example".parse().unwrap() }.call(&ids(&["hotel.example", "erin@hotel.example"])),
        Deploy { name: crate::probe::name("fresh"), code }.call(&ids(&TWO)),
        admit.call(&ids(&TWO)),
        crate::deal::purchase(5).call(&ids(&["hotel.example", ALICE])),
    ]
}

/// Arguments that the host functions accept.
fn host_arguments() -> Vec<(&'static str, Vec<u8>)> {
    let this = crate::probe::account("probe");
    let script = Script::new().args();
    vec![
        ("get", (b"key".to_vec(),).encode()),
        ("set", (b"key".to_vec(), b"value".to_vec()).encode()),
        ("range", (b"k".to_vec(), Some(b"ka".to_vec()), 9_u32).encode()),
        ("transfer", (id(ALICE), this, eur(), Amount::new(5)).encode()),
        ("balance", (id(ALICE), eur()).encode()),
        ("emit", (0_u8, vec![id(ALICE)], b"data".to_vec()).encode()),
        ("schedule", (Timestamp::MAX, 1_u32, script.clone()).encode()),
        ("cancel", (0_u64,).encode()),
        ("call_module", (crate::probe::name("p1"), Selector([1; 8]), Vec::<AccountId>::new(), script).encode()),
    ]
}

fn flip(bytes: &[u8], flips: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in flips.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
        let at = at.index(bytes.len());
        bytes[at] ^= value;
    }
    bytes
}

fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_arguments_of_any_method(
        args in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 30),
        flips in proptest::collection::vec(flips(), 7),
    ) {
        let mut world = World::new();
        world.knows("erin@hotel.example");
        let random = every_call().into_iter().zip(args).map(|(call, args)| Call { args: args.try_into().unwrap(), ..call });
        let damaged = good_calls().into_iter().zip(flips).map(|(call, flips)| {
            let args = flip(&call.args, &flips).try_into().unwrap();
            Call { args, ..call }
        });
        let drafts: Vec<_> = random.chain(damaged).map(|call| world.draft(vec![call])).collect();
        let signed: Vec<_> = drafts.iter().map(|draft| world.sign(draft)).collect();
        prop_assert_eq!(world.block(&signed).receipts.len(), signed.len());
        prop_assert_eq!(audit_supply(&world.state), Ok(()));
    }

    #[test]
    fn any_arguments_of_any_host_function(
        raw in proptest::collection::vec((0..25_usize, proptest::collection::vec(any::<u8>(), 0..100)), 6),
        flips in proptest::collection::vec(flips(), 9),
    ) {
        let mut world = World::new();
        let random = raw.iter().map(|(function, bytes)| Script::new().raw(*function, bytes));
        let damaged = host_arguments().into_iter().zip(flips).map(|((function, bytes), flips)| {
            Script::new().raw_named(function, &flip(&bytes, &flips))
        });
        let calls: Vec<_> = random.chain(damaged).map(|script| script.call("probe", &ids(&[ALICE]))).collect();
        let drafts: Vec<_> = calls.into_iter().map(|call| world.draft(vec![call])).collect();
        let signed: Vec<_> = drafts.iter().map(|draft| world.sign(draft)).collect();
        prop_assert_eq!(world.block(&signed).receipts.len(), signed.len());
        prop_assert_eq!(audit_supply(&world.state), Ok(()));
    }
}

#[test]
fn what_is_damaged_above_succeeds_undamaged() {
    let mut world = World::new();
    world.knows("erin@hotel.example");
    for call in good_calls() {
        crate::world::ok(world.run(vec![call]));
    }
}
