//! Follows the events of an account: all since the last run, then those that happen. Where it stands is kept in a file, so that none is
//! missed or told twice, whatever happens to the connection, the node or this program.
//!
//! ```text
//! follow_events NODE ACCOUNT FILE [COUNT]
//! follow_events ws://127.0.0.1:26800 csa1… events.cursor
//! ```
//! With COUNT it ends after that many events.
use countersign_client::rpc::Patience;
use countersign_client::rpc_types::EventFilter;
use countersign_client::{Client, Directory, clock, display};
use std::error::Error;
use std::fs;
use std::io::ErrorKind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (node, account, file, count) = match &arguments[..] {
        [node, account, file] => (node, account, file, None),
        [node, account, file, count] => (node, account, file, Some(count.parse::<usize>()?)),
        _ => return Err("usage: follow_events NODE ACCOUNT FILE [COUNT]".into()),
    };
    let client = Client::new(node, Patience::default())?;
    let filter = EventFilter { account: Some(account.clone()), ..EventFilter::default() };

    // Without a file: from the beginning of the chain on, for this is what its first cursor says.
    let cursor = match fs::read_to_string(file) {
        Ok(cursor) => cursor.trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => "0.0.0".to_owned(),
        Err(error) => return Err(error.into()),
    };
    let mut directory = Directory::new(clock::now());
    let mut events = client.follow(filter, Some(cursor));
    let mut told = 0;
    while count.is_none_or(|count| told < count) {
        let placed = events.next().await?;
        // Names and decimals in an event are learned as they come.
        let needs = display::event_needs(&placed.event, &directory);
        client.learn_all(&mut directory, needs).await?;
        let words = display::describe_event(&placed.event, &directory).words;
        let words: Vec<String> = words.iter().map(|(name, value)| format!("{name} {value}")).collect();
        println!("block {}: {}.{}: {}", placed.height, placed.event.module, placed.event.name, words.join(", "));
        // Only now has it been dealt with.
        fs::write(file, placed.cursor)?;
        told += 1;
    }
    Ok(())
}
