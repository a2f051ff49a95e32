//! The same blocks give the same roots and receipts: run twice, on a restored state, in another process, in any build.
use crate::frozen;
use crate::probe::{self, Script};
use crate::world::{World, eur, id, ids, ms};
use countersign_interface::Method;
use countersign_interface::assets::{Burn, Create, Issue, Payment, SetFrozen, Transfer, TransferMany};
use countersign_interface::code::{Deploy, SetSuspended, Upgrade};
use countersign_interface::registry::{Admit, Enrol, SetAuthority, SetEncryptionKey, SetHolderSuspended, SetSite};
use countersign_state::{Contents, Snapshot};
use countersign_types::receipt::receipts_root;
use countersign_types::{Amount, Authority, Call, Gas, List, Role};
use std::fmt::Write as _;
use std::process::Command;

const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";
const TWO: [&str; 2] = ["bank.example", "hotel.example"];

fn calls_of_members() -> Vec<Call> {
    let admit = Admit {
        name: "spa.example".parse().unwrap(),
        key: crate::world::key("spa.example"),
        roles: vec![Role::Merchant].try_into().unwrap(),
    };
    let code = probe::wasm("fresh").try_into().unwrap();
    let endpoint = "https://login.hotel.example".parse().unwrap();
    let site = SetSite { endpoint, key: crate::world::key("site"), relays: List::empty() };
    vec![
        admit.call(&ids(&TWO)),
        Deploy { name: probe::name("fresh"), code }.call(&ids(&TWO)),
        Enrol { name: "erin@hotel.example".parse().unwrap() }.call(&ids(&["hotel.example", "erin@hotel.example"])),
        SetAuthority { authority: Authority::single(crate::world::key("new")) }.call(&ids(&["dave@books.example"])),
        SetEncryptionKey { key: crate::world::key("sealing") }.call(&ids(&[ALICE])),
        site.call(&ids(&["hotel.example"])),
        SetHolderSuspended { holder: id("dave@books.example"), suspended: true }.call(&ids(&["books.example"])),
    ]
}

fn calls_about_value() -> Vec<Call> {
    let reference = || "reference".parse().unwrap();
    let payments: List<Payment> = vec![
        Payment { to: id(BOB), amount: Amount::new(3) },
        Payment { to: probe::account("probe"), amount: Amount::new(4) },
    ]
    .try_into()
    .unwrap();
    let points = "POINTS".parse().unwrap();
    vec![
        Create { asset: points, decimals: 2, title: "Points".parse().unwrap() }.call(&ids(&["bank.example"])),
        Issue { asset: points, to: id(ALICE), amount: Amount::new(500) }.call(&ids(&["bank.example"])),
        SetFrozen { asset: points, frozen: true }.call(&ids(&["bank.example"])),
        Transfer { asset: eur(), to: id(BOB), amount: Amount::new(77), reference: reference() }.call(&ids(&[ALICE])),
        TransferMany { asset: eur(), payments, reference: reference() }.call(&ids(&[ALICE])),
        Burn { asset: eur(), amount: Amount::new(11) }.call(&ids(&[BOB])),
    ]
}

/// Blocks of every kind of call, refusal, job and fault.
fn blocks(world: &mut World) -> Vec<Vec<Vec<Call>>> {
    let alice = [id(ALICE)];
    let due = ms(world.time + 3_500);
    let writes = Script::new().host("set", (b"key".to_vec(), b"value".to_vec()));
    let schedules = writes.clone().host("schedule", (due, 1_u32, writes.args()));
    let spins = Script::new().host("schedule", (due, 1_u32, Script::new().spin().args()));
    let upgrade = Upgrade {
        name: probe::name("probe"),
        code: probe::wasm_with("probe", "(data (i32.const 0) \"2\")").try_into().unwrap(),
    };
    let nested = writes.clone().nested("p1", &alice, &writes).call("probe", &alice);
    vec![
        vec![calls_of_members(), calls_about_value()],
        vec![
            vec![schedules.call("probe", &alice)],
            vec![spins.call("probe", &alice)],
            vec![nested],
            vec![writes.clone().trap().call("probe", &alice)],
            vec![Script::new().host("fail", (3_u16,)).call("probe", &alice)],
            vec![Script::new().recurse().call("probe", &alice)],
            vec![Burn { asset: eur(), amount: Amount::MAX }.call(&alice)],
        ],
        vec![vec![SetSuspended { name: probe::name("p1"), suspended: true }.call(&ids(&TWO))]],
        vec![vec![upgrade.call(&ids(&TWO)), writes.call("probe", &alice)]],
        vec![],
    ]
}

fn small_world() -> World {
    let mut world = World::with(|genesis| {
        // Not the contracts of the repository: these roots change with the state machine only.
        let contracts: Vec<_> = genesis
            .contracts
            .iter()
            .filter(|contract| probe::NAMES.contains(&contract.name.as_str()))
            .cloned()
            .collect();
        genesis.contracts = contracts.try_into().unwrap();
        genesis.params.transaction_gas_max = Gas::new(20_000_000);
    });
    ["spa.example", "erin@hotel.example"].iter().for_each(|name| world.knows(name));
    world
}

/// Runs the blocks; `between` may exchange the state for an equal one. Returns a line for each block.
fn run(between: impl Fn(Snapshot) -> Snapshot) -> String {
    let mut world = small_world();
    let mut lines = format!("chain {}\n0 state {}\n", world.chain, world.state.root());
    for block in blocks(&mut world) {
        let drafts: Vec<_> = block.into_iter().map(|calls| world.draft(calls)).collect();
        let signed: Vec<_> = drafts.iter().map(|draft| world.sign(draft)).collect();
        let outcome = world.block(&signed);
        let (root, receipts) = (world.state.root(), receipts_root(&outcome.receipts));
        writeln!(lines, "{} state {root} receipts {receipts}", world.height).unwrap();
        world.state = between(world.state);
    }
    lines
}

/// The same state as it comes from a disk or a peer.
fn restored(state: Snapshot) -> Snapshot {
    let contents = Contents {
        height: state.height(),
        values: state.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect(),
        seen: state.remembered().map(|(minute, ids)| (minute, ids.copied().collect())).collect(),
        seen_from: state.seen_from(),
    };
    Snapshot::restore(state.root(), contents).unwrap()
}

#[test]
fn roots_are_those_of_every_build() {
    frozen::check("executor-roots.txt", &run(|state| state));
}

#[test]
fn running_twice_and_on_a_restored_state_gives_the_same() {
    let once = run(|state| state);
    assert_eq!(once, run(|state| state));
    assert_eq!(once, run(restored));
}

/// Printed by [`prints_for_another_process`] before the lines, among what the test runner prints.
const MARK: &str = "roots of this process:";

#[test]
fn another_process_gives_the_same() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["determinism::prints_for_another_process", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, theirs) = printed.split_once(MARK).unwrap();
    assert!(theirs.trim_start().starts_with(&run(|state| state)), "{theirs}");
}

#[test]
#[ignore = "run by another_process_gives_the_same in a process of its own"]
fn prints_for_another_process() {
    println!("{MARK}\n{}", run(|state| state));
}
