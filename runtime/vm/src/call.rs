//! One call: a fresh instance, its gas, and how it ended.
use crate::depth;
use crate::gas;
use crate::host::Host;
use crate::limits;
use crate::module::Exports;
use countersign_types::{AccountId, CallFault, Gas, limits as format_limits};
use std::ptr::NonNull;
use wasmtime::{Instance, InstancePre, Memory, ResourceLimiter, Store, Trap};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// What the contract gave back (nothing if it did not), or why it did not end well.
    pub result: Result<Vec<u8>, CallFault>,
    /// What the call used of its gas, with all that was nested in it: all of it if the contract trapped.
    pub gas_used: Gas,
}

/// What a call is given.
pub(crate) struct CallInput<'a> {
    pub method: u32,
    pub parties: &'a [AccountId],
    pub args: &'a [u8],
    pub gas: Gas,
}

/// How the code of a contract ended early.
enum End {
    /// By a host function, at an exactly known gas.
    Fault(CallFault),
    /// By a trap. How much was counted at that instruction depends on the compiler, so all gas is used.
    Trap(CallFault),
}

/// What the host functions of a running call work on.
pub(crate) struct CallState {
    pub host: HostPointer,
    pub memory: Option<Memory>,
    pub memory_limit: MemoryLimit,
    /// The last host function's encoded result, until it is taken.
    pub result: Option<Vec<u8>>,
    /// What the call gives back.
    pub returned: Vec<u8>,
    parties: Vec<AccountId>,
    args: Vec<u8>,
}

impl CallState {
    /// The parties and the arguments.
    pub fn input(&self) -> (Vec<AccountId>, Vec<u8>) {
        (self.parties.clone(), self.args.clone())
    }
}

/// Runs one call in a fresh instance.
///
/// # Panics
/// If the machine has no memory left for an instance: the outcome would differ from that of other machines.
pub(crate) fn run(
    pre: &InstancePre<CallState>,
    exports: &Exports,
    input: &CallInput<'_>,
    host: &mut dyn Host,
) -> CallOutcome {
    let mut gas = input.gas;
    if let Err(fault) = gas::charge(&mut gas, gas::memory_price(exports.initial_pages)) {
        return CallOutcome { result: Err(fault), gas_used: input.gas };
    }
    let state = CallState {
        // SAFETY: the pointer lives in the store, the store ends with this function, and `host` is borrowed and not touched
        // until then.
        host: unsafe { HostPointer::new(host) },
        memory: None,
        memory_limit: MemoryLimit { charged_pages: exports.initial_pages, owed: 0 },
        result: None,
        returned: Vec::new(),
        parties: input.parties.to_vec(),
        args: input.args.to_vec(),
    };
    let mut store = Store::new(pre.module().engine(), state);
    store.limiter(|state| &mut state.memory_limit);
    store.set_fuel(gas.get()).expect("the engine counts fuel");
    let instance = pre.instantiate(&mut store).expect("checked code instantiates while the machine has memory");
    let ended = enter(&mut store, instance, exports, input.method);
    finish(store, ended, input.gas)
}

/// Calls the entry point.
fn enter(store: &mut Store<CallState>, instance: Instance, exports: &Exports, method: u32) -> Result<(), End> {
    let memory = instance.get_module_export(&mut *store, &exports.memory).and_then(wasmtime::Extern::into_memory);
    store.data_mut().memory = Some(memory.expect("checked code exports its memory"));
    let entry = instance.get_module_export(&mut *store, &exports.entry).and_then(wasmtime::Extern::into_func);
    let entry = entry.expect("checked code exports its entry point");
    let entry = entry.typed::<i32, ()>(&*store).expect("the entry point has its type");
    entry.call(&mut *store, method.cast_signed()).map_err(|error| end_of(&error, store, instance, exports))
}

/// Settles the gas.
fn finish(mut store: Store<CallState>, ended: Result<(), End>, given: Gas) -> CallOutcome {
    let mut left = Gas::new(store.get_fuel().expect("the engine counts fuel"));
    let state = store.data_mut();
    let result = match ended {
        Ok(()) => gas::charge(&mut left, state.memory_limit.take_owed()).map(|()| std::mem::take(&mut state.returned)),
        Err(End::Fault(fault)) => {
            // What is owed beyond what is left changes nothing: the call has failed already.
            let _ = gas::charge(&mut left, state.memory_limit.take_owed());
            Err(fault)
        }
        Err(End::Trap(fault)) => {
            left = Gas::ZERO;
            Err(fault)
        }
    };
    CallOutcome { result, gas_used: given.saturating_sub(left) }
}

/// What an error of the engine means to the ledger.
fn end_of(error: &wasmtime::Error, store: &mut Store<CallState>, instance: Instance, exports: &Exports) -> End {
    if let Some(fault) = error.downcast_ref::<CallFault>() {
        return End::Fault(*fault);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => End::Trap(CallFault::OutOfGas),
        Some(Trap::UnreachableCodeReached) if is_exhausted(store, instance, exports) => {
            End::Trap(CallFault::StackExhausted)
        }
        // The counter stops a contract before the machine's stack does. Should a compiler's frame ever outgrow its cost, this
        // is the outcome of those machines on which it does not.
        Some(Trap::StackOverflow) => End::Trap(CallFault::StackExhausted),
        Some(_) => End::Trap(CallFault::Trap),
        None => panic!("the engine failed, so this machine cannot tell the call's outcome: {error:?}"),
    }
}

/// True if the stack counter ended the call.
fn is_exhausted(store: &mut Store<CallState>, instance: Instance, exports: &Exports) -> bool {
    let counter = instance.get_module_export(&mut *store, &exports.stack_left).and_then(wasmtime::Extern::into_global);
    let counter = counter.expect("instrumented code exports its counter");
    counter.get(store).i32() == Some(depth::EXHAUSTED)
}

/// Holds an instance to its memory and notes what its growth costs; it is charged at the next host function or at the end.
pub(crate) struct MemoryLimit {
    /// Pages charged or noted so far.
    charged_pages: u64,
    owed: u64,
}

impl MemoryLimit {
    /// What memory grown since the last time costs.
    pub fn take_owed(&mut self) -> u64 {
        std::mem::take(&mut self.owed)
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= maximum.unwrap_or(usize::MAX).min(format_limits::MEMORY_BYTES_MAX);
        let pages = (desired / limits::PAGE_BYTES) as u64;
        if allowed && pages > self.charged_pages {
            self.owed += gas::memory_price(pages) - gas::memory_price(self.charged_pages);
            self.charged_pages = pages;
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Not the contract's doing and not the same on every machine: the error becomes a panic in `end_of`.
        Err(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // Only at instantiation; checked code has no instruction that grows a table.
        Ok(current == 0 && desired as u64 <= limits::TABLE_ELEMENTS_MAX)
    }
}

/// The host of a running call. A store's data must be `'static`, which a borrowed host is not.
pub(crate) struct HostPointer(NonNull<dyn Host>);

impl HostPointer {
    /// # Safety
    /// [`HostPointer::with`] must not be called after the borrow of `host` ends, nor `host` be used before the last call.
    unsafe fn new(host: &mut dyn Host) -> Self {
        let pointer: NonNull<dyn Host + '_> = NonNull::from(host);
        // SAFETY: only the lifetime of the trait object changes; that it is not outlived is the caller's promise.
        Self(unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host>>(pointer) })
    }

    /// Lends the host to one host function.
    pub fn with<R>(&mut self, run: impl FnOnce(&mut dyn Host) -> R) -> R {
        // SAFETY: by the promise given to `new` the host is alive and nobody else uses it; `&mut self` keeps two loans apart,
        // since a nested call runs on a pointer of its own, made from the host that is lent here.
        run(unsafe { self.0.as_mut() })
    }
}
