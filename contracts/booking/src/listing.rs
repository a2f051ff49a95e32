//! Opening and closing a merchant's service.
use crate::limits;
use crate::state::{LISTINGS, NEWEST, TYPES, emit};
use alloc::vec::Vec;
use countersign_contract_sdk::Host;
use countersign_interface::booking::{
    CloseListing, Error, ListingClosed, ListingOpened, ListingRecord, ObjectType, OpenListing, Tier,
};
use countersign_types::account::Role;
use countersign_types::{AccountId, List, Text};

pub fn open(host: &mut impl Host, merchant: AccountId, args: OpenListing) -> Result<(), Error> {
    check_merchant(host, merchant)?;
    let number = NEWEST.get(host, &merchant).unwrap_or(0);
    if is_open(host, merchant, number).is_some() {
        return Err(Error::ListingIsOpen);
    }
    if !host.asset_is_active(args.asset) {
        return Err(Error::AssetUnavailable);
    }
    check_types(&args.types)?;
    check_refunds(&args.refunds)?;
    check_times(&args)?;
    if args.arbiter == Some(merchant) {
        return Err(Error::SameAccount);
    }
    let number = number.checked_add(1).expect("2^32 listings are never made");

    // Everything is checked; from here on it must succeed.
    let names: Vec<Text> = args.types.iter().map(|kind| kind.name.clone()).collect();
    let types: List<Text> = names.try_into().expect("as many as were given");
    let record = ListingRecord {
        number,
        title: args.title.clone(),
        asset: args.asset,
        types: types.clone(),
        refunds: args.refunds,
        grace_s: args.grace_s,
        pay_within_s: args.pay_within_s,
        decide_within_s: args.decide_within_s,
        undecided_percent: args.undecided_percent,
        arbiter: args.arbiter,
        identity_required: args.identity_required,
        opened_at: host.now(),
        closed_at: None,
    };
    NEWEST.set(host, &merchant, &number);
    LISTINGS.set(host, &(merchant, number), &record);
    for (index, kind) in (0_u8..).zip(&args.types) {
        TYPES.set(host, &(merchant, number, index), kind);
    }
    emit(host, &ListingOpened { merchant, listing: number, title: args.title, asset: args.asset, types });
    Ok(())
}

pub fn close(host: &mut impl Host, merchant: AccountId, _: CloseListing) -> Result<(), Error> {
    let mut listing = current(host, merchant)?;

    // Everything is checked; from here on it must succeed.
    listing.closed_at = Some(host.now());
    LISTINGS.set(host, &(merchant, listing.number), &listing);
    emit(host, &ListingClosed { merchant, listing: listing.number });
    Ok(())
}

/// The merchant's open listing.
///
/// # Errors
/// [`Error::NoListing`].
pub fn current(host: &mut impl Host, merchant: AccountId) -> Result<ListingRecord, Error> {
    let number = NEWEST.get(host, &merchant).ok_or(Error::NoListing)?;
    is_open(host, merchant, number).ok_or(Error::NoListing)
}

fn is_open(host: &mut impl Host, merchant: AccountId, number: u32) -> Option<ListingRecord> {
    LISTINGS.get(host, &(merchant, number)).filter(|listing| listing.closed_at.is_none())
}

/// Checks that the account may sell.
///
/// # Errors
/// [`Error::NotAMerchant`].
pub fn check_merchant(host: &mut impl Host, merchant: AccountId) -> Result<(), Error> {
    if host.has_role(merchant, Role::Merchant) { Ok(()) } else { Err(Error::NotAMerchant) }
}

fn check_types(types: &[ObjectType]) -> Result<(), Error> {
    let fits = |name: &Text| (1..=limits::NAME_BYTES_MAX).contains(&name.len());
    let is_sound = |kind: &ObjectType| {
        fits(&kind.name)
            && !kind.price.is_zero()
            && kind.price.checked_mul(limits::UNITS_MAX.into()).is_some()
            && (1..=limits::OBJECTS_MAX).contains(&kind.objects.len())
            && kind.objects.iter().all(fits)
    };
    let sound = (1..=limits::TYPES_MAX).contains(&types.len()) && types.iter().all(is_sound);
    if sound && names_differ(types) { Ok(()) } else { Err(Error::BadTypes) }
}

/// True if no two types have one name and no object stands there twice. Objects of a type are in ascending order, so that this
/// costs a search in each other type and no sorting.
fn names_differ(types: &[ObjectType]) -> bool {
    types.iter().enumerate().all(|(index, kind)| {
        let others = &types[..index];
        let is_elsewhere = |object: &Text| others.iter().any(|other| other.objects.binary_search(object).is_ok());
        others.iter().all(|other| other.name != kind.name)
            && kind.objects.windows(2).all(|pair| pair[0] < pair[1])
            && !kind.objects.iter().any(is_elsewhere)
    })
}

fn check_refunds(refunds: &[Tier]) -> Result<(), Error> {
    let falls = |pair: &[Tier]| pair[0].before_s > pair[1].before_s && pair[0].refund_percent >= pair[1].refund_percent;
    let sound = refunds.len() <= limits::TIERS_MAX
        && refunds.iter().all(|tier| tier.refund_percent <= 100)
        && refunds.windows(2).all(falls);
    if sound { Ok(()) } else { Err(Error::BadRefunds) }
}

fn check_times(args: &OpenListing) -> Result<(), Error> {
    let sound = (1..=limits::GRACE_S_MAX).contains(&args.grace_s)
        && (1..=limits::PAY_WITHIN_S_MAX).contains(&args.pay_within_s)
        && (1..=limits::DECIDE_WITHIN_S_MAX).contains(&args.decide_within_s)
        && args.undecided_percent <= 100;
    if sound { Ok(()) } else { Err(Error::BadTerms) }
}
