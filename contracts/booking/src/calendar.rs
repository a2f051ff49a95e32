//! Which object is taken when. On one object no two bookings overlap; one may begin at the moment another ends.
//!
//! A key is the merchant, the object's name and the *end* of the time, so that the first entry behind a moment is the only one that
//! can cover it: every question is answered by reading one entry. Objects are known by their names across a merchant's
//! listings: the same room stays taken when its listing is replaced.
use crate::state::CALENDAR;
use alloc::vec::Vec;
use countersign_contract_sdk::Host;
use countersign_types::{AccountId, Hash, Text, Timestamp, lean};

/// A time during which a booking lies on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment behind it.
    pub until: Timestamp,
    /// Whose it is.
    pub booking: Hash,
    /// The number of the listing it was made under: only within one listing do objects stand for each other.
    pub listing: u32,
    /// True if the object is bound to the booking, which then stays where it is.
    pub bound: bool,
}

/// Bytes of a time in a key.
const TIME_BYTES: usize = 8;

#[inline(never)]
fn key(merchant: &AccountId, object: &Text, until: Timestamp) -> Vec<u8> {
    // The name's length stands before it: no name's keys begin like another's.
    lean::encode(&(CALENDAR, merchant, object, until.millis().to_be_bytes()))
}

/// The first time taken on an object that ends after `moment`. It covers `moment` if it does not begin after it.
#[inline(never)]
pub fn first_after(host: &mut impl Host, merchant: &AccountId, object: &Text, moment: Timestamp) -> Option<Slot> {
    let after = key(merchant, object, moment);
    let prefix = after[..after.len() - TIME_BYTES].to_vec();
    let (key, value) = host.range(prefix, Some(after), 1).pop()?;
    let (from, booking, listing, bound) = lean::decode(&value).expect("only this file writes here");
    let until = key.last_chunk::<TIME_BYTES>().expect("a key ends with a time");
    let until = Timestamp::from_millis(u64::from_be_bytes(*until));
    Some(Slot { from, until, booking, listing, bound })
}

/// True if nothing lies on the object between the two times.
pub fn is_free(host: &mut impl Host, merchant: &AccountId, object: &Text, from: Timestamp, until: Timestamp) -> bool {
    first_after(host, merchant, object, from).is_none_or(|slot| slot.from >= until)
}

/// Takes the time of a slot, which must be free, or replaces the slot with the same end.
#[inline(never)]
pub fn put(host: &mut impl Host, merchant: &AccountId, object: &Text, slot: &Slot) {
    let entry = (slot.from, &slot.booking, slot.listing, slot.bound);
    host.set(key(merchant, object, slot.until), lean::encode(&entry));
}

/// Frees the time that ends then.
#[inline(never)]
pub fn remove(host: &mut impl Host, merchant: &AccountId, object: &Text, until: Timestamp) {
    host.remove(key(merchant, object, until));
}
