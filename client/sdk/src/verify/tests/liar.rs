//! Every lie of a node is refused with its own error; an honest one is believed.
use super::super::*;
use super::world::*;
use crate::Client;
use crate::rpc::{ClientError, Patience};
use crate::rpc_types::{ErrorCode, HexBytes, TxStatus};
use crate::types::{AccountId, Amount, PublicKey, Receipt, SignedTransaction, Site, ValidatorSet, state_key};
use countersign_interface::topup::{RequestOf, RequestRecord};
use parity_scale_codec::{DecodeAll, Encode};
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex};

/// What comes of asking a world for Alice's balance.
async fn balance(world: World) -> Result<Amount, ClientError> {
    let verification = Verification::of(world.chain());
    let (client, _server) = world.serve(verification).await;
    Ok(client.verified_balance(&alice(), &eur()).await?.value.unwrap_or(Amount::ZERO))
}

async fn refused(world: World) -> VerifyError {
    unverified(balance(world).await)
}

fn unverified<T: std::fmt::Debug>(result: Result<T, ClientError>) -> VerifyError {
    match result {
        Err(ClientError::Unverified(error)) => error,
        other => panic!("not refused as a lie: {other:?}"),
    }
}

fn bytes(value: &Json) -> Vec<u8> {
    serde_json::from_value::<HexBytes>(value.clone()).unwrap().0
}

#[tokio::test]
async fn an_honest_node_is_believed_and_it_is_told_under_which_header() {
    let world = World::new();
    let chain = world.chain();
    let (client, _server) = world.serve(Verification::of(chain)).await;
    let view = client.balance(&alice().to_string(), "EUR").await.unwrap();
    assert_eq!((view.amount.as_str(), view.decimals), ("1250", 2));
    let told = Word::Proven { height: Height::new(HEAD), time: Timestamp::from_millis(HEAD) };
    assert_eq!(client.provenance().word(), Some(told));
    let nothing = client.balance(&AccountId([3; 32]).to_string(), "EUR").await.unwrap();
    assert_eq!(nothing.amount, "0", "absence is proven too");
    let unknown = client.asset("GBP").await.unwrap_err();
    assert_eq!(unknown.code(), Some(ErrorCode::NotFound));
}

#[tokio::test]
async fn a_contracts_record_answers_its_query_without_the_node_being_asked() {
    let world = World::new();
    let chain = world.chain();
    let (client, _server) = world.serve(Verification::of(chain)).await;
    let record: RequestRecord = client.ask("topup", RequestOf::NAME, &RequestOf { request: REQUEST }).await.unwrap();
    assert_eq!((record.holder, record.amount), (alice(), Amount::new(500)));
    let unknown = RequestOf { request: Hash([6; 32]) };
    let error = client.ask::<RequestRecord>("topup", RequestOf::NAME, &unknown).await.unwrap_err();
    let ClientError::Refused(refusal) = error else { panic!("a refusal: {error:?}") };
    assert_eq!(refusal.code, Some(ErrorCode::QueryFailed));
    assert_eq!(refusal.data.unwrap()["name"], "topup.UnknownRequest");
}

#[tokio::test]
async fn a_members_site_and_who_may_relay_for_it_are_proven() {
    let world = World::new();
    let chain = world.chain();
    let (client, _server) = world.serve(Verification::of(chain)).await;
    assert_eq!(client.site(HOTELS_NAME).await.unwrap(), Some(site()));
    assert_eq!(client.site(&HOTEL.to_string()).await.unwrap(), Some(site()));
    let view = client.site_view(HOTELS_NAME).await.unwrap();
    assert_eq!((view.name.as_str(), view.endpoint.as_str()), (HOTELS_NAME, site().endpoint.as_str()));
    let relays: Vec<_> = view.relays.iter().map(|relay| (relay.member.as_deref(), relay.can_relay)).collect();
    assert_eq!(relays, [(Some(HOTELS_NAME), true), (None, false)]);
    let account = client.verified_account(&HOTEL).await.unwrap().value.unwrap();
    assert_eq!(account.encryption_key, Some([11; 32]));
    assert_eq!(client.site(&alice().to_string()).await.unwrap(), None, "absence is proven too");
    assert!(matches!(client.provenance().word(), Some(Word::Proven { .. })));
    for unknown in ["nobody.example".to_owned(), alice().to_string()] {
        assert_eq!(client.site_view(&unknown).await.unwrap_err().code(), Some(ErrorCode::NotFound), "{unknown}");
    }
    assert_eq!(client.site("nobody.example").await.unwrap_err().code(), Some(ErrorCode::NotFound));

    let believing = Client::new(client.url(), Patience::default()).unwrap();
    assert_eq!(believing.site(&HOTEL.to_string()).await.unwrap(), Some(site()));
    assert_eq!(believing.provenance().word(), Some(Word::Heard));
}

#[tokio::test]
async fn a_site_with_another_relay_than_the_member_granted_is_refused() {
    let told = json!(HexBytes(site().encode()));
    let other = Site { relays: vec![PublicKey([66; 32])].try_into().unwrap(), ..site() };
    for forged in [json!(HexBytes(other.encode())), Json::Null] {
        let told = told.clone();
        let world = World::new().lie("state_proof", move |answer| {
            if answer["value"] == told {
                answer["value"] = forged.clone();
            }
        });
        let chain = world.chain();
        let (client, _server) = world.serve(Verification::of(chain)).await;
        assert!(matches!(unverified(client.site(HOTELS_NAME).await), VerifyError::Proof(_)));
        assert!(matches!(unverified(client.site_view(HOTELS_NAME).await), VerifyError::Proof(_)));
    }
}

#[tokio::test]
async fn a_wrong_value_and_a_wrong_proof_are_refused() {
    let more = |answer: &mut Json| answer["value"] = json!(HexBytes(Amount::new(9_999).encode()));
    assert!(matches!(
        refused(World::new().lie("state_proof", more)).await,
        VerifyError::Proof(ProofError::Root { .. })
    ));
    let absent = |answer: &mut Json| answer["value"] = Json::Null;
    assert_eq!(refused(World::new().lie("state_proof", absent)).await, VerifyError::Proof(ProofError::Present));
    let world = World::new();
    let elsewhere = json!(world.value(&state_key::asset(&eur())).proof);
    let of_another = move |answer: &mut Json| answer["proof"] = elsewhere.clone();
    assert!(matches!(refused(world.lie("state_proof", of_another)).await, VerifyError::Proof(_)));
    let world = World::new();
    let missing = world.value(&state_key::balance(&AccountId([3; 32]), &eur()));
    let of_absence = move |answer: &mut Json| *answer = json!(missing);
    assert!(matches!(refused(world.lie("state_proof", of_absence)).await, VerifyError::Proof(_)));
    let garbage = |answer: &mut Json| answer["proof"] = json!("0x1234");
    assert!(matches!(refused(World::new().lie("state_proof", garbage)).await, VerifyError::Decode(_)));
}

#[tokio::test]
async fn a_forged_certificate_is_refused() {
    let with = |signers: fn(&World) -> Vec<String>| {
        let world = World::new();
        let by = signers(&world);
        let forged = json!(view(world.header(HEAD), &by, &set(world.signers(HEAD))));
        refused(world.lie("chain_header", move |answer| *answer = forged.clone()))
    };
    let few = with(|world| world.new[..2].to_vec()).await;
    assert_eq!(few, VerifyError::Certificate(BadCertificate::TooFew { power: 2, total: 4 }));
    let doubled = with(|world| vec![world.new[0].clone(), world.new[0].clone(), world.new[1].clone()]).await;
    assert_eq!(doubled, VerifyError::Certificate(BadCertificate::Order));
    let replaced = with(|world| world.old.clone()).await;
    assert_eq!(replaced, VerifyError::Certificate(BadCertificate::Stranger));
    let none = |answer: &mut Json| answer["certificate"] = Json::Null;
    assert_eq!(refused(World::new().lie("chain_header", none)).await, VerifyError::NoCertificate { height: HEAD });
    // Signed by the right ones, but for another header.
    let world = World::new();
    let other = json!(world.view(BLOCK).certificate);
    let moved = move |answer: &mut Json| answer["certificate"] = other.clone();
    assert_eq!(refused(world.lie("chain_header", moved)).await, VerifyError::Certificate(BadCertificate::OtherBlock));
}

#[tokio::test]
async fn a_withheld_or_altered_change_of_the_validators_is_refused() {
    let withheld = refused(World::new().lie("chain_validators", |answer| *answer = json!([]))).await;
    assert_eq!(withheld, VerifyError::OtherValidators { height: HEAD });
    let others: ValidatorSet = set(&names("mine"));
    let replaced = refused(World::new().lie("chain_validators", move |answer| {
        answer[0]["next"] = json!(HexBytes(others.encode()));
    }));
    assert!(matches!(replaced.await, VerifyError::OtherValidators { .. }));
    // A change that only those it brings have signed.
    let world = World::new();
    let own = json!([handover(world.header(3), &world.new, &set(&world.new))]);
    let forged = refused(world.lie("chain_validators", move |answer| *answer = own.clone())).await;
    assert_eq!(forged, VerifyError::Certificate(BadCertificate::Stranger));
}

#[tokio::test]
async fn a_foreign_chain_is_refused() {
    let world = World::new();
    let (found, trusted) = (world.chain(), Hash([8; 32]));
    let (client, _server) = world.serve(Verification::of(trusted)).await;
    let error = unverified(client.chain().await);
    assert_eq!(error, VerifyError::ForeignChain { found, trusted });
    assert!(error.to_string().contains("network trust"), "it is told what to do");
    // A node that names the chain wanted and has another.
    let world = World::new();
    let found = world.chain();
    let named = world.lie("chain_head", move |answer| answer["chain"] = json!(trusted.to_string()));
    let (client, _server) = named.serve(Verification::of(trusted)).await;
    assert_eq!(unverified(client.chain().await), VerifyError::OtherGenesis { found, wanted: trusted });
}

#[tokio::test]
async fn what_was_seen_is_kept_and_an_older_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrustStore::new(folder.path().join("chains"));
    let first = Arc::new(Mutex::new(Vec::new()));
    let told = first.clone();
    let verification = Verification {
        chain: None,
        store: Some(store.clone()),
        on_first_use: Arc::new(move |first: &FirstUse| told.lock().unwrap().push(first.clone())),
    };
    let world = World::new();
    let chain = world.chain();
    let (client, _server) = world.serve(verification.clone()).await;
    client.verified_balance(&alice(), &eur()).await.unwrap();
    assert_eq!(first.lock().unwrap()[0].chain, chain);
    assert_eq!(first.lock().unwrap()[0].title, "a small ledger", "by the genesis, not by the node");
    let kept = store.load(&chain).unwrap().unwrap();
    assert_eq!(kept.newest().map(|mark| mark.height), Some(Height::new(HEAD)));
    assert_eq!(store.default_chain().unwrap(), Some(chain));

    // The next run needs neither the genesis nor the changes followed before.
    let forgetful = World::new()
        .lie("chain_spec", |answer| *answer = json!("0x"))
        .lie("chain_validators", |answer| *answer = json!([]));
    let (client, _server) = forgetful.serve(verification.clone()).await;
    client.verified_balance(&alice(), &eur()).await.unwrap();
    assert_eq!(first.lock().unwrap().len(), 1, "told once");

    let behind = World::new().lie("chain_head", |answer| answer["height"] = json!(BLOCK));
    let (client, _server) = behind.serve(verification.clone()).await;
    let refused = unverified(client.verified_balance(&alice(), &eur()).await);
    assert_eq!(refused, VerifyError::OlderThanSeen { seen: HEAD, found: BLOCK });

    // Another header of the same height, certified by validators that lie too.
    let mut split = World::new();
    split.headers[HEAD as usize - 1].params_hash = Hash([1; 32]);
    let (client, _server) = split.serve(verification).await;
    let refused = unverified(client.verified_balance(&alice(), &eur()).await);
    assert_eq!(refused, VerifyError::Split { height: HEAD });
}

#[tokio::test]
async fn a_state_that_no_header_certifies_yet_is_the_one_before_it() {
    // The node has executed a block that no other follows: what is certified is believed, whatever it tells of the
    // rest.
    let ahead = World::new().lie("chain_head", |answer| answer["state_root"] = json!(Hash([1; 32]).to_string()));
    assert_eq!(balance(ahead).await.unwrap(), Amount::new(1_250));
}

/// What comes of asking a world for the status of a transaction.
async fn status(world: World, index: usize) -> Result<TxStatus, ClientError> {
    let (chain, id) = (world.chain(), world.id(index));
    let (client, _server) = world.serve(Verification::of(chain)).await;
    client.status(&id).await
}

#[tokio::test]
async fn a_receipt_is_believed_with_its_proof() {
    let done = status(World::new(), 0).await.unwrap();
    assert_eq!(done, World::new().status(0));
    let TxStatus::Final { receipt, .. } = status(World::new(), 1).await.unwrap() else { panic!("it is final") };
    assert_eq!(receipt.failure.unwrap().name, "expired");
}

#[tokio::test]
async fn a_receipt_that_is_not_the_transactions_is_refused() {
    // It failed, and the node says it did not.
    let claimed = status(World::new().lie("tx_status", |answer| answer["receipt"]["ok"] = json!(true)), 1).await;
    assert_eq!(unverified(claimed), VerifyError::OtherReceipt);
    // The same with bytes that say so, which it cannot prove.
    let world = World::new();
    let forged = json!(HexBytes(Receipt { outcome: Ok(()), ..world.receipts[1].clone() }.encode()));
    let also = forged.clone();
    let world = world
        .lie("tx_status", move |answer| {
            answer["receipt"]["ok"] = json!(true);
            answer["receipt"]["receipt"] = also.clone();
        })
        .lie("tx_proof", move |answer| answer["receipt"] = forged.clone());
    assert_eq!(unverified(status(world, 1).await), VerifyError::ReceiptProof { height: BLOCK + 1 });
    // A good receipt with its proof, of another transaction.
    let world = World::new();
    let (told, proof) = (json!(world.status(0)), json!(world.proof(0)));
    let world = world
        .lie("tx_status", move |answer| *answer = told.clone())
        .lie("tx_proof", move |answer| *answer = proof.clone());
    assert_eq!(unverified(status(world, 1).await), VerifyError::NotItsReceipt);
    // That of a try that left the transaction to a later block.
    assert_eq!(unverified(status(World::new(), 2).await), VerifyError::NotItsReceipt);
    // Another receipt than the one told.
    let world = World::new();
    let other = json!(world.proof(1));
    let world = world.lie("tx_proof", move |answer| *answer = other.clone());
    assert_eq!(unverified(status(world, 0).await), VerifyError::OtherReceipt);
}

#[tokio::test]
async fn a_transaction_elsewhere_or_with_other_signatures_is_refused() {
    let moved = |answer: &mut Json| answer["index"] = json!(2);
    let world = World::new().lie("tx_status", moved).lie("tx_proof", moved);
    assert_eq!(unverified(status(world, 0).await), VerifyError::TransactionProof { height: BLOCK });
    let world = World::new();
    let header = json!(HexBytes(world.header(4).encode()));
    let world = world.lie("tx_proof", move |answer| answer["header"] = header.clone());
    assert_eq!(unverified(status(world, 0).await), VerifyError::TransactionProof { height: BLOCK });
    let world = World::new().lie("tx_proof", |answer| {
        let mut transaction = SignedTransaction::decode_all(&mut &bytes(&answer["transaction"])[..]).unwrap();
        transaction.transaction.salt = [9; 8];
        answer["transaction"] = json!(HexBytes(transaction.encode()));
    });
    assert_eq!(unverified(status(world, 0).await), VerifyError::TransactionProof { height: BLOCK });
    let world = World::new();
    let (told, proof) = (BLOCK - 1, BLOCK - 1);
    let world = world
        .lie("tx_status", move |answer| answer["height"] = json!(told))
        .lie("tx_proof", move |answer| answer["height"] = json!(proof));
    assert_eq!(unverified(status(world, 0).await), VerifyError::ReceiptProof { height: BLOCK });
}
