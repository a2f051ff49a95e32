//! A module ready to be called, and the modules that are held ready.
use crate::call::{self, CallInput, CallOutcome, CallState};
use crate::depth::STACK_LEFT;
use crate::host::Host;
use crate::limits::LOADED_MODULES_MAX;
use crate::slots::Slots;
use countersign_types::host_abi::{ENTRY, MEMORY};
use countersign_types::{AccountId, CallFault, Gas, Hash, Interface};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::{InstancePre, ModuleExport};

/// A compiled contract. Cloning shares the code.
#[derive(Clone)]
pub struct Module {
    loaded: Arc<Loaded>,
}

struct Loaded {
    code: Hash,
    interface: Interface,
    pre: InstancePre<CallState>,
    exports: Exports,
    slots: Arc<Slots>,
}

/// Where an instance's exports are, so that no name is looked up in a call.
pub(crate) struct Exports {
    pub memory: ModuleExport,
    pub entry: ModuleExport,
    pub stack_left: ModuleExport,
    pub initial_pages: u64,
}

impl Exports {
    /// `None` if the module was not made by this crate's checks.
    fn of(module: &wasmtime::Module) -> Option<Self> {
        let initial_pages = module.get_export(MEMORY)?.memory()?.minimum();
        Some(Self {
            memory: module.get_export_index(MEMORY)?,
            entry: module.get_export_index(ENTRY)?,
            stack_left: module.get_export_index(STACK_LEFT)?,
            initial_pages,
        })
    }
}

impl Module {
    /// `None` if the code was not made by this crate's checks.
    pub(crate) fn new(
        code: Hash,
        interface: Interface,
        pre: InstancePre<CallState>,
        slots: Arc<Slots>,
    ) -> Option<Self> {
        let exports = Exports::of(pre.module())?;
        Some(Self { loaded: Arc::new(Loaded { code, interface, pre, exports, slots }) })
    }

    /// Hash of the code as it was uploaded.
    pub fn code(&self) -> Hash {
        self.loaded.code
    }

    /// What the code declares.
    pub fn interface(&self) -> &Interface {
        &self.loaded.interface
    }

    /// Runs the method at index `method` of the interface in a fresh instance, with at most `gas`.
    ///
    /// `host` may call this or another module of the same engine while it serves a host function; calls nest on the calling
    /// thread, whose stack must have [`crate::STACK_BYTES`]. Deeper than `CALL_DEPTH_MAX` a call is refused with
    /// [`CallFault::CallDepth`] and uses no gas. The outermost call waits while `CONCURRENT_CALLS_MAX` others run.
    ///
    /// # Panics
    /// If the machine has no memory left for an instance: the outcome would differ from that of other machines.
    pub fn call(&self, method: u32, parties: &[AccountId], args: &[u8], gas: Gas, host: &mut dyn Host) -> CallOutcome {
        let Some(_slot) = self.loaded.slots.take() else {
            return CallOutcome { result: Err(CallFault::CallDepth), gas_used: Gas::ZERO };
        };
        call::run(&self.loaded.pre, &self.loaded.exports, &CallInput { method, parties, args, gas }, host)
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("code", &self.loaded.code).finish_non_exhaustive()
    }
}

/// The modules in memory; at most [`LOADED_MODULES_MAX`], the least recently used leaves.
#[derive(Default)]
pub(crate) struct Loads {
    modules: BTreeMap<Hash, (u64, Module)>,
    /// Counts uses, to order them.
    uses: u64,
}

impl Loads {
    pub fn get(&mut self, code: Hash) -> Option<Module> {
        self.uses += 1;
        let (last_use, module) = self.modules.get_mut(&code)?;
        *last_use = self.uses;
        Some(module.clone())
    }

    pub fn insert(&mut self, module: Module) {
        self.uses += 1;
        self.modules.insert(module.code(), (self.uses, module));
        if self.modules.len() > LOADED_MODULES_MAX {
            let oldest = self.modules.iter().min_by_key(|(_, (last_use, _))| *last_use).map(|(code, _)| *code);
            oldest.map(|code| self.modules.remove(&code));
        }
    }
}
