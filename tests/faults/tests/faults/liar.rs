//! A validator that follows the chain as it should and, whenever it is its turn, proposes a block that breaks a rule: the real
//! engine and network under a real key, with an application of its own.
use anyhow::Context as _;
use bytes::Bytes;
use countersign_consensus::{
    Config, Consensus, KeySigner, Known, PeerAddress, Proposed, Request, Start, Synced, Timeouts, start,
};
use countersign_executor::{BlockInput, Engine, EngineConfig, Executor, STACK_BYTES, genesis_header};
use countersign_harness::{Network, Person, asset, now_ms, signed};
use countersign_interface::{Method as _, assets};
use countersign_node::keys::NodeKey;
use countersign_state::Snapshot;
use countersign_types::block::{evidence_hash, transactions_root};
use countersign_types::receipt::receipts_root;
use countersign_types::{
    Amount, Block, BoundedVec, Call, Certificate, Genesis, Hash, Header, Height, Params, PublicKey, SignedTransaction,
    Text, Timestamp, ValidatorSet, VerifiedTransaction,
};
use parity_scale_codec::Encode as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How far in the future a block of [`Lie::Future`] is: far more than is allowed.
const FUTURE_MS: u64 = 60_000;
/// Arguments of each transaction of [`Lie::TooLarge`]: two of them exceed the least size of a block that a chain may choose.
const LARGE_BYTES: usize = 400 * 1024;

/// A rule that a block breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Its time is in the future.
    Future,
    /// A transaction's signature is wrong.
    Signature,
    /// More bytes than the chain allows.
    TooLarge,
    /// Its state root is not that of the state.
    Root,
    /// The same transaction twice.
    Twice,
    /// A transaction that has run. Such a block is no worse than a client that hands it in again: it may be decided, and the
    /// transaction has no effect.
    Replay,
}

/// In the order in which they are told, over and over.
pub const LIES: [Lie; 6] = [Lie::Future, Lie::Signature, Lie::TooLarge, Lie::Root, Lie::Twice, Lie::Replay];

/// A block that was proposed.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub lie: Lie,
    pub height: Height,
    pub hash: Hash,
}

/// The running validator; it ends when it is dropped.
pub struct Liar {
    told: Arc<Mutex<Vec<Told>>>,
    runtime: Option<Runtime>,
}

impl Liar {
    /// Takes the place of a node of the network that does not run.
    pub fn start(network: &Network, n: usize) -> anyhow::Result<Self> {
        let dir = network.dir(n);
        let genesis = countersign_chain_spec::load(&dir.join("spec.toml"))?;
        let (identity, validator) =
            (NodeKey::load(&dir.join("network.key"), None)?, NodeKey::load(&dir.join("validator.key"), None)?);
        let peers = network.peers(n).split(',').map(str::parse::<PeerAddress>).collect::<Result<Vec<_>, _>>()?;
        let config = Config {
            name: format!("liar-{n}"),
            data_dir: dir.join("liar"),
            chain: genesis.chain(),
            signer: Some(Arc::new(KeySigner::new(*validator.secret()))),
            identity: *identity.secret(),
            listen: network.listen(n),
            peers,
        };
        let told = Arc::new(Mutex::new(Vec::new()));
        let app = Follower::new(genesis, validator.public(), told.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let Consensus { requests, mut gossip, questions, network, stopped } = runtime.block_on(start(config))?;
        runtime.spawn(async move {
            // What others gossip is of no use to it, but its network must not wait.
            while gossip.recv().await.is_some() {}
        });
        runtime.spawn(async move {
            app.run(requests).await;
            drop((questions, network));
            let _ = stopped.await;
        });
        Ok(Self { told, runtime: Some(runtime) })
    }

    /// What it has proposed so far.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().map(|told| told.clone()).unwrap_or_default()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(countersign_harness::PATIENCE);
        }
    }
}

/// The newest block and the state after it.
struct Head {
    header: Header,
    hash: Hash,
    state: Snapshot,
    receipts_root: Hash,
    validators: ValidatorSet,
    next_validators: ValidatorSet,
    params: Params,
}

struct Follower {
    executor: Executor,
    key: PublicKey,
    head: Head,
    undecided: HashMap<Hash, (Known, Bytes)>,
    decided: Vec<(Certificate, Bytes)>,
    /// A transaction that has run.
    ran: Option<SignedTransaction>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Follower {
    fn new(genesis: Genesis, key: PublicKey, told: Arc<Mutex<Vec<Told>>>) -> anyhow::Result<Self> {
        let executor = Executor::new(Engine::new(EngineConfig { cache_dir: None })?);
        let state = Snapshot::empty().apply(Height::ZERO, &executor.genesis(&genesis)?);
        let header = genesis_header(&genesis, state.root());
        let (validators, params) = (countersign_executor::validators(&state), countersign_executor::params(&state));
        let head = Head {
            hash: header.hash(),
            header,
            state,
            receipts_root: receipts_root(&[]),
            next_validators: validators.clone(),
            validators,
            params,
        };
        Ok(Self { executor, key, head, undecided: HashMap::new(), decided: Vec::new(), ran: None, told })
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            if let Err(error) = self.answer(request) {
                eprintln!("the liar stops: {error:#}");
                return;
            }
        }
    }

    fn answer(&mut self, request: Request) -> anyhow::Result<()> {
        // A reply that is no longer wanted is no matter.
        match request {
            Request::Ready { reply } | Request::Finalized { reply, .. } => drop(reply.send(self.start())),
            Request::RoundStarted { reply, .. } => {
                drop(reply.send(self.undecided.values().map(|(known, _)| *known).collect()));
            }
            Request::Propose { height, round, reply, .. } => drop(reply.send(self.propose(height, round)?)),
            Request::Received { block, reply, .. } => {
                let (block, bytes) = block.into_parts();
                self.remember(0, &block.header, bytes);
                let _ = reply.send(true);
            }
            Request::Synced { block, reply, .. } => {
                let (block, bytes) = block.into_parts();
                self.remember(0, &block.header, bytes);
                let _ = reply.send(Synced::Valid);
            }
            Request::BytesOf { hash, reply } => {
                drop(reply.send(self.undecided.get(&hash).map(|(_, bytes)| bytes.clone())));
            }
            Request::Decided { certificate, reply } => {
                self.follow(certificate)?;
                let _ = reply.send(());
            }
            Request::History { reply } => drop(reply.send(Height::new(1))),
            Request::Range { from, to, reply, .. } => {
                let (from, to) = (usize::try_from(from.get())?, usize::try_from(to.get())?);
                let range = from.saturating_sub(1)..to.min(self.decided.len());
                drop(reply.send(self.decided.get(range).unwrap_or_default().to_vec()));
            }
        }
        Ok(())
    }

    fn start(&self) -> Start {
        let timeouts = Timeouts::of_params(&self.head.params);
        Start { height: self.head.header.height.next(), validators: self.head.validators.clone(), timeouts }
    }

    fn remember(&mut self, round: u32, header: &Header, bytes: Bytes) -> Hash {
        let hash = header.hash();
        self.undecided.insert(hash, (Known { round, hash, proposer: header.proposer, valid: true }, bytes));
        hash
    }

    /// Runs a decided block, as every node does.
    fn follow(&mut self, certificate: Certificate) -> anyhow::Result<()> {
        let (_, bytes) = self.undecided.remove(&certificate.block).context("a decided block has come before")?;
        self.undecided.clear();
        let block = Block::from_bytes(&bytes)?;
        let header = block.header;
        let verified = VerifiedTransaction::verify_batch(block.transactions.to_vec(), &header.chain);
        let transactions = verified.into_iter().collect::<Result<Vec<_>, _>>()?;
        let input = BlockInput {
            chain: header.chain,
            height: header.height,
            time: header.time,
            proposer: header.proposer,
            evidence: &block.evidence,
            transactions: &transactions,
        };
        let outcome = self.executor.execute_block(&self.head.state, input);
        let state = self.head.state.apply(header.height, &outcome.changes);
        self.head = Head {
            hash: certificate.block,
            header,
            receipts_root: receipts_root(&outcome.receipts),
            validators: self.head.next_validators.clone(),
            next_validators: countersign_executor::validators(&state),
            params: countersign_executor::params(&state),
            state,
        };
        if let Some(transaction) = block.transactions.first() {
            self.ran = Some(transaction.clone());
        }
        self.decided.push((certificate, bytes));
        Ok(())
    }

    fn propose(&mut self, height: Height, round: u32) -> anyhow::Result<Proposed> {
        let count = self.told.lock().map_or(0, |told| told.len());
        let lie = LIES[count % LIES.len()];
        let block = self.false_block(lie)?;
        let bytes = Bytes::from(block.encode());
        let hash = self.remember(round, &block.header, bytes.clone());
        if let Ok(mut told) = self.told.lock() {
            told.push(Told { lie, height, hash });
        }
        Ok(Proposed { hash, bytes })
    }

    fn false_block(&self, lie: Lie) -> anyhow::Result<Block> {
        let parent = &self.head.header;
        let now = Timestamp::from_millis(now_ms());
        let later = parent.time.checked_add_millis(1).context("a time to come")?;
        let transactions = self.transactions(lie)?;
        let mut header = Header {
            chain: parent.chain,
            height: parent.height.next(),
            parent: self.head.hash,
            time: now.max(later),
            proposer: self.key,
            tx_root: transactions_root(&transactions),
            evidence_hash: evidence_hash(&[]),
            state_root: self.head.state.root(),
            receipts_root: self.head.receipts_root,
            validators_hash: self.head.validators.hash(),
            next_validators_hash: self.head.next_validators.hash(),
            params_hash: self.head.params.hash(),
        };
        match lie {
            Lie::Future => header.time = now.checked_add_millis(FUTURE_MS).context("a time to come")?,
            Lie::Root => header.state_root = Hash([0xff; 32]),
            Lie::Signature | Lie::TooLarge | Lie::Twice | Lie::Replay => {}
        }
        let transactions = transactions.try_into().ok().context("a few transactions")?;
        Ok(Block { header, evidence: BoundedVec::empty(), transactions })
    }

    fn transactions(&self, lie: Lie) -> anyhow::Result<Vec<SignedTransaction>> {
        let payer = Person::named("holder-0@harbor-hotel.example");
        let sign = |call: Call, salt: u64| {
            let made = signed(&self.head.header.chain, call, u64::MAX - salt, now_ms(), &[payer]);
            SignedTransaction::from_bytes(&made.bytes).map_err(anyhow::Error::from)
        };
        let pay = || {
            let (asset, amount, reference) = (asset(), Amount::new(1), Text::default());
            assets::Transfer { asset, to: Person::named("holder-1@harbor-hotel.example").account, amount, reference }
                .call(&[payer.account])
        };
        Ok(match lie {
            Lie::Future | Lie::Root => Vec::new(),
            Lie::Signature => {
                let mut wrong = sign(pay(), 0)?;
                let mut signatures = wrong.signatures.to_vec();
                signatures.first_mut().context("it is signed")?.signature.0[0] ^= 1;
                wrong.signatures = signatures.try_into().ok().context("as many as before")?;
                vec![wrong]
            }
            Lie::TooLarge => {
                let args = vec![0; LARGE_BYTES];
                let large =
                    || anyhow::Ok(Call { args: args.clone().try_into().ok().context("within the bound")?, ..pay() });
                vec![sign(large()?, 1)?, sign(large()?, 2)?]
            }
            Lie::Twice => vec![sign(pay(), 3)?; 2],
            Lie::Replay => self.ran.clone().into_iter().collect(),
        })
    }
}
