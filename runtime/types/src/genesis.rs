//! What a chain starts from. Its hash is the chain's id, so two chains never share a signature.
use crate::account::{Authority, Role};
use crate::block::ValidatorSet;
use crate::bounded::{BoundedText, BoundedVec, Text};
use crate::hash::Hash;
use crate::id::{AccountId, AssetId, ModuleName, Name, PublicKey};
use crate::limits;
use crate::params::Params;
use crate::quantity::{Amount, Timestamp};
use parity_scale_codec::{Decode, Encode};

/// The members who govern, and how many of them must sign a council call.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Council {
    /// Accounts of members, sorted, without duplicates.
    pub members: BoundedVec<AccountId, { limits::PARTIES_MAX }>,
    /// Signatures needed: 1 to the number of members.
    pub threshold: u16,
}

/// A member from the start.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GenesisMember {
    /// Its account.
    pub id: AccountId,
    /// Its name.
    pub name: Name,
    /// Sorted, without duplicates.
    pub roles: BoundedVec<Role, { limits::ROLES_MAX }>,
    /// Who signs for it.
    pub authority: Authority,
}

/// A holder enrolled from the start.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GenesisHolder {
    /// Its account.
    pub id: AccountId,
    /// Its name at a member's site.
    pub name: Name,
    /// Its key.
    pub key: PublicKey,
}

/// An asset from the start.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GenesisAsset {
    /// Its symbol.
    pub id: AssetId,
    /// The member that issues it.
    pub issuer: AccountId,
    /// Digits after the point when shown.
    pub decimals: u8,
    /// In words.
    pub title: Text,
    /// Balances, sorted by account, without duplicates.
    pub balances: BoundedVec<(AccountId, Amount), 1_000_000>,
}

/// A contract from the start.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GenesisContract {
    /// Its name in calls.
    pub name: ModuleName,
    /// Its wasm.
    pub code: BoundedVec<u8, { limits::CODE_BYTES_MAX }>,
}

/// A node admitted from the start.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GenesisNode {
    /// Its network key.
    pub key: PublicKey,
    /// The member that runs it.
    pub member: AccountId,
    /// Where peers reach it; empty if it only dials.
    pub address: BoundedText<{ limits::ADDRESS_BYTES_MAX }>,
}

/// The checked content of a chain spec.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Genesis {
    /// A name for people, such as `harbor-consortium`.
    pub title: Text,
    /// The time of block 0.
    pub time: Timestamp,
    /// The chain's parameters.
    pub params: Params,
    /// The members who govern.
    pub council: Council,
    /// Who agrees on the first block.
    pub validators: ValidatorSet,
    /// Who may connect, sorted by key.
    pub nodes: BoundedVec<GenesisNode, { limits::NODES_MAX }>,
    /// Sorted by account.
    pub members: BoundedVec<GenesisMember, 10_000>,
    /// Sorted by account.
    pub holders: BoundedVec<GenesisHolder, 1_000_000>,
    /// Sorted by symbol.
    pub assets: BoundedVec<GenesisAsset, 10_000>,
    /// Sorted by name.
    pub contracts: BoundedVec<GenesisContract, 100>,
}

impl Genesis {
    /// The chain's id.
    pub fn chain(&self) -> Hash {
        Hash::of_encoded("genesis", self)
    }
}
