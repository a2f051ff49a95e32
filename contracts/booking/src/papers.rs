//! Identity: the papers go to the merchant, sealed for it; only their hash comes here.
use crate::stage;
use crate::state::{booking_of, keep, tell};
use countersign_contract_sdk::Host;
use countersign_interface::booking::{AcceptIdentity, Error, Identify, Identity, PapersAccepted, PapersShown, Status};
use countersign_types::AccountId;

pub fn identify(host: &mut impl Host, customer: AccountId, args: Identify) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_customer(&record, &customer)?;
    stage::check(host, &record, &[Status::Requested, Status::Paid])?;
    match record.identity {
        Identity::NotRequired => return Err(Error::PapersNotAsked),
        Identity::Accepted => return Err(Error::AlreadyAccepted),
        Identity::Missing | Identity::Shown => {}
    }

    // Everything is checked; from here on it must succeed.
    record.identity = Identity::Shown;
    record.papers = Some(args.papers);
    keep(host, &args.booking, &record);
    tell::<PapersShown>(host, &args.booking, &record, &args.papers);
    Ok(())
}

pub fn accept(host: &mut impl Host, merchant: AccountId, args: AcceptIdentity) -> Result<(), Error> {
    let mut record = booking_of(host, &args.booking)?;
    stage::check_merchant(&record, &merchant)?;
    stage::check(host, &record, &[Status::Requested, Status::Paid])?;
    match record.identity {
        Identity::NotRequired => return Err(Error::PapersNotAsked),
        Identity::Missing => return Err(Error::PapersMissing),
        Identity::Accepted => return Err(Error::AlreadyAccepted),
        Identity::Shown => {}
    }
    if record.papers != Some(args.papers) {
        return Err(Error::PapersDiffer);
    }

    // Everything is checked; from here on it must succeed.
    record.identity = Identity::Accepted;
    keep(host, &args.booking, &record);
    tell::<PapersAccepted>(host, &args.booking, &record, &args.papers);
    Ok(())
}
