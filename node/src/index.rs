//! Finding transactions by id and account, and events by account and module.
//!
//! ```text
//! block, receipts ─entry.rs→ Entries ─┬→ in memory until the next checkpoint ─┐
//!                                     └→ Store (with the checkpoint) ─────────┴→ lookup.rs merges both
//! ```
//!
//! An [`Entries`] leaves memory only after the store has it, and readers look into memory first: nothing is missed or seen twice.
mod cursor;
mod entry;
mod lookup;
mod validators;

pub use cursor::{BadCursor, Cursor, HistoryCursor};
pub use entry::{Entries, EventPlace, TransactionPlace, entries, is_always_kept, place_of};
pub use lookup::{EventQuery, PAGE_SCAN_BLOCKS_MAX, Placed, events, history, merged, transaction};
pub use validators::ValidatorsFrom;
