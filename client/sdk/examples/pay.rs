//! Pays somebody: draws up a transfer, shows it in words, tries it, signs it, hands it in and waits until it is final.
//!
//! ```text
//! pay NODE CHAIN KEYS KEY PAYEE ASSET AMOUNT
//! pay ws://127.0.0.1:26800 <id of the chain> ~/.countersign/keys alice@harbor-hotel.example harbor-hotel.example EUR 12.50
//! ```
//! The passphrase of the key is taken from `COUNTERSIGN_PASSPHRASE`. The chain's id is to come from somebody who is trusted: then the
//! payee's account and the asset's decimals are believed only with proof.
use countersign_client::builder::{self, BuildError, CallDraft};
use countersign_client::display::{self, DisplayError};
use countersign_client::rpc::{Patience, with_needs};
use countersign_client::types::Hash;
use countersign_client::verify::Verification;
use countersign_client::{Client, Directory, Keystore, Need, clock};
use serde_json::json;
use std::error::Error;
use std::time::Duration;

/// How long a payment is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, chain, keys, key, payee, asset, amount] = &arguments[..] else {
        return Err("usage: pay NODE CHAIN KEYS KEY PAYEE ASSET AMOUNT".into());
    };
    let chain: Hash = chain.parse()?;
    let client = Client::new(node, Patience::default())?.verifying(Verification::of(chain));

    // Whoever signs: a key of the store, or the program that keeps it.
    let passphrase = std::env::var("COUNTERSIGN_PASSPHRASE").ok();
    let signer = Keystore::new(keys).signer(key, passphrase.as_deref())?;

    // A call by names. What names and amounts mean is learned from the ledger.
    let mut directory = Directory::new(clock::now());
    client.learn(&mut directory, &Need::Account(payee.clone())).await?;
    let draft = CallDraft {
        module: "assets".into(),
        method: "transfer".into(),
        parties: vec![("payer".into(), signer.account())],
        args: json!({ "asset": asset, "to": payee, "amount": amount, "reference": "an example" }),
    };
    let build = |directory: &Directory| draft.build(directory);
    let call = with_needs::<_, BuildError, Box<dyn Error>>(Some(&client), &mut directory, build).await?;
    let mut proposal = builder::transaction(chain, vec![call], None, &directory)?;

    // What a person should read before the signature.
    let describe = |directory: &Directory| display::describe(&proposal, directory);
    let told = with_needs::<_, DisplayError, Box<dyn Error>>(Some(&client), &mut directory, describe).await?;
    for call in &told.calls {
        println!("{}", call.line);
    }
    let unsigned = proposal.to_transaction().ok_or("a transaction was built")?;
    if let Some(failure) = client.simulate(&unsigned).await?.receipt.failure {
        return Err(format!("it would be refused ({}): {}", failure.name, failure.message).into());
    }

    signer.sign_proposal(&mut proposal, &signer.account())?;
    let signed = proposal.to_transaction().ok_or("a transaction was built")?;
    let finality = client.submit_and_wait(&signed, PATIENCE).await?;
    match finality.receipt.failure {
        Some(failure) => Err(format!("it failed ({}): {}", failure.name, failure.message).into()),
        None => {
            println!("paid by {} in block {}", finality.id, finality.height);
            Ok(())
        }
    }
}
