//! The engine: its settings, which are part of the protocol, and the way from uploaded code to a module ready to be called.
use crate::cache::{CachedCode, DiskCache};
use crate::call::CallState;
use crate::check::{self, Upload, UploadError};
use crate::gas;
use crate::limits;
use crate::linker;
use crate::module::{Loads, Module};
use crate::scan::FEATURES;
use crate::slots::{INSTANCES_MAX, Slots};
use countersign_types::{Hash, Interface, limits as format_limits};
use std::hash::Hash as _;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{
    Config, Enabled, Inlining, InstanceAllocationStrategy, Linker, OptLevel, PoolingAllocationConfig, Strategy,
    WasmFeatures,
};

/// What the machine's owner chooses. Nothing here decides an outcome.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Where compiled code is kept from one start to the next; made if it is not there. `None` compiles anew.
    pub cache_dir: Option<PathBuf>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine cannot run the engine: another processor, or too little address space.
    #[error("the WASM engine does not start on this machine")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cache directory cannot be made or read.
    #[error("the directory for compiled code {path} cannot be used")]
    CacheDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Why code cannot be loaded. On a ledger whose uploads were checked it is this machine's fault, never the contract's.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nobody has the code.
    #[error("there is no code {code}")]
    Missing {
        /// What was asked for.
        code: Hash,
    },
    /// The bytes are other code.
    #[error("code {code} was asked for, but the bytes are {found}")]
    WrongCode {
        /// What was asked for.
        code: Hash,
        /// What the bytes are.
        found: Hash,
    },
    /// The code breaks a rule.
    #[error("code {code} breaks a rule for uploads")]
    Refused {
        /// What was asked for.
        code: Hash,
        /// The rule.
        #[source]
        source: UploadError,
    },
    /// The compiler failed on valid code.
    #[error("code {code} does not compile")]
    Compile {
        /// What was asked for.
        code: Hash,
        /// The compiler's description.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Checks, compiles and holds modules. Cloning shares all of it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<CallState>,
    slots: Arc<Slots>,
    loads: Mutex<Loads>,
    disk: Option<DiskCache>,
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// [`EngineError`] if the machine or the cache directory does not serve.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let start = |error: wasmtime::Error| EngineError::Start(error.into_boxed_dyn_error());
        let engine = wasmtime::Engine::new(&settings()).map_err(start)?;
        let linker = linker::linker(&engine).map_err(start)?;
        let disk = match config.cache_dir {
            Some(path) => match DiskCache::open(&path, compatibility(&engine)) {
                Ok(disk) => Some(disk),
                Err(source) => return Err(EngineError::CacheDirectory { path, source }),
            },
            None => None,
        };
        Ok(Self { shared: Arc::new(Shared { engine, linker, slots: Arc::default(), loads: Mutex::default(), disk }) })
    }

    /// Checks code by every rule for uploads. The verdict is the same on every machine.
    ///
    /// # Errors
    /// [`UploadError`] names the first rule broken.
    pub fn check(&self, wasm: &[u8]) -> Result<Upload, UploadError> {
        check::check(wasm)
    }

    /// The module with the hash `code`: from memory, else from disk, else compiled from what `wasm` gives (the code as uploaded).
    ///
    /// # Errors
    /// [`LoadError`] if there is no such code or it does not compile.
    pub fn load(&self, code: Hash, wasm: impl FnOnce() -> Option<Vec<u8>>) -> Result<Module, LoadError> {
        if let Some(module) = self.loads().get(code) {
            return Ok(module);
        }
        let module = match self.load_from_disk(code) {
            Some(module) => module,
            None => self.compile(code, wasm)?,
        };
        self.loads().insert(module.clone());
        Ok(module)
    }

    fn loads(&self) -> std::sync::MutexGuard<'_, Loads> {
        // A panic in between leaves at worst a module less or an older order.
        self.shared.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load_from_disk(&self, code: Hash) -> Option<Module> {
        let CachedCode { interface, compiled } = self.shared.disk.as_ref()?.read(code)?;
        let interface = Interface::parse(&interface).ok()?;
        // SAFETY: the bytes are the unmodified output of `serialize`: the checksum in front of them is ours, and only this
        // process's own user can write to the directory (see `cache`). They are a copy, so nobody changes them meanwhile.
        let compiled = unsafe { wasmtime::Module::deserialize(&self.shared.engine, &compiled) }.ok()?;
        self.module(code, interface, &compiled).ok()
    }

    fn compile(&self, code: Hash, wasm: impl FnOnce() -> Option<Vec<u8>>) -> Result<Module, LoadError> {
        let wasm = wasm().ok_or(LoadError::Missing { code })?;
        let upload = check::check(&wasm).map_err(|source| LoadError::Refused { code, source })?;
        if upload.code != code {
            return Err(LoadError::WrongCode { code, found: upload.code });
        }
        let compile_error = |error: wasmtime::Error| LoadError::Compile { code, source: error.into_boxed_dyn_error() };
        let compiled =
            wasmtime::Module::from_binary(&self.shared.engine, &upload.instrumented).map_err(compile_error)?;
        if let Some(disk) = &self.shared.disk {
            // Without the file the next start compiles again: slower, not wrong.
            let _ = compiled.serialize().map(|bytes| disk.write(code, &upload.interface_text, &bytes));
        }
        self.module(code, upload.interface, &compiled).map_err(compile_error)
    }

    fn module(&self, code: Hash, interface: Interface, compiled: &wasmtime::Module) -> wasmtime::Result<Module> {
        let pre = self.shared.linker.instantiate_pre(compiled)?;
        Module::new(code, interface, pre, Arc::clone(&self.shared.slots))
            .ok_or_else(|| wasmtime::Error::msg("the compiled module lacks an export"))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("protocol", &crate::PROTOCOL).finish_non_exhaustive()
    }
}

/// The engine's settings. All that decides an outcome is set here, so that no default of the engine does.
fn settings() -> Config {
    let mut config = Config::new();
    config
        // Fuel is counted by the compiler and differs between compilers.
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .compiler_inlining(Inlining::No)
        .consume_fuel(true)
        .operator_cost(gas::operator_costs())
        .epoch_interruption(false)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(FEATURES, true)
        .max_wasm_stack(limits::WASM_STACK_BYTES)
        // Nobody reads a contract's backtrace: receipts carry codes.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config
}

/// Places for instances: every running call with all that may nest in it.
fn pool() -> PoolingAllocationConfig {
    let instances = u32::try_from(INSTANCES_MAX).expect("a few hundred");
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(instances)
        .total_memories(instances)
        .total_tables(instances)
        // Places used for other modules are taken over rather than new ones begun: memory stays that of the calls at once.
        .max_unused_warm_slots(format_limits::CALL_DEPTH_MAX as u32)
        .max_memory_size(format_limits::MEMORY_BYTES_MAX)
        .table_elements(limits::TABLE_ELEMENTS_MAX as usize)
        .linear_memory_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .table_keep_resident(limits::TABLE_ELEMENTS_MAX as usize * size_of::<usize>())
        .pagemap_scan(Enabled::Auto);
    pool
}

/// A hash that two engines share exactly if each runs what the other compiled.
fn compatibility(engine: &wasmtime::Engine) -> Hash {
    let mut hasher = StdHasher(countersign_types::Hasher::new("engine"));
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finish()
}

/// Feeds the standard library's hashing into BLAKE3, which is the same in every build.
struct StdHasher(countersign_types::Hasher);

impl std::hash::Hasher for StdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.finish();
        u64::from_le_bytes(hash.0[..8].try_into().expect("eight of 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_and_modules_go_to_other_threads() {
        fn shared<T: Clone + Send + Sync>() {}
        shared::<Engine>();
        shared::<Module>();
    }

    #[test]
    fn engines_with_the_same_settings_share_compiled_code() {
        let engine = || wasmtime::Engine::new(&settings()).unwrap();
        assert_eq!(compatibility(&engine()), compatibility(&engine()));
        let mut other = settings();
        other.operator_cost(wasmtime::OperatorCost::new());
        assert_ne!(compatibility(&engine()), compatibility(&wasmtime::Engine::new(&other).unwrap()));
    }
}
