//! Records kept in the state: what [`crate::state_key`] keys lead to. Wallets read them by proof.
use crate::bounded::{BoundedText, BoundedVec, Text};
use crate::hash::Hash;
use crate::id::{AccountId, ModuleName, Name, PublicKey};
use crate::limits;
use crate::quantity::{Amount, Gas, Height, Timestamp};
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// Whether an account or member may act.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen)]
pub enum Status {
    /// It may.
    #[default]
    Active,
    /// Its signatures are refused until it is resumed; it still receives.
    Suspended,
}

/// Who signs for an account: keys with weights, of which a threshold must be reached.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Authority {
    /// Weight the signatures must reach; at least 1.
    pub threshold: u32,
    /// Keys and their weights, sorted by key, no duplicates, each weight at least 1.
    pub keys: BoundedVec<(PublicKey, u16), { limits::AUTHORITY_KEYS_MAX }>,
}

/// Why an authority is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthority {
    /// No keys, or not sorted and distinct.
    #[error("the keys of an authority must be sorted, without duplicates, and at least one")]
    Keys,
    /// A weight of zero.
    #[error("every key of an authority needs a weight of at least 1")]
    Weight,
    /// The threshold is zero or cannot be reached.
    #[error("the threshold of an authority must be at least 1 and at most the sum of its weights")]
    Threshold,
}

impl Authority {
    /// One key that decides alone.
    pub fn single(key: PublicKey) -> Self {
        let keys = BoundedVec::try_from(alloc::vec![(key, 1)]).expect("one key is within the bound");
        Self { threshold: 1, keys }
    }

    /// Checks the rules of the fields. Keys themselves are checked by `signature::check_key`.
    ///
    /// # Errors
    /// [`BadAuthority`] names the rule broken.
    pub fn check(&self) -> Result<(), BadAuthority> {
        if self.keys.is_empty() || self.keys.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(BadAuthority::Keys);
        }
        if self.keys.iter().any(|(_, weight)| *weight == 0) {
            return Err(BadAuthority::Weight);
        }
        let sum: u32 = self.keys.iter().map(|(_, weight)| u32::from(*weight)).sum();
        if self.threshold == 0 || self.threshold > sum { Err(BadAuthority::Threshold) } else { Ok(()) }
    }

    /// The fewest keys whose weights reach the threshold: the heaviest ones.
    pub fn fewest_keys(&self) -> usize {
        let mut weights: Vec<u32> = self.keys.iter().map(|(_, weight)| u32::from(*weight)).collect();
        weights.sort_unstable_by(|one, other| other.cmp(one));
        let sums = weights.iter().scan(0_u32, |sum, weight| {
            *sum = sum.saturating_add(*weight);
            Some(*sum)
        });
        sums.take_while(|sum| *sum < self.threshold).count() + 1
    }

    /// True if the weights of `signers` (distinct keys) reach the threshold. Keys that are not listed count nothing.
    pub fn is_met_by<'a>(&self, signers: impl Iterator<Item = &'a PublicKey>) -> bool {
        let mut sum = 0_u32;
        for signer in signers {
            if let Ok(at) = self.keys.binary_search_by(|(key, _)| key.cmp(signer)) {
                sum = sum.saturating_add(u32::from(self.keys[at].1));
            }
        }
        sum >= self.threshold
    }
}

/// An account that can sign: a holder's or a member's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Account {
    /// Who signs for it.
    pub authority: Authority,
    /// The member that enrolled it and whose quota it uses; a member's own account names itself.
    pub member: AccountId,
    /// Its name, `alice@harbor-hotel.example` or `harbor-hotel.example`.
    pub name: Name,
    /// Whether it may sign.
    pub status: Status,
    /// X25519 key for sealed messages and papers; `None` until set.
    pub encryption_key: Option<[u8; 32]>,
}

/// What a member is licensed to do besides enrolling holders.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub enum Role {
    /// Sells: may be the merchant of a deal.
    Merchant,
    /// Creates and issues assets.
    Issuer,
    /// Tops up and cashes out for others.
    Agent,
    /// Decides disputes.
    Arbiter,
    /// Issues smart cards.
    CardIssuer,
    /// Runs a relay.
    Relay,
}

/// An organisation admitted to the consortium. Its account has the same id.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Member {
    /// `harbor-hotel.example`.
    pub name: Name,
    /// Whether it and the holders it enrolled may act.
    pub status: Status,
    /// Sorted, without duplicates.
    pub roles: BoundedVec<Role, { limits::ROLES_MAX }>,
    /// Since which block's time.
    pub admitted_at: Timestamp,
}

/// A member's site: where relays have its users' log-ins verified, and which nodes relay for its users.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Site {
    /// `https://login.harbor-hotel.example`, as [`crate::endpoint`] reads it; empty if the member has no users: then only its own
    /// account uses relays.
    pub endpoint: BoundedText<{ limits::SITE_ENDPOINT_BYTES_MAX }>,
    /// The key that signs the site's answers.
    pub key: PublicKey,
    /// Network keys of the nodes that may relay for the member and its users, no duplicates. The first keeps the messages to them.
    pub relays: BoundedVec<PublicKey, { limits::SITE_RELAYS_MAX }>,
}

/// Gas a member used in the running window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen)]
pub struct QuotaUse {
    /// Number of the window since the epoch: time ÷ [`crate::Params::quota_window_ms`].
    pub window: u64,
    /// Used in it.
    pub gas: Gas,
}

/// An asset's record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Asset {
    /// The only account that issues it.
    pub issuer: AccountId,
    /// Digits after the point when shown, at most [`limits::ASSET_DECIMALS_MAX`].
    pub decimals: u8,
    /// In words, such as `Euro, issued by Harbor Bank`.
    pub title: Text,
    /// Issued and not burnt: the sum of all balances.
    pub supply: Amount,
    /// No transfer moves it while suspended.
    pub status: Status,
}

/// A node the council admitted to the network. It stands under its network key, which is not a validator's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct NodeRecord {
    /// The member that runs it.
    pub member: AccountId,
    /// Where peers reach it, `/dns4/node.harbor-hotel.example/tcp/26600`; empty if it only dials.
    pub address: BoundedText<{ limits::ADDRESS_BYTES_MAX }>,
    /// Suspended once removed: remembered, so that a node whose own settings still list it refuses it too.
    pub status: Status,
    /// Height of its last change.
    pub since: Height,
}

impl NodeRecord {
    /// True if it may relay: the council admits it, and the member that runs it (`member`, with its own `account`) is active and has
    /// the role for it.
    pub fn may_relay(&self, member: &Member, account: &Account) -> bool {
        let all_active = [self.status, member.status, account.status].iter().all(|status| *status == Status::Active);
        all_active && member.roles.contains(&Role::Relay)
    }
}

/// A contract's record.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Contract {
    /// Its name in calls.
    pub name: ModuleName,
    /// Hash of the uploaded wasm; the code stands under it.
    pub code: Hash,
    /// 1 at deployment, one more at each upgrade.
    pub version: u32,
    /// Whether calls run.
    pub status: Status,
    /// Height of the deployment or last upgrade.
    pub since: Height,
}

/// A contract method that the ledger runs by itself.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Job {
    /// Runs in the first block whose time is at or after this one.
    pub at: Timestamp,
    /// Orders jobs of one time; also the job's id, never used twice.
    pub sequence: u64,
    /// The contract that runs.
    pub module: ModuleName,
    /// The scheduled method, by name: an upgrade may move its index.
    pub method: BoundedText<{ limits::MODULE_NAME_BYTES_MAX }>,
    /// Its arguments.
    pub args: Vec<u8>,
    /// Gas paid ahead; it may use no more.
    pub gas: Gas,
}
