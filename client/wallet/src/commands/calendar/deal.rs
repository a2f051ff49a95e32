//! What a contract's jobs are about: a deal with an id, and what becomes of it when its time comes, in words.
use crate::failure::Failure;
use crate::session::Session;
use countersign_client::display::account_words;
use countersign_client::interface::{rebate, topup};
use countersign_client::rpc::ClientError;
use countersign_client::rpc_types::{ErrorCode, EventView, JobView};
use countersign_client::types::text::{self, DOCUMENT, REQUEST};
use countersign_client::types::{AccountId, Amount, AssetId, Hash, Timestamp};
use countersign_client::value::show_amount;
use countersign_client::{Client, Need};

/// Contracts and their events by which accounts come to be part of a deal the ledger will end. Their first field is its id.
pub const OPENED: &[(&str, &str)] = &[("rebate", "Claimed"), ("topup", "Requested"), ("topup", "HandingOver")];

/// A deal on the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Deal {
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
            ("rebate", "settle") => Some(Self::Rebate(id)),
            ("topup", "expire") => Some(Self::Request(id)),
            _ => None,
        }
    }

    /// The deal one of the [`OPENED`] events is about.
    pub fn of_event(event: &EventView) -> Option<Self> {
        let id = first_hash(&event.data.0)?;
        match (event.module.as_str(), event.name.as_str()) {
            ("rebate", "Claimed") => Some(Self::Rebate(id)),
            ("topup", "Requested" | "HandingOver") => Some(Self::Request(id)),
            _ => None,
        }
    }

    /// The contract.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Rebate(_) => "rebate",
            Self::Request(_) => "topup",
        }
    }

    /// The id as the contract's commands take it.
    pub fn id(self) -> String {
        match self {
            Self::Rebate(offer) => text::encode(DOCUMENT, &offer.0),
            Self::Request(request) => text::encode(REQUEST, &request.0),
        }
    }

    /// What the ledger will do about it; `None` if it has ended.
    pub async fn due(self, session: &mut Session) -> Result<Option<Due>, Failure> {
        let client = session.client("the calendar")?.clone();
        match self {
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

async fn of_rebate(
    session: &mut Session,
    client: &Client,
    record: &rebate::RebateRecord,
) -> Result<Option<Due>, Failure> {
    let people = [record.merchant, record.customer, record.third_party];
    let words = Words::learn(session, client, record.asset, &people).await?;
    let [merchant, customer, third_party] = people.map(|account| account_words(&account, &session.directory));
    let amount = words.money(record.amount);
    let what = match (record.state, record.purchase_required) {
        (rebate::State::Paid | rebate::State::Reversed, _) => return Ok(None),
        (rebate::State::Locked, true) => {
            format!(
                "{customer} gets the rebate of {amount} from {merchant}, less what is refunded of {third_party}'s purchase"
            )
        }
        (_, false) => format!("{customer} gets the rebate of {amount} from {merchant}"),
        (rebate::State::Pending, true) => {
            format!(
                "{amount} set aside as a rebate for {customer} return to {merchant}, unless {third_party} has bought"
            )
        }
    };
    Ok(Some(Due { at: record.settles_at, what, accounts: texts(&people) }))
}

async fn of_request(
    session: &mut Session,
    client: &Client,
    record: &topup::RequestRecord,
) -> Result<Option<Due>, Failure> {
    use topup::{Kind, State};
    let mut people = vec![record.holder];
    people.extend([record.agent, record.payee].into_iter().flatten());
    let words = Words::learn(session, client, record.asset, &people).await?;
    let holder = account_words(&record.holder, &session.directory);
    let agent = record.agent.map_or_else(|| "an agent".into(), |agent| account_words(&agent, &session.directory));
    let set_aside = words.money(record.amount.checked_add(record.fee).unwrap_or(record.amount));
    let amount = words.money(record.amount);
    let what = match (record.state, record.kind) {
        (State::Open, Kind::CashOut) => format!(
            "the cash-out of {amount} by {holder} ends, and the {set_aside} set aside return to {holder}, \
             unless {agent} has taken it on"
        ),
        (State::Open, Kind::TopUp) => {
            format!("the request of {holder} for a top-up of {amount} ends, unless {agent} has carried it out")
        }
        (State::Open, Kind::Payment) => {
            format!("the request of {holder} for a payment of {amount} ends, unless {agent} has carried it out")
        }
        (State::HandingOver, _) => {
            format!("{set_aside} return to {holder}, unless {holder} has confirmed the cash from {agent}")
        }
        (State::Done | State::Cancelled | State::Rejected | State::Expired, _) => return Ok(None),
    };
    Ok(Some(Due { at: record.ends_at, what, accounts: texts(&people) }))
}

fn texts(accounts: &[AccountId]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

/// What it takes to tell a deal: the names and decimals are in the directory.
struct Words {
    asset: AssetId,
    decimals: Option<u8>,
}

impl Words {
    async fn learn(
        session: &mut Session,
        client: &Client,
        asset: AssetId,
        people: &[AccountId],
    ) -> Result<Self, Failure> {
        let names = people.iter().map(|account| Need::NameOf(*account));
        client.learn_all(&mut session.directory, names.chain([Need::Decimals(asset)]).collect()).await?;
        Ok(Self { asset, decimals: session.directory.decimals(&asset) })
    }

    fn money(&self, amount: Amount) -> String {
        format!("{} {}", show_amount(amount, self.decimals), self.asset)
    }
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
}
