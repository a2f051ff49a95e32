//! What the contract keeps, and the one way it leaves events.
use countersign_contract_sdk::{Host, Map};
use countersign_interface::Event;
use countersign_interface::topup::{self, DayUse, Licence, RequestRecord};
use countersign_types::{AccountId, Amount, AssetId, Hash};

/// Requests by their business id.
pub const REQUESTS: Map<Hash, RequestRecord> = Map::new(topup::REQUESTS);
/// Licences by agent and asset.
pub const LICENCES: Map<(AccountId, AssetId), Licence> = Map::new(topup::LICENCES);
/// What went through a licensed agent on its last busy day, by agent and asset. It outlives the licence: a new one does not make
/// the day start again.
pub const USED: Map<(AccountId, AssetId), DayUse> = Map::new(topup::USED);
/// The sum of amounts and fees of the cash-outs that are not closed.
pub const SET_ASIDE: Map<AssetId, Amount> = Map::new(topup::SET_ASIDE);

/// Leaves an event, listed under the accounts it names.
pub fn emit<E: Event>(host: &mut impl Host, event: &E) {
    host.emit(E::KIND, event.accounts(), event.encode());
}
