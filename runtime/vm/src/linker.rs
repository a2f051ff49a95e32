//! The host's side of the import table: every function of it made from one row, with its decoding, its price and its limits.
use crate::call::CallState;
use crate::gas::{self, Price};
use crate::limits::{HOST_ARGUMENT_BYTES_MAX, HOST_RESULT_BYTES_MAX};
use countersign_types::host_abi::{IMPORT_MODULE, TAKE_RESULT};
use countersign_types::{
    AccountId, Amount, AssetId, CallFault, Gas, ModuleName, Name, Selector, SignedDocument, Timestamp, account::Role,
    host_functions,
};
use parity_scale_codec::{DecodeAll, Encode};
use wasmtime::{Caller, Linker};

/// Makes the list of imports and their registration. The first three rows end here; the rest goes to [`crate::Host`].
macro_rules! imports {
    (
        $(#[$input_doc:meta])+ fn input() -> $input:ty, $input_base:literal + $input_byte:literal;
        $(#[$give_doc:meta])+ fn give_back($value:ident: $value_ty:ty) -> (), $give_base:literal + $give_byte:literal;
        $(#[$fail_doc:meta])+ fn fail($code:ident: $code_ty:ty) -> (), $fail_base:literal + $fail_byte:literal;
        $( $(#[$doc:meta])+ fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty, $base:literal + $byte:literal; )+
    ) => {
        const NAMES: &[&str] = &["input", "give_back", "fail", $(stringify!($name)),+];

        fn define_table(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
            let price = Price { base: $input_base, per_byte: $input_byte };
            define(linker, "input", price, |call, _, (): ()| -> Result<$input, CallFault> { Ok(call.input()) })?;
            let price = Price { base: $give_base, per_byte: $give_byte };
            define(linker, "give_back", price, |call, _, ($value,): ($value_ty,)| {
                call.returned = $value;
                Ok(())
            })?;
            let price = Price { base: $fail_base, per_byte: $fail_byte };
            define(linker, "fail", price, |_, _, ($code,): ($code_ty,)| -> Result<(), CallFault> {
                Err(CallFault::Refused($code))
            })?;
            $(
                let price = Price { base: $base, per_byte: $byte };
                define(linker, stringify!($name), price, |call, gas, ($($arg,)*): ($($ty,)*)| {
                    call.host.with(|host| host.$name(gas, $($arg),*))
                })?;
            )+
            Ok(())
        }
    };
}
host_functions!(imports);

/// How many parameters, all i32, the import has; `None` if there is no such host function.
pub(crate) fn import_params(module: &str, name: &str) -> Option<usize> {
    match (module, name) {
        (IMPORT_MODULE, TAKE_RESULT) => Some(1),
        (IMPORT_MODULE, name) if NAMES.contains(&name) => Some(2),
        _ => None,
    }
}

/// A linker that knows every host function and nothing else.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    define_table(&mut linker)?;
    linker.func_wrap(IMPORT_MODULE, TAKE_RESULT, |mut caller: Caller<'_, CallState>, pointer: i32| {
        Ok(take_result(&mut caller, pointer)?)
    })?;
    Ok(linker)
}

/// Registers one function of the table.
fn define<A, R>(
    linker: &mut Linker<CallState>,
    name: &str,
    price: Price,
    run: impl Fn(&mut CallState, &mut Gas, A) -> Result<R, CallFault> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    A: DecodeAll + 'static,
    R: Encode + 'static,
{
    linker.func_wrap(IMPORT_MODULE, name, move |mut caller: Caller<'_, CallState>, pointer: i32, length: i32| {
        let mut gas = Gas::new(caller.get_fuel()?);
        let result = serve(&mut caller, &mut gas, price, (pointer, length), &run);
        caller.set_fuel(gas.get())?;
        Ok(result?)
    })?;
    Ok(())
}

/// Serves one host function: charges, decodes, runs, charges again, and keeps the encoded result for `take_result`.
/// Returns its length.
fn serve<A: DecodeAll, R: Encode>(
    caller: &mut Caller<'_, CallState>,
    gas: &mut Gas,
    price: Price,
    (pointer, length): (i32, i32),
    run: impl Fn(&mut CallState, &mut Gas, A) -> Result<R, CallFault>,
) -> Result<i32, CallFault> {
    let (memory, call) = call_and_memory(caller);
    gas::charge(gas, call.memory_limit.take_owed())?;
    let (pointer, length) = (pointer.cast_unsigned() as usize, length.cast_unsigned() as usize);
    if length > HOST_ARGUMENT_BYTES_MAX {
        return Err(CallFault::HostArgument);
    }
    gas::charge(gas, price.base + price.of_bytes(length))?;
    let bytes = memory.get(pointer..pointer + length).ok_or(CallFault::HostArgument)?;
    let args = countersign_types::decode("host argument", bytes, HOST_ARGUMENT_BYTES_MAX)
        .map_err(|_| CallFault::HostArgument)?;
    let result = run(call, gas, args)?.encode();
    if result.len() > HOST_RESULT_BYTES_MAX {
        return Err(CallFault::LimitExceeded);
    }
    gas::charge(gas, price.of_bytes(result.len()))?;
    let length = i32::try_from(result.len()).expect("a result is smaller than a contract's memory");
    call.result = Some(result);
    Ok(length)
}

/// Copies the last result to `pointer`, once: copying is paid for by the function that made it.
fn take_result(caller: &mut Caller<'_, CallState>, pointer: i32) -> Result<(), CallFault> {
    let (memory, call) = call_and_memory(caller);
    let result = call.result.take().ok_or(CallFault::HostArgument)?;
    let start = pointer.cast_unsigned() as usize;
    memory.get_mut(start..start + result.len()).ok_or(CallFault::HostArgument)?.copy_from_slice(&result);
    Ok(())
}

/// The instance's memory beside the call's state.
fn call_and_memory<'a>(caller: &'a mut Caller<'_, CallState>) -> (&'a mut [u8], &'a mut CallState) {
    let memory = caller.data().memory.expect("the memory is known before any code of the instance runs");
    memory.data_and_store_mut(caller)
}
