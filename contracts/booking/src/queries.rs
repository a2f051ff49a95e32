//! What anybody may ask of the contract.
use crate::state::{ESCROW, LISTINGS, NEWEST, USERS, booking_of, type_of};
use crate::{calendar, listing};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{
    BookingOf, BookingRecord, BoundSince, Error, Escrow, FreeObjects, ListingOf, ListingRecord, ObjectType, TypeOf,
};
use countersign_types::{AccountId, Amount, List, Text, Timestamp};

pub fn listing_of(host: &mut impl Host, args: ListingOf) -> Result<ListingRecord, Error> {
    let newest = NEWEST.get(host, &args.merchant).ok_or(Error::NoListing)?;
    numbered(host, args.merchant, args.number.unwrap_or(newest))
}

fn numbered(host: &mut impl Host, merchant: AccountId, number: u32) -> Result<ListingRecord, Error> {
    LISTINGS.get(host, &(merchant, number)).ok_or(Error::NoListing)
}

pub fn type_with_name(host: &mut impl Host, args: TypeOf) -> Result<ObjectType, Error> {
    let listing = numbered(host, args.merchant, args.listing)?;
    type_of(host, &args.merchant, &listing, &args.kind)
}

pub fn bound_since(host: &mut impl Host, args: BoundSince) -> Result<Timestamp, Error> {
    USERS.get(host, &(args.customer, args.merchant)).ok_or(Error::NotBound)
}

pub fn free_objects(host: &mut impl Host, args: FreeObjects) -> Result<List<Text>, Error> {
    let FreeObjects { merchant, kind, from, until } = args;
    let listing = listing::current(host, merchant)?;
    let mut free = List::empty();
    for object in type_of(host, &merchant, &listing, &kind)?.objects {
        if calendar::is_free(host, &merchant, &object, from, until) {
            free.push(object).expect("no more than a type has");
        }
    }
    Ok(free)
}

pub fn booking(host: &mut impl Host, args: BookingOf) -> Result<BookingRecord, Error> {
    booking_of(host, &args.booking)
}

pub fn escrow(host: &mut impl Host, args: Escrow) -> Result<Amount, Error> {
    Ok(ESCROW.get(host, &args.asset).unwrap_or_default())
}
