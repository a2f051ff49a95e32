//! The customer picks an object.
use crate::places::{self, Floor};
use crate::stage;
use crate::state::{PLACES, booking_of, keep, tell, terms_of, type_of};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Choices, Choose, Chosen, Error, Status};
use countersign_types::{AccountId, List, Text};

pub fn choose(host: &mut impl Host, customer: AccountId, args: Choose) -> Result<(), Error> {
    let Choose { booking, object } = &args;
    let mut record = booking_of(host, booking)?;
    stage::check_customer(&record, &customer)?;
    stage::check(host, &record, &[Status::Paid])?;
    if !objects(host, &record).contains(object) {
        return Err(Error::UnknownObject);
    }
    let place = PLACES.get(host, booking).expect("a booking that has not ended has a place");
    let sides = [&place, object];
    let merchant = record.merchant;
    let mut floor = Floor::for_choice(host, &merchant, record.listing);
    let exchange = if place == *object { None } else { Some(floor.plan_choice(sides, booking, &record)?) };

    // Everything is checked; from here on it must succeed.
    if let Some(exchange) = exchange {
        floor.exchange(sides, exchange);
    }
    places::bind(host, booking, &mut record);
    keep(host, booking, &record);
    tell::<Chosen>(host, booking, &record, object);
    Ok(())
}

/// The objects the booking may choose now.
pub fn choices(host: &mut impl Host, args: Choices) -> Result<List<Text>, Error> {
    let record = booking_of(host, &args.booking)?;
    stage::check(host, &record, &[Status::Paid])?;
    let place = PLACES.get(host, &args.booking).expect("a booking that has not ended has a place");
    let mut choices = List::empty();
    for object in objects(host, &record) {
        let mut floor = Floor::for_choice(host, &record.merchant, record.listing);
        if object == place || floor.plan_choice([&place, &object], &args.booking, &record).is_ok() {
            choices.push(object).expect("no more than a type has");
        }
    }
    Ok(choices)
}

/// The objects of the booked type.
fn objects(host: &mut impl Host, record: &BookingRecord) -> List<Text> {
    let listing = terms_of(host, record);
    type_of(host, &record.merchant, &listing, &record.kind).expect("a booking is of a type of its listing").objects
}
