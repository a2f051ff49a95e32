//! The site signs a user's own enrolment, and nothing else.
use crate::relay::{Relay, now_ms};
use crate::server::{CHAIN, SITE, Site};
use countersign_client::interface::Method as _;
use countersign_client::interface::registry::{Enrol, SetHolderSuspended};
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{
    ENROL, EnrolAsk, Enrolled, SESSION, SessionAsk, SessionHolder, SessionToken,
};
use countersign_client::types::proposal::Subject;
use countersign_client::types::signature::{development_secret, public_key};
use countersign_client::types::transaction::VerifiedTransaction;
use countersign_client::types::{AccountId, Call, Hash, Proposal, Timestamp, Transaction};

const PASSWORD: &str = "correct horse battery";

fn account(name: &str) -> AccountId {
    AccountId::of_key(&public_key(&development_secret(name)))
}

fn enrol(user: &str, holder: &str) -> Call {
    Enrol { name: format!("{user}@{SITE}").parse().unwrap() }.call(&[account(SITE), account(holder)])
}

/// A proposal of these calls that `signer` has signed.
fn proposal(calls: Vec<Call>, chain: &str, validity_ms: u64, signer: &str) -> Vec<u8> {
    let now_ms = now_ms();
    let transaction = Transaction {
        chain: chain.parse().unwrap(),
        valid_from: Timestamp::from_millis(now_ms - 60_000),
        expires_at: Timestamp::from_millis(now_ms + validity_ms),
        salt: [1; 8],
        calls: calls.try_into().unwrap(),
    };
    let mut proposal = Proposal::new(Subject::Transaction(transaction));
    proposal.sign(&account(signer), &development_secret(signer)).unwrap();
    proposal.to_bytes()
}

fn ask(session: SessionToken, proposal: Vec<u8>) -> EnrolAsk {
    EnrolAsk { session, proposal: HexBytes(proposal) }
}

const TEN_MINUTES: u64 = 600_000;

#[tokio::test]
async fn a_first_login_enrols_the_wallets_account() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let own = proposal(vec![enrol("alice", "alice")], CHAIN, TEN_MINUTES, "alice");
    let enrolled: Enrolled = relay.ask(ENROL, &ask(session, own.clone())).await.json();
    let signed = Proposal::from_bytes(&enrolled.proposal.0).unwrap();
    let chain: Hash = CHAIN.parse().unwrap();
    let verified = VerifiedTransaction::verify(signed.to_transaction().unwrap(), &chain);
    assert!(verified.is_ok(), "complete, and every signature is valid: {verified:?}");
    let holder: SessionHolder = relay.ask(SESSION, &SessionAsk { session }).await.json();
    assert_eq!(holder.account, Some(account("alice").to_string()));
    let again: Enrolled = relay.ask(ENROL, &ask(session, own)).await.json();
    assert_eq!(again, enrolled, "the same again, should the answer have been lost");

    // Another wallet of the same user cannot take the name.
    let other = relay.login_as("alice", PASSWORD, "alices-phone").await.unwrap();
    assert_eq!(other.holder.account, Some(account("alice").to_string()));
    let taking = proposal(vec![enrol("alice", "alices-phone")], CHAIN, TEN_MINUTES, "alices-phone");
    let got = relay.ask(ENROL, &ask(other.session, taking.clone())).await;
    assert_eq!(got.fault(), (409, "account_bound".into()));
    site.done(&["user", "unbind", "alice"]);
    assert_eq!(relay.ask(ENROL, &ask(other.session, taking)).await.status, 200, "the operator has freed it");
}

#[tokio::test]
async fn anything_but_the_users_own_enrolment_is_refused() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.add_user("bob", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let suspend = SetHolderSuspended { holder: account("bob"), suspended: true }.call(&[account(SITE)]);
    let both = vec![enrol("alice", "alice"), suspend];
    let other_chain = "22".repeat(32);
    for (why, proposal) in [
        ("another name", proposal(vec![enrol("bob", "alice")], CHAIN, TEN_MINUTES, "alice")),
        ("another key", proposal(vec![enrol("alice", "bob")], CHAIN, TEN_MINUTES, "bob")),
        ("a second call", proposal(both, CHAIN, TEN_MINUTES, "alice")),
        ("another chain", proposal(vec![enrol("alice", "alice")], &other_chain, TEN_MINUTES, "alice")),
        ("valid for days", proposal(vec![enrol("alice", "alice")], CHAIN, 3 * 24 * 3_600_000, "alice")),
        ("signed by the site only", proposal(vec![enrol("alice", "alice")], CHAIN, TEN_MINUTES, SITE)),
        ("no proposal", b"CSP\x01".to_vec()),
        ("too long", vec![0; 4097]),
    ] {
        let got = relay.ask(ENROL, &ask(session, proposal)).await;
        assert_eq!(got.fault(), (422, "enrol_refused".into()), "{why}");
    }
    let holder: SessionHolder = relay.ask(SESSION, &SessionAsk { session }).await.json();
    assert_eq!(holder.account, None, "nothing was bound");
    let own = proposal(vec![enrol("alice", "alice")], CHAIN, TEN_MINUTES, "alice");
    let unknown = relay.ask(ENROL, &ask(SessionToken([3; 32]), own)).await;
    assert_eq!(unknown.fault(), (403, "unknown_session".into()));
}

#[tokio::test]
async fn a_site_without_a_key_for_it_signs_nothing() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let path = site.own("site.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.split("[enrol]").next().unwrap()).unwrap();
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let own = proposal(vec![enrol("alice", "alice")], CHAIN, TEN_MINUTES, "alice");
    assert_eq!(relay.ask(ENROL, &ask(session, own)).await.fault(), (501, "enrol_unavailable".into()));
}
