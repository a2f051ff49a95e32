//! Which accounts a value names: an event is listed under the accounts in its fields.
use alloc::vec::Vec;
use countersign_types::{
    AccountId, Amount, AssetId, Authority, BoundedText, BoundedVec, Document, Hash, ModuleName, Name, PublicKey, Role,
    SignedDocument, Timestamp,
};

/// Adds the accounts a value names to a list.
pub trait Mention {
    /// Appends them, in the order they stand in the value.
    fn mention(&self, accounts: &mut Vec<AccountId>);
}

impl Mention for AccountId {
    // Every event of a contract calls it: inlined it would be a large part of the wasm.
    #[inline(never)]
    fn mention(&self, accounts: &mut Vec<AccountId>) {
        if !accounts.contains(self) {
            accounts.push(*self);
        }
    }
}

impl<T: Mention> Mention for Option<T> {
    fn mention(&self, accounts: &mut Vec<AccountId>) {
        self.iter().for_each(|value| value.mention(accounts));
    }
}

impl<T: Mention, const MAX: usize> Mention for BoundedVec<T, MAX> {
    fn mention(&self, accounts: &mut Vec<AccountId>) {
        self.iter().for_each(|value| value.mention(accounts));
    }
}

impl<const MAX: usize> Mention for BoundedText<MAX> {
    fn mention(&self, _: &mut Vec<AccountId>) {}
}

macro_rules! names_nobody {
    ($($name:ty),+ $(,)?) => {
        $(impl Mention for $name {
            fn mention(&self, _: &mut Vec<AccountId>) {}
        })+
    };
}
names_nobody!(
    bool,
    u8,
    u16,
    u32,
    u64,
    u128,
    Hash,
    AssetId,
    Amount,
    Timestamp,
    Name,
    ModuleName,
    PublicKey,
    Authority,
    Role,
    Document,
    SignedDocument
);
