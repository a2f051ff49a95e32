//! A few values in hex, for those who write another client: each line can be checked by hand.
use crate::frozen;
use countersign_types::signature::{development_secret, public_key, sign, verify};
use countersign_types::*;
use parity_scale_codec::Encode;

const SECOND: u64 = 1000;

fn example() -> Transaction {
    let party = |name| AccountId::of_key(&public_key(&development_secret(name)));
    let call = Call {
        module: "rebate".parse().unwrap(),
        method: Selector(*b"\x01\x02\x03\x04\x05\x06\x07\x08"),
        parties: vec![party("harbor-hotel.example"), party("alice@harbor-hotel.example")].try_into().unwrap(),
        args: ("EUR".parse::<AssetId>().unwrap(), Amount::new(12_50), "room 7".parse::<Text>().unwrap())
            .encode()
            .try_into()
            .unwrap(),
    };
    Transaction {
        chain: Hash([0xc5; 32]),
        valid_from: Timestamp::from_millis(1_767_225_600 * SECOND),
        expires_at: Timestamp::from_millis(1_767_226_200 * SECOND),
        salt: [7; 8],
        calls: vec![call].try_into().unwrap(),
    }
}

#[test]
fn a_transaction_from_its_parts_to_its_signature() {
    let transaction = example();
    let call = &transaction.calls[0];
    let id = transaction.id();
    let secret = development_secret("alice@harbor-hotel.example");
    let (key, message) =
        (public_key(&secret), transaction::signing_bytes(transaction::SIGNING, &transaction.chain, &id.0));
    let signature = sign(&secret, &message);
    assert!(verify(&key, &message, &signature));
    let mut proposal = Proposal::new(proposal::Subject::Transaction(transaction.clone()));
    proposal.sign(&AccountId::of_key(&key), &secret).unwrap();
    let rows = [
        ("chain", hex::encode(transaction.chain.0)),
        ("valid_from", hex::encode(transaction.valid_from.encode())),
        ("expires_at", hex::encode(transaction.expires_at.encode())),
        ("salt", hex::encode(transaction.salt)),
        ("call.module", hex::encode(call.module.encode())),
        ("call.method", hex::encode(call.method.encode())),
        ("call.parties", hex::encode(call.parties.encode())),
        ("call.args", hex::encode(call.args.encode())),
        ("transaction", hex::encode(transaction.encode())),
        ("transaction.id", hex::encode(id.0.0)),
        ("transaction.id as text", id.to_string()),
        ("secret of alice@harbor-hotel.example", hex::encode(secret)),
        ("key", hex::encode(key.0)),
        ("key as text", key.to_string()),
        ("account as text", AccountId::of_key(&key).to_string()),
        ("signing bytes", hex::encode(message)),
        ("signature", hex::encode(signature.0)),
        ("proposal file", hex::encode(proposal.to_bytes())),
    ];
    let lines: String = rows.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    frozen::check("transaction.txt", &format!("# A transaction, its id, what a party signs, the signature.\n{lines}"));
}

#[test]
fn ids_as_texts() {
    let kinds = [
        text::ACCOUNT,
        text::TRANSACTION,
        text::BLOCK,
        text::DOCUMENT,
        text::KEY,
        text::CHAIN,
        text::REQUEST,
        text::MESSAGE,
    ];
    let lines: String = kinds
        .iter()
        .flat_map(|kind| {
            [[0; 32], [0xff; 32]].map(|bytes| format!("{kind} {} {}\n", hex::encode(bytes), text::encode(kind, &bytes)))
        })
        .collect();
    frozen::check("texts.txt", &format!("# Kind, 32 bytes, their text.\n{lines}"));
}
