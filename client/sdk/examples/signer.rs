//! A signer of another key store, as small as it can be: a program that the wallet starts when something is to be signed. It reads the
//! bytes on standard input and answers the signature in hexadecimal on standard output.
//!
//! ```text
//! signer NAME
//! countersign keys external alice --public-key csk1… --program target/debug/examples/signer --program-arg alice@harbor-hotel.example
//! ```
//! This one has the well-known development key of NAME; a real one asks its hardware module or agent, and whoever holds it.
use countersign_client::signer::MESSAGE_BYTES_MAX;
use countersign_client::types::signature::{development_secret, public_key, sign};
use std::error::Error;
use std::io::{self, Read};

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: signer NAME")?;
    let secret = development_secret(&name);
    // One program may serve several keys: the wallet says which it wants.
    let asked_for = std::env::var("COUNTERSIGN_SIGNER_KEY").unwrap_or_default();
    if asked_for != public_key(&secret).to_string() {
        return Err(format!("the key asked for, {asked_for}, is not that of {name}").into());
    }
    let mut message = Vec::new();
    io::stdin().take(MESSAGE_BYTES_MAX as u64 + 1).read_to_end(&mut message)?;
    if message.is_empty() || message.len() > MESSAGE_BYTES_MAX {
        return Err("there is nothing to sign, or too much".into());
    }
    println!("{}", hex::encode(sign(&secret, &message).0));
    Ok(())
}
