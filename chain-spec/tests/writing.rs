//! Writing a genesis and reading it again gives the same chain, and a chain does not depend on how its specification is arranged.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_chain_spec::{DEV, dev, parse, to_toml};
use countersign_types::genesis::GenesisNode;
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{Authority, Genesis, Timestamp};
use std::path::Path;

fn again(genesis: &Genesis) -> Genesis {
    let text = to_toml(genesis);
    parse(&text, Path::new("")).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

#[test]
fn several_keys_with_weights_come_back_and_the_first_names_the_account() {
    let mut genesis = dev();
    let mut members = genesis.members.to_vec();
    let own = members[1].authority.keys[0].0;
    let mut keys =
        vec![(own, 2), (public_key(&development_secret("second")), 1), (public_key(&development_secret("third")), 1)];
    keys.sort_unstable();
    members[1].authority = Authority { threshold: 3, keys: keys.try_into().unwrap() };
    genesis.members = members.try_into().unwrap();
    assert_eq!(again(&genesis), genesis);
}

#[test]
fn one_key_with_a_weight_comes_back() {
    let mut genesis = dev();
    let mut members = genesis.members.to_vec();
    let own = members[0].authority.keys[0].0;
    members[0].authority = Authority { threshold: 7, keys: vec![(own, 7)].try_into().unwrap() };
    genesis.members = members.try_into().unwrap();
    assert_eq!(again(&genesis), genesis);
}

#[test]
fn titles_times_and_parameters_come_back() {
    let mut genesis = dev();
    genesis.title = "a \"quoted\" \\ title, äöü".parse().unwrap();
    genesis.params.timeout_vote_ms = 321;
    genesis.params.quota_gas = countersign_types::Gas::MAX;
    for millis in [0, 1_767_225_600_123, u64::MAX] {
        genesis.time = Timestamp::from_millis(millis);
        assert_eq!(again(&genesis), genesis);
    }
}

#[test]
fn nodes_come_back_sorted_with_and_without_an_address() {
    let mut genesis = dev();
    let member = genesis.members[0].id;
    let node = |name: &str, address: &str| GenesisNode {
        key: public_key(&development_secret(name)),
        member,
        address: address.parse().unwrap(),
    };
    let mut nodes = vec![node("node-1", "/dns4/node.city-books.example/tcp/26600"), node("node-2", "")];
    nodes.sort_by_key(|node| node.key);
    genesis.nodes = nodes.try_into().unwrap();
    assert_eq!(again(&genesis), genesis);
    let text = to_toml(&genesis);
    assert!(text.contains("member = \"city-books.example\"\naddress = \"/dns4/node.city-books.example/tcp/26600\""));
}

#[test]
fn the_order_of_sections_does_not_change_the_chain() {
    let mut sections: Vec<&str> = DEV.split("\n[[").collect();
    let head = sections.remove(0);
    sections.reverse();
    let reversed = std::iter::once(head).chain(sections).collect::<Vec<_>>().join("\n\n[[");
    assert_ne!(reversed, DEV);
    assert_eq!(parse(&reversed, Path::new("")).unwrap().chain(), dev().chain());
}
