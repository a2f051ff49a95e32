//! An error with all its causes in one line.
pub use countersign_rpc_types::finding::chain;
