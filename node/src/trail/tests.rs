//! A trail by hand: four sets of validators, each handing over to the next.
use super::*;
use crate::chain::tests::certified;
use countersign_types::Validator;
use countersign_types::signature::{development_secret, public_key};

/// The named development validators, of power 1 each.
pub(crate) fn set(names: &[&str]) -> ValidatorSet {
    let mut validators: Vec<_> =
        names.iter().map(|name| Validator { key: public_key(&development_secret(name)), power: 1 }).collect();
    validators.sort();
    ValidatorSet(validators.try_into().unwrap())
}

fn genesis(names: &[&str]) -> Genesis {
    Genesis { validators: set(names), ..countersign_chain_spec::dev() }
}

fn header(genesis: &Genesis, height: u64, by: &[&str], next: &[&str]) -> Header {
    let first = countersign_executor::genesis_header(genesis, Hash::ZERO);
    let (validators_hash, next_validators_hash) = (set(by).hash(), set(next).hash());
    Header { height: Height::new(height), validators_hash, next_validators_hash, ..first }
}

fn link(genesis: &Genesis, height: u64, by: &[&str], next: &[&str]) -> Link {
    let header = header(genesis, height, by, next);
    let certificate = certified(&header, by);
    Link { header, certificate, next: set(next) }
}

const ONE: &[&str] = &["a", "b", "c", "d"];
const TWO: &[&str] = &["b", "c", "d", "e"];
const THREE: &[&str] = &["x", "y", "z"];

#[test]
fn certified_changes_lead_to_the_validators_of_today() {
    let genesis = genesis(ONE);
    let mut trust = Trust::of_genesis(&genesis);
    trust.follow(&link(&genesis, 10, ONE, TWO)).unwrap();
    trust.follow(&link(&genesis, 11, TWO, THREE)).unwrap();
    assert_eq!((trust.validators(), trust.since()), (&set(THREE), Height::new(12)));
    let today = header(&genesis, 90, THREE, THREE);
    trust.check(&today, &certified(&today, THREE)).unwrap();
    // Three of four are more than two thirds.
    let mut trust = Trust::of_genesis(&genesis);
    let mut few = link(&genesis, 10, ONE, TWO);
    few.certificate = certified(&few.header, &ONE[..3]);
    trust.follow(&few).unwrap();
}

#[test]
fn a_change_that_is_not_certified_leads_nowhere() {
    let genesis = genesis(ONE);
    let good = link(&genesis, 10, ONE, TWO);
    let refusal = |change: &dyn Fn(&mut Link)| {
        let mut trust = Trust::of_genesis(&genesis);
        let mut link = good.clone();
        change(&mut link);
        let refused = trust.follow(&link).unwrap_err();
        assert_eq!(trust, Trust::of_genesis(&genesis), "nothing is changed");
        refused
    };
    let height = Height::new(10);
    assert!(matches!(refusal(&|l| l.header.chain = Hash::ZERO), BadTrail::OtherChain { .. }));
    assert_eq!(
        refusal(&|l| l.header.height = Height::ZERO),
        BadTrail::Order { height: Height::ZERO, since: Height::new(1) }
    );
    assert_eq!(refusal(&|l| l.header.validators_hash = Hash::ZERO), BadTrail::OtherValidators { height });
    assert_eq!(refusal(&|l| l.next = set(THREE)), BadTrail::OtherNext { height });
    assert!(matches!(refusal(&|l| l.header.tx_root = Hash::ZERO), BadTrail::Certificate { .. }), "altered");
    let few = certified(&good.header, &ONE[..2]);
    assert!(matches!(
        refusal(&|l| l.certificate = few.clone()),
        BadTrail::Certificate { cause: BadCertificate::TooFew { power: 2, total: 4 }, .. }
    ));
    let strangers = certified(&good.header, THREE);
    assert!(matches!(refusal(&|l| l.certificate = strangers.clone()), BadTrail::Certificate { .. }));
    let empty = ValidatorSet(Default::default());
    let mut unsound = header(&genesis, 10, ONE, TWO);
    unsound.next_validators_hash = empty.hash();
    let unsound = Link { certificate: certified(&unsound, ONE), header: unsound, next: empty };
    assert_eq!(refusal(&|l| *l = unsound.clone()), BadTrail::OtherNext { height });
}

#[test]
fn a_header_of_validators_that_handed_over_is_not_believed() {
    let genesis = genesis(ONE);
    let mut trust = Trust::of_genesis(&genesis);
    trust.follow(&link(&genesis, 10, ONE, TWO)).unwrap();
    let late = header(&genesis, 11, ONE, ONE);
    assert!(matches!(trust.check(&late, &certified(&late, ONE)), Err(BadTrail::OtherValidators { .. })));
    let early = header(&genesis, 10, TWO, TWO);
    assert!(matches!(trust.check(&early, &certified(&early, TWO)), Err(BadTrail::Order { .. })));
}

#[test]
fn links_are_read_back_in_order_up_to_a_height() {
    let genesis = genesis(ONE);
    let store = countersign_state::MemoryStore::new();
    let links: Vec<Link> = (0..150).map(|n| link(&genesis, 3 + 2 * n, ONE, TWO)).collect();
    let index = links.iter().map(Link::entry).collect();
    let height = Height::new(400);
    store.checkpoint(&countersign_state::Checkpoint { height, index, ..Default::default() }).unwrap();
    assert_eq!(Link::stored(&store, height).unwrap(), links);
    assert_eq!(Link::stored(&store, Height::new(203)).unwrap(), links[..101]);
    assert_eq!(Link::stored(&store, Height::new(2)).unwrap(), []);
}
