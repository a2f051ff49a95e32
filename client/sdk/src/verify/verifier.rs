//! The header that a run's answers are checked under: the newest one, or the one that certifies what the node has just
//! executed, so that what is final is seen.
use super::{Mark, Trust, TrustStore, Verified, VerifyError, check_proof};
use crate::Client;
use crate::rpc::ClientError;
use crate::rpc_types::{ChainHead, ErrorCode, HeaderView, PAGE_ITEMS_MAX};
use crate::types::{Hash, Header, Interface, ModuleName, decode, limits};
use parity_scale_codec::DecodeAll;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

/// A certified header older than this is told as old: an idle chain makes a block every minute unless its council set
/// another interval.
pub const STALE_AFTER: Duration = Duration::from_secs(300);

/// Between two looks at the node's height.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Times a newer header is taken because the node dropped the state under the one in use: each brings a second's worth
/// of blocks.
const PINS_MAX: usize = 8;
/// Changes of the validators that are followed for one answer: years of governance.
const CHANGES_MAX: usize = 10_000;

/// What is believed, and where it is kept.
#[derive(Clone)]
pub struct Verification {
    /// The chain. `None`: the one that the store names, or on the first use the node's.
    pub chain: Option<Hash>,
    /// Where trust is kept from run to run; `None`: nowhere.
    pub store: Option<TrustStore>,
    /// Told when a chain is believed because it is the first one seen.
    pub on_first_use: Arc<dyn Fn(&FirstUse) + Send + Sync>,
}

impl Verification {
    /// Believes this chain and keeps nothing. A program that runs often gives a store, so that it never goes back
    /// behind what it has seen.
    pub fn of(chain: Hash) -> Self {
        Self { chain: Some(chain), store: None, on_first_use: Arc::new(|_: &FirstUse| ()) }
    }
}

/// A chain that is believed from now on because nothing was before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstUse {
    /// Its id.
    pub chain: Hash,
    /// What its genesis calls it.
    pub title: String,
    /// The node that told of it.
    pub url: String,
}

/// Checks a client's answers. Opened by the first of them.
pub(crate) struct Verifier {
    options: Verification,
    standing: Mutex<Option<Standing>>,
}

/// Where a run stands.
pub(super) struct Standing {
    pub trust: Trust,
    /// The newest header that is kept in the store.
    saved: Option<Mark>,
    pub pin: Option<Pin>,
    /// Interfaces of contracts on the ledger; `None` for what is not there.
    pub interfaces: BTreeMap<ModuleName, Option<Arc<Interface>>>,
}

/// A certified header, and the height at which the node has the state whose root it names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pin {
    pub header: Header,
    pub at: u64,
}

impl Verifier {
    pub fn new(options: Verification) -> Self {
        Self { options, standing: Mutex::default() }
    }

    pub fn store(&self) -> Option<&TrustStore> {
        self.options.store.as_ref()
    }
}

impl Client {
    pub(super) async fn standing(&self) -> Result<MappedMutexGuard<'_, Standing>, ClientError> {
        let verifier = self.verifier().ok_or(VerifyError::NothingTrusted)?;
        let mut standing = verifier.standing.lock().await;
        if standing.is_none() {
            *standing = Some(self.begin(&verifier.options).await?);
        }
        Ok(MutexGuard::map(standing, |standing| standing.as_mut().expect("it was just filled")))
    }

    async fn begin(&self, options: &Verification) -> Result<Standing, ClientError> {
        let found = chain_of(&self.told_head().await?)?;
        let store = options.store.as_ref();
        let default = store.map(TrustStore::default_chain).transpose()?.flatten();
        if let Some(trusted) = options.chain.or(default).filter(|trusted| *trusted != found) {
            return Err(VerifyError::ForeignChain { found, trusted }.into());
        }
        let kept = store.map(|store| store.load(&found)).transpose()?.flatten();
        if let Some(trust) = kept {
            return Ok(Standing { saved: trust.newest(), trust, pin: None, interfaces: BTreeMap::new() });
        }
        let trust = Trust::from_genesis(found, &self.spec().await?)?;
        if let Some(store) = store {
            store.save(&trust)?;
            if default.is_none() {
                store.set_default(&found)?;
            }
        }
        if options.chain.or(default).is_none() {
            let first = FirstUse { chain: found, title: trust.title().into(), url: self.url().into() };
            (options.on_first_use)(&first);
        }
        Ok(Standing { saved: None, trust, pin: None, interfaces: BTreeMap::new() })
    }

    /// The chain that answers are proven on, which is the node's.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn proven_chain(&self) -> Result<Hash, ClientError> {
        Ok(self.standing().await?.trust.chain())
    }

    /// What is trusted now, with the newest certified header of the node.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trust(&self) -> Result<Trust, ClientError> {
        let mut standing = self.standing().await?;
        self.pin(&mut standing).await?;
        Ok(standing.trust.clone())
    }

    /// Answers from now on are proven under the node's newest header, instead of the first one this client has met: for what runs for
    /// long.
    pub async fn refresh(&self) {
        if let Some(verifier) = self.verifier()
            && let Some(standing) = verifier.standing.lock().await.as_mut()
        {
            standing.pin = None;
        }
    }

    /// The header to check under.
    pub(super) async fn pin(&self, standing: &mut Standing) -> Result<Pin, ClientError> {
        if let Some(pin) = &standing.pin {
            return Ok(pin.clone());
        }
        let deadline = Instant::now() + self.patience().certify;
        let seen = standing.trust.newest().map_or(0, |mark| mark.height.get());
        let mut head = self.told_head().await?;
        if head.height < seen {
            let found = head.height;
            head = self.head_from(seen, deadline).await?.ok_or(VerifyError::OlderThanSeen { seen, found })?;
        }
        let pin = self.newest_pin(&mut standing.trust, &head, deadline).await?;
        standing.pin = Some(pin.clone());
        self.keep(standing)?;
        Ok(pin)
    }

    async fn newest_pin(&self, trust: &mut Trust, head: &ChainHead, deadline: Instant) -> Result<Pin, ClientError> {
        let own = match head.height {
            0 => None,
            height => Some(self.certified_header(trust, height).await?),
        };
        // The newest block changed nothing: its own header certifies the state after it too.
        if let Some(header) = own.as_ref().filter(|header| header.state_root.to_string() == head.state_root) {
            return Ok(Pin { header: header.clone(), at: head.height });
        }
        let next = head.height.saturating_add(1);
        match (self.head_from(next, deadline).await?, own) {
            (Some(_), _) => Ok(Pin { header: self.certified_header(trust, next).await?, at: head.height }),
            // The chain stands still: the state before its newest block is what is certified.
            (None, Some(header)) => Ok(Pin { header, at: head.height.saturating_sub(1) }),
            (None, None) => Err(VerifyError::TooYoung.into()),
        }
    }

    /// Waits until the node has the block at `height`; `None` if it has not at the deadline.
    pub(crate) async fn head_from(&self, height: u64, deadline: Instant) -> Result<Option<ChainHead>, ClientError> {
        loop {
            let head = self.told_head().await?;
            if head.height >= height {
                return Ok(Some(head));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// A header that the validators certified, following their changes as far as needed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn certified_header(&self, trust: &mut Trust, height: u64) -> Result<Header, ClientError> {
        let view = self.header(height).await?;
        if height < trust.since().get() {
            // Those who certified it are no longer those trusted: the way to them begins at the genesis again.
            let mut earlier = Trust::from_genesis(trust.chain(), &self.spec().await?)?;
            self.follow_changes(&mut earlier, height, &view).await?;
            return Ok(earlier.check(height, &view)?);
        }
        self.follow_changes(trust, height, &view).await?;
        let header = trust.check(height, &view)?;
        trust.note(&header)?;
        Ok(header)
    }

    /// Follows the changes of the validators below `height`, if its header names others than those trusted.
    async fn follow_changes(&self, trust: &mut Trust, height: u64, view: &HeaderView) -> Result<(), ClientError> {
        let wanted = trust.named(height, &view.header.0)?.validators_hash;
        let mut followed = 0;
        while wanted != trust.validators().hash() {
            if followed >= CHANGES_MAX {
                return Err(VerifyError::TooManyChanges.into());
            }
            let after = trust.since().get().saturating_sub(1);
            let changes = self.handovers(after, PAGE_ITEMS_MAX).await?;
            for change in changes.iter().take_while(|change| change.height < height) {
                trust.follow(change)?;
                followed += 1;
            }
            let is_last = changes.last().is_none_or(|change| change.height >= height);
            if is_last || changes.len() < PAGE_ITEMS_MAX as usize {
                break;
            }
        }
        // Whether they led to those who certified the header tells the check of its certificate.
        Ok(())
    }

    /// Keeps what was learned for later runs.
    pub(super) fn keep(&self, standing: &mut Standing) -> Result<(), ClientError> {
        let store = self.verifier().and_then(|verifier| verifier.store());
        if let Some(store) = store.filter(|_| standing.saved != standing.trust.newest()) {
            store.save(&standing.trust)?;
            standing.saved = standing.trust.newest();
        }
        Ok(())
    }

    /// The value under a raw key.
    pub(super) async fn read(&self, standing: &mut Standing, key: Vec<u8>) -> Result<Verified<Vec<u8>>, ClientError> {
        for _ in 0..PINS_MAX {
            let Pin { header, at } = self.pin(standing).await?;
            let answer = match self.state_proof(key.clone(), Some(at)).await {
                Err(error) if error.code() == Some(ErrorCode::Pruned) => {
                    standing.pin = None;
                    continue;
                }
                answer => answer?,
            };
            let value = answer.value.map(|value| value.0);
            check_proof(&header.state_root, &key, value.as_deref(), &answer.proof.0)?;
            self.provenance().prove(header.height, header.time);
            return Ok(Verified { value, height: header.height, time: header.time });
        }
        Err(VerifyError::NoProof.into())
    }

    /// A record under a raw key.
    pub(super) async fn read_as<T: DecodeAll>(
        &self,
        standing: &mut Standing,
        key: Vec<u8>,
    ) -> Result<Verified<T>, ClientError> {
        let Verified { value, height, time } = self.read(standing, key).await?;
        let decoded = value.map(|bytes| decode("record", &bytes, limits::STATE_VALUE_BYTES_MAX)).transpose();
        Ok(Verified { value: decoded.map_err(VerifyError::Decode)?, height, time })
    }

    /// The value under a raw key of the newest certified state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified(&self, key: Vec<u8>) -> Result<Verified<Vec<u8>>, ClientError> {
        self.read(&mut *self.standing().await?, key).await
    }
}

/// The chain a head is of.
pub(crate) fn chain_of(head: &ChainHead) -> Result<Hash, ClientError> {
    let bad = |_| ClientError::BadAnswer { method: "chain_head", cause: "the chain's id is no hash".into() };
    head.chain.parse().map_err(bad)
}
