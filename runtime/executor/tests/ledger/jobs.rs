//! What the ledger runs by itself: order, the lane, isolation, cancelling, suspended contracts.
use crate::probe::{self, Script};
use crate::world::{World, fault, id, ms, ok};
use countersign_interface::code::SetSuspended;
use countersign_state::StateRead;
use countersign_types::receipt::Subject;
use countersign_types::{CallFault, Failure, Gas, Job, Params, Receipt, state_key};

const TWO: [&str; 2] = ["bank.example", "hotel.example"];

fn note(text: &str) -> Script {
    Script::new().host("emit", (0_u8, Vec::<countersign_types::AccountId>::new(), text.as_bytes().to_vec()))
}

fn schedule(script: Script, at: u64, job: &Script) -> Script {
    script.host("schedule", (ms(at), 1_u32, job.args()))
}

fn notes(receipts: &[Receipt]) -> Vec<(Subject, String)> {
    let note = |receipt: &Receipt| {
        let data = receipt.events.first().map_or(&[][..], |event| &event.data[..]);
        (receipt.subject, String::from_utf8(data.to_vec()).unwrap())
    };
    receipts.iter().map(note).collect()
}

fn jobs(world: &World) -> usize {
    world.state.range(&state_key::jobs(), None, 10_000).len()
}

#[test]
fn jobs_run_by_time_then_number_before_the_transactions_of_the_first_block_at_or_after_their_time() {
    let mut world = World::new();
    let at = world.time + 10_000;
    let mut script = Script::new();
    for (delay, text) in [(2, "c"), (1, "a"), (1, "b"), (5_000, "later")] {
        script = schedule(script, at + delay, &note(text));
    }
    ok(script.run(&mut world));
    assert_eq!(world.block_at(at, &[]).receipts, []);
    let draft = world.draft(vec![note("transaction").call("probe", &[id("alice@hotel.example")])]);
    let signed = world.sign(&draft);
    let outcome = world.block_at(at + 2, std::slice::from_ref(&signed));
    let expected = [
        (Subject::Job(1), "a".into()),
        (Subject::Job(2), "b".into()),
        (Subject::Job(0), "c".into()),
        (Subject::Transaction(signed.id()), "transaction".into()),
    ];
    assert_eq!(notes(&outcome.receipts), expected);
    assert_eq!(jobs(&world), 1);
    assert_eq!(world.state.get(&state_key::job_time(0)), None);
    assert_eq!(notes(&world.block_at(at + 5_000, &[]).receipts), [(Subject::Job(3), "later".into())]);
    // Numbers are never used twice.
    let at = world.time + 10_000;
    ok(schedule(Script::new(), at, &note("next")).run(&mut world));
    assert_eq!(notes(&world.block_at(at, &[]).receipts), [(Subject::Job(4), "next".into())]);
}

#[test]
fn a_job_runs_as_its_contract_without_parties() {
    let mut world = World::new();
    let alice = id("alice@hotel.example");
    let eur = crate::world::eur();
    let one = countersign_types::Amount::new(1);
    let at = world.time + 10_000;
    let steals = Script::new().host("transfer", (alice, probe::account("probe"), eur, one));
    let pays = Script::new().host("transfer", (probe::account("probe"), alice, eur, one));
    let funds =
        Script::new().host("transfer", (alice, probe::account("probe"), eur, countersign_types::Amount::new(5)));
    ok(schedule(schedule(funds, at, &steals), at, &pays).run(&mut world));
    let receipts = world.block_at(at, &[]).receipts;
    assert_eq!(fault(&receipts[0]), CallFault::NotAParty);
    assert_eq!(receipts[1].outcome, Ok(()));
    assert_eq!(world.balance(probe::account("probe")), 4);
}

#[test]
fn a_failing_job_is_a_receipt_and_harms_no_other() {
    let mut world = World::new();
    let at = world.time + 10_000;
    let writes = |key: &str| Script::new().host("set", (key.as_bytes().to_vec(), b"v".to_vec()));
    let mut script = schedule(Script::new(), at, &writes("one"));
    script = schedule(script, at, &writes("undone").trap());
    script = schedule(script, at, &writes("spun").spin());
    script = schedule(script, at, &writes("two"));
    ok(script.run(&mut world));
    let receipts = world.block_at(at, &[]).receipts;
    assert_eq!(receipts.len(), 4);
    let job = Params::default().job_gas;
    assert_eq!((fault(&receipts[1]), receipts[1].gas), (CallFault::Trap, job));
    assert_eq!((fault(&receipts[2]), receipts[2].gas), (CallFault::OutOfGas, job));
    let stored = |key: &str| world.state.get(&state_key::data(&probe::account("probe"), key.as_bytes())).is_some();
    assert!(stored("one") && stored("two") && !stored("undone") && !stored("spun"));
    assert_eq!(jobs(&world), 0);
    assert_eq!(world.block_at(at + 1, &[]).receipts, []);
}

#[test]
fn the_gas_of_a_job_is_paid_ahead() {
    let mut world = World::with(|genesis| genesis.params.job_gas = Gas::new(5_000_000));
    let at = world.time + 10_000;
    let without = ok(note("x").run(&mut world)).gas.get();
    let with = ok(schedule(note("x"), at, &note("y")).run(&mut world)).gas.get();
    assert!(with > without + 5_000_000 && with < without + 5_100_000);
    let job: Job = world.read(&world.state.range(&state_key::jobs(), None, 1)[0].0).unwrap();
    assert_eq!(job.gas, Gas::new(5_000_000));
}

#[test]
fn a_full_lane_leaves_the_rest_to_the_next_block() {
    let mut world = World::with(|genesis| {
        genesis.params.job_gas = Gas::new(1_000_000);
        genesis.params.lane_gas_max = Gas::new(2_500_000);
    });
    let at = world.time + 10_000;
    let script = (0..5).fold(Script::new(), |script, _| schedule(script, at, &Script::new().spin()));
    ok(script.run(&mut world));
    for left in [3, 1, 0] {
        let time = at.max(world.time + 1);
        let receipts = world.block_at(time, &[]).receipts;
        let gas: u64 = receipts.iter().map(|receipt| receipt.gas.get()).sum();
        assert!(gas <= 2_500_000);
        assert_eq!(jobs(&world), left);
    }
}

#[test]
fn a_contract_cancels_its_own_jobs_only() {
    let mut world = World::new();
    let at = world.time + 10_000;
    let cancel = |job: u64| Script::new().host("cancel", (job,)).host("cancel", (job,));
    ok(schedule(Script::new(), at, &note("kept")).run(&mut world));
    ok(schedule(Script::new(), at, &note("cancelled")).run(&mut world));
    ok(world.run(vec![cancel(0).call("p1", &[id("alice@hotel.example")])]));
    ok(cancel(1).run(&mut world));
    ok(cancel(99).run(&mut world));
    assert_eq!(notes(&world.block_at(at, &[]).receipts), [(Subject::Job(0), "kept".into())]);
    assert_eq!(jobs(&world), 0);
}

#[test]
fn a_job_cancelled_by_one_that_runs_before_it_does_not_run() {
    let mut world = World::new();
    let at = world.time + 10_000;
    let cancels = Script::new().host("cancel", (1_u64,));
    ok(schedule(schedule(Script::new(), at, &cancels), at, &note("never")).run(&mut world));
    assert_eq!(notes(&world.block_at(at, &[]).receipts), [(Subject::Job(0), String::new())]);
    assert_eq!(jobs(&world), 0);
}

#[test]
fn jobs_of_a_suspended_contract_wait_until_it_is_resumed() {
    let mut world = World::new();
    let at = world.time + 10_000;
    ok(schedule(Script::new(), at, &note("owed")).run(&mut world));
    let set = |suspended| SetSuspended { name: probe::name("probe"), suspended };
    ok(world.call(&set(true), &TWO));
    let receipts = world.block_at(at, &[]).receipts;
    assert_eq!(receipts[0].outcome, Err(Failure::PutOff));
    assert_eq!(jobs(&world), 1);
    ok(world.call(&set(false), &TWO));
    assert_eq!(notes(&world.block_at(at + 3_600_000, &[]).receipts), [(Subject::Job(0), "owed".into())]);
}

#[test]
fn more_jobs_than_are_read_at_once_run_in_one_block() {
    let mut world = World::new();
    let at = world.time + 100_000;
    for _ in 0..3 {
        let script = (0..50).fold(Script::new(), |script, _| schedule(script, at, &note("n")));
        ok(script.run(&mut world));
    }
    let receipts = world.block_at(at, &[]).receipts;
    let subjects: Vec<_> = receipts.iter().map(|receipt| receipt.subject).collect();
    assert_eq!(subjects, (0..150).map(Subject::Job).collect::<Vec<_>>());
    assert!(receipts.iter().all(|receipt| receipt.outcome.is_ok()));
}
