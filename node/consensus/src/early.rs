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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{offer, padded_offer};

    fn height(number: u64) -> Height {
        Height::new(number)
    }

    #[test]
    fn offers_wait_for_their_height() {
        let mut early = Early::default();
        let (next, after) = (offer(1, height(5), 0), offer(1, height(6), 0));
        early.keep(Some(height(4)), after.clone());
        early.keep(Some(height(4)), next.clone());
        assert_eq!(early.take(height(5)), [next]);
        assert_eq!(early.take(height(5)), []);
        assert_eq!(early.take(height(6)), [after]);
    }

    #[test]
    fn offers_of_heights_that_passed_are_forgotten() {
        let mut early = Early::default();
        early.keep(Some(height(4)), offer(1, height(5), 0));
        assert_eq!(early.take(height(6)), []);
        assert_eq!(early.take(height(5)), []);
    }

    #[test]
    fn distant_repeated_and_too_many_offers_are_not_kept() {
        let mut early = Early::default();
        early.keep(Some(height(4)), offer(1, height(4 + HEIGHTS_AHEAD_MAX + 1), 0));
        for round in 0..10 {
            early.keep(Some(height(4)), offer(1, height(5), 0));
            early.keep(Some(height(4)), offer(1, height(5), round));
        }
        assert_eq!(early.take(height(5)).len(), EARLY_BLOCKS_MAX);
        assert!(early.offers.is_empty());
    }

    #[test]
    fn before_the_engine_starts_any_height_is_kept_within_the_bounds() {
        let mut early = Early::default();
        for number in 1..100 {
            early.keep(None, offer(1, height(number), 0));
        }
        assert_eq!(early.offers.len(), OFFERS_MAX);
    }

    #[test]
    fn large_blocks_are_kept_up_to_a_total() {
        let mut early = Early::default();
        for round in 0..4 {
            early.keep(Some(height(4)), padded_offer(1, height(5), round, EARLY_BYTES_MAX / 3));
        }
        assert_eq!(early.take(height(5)).len(), 2);
    }
}
