//! Answers of the contracts' queries from their records on the ledger, by the layout that the contracts declare. What a
//! contract computes over many records (free objects, lists) has no proof and stays the node's word.
use super::records::refused;
use super::verifier::Standing;
use crate::rpc::ClientError;
use crate::rpc_types::{ErrorCode, FailureView};
use crate::types::{
    AccountId, Amount, AssetId, CallFault, Interface, Member, Role, Status, Text, Timestamp, decode, limits, state_key,
};
use crate::{Client, clock};
use countersign_interface::storage::record_key;
use countersign_interface::{Refusal, booking, card, rebate, topup};
use parity_scale_codec::{DecodeAll, Encode};

/// A contract whose records are read.
struct Contract {
    name: &'static str,
    interface: &'static Interface,
    query: String,
}

impl Contract {
    /// What the query answers for a record that is not there.
    fn refusal(&self, error: impl Refusal) -> ClientError {
        let view = FailureView::of_call(&CallFault::Refused(error.code()), Some(self.interface));
        let error = refused(ErrorCode::QueryFailed, format!("{}.{}: {}", self.name, self.query, view.message));
        match error {
            ClientError::Refused(refusal) => {
                ClientError::Refused(crate::rpc::Refusal { data: serde_json::to_value(view).ok(), ..refusal })
            }
            other => other,
        }
    }
}

impl Client {
    /// The encoded answer to a query; `None` if it does not follow from records that can be proven.
    pub(crate) async fn proven_query(
        &self,
        module: &str,
        query: &str,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let mut standing = self.standing().await?;
        let standing = &mut *standing;
        let contract = |name, interface| Contract { name, interface, query: query.into() };
        match module {
            "booking" => self.booking(standing, &contract("booking", booking::interface()), args).await,
            "card" => self.card(standing, &contract("card", card::interface()), args).await,
            "rebate" => self.rebate(standing, &contract("rebate", rebate::interface()), args).await,
            "topup" => self.topup(standing, &contract("topup", topup::interface()), args).await,
            _ => Ok(None),
        }
    }

    /// The record of a contract's map under a key; `None` if there is none.
    async fn stored<T: DecodeAll>(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        (map, key): (u8, &impl Encode),
    ) -> Result<Option<T>, ClientError> {
        Ok(self.read_as(standing, record_key(contract.name, map, key)).await?.value)
    }

    /// As [`Client::stored`], encoded; the query refuses with `error` if there is none.
    async fn stored_or<T: DecodeAll + Encode>(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        entry: (u8, &impl Encode),
        error: impl Refusal,
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let found: Option<T> = self.stored(standing, contract, entry).await?;
        Ok(Some(found.ok_or_else(|| contract.refusal(error))?.encode()))
    }

    /// The sum a contract keeps for an asset.
    async fn sum(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        map: u8,
        asset: AssetId,
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let sum: Option<Amount> = self.stored(standing, contract, (map, &asset)).await?;
        Ok(Some(sum.unwrap_or_default().encode()))
    }

    async fn booking(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, ClientError> {
        use booking::*;
        match contract.query.as_str() {
            BookingOf::NAME => {
                let BookingOf { booking } = read_args(args)?;
                let entry = (BOOKINGS, &booking);
                self.stored_or::<BookingRecord>(standing, contract, entry, Error::UnknownBooking).await
            }
            BoundSince::NAME => {
                let BoundSince { customer, merchant } = read_args(args)?;
                let entry = (USERS, &(customer, merchant));
                self.stored_or::<Timestamp>(standing, contract, entry, Error::NotBound).await
            }
            ListingOf::NAME => {
                let ListingOf { merchant, number } = read_args(args)?;
                let newest: Option<u32> = self.stored(standing, contract, (NEWEST, &merchant)).await?;
                let newest = newest.ok_or_else(|| contract.refusal(Error::NoListing))?;
                let entry = (LISTINGS, &(merchant, number.unwrap_or(newest)));
                self.stored_or::<ListingRecord>(standing, contract, entry, Error::NoListing).await
            }
            TypeOf::NAME => {
                let TypeOf { merchant, listing, kind } = read_args(args)?;
                let found: Option<ListingRecord> =
                    self.stored(standing, contract, (LISTINGS, &(merchant, listing))).await?;
                let record = found.ok_or_else(|| contract.refusal(Error::NoListing))?;
                let place = place_of(&record, &kind).ok_or_else(|| contract.refusal(Error::UnknownType))?;
                let entry = (TYPES, &(merchant, listing, place));
                self.stored_or::<ObjectType>(standing, contract, entry, Error::UnknownType).await
            }
            Escrow::NAME => {
                let Escrow { asset } = read_args(args)?;
                self.sum(standing, contract, ESCROW, asset).await
            }
            _ => Ok(None),
        }
    }

    async fn card(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, ClientError> {
        use card::*;
        match contract.query.as_str() {
            CardOf::NAME => {
                let CardOf { card } = read_args(args)?;
                let entry = (CARDS, &card_key(&card));
                self.stored_or::<CardRecord>(standing, contract, entry, Error::UnknownCard).await
            }
            PaymentOf::NAME => {
                let PaymentOf { device, order } = read_args(args)?;
                let entry = (PAYMENTS, &order_key(&device, &order));
                self.stored_or::<PaymentRecord>(standing, contract, entry, Error::UnknownPayment).await
            }
            Held::NAME => {
                let Held { asset } = read_args(args)?;
                self.sum(standing, contract, HELD, asset).await
            }
            _ => Ok(None),
        }
    }

    async fn rebate(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, ClientError> {
        use rebate::*;
        match contract.query.as_str() {
            PurchaseOf::NAME => {
                let PurchaseOf { purchase } = read_args(args)?;
                let entry = (PURCHASES, &purchase);
                self.stored_or::<PurchaseRecord>(standing, contract, entry, Error::UnknownPurchase).await
            }
            RebateOf::NAME => {
                let RebateOf { rebate } = read_args(args)?;
                let entry = (REBATES, &rebate);
                self.stored_or::<RebateRecord>(standing, contract, entry, Error::UnknownRebate).await
            }
            SetAside::NAME => {
                let rebate::SetAside { asset } = read_args(args)?;
                self.sum(standing, contract, SET_ASIDE, asset).await
            }
            _ => Ok(None),
        }
    }

    async fn topup(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        args: &[u8],
    ) -> Result<Option<Vec<u8>>, ClientError> {
        use topup::*;
        match contract.query.as_str() {
            RequestOf::NAME => {
                let RequestOf { request } = read_args(args)?;
                let entry = (REQUESTS, &request);
                self.stored_or::<RequestRecord>(standing, contract, entry, Error::UnknownRequest).await
            }
            LicenceOf::NAME => {
                let LicenceOf { agent, asset } = read_args(args)?;
                self.licence(standing, contract, agent, asset).await.map(Some)
            }
            SetAside::NAME => {
                let topup::SetAside { asset } = read_args(args)?;
                self.sum(standing, contract, SET_ASIDE, asset).await
            }
            _ => Ok(None),
        }
    }

    /// A licence as it counts now: from what is licensed, what went through today, and the member's record.
    async fn licence(
        &self,
        standing: &mut Standing,
        contract: &Contract,
        agent: AccountId,
        asset: AssetId,
    ) -> Result<Vec<u8>, ClientError> {
        use topup::{DayUse, Error, LICENCES, Licence, LicenceStatus, USED, day};
        let key = (agent, asset);
        let licence: Option<Licence> = self.stored(standing, contract, (LICENCES, &key)).await?;
        let Licence { member, per_request, per_day } =
            licence.ok_or_else(|| contract.refusal(Error::UnknownLicence))?;
        let used: Option<DayUse> = self.stored(standing, contract, (USED, &key)).await?;
        let record = self.read_as::<Member>(standing, state_key::member(&member)).await?;
        let today = day(clock::now().max(record.time));
        let used = used.filter(|used| used.day == today).map_or(Amount::ZERO, |used| used.amount);
        let valid =
            record.value.is_some_and(|record| record.status == Status::Active && record.roles.contains(&Role::Agent));
        Ok(LicenceStatus { member, per_request, per_day, used, valid }.encode())
    }
}

/// Where a type stands in its listing.
fn place_of(listing: &booking::ListingRecord, kind: &Text) -> Option<u8> {
    u8::try_from(listing.types.iter().position(|name| name == kind)?).ok()
}

fn read_args<T: DecodeAll>(args: &[u8]) -> Result<T, ClientError> {
    let bad = |error| refused(ErrorCode::BadInput, format!("args: {error}"));
    decode("arguments", args, limits::ARGS_BYTES_MAX).map_err(bad)
}
