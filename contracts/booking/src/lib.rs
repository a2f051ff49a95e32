//! Bookings of a merchant's objects for a time: the price waits in escrow and the ledger itself settles it.
//!
//! 1. `open_listing`: a merchant opens its one service with types of objects, prices and terms. `bind`: a customer uses it.
//! 2. `request`: the contract finds a place, prices it and issues the booking; its id is [`countersign_contract_sdk::call_id`].
//! 3. `pay`: the price goes into the contract's own account. Unpaid bookings `lapse` when the time to pay is over, at the latest
//!    when the booked time begins.
//! 4. `choose`: the customer binds an object of the type. 5. `identify`, `accept_identity`: papers, if the listing asks for them.
//! 6. `check_in`, signed by both, from the beginning until the grace is over; then `no_show` pays the merchant.
//! 7. `check_out`, or `complete` at the end of the time: the escrow goes to the merchant.
//! 8. `cancel` before check-in, `dispute` while the price is in escrow, `resolve` by the arbiter, `release` if it did not in time.
//!
//! Rules that are not obvious from the calls:
//! - No object is ever taken twice at one moment; a booking may begin at the very moment another ends. Every booking has a place from
//!   its request on, and its place may change until an object is bound to it, by a choice or at check-in (`places.rs`). An
//!   object is known by its name across the merchant's listings.
//! - A price is for units of time that have begun, from the booking's first moment on ([`countersign_interface::booking::Unit`]).
//! - Each booking has one time at which the ledger acts next, `due_at`; its parties may act before it only. At most one job waits
//!   for each booking.
//! - Refund tiers count the time left until the beginning; a customer who is in time for none gets nothing back. The customer's part is
//!   rounded down. The merchant's cancellation gives everything back, at any time before check-in or in a dispute.
//! - A merchant that may not sell any more (suspended, or without its role) can serve nobody: until check-in the customer gets
//!   everything back, by cancelling or at the end of the grace.
//! - The customer's check-out pays at once. The merchant's frees the object and pays at the end of the time, so that the customer can
//!   object until then.
//! - If the asset is frozen when a booking ends, it ends nevertheless and its object is free; once the asset moves again anyone calls
//!   `collect`. Suspended accounts receive.
//! - Papers never come here: the customer seals them for the merchant, and their hash is what both sign.
//!
//! Invariants: the contract's account holds the prices that were paid and not paid out (and what somebody gives it by an ordinary
//! transfer, which no rule touches); what is paid out for a booking is its price, once; every booking ends.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod calendar;
mod cancel;
mod choose;
mod dispute;
mod end;
mod limits;
mod listing;
mod papers;
mod pay;
mod places;
mod queries;
mod request;
mod stage;
mod state;
mod stay;
#[cfg(test)]
mod tests;

use countersign_contract_sdk::Host;
use countersign_interface::booking::{
    AcceptIdentity, Bind, BookingOf, BookingRecord, BoundSince, Cancel, CheckIn, CheckOut, Choices, Choose,
    CloseListing, Collect, Complete, Dispute, Error, Escrow, FreeObjects, Identify, Lapse, ListingOf, ListingRecord,
    NoShow, ObjectType, OpenListing, Pay, Release, Request, Resolve, Rules, TypeOf,
};
use countersign_types::{AccountId, Amount, List, Text, Timestamp};

/// The contract's rules.
#[derive(Debug)]
pub struct Booking;

#[cfg(target_arch = "wasm32")]
countersign_contract_sdk::entry!(Booking, booking);

impl<H: Host> Rules<H> for Booking {
    fn open_listing(host: &mut H, merchant: AccountId, args: OpenListing) -> Result<(), Error> {
        listing::open(host, merchant, args)
    }

    fn close_listing(host: &mut H, merchant: AccountId, args: CloseListing) -> Result<(), Error> {
        listing::close(host, merchant, args)
    }

    fn bind(host: &mut H, customer: AccountId, args: Bind) -> Result<(), Error> {
        request::bind(host, customer, args)
    }

    fn request(host: &mut H, customer: AccountId, args: Request) -> Result<(), Error> {
        request::request(host, customer, args)
    }

    fn pay(host: &mut H, customer: AccountId, args: Pay) -> Result<(), Error> {
        pay::pay(host, customer, args)
    }

    fn choose(host: &mut H, customer: AccountId, args: Choose) -> Result<(), Error> {
        choose::choose(host, customer, args)
    }

    fn identify(host: &mut H, customer: AccountId, args: Identify) -> Result<(), Error> {
        papers::identify(host, customer, args)
    }

    fn accept_identity(host: &mut H, merchant: AccountId, args: AcceptIdentity) -> Result<(), Error> {
        papers::accept(host, merchant, args)
    }

    fn check_in(host: &mut H, merchant: AccountId, customer: AccountId, args: CheckIn) -> Result<(), Error> {
        stay::check_in(host, merchant, customer, args)
    }

    fn check_out(host: &mut H, party: AccountId, args: CheckOut) -> Result<(), Error> {
        stay::check_out(host, party, args)
    }

    fn cancel(host: &mut H, party: AccountId, args: Cancel) -> Result<(), Error> {
        cancel::cancel(host, party, args)
    }

    fn dispute(host: &mut H, party: AccountId, args: Dispute) -> Result<(), Error> {
        dispute::dispute(host, party, args)
    }

    fn resolve(host: &mut H, arbiter: AccountId, args: Resolve) -> Result<(), Error> {
        dispute::resolve(host, arbiter, args)
    }

    fn collect(host: &mut H, _asker: AccountId, args: Collect) -> Result<(), Error> {
        end::collect(host, &args.booking)
    }

    fn lapse(host: &mut H, args: Lapse) -> Result<(), Error> {
        end::due(host, &args.booking)
    }

    fn no_show(host: &mut H, args: NoShow) -> Result<(), Error> {
        end::due(host, &args.booking)
    }

    fn complete(host: &mut H, args: Complete) -> Result<(), Error> {
        end::due(host, &args.booking)
    }

    fn release(host: &mut H, args: Release) -> Result<(), Error> {
        end::due(host, &args.booking)
    }

    fn listing_of(host: &mut H, args: ListingOf) -> Result<ListingRecord, Error> {
        queries::listing_of(host, args)
    }

    fn type_of(host: &mut H, args: TypeOf) -> Result<ObjectType, Error> {
        queries::type_with_name(host, args)
    }

    fn bound_since(host: &mut H, args: BoundSince) -> Result<Timestamp, Error> {
        queries::bound_since(host, args)
    }

    fn free_objects(host: &mut H, args: FreeObjects) -> Result<List<Text>, Error> {
        queries::free_objects(host, args)
    }

    fn choices(host: &mut H, args: Choices) -> Result<List<Text>, Error> {
        choose::choices(host, args)
    }

    fn booking_of(host: &mut H, args: BookingOf) -> Result<BookingRecord, Error> {
        queries::booking(host, args)
    }

    fn escrow(host: &mut H, args: Escrow) -> Result<Amount, Error> {
        queries::escrow(host, args)
    }
}
