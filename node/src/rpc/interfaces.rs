//! The interfaces of modules, by which events and refusals get their names.
use countersign_executor::Executor;
use countersign_state::StateRead;
use countersign_types::{Hash, Interface, ModuleName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Interfaces held ready. A chain has some dozens; the bound is against one with very many.
const INTERFACES_MAX: usize = 256;

/// Interfaces by module and code, so that an upgraded contract gets its new one.
#[derive(Default)]
pub struct Interfaces {
    known: Mutex<HashMap<(ModuleName, Hash), Arc<Interface>>>,
}

impl Interfaces {
    /// The interface of a module in this state. Compiles a contract seen for the first time: not for a thread that serves the
    /// network.
    pub fn get(&self, executor: &Executor, state: &dyn StateRead, module: &ModuleName) -> Option<Arc<Interface>> {
        let code = crate::chain::read::contract(state, module).map_or(Hash::ZERO, |contract| contract.code);
        let key = (module.clone(), code);
        if let Some(interface) = self.lock().get(&key) {
            return Some(interface.clone());
        }
        let interface = Arc::new(executor.interface(state, module)?);
        let mut known = self.lock();
        if known.len() >= INTERFACES_MAX {
            known.clear();
        }
        known.insert(key, interface.clone());
        Some(interface)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(ModuleName, Hash), Arc<Interface>>> {
        self.known.lock().expect("no holder of the interfaces panics")
    }
}
