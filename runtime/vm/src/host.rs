//! What a running contract asks of the ledger: one method per row of the table of host functions.
use countersign_types::{
    AccountId, Amount, AssetId, CallFault, Gas, Hash, Height, ModuleName, Name, Selector, SignedDocument, Timestamp,
    account::Role, host_functions,
};

/// Three rows are not the ledger's business and are answered by the vm: `input` and `give_back` are the call's own
/// arguments and result, `fail` ends it. They stand first in the table, which the pattern relies on.
macro_rules! host_trait {
    (
        $(#[$input_doc:meta])+ fn input() -> $input:ty, $input_base:literal + $input_byte:literal;
        $(#[$give_doc:meta])+ fn give_back($value:ident: $value_ty:ty) -> (), $give_base:literal + $give_byte:literal;
        $(#[$fail_doc:meta])+ fn fail($code:ident: $code_ty:ty) -> (), $fail_base:literal + $fail_byte:literal;
        $( $(#[$doc:meta])+ fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty, $base:literal + $byte:literal; )+
    ) => {
        /// The ledger as a running contract sees it.
        ///
        /// `gas` is what the call has left after the function's own price, which the vm charges. A method may charge more, up
        /// to all of it; with less than it needs left, it leaves [`Gas::ZERO`] and returns [`CallFault::OutOfGas`].
        ///
        /// # Errors
        /// A fault ends the running call with that fault; the contract never sees it.
        pub trait Host {
            $( $(#[$doc])+ fn $name(&mut self, gas: &mut Gas, $($arg: $ty),*) -> Result<$ret, CallFault>; )+
        }
    };
}
host_functions!(host_trait);
