//! The development network's specification is what its documentation says.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_chain_spec::dev;
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{AccountId, Authority, PublicKey, Role};

fn key(name: &str) -> PublicKey {
    public_key(&development_secret(name))
}

fn account(name: &str) -> AccountId {
    AccountId::of_key(&key(name))
}

#[test]
fn every_key_is_the_development_key_of_its_full_name() {
    let genesis = dev();
    for member in &genesis.members {
        assert_eq!(member.authority, Authority::single(key(member.name.as_str())), "{}", member.name);
        assert_eq!(member.id, account(member.name.as_str()));
    }
    for holder in &genesis.holders {
        assert_eq!(holder.key, key(holder.name.as_str()), "{}", holder.name);
        assert_eq!(holder.id, account(holder.name.as_str()));
    }
    let validators: Vec<_> = genesis.validators.0.iter().map(|validator| validator.key).collect();
    assert_eq!(validators, [key("validator-1")]);
}

#[test]
fn the_cast_of_the_stories_is_there() {
    let genesis = dev();
    let mut members: Vec<_> =
        genesis.members.iter().map(|member| (member.name.as_str(), member.roles.to_vec())).collect();
    members.sort();
    assert_eq!(
        members,
        [
            ("city-books.example", vec![Role::Merchant, Role::Relay]),
            ("harbor-bank.example", vec![Role::Issuer, Role::Agent, Role::CardIssuer, Role::Relay]),
            ("harbor-hotel.example", vec![Role::Merchant, Role::Relay]),
        ]
    );
    let mut holders: Vec<_> = genesis.holders.iter().map(|holder| holder.name.as_str()).collect();
    holders.sort_unstable();
    let expected = [
        "alice@harbor-hotel.example",
        "bob@harbor-hotel.example",
        "carol@city-books.example",
        "dave@city-books.example",
    ];
    assert_eq!(holders, expected);
    assert_eq!((genesis.council.members.len(), genesis.council.threshold), (3, 2));
    let euro = &genesis.assets[0];
    assert_eq!((euro.id.as_str(), euro.decimals, euro.issuer), ("EUR", 2, account("harbor-bank.example")));
    let holding = |name| euro.balances.iter().any(|(id, amount)| *id == account(name) && !amount.is_zero());
    assert!(expected.into_iter().chain(["harbor-hotel.example", "city-books.example"]).all(holding));
    let contracts: Vec<_> = genesis.contracts.iter().map(|contract| contract.name.as_str()).collect();
    let built: Vec<_> = countersign_artifacts::CONTRACTS.iter().map(|contract| contract.name).collect();
    assert_eq!(contracts, built);
}

/// The order of keys, sections and comments is not part of a chain's identity.
#[test]
fn writing_it_and_reading_it_again_gives_the_same_chain() {
    let genesis = dev();
    let text = countersign_chain_spec::to_toml(&genesis);
    let again = countersign_chain_spec::parse(&text, std::path::Path::new(""))
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(again, genesis);
    assert_eq!(again.chain(), genesis.chain());
}
