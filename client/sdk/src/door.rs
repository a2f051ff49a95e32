//! Door credentials on the wallet's side: what is asked of a node, and the holder's answer to a lock. What a node says is believed with
//! proof only, and every credential is tried by the lock's own checks before it is handed out.
//!
//! ```text
//! genesis ─handovers→ certified header ─proofs→ Pass = Carried, good for some minutes without a network
//! lock ─Challenge→ Carried::answer(key) ─→ Credential ─→ lock
//! ```
use crate::lock::limits::{HANDOVERS_MAX, NONCE_BYTES};
use crate::lock::{Admission, Answer, Bounds, Challenge, Credential, Handover, Lock, LockTrust, Pass, Refusal, Seal};
use crate::rpc::ClientError;
use crate::rpc_types::HeaderView;
use crate::signer::{Signer, SignerError};
use crate::types::{
    Certificate, DecodeError, Genesis, Hash, Header, Height, Timestamp, ValidatorSet, decode, limits, state_key,
};
use crate::verify::{CERTIFICATE_BYTES_MAX, HEADER_BYTES_MAX, VALIDATORS_BYTES_MAX, VerifyError};
use crate::{Client, interface::booking};
use countersign_state::Proof;
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of what a wallet carries to a door: a pass, and a set of validators.
pub const CARRIED_BYTES_MAX: usize = crate::lock::limits::CREDENTIAL_BYTES_MAX + VALIDATORS_BYTES_MAX + 128;
/// Changes of the validators that are followed for one pass: years of governance.
const CHANGES_MAX: usize = 1_000;
/// How long the block is waited for that certifies the newest one.
const CERTIFY: Duration = Duration::from_secs(10);

/// Why there is no pass or credential.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The node, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The node's headers are not what the validators certified.
    #[error("the node's answer is not to be believed")]
    Unverified(#[source] Refusal),
    /// A lock would stay shut.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The certified state has no such record.
    #[error("the ledger has no {what} like this")]
    Unknown {
        /// Which record.
        what: &'static str,
    },
    /// The lock missed more changes of the validators than a credential holds.
    #[error(
        "the validators changed more than {HANDOVERS_MAX} times since this lock was told of them; it has to be updated"
    )]
    LockTooOld,
    /// The key does not sign for the booking's customer.
    #[error("the key does not sign for the booking's customer")]
    NotASignatory,
    /// Whoever signs does not.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The operating system gives no randomness.
    #[error("the system gives no random bytes")]
    Randomness,
}

impl From<DecodeError> for DoorError {
    fn from(error: DecodeError) -> Self {
        ClientError::from(VerifyError::from(error)).into()
    }
}

/// What a wallet carries to a door: with it and a key it answers a lock without a network.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Carried {
    /// What the ledger says; with the last changes of the validators.
    pub pass: Pass,
    /// Who certified it.
    pub trust: LockTrust,
    /// Locks that know the validators of this height or a later one find in the pass all changes since.
    pub since: Height,
}

/// Random bytes for a challenge.
///
/// # Errors
/// [`DoorError::Randomness`].
pub fn nonce() -> Result<[u8; NONCE_BYTES], DoorError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| DoorError::Randomness)?;
    Ok(nonce)
}

impl Carried {
    /// Its bytes, for a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    /// From its bytes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode("carried key", bytes, CARRIED_BYTES_MAX)
    }

    /// Checks that some lock would open with this, but for the time: that of the object bound to the booking.
    ///
    /// # Errors
    /// [`Refusal`], also where no object is bound.
    pub fn check(&self, now: Timestamp) -> Result<Admission, Refusal> {
        let record = &self.pass.record;
        let object = record.object.clone().unwrap_or_default();
        let objects = vec![object].try_into().expect("one object is within the bound");
        let lock = Lock::new(self.trust.clone(), record.merchant, objects, Bounds::default());
        lock.expect("a lock for one object and with the default bounds").admit(&self.pass, now)
    }

    /// The credential that answers a lock, and what it opens; tried by the lock's own checks at the lock's own time.
    ///
    /// # Errors
    /// [`DoorError::LockTooOld`], [`DoorError::NotASignatory`], [`DoorError::Signer`] or [`DoorError::Refused`].
    pub fn answer(&self, challenge: &Challenge, signer: &dyn Signer) -> Result<(Credential, Admission), DoorError> {
        if challenge.chain != *self.trust.chain() {
            return Err(Refusal::OtherChain.into());
        }
        if challenge.since < self.since {
            return Err(DoorError::LockTooOld);
        }
        let keys = &self.pass.holder.authority.keys;
        let place = keys.iter().position(|(key, _)| *key == signer.public_key()).ok_or(DoorError::NotASignatory)?;
        let place = u8::try_from(place).expect("an authority has few keys");
        let signatures = vec![(place, signer.try_sign(&challenge.message(&self.pass.booking))?)];
        let signatures = signatures.try_into().expect("one signature is within the bound");
        let missed = |handover: &&Handover| handover.header.height >= challenge.since;
        let missed: Vec<_> = self.pass.handovers.iter().filter(missed).cloned().collect();
        let handovers = missed.try_into().expect("no more than there were");
        let pass = Pass { handovers, ..self.pass.clone() };
        let credential = Credential { pass, answer: Answer { nonce: challenge.nonce, signatures } };
        let mut lock = Lock::asking(self.trust.clone(), challenge.clone());
        let admission = lock.open(&credential, challenge.made_at)?;
        Ok((credential, admission))
    }
}

/// A header that the validators certified, and how they came to be.
struct Certified {
    header: Header,
    seal: Seal,
    handovers: Vec<Handover>,
}

impl Client {
    /// The validators that a new lock believes: those of today, followed from the genesis of the chain.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn lock_trust(&self, chain: Hash) -> Result<LockTrust, DoorError> {
        let mut trust = self.genesis_trust(chain).await?;
        self.certified(&mut trust).await?;
        Ok(trust)
    }

    /// The changes of the validators since those that a lock believes, oldest first, each followed.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn lock_news(&self, trust: &LockTrust) -> Result<Vec<Handover>, DoorError> {
        Ok(self.certified(&mut trust.clone()).await?.handovers)
    }

    /// What the newest certified state says about a booking and its customer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn pass(&self, chain: Hash, booking: Hash) -> Result<Carried, DoorError> {
        let mut trust = self.genesis_trust(chain).await?;
        let Certified { header, seal, mut handovers } = self.certified(&mut trust).await?;
        let key = booking::record_key(&booking);
        let (record, record_proof) = self.proven::<booking::BookingRecord>(&header, key, "booking").await?;
        let key = state_key::account(&record.customer);
        let (holder, holder_proof) = self.proven(&header, key, "account").await?;
        let kept = handovers.split_off(handovers.len().saturating_sub(HANDOVERS_MAX));
        let since = handovers.last().map_or(Height::new(1), |last| last.header.height.next());
        let handovers = kept.try_into().expect("no more are kept than fit");
        let pass = Pass { handovers, header, seal, booking, record, record_proof, holder, holder_proof };
        Ok(Carried { pass, trust, since })
    }

    async fn genesis_trust(&self, chain: Hash) -> Result<LockTrust, DoorError> {
        let genesis: Genesis = decode("genesis", &self.spec().await?, limits::GENESIS_BYTES_MAX)?;
        let found = genesis.chain();
        if found != chain {
            return Err(ClientError::from(VerifyError::OtherGenesis { found, wanted: chain }).into());
        }
        let trust = LockTrust::new(chain, genesis.validators, Height::new(1));
        trust.ok_or(DoorError::Unverified(Refusal::OtherValidators { height: 1 }))
    }

    /// The header that certifies what the node has just executed: the next one follows at once. If it does not, the newest.
    async fn newest_header(&self) -> Result<(Header, HeaderView), DoorError> {
        let head = self.told_head().await?;
        let deadline = Instant::now() + CERTIFY;
        let view = self.header(head.height).await?;
        let header = header_of(head.height, &view)?;
        if head.height > 0 && header.state_root.to_string() == head.state_root {
            return Ok((header, view));
        }
        let next = head.height + 1;
        if self.head_from(next, deadline).await?.is_none() {
            return Ok((header, view));
        }
        let view = self.header(next).await?;
        Ok((header_of(next, &view)?, view))
    }

    /// The newest header, certified by the validators that `trust` comes to by following their changes.
    async fn certified(&self, trust: &mut LockTrust) -> Result<Certified, DoorError> {
        let (header, view) = self.newest_header().await?;
        let newest = header.height.get();
        let mut handovers = Vec::new();
        while header.validators_hash != trust.validators().hash() {
            if handovers.len() == CHANGES_MAX {
                return Err(DoorError::Unverified(Refusal::OtherValidators { height: newest }));
            }
            let handover = self.handover(trust, newest).await?;
            trust.follow(&handover).map_err(DoorError::Unverified)?;
            handovers.push(handover);
        }
        let seal = seal_of(&view, trust)?;
        trust.check(&header, &seal).map_err(DoorError::Unverified)?;
        self.provenance().prove(header.height, header.time);
        Ok(Certified { header, seal, handovers })
    }

    /// Finds by halving a height below `newest` at which the trusted validators handed over.
    async fn handover(&self, trust: &LockTrust, newest: u64) -> Result<Handover, DoorError> {
        let (mut last, mut first) = (trust.since().get(), newest);
        while first.saturating_sub(last) > 1 {
            let middle = last + (first - last) / 2;
            let header = header_of(middle, &self.header(middle).await?)?;
            if header.validators_hash == trust.validators().hash() {
                last = middle;
            } else {
                first = middle;
            }
        }
        let (view, first) = (self.header(last).await?, self.header(first).await?);
        let next: ValidatorSet = decode("validators", &first.validators.0, VALIDATORS_BYTES_MAX)?;
        Ok(Handover { header: header_of(last, &view)?, seal: seal_of(&view, trust)?, next })
    }

    /// A record of the state that a certified header names, with its proof.
    async fn proven<T: DecodeAll>(
        &self,
        header: &Header,
        key: Vec<u8>,
        what: &'static str,
    ) -> Result<(T, Proof), DoorError> {
        let height = header.height.get().checked_sub(1).ok_or(ClientError::from(VerifyError::TooYoung))?;
        let answer = self.state_proof(key.clone(), Some(height)).await?;
        let proof: Proof = decode("proof", &answer.proof.0, Proof::BYTES_MAX)?;
        let value = answer.value.map(|value| value.0);
        let shown = proof.verify(&header.state_root, &key, value.as_deref());
        shown.map_err(|error| ClientError::from(VerifyError::from(error)))?;
        let record = decode(what, &value.ok_or(DoorError::Unknown { what })?, limits::STATE_VALUE_BYTES_MAX)?;
        Ok((record, proof))
    }
}

fn header_of(height: u64, view: &HeaderView) -> Result<Header, DoorError> {
    let header: Header = decode("header", &view.header.0, HEADER_BYTES_MAX)?;
    if header.height.get() == height { Ok(header) } else { Err(ClientError::from(VerifyError::OtherHeader).into()) }
}

/// What of a header's certificate a lock needs. Whether it is valid is for [`LockTrust::check`].
fn seal_of(view: &HeaderView, trust: &LockTrust) -> Result<Seal, DoorError> {
    let height = view.height;
    let certificate = view.certificate.as_ref().ok_or(ClientError::from(VerifyError::NoCertificate { height }))?;
    let certificate: Certificate = decode("certificate", &certificate.0, CERTIFICATE_BYTES_MAX)?;
    Seal::of(&certificate, trust.validators()).ok_or(DoorError::Unverified(Refusal::OtherValidators { height }))
}
