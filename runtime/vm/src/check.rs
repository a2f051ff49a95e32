//! The rules for uploaded code, one list in one place. What passes compiles, and instantiating it cannot fail.
use crate::depth;
use crate::limits;
use crate::linker;
use crate::scan::{self, Scan};
use countersign_types::interface::InterfaceError;
use countersign_types::{Hash, Interface, host_abi, limits as format_limits};
use wasmparser::{BinaryReaderError, ExternalKind, FuncType, TypeRef, ValType, Validator, WasmFeatures};

/// Code that may run.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Hash of the code as it was uploaded, in the domain `code`.
    pub code: Hash,
    /// What it declares.
    pub interface: Interface,
    /// Text of the interface, as uploaded.
    pub(crate) interface_text: String,
    /// The code with the stack counter in it.
    pub(crate) instrumented: Vec<u8>,
}

/// Why code is refused. Offsets are in bytes from the start of the upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Larger than any module may be; nothing was read.
    #[error("the code is {size} bytes long, more than {limit}")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not a valid WebAssembly module under any set of features.
    #[error("the code is not a valid module at offset {offset}")]
    Malformed {
        /// Where.
        offset: usize,
        /// The validator's description.
        #[source]
        source: BinaryReaderError,
    },
    /// It needs floats, SIMD, threads, bulk memory, reference types, multi-value, 64-bit memory, exceptions, tail calls or another
    /// feature beyond WebAssembly 1.0.
    #[error(
        "the code uses a feature that is switched off, at offset {offset}; build for wasm32v1-none and without floats"
    )]
    Feature {
        /// Where.
        offset: usize,
        /// The validator's description.
        #[source]
        source: BinaryReaderError,
    },
    /// It has a start function: code would run before the call.
    #[error("the module has a start function")]
    Start,
    /// It imports something that is not a host function.
    #[error("the module imports `{module}.{name}`, which is not a host function")]
    UnknownImport {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
    },
    /// It imports a host function with another type.
    #[error("the module imports the host function `{name}` with a wrong type")]
    ImportType {
        /// The host function.
        name: String,
    },
    /// It exports a name that the engine uses itself.
    #[error("the module exports the reserved name `{name}`")]
    ReservedExport {
        /// The name.
        name: &'static str,
    },
    /// A required export is missing.
    #[error("the module does not export `{name}`")]
    ExportMissing {
        /// The name.
        name: &'static str,
    },
    /// A required export is not what it must be.
    #[error("the module's export `{name}` is not {must_be}")]
    ExportType {
        /// The name.
        name: &'static str,
        /// What it must be.
        must_be: &'static str,
    },
    /// Its memory starts with more than an instance may have.
    #[error("the module's memory starts with {pages} pages, more than {limit}")]
    MemoryTooLarge {
        /// Pages of 64 KiB it declares.
        pages: u64,
        /// Pages allowed.
        limit: u64,
    },
    /// A segment lies outside the memory or table it fills.
    #[error("a {what} segment ends at {end}, beyond the {size} there are")]
    SegmentOutOfBounds {
        /// `data` or `element`.
        what: &'static str,
        /// First byte or element after the segment.
        end: u64,
        /// Bytes or elements there are.
        size: u64,
    },
    /// More of something than a module may have.
    #[error("the module has {count} {what}, more than {limit}")]
    TooMany {
        /// Such as `functions`.
        what: &'static str,
        /// How many.
        count: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// A function has too many locals or too large a body.
    #[error("function {function} at offset {offset} costs {cost} of the stack, more than {limit}: split it")]
    FunctionTooCostly {
        /// Index among the functions defined.
        function: usize,
        /// Where its body begins.
        offset: usize,
        /// What one invocation would cost of the stack.
        cost: u64,
        /// What it may cost.
        limit: u32,
    },
    /// There is not exactly one interface section.
    #[error("the module has {count} sections `countersign.interface` instead of one")]
    InterfaceSections {
        /// How many there are.
        count: usize,
    },
    /// The interface section is not UTF-8.
    #[error("the interface section is not UTF-8")]
    InterfaceText(#[source] std::str::Utf8Error),
    /// The interface section does not parse.
    #[error("the interface section is malformed")]
    Interface(#[source] InterfaceError),
}

type Rule = fn(&Scan<'_>) -> Result<(), UploadError>;

/// What is asked of every module that is valid, in this order.
const RULES: [Rule; 7] = [no_start, counts, imports, exports, memory, segments, function_costs];

/// Checks `wasm` by every rule.
pub(crate) fn check(wasm: &[u8]) -> Result<Upload, UploadError> {
    let limit = format_limits::CODE_BYTES_MAX;
    if wasm.len() > limit {
        return Err(UploadError::TooLarge { size: wasm.len(), limit });
    }
    let scan = scan::scan(wasm).map_err(|error| refuse_invalid(wasm, error))?;
    RULES.iter().try_for_each(|rule| rule(&scan))?;
    let (interface, interface_text) = interface(&scan)?;
    let instrumented = depth::instrument(wasm, &scan);
    Ok(Upload { code: Hash::of("code", wasm), interface, interface_text: interface_text.into(), instrumented })
}

/// Tells a module that is valid with other features from one that is broken.
fn refuse_invalid(wasm: &[u8], source: BinaryReaderError) -> UploadError {
    let offset = source.offset();
    // Components are no modules under any features.
    let every_feature = WasmFeatures::all().difference(WasmFeatures::COMPONENT_MODEL);
    match Validator::new_with_features(every_feature).validate_all(wasm) {
        Ok(_) => UploadError::Feature { offset, source },
        Err(_) => UploadError::Malformed { offset, source },
    }
}

fn no_start(scan: &Scan<'_>) -> Result<(), UploadError> {
    if scan.has_start { Err(UploadError::Start) } else { Ok(()) }
}

fn counts(scan: &Scan<'_>) -> Result<(), UploadError> {
    let bodies_bytes: usize = scan.bodies.iter().map(|body| body.range.len()).sum();
    let table_elements: u64 = scan.tables_elements.iter().sum();
    let locals = scan.bodies.iter().map(|body| body.locals).sum();
    let loop_depth = scan.bodies.iter().map(|body| body.loop_depth).max().unwrap_or(0);
    let loop_locals = scan.bodies.iter().map(|body| body.loops * body.locals).sum();
    let table_targets = scan.bodies.iter().map(|body| body.table_targets).sum();
    let params = scan.types.iter().map(|ty| ty.params().len()).max().unwrap_or(0);
    let counts = [
        ("types", scan.types.len() as u64, limits::TYPES_MAX as u64),
        ("parameters of one function", params as u64, limits::PARAMS_MAX as u64),
        ("locals and parameters", locals, limits::LOCALS_MAX),
        ("loops in one another", loop_depth, limits::LOOP_DEPTH_MAX),
        ("loops times locals", loop_locals, limits::LOOP_LOCALS_MAX),
        ("targets of branch tables", table_targets, limits::TABLE_TARGETS_MAX),
        ("functions", scan.bodies.len() as u64, limits::FUNCTIONS_MAX as u64),
        ("bytes of function bodies", bodies_bytes as u64, limits::BODIES_BYTES_MAX as u64),
        ("globals", scan.globals.into(), limits::GLOBALS_MAX as u64),
        ("exports", scan.exports.len() as u64, limits::EXPORTS_MAX as u64),
        ("tables", scan.tables_elements.len() as u64, 1),
        ("elements in its table", table_elements, limits::TABLE_ELEMENTS_MAX),
    ];
    match counts.into_iter().find(|(_, count, limit)| count > limit) {
        Some((what, count, limit)) => Err(UploadError::TooMany { what, count, limit }),
        None => Ok(()),
    }
}

fn imports(scan: &Scan<'_>) -> Result<(), UploadError> {
    for (module, name, ty) in &scan.imports {
        let (TypeRef::Func(ty), Some(params)) = (ty, linker::import_params(module, name)) else {
            return Err(UploadError::UnknownImport { module: (*module).into(), name: (*name).into() });
        };
        let results: &[ValType] = if *name == host_abi::TAKE_RESULT { &[] } else { &[ValType::I32] };
        if !has_type(&scan.types[*ty as usize], params, results) {
            return Err(UploadError::ImportType { name: (*name).into() });
        }
    }
    Ok(())
}

/// True if the function takes `params` times i32 and returns `results`.
fn has_type(ty: &FuncType, params: usize, results: &[ValType]) -> bool {
    ty.params().len() == params && ty.params().iter().all(|ty| *ty == ValType::I32) && ty.results() == results
}

fn exports(scan: &Scan<'_>) -> Result<(), UploadError> {
    let find = |name| scan.exports.iter().find(|(export, ..)| *export == name);
    if find(depth::STACK_LEFT).is_some() {
        return Err(UploadError::ReservedExport { name: depth::STACK_LEFT });
    }
    let required = |name| find(name).ok_or(UploadError::ExportMissing { name });
    let (_, kind, _) = required(host_abi::MEMORY)?;
    if *kind != ExternalKind::Memory {
        return Err(UploadError::ExportType { name: host_abi::MEMORY, must_be: "a memory" });
    }
    let (_, kind, index) = required(host_abi::ENTRY)?;
    let imported = scan.functions.len() - scan.defined_functions();
    let is_entry =
        *kind == ExternalKind::Func && *index as usize >= imported && has_type(scan.function_type(*index), 1, &[]);
    if is_entry {
        Ok(())
    } else {
        Err(UploadError::ExportType { name: host_abi::ENTRY, must_be: "a function of the module from i32 to nothing" })
    }
}

/// There is exactly one memory: one is exported, and a second needs a feature that is off.
fn memory(scan: &Scan<'_>) -> Result<(), UploadError> {
    match scan.memories.iter().find(|memory| memory.initial > limits::PAGES_MAX) {
        Some(memory) => Err(UploadError::MemoryTooLarge { pages: memory.initial, limit: limits::PAGES_MAX }),
        None => Ok(()),
    }
}

fn segments(scan: &Scan<'_>) -> Result<(), UploadError> {
    let memory_bytes = scan.memories.iter().map(|memory| memory.initial * limits::PAGE_BYTES as u64).sum();
    let table_elements = scan.tables_elements.iter().sum();
    let within = |what, ends: &[u64], size: u64| match ends.iter().find(|end| **end > size) {
        Some(end) => Err(UploadError::SegmentOutOfBounds { what, end: *end, size }),
        None => Ok(()),
    };
    within("data", &scan.data_ends, memory_bytes)?;
    within("element", &scan.element_ends, table_elements)
}

fn function_costs(scan: &Scan<'_>) -> Result<(), UploadError> {
    let limit = limits::FUNCTION_FRAME_BYTES_MAX;
    let costs = scan.bodies.iter().map(depth::cost).enumerate();
    match costs.into_iter().find(|(_, cost)| *cost > u64::from(limit)) {
        Some((function, cost)) => {
            let offset = scan.bodies[function].range.start;
            Err(UploadError::FunctionTooCostly { function, offset, cost, limit })
        }
        None => Ok(()),
    }
}

fn interface<'a>(scan: &Scan<'a>) -> Result<(Interface, &'a str), UploadError> {
    let [section] = scan.interfaces[..] else {
        return Err(UploadError::InterfaceSections { count: scan.interfaces.len() });
    };
    let text = std::str::from_utf8(section).map_err(UploadError::InterfaceText)?;
    let interface = Interface::parse(text).map_err(UploadError::Interface)?;
    Ok((interface, text))
}
