//! Sets the stage before the first story: two merchants' sites with their users, the relays each of them grants, and
//! all of that on the ledger, signed by the members themselves.
use super::fault::DemoError;
use super::network::{Network, RELAYS, Relay};
use super::process::Programs;
use super::sites::{Folder, Plan, Signing, Site};
use super::stage::{Person, Stage};
use std::panic::resume_unwind;
use std::path::Path;

/// The sites, in the order of the relays that keep their users' messages.
const PLANS: [Plan; RELAYS] = [
    Plan {
        member: "harbor-hotel.example",
        users: &["alice", "bob", "erin", "guest", "alice.phone"],
        contacts: &[
            ("alice", "carol@city-books.example", "Carol"),
            ("alice", "city-books.example", "The bookshop"),
            ("erin", "alice@harbor-hotel.example", "Alice"),
            ("guest", "alice@harbor-hotel.example", "Alice"),
        ],
        offer: ("Two nights for the price of one", "In November, for whoever brings a friend."),
    },
    Plan {
        member: "city-books.example",
        users: &["carol", "dave", "till-7"],
        contacts: &[("carol", "alice@harbor-hotel.example", "Alice")],
        offer: ("Autumn sale", "Every second book at half its price."),
    },
];
/// A member without users of its own: only its own account has messages.
const BANK: Person = Person("harbor-bank.example");

/// Starts the network in `dir` and sets it up.
pub fn stage(node: &Path, dir: &Path, validators: usize, programs: Programs) -> Result<Stage, DemoError> {
    let folder = Folder::make(dir.join("sites"), &PLANS)?;
    let network = Network::start(node, dir, validators, &folder.trusted())?;
    let (chain, relays) = (network.chain()?, network.relays());
    let mut stage = Stage::new(network, programs, folder, dir);
    let members = PLANS.map(|plan| Person(plan.member));
    stage.open_wallets(&members)?;
    stage.open_wallets(&[BANK])?;
    eprintln!("starting the sites of {}", members.map(|member| member.0).join(" and "));
    for (site, relay) in sites(&stage, &chain, relays)?.into_iter().zip(relays) {
        enter_on_the_ledger(&mut stage, Person(site.member()), &site.endpoint, &site.key, relay)?;
        eprintln!(
            "  {}  {}  process {}  its users' messages: relay of {relay}",
            site.member(),
            site.endpoint,
            site.pid()
        );
        stage.add_site(site);
    }
    // Where nobody asks a site, no answer is signed: the key is the member's own.
    enter_on_the_ledger(&mut stage, BANK, "", BANK.0, relays[0])?;
    Ok(stage)
}

/// Makes and starts the sites, at the same time: a user's password is made costly to try.
fn sites(stage: &Stage, chain: &str, relays: [Relay; RELAYS]) -> Result<Vec<Site>, DemoError> {
    let start = |plan: Plan, relay: Relay| {
        let keystore = stage.wallet(Person(plan.member)).keystore();
        let signing = Signing { chain, keystore: &keystore };
        Site::start(&stage.programs().site, stage.folder(), plan, signing, &[relay.key()])
    };
    std::thread::scope(|scope| {
        let started = PLANS.into_iter().zip(relays).map(|(plan, relay)| scope.spawn(move || start(plan, relay)));
        let started: Vec<_> = started.collect();
        started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// A member says on the ledger where its site is, which key signs its answers, and which relay its users may use.
fn enter_on_the_ledger(
    stage: &mut Stage,
    member: Person,
    endpoint: &str,
    key: &str,
    relay: Relay,
) -> Result<(), DemoError> {
    let relay = relay.key();
    let entry = ["member", "site", "set", "--endpoint", endpoint, "--answer-key", key, "--relay", &relay];
    stage.run(member, &[&entry[..], &["-o", "site.csp", "--sign", "--yes"]].concat())?;
    stage.run(member, &["tx", "submit", "site.csp", "--wait"])?;
    stage.network().level()
}
