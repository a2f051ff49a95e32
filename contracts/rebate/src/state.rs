//! What the contract keeps, and the one way it leaves events.
use countersign_contract_sdk::{Host, Map};
use countersign_interface::Event;
use countersign_interface::rebate::{self, PurchaseRecord, RebateRecord};
use countersign_types::{Amount, AssetId, Hash};

/// Purchases by their id.
pub const PURCHASES: Map<Hash, PurchaseRecord> = Map::new(rebate::PURCHASES);
/// Rebates by the hash of their offer.
pub const REBATES: Map<Hash, RebateRecord> = Map::new(rebate::REBATES);
/// The new purchase by the hash of the offer it redeemed.
pub const REDEEMED: Map<Hash, Hash> = Map::new(2);
/// The sum of the rebates that are not settled.
pub const SET_ASIDE: Map<AssetId, Amount> = Map::new(rebate::SET_ASIDE);

/// Leaves an event, listed under the accounts it names.
pub fn emit<E: Event>(host: &mut impl Host, event: &E) {
    host.emit(E::KIND, event.accounts(), event.encode());
}
