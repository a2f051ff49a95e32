//! Blocks offered for heights this node has not reached yet: kept, a few, until it can judge them.
use crate::context::Offer;
use crate::limits::{EARLY_BLOCKS_MAX, EARLY_BYTES_MAX, HEIGHTS_AHEAD_MAX};
use countersign_types::Height;
use std::collections::BTreeMap;

/// Offers kept in all.
const OFFERS_MAX: usize = EARLY_BLOCKS_MAX * HEIGHTS_AHEAD_MAX as usize;

/// The blocks, by height, in the order they came.
#[derive(Default)]
pub(crate) struct Early {
    offers: BTreeMap<Height, Vec<Offer>>,
}

impl Early {
    /// Keeps an offer, if its height is near and there is room. What is dropped is offered again in a later round, or synced.
    /// `current` is the height being worked on; none before the engine starts, when every height may be the next.
    pub(crate) fn keep(&mut self, current: Option<Height>, offer: Offer) {
        let height = offer.signed.statement.height();
        let near = current.is_none_or(|now| height.get() <= now.get().saturating_add(HEIGHTS_AHEAD_MAX));
        let bytes: usize = self.offers.values().flatten().map(|kept| kept.block.bytes().len()).sum();
        let fits = bytes + offer.block.bytes().len() <= EARLY_BYTES_MAX;
        let full = self.offers.values().map(Vec::len).sum::<usize>() >= OFFERS_MAX;
        if !near || !fits || full {
            return;
        }
        let kept = self.offers.entry(height).or_default();
        if kept.len() < EARLY_BLOCKS_MAX && !kept.iter().any(|other| other.signed.statement == offer.signed.statement) {
            kept.push(offer);
        }
    }

    /// Takes the offers of a height that begins, and forgets those before it.
    pub(crate) fn take(&mut self, height: Height) -> Vec<Offer> {
        let later = self.offers.split_off(&height.next());
        std::mem::replace(&mut self.offers, later).remove(&height).unwrap_or_default()
    }
}
