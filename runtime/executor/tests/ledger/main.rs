//! The state machine from outside: real blocks of signed transactions on a real state, contracts as real wasm.
#![allow(clippy::unwrap_used)] // what tests share may unwrap as tests do

mod admission;
mod assets;
mod booking;
mod booking_races;
mod booking_refusals;
mod card;
mod card_races;
mod card_refusals;
mod card_scene;
mod code;
mod counter;
mod deal;
mod determinism;
mod faults;
#[path = "../../../../tests/vectors/frozen.rs"]
mod frozen;
mod genesis;
mod governance;
mod hostile;
mod hosts;
mod jobs;
mod journal;
mod lodging;
mod probe;
mod properties;
mod quorum;
mod rebate;
mod rebate_refusals;
mod registry;
mod simulate;
mod topup;
mod topup_races;
mod topup_refusals;
mod world;
