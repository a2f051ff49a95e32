//! Each call of `governance`: what it does and from which height on, and each of its refusals; evidence on the ledger.
use crate::world::{World, id, key, ok, refusal};
use countersign_executor as executor;
use countersign_interface::Method;
use countersign_interface::governance::{AdmitNode, Equivocated, Error, NodeAdmitted, NodeRemoved, RemoveNode};
use countersign_types::evidence::{Evidence, RecordedEvidence, SignedStatement, Statement};
use countersign_types::receipt::Subject;
use countersign_types::signature::{development_secret, sign};
use countersign_types::{Gas, Hash, Height, Receipt, Status};
use parity_scale_codec::DecodeAll;

/// Two of the three members of the council, of which two must sign.
const TWO: [&str; 2] = ["bank.example", "hotel.example"];

#[track_caller]
fn is(receipt: &Receipt, error: Error) {
    assert_eq!(Error::from_code(refusal(receipt)), Some(error));
}

#[track_caller]
fn event<E: DecodeAll>(receipt: &Receipt) -> E {
    let event = receipt.events.last().expect("the call left an event");
    assert_eq!(event.module.as_str(), "governance");
    E::decode_all(&mut &event.data[..]).unwrap()
}

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
    let transaction = world.draft(vec![admit_node("n1", "tours.example", "").call(&crate::world::ids(&TWO))]);
    let transaction = world.sign(&transaction);
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
    assert!(!executor::is_recorded(&world.state, &evidence(&world, 1)));
}

fn admit_node(node: &str, member: &str, address: &str) -> AdmitNode {
    AdmitNode { key: key(node), member: id(member), address: address.parse().unwrap() }
}

#[test]
fn nodes_are_admitted_removed_and_admitted_again() {
    let mut world = World::new();
    let address = "/dns4/n1.tours.example/tcp/26600";
    let receipt = ok(world.call(&admit_node("n1", "tours.example", address), &TWO));
    let told = NodeAdmitted { key: key("n1"), member: id("tours.example"), address: address.parse().unwrap() };
    assert_eq!(event::<NodeAdmitted>(&receipt), told);
    let statuses = |world: &World| -> Vec<_> {
        executor::nodes(&world.state).map(|(key, node)| (key, node.status, node.since.get())).collect()
    };
    assert_eq!(statuses(&world), [(key("n1"), Status::Active, 1)]);
    let receipt = ok(world.call(&RemoveNode { key: key("n1") }, &TWO));
    assert_eq!(event::<NodeRemoved>(&receipt), NodeRemoved { key: key("n1"), member: id("tours.example") });
    assert_eq!(statuses(&world), [(key("n1"), Status::Suspended, 2)]);
    is(&world.call(&RemoveNode { key: key("n1") }, &TWO), Error::NothingChanges);
    ok(world.call(&admit_node("n1", "tours.example", ""), &TWO));
    assert_eq!(statuses(&world), [(key("n1"), Status::Active, 4)]);
}
