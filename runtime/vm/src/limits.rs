//! Every bound and price of the engine, with its reason. All of them are part of [`crate::PROTOCOL`].
use countersign_types::{Gas, limits};

/// Bytes of all function bodies of a module together. A body as large as [`FUNCTION_FRAME_BYTES_MAX`] allows (32 kB) compiles in
/// a third of a second unless it is made to take long, against which stand the bounds on loops, locals and targets.
pub const BODIES_BYTES_MAX: usize = 256 * 1024;
/// Functions a module defines. The contracts of this project have fewer than 200; the pool's instance size follows from it.
pub const FUNCTIONS_MAX: usize = 4096;
/// Function types a module declares; each is registered for the whole process while the module is loaded.
pub const TYPES_MAX: usize = 1024;
/// Parameters of one function: the engine compiles a passage for every type and every function in the table.
pub const PARAMS_MAX: usize = 64;
/// Locals and parameters of all functions together. They are declared by the thousand in three bytes, and the compiler makes each.
pub const LOCALS_MAX: u64 = 64 * 1024;
/// Loops in one another. The compiler goes over all code again for every few of them: 1800 in a body of 32 kB take it 5.6 s, 64 half a second.
pub const LOOP_DEPTH_MAX: u64 = 64;
/// Sum over all functions of loops times locals: the compiler may carry each local through each loop. 750,000 take it 2.3 s.
pub const LOOP_LOCALS_MAX: u64 = 200_000;
/// Targets of all branch tables; each is a way the compiler follows, 13,000 in 0.8 s.
pub const TABLE_TARGETS_MAX: u64 = 16 * 1024;
/// Globals a module defines; each is set at every instantiation, which is not metered.
pub const GLOBALS_MAX: usize = 256;
/// Exports of a module: the two required ones and those that linkers add.
pub const EXPORTS_MAX: usize = 64;
/// Elements of a module's table, 8 bytes each, cleared after every call.
pub const TABLE_ELEMENTS_MAX: u64 = 4096;
/// Bytes of one page of linear memory.
pub const PAGE_BYTES: usize = 64 * 1024;
/// Pages of linear memory of an instance.
pub const PAGES_MAX: u64 = (limits::MEMORY_BYTES_MAX / PAGE_BYTES) as u64;

/// What the stack counter of a call starts with, in units that are at least the bytes of a compiled frame.
pub const STACK_BUDGET: u32 = 1024 * 1024;
/// Most that one function may cost of the budget: about 16,000 locals or 32 kB of code. Compile time grows with the square of a
/// body's size, 9 s at 128 kB.
pub const FUNCTION_FRAME_BYTES_MAX: u32 = 128 * 1024;
/// Machine stack that the compiled code of one call may use. The counter stops it long before: the worst ratio of
/// frame to cost measured over 35 shapes of functions is 0.63.
pub const WASM_STACK_BYTES: usize = 2 * 1024 * 1024;
/// Machine stack left for the host's side of one call.
const HOST_STACK_BYTES: usize = 512 * 1024;
/// Stack that a thread which calls [`crate::Module::call`] must have: contracts nest on it.
pub const STACK_BYTES: usize = (limits::CALL_DEPTH_MAX + 2) * (WASM_STACK_BYTES + HOST_STACK_BYTES);

/// Calls that run at the same time in one engine, not counting those nested in them; more wait. Blocks are executed one call at a
/// time, the rest are queries and simulations.
pub const CONCURRENT_CALLS_MAX: usize = 16;
/// Compiled modules held in memory, some 100 kB each; the least recently used leaves.
pub const LOADED_MODULES_MAX: usize = 64;
/// Bytes of a file of compiled code. Machine code is some five times the wasm.
pub const COMPILED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Memory of a finished instance that is cleared and kept for the next, rather than given back to the system.
pub const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// Bytes of the arguments of one host function: the largest call's arguments and room for the rest.
pub const HOST_ARGUMENT_BYTES_MAX: usize = limits::ARGS_BYTES_MAX + 16 * 1024;
/// Bytes of the result of one host function: more does not fit a contract's memory.
pub const HOST_RESULT_BYTES_MAX: usize = limits::MEMORY_BYTES_MAX;
/// Pages of memory of an instance that cost nothing: those the pool keeps at hand.
pub const FREE_PAGES: u64 = (KEEP_RESIDENT_BYTES / PAGE_BYTES) as u64;
/// Gas of each further page, at the start or by `memory.grow`: sixteen page faults and their undoing, some 20 us.
pub const PAGE_GAS: Gas = Gas::new(100_000);
