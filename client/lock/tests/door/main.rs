//! Locks and credentials on made-up chains: the right key opens, every wrong one is refused by its reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bytes;
mod opens;
mod refusals;
mod scene;
