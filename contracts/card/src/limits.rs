//! The contract's bounds, with their reasons.

/// Milliseconds of a UTC day, by which payments are limited. Days without leap seconds, as in every [`countersign_types::Timestamp`].
pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// After so long a block the holder alone takes the balance back: long enough for an issuer to object to a stolen holder's key,
/// short enough that an issuer who does not answer keeps nobody's money.
pub const RECLAIM_AFTER_MS: u64 = 30 * DAY_MS;
/// Cards in one answer about a holder's: reading them stays below a twentieth of a million gas.
pub const CARDS_PER_ANSWER: u32 = 50;
