//! The host as a trait: one method for each row of the table in [`countersign_types::host_abi`].
use alloc::vec::Vec;
use countersign_types::account::Role;
use countersign_types::{
    AccountId, Amount, AssetId, Hash, Height, ModuleName, Name, Selector, SignedDocument, Timestamp,
};
use parity_scale_codec::Encode;

macro_rules! host_trait {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty, $base:literal + $per_byte:literal;)*) => {
        /// What the ledger does for a contract. A function that cannot do what is asked ends the call, and with it undoes the
        /// transaction; nothing is returned to the contract then.
        pub trait Host {
            $($(#[$doc])* fn $name(&mut self, $($argument: $type),*) -> $result;)*
        }
    };
}
countersign_types::host_functions!(host_trait);

/// Names the running call: a hash of its transaction's id and its index in it. Two calls never have the same one, but a
/// contract that is called twice by another contract sees the same one twice.
pub fn call_id(host: &mut impl Host) -> Hash {
    let call = host.transaction();
    host.hash(call.encode())
}
