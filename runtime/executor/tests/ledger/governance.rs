//! Each call of `governance` but those about validators: what it does and from when on, and its refusals; evidence on the ledger.
use crate::world::{COUNCIL, World, id, ids, key, ok, refusal};
use countersign_executor as executor;
use countersign_interface::Method;
use countersign_interface::assets::Transfer;
use countersign_interface::governance::{
    AdmitNode, CouncilChanged, Equivocated, Error, NodeAdmitted, NodeRemoved, ParameterChange, ParametersChanged,
    RemoveNode, RemoveValidator, SetCouncil, SetNodeAddress, SetParameters, SetValidator,
};
use countersign_interface::registry::{SetAuthority, SetMemberSuspended, SetRoles};
use countersign_types::evidence::{Evidence, RecordedEvidence, SignedStatement, Statement};
use countersign_types::genesis::{Council, GenesisMember, GenesisNode};
use countersign_types::limits::NODES_MAX;
use countersign_types::receipt::Subject;
use countersign_types::signature::{development_secret, sign};
use countersign_types::{
    AccountId, Amount, Authority, Call, Failure, Gas, Hash, Height, List, PublicKey, Receipt, Status, Text,
};
use parity_scale_codec::DecodeAll;

/// Two of the three members of the council, of which two must sign.
pub const TWO: [&str; 2] = ["bank.example", "hotel.example"];

#[track_caller]
pub fn is(receipt: &Receipt, error: Error) {
    assert_eq!(Error::from_code(refusal(receipt)), Some(error));
}

#[track_caller]
pub fn event<E: DecodeAll>(receipt: &Receipt) -> E {
    let event = receipt.events.last().expect("the call left an event");
    assert_eq!(event.module.as_str(), "governance");
    E::decode_all(&mut &event.data[..]).unwrap()
}

/// A point of order 1: anybody can sign for it.
pub const WEAK: PublicKey = PublicKey([0; 32]);

fn text(text: &str) -> Text {
    text.parse().unwrap()
}

#[test]
fn only_the_council_governs() {
    let mut world = World::new();
    let calls: [fn(&[AccountId]) -> Call; 6] = [
        |by| SetCouncil { members: list(&["bank.example"]), threshold: 1 }.call(by),
        |by| SetValidator { key: key("validator-2"), power: 1 }.call(by),
        |by| RemoveValidator { key: key("validator-1") }.call(by),
        |by| SetParameters { changes: changes(&[("job_gas", 200_000)]) }.call(by),
        |by| admit_node("n1", "tours.example", "").call(by),
        |by| RemoveNode { key: key("n1") }.call(by),
    ];
    for call in calls {
        for too_few in [&["bank.example"][..], &["bank.example", "tours.example"], &["alice@hotel.example"]] {
            is(&world.run(vec![call(&ids(too_few))]), Error::NotTheCouncil);
        }
    }
}

// --- council ---

fn list(members: &[&str]) -> List<AccountId> {
    ids(members).try_into().unwrap()
}

fn set_council(members: &[&str], threshold: u16) -> SetCouncil {
    SetCouncil { members: list(members), threshold }
}

#[test]
fn another_council_governs_from_the_next_call_on() {
    let mut world = World::new();
    let next = ["tours.example", "books.example"];
    let receipt = ok(world.call(&set_council(&next, 1), &TWO));
    assert_eq!(event::<CouncilChanged>(&receipt), CouncilChanged { members: 2, threshold: 1 });
    let mut members = ids(&next);
    members.sort_unstable();
    let expected = Council { members: members.try_into().unwrap(), threshold: 1 };
    assert_eq!(executor::council(&world.state), expected);
    is(&world.call(&set_council(&COUNCIL, 2), &TWO), Error::NotTheCouncil);
    ok(world.call(&set_council(&COUNCIL, 2), &["tours.example"]));
}

#[test]
fn a_council_is_distinct_members_of_whom_enough_can_act() {
    let mut world = World::new();
    let cases: [(&[&str], u16, Error); 7] = [
        (&["bank.example", "bank.example"], 1, Error::BadCouncil),
        (&["bank.example"], 0, Error::BadCouncil),
        (&["bank.example"], 2, Error::BadCouncil),
        (&[], 0, Error::BadCouncil),
        (&["bank.example", "alice@hotel.example"], 1, Error::NotAMember),
        (&["bank.example", "nobody.example"], 1, Error::NotAMember),
        (&COUNCIL, 2, Error::NothingChanges),
    ];
    for (members, threshold, error) in cases {
        is(&world.call(&set_council(members, threshold), &TWO), error);
    }
    let many: Vec<_> = (0..65).map(|number| id(&format!("m{number}.example"))).collect();
    is(&world.call(&SetCouncil { members: many.try_into().unwrap(), threshold: 1 }, &TWO), Error::BadCouncil);
    // One who is suspended does not join; one who sits stays, but does not count.
    let suspend = |member: &str| SetMemberSuspended { member: id(member), suspended: true };
    ok(world.call(&suspend("tours.example"), &TWO));
    is(&world.call(&set_council(&["bank.example", "tours.example"], 1), &TWO), Error::NotAMember);
    ok(world.call(&suspend("books.example"), &TWO));
    is(&world.call(&set_council(&COUNCIL, 3), &TWO), Error::LocksOutTheCouncil);
    ok(world.call(&set_council(&["bank.example", "books.example"], 1), &TWO));
    is(&world.call(&set_council(&["books.example"], 1), &["bank.example"]), Error::LocksOutTheCouncil);
}

#[test]
fn roles_do_not_matter_to_the_council() {
    let mut world = World::new();
    for member in COUNCIL {
        ok(world.call(&SetRoles { member: id(member), roles: List::empty() }, &TWO));
    }
    ok(world.call(&set_council(&TWO, 2), &TWO));
}

/// A world whose council is `count` members, all of whom must sign.
fn large_council(count: usize) -> (World, Vec<String>) {
    let names: Vec<String> = (0..count).map(|number| format!("m{number}.example")).collect();
    let mut world = World::with(|genesis| {
        let member = |name: &String| GenesisMember {
            id: id(name),
            name: name.parse().unwrap(),
            roles: countersign_types::BoundedVec::empty(),
            authority: Authority::single(key(name)),
        };
        let mut members = genesis.members.to_vec();
        members.extend(names.iter().map(member));
        members.sort_by_key(|member| member.id);
        genesis.members = members.try_into().unwrap();
        let mut council: Vec<_> = names.iter().map(|name| id(name)).collect();
        council.sort_unstable();
        genesis.council = Council { members: council.try_into().unwrap(), threshold: count.try_into().unwrap() };
    });
    names.iter().for_each(|name| world.knows(name));
    (world, names)
}

#[test]
fn no_member_of_the_council_needs_more_signatures_than_a_call_of_it_can_carry() {
    let (mut world, names) = large_council(20);
    let mut keys: Vec<_> = (0..16).map(|number| (key(&format!("signatory {number}")), 1)).collect();
    keys.sort_unstable();
    let authority = Authority { threshold: 16, keys: keys.try_into().unwrap() };
    // 15 × 16 + 5 signatures fit into the 256 of a transaction, 16 × 16 + 4 do not.
    for name in &names[..15] {
        ok(world.call(&SetAuthority { authority: authority.clone() }, &[name]));
    }
    let refused = world.call(&SetAuthority { authority: authority.clone() }, &[&names[15]]);
    let code = countersign_interface::registry::Error::LocksOutTheCouncil as u16;
    assert_eq!(refusal(&refused), code);
    // Whoever is not of the council may.
    ok(world.call(&SetAuthority { authority }, &["bank.example"]));
}

#[test]
fn no_parameter_makes_a_call_of_the_council_too_dear() {
    let (mut world, names) = large_council(40);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    // Forty signatures cost 1.2 million units.
    for limit in ["transaction_gas_max", "quota_gas"] {
        let too_little = SetParameters { changes: changes(&[(limit, 1_000_000)]) };
        is(&world.call(&too_little, &all), Error::LocksOutTheCouncil);
        ok(world.call(&SetParameters { changes: changes(&[(limit, 2_000_000)]) }, &all));
    }
    let back = changes(&[("transaction_gas_max", 200_000_000), ("quota_gas", 1_000_000_000)]);
    world.time += countersign_types::Params::default().quota_window_ms;
    ok(world.call(&SetParameters { changes: back }, &all));
}

// --- parameters ---

fn changes(of: &[(&str, u64)]) -> List<ParameterChange> {
    let change = |(name, value): &(&str, u64)| ParameterChange { name: text(name), value: *value };
    of.iter().map(change).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn parameters_hold_from_the_next_block_on() {
    let mut world = World::new();
    let pay =
        Transfer { asset: crate::world::eur(), to: id("bank.example"), amount: Amount::new(1), reference: text("") };
    let set = SetParameters { changes: changes(&[("validity_ms_max", 60_000), ("timeout_vote_ms", 250)]) };
    let drafts = [
        world.draft(vec![set.call(&ids(&TWO))]),
        world.draft(vec![pay.call(&[id("tours.example")])]),
        world.draft(vec![pay.call(&[id("tours.example")])]),
    ];
    let [set_now, pay_now, pay_later] = drafts.map(|draft| world.sign(&draft));
    let outcome = world.block(&[set_now, pay_now]);
    let told = ParametersChanged { changes: set.changes };
    assert_eq!(event::<ParametersChanged>(&outcome.receipts[0]), told);
    ok(outcome.receipts[1].clone());
    let params = executor::params(&world.state);
    assert_eq!((params.validity_ms_max, params.timeout_vote_ms), (60_000, 250));
    let late = world.block(&[pay_later]).receipts.pop().unwrap();
    assert_eq!(late.outcome, Err(Failure::ValidityTooLong));
}

#[test]
fn parameters_are_changed_by_name_within_their_ranges_all_or_none() {
    let mut world = World::new();
    let before = executor::params(&world.state);
    let cases: [(&[(&str, u64)], Error); 8] = [
        (&[("no_such_parameter", 1)], Error::UnknownParameter),
        (&[("job_gas", 200_000), ("job_gas", 300_000)], Error::UnknownParameter),
        (&[("job_gas", 200_000), ("timeout_vote_ms", 1)], Error::BadParameter),
        (&[("timeout_vote_ms", u64::from(u32::MAX) + 251)], Error::BadParameter),
        // A block holds the largest transaction.
        (&[("block_gas_max", 1_000_000)], Error::BadParameter),
        (&[("transaction_gas_max", 5_000_000_000)], Error::BadParameter),
        (&[("job_gas", before.job_gas.get())], Error::NothingChanges),
        (&[], Error::NothingChanges),
    ];
    for (of, error) in cases {
        is(&world.call(&SetParameters { changes: changes(of) }, &TWO), error);
    }
    assert_eq!(executor::params(&world.state), before);
    // Together they fit.
    let both = changes(&[("transaction_gas_max", 5_000_000_000), ("block_gas_max", 6_000_000_000)]);
    ok(world.call(&SetParameters { changes: both }, &TWO));
}

// --- nodes ---

fn admit_node(node: &str, member: &str, address: &str) -> AdmitNode {
    AdmitNode { key: key(node), member: id(member), address: text(address) }
}

#[test]
fn nodes_are_admitted_removed_and_admitted_again() {
    let mut world = World::new();
    let address = "/dns4/n1.tours.example/tcp/26600";
    let receipt = ok(world.call(&admit_node("n1", "tours.example", address), &TWO));
    let told = NodeAdmitted { key: key("n1"), member: id("tours.example"), address: text(address) };
    assert_eq!(event::<NodeAdmitted>(&receipt), told);
    let statuses = |world: &World| -> Vec<_> {
        executor::nodes(&world.state).map(|(key, node)| (key, node.status, node.since.get())).collect()
    };
    assert_eq!(statuses(&world), [(key("n1"), Status::Active, 1)]);
    is(&world.call(&admit_node("n1", "tours.example", address), &TWO), Error::NothingChanges);
    let receipt = ok(world.call(&RemoveNode { key: key("n1") }, &TWO));
    assert_eq!(event::<NodeRemoved>(&receipt), NodeRemoved { key: key("n1"), member: id("tours.example") });
    assert_eq!(statuses(&world), [(key("n1"), Status::Suspended, 3)]);
    is(&world.call(&RemoveNode { key: key("n1") }, &TWO), Error::NothingChanges);
    is(&world.call(&RemoveNode { key: key("n2") }, &TWO), Error::NoSuchNode);
    ok(world.call(&admit_node("n1", "tours.example", address), &TWO));
    assert_eq!(statuses(&world), [(key("n1"), Status::Active, 6)]);
}

#[test]
fn a_node_is_run_by_an_active_member_at_an_address_with_a_port() {
    let mut world = World::new();
    is(&world.call(&admit_node("n1", "alice@hotel.example", ""), &TWO), Error::NotAMember);
    is(&world.call(&AdmitNode { key: WEAK, ..admit_node("n1", "tours.example", "") }, &TWO), Error::BadKey);
    for address in ["10.0.0.7:26600", "/ip4/10.0.0.7/udp/26600", "/ip4/node/tcp/26600", "/dns4/node/tcp/0"] {
        is(&world.call(&admit_node("n1", "tours.example", address), &TWO), Error::BadAddress);
    }
    ok(world.call(&SetMemberSuspended { member: id("tours.example"), suspended: true }, &TWO));
    is(&world.call(&admit_node("n1", "tours.example", ""), &TWO), Error::NotAMember);
}

#[test]
fn the_member_that_runs_a_node_tells_where_it_is_reached() {
    let mut world = World::new();
    ok(world.call(&admit_node("n1", "tours.example", ""), &TWO));
    let set = |node: &str, address: &str| SetNodeAddress { key: key(node), address: text(address) };
    let address = "/ip6/2001:db8::7/tcp/26600";
    is(&world.call(&set("n1", address), &["hotel.example"]), Error::NotTheOperator);
    is(&world.call(&set("n2", address), &["tours.example"]), Error::NoSuchNode);
    is(&world.call(&set("n1", "/ip4/::1/tcp/1"), &["tours.example"]), Error::BadAddress);
    is(&world.call(&set("n1", ""), &["tours.example"]), Error::NothingChanges);
    ok(world.call(&set("n1", address), &["tours.example"]));
    let (_, node) = executor::nodes(&world.state).next().unwrap();
    assert_eq!((node.address.as_str(), node.status), (address, Status::Active));
    ok(world.call(&RemoveNode { key: key("n1") }, &TWO));
    is(&world.call(&set("n1", ""), &["tours.example"]), Error::NoSuchNode);
}

#[test]
fn only_so_many_nodes_are_active() {
    let mut world = World::with(|genesis| {
        let node = |number| GenesisNode {
            key: key(&format!("n{number}")),
            member: id("bank.example"),
            address: countersign_types::BoundedText::default(),
        };
        let mut nodes: Vec<_> = (0..NODES_MAX).map(node).collect();
        nodes.sort_by_key(|node| node.key);
        genesis.nodes = nodes.try_into().unwrap();
    });
    assert_eq!(executor::nodes(&world.state).count(), NODES_MAX);
    is(&world.call(&admit_node("one more", "tours.example", ""), &TWO), Error::TooManyNodes);
    // What is listed of an active one may change, and one that was removed makes room.
    ok(world.call(&admit_node("n7", "tours.example", ""), &TWO));
    ok(world.call(&RemoveNode { key: key("n0") }, &TWO));
    ok(world.call(&admit_node("one more", "tours.example", ""), &TWO));
    is(&world.call(&admit_node("n0", "tours.example", ""), &TWO), Error::TooManyNodes);
    assert_eq!(executor::nodes(&world.state).count(), NODES_MAX + 1);
}

// --- evidence ---

fn evidence(world: &World, round: u32) -> Evidence {
    let secret = development_secret("validator-1");
    let signed = |block| {
        let statement = Statement::Prevote { height: Height::new(1), round, block };
        let signature = sign(&secret, &statement.message(&world.chain));
        SignedStatement { validator: key("validator-1"), statement, signature }
    };
    Evidence { first: signed(None), second: signed(Some(Hash([1; 32]))) }
}

#[test]
fn evidence_is_recorded_with_a_receipt_before_all_others() {
    let mut world = World::new();
    let brought = [evidence(&world, 0), evidence(&world, 3)];
    assert!(!executor::is_recorded(&world.state, &brought[0]));
    let draft = world.draft(vec![admit_node("n1", "tours.example", "").call(&ids(&TWO))]);
    let transaction = world.sign(&draft);
    let outcome = world.block_of("validator-1", &brought, world.time + 1, &[transaction]);
    let subjects: Vec<_> = outcome.receipts.iter().map(|receipt| receipt.subject).collect();
    assert_eq!(subjects[..2], brought.each_ref().map(Subject::of_evidence));
    assert!(matches!(subjects[2], Subject::Transaction(_)));
    let receipt = &outcome.receipts[1];
    assert_eq!((receipt.outcome, receipt.gas), (Ok(()), Gas::ZERO));
    let told = Equivocated { validator: key("validator-1"), height: 1, round: 3 };
    assert_eq!(event::<Equivocated>(receipt), told);
    let recorded: Vec<_> = executor::evidence(&world.state).collect();
    let expected = brought.map(|evidence| RecordedEvidence { evidence, recorded_at: Height::new(1) });
    assert_eq!(recorded, expected);
    assert!(recorded.iter().all(|recorded| recorded.evidence.is_valid(&world.chain)));
    assert!(brought.iter().all(|one| executor::is_recorded(&world.state, one)));
    // Other signatures about the same step are the same fact.
    let mut again = brought[0];
    std::mem::swap(&mut again.first, &mut again.second);
    assert!(executor::is_recorded(&world.state, &again));
    assert!(!executor::is_recorded(&world.state, &evidence(&world, 1)));
}

#[test]
fn every_refusal_is_tested_here_or_beside() {
    // A new error makes this list too short and asks for a test.
    let here = [
        Error::NotTheCouncil,
        Error::NotAMember,
        Error::BadCouncil,
        Error::LocksOutTheCouncil,
        Error::BadKey,
        Error::UnknownParameter,
        Error::BadParameter,
        Error::BadAddress,
        Error::TooManyNodes,
        Error::NoSuchNode,
        Error::NotTheOperator,
        Error::NothingChanges,
    ];
    let in_quorum_rs = [Error::BadPower, Error::NoSuchValidator, Error::LosesTheQuorum];
    let mut tested: Vec<_> = here.into_iter().chain(in_quorum_rs).collect();
    tested.sort_unstable();
    assert_eq!(tested, Error::ALL);
}
