//! Log-ins and messages, at the relay of the development node, with the hotel's site beside it.
use super::{ALICE, BOOKS, CAROL, HOTEL, Recorder, text};
use anyhow::Context as _;
use countersign_harness::{Node, SITE_HOST, Site};
use countersign_types::PublicKey;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const PASSWORD: &str = "correct horse battery";

/// The node with its relay, and the hotel's site with two users.
pub fn open(dir: &Path) -> anyhow::Result<(Node, Site)> {
    let (node, site) = Site::beside_a_node(dir, HOTEL)?;
    for user in ["alice", "guest"] {
        site.add_user(user, PASSWORD)?;
    }
    site.run(&["contact", "add", "alice", CAROL, "--label", "Carol"])?;
    Ok((node, site))
}

fn relay(node: &Node) -> anyhow::Result<PublicKey> {
    Ok(text(&node.call("relay_info", &json!([]))?, "key")?.parse()?)
}

/// Everything one does with messages.
pub fn messages(all: &mut Recorder) -> anyhow::Result<()> {
    log_in(all)?;
    let bill =
        format!("rebate purchase --merchant {HOTEL} --customer {ALICE} --asset EUR --amount 1.00 --reference tea");
    all.run(HOTEL, &format!("{bill} -o {{}}/tea-bill.csp --sign --yes"))?;
    published(all)?;
    all.run(HOTEL, "tx send {}/tea-bill.csp --note thanks")?;
    all.run(HOTEL, &format!("doc send {{}}/offer.csp --to {ALICE}"))?;
    all.run(HOTEL, &format!("send {ALICE} --file {{}}/papers"))?;
    all.run(HOTEL, &format!("send {ALICE} --text welcome"))?;
    let came = all.run(ALICE, "inbox --wait 60")?;
    let came = came.as_array().context("a list of messages")?.clone();
    assert_eq!(came.len(), 4, "{came:?}");
    for message in &came {
        all.run(ALICE, &format!("inbox show {}", text(message, "id")?))?;
    }
    let of_kind = |kind: &str| came.iter().find(|message| message["kind"] == kind).cloned().unwrap_or_default();
    all.run(ALICE, &format!("inbox save {} -o {{}}/saved", text(&of_kind("file"), "id")?))?;
    all.run(ALICE, "tx sign --from inbox -o {}/tea-signed.csp --yes")?;
    all.run(ALICE, "doc sign --from inbox -o {}/offer-signed.csp --yes")?;
    all.run(ALICE, &format!("inbox remove {}", text(&of_kind("text"), "id")?))?;
    all.run(ALICE, "inbox")?;
    all.run(HOTEL, "inbox sent")?;
    all.run(ALICE, "doctor")?;
    all.refuse(HOTEL, "inbox --wait 1", 11)?;
    all.refuse(HOTEL, &format!("send {CAROL} --text welcome"), 4)?;
    all.run(ALICE, &format!("logout --account {ALICE}"))?;
    all.refuse(ALICE, "contacts", 10)?;
    Ok(())
}

/// A member, a user with an account, and one without.
fn log_in(all: &mut Recorder) -> anyhow::Result<()> {
    let (relay, answers, port) = (relay(&all.node)?, all.site.key(), all.site.address()?.port());
    let endpoint = format!("https://{SITE_HOST}:{port}");
    let site = format!("--endpoint {endpoint} --answer-key {answers} --relay {relay}");
    all.decide(&[HOTEL], &format!("member site set {site}"))?;
    all.decide(&[BOOKS], &format!("member site set --answer-key {answers} --relay {relay}"))?;
    for (name, password) in [("password", PASSWORD), ("wrong-password", "correct horse")] {
        fs::write(all.path(name), password)?;
        fs::set_permissions(all.path(name), fs::Permissions::from_mode(0o600))?;
    }
    all.refuse(ALICE, &format!("login {ALICE} --password-file {{}}/wrong-password --yes"), 5)?;
    all.run(HOTEL, &format!("login {HOTEL} --yes"))?;
    all.run(ALICE, &format!("login {ALICE} --password-file {{}}/password --yes"))?;
    all.run(ALICE, "keys new guest --no-passphrase")?;
    all.run(ALICE, &format!("login guest@{HOTEL} --password-file {{}}/password --yes --key guest"))?;
    all.run(ALICE, "contacts")?;
    Ok(())
}

/// A post with a proposal, and one without.
fn published(all: &mut Recorder) -> anyhow::Result<()> {
    let proposal = all.path("tea-bill.csp").display().to_string();
    let offer = ["post", "add", "--kind", "offer", "--title", "Tea", "--proposal", &proposal];
    let number = all.site.run(&offer)?["number"].as_u64().context("a post has a number")?;
    all.site.publish("Closed on Monday")?;
    let listed = all.run(ALICE, "feed")?;
    assert!(listed.as_array().is_some_and(|posts: &Vec<Value>| posts.len() == 2), "{listed}");
    all.run(ALICE, &format!("feed save {number} -o {{}}/tea-offer.csp"))?;
    Ok(())
}
