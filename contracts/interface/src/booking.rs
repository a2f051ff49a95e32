//! Contract `booking`: a merchant's objects are booked for a time, paid into escrow, and settled by the ledger itself.
use alloc::vec::Vec;
use countersign_types::{AccountId, Amount, AssetId, Hash, List, Text, Timestamp};

crate::interface! {
    module "booking";
    types {
        /// What a price is for. A unit that has begun counts in full: an hour is 60 minutes, a day and a night are 24 hours, a week is
        /// 7 days, from the booking's first moment on. When guests may come and go on a day is the merchant's word, told by the
        /// times of the request; the ledger counts in universal time.
        choice Unit { Hour, Day, Night, Week }
        /// A type of objects that are as good as each other, such as double rooms, and their names.
        struct ObjectType { name: Text, unit: Unit, price: Amount, objects: List<Text> }
        /// Who cancels at least this long before the beginning gets this part of the price back.
        struct Tier { before_s: u32, refund_percent: u8 }
        /// A merchant's terms. Its listings are numbered from 1; at most one is open. Bookings keep the terms they were made under.
        struct ListingRecord { number: u32, title: Text, asset: AssetId, types: List<Text>, refunds: List<Tier>, grace_s: u32, pay_within_s: u32, decide_within_s: u32, undecided_percent: u8, arbiter: Option<AccountId>, identity_required: bool, opened_at: Timestamp, closed_at: Option<Timestamp> }
        /// Where a booking stands. Requested: not paid yet. Paid, CheckedIn, CheckedOut (by the merchant alone) and Disputed: the
        /// price is in escrow. The others are ends: Lapsed unpaid; Cancelled by the customer; Withdrawn by the merchant, or
        /// because it may not sell any more; NoShow; Completed; Resolved by the arbiter; Undecided in time by the arbiter.
        choice Status { Requested, Paid, CheckedIn, CheckedOut, Disputed, Lapsed, Cancelled, Withdrawn, NoShow, Completed, Resolved, Undecided }
        /// Whether the customer has shown who it is.
        choice Identity { NotRequired, Missing, Shown, Accepted }
        /// A booking. `due_at`: when the ledger acts next by itself, and until when the parties may. `object`: the one bound to
        /// it; `to_customer`, `to_merchant`: how the escrow was split in the end, and `settled`: whether it was paid out.
        struct BookingRecord { customer: AccountId, merchant: AccountId, listing: u32, kind: Text, from: Timestamp, until: Timestamp, asset: AssetId, price: Amount, object: Option<Text>, identity: Identity, papers: Option<Hash>, status: Status, due_at: Timestamp, job: u64, to_customer: Amount, to_merchant: Amount, settled: bool }
    }
    errors {
        1 NotAMerchant "The merchant is not an active member with the role merchant.";
        2 SameAccount "Customer, merchant and arbiter must be different accounts.";
        3 ListingIsOpen "The merchant has an open listing; close it first.";
        4 NoListing "The merchant has no open listing.";
        5 BadTypes "A listing has 1 to 16 types with a price and 1 to 16 objects each, in ascending order; names have 1 to 32 bytes and none is there twice.";
        6 BadRefunds "At most 8 refund tiers, the longest time first, no part growing or above 100 percent.";
        7 BadTerms "A time to pay, come or decide is zero or too long, or the undecided part above 100 percent.";
        8 AssetUnavailable "The asset does not exist or is frozen.";
        9 AlreadyBound "The customer uses this merchant's service already.";
        10 NotBound "The customer does not use this merchant's service; bind first.";
        11 UnknownType "The listing has no such type of object.";
        12 BadSpan "The time must end after it begins, at most 92 days later.";
        13 StartPassed "The time must begin in the future.";
        14 NoneFree "No object of this type is free for the whole time.";
        15 TooManyUnpaid "The customer has 4 unpaid bookings with this merchant; pay or cancel one first.";
        16 BookingExists "This call made a booking already; each needs a call of its own.";
        17 UnknownBooking "There is no such booking.";
        18 NotTheCustomer "The booking is another customer's.";
        19 NotTheMerchant "The booking is with another merchant.";
        20 NotAParty "Only the booking's customer or merchant may do this.";
        21 TooLate "The time for this has passed.";
        22 TooEarly "The booked time has not begun yet.";
        23 NotPaid "The booking is not paid yet.";
        24 AlreadyPaid "The booking is paid already.";
        25 NotCheckedIn "The customer has not checked in.";
        26 AlreadyCheckedIn "The customer has checked in already.";
        27 InDispute "The booking is in dispute; the arbiter decides.";
        28 NotInDispute "The booking is not in dispute.";
        29 BookingEnded "The booking has ended already.";
        30 PriceDiffers "Asset or amount is not the booking's price.";
        31 InsufficientFunds "The customer holds too little.";
        32 UnknownObject "The listing has no such object of the booked type.";
        33 ObjectTaken "The object is bound to another booking in that time.";
        34 ObjectNeeded "Others who have not chosen yet would lose their place; choose another object.";
        35 PapersNotAsked "The listing asks for no papers.";
        36 PapersMissing "The customer has shown no papers.";
        37 AlreadyAccepted "The papers were accepted already.";
        38 PapersDiffer "These are not the papers the customer has shown last.";
        39 IdentityNotAccepted "The merchant has not accepted the customer's papers yet.";
        40 NotTheArbiter "Only the listing's arbiter decides its disputes.";
        41 SplitDiffers "The two parts are not the price together.";
        42 NotYetDue "There is nothing to do for the ledger yet.";
        43 AlreadySettled "The booking was settled already.";
        44 AlreadyCheckedOut "The merchant has checked the customer out already.";
    }
    events {
        ListingOpened { merchant: AccountId, listing: u32, title: Text, asset: AssetId, types: List<Text> }
        ListingClosed { merchant: AccountId, listing: u32 }
        Bound { customer: AccountId, merchant: AccountId }
        /// The order: a place is kept until `pay_by`.
        Requested { booking: Hash, customer: AccountId, merchant: AccountId, kind: Text, from: Timestamp, until: Timestamp, asset: AssetId, price: Amount, pay_by: Timestamp }
        /// The price is in escrow.
        Paid { booking: Hash, customer: AccountId, merchant: AccountId, asset: AssetId, amount: Amount, come_by: Timestamp }
        Chosen { booking: Hash, customer: AccountId, merchant: AccountId, object: Text }
        PapersShown { booking: Hash, customer: AccountId, merchant: AccountId, papers: Hash }
        PapersAccepted { booking: Hash, customer: AccountId, merchant: AccountId, papers: Hash }
        CheckedIn { booking: Hash, customer: AccountId, merchant: AccountId, object: Text }
        CheckedOut { booking: Hash, customer: AccountId, merchant: AccountId, by: AccountId }
        Disputed { booking: Hash, customer: AccountId, merchant: AccountId, by: AccountId, reason: Text, decide_by: Timestamp }
        /// `settled` is false if the asset is frozen: `collect` pays it out later.
        Ended { booking: Hash, customer: AccountId, merchant: AccountId, status: Status, asset: AssetId, to_customer: Amount, to_merchant: Amount, settled: bool }
        Settled { booking: Hash, customer: AccountId, merchant: AccountId, asset: AssetId, to_customer: Amount, to_merchant: Amount }
    }
    calls {
        /// Opens the merchant's service. Without an arbiter any member with that role decides disputes.
        OpenListing = open_listing(merchant) { title: Text, asset: AssetId, types: List<ObjectType>, refunds: List<Tier>, grace_s: u32, pay_within_s: u32, decide_within_s: u32, undecided_percent: u8, arbiter: Option<AccountId>, identity_required: bool } "{merchant} opens its booking service {title}, paid in {asset} within {pay_within_s} s; given back on cancelling: {refunds}; no-show {grace_s} s after the beginning; papers required: {identity_required}; disputes decided by {arbiter} within {decide_within_s} s, else {undecided_percent} percent to the customer; {types}";
        /// Bookings that were made go on.
        CloseListing = close_listing(merchant) {} "{merchant} closes its booking service to new bookings";
        Bind = bind(customer) { merchant: AccountId } "{customer} uses the booking service of {merchant}";
        /// The ledger answers with the order: the booking's id and price.
        Request = request(customer) { merchant: AccountId, kind: Text, from: Timestamp, until: Timestamp } "{customer} asks {merchant} for one {kind} from {from} until {until}";
        Pay = pay(customer) { booking: Hash, asset: AssetId, amount: Amount } "{customer} pays {amount} {asset} into escrow for the booking {booking}";
        /// Until check-in another can be chosen.
        Choose = choose(customer) { booking: Hash, object: Text } "{customer} chooses {object} for the booking {booking}";
        /// The papers go to the merchant, sealed for it; this is their hash.
        Identify = identify(customer) { booking: Hash, papers: Hash } "{customer} shows papers {papers} for the booking {booking}";
        AcceptIdentity = accept_identity(merchant) { booking: Hash, papers: Hash } "{merchant} accepts the papers {papers} for the booking {booking}";
        CheckIn = check_in(merchant, customer) { booking: Hash } "{customer} checks in with {merchant} for the booking {booking}";
        /// If the customer says so the merchant is paid at once; if the merchant does, at the end of the booked time, so that the
        /// customer can still object.
        CheckOut = check_out(party) { booking: Hash } "{party} checks out of the booking {booking}";
        /// Before check-in, or by the merchant in a dispute. The customer gets back what the refund tiers say; if the merchant cancels,
        /// everything.
        Cancel = cancel(party) { booking: Hash } "{party} cancels the booking {booking}";
        /// Freezes the escrow.
        Dispute = dispute(party) { booking: Hash, reason: Text } "{party} disputes the booking {booking}: {reason}";
        Resolve = resolve(arbiter) { booking: Hash, asset: AssetId, to_customer: Amount, to_merchant: Amount } "{arbiter} decides the dispute about the booking {booking}: {to_customer} {asset} to the customer, {to_merchant} {asset} to the merchant";
        /// Does what is due and was not done; pays out what a frozen asset had kept back.
        Collect = collect(asker) { booking: Hash } "{asker} asks for the booking {booking} to be settled now that its time has come";
    }
    scheduled {
        /// Not paid in time.
        Lapse = lapse { booking: Hash }
        /// The customer did not come.
        NoShow = no_show { booking: Hash }
        /// The booked time is over.
        Complete = complete { booking: Hash }
        /// Nobody decided in time.
        Release = release { booking: Hash }
    }
    queries {
        /// The listing with this number, else the newest.
        ListingOf = listing_of { merchant: AccountId, number: Option<u32> } -> ListingRecord;
        TypeOf = type_of { merchant: AccountId, listing: u32, kind: Text } -> ObjectType;
        BoundSince = bound_since { customer: AccountId, merchant: AccountId } -> Timestamp;
        /// If there is none a request can still succeed: bookings that have not chosen change places.
        FreeObjects = free_objects { merchant: AccountId, kind: Text, from: Timestamp, until: Timestamp } -> List<Text>;
        Choices = choices { booking: Hash } -> List<Text>;
        BookingOf = booking_of { booking: Hash } -> BookingRecord;
        Escrow = escrow { asset: AssetId } -> Amount;
    }
}

/// The map of the numbers of merchants' newest listings, by merchant.
pub const NEWEST: u8 = 0;
/// The map of [`ListingRecord`]s by merchant and number.
pub const LISTINGS: u8 = 1;
/// The map of [`ObjectType`]s by merchant, number of the listing, and place in the listing (u8).
pub const TYPES: u8 = 2;
/// The map of the times since when customers use merchants' services, by customer and merchant.
pub const USERS: u8 = 3;
/// The map of [`BookingRecord`]s by booking.
pub const BOOKINGS: u8 = 5;
/// The map of the objects' names, by booking, on which bookings lie; the name may change until it stands in the record
/// too.
pub const PLACES: u8 = 6;
/// The map of the sums that were paid and not paid out, by asset.
pub const ESCROW: u8 = 7;

/// Where a booking's [`BookingRecord`] stands in the state.
pub fn record_key(booking: &Hash) -> Vec<u8> {
    crate::storage::record_key("booking", BOOKINGS, booking)
}

/// What a booking names papers by: a hash of the sealed file as it was sent to the merchant.
pub fn papers_hash(sealed: &[u8]) -> Hash {
    Hash::of("booking-papers", sealed)
}
