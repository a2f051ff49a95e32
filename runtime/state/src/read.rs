//! How a state is read.
use countersign_types::Hash;

/// Reading a state.
pub trait StateRead {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Entries whose key begins with `prefix` and is greater than `after`, in order, at most `limit`.
    fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// True if the transaction `id` is remembered in the bucket of its expiry `minute`.
    fn seen(&self, minute: u64, id: &Hash) -> bool;
}
