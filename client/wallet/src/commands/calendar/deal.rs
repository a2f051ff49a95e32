//! What a contract's jobs are about: a deal with an id, and what becomes of it when its time comes, in words.
use crate::failure::Failure;
use crate::session::Session;
use countersign_client::display::account_words;
use countersign_client::interface::{booking, rebate, topup};
use countersign_client::rpc::ClientError;
use countersign_client::rpc_types::{ErrorCode, EventView, JobView};
use countersign_client::types::text::{self, DOCUMENT, REQUEST};
use countersign_client::types::{AccountId, Amount, AssetId, Hash, Timestamp};
use countersign_client::value::show_amount;
use countersign_client::{Client, Directory, Need};

/// Contracts and their events by which accounts come to be part of a deal the ledger will end. Their first field is its id.
pub const OPENED: &[(&str, &str)] =
    &[("booking", "Requested"), ("rebate", "Claimed"), ("topup", "Requested"), ("topup", "HandingOver")];

/// A deal on the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Deal {
    /// A booking by its id.
    Booking(Hash),
    /// A rebate by the hash of its offer.
    Rebate(Hash),
    /// A top-up, cash-out or payment by its business id.
    Request(Hash),
}

/// What the ledger will do about a deal.
#[derive(Clone, Debug)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// In words.
    pub what: String,
    /// Whom it concerns, `csa1…`.
    pub accounts: Vec<String>,
}

/// The id that stands first in the fields of every job and event about a deal.
fn first_hash(bytes: &[u8]) -> Option<Hash> {
    Some(Hash(*bytes.first_chunk()?))
}

impl Deal {
    /// The deal a job is about; `None` for contracts not known here.
    pub fn of_job(job: &JobView) -> Option<Self> {
        let id = first_hash(&job.args.0)?;
        match (job.module.as_str(), job.method.as_str()) {
            ("booking", "lapse" | "no_show" | "complete" | "release") => Some(Self::Booking(id)),
            ("rebate", "settle") => Some(Self::Rebate(id)),
            ("topup", "expire") => Some(Self::Request(id)),
            _ => None,
        }
    }

    /// The deal one of the [`OPENED`] events is about.
    pub fn of_event(event: &EventView) -> Option<Self> {
        let id = first_hash(&event.data.0)?;
        match (event.module.as_str(), event.name.as_str()) {
            ("booking", "Requested") => Some(Self::Booking(id)),
            ("rebate", "Claimed") => Some(Self::Rebate(id)),
            ("topup", "Requested" | "HandingOver") => Some(Self::Request(id)),
            _ => None,
        }
    }

    /// The contract.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Booking(_) => "booking",
            Self::Rebate(_) => "rebate",
            Self::Request(_) => "topup",
        }
    }

    /// The id as the contract's commands take it.
    pub fn id(self) -> String {
        match self {
            Self::Booking(booking) => booking.to_string(),
            Self::Rebate(offer) => text::encode(DOCUMENT, &offer.0),
            Self::Request(request) => text::encode(REQUEST, &request.0),
        }
    }

    /// What the ledger will do about it; `None` if it has ended.
    pub async fn due(self, session: &mut Session) -> Result<Option<Due>, Failure> {
        let client = session.client("the calendar")?.clone();
        match self {
            Self::Booking(booking) => {
                let query = booking::BookingOf { booking };
                let asked = client.ask("booking", booking::BookingOf::NAME, &query).await;
                match known(asked)? {
                    Some(record) => of_booking(session, &client, &record).await,
                    None => Ok(None),
                }
            }
            Self::Rebate(rebate) => {
                let query = rebate::RebateOf { rebate };
                let asked = client.ask("rebate", rebate::RebateOf::NAME, &query).await;
                match known(asked)? {
                    Some(record) => of_rebate(session, &client, &record).await,
                    None => Ok(None),
                }
            }
            Self::Request(request) => {
                let query = topup::RequestOf { request };
                let asked = client.ask("topup", topup::RequestOf::NAME, &query).await;
                match known(asked)? {
                    Some(record) => of_request(session, &client, &record).await,
                    None => Ok(None),
                }
            }
        }
    }
}

/// A contract that was upgraded may keep other records, or none under this id: then there is nothing to tell in words.
fn known<T>(asked: Result<T, ClientError>) -> Result<Option<T>, Failure> {
    match asked {
        Ok(record) => Ok(Some(record)),
        Err(ClientError::BadAnswer { .. }) => Ok(None),
        Err(error) => match error.code() {
            Some(ErrorCode::QueryFailed | ErrorCode::NotFound) => Ok(None),
            _ => Err(error.into()),
        },
    }
}

async fn of_booking(
    session: &mut Session,
    client: &Client,
    record: &booking::BookingRecord,
) -> Result<Option<Due>, Failure> {
    let people = [record.customer, record.merchant];
    learn(session, client, record.asset, &people).await?;
    let what = booking_words(record, &session.directory);
    Ok(what.map(|what| Due { at: record.due_at, what, accounts: texts(&people) }))
}

/// What becomes of a booking when its next time comes; `None` once it has ended.
fn booking_words(record: &booking::BookingRecord, directory: &Directory) -> Option<String> {
    use booking::Status;
    let [customer, merchant] = [record.customer, record.merchant].map(|account| account_words(&account, directory));
    let price = money(record.price, record.asset, directory);
    let kind = &record.kind;
    match record.status {
        Status::Requested => {
            Some(format!("the booking of {customer} with {merchant} ({kind}) lapses, unless the {price} are paid"))
        }
        Status::Paid => Some(format!(
            "{customer} counts as not having come to {merchant} ({kind}), unless it has checked in; {price} are in escrow"
        )),
        Status::CheckedIn | Status::CheckedOut => {
            Some(format!("the time {customer} booked ({kind}) is over, and the {price} in escrow go to {merchant}"))
        }
        Status::Disputed => Some(format!(
            "the {price} in escrow between {customer} and {merchant} are split as the listing says, \
             unless the arbiter has decided"
        )),
        Status::Lapsed
        | Status::Cancelled
        | Status::Withdrawn
        | Status::NoShow
        | Status::Completed
        | Status::Resolved
        | Status::Undecided => None,
    }
}

async fn of_rebate(
    session: &mut Session,
    client: &Client,
    record: &rebate::RebateRecord,
) -> Result<Option<Due>, Failure> {
    let people = [record.merchant, record.customer, record.third_party];
    learn(session, client, record.asset, &people).await?;
    let what = rebate_words(record, &session.directory);
    Ok(what.map(|what| Due { at: record.settles_at, what, accounts: texts(&people) }))
}

/// What becomes of a rebate at its time; `None` once it is settled.
fn rebate_words(record: &rebate::RebateRecord, directory: &Directory) -> Option<String> {
    use rebate::State;
    let [merchant, customer, third_party] =
        [record.merchant, record.customer, record.third_party].map(|account| account_words(&account, directory));
    let amount = money(record.amount, record.asset, directory);
    let gets = format!("{customer} gets the rebate of {amount} from {merchant}");
    match (record.state, record.purchase_required) {
        (State::Paid | State::Reversed, _) => None,
        (_, false) => Some(gets),
        (State::Locked, true) => Some(format!("{gets}, less the part of what {third_party} is refunded")),
        (State::Pending, true) => Some(format!(
            "{amount} set aside as a rebate for {customer} return to {merchant}, unless {third_party} has bought"
        )),
    }
}

async fn of_request(
    session: &mut Session,
    client: &Client,
    record: &topup::RequestRecord,
) -> Result<Option<Due>, Failure> {
    let people: Vec<_> = [Some(record.holder), record.agent, record.payee].into_iter().flatten().collect();
    learn(session, client, record.asset, &people).await?;
    let what = request_words(record, &session.directory);
    Ok(what.map(|what| Due { at: record.ends_at, what, accounts: texts(&people) }))
}

/// What becomes of a request at its end; `None` once it is closed.
fn request_words(record: &topup::RequestRecord, directory: &Directory) -> Option<String> {
    use topup::{Kind, State};
    let holder = account_words(&record.holder, directory);
    let agent = record.agent.map_or_else(|| "an agent".into(), |agent| account_words(&agent, directory));
    let amount = money(record.amount, record.asset, directory);
    let with_fee = record.amount.checked_add(record.fee).unwrap_or(record.amount);
    let set_aside = money(with_fee, record.asset, directory);
    match (record.state, record.kind) {
        (State::Open, Kind::CashOut) => Some(format!(
            "the cash-out of {amount} by {holder} ends, and the {set_aside} set aside return to {holder}, \
             unless {agent} has taken it on"
        )),
        (State::Open, Kind::TopUp) => {
            Some(format!("the request of {holder} for a top-up of {amount} ends, unless {agent} has carried it out"))
        }
        (State::Open, Kind::Payment) => {
            Some(format!("the request of {holder} for a payment of {amount} ends, unless {agent} has carried it out"))
        }
        (State::HandingOver, _) => {
            Some(format!("{set_aside} return to {holder}, unless {holder} has confirmed the cash from {agent}"))
        }
        (State::Done | State::Cancelled | State::Rejected | State::Expired, _) => None,
    }
}

fn texts(accounts: &[AccountId]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

fn money(amount: Amount, asset: AssetId, directory: &Directory) -> String {
    format!("{} {asset}", show_amount(amount, directory.decimals(&asset)))
}

/// Learns the names and decimals it takes to tell a deal.
async fn learn(session: &mut Session, client: &Client, asset: AssetId, people: &[AccountId]) -> Result<(), Failure> {
    let names = people.iter().map(|account| Need::NameOf(*account));
    Ok(client.learn_all(&mut session.directory, names.chain([Need::Decimals(asset)]).collect()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::directory::bundled_all;
    use countersign_client::rpc_types::HexBytes;
    use countersign_client::types::interface::{Basic, Field, MethodKind, Type};

    fn begins_with_a_hash(fields: &[Field]) -> bool {
        fields.first().is_some_and(|field| field.ty == Type::Basic(Basic::Hash))
    }

    /// A contract that is added gets its words here.
    #[test]
    fn every_job_of_every_contract_is_told_in_words() {
        let mut seen = 0;
        for interface in bundled_all() {
            for method in interface.methods.iter().filter(|method| method.kind == MethodKind::Scheduled) {
                assert!(begins_with_a_hash(&method.fields), "{}.{}", interface.module, method.name);
                let job = JobView {
                    job: 0,
                    at_ms: 0,
                    module: interface.module.to_string(),
                    method: method.name.clone(),
                    args: HexBytes(vec![7; 32]),
                };
                let deal = Deal::of_job(&job).unwrap_or_else(|| panic!("{}.{}", interface.module, method.name));
                assert_eq!(deal.module(), interface.module.as_str());
                seen += 1;
            }
        }
        assert!(seen >= 2);
    }

    #[test]
    fn the_events_of_the_table_are_declared_and_tell_the_deal() {
        for (module, name) in OPENED {
            let interface = bundled_all().into_iter().find(|interface| interface.module.as_str() == *module).unwrap();
            let event = interface.events.iter().find(|event| event.name == *name).unwrap();
            assert!(begins_with_a_hash(&event.fields), "{module}.{name}");
            let data = HexBytes(vec![7; 40]);
            let event = EventView { module: (*module).into(), name: (*name).into(), accounts: Vec::new(), data };
            assert_eq!(Deal::of_event(&event).unwrap().module(), *module);
        }
    }

    #[test]
    fn fields_that_are_too_short_name_no_deal() {
        let job =
            JobView { job: 0, at_ms: 0, module: "topup".into(), method: "expire".into(), args: HexBytes(vec![7; 31]) };
        assert_eq!(Deal::of_job(&job), None);
    }

    const ASSET: &str = "EUR";

    /// Knows three people and an asset with two decimals.
    fn directory() -> (Directory, [AccountId; 3]) {
        let mut directory = Directory::new(Timestamp::ZERO);
        directory.set_decimals(ASSET.parse().unwrap(), 2);
        let people = [1, 2, 3].map(|byte| AccountId([byte; 32]));
        for (account, name) in people.iter().zip(["shop.example", "anna@shop.example", "nils@shop.example"]) {
            directory.set_name(*account, Some(name));
        }
        (directory, people)
    }

    #[test]
    fn bookings_are_told_until_they_end() {
        use booking::{Identity, Status};
        let (directory, [merchant, customer, _]) = directory();
        let told = |status| {
            let record = booking::BookingRecord {
                customer,
                merchant,
                listing: 1,
                kind: "double room".parse().unwrap(),
                from: Timestamp::ZERO,
                until: Timestamp::ZERO,
                asset: ASSET.parse().unwrap(),
                price: Amount::new(24_000),
                object: None,
                identity: Identity::NotRequired,
                papers: None,
                status,
                due_at: Timestamp::ZERO,
                job: 0,
                to_customer: Amount::ZERO,
                to_merchant: Amount::ZERO,
                settled: false,
            };
            booking_words(&record, &directory)
        };
        for (status, words) in [
            (Status::Requested, "with shop.example (double room) lapses, unless the 240.00 EUR are paid"),
            (Status::Paid, "anna@shop.example counts as not having come to shop.example (double room)"),
            (Status::CheckedIn, "is over, and the 240.00 EUR in escrow go to shop.example"),
            (Status::CheckedOut, "is over, and the 240.00 EUR in escrow go to shop.example"),
            (Status::Disputed, "are split as the listing says, unless the arbiter has decided"),
        ] {
            let told = told(status).unwrap();
            assert!(told.contains(words), "{told}");
        }
        for status in [Status::Lapsed, Status::Cancelled, Status::NoShow, Status::Completed, Status::Undecided] {
            assert_eq!(told(status), None);
        }
    }

    #[test]
    fn rebates_are_told_until_they_are_settled() {
        use rebate::State;
        let (directory, [merchant, customer, third_party]) = directory();
        let told = |state, purchase_required| {
            let record = rebate::RebateRecord {
                offer: Hash::ZERO,
                merchant,
                customer,
                third_party,
                asset: ASSET.parse().unwrap(),
                amount: Amount::new(1_050),
                paid: Amount::ZERO,
                settles_at: Timestamp::ZERO,
                purchase_required,
                purchase: None,
                state,
            };
            rebate_words(&record, &directory)
        };
        let gets = "anna@shop.example gets the rebate of 10.50 EUR from shop.example";
        assert_eq!(told(State::Pending, false).as_deref(), Some(gets));
        assert_eq!(told(State::Locked, false).as_deref(), Some(gets));
        let less = format!("{gets}, less the part of what nils@shop.example is refunded");
        assert_eq!(told(State::Locked, true), Some(less));
        let returns = "10.50 EUR set aside as a rebate for anna@shop.example return to shop.example, \
                       unless nils@shop.example has bought";
        assert_eq!(told(State::Pending, true).as_deref(), Some(returns));
        assert_eq!([told(State::Paid, true), told(State::Reversed, false)], [None, None]);
    }

    #[test]
    fn requests_are_told_until_they_are_closed() {
        use topup::{Kind, Mode, State};
        let (directory, [agent, holder, payee]) = directory();
        let told = |state, kind, agent| {
            let record = topup::RequestRecord {
                holder,
                mode: Mode::Proxy,
                kind,
                asset: ASSET.parse().unwrap(),
                amount: Amount::new(6_000),
                fee: Amount::new(60),
                payee: (kind == Kind::Payment).then_some(payee),
                reference: "".parse().unwrap(),
                agent,
                requested_at: Timestamp::ZERO,
                ends_at: Timestamp::ZERO,
                job: 0,
                state,
            };
            request_words(&record, &directory)
        };
        for (state, kind, agent, words) in [
            (
                State::Open,
                Kind::CashOut,
                None,
                "the cash-out of 60.00 EUR by anna@shop.example ends, and the 60.60 EUR set aside return to \
                 anna@shop.example, unless an agent has taken it on",
            ),
            (
                State::Open,
                Kind::TopUp,
                Some(agent),
                "the request of anna@shop.example for a top-up of 60.00 EUR ends, unless shop.example has carried it out",
            ),
            (
                State::Open,
                Kind::Payment,
                None,
                "the request of anna@shop.example for a payment of 60.00 EUR ends, unless an agent has carried it out",
            ),
            (
                State::HandingOver,
                Kind::CashOut,
                Some(agent),
                "60.60 EUR return to anna@shop.example, unless anna@shop.example has confirmed the cash from shop.example",
            ),
        ] {
            assert_eq!(told(state, kind, agent).as_deref(), Some(words));
        }
        for state in [State::Done, State::Cancelled, State::Rejected, State::Expired] {
            assert_eq!(told(state, Kind::CashOut, Some(agent)), None);
        }
    }
}
