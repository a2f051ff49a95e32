//! Every bound of the formats, with its reason. What a chain may choose within these is in [`crate::params`].

/// Calls in one transaction: a deal of all five kinds fits; more belongs in several transactions.
pub const CALLS_MAX: usize = 16;
/// Parties of one call: a council of that size still signs one call.
pub const PARTIES_MAX: usize = 64;
/// Signatures on a transaction or document: every party of every call may need a few keys.
pub const SIGNATURES_MAX: usize = 256;
/// Bytes of a call's arguments. Holds the largest contract with room for its name ([`CODE_BYTES_MAX`]).
pub const ARGS_BYTES_MAX: usize = CODE_BYTES_MAX + 16 * 1024;
/// Bytes of one transaction with its signatures: one contract upload with a council's signatures.
pub const TRANSACTION_BYTES_MAX: usize = 640 * 1024;
/// Bytes of a contract's code at upload (before the stack counter is put in).
pub const CODE_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a contract's interface text: some 60 methods with their documentation.
pub const INTERFACE_BYTES_MAX: usize = 32 * 1024;
/// Nesting of types in an interface: keeps every walk over a type short of the stack.
pub const TYPE_DEPTH_MAX: usize = 8;
/// Bytes of a module's name.
pub const MODULE_NAME_BYTES_MAX: usize = 32;
/// Bytes of a member's or holder's name: 63 for the user, `@`, and a domain of ordinary length.
pub const NAME_BYTES_MAX: usize = 192;
/// Bytes of an asset's symbol.
pub const ASSET_SYMBOL_BYTES_MAX: usize = 12;
/// Decimals of an asset: 10^18 minor units leave u128 twenty digits of whole units.
pub const ASSET_DECIMALS_MAX: u8 = 18;
/// Bytes of a text argument: a reference or a note, not a page.
pub const TEXT_BYTES_MAX: usize = 256;
/// Bytes of a byte-string argument.
pub const BYTES_MAX: usize = 64 * 1024;
/// Items of a list argument.
pub const LIST_ITEMS_MAX: usize = 1024;
/// Bytes of a document's body.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;
/// Keys of one account's authority: a company's signatories.
pub const AUTHORITY_KEYS_MAX: usize = 16;
/// Roles of one member.
pub const ROLES_MAX: usize = 16;
/// Transactions in a block, whatever its parameters say: bounds the receipts' tree.
pub const BLOCK_TRANSACTIONS_MAX: usize = 20_000;
/// Bytes of a block, whatever its parameters say: below the sync protocol's 10 MiB response.
pub const BLOCK_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Validators: votes of all are exchanged each round and a certificate must fit one QR code at seven.
pub const VALIDATORS_MAX: usize = 100;
/// Nodes the council admits: each validator's, and as many that only follow.
pub const NODES_MAX: usize = 2 * VALIDATORS_MAX;
/// Bytes of a node's network address: a multiaddress with a domain name of ordinary length.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// Evidence in one block: a third of the largest set caught at one height takes a few blocks to record.
pub const EVIDENCE_MAX: usize = 16;
/// Evidence against one validator that the ledger records: whoever contradicted itself so often needs no further proof, and could
/// fill the ledger with more.
pub const EVIDENCE_PER_VALIDATOR_MAX: usize = 64;
/// Events of one transaction.
pub const EVENTS_MAX: usize = 256;
/// Bytes of one event's data.
pub const EVENT_BYTES_MAX: usize = 4 * 1024;
/// Accounts an event is listed under.
pub const EVENT_ACCOUNTS_MAX: usize = 16;
/// Bytes of a state key of a contract.
pub const STATE_KEY_BYTES_MAX: usize = 256;
/// Bytes of a state value of a contract.
pub const STATE_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Entries a contract reads from a range at once.
pub const RANGE_ITEMS_MAX: u32 = 256;
/// Contract calls inside a contract call.
pub const CALL_DEPTH_MAX: usize = 8;
/// Bytes of linear memory of one contract instance (64 pages).
pub const MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a genesis: members, holders and a dozen contracts.
pub const GENESIS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a proposal file: a transaction and as many signatures again.
pub const PROPOSAL_BYTES_MAX: usize = TRANSACTION_BYTES_MAX + 64 * 1024;
/// Bytes of the address of a member's site, such as `https://login.harbor-hotel.example`.
pub const SITE_ENDPOINT_BYTES_MAX: usize = 256;
/// Nodes that relay for one site: one keeps its users' messages, the others stand by or serve other places.
pub const SITE_RELAYS_MAX: usize = 8;
