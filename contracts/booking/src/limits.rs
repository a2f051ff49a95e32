//! Every bound of the contract, with its reason.

/// Types of a listing: their names are read with the listing in most calls.
pub const TYPES_MAX: usize = 16;
/// Objects of one type: a request looks at each of them, so this bounds its gas. More rooms of a kind are two types.
pub const OBJECTS_MAX: usize = 16;
/// Bytes of an object's or type's name: it stands in keys and in every booking.
pub const NAME_BYTES_MAX: usize = 32;
/// Refund tiers: a rule people can read.
pub const TIERS_MAX: usize = 8;
/// Longest booking, 92 days: a quarter, so that the number of bookings one can stand in the way of is bounded.
pub const SPAN_MS_MAX: u64 = 92 * DAY_MS;
/// Most units a booking can have: the longest one, by the hour.
pub const UNITS_MAX: u64 = SPAN_MS_MAX / HOUR_MS;
/// Longest time to pay, 7 days: an unpaid booking keeps an object from others.
pub const PAY_WITHIN_S_MAX: u32 = 7 * 86_400;
/// Longest time to come after the beginning: the longest booking.
pub const GRACE_S_MAX: u32 = 92 * 86_400;
/// Longest time for an arbiter, 90 days: afterwards the escrow is split without one.
pub const DECIDE_WITHIN_S_MAX: u32 = 90 * 86_400;
/// Unpaid bookings of one customer with one merchant: nobody empties a house without paying.
pub const UNPAID_MAX: u8 = 4;
/// Bookings that change places for a request: each costs about 45,000 gas.
pub const REQUEST_MOVES_MAX: usize = 4;
/// Readings of other bookings for a request, after the first one of each object: each costs about 12,000 gas.
pub const REQUEST_READS_MAX: usize = 20;
/// Bookings that change places for a choice, the chooser's among them. It looks at two objects only.
pub const CHOICE_MOVES_MAX: usize = 8;
/// Readings of other bookings for a choice.
pub const CHOICE_READS_MAX: usize = 24;

pub const SECOND_MS: u64 = 1_000;
pub const HOUR_MS: u64 = 3_600 * SECOND_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;
