//! What the contract keeps, and the one way it leaves events. Which object is taken when is kept by [`crate::calendar`].
use alloc::vec::Vec;
use countersign_contract_sdk::{Host, Map};
use countersign_interface::Event;
use countersign_interface::booking::{self, BookingRecord, Error, ListingRecord, ObjectType};
use countersign_types::{AccountId, Amount, AssetId, Hash, Text, Timestamp, lean};
use parity_scale_codec::Encode;

/// The number of a merchant's newest listing.
pub const NEWEST: Map<AccountId, u32> = Map::new(booking::NEWEST);
/// Listings by merchant and number.
pub const LISTINGS: Map<(AccountId, u32), ListingRecord> = Map::new(booking::LISTINGS);
/// A listing's types by merchant, number and place in the listing.
pub const TYPES: Map<(AccountId, u32, u8), ObjectType> = Map::new(booking::TYPES);
/// Since when a customer uses a merchant's service.
pub const USERS: Map<(AccountId, AccountId), Timestamp> = Map::new(booking::USERS);
/// How many unpaid bookings a customer has with a merchant; none is no entry.
pub const UNPAID: Map<(AccountId, AccountId), u8> = Map::new(4);
/// Bookings by their id.
pub const BOOKINGS: Map<Hash, BookingRecord> = Map::new(booking::BOOKINGS);
/// The object on which a booking lies, bound to it or not, until it ends or the customer has left.
pub const PLACES: Map<Hash, Text> = Map::new(booking::PLACES);
/// The sum of the prices that were paid and not paid out.
pub const ESCROW: Map<AssetId, Amount> = Map::new(booking::ESCROW);
/// The calendar's keys begin with this.
pub const CALENDAR: u8 = 8;

/// Leaves an event, listed under the accounts it names.
pub fn emit<E: Event>(host: &mut impl Host, event: &E) {
    host.emit(E::KIND, event.accounts(), lean::encode(event));
}

/// A booking's record.
///
/// # Errors
/// [`Error::UnknownBooking`].
#[inline(never)]
pub fn booking_of(host: &mut impl Host, booking: &Hash) -> Result<BookingRecord, Error> {
    BOOKINGS.get(host, booking).ok_or(Error::UnknownBooking)
}

/// The listing under whose terms a booking was made.
#[inline(never)]
pub fn terms_of(host: &mut impl Host, record: &BookingRecord) -> ListingRecord {
    LISTINGS.get(host, &(record.merchant, record.listing)).expect("a booking's listing stays on record")
}

/// A listing's type by its name.
///
/// # Errors
/// [`Error::UnknownType`].
#[inline(never)]
pub fn type_of(
    host: &mut impl Host,
    merchant: &AccountId,
    listing: &ListingRecord,
    kind: &Text,
) -> Result<ObjectType, Error> {
    let index = listing.types.iter().position(|name| name == kind).ok_or(Error::UnknownType)?;
    let index = u8::try_from(index).expect("a listing has few types");
    Ok(TYPES.get(host, &(*merchant, listing.number, index)).expect("each name has its type"))
}

/// Writes a booking's record.
#[inline(never)]
pub fn keep(host: &mut impl Host, booking: &Hash, record: &BookingRecord) {
    BOOKINGS.set(host, booking, record);
}

/// Leaves an event about a booking: its first fields are the booking, its customer and its merchant, then come `rest`. Together they
/// must be the fields of `E`, which the tests see by reading every event; written like this because a copy of each id for
/// each event would be a large part of the wasm.
pub fn tell<E: Event>(host: &mut impl Host, booking: &Hash, record: &BookingRecord, rest: &impl Encode) {
    tell_encoded(host, E::KIND, (booking, record), lean::encode(rest));
}

#[inline(never)]
fn tell_encoded(host: &mut impl Host, kind: u8, (booking, record): (&Hash, &BookingRecord), rest: Vec<u8>) {
    let mut data = lean::encode(&(booking, &record.customer, &record.merchant));
    data.extend(rest);
    host.emit(kind, alloc::vec![record.customer, record.merchant], data);
}
