//! What a contract's story must not change unnoticed: gas and events of each step, and what is on the ledger after it.
use crate::world::World;
use countersign_types::{Hash, Hasher, Interface, Receipt, state_key};
use parity_scale_codec::Encode as _;
use std::fmt::Write as _;

/// The steps so far, one after the other.
pub struct Journal {
    interface: &'static Interface,
    /// To be compared with a frozen file.
    pub text: String,
}

impl Journal {
    /// Of the story of one contract.
    pub fn new(interface: &'static Interface) -> Self {
        Self { interface, text: String::new() }
    }

    /// Notes a step and its receipt.
    pub fn note(&mut self, step: &str, world: &World, receipt: &Receipt) {
        let outcome = receipt.outcome.map_or_else(|failure| format!("{failure:?}"), |()| "ok".into());
        writeln!(self.text, "{step}: {outcome}, gas {}, records {}", receipt.gas, records(world)).unwrap();
        // Events of other modules' calls in the same transaction are theirs to freeze.
        for event in receipt.events.iter().filter(|event| event.module == self.interface.module) {
            let name = &self.interface.events[usize::from(event.kind)].name;
            writeln!(self.text, "    {name} {}", Hash::of_encoded("test-event", event)).unwrap();
        }
    }
}

/// A hash over all records but the code and what names it, so that it changes with what the contract does and not with each byte
/// of its wasm.
fn records(world: &World) -> Hash {
    let mut hasher = Hasher::new("test-records");
    let is_code =
        |key: &[u8]| key.starts_with(&state_key::code(&Hash::ZERO)[..1]) || key.starts_with(&state_key::contracts());
    for (key, value) in world.state.entries().filter(|(key, _)| !is_code(key)) {
        hasher.update(&(key, value).encode());
    }
    hasher.finish()
}

/// A world with one contract whose chain has a name of its own: neither ids of transactions, and with them those of deals, nor
/// the records depend on what else the genesis holds.
pub fn named_world(contract: &str) -> World {
    let mut world = World::with(|genesis| {
        let own = genesis.contracts.iter().filter(|other| other.name.as_str() == contract);
        genesis.contracts = own.cloned().collect::<Vec<_>>().try_into().unwrap();
    });
    world.chain = Hash::of("test-chain", contract.as_bytes());
    world
}
