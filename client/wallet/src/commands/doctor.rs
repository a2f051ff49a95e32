//! `countersign doctor`: what is wrong with this wallet and its way to the chain, how bad it is, and what to do. Changes nothing.
//!
//! ```text
//! home.rs: folder, keys ─→ chain.rs: node, chain, proofs, versions, clock ─→ relay.rs: sessions, relays
//!   ─→ card readers, time zone ─→ findings, an exit code
//! ```
mod chain;
mod home;
mod relay;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use countersign_client::card::pcsc::{self, Slot};
use countersign_client::card::reader::ReaderError;
use countersign_client::clock;
use countersign_client::rpc_types::finding::{Finding, Level};

/// Looks at everything, however much of it is wrong.
pub async fn run(options: &Global, output: &Output) -> Result<(), Failure> {
    let mut findings = Vec::new();
    home::examine(&options.home_folder(), &mut findings);
    Box::pin(chain::examine(options, &mut findings)).await;
    Box::pin(relay::examine(options, &mut findings)).await;
    findings.push(readers(pcsc::slots()));
    findings.push(time_zone(clock::zone()));
    output.result(&findings, || findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"));
    match findings.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        errors => Err(Failure::Unhealthy { errors }),
    }
}

/// Who uses no cards needs no readers: nothing of this is an error.
fn readers(found: Result<Vec<Slot>, ReaderError>) -> Finding {
    let told = |slot: &Slot| format!("{} ({})", slot.reader, if slot.has_card { "a card is in it" } else { "no card" });
    match found {
        Ok(slots) if slots.is_empty() => Finding::note("reader", "the card service runs and knows no card reader"),
        Ok(slots) => Finding::ok("reader", slots.iter().map(told).collect::<Vec<_>>().join(", ")),
        Err(error) => Finding::note("reader", format!("cards cannot be used: {error}")),
    }
}

fn time_zone(zone: Option<String>) -> Finding {
    match zone {
        Some(zone) => Finding::ok("time zone", format!("times are shown as in {zone}")),
        None => Finding::note("time zone", "the system tells none: times are shown in UTC (TZ=Europe/Berlin sets one)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_without_cards_is_whole() {
        let slot = Slot { reader: "Virtual 00".into(), has_card: true };
        assert_eq!(readers(Ok(vec![slot])), Finding::ok("reader", "Virtual 00 (a card is in it)"));
        assert_eq!(readers(Ok(Vec::new())).level, Level::Note);
        assert_eq!(readers(Err(ReaderError::NoService { at: String::new() })).level, Level::Note);
        assert_eq!((time_zone(None).level, time_zone(Some("UTC".into())).level), (Level::Note, Level::Ok));
    }
}
