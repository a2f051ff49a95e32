//! A node of the ledger: agrees on blocks, executes and keeps them, serves wallets. Knows nothing of any one contract.
//!
//! ```text
//! wallet ─bytes→ rpc ─VerifiedTransaction→ mempool ─→ propose ─Block→ decide ─→ execute ─→ commit ─Committed→ events → wallet
//!                 ▲ gossip enters at the same door      (chain; the engine is countersign-consensus)
//! ```
//!
//! | module | for |
//! |---|---|
//! | [`node`] | starting the parts in order, stopping them in the opposite one |
//! | [`chain`] | blocks and state, from the engine's requests to what readers see |
//! | [`mempool`] | transactions that wait |
//! | [`index`] | finding transactions and events |
//! | [`snapshot`] | a chain at a height as one file, to start a node from |
//! | [`trail`] | who may certify blocks, followed from the genesis |
//! | [`inspect`] | whether what a stopped node has on disk is right |
//! | [`rpc`] | JSON-RPC, and plain HTTP for probes |
//! | [`gossip`] | transactions between nodes |
//! | `relay` | log-ins and messages, by the crate `countersign-relay`, if the operator has turned them on |
//! | `peers` | who may connect, by the ledger and the settings |
//! | [`demo`] | the product's stories, played by real processes |
//! | [`local`] | a development network of several processes on this machine |
//! | [`ask`] | asking a running node |
//! | [`doctor`] | what is wrong with a node, and what to do |
//! | [`entry`] | what others need to know of a node before there is a chain |
//! | [`config`], [`keys`], [`folder`], [`cli`] | settings, key files, a node's folder, the command line |
#![forbid(unsafe_code)]

pub mod ask;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod entry;
pub mod folder;
pub mod gossip;
pub mod index;
pub mod inspect;
pub mod keys;
pub mod local;
pub mod mempool;
pub mod metrics;
pub mod node;
pub(crate) mod peers;
pub(crate) mod relay;
pub mod report;
pub mod rpc;
pub mod snapshot;
pub mod trail;
pub mod voted;
