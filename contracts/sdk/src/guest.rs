//! The wasm side of the boundary: imports, exports, memory. All `unsafe` code of the contracts stands here, and nowhere else.
use crate::Host;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use countersign_types::account::Role;
use countersign_types::{
    AccountId, Amount, AssetId, Hash, Height, ModuleName, Name, Selector, SignedDocument, Timestamp, lean,
};
use parity_scale_codec::Decode;

/// The ledger, seen from inside a contract.
#[derive(Debug)]
pub struct Guest(());

macro_rules! guest {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty, $base:literal + $per_byte:literal;)*) => {
        mod imports {
            #[link(wasm_import_module = "countersign")]
            unsafe extern "C" {
                $(pub fn $name(arguments: *const u8, length: usize) -> usize;)*
                pub fn take_result(target: *mut u8);
            }
        }

        impl Host for Guest {
            $(fn $name(&mut self, $($argument: $type),*) -> $result {
                let arguments = lean::encode(&($($argument,)*));
                // SAFETY: the host reads `length` bytes from the pointer and keeps neither; they are those of `arguments`.
                let length = unsafe { imports::$name(arguments.as_ptr(), arguments.len()) };
                decode(&take(length))
            })*
        }
    };
}
countersign_types::host_functions!(guest);

/// The last result, of which the host has said the length in bytes.
#[inline(never)]
fn take(length: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(length);
    if length > 0 {
        // SAFETY: the host writes exactly the `length` bytes it announced, for which there is room; then all are set.
        unsafe {
            imports::take_result(result.as_mut_ptr());
            result.set_len(length);
        }
    }
    result
}

fn decode<T: Decode>(bytes: &[u8]) -> T {
    lean::decode(bytes).unwrap_or_else(|| trap())
}

/// Ends the call; the ledger undoes the transaction.
pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// How a dispatch ended that did not succeed.
#[derive(Debug)]
pub enum Stop {
    /// The rules refused with this code.
    Refused(u16),
    /// Method, parties or arguments are not those of the interface. The ledger checks them before it calls.
    NotDeclared,
}

/// Runs one call: reads the parties and arguments, passes them to `dispatch`, gives back what it returns.
pub fn run(dispatch: impl FnOnce(&mut Guest, &[AccountId], &[u8]) -> Result<Vec<u8>, Stop>) {
    let mut guest = Guest(());
    let (parties, arguments) = guest.input();
    match dispatch(&mut guest, &parties, &arguments) {
        Ok(answer) if answer.is_empty() => {}
        Ok(answer) => guest.give_back(answer),
        Err(Stop::Refused(code)) => {
            guest.fail(code);
            trap()
        }
        Err(Stop::NotDeclared) => trap(),
    }
}

/// Makes a contract of a type's rules: `entry!(Rebate, rebate)` exports `call` and puts the interface's text into its section.
///
/// The second argument is a module of `countersign_interface`, on which the contract's crate depends. For wasm only.
#[macro_export]
macro_rules! entry {
    ($rules:ident, $interface:ident) => {
        mod entry {
            use ::countersign_interface::{Declared, DispatchFault, $interface as interface};
            use $crate::guest::{Stop, run};

            const TEXT: &str = <interface::Declaration as Declared>::TEXT;

            // SAFETY: bytes in a section of their own, which is not loaded into memory.
            #[unsafe(link_section = "countersign.interface")]
            static INTERFACE: [u8; TEXT.len()] = *TEXT.as_bytes().first_chunk().expect("as long as itself");

            // SAFETY: no other symbol of a contract is called `call`.
            #[unsafe(no_mangle)]
            extern "C" fn call(method: u32) {
                run(|guest, parties, arguments| {
                    interface::dispatch::<_, super::$rules>(guest, method, parties, arguments).map_err(|fault| {
                        match fault {
                            DispatchFault::Refused(code) => Stop::Refused(code),
                            DispatchFault::UnknownMethod
                            | DispatchFault::WrongParties
                            | DispatchFault::BadArguments => Stop::NotDeclared,
                        }
                    })
                });
            }
        }
    };
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    trap()
}

/// Hands out memory upwards from the end of the data and takes back only the last piece: an instance lives for one call, so
/// whatever is not taken back goes with it. Its functions are not inlined: nearly every line of a contract has one.
struct Bump {
    /// Where free memory begins; 0 before the first piece.
    next: Cell<usize>,
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0) };

// SAFETY: contracts are compiled without threads; the ledger refuses shared memory.
unsafe impl Sync for Bump {}

const PAGE_BYTES: usize = 64 * 1024;

impl Bump {
    fn begin(&self) -> usize {
        unsafe extern "C" {
            static __heap_base: u8;
        }
        // The linker puts the symbol at the first address behind the data; only its address is used.
        match self.next.get() {
            0 => &raw const __heap_base as usize,
            next => next,
        }
    }

    /// Makes everything below `end` usable; false if the memory cannot grow that far.
    fn reserve(&self, end: usize) -> bool {
        let have = core::arch::wasm32::memory_size::<0>() * PAGE_BYTES;
        if end > have && core::arch::wasm32::memory_grow::<0>((end - have).div_ceil(PAGE_BYTES)) == usize::MAX {
            return false;
        }
        self.next.set(end);
        true
    }
}

// SAFETY: pieces do not overlap, since each begins at or behind the end of the one before, and lie within the memory.
unsafe impl GlobalAlloc for Bump {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let piece = self
            .begin()
            .checked_next_multiple_of(layout.align())
            .and_then(|start| Some((start, start.checked_add(layout.size())?)));
        match piece {
            Some((start, end)) if self.reserve(end) => start as *mut u8,
            _ => core::ptr::null_mut(),
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if pointer as usize + layout.size() == self.next.get() {
            self.next.set(pointer as usize);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = pointer as usize;
        if start + layout.size() == self.next.get() {
            let grown = start.checked_add(size).is_some_and(|end| self.reserve(end));
            return if grown { pointer } else { core::ptr::null_mut() };
        }
        // SAFETY: the caller guarantees that `size` fits the alignment and that the old piece has `layout`; the new one does
        // not overlap it.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(pointer, new, size.min(layout.size()));
            }
            new
        }
    }
}
