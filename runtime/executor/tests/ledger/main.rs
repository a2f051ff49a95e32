//! The state machine from outside: real blocks of signed transactions on a real state, contracts as real wasm.
mod admission;
mod assets;
mod code;
mod determinism;
mod faults;
mod genesis;
mod hosts;
mod jobs;
mod probe;
mod properties;
mod rebate;
mod rebate_refusals;
mod registry;
mod simulate;
mod world;
