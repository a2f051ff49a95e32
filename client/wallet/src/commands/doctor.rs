//! `countersign doctor`: what is wrong with this wallet and its way to the chain, how bad it is, and what to do. Changes nothing.
//!
//! ```text
//! home.rs: folder, keys ─→ chain.rs: node, chain, proofs, versions, clock ─→ findings, an exit code
//! ```
mod chain;
mod home;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use countersign_client::clock;
use countersign_client::rpc_types::finding::{Finding, Level};

/// Looks at everything, however much of it is wrong.
pub async fn run(options: &Global, output: Output) -> Result<(), Failure> {
    let mut findings = Vec::new();
    home::examine(&options.home_folder(), &mut findings);
    Box::pin(chain::examine(options, &mut findings)).await;
    findings.push(time_zone(clock::zone()));
    output.result(&findings, || findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"));
    match findings.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        errors => Err(Failure::Unhealthy { errors }),
    }
}

fn time_zone(zone: Option<String>) -> Finding {
    match zone {
        Some(zone) => Finding::ok("time zone", format!("times are shown as in {zone}")),
        None => Finding::note("time zone", "the system tells none: times are shown in UTC (TZ=Europe/Berlin sets one)"),
    }
}
