//! Agreement among real engines over real sockets: in the good case, after a crash at each delicate moment, and with peers
//! that are not on the list.
mod node;

use bytes::Bytes;
use countersign_consensus::{
    AskError, Config, Ended, GOSSIP_BYTES_MAX, Network, PeerId, StartError, Verdict, logged_height, metrics,
};
use countersign_types::Height;
use countersign_types::limits::BLOCK_BYTES_MAX;
use node::{Machine, Node, PATIENCE, Rules, Stop, check_chain, connect, hashes, validators};
use tokio::time::timeout;

/// Four validators' machines.
fn machines(test: &str) -> Vec<Machine> {
    let seeds = [1, 2, 3, 4];
    let rules = Rules::new(&seeds);
    seeds.iter().map(|seed| Machine::new(test, *seed, &rules)).collect()
}

async fn start_all(machines: &[Machine]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for machine in machines {
        nodes.push(machine.start(Vec::new(), None).await);
    }
    connect(&nodes).await;
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_validator_decides_and_its_certificates_verify() {
    let machine = Machine::new("alone", 1, &Rules::new(&[1]));
    let node = machine.start(Vec::new(), None).await;
    node.reaches(5).await;
    node.stop().await;
    check_chain(&machine);
    assert!(metrics().contains("alone-1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_moment_changes_no_block() {
    for stop in [Stop::Proposing(Height::new(3)), Stop::Deciding(Height::new(3)), Stop::Finalizing(Height::new(3))] {
        let machine = Machine::new("crash", 1, &Rules::new(&[1]));
        machine.start(Vec::new(), Some(stop)).await.ends().await;
        let made = machine.disk.lock().unwrap().made.clone();
        assert_eq!(made.keys().last(), Some(&(Height::new(3), 0)), "{stop:?}");
        assert_eq!(logged_height(machine.dir.path()).unwrap(), Some(Height::new(3)), "{stop:?}");

        let node = machine.start(Vec::new(), None).await;
        node.reaches(5).await;
        node.stop().await;
        check_chain(&machine);
        assert_eq!(hashes(&machine)[2], made[&(Height::new(3), 0)], "{stop:?}");
    }
}

/// Where the checksum of the log's first entry stands: after version and height, then the entry's flag and length.
const FIRST_CHECKSUM: usize = 4 + 8 + 1 + 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_whose_log_is_damaged_does_not_vote() {
    let machine = Machine::new("damage", 1, &Rules::new(&[1]));
    machine.start(Vec::new(), Some(Stop::Deciding(Height::new(3)))).await.ends().await;
    let log = machine.dir.path().join("consensus.wal");
    let mut bytes = std::fs::read(&log).unwrap();
    // In the first entry: what stands before a damaged entry is still good, and may decide.
    bytes[FIRST_CHECKSUM] ^= 0xff;
    std::fs::write(&log, bytes).unwrap();

    let node = machine.start(Vec::new(), None).await;
    assert_eq!(node.fails().await, Ended::LogFailed);
    assert_eq!(hashes(&machine).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_engine_cannot_take_the_log() {
    let machine = Machine::new("twice", 1, &Rules::new(&[1]));
    assert_eq!(logged_height(machine.dir.path()).unwrap(), None, "no log yet");
    let node = machine.start(Vec::new(), None).await;
    let refused = countersign_consensus::start(machine.config(Vec::new())).await;
    assert!(matches!(refused, Err(StartError::Engine(_))));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_or_wrong_is_named() {
    let machine = Machine::new("listen", 1, &Rules::new(&[1]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
    let start =
        |listen: &str| countersign_consensus::start(Config { listen: listen.into(), ..machine.config(Vec::new()) });
    assert!(matches!(start(&listen).await, Err(StartError::Listen { address, .. }) if address == listen));
    assert!(matches!(start("127.0.0.1:0").await, Err(StartError::ListenAddress { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_validators_decide_the_same_blocks() {
    let machines = machines("four");
    let nodes = start_all(&machines).await;
    for node in &nodes {
        node.reaches(10).await;
        assert!(node.network.height_seen().borrow().get() >= 10, "peers' work is seen");
    }
    for node in nodes {
        node.stop().await;
    }
    let chains: Vec<_> = machines.iter().map(hashes).collect();
    for (machine, chain) in machines.iter().zip(&chains) {
        check_chain(machine);
        assert_eq!(chain[..10], chains[0][..10]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_that_was_down_catches_up() {
    let machines = machines("down");
    let mut nodes = start_all(&machines).await;
    nodes[0].reaches(2).await;
    let last = nodes.pop().unwrap();
    last.stop().await;
    let before = hashes(&machines[3]).len() as u64;
    nodes[0].reaches(before + 5).await;

    let again = machines[3].start(nodes.iter().map(Node::address).collect(), None).await;
    nodes.push(again);
    connect(&nodes).await;
    let target = nodes[0].height() + 3;
    nodes[3].reaches(target).await;
    for node in nodes {
        node.stop().await;
    }
    let chains: Vec<_> = machines.iter().map(hashes).collect();
    check_chain(&machines[3]);
    let (target, reference) = (target as usize, &chains[0]);
    let common = target.min(reference.len());
    assert_eq!(chains[3][..common], reference[..common]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlisted_peer_gets_nothing_until_it_is_listed() {
    let rules = Rules::new(&[1]);
    let (validator, outsider) = (Machine::new("listed", 1, &rules), Machine::follower("listed", 9, &rules));
    let inside = validator.start(Vec::new(), None).await;
    let outside = outsider.start(vec![inside.address()], None).await;
    // Many dials' time, by the chain's own progress.
    inside.reaches(50).await;
    assert_eq!(outside.height(), 0);
    assert_eq!(ask(&outside.network, inside.id).await.map_err(refused), Err(()));
    assert!(inside.network.peers().borrow().is_empty());

    inside.network.set_peers(vec![outside.address()]).await.unwrap();
    outside.reaches(50).await;
    check_chain(&outsider);

    inside.network.set_peers(Vec::new()).await.unwrap();
    outside.sees(inside.id, false).await;
    inside.stop().await;
    outside.stop().await;
}

/// An unlisted peer may be told either, depending on when it asks.
fn refused(error: AskError) {
    assert!(matches!(error, AskError::NotConnected | AskError::NoAnswer), "{error}");
}

async fn ask(network: &Network, of: PeerId) -> Result<Bytes, AskError> {
    timeout(PATIENCE, network.ask(of, Bytes::from_static(b"?"))).await.expect("an answer or an error")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_and_questions_reach_the_other_application() {
    let machines = &machines("gossip")[..2];
    let mut nodes = start_all(machines).await;
    let mut second = nodes.pop().unwrap();
    let first = nodes.pop().unwrap();
    first.sees(second.id, true).await;
    second.sees(first.id, true).await;

    let id = second.id;
    let answered = async {
        let question = second.questions.recv().await.unwrap();
        assert_eq!((question.from, &question.bytes[..]), (first.id, &b"?"[..]));
        question.reply.send(Bytes::from_static(b"!")).unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&first.network, id), answered);
    assert_eq!(answer, Ok(Bytes::from_static(b"!")));

    // Peers learn of each other's topics a moment after they connect: offer batches until one is taken.
    let mut batch = 0_u32;
    let gossip = timeout(PATIENCE, async {
        loop {
            batch += 1;
            first.network.gossip(Bytes::from(batch.to_le_bytes().to_vec())).await.unwrap();
            let wait = timeout(std::time::Duration::from_millis(100), second.gossip.recv()).await;
            if let Ok(gossip) = wait {
                return gossip.unwrap();
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(gossip.from(), first.id);
    assert_eq!(gossip.bytes().len(), 4);
    gossip.judge(Verdict::Accept).await.unwrap();

    let oversized = first.network.gossip(vec![0; GOSSIP_BYTES_MAX + 1].into()).await;
    assert_eq!(oversized, Err(AskError::Oversized { size: GOSSIP_BYTES_MAX + 1, limit: GOSSIP_BYTES_MAX }));
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_gossip_is_rejected_is_disconnected() {
    let machines = &machines("reject")[..2];
    let mut nodes = start_all(machines).await;
    let mut second = nodes.pop().unwrap();
    let first = nodes.pop().unwrap();
    second.sees(first.id, true).await;
    let send = async {
        for batch in 0_u64.. {
            let bytes = Bytes::from(batch.to_le_bytes().to_vec());
            if first.network.gossip(bytes).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let reject = async {
        let mut peers = second.network.peers();
        let gone = peers.wait_for(|peers| peers.iter().all(|peer| !peer.connected));
        let rejecting = async {
            while let Some(gossip) = second.gossip.recv().await {
                gossip.judge(Verdict::Reject).await.unwrap();
            }
        };
        tokio::select! {
            gone = gone => drop(gone.unwrap()),
            () = rejecting => unreachable!("the network runs"),
        }
    };
    tokio::select! {
        () = send => unreachable!("the network runs"),
        done = timeout(PATIENCE, reject) => done.expect("the peer loses its standing"),
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_block_is_agreed_on_and_synced() {
    // What a chain's parameters may allow at most, less the framing.
    let rules = Rules { filler: BLOCK_BYTES_MAX - 128 * 1024, ..Rules::new(&[1, 2]) };
    let machines = [Machine::new("large", 1, &rules), Machine::new("large", 2, &rules)];
    let mut nodes = start_all(&machines).await;
    for node in &nodes {
        node.reaches(2).await;
    }
    let late = Machine::follower("large", 3, &rules);
    nodes.push(late.start(Vec::new(), None).await);
    connect(&nodes).await;
    nodes[2].reaches(2).await;
    for node in nodes {
        node.stop().await;
    }
    check_chain(&late);
    assert_eq!(hashes(&late)[..2], hashes(&machines[0])[..2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_that_runs_twice_is_caught_by_every_other_and_forks_nothing() {
    let mut machines = machines("twins");
    machines.push(Machine::twin("twins", 4, &machines[0].rules.clone()));
    let nodes = start_all(&machines).await;
    // Both make blocks of their own when it is their turn, and vote as they like.
    let is_caught = |machine: &Machine| !machine.disk.lock().unwrap().evidence.is_empty();
    let caught = async {
        while !machines[..3].iter().all(is_caught) {
            nodes[0].reaches(nodes[0].height() + 1).await;
        }
    };
    timeout(PATIENCE, caught).await.expect("the contradiction is seen");
    for node in nodes {
        node.stop().await;
    }
    let chains: Vec<_> = machines.iter().map(hashes).collect();
    for (machine, chain) in machines[..3].iter().zip(&chains) {
        let evidence = &machine.disk.lock().unwrap().evidence;
        assert!(evidence.iter().all(|found| found.is_valid(&node::CHAIN) && found.validator() == node::key(4)));
        let common = chain.len().min(chains[0].len());
        assert_eq!(chain[..common], chains[0][..common]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_change_at_a_height() {
    let rules = Rules { change: Some((Height::new(6), validators(&[2, 3, 4]))), ..Rules::new(&[1, 2, 3]) };
    let machines: Vec<_> = (1..=4).map(|seed| Machine::new("change", seed, &rules)).collect();
    let mut nodes = start_all(&machines).await;
    for node in &nodes {
        node.reaches(12).await;
    }
    // The new set needs the old one no longer.
    nodes.remove(0).stop().await;
    let target = nodes[0].height() + 6;
    nodes[0].reaches(target).await;
    for node in nodes {
        node.stop().await;
    }
    machines.iter().for_each(check_chain);
    let made_by_the_new = machines[3].disk.lock().unwrap().made.keys().filter(|(h, _)| *h >= Height::new(6)).count();
    assert!(made_by_the_new > 0, "the new validator proposes");
    let made_by_the_old = machines[0].disk.lock().unwrap().made.keys().filter(|(h, _)| *h >= Height::new(6)).count();
    assert_eq!(made_by_the_old, 0, "the one that left does not");
}
