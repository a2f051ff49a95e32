//! The functions a contract may ask of the ledger: one table from which the guest's imports and the host's side are both made.
//!
//! Each function of the table is a wasm import `countersign.<name>` of type `(pointer: i32, length: i32) -> i32`: the
//! guest passes the SCALE encoding of the arguments (a tuple) and receives the length of the encoding of the result,
//! which it then copies into its memory with `countersign.take_result(pointer: i32)`. A failing host function ends the call.
//!
//! Besides, the module exports its `memory` and `call(method: i32)`, where `method` is the index in its interface.

/// Name of the import module.
pub const IMPORT_MODULE: &str = "countersign";
/// The import that copies the last result into the guest's memory.
pub const TAKE_RESULT: &str = "take_result";
/// The export that runs a method.
pub const ENTRY: &str = "call";
/// The export that is the linear memory.
pub const MEMORY: &str = "memory";
/// The custom section that holds the interface's text.
pub const INTERFACE_SECTION: &str = "countersign.interface";

/// Passes the table to `$apply!`. A row is `fn name(argument: Type, …) -> Result, gas base + per byte in and out;`.
///
/// A unit of gas is at most a nanosecond of the machine the benches ran on. Crossing the boundary takes 80 ns
/// (`runtime/vm`, `price/host function`), reading a key 1 to 2 us, leaving one written 8 to 12 us: the overlay, the tree at
/// the block's end (`runtime/state`, `tree/update`) and the disk at a checkpoint. A simple operator of wasm is one unit too
/// and takes 0.15 to 0.3 ns, so computing is dear beside storing, and a block's gas bounds its time by its host functions.
#[macro_export]
macro_rules! host_functions {
    ($apply:ident) => {
        $apply! {
            /// The parties of the running call and its encoded arguments.
            fn input() -> (Vec<AccountId>, Vec<u8>), 100 + 1;
            /// Sets what the call returns to its caller; the last one counts.
            fn give_back(value: Vec<u8>) -> (), 100 + 1;
            /// Ends the call with the contract's own error code; never returns to the guest.
            fn fail(code: u16) -> (), 100 + 0;
            /// The value under a key of the contract.
            fn get(key: Vec<u8>) -> Option<Vec<u8>>, 2_000 + 1;
            /// Writes the value under a key of the contract.
            fn set(key: Vec<u8>, value: Vec<u8>) -> (), 12_000 + 4;
            /// Removes a key of the contract.
            fn remove(key: Vec<u8>) -> (), 12_000 + 1;
            /// Entries whose key begins with `prefix` and is greater than `after`, in order, at most `limit`
            /// (and `RANGE_ITEMS_MAX`).
            fn range(prefix: Vec<u8>, after: Option<Vec<u8>>, limit: u32) -> Vec<(Vec<u8>, Vec<u8>)>, 4_000 + 2;
            /// The block's time.
            fn now() -> Timestamp, 100 + 0;
            /// The block's height.
            fn height() -> Height, 100 + 0;
            /// The chain's id.
            fn chain() -> Hash, 100 + 0;
            /// The id of the running transaction; for a job the hash of its sequence number. With the index of the call
            /// it names the running call uniquely.
            fn transaction() -> (Hash, u8), 100 + 0;
            /// The contract's own account.
            fn this() -> AccountId, 100 + 0;
            /// The contract that called this one; `None` if a transaction or the schedule did.
            fn caller() -> Option<AccountId>, 100 + 0;
            /// Moves value: two records read, two written. `from` must be a party of the running call or the contract's own account.
            fn transfer(from: AccountId, to: AccountId, asset: AssetId, amount: Amount) -> (), 26_000 + 0;
            /// What an account holds.
            fn balance(account: AccountId, asset: AssetId) -> Amount, 2_000 + 0;
            /// The account a name resolves to.
            fn resolve(name: Name) -> Option<AccountId>, 2_000 + 1;
            /// The account's name, the member that enrolled it and whether both are active; `None` if it is not enrolled.
            fn account(account: AccountId) -> Option<(Name, AccountId, bool)>, 4_000 + 1;
            /// True if the account is an active member with the role.
            fn has_role(member: AccountId, role: Role) -> bool, 2_000 + 0;
            /// True if the asset exists and is not frozen.
            fn asset_is_active(asset: AssetId) -> bool, 2_000 + 0;
            /// True if every party of the document has signed it with keys that now satisfy its authority, it is for this
            /// chain and it has not expired.
            fn verify_document(document: SignedDocument) -> bool, 250_000 + 4;
            /// BLAKE3 in the domain `contract-data`.
            fn hash(bytes: Vec<u8>) -> Hash, 300 + 2;
            /// Leaves an event: its kind, the accounts it is listed under, its encoded fields.
            fn emit(kind: u8, accounts: Vec<AccountId>, data: Vec<u8>) -> (), 3_000 + 4;
            /// Runs a scheduled method of this contract at a time, which must be later than the block's. Charges the job's gas. Returns its number.
            fn schedule(at: Timestamp, method: u32, args: Vec<u8>) -> u64, 38_000 + 4;
            /// Cancels a job of this contract; false if there is none. Gas paid ahead is not given back.
            fn cancel(job: u64) -> bool, 26_000 + 0;
            /// Calls another module with parties that are parties of the running call or this contract itself.
            fn call_module(module: ModuleName, method: Selector, parties: Vec<AccountId>, args: Vec<u8>) -> Vec<u8>, 10_000 + 2;
        }
    };
}
