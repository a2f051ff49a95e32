//! Writes sealed letters and fetches those that have come, for somebody whose wallet is logged in.
//!
//! ```text
//! countersign login alice@harbor-hotel.example --relay ws://127.0.0.1:26800
//! messages NODE CHAIN HOME alice@harbor-hotel.example bob@city-books.example "Shall we meet at nine?"
//! messages NODE CHAIN HOME alice@harbor-hotel.example
//! ```
//! HOME is the wallet's folder, with its keys, sessions and messages; the passphrase of the key is taken from
//! `COUNTERSIGN_PASSPHRASE`. The chain's id is to come from somebody who is trusted: then it is proven whose key a letter is sealed
//! to, and who has signed one that has come.
use countersign_client::messaging::inbox::fetch;
use countersign_client::messaging::send::send;
use countersign_client::messaging::store::id_text;
use countersign_client::messaging::{Body, Correspondent, EncryptionKey, MessageStore, SessionStore};
use countersign_client::relay::{LiveSession, RelayClient};
use countersign_client::rpc::Patience;
use countersign_client::types::Name;
use countersign_client::verify::Verification;
use countersign_client::{Client, Keystore, clock};
use std::error::Error;
use std::path::Path;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, chain, home, user, letter @ ..] = &arguments[..] else {
        return Err("usage: messages NODE CHAIN HOME USER [TO TEXT]".into());
    };
    let (home, user): (&Path, Name) = (home.as_ref(), user.parse()?);
    let client = Client::new(node, Patience::default())?.verifying(Verification::of(chain.parse()?));

    // The session that a log-in has opened, and the key that signs its requests and opens what has come.
    let stored = SessionStore::new(home.join("sessions")).open(Some(&user), None, clock::now())?;
    let passphrase = std::env::var("COUNTERSIGN_PASSPHRASE").ok();
    let key = Keystore::new(home.join("keys")).unlock(&stored.key_name, passphrase.as_deref())?;
    let relay = RelayClient::new(&stored.relay_url, Patience::default())?;
    let store = MessageStore::new(home, &stored.account);
    let session = LiveSession::new(relay, stored, &key);

    match letter {
        [] => receive(&client, &session, &EncryptionKey::of(&key), &store).await,
        [to, text] => {
            let to = Correspondent::find(&client, to).await?;
            let sent = send(&session, &store, &to, Body::text(text)?).await?;
            println!("{} to {} is on the relay's disk", id_text(&sent.id), to.name);
            Ok(())
        }
        _ => Err("usage: messages NODE CHAIN HOME USER [TO TEXT]".into()),
    }
}

/// Fetches what waits, and tells it.
async fn receive(
    client: &Client,
    session: &LiveSession<'_>,
    key: &EncryptionKey,
    store: &MessageStore,
) -> Result<(), Box<dyn Error>> {
    let fetched = fetch(client, session, key, store).await?;
    for head in &fetched.new {
        let message = store.read(&id_text(&head.id))?;
        let (Some(name), Some(signed)) = (&head.from_name, &message.signed) else {
            return Err("a message that is believed has a sender".into());
        };
        println!("{name}: {}", signed.letter.body.words());
        // What came with it is in `signed.letter.body`: a proposal to be shown and signed, a file to be saved.
    }
    for aside in fetched.aside.iter().filter_map(|head| head.aside.as_ref()) {
        eprintln!("set aside ({}): {}", aside.name, aside.reason);
    }
    Ok(())
}
