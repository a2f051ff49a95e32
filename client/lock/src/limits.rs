//! Every bound of the formats and of a lock, with its reason.

/// Objects one lock is for: a common door of four types of rooms. A room's own door has one.
pub const OBJECTS_MAX: usize = 64;
/// Changes of the validators that a credential brings along: a lock that missed more is updated by hand.
pub const HANDOVERS_MAX: usize = 4;
/// Bytes of a credential: four changes of a hundred validators, two proofs of the deepest tree, and the records. With seven
/// validators and none changed it has about 2,500.
pub const CREDENTIAL_BYTES_MAX: usize = 80 * 1024;
/// Bytes of an answer: the signatures of sixteen keys.
pub const ANSWER_BYTES_MAX: usize = 1_100;
/// Bytes of a challenge: 64 objects with names as long as a text may be.
pub const CHALLENGE_BYTES_MAX: usize = 20 * 1024;
/// Random bytes of a challenge: nobody meets one twice.
pub const NONCE_BYTES: usize = 16;

/// How old the certified header may be, 15 minutes: the way from where the wallet last had a network to the door. A booking that was
/// cancelled, or a key that was replaced, opens for no longer than this.
pub const FRESH_MS_DEFAULT: u64 = 15 * 60 * 1000;
/// The longest that may be chosen, a day: a key that opens for longer after its booking has ended is none.
pub const FRESH_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// How far a header's time may be ahead of the lock's clock, 2 minutes: a quartz is wrong by as much after some weeks without being set.
pub const AHEAD_MS_DEFAULT: u64 = 2 * 60 * 1000;
/// The furthest that may be chosen, an hour: a clock that is wrong by more has to be set.
pub const AHEAD_MS_MAX: u64 = 60 * 60 * 1000;
/// How long a challenge waits for its answer, 2 minutes: to unlock a phone, read a code and show another.
pub const CHALLENGE_MS: u64 = 2 * 60 * 1000;
