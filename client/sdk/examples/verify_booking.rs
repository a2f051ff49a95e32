//! Verifies a booking: its record is proven under a header that the chain's validators certified, so the node that answers need not be
//! trusted.
//!
//! ```text
//! verify_booking NODE CHAIN BOOKING
//! verify_booking ws://127.0.0.1:26800 <id of the chain> <id of the booking>
//! ```
//! The chain's id is the only thing that is trusted: it is the hash of the genesis, which names the first validators.
use countersign_client::interface::booking::{BookingRecord, record_key};
use countersign_client::rpc::Patience;
use countersign_client::types::{Hash, decode, limits};
use countersign_client::verify::Verification;
use countersign_client::{Client, clock};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, chain, booking] = &arguments[..] else {
        return Err("usage: verify_booking NODE CHAIN BOOKING".into());
    };
    let (chain, booking): (Hash, Hash) = (chain.parse()?, booking.parse()?);
    let client = Client::new(node, Patience::default())?.verifying(Verification::of(chain));

    let found = client.verified(record_key(&booking)).await?;
    let as_of = clock::to_local(found.time);
    let Some(bytes) = found.value else {
        return Err(format!("it is proven that there is no booking {booking} (as of {as_of})").into());
    };
    let record: BookingRecord = decode("booking", &bytes, limits::ARGS_BYTES_MAX)?;
    println!("booking {booking}");
    println!("customer {}", record.customer);
    println!("merchant {}", record.merchant);
    println!("from {} until {}", clock::to_utc(record.from), clock::to_utc(record.until));
    println!("status {:?}", record.status);
    println!("object {}", record.object.as_ref().map_or("none chosen yet", |object| object.as_str()));
    println!("proven as of {as_of}");
    Ok(())
}
