//! Transactions: calls that take effect together, signed by every party of every call.
//!
//! ```text
//! bytes ─decode→ SignedTransaction ─verify_batch→ VerifiedTransaction ─→ mempool, block
//! ```
//!
//! There are no account sequence numbers: a transaction is valid from `valid_from` to `expires_at` and runs once, so
//! several of one account can be collecting signatures at the same time.
use crate::bounded::BoundedVec;
use crate::hash::{Hash, Hasher};
use crate::id::{AccountId, ModuleName, Selector};
use crate::limits;
use crate::quantity::Timestamp;
use crate::signature::PartySignature;
use crate::text;
use alloc::string::String;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

/// One method of one module with its parties and arguments.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Call {
    /// The contract or native module.
    pub module: ModuleName,
    /// The method, bound to the declaration the signers were shown.
    pub method: Selector,
    /// An account for each role, in the order of the declaration. All of them must sign.
    pub parties: BoundedVec<AccountId, { limits::PARTIES_MAX }>,
    /// The encoded arguments.
    pub args: BoundedVec<u8, { limits::ARGS_BYTES_MAX }>,
}

/// What is signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Transaction {
    /// The chain's id: a signature for one chain is none for another.
    pub chain: Hash,
    /// Blocks before this time do not run it.
    pub valid_from: Timestamp,
    /// Blocks after this time do not run it.
    pub expires_at: Timestamp,
    /// Tells two otherwise equal transactions apart. Random.
    pub salt: [u8; 8],
    /// 1 to 16 calls, run in order.
    pub calls: BoundedVec<Call, { limits::CALLS_MAX }>,
}

/// A transaction's id, shown as `cst1…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(pub Hash);

impl core::fmt::Display for TransactionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(&text::encode(text::TRANSACTION, &self.0.0))
    }
}

impl core::str::FromStr for TransactionId {
    type Err = text::TextError;
    fn from_str(text: &str) -> Result<Self, text::TextError> {
        text::decode(text::TRANSACTION, text).map(|bytes| Self(Hash(bytes)))
    }
}

impl Transaction {
    /// The hash of the unsigned transaction.
    pub fn id(&self) -> TransactionId {
        TransactionId(Hash::of_encoded("transaction", self))
    }

    /// The union of all parties, sorted: every one of them must sign.
    pub fn signers(&self) -> Vec<AccountId> {
        let mut signers: Vec<_> = self.calls.iter().flat_map(|call| call.parties.iter().copied()).collect();
        signers.sort_unstable();
        signers.dedup();
        signers
    }
}

/// The bytes a party signs for the transaction or document with `id`: `domain ‖ chain ‖ id`.
pub fn signing_bytes(what: &'static str, chain: &Hash, id: &Hash) -> [u8; 32] {
    let mut hasher = Hasher::new(what);
    hasher.update(&chain.0).update(&id.0);
    hasher.finish().0
}

/// Domain of signatures on transactions.
pub const SIGNING: &str = "sign-transaction";

/// A transaction with signatures of which nothing is known yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SignedTransaction {
    /// What is signed.
    pub transaction: Transaction,
    /// Sorted by account index, then key, without duplicates.
    pub signatures: BoundedVec<PartySignature, { limits::SIGNATURES_MAX }>,
}

/// Why a transaction is refused before any state is looked at. The sender's fault in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Decode(#[from] crate::DecodeError),
    /// Signed for another chain.
    #[error("the transaction is for chain {found}, this is {wanted}")]
    WrongChain {
        /// Chain named in the transaction.
        found: Hash,
        /// Chain of the one who checks.
        wanted: Hash,
    },
    /// No calls, or a call without parties.
    #[error("{what}")]
    Shape {
        /// The rule that is broken.
        what: &'static str,
    },
    /// `expires_at` is not after `valid_from`.
    #[error("the transaction expires before it becomes valid")]
    NeverValid,
    /// Signatures out of order, twice, or for an account that is no party.
    #[error("signature {index} is out of order, a duplicate, or of no party")]
    StraySignature {
        /// Its place in the list.
        index: usize,
    },
    /// A party has not signed.
    #[error("the signature of {account} is missing")]
    MissingSignature {
        /// The party.
        account: AccountId,
    },
    /// A signature does not verify.
    #[error("the signature of {account} with key {key} is not valid")]
    BadSignature {
        /// The party.
        account: AccountId,
        /// The key named in the signature.
        key: String,
    },
}

impl SignedTransaction {
    /// Decodes a transaction, refusing more than [`limits::TRANSACTION_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`TransactionError::Decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TransactionError> {
        Ok(crate::decode("transaction", bytes, limits::TRANSACTION_BYTES_MAX)?)
    }

    /// Checks everything that needs neither keys' mathematics nor state; returns the required signers, sorted.
    ///
    /// # Errors
    /// Every [`TransactionError`] but `BadSignature`.
    pub fn check_shape(&self, chain: &Hash) -> Result<Vec<AccountId>, TransactionError> {
        let transaction = &self.transaction;
        if transaction.chain != *chain {
            return Err(TransactionError::WrongChain { found: transaction.chain, wanted: *chain });
        }
        if transaction.calls.is_empty() {
            return Err(TransactionError::Shape { what: "a transaction needs at least one call" });
        }
        if transaction.calls.iter().any(|call| call.parties.is_empty()) {
            return Err(TransactionError::Shape { what: "every call needs at least one party" });
        }
        if transaction.expires_at <= transaction.valid_from {
            return Err(TransactionError::NeverValid);
        }
        let signers = transaction.signers();
        check_signatures(&self.signatures, signers.len())?;
        let unsigned = (0..signers.len()).find(|i| !self.signatures.iter().any(|s| usize::from(s.account) == *i));
        match unsigned {
            Some(i) => Err(TransactionError::MissingSignature { account: signers[i] }),
            None => Ok(signers),
        }
    }
}

/// Sorted by account index, then key, without duplicates, and each of one of `signers` accounts.
pub(crate) fn check_signatures(signatures: &[PartySignature], signers: usize) -> Result<(), TransactionError> {
    let order = |s: &PartySignature| (s.account, s.key);
    for (index, signature) in signatures.iter().enumerate() {
        let sorted = index == 0 || order(&signatures[index - 1]) < order(signature);
        if !sorted || usize::from(signature.account) >= signers {
            return Err(TransactionError::StraySignature { index });
        }
    }
    Ok(())
}

#[cfg(feature = "std")]
pub use verified::VerifiedTransaction;

#[cfg(feature = "std")]
mod verified {
    use super::*;
    use crate::signature::{Claim, verify_batch};

    /// A transaction of this chain whose shape is right and whose signatures are all valid for the keys they name.
    /// Whether those keys may sign for the accounts is state, and decided when it runs.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct VerifiedTransaction {
        inner: SignedTransaction,
        id: Hash,
        signers: Vec<AccountId>,
        size_bytes: usize,
    }

    impl VerifiedTransaction {
        /// Verifies one transaction.
        ///
        /// # Errors
        /// [`TransactionError`].
        pub fn verify(transaction: SignedTransaction, chain: &Hash) -> Result<Self, TransactionError> {
            Self::verify_batch(std::vec![transaction], chain).pop().expect("one verdict for each transaction")
        }

        /// Verifies transactions with one batch over all their signatures; verdicts are in order.
        pub fn verify_batch(transactions: Vec<SignedTransaction>, chain: &Hash) -> Vec<Result<Self, TransactionError>> {
            let shaped: Vec<_> = transactions
                .into_iter()
                .map(|inner| {
                    let signers = inner.check_shape(chain)?;
                    let id = inner.transaction.id().0;
                    let size_bytes = inner.encoded_size();
                    Ok(Self { inner, id, signers, size_bytes })
                })
                .collect();
            let messages: Vec<Option<[u8; 32]>> = shaped
                .iter()
                .map(|entry: &Result<Self, TransactionError>| {
                    entry.as_ref().ok().map(|shaped| signing_bytes(SIGNING, chain, &shaped.id))
                })
                .collect();
            let claims: Vec<Claim<'_>> = shaped
                .iter()
                .zip(&messages)
                .filter_map(|(entry, message)| Some((entry.as_ref().ok()?, message.as_ref()?)))
                .flat_map(|(shaped, message)| {
                    shaped.inner.signatures.iter().map(move |s| Claim { key: &s.key, message, signature: &s.signature })
                })
                .collect();
            let mut verdicts = verify_batch(&claims).into_iter();
            shaped
                .into_iter()
                .map(|entry| {
                    let shaped = entry?;
                    let count = shaped.inner.signatures.len();
                    let bad = verdicts.by_ref().take(count).collect::<Vec<_>>().iter().position(|ok| !ok);
                    match bad {
                        None => Ok(shaped),
                        Some(i) => {
                            let signature = &shaped.inner.signatures[i];
                            let account = shaped.signers[usize::from(signature.account)];
                            Err(TransactionError::BadSignature { account, key: std::format!("{}", signature.key) })
                        }
                    }
                })
                .collect()
        }

        /// The transaction's id as a bare hash.
        pub fn id(&self) -> Hash {
            self.id
        }

        /// What was signed.
        pub fn transaction(&self) -> &Transaction {
            &self.inner.transaction
        }

        /// The signed transaction.
        pub fn signed(&self) -> &SignedTransaction {
            &self.inner
        }

        /// The required signers, sorted.
        pub fn signers(&self) -> &[AccountId] {
            &self.signers
        }

        /// The keys that signed for the signer at `index`.
        pub fn keys_of(&self, index: usize) -> impl Iterator<Item = &crate::PublicKey> {
            self.inner.signatures.iter().filter(move |s| usize::from(s.account) == index).map(|s| &s.key)
        }

        /// Bytes of the signed transaction.
        pub fn size_bytes(&self) -> usize {
            self.size_bytes
        }
    }
}
