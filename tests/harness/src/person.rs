//! People of a test chain: their well-known keys, and transactions they sign.
use countersign_interface::{Method as _, assets};
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::{
    AccountId, Amount, AssetId, Call, Hash, PartySignature, SignedTransaction, Text, Timestamp, Transaction,
};
use parity_scale_codec::Encode as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// How far back transactions are valid from: a chain's time may be behind the clock of this machine.
const BACK_MS: u64 = 60_000;
/// How long they stay valid: longer than any run, shorter than a chain's default maximum.
const VALIDITY_MS: u64 = 6 * 60 * 60 * 1000;

/// Somebody with a well-known key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// Its key.
    pub secret: [u8; 32],
}

/// A signed transaction, encoded, with its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// `cst1…`.
    pub id: String,
    /// The encoded `SignedTransaction`.
    pub bytes: Vec<u8>,
}

impl Person {
    /// Who has the development key of that name.
    pub fn named(name: &str) -> Self {
        let secret = development_secret(name);
        Self { account: AccountId::of_key(&public_key(&secret)), secret }
    }

    /// A call by which this person pays `amount` minor units of the chain's asset.
    pub fn pay(&self, to: &Self, amount: u128) -> Call {
        let (asset, reference) = (asset(), Text::default());
        assets::Transfer { asset, to: to.account, amount: Amount::new(amount), reference }.call(&[self.account])
    }
}

/// The asset of every test chain.
pub fn asset() -> AssetId {
    "EUR".parse().expect("a valid symbol")
}

/// Milliseconds since 1970 by this machine's clock.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_millis();
    u64::try_from(now).expect("milliseconds since 1970 fit u64")
}

/// The call as a transaction that all `signers`, its parties, have signed. Another `salt` makes another transaction.
pub fn signed(chain: &Hash, call: Call, salt: u64, now_ms: u64, signers: &[Person]) -> Made {
    signed_until(now_ms + VALIDITY_MS, chain, call, salt, now_ms, signers)
}

/// As [`signed`], valid until `expires_ms`: so long nodes remember its id.
pub fn signed_until(expires_ms: u64, chain: &Hash, call: Call, salt: u64, now_ms: u64, signers: &[Person]) -> Made {
    let transaction = Transaction {
        chain: *chain,
        valid_from: Timestamp::from_millis(now_ms - BACK_MS),
        expires_at: Timestamp::from_millis(expires_ms),
        salt: salt.to_le_bytes(),
        calls: vec![call].try_into().expect("one call is within the bound"),
    };
    let id = transaction.id();
    let message = signing_bytes(SIGNING, &transaction.chain, &id.0);
    let signatures = signatures(&message, signers).try_into().expect("a few signatures are within the bound");
    Made { id: id.to_string(), bytes: SignedTransaction { transaction, signatures }.encode() }
}

/// Signatures of `signers` in the order in which ledgers want them.
pub fn signatures(message: &[u8], signers: &[Person]) -> Vec<PartySignature> {
    let mut signers = signers.to_vec();
    signers.sort_by_key(|signer| signer.account);
    let one = |(account, signer): (u16, &Person)| PartySignature {
        account,
        key: public_key(&signer.secret),
        signature: sign(&signer.secret, message),
    };
    (0_u16..).zip(&signers).map(one).collect()
}
