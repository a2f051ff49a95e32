//! Governing with the wallet on a real node: every council call is proposed, tried, signed and submitted; what would be refused is
//! told before anybody signs; a company's signatories sign for it together.
use anyhow::Context as _;
use countersign_harness::{Node, Outcome, Wallet};
use countersign_types::signature::{development_secret, public_key};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const BANK: &str = "harbor-bank.example";
const BOOKS: &str = "city-books.example";
const HOTEL: &str = "harbor-hotel.example";
/// Two of the development network's council of three, of whom two must sign.
const TWO: &str = "harbor-bank.example,harbor-hotel.example";

/// A development network of one validator, with the wallets of those who govern it.
struct Office {
    _node: Node,
    folder: tempfile::TempDir,
    url: String,
    bank: Wallet,
    hotel: Wallet,
}

impl Office {
    fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
        let url = node.url();
        let wallet = |name| Wallet::of_development_key(&folder.path().join(name), &url, name);
        let (bank, hotel) = (wallet(BANK)?, wallet(HOTEL)?);
        Ok(Self { _node: node, folder, url, bank, hotel })
    }

    fn wallet(&self, name: &str) -> anyhow::Result<Wallet> {
        Wallet::of_development_key(&self.folder.path().join(name), &self.url, name)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Draws up a call of the council, signed by the bank and the hotel in their own copies, and submits it.
    fn govern(&self, command: &[&str]) -> anyhow::Result<Outcome> {
        let (draft, copy) = (self.file("draft.csp"), self.file("copy.csp"));
        let told = self.bank.run(&[&["council"], command, &["--by", TWO, "--force", "-o", &draft]].concat())?;
        anyhow::ensure!(told["complete"] == false && told["simulation"].is_object(), "{told:#}");
        let signed = self.bank.run(&["tx", "sign", &draft, "-o", &copy, "--yes"])?;
        anyhow::ensure!(signed["missing"].as_array().map(Vec::len) == Some(1), "the hotel is missing: {signed:#}");
        let signed = self.hotel.run(&["tx", "sign", &draft, "--yes"])?;
        anyhow::ensure!(signed["complete"] == false, "each has signed a copy: {signed:#}");
        self.hotel.run(&["tx", "merge", &draft, &copy, "-o", &draft])?;
        self.hotel.try_run(&["tx", "submit", &draft, "--wait"])
    }

    /// Governs to success.
    fn decide(&self, command: &[&str]) -> anyhow::Result<()> {
        let outcome = self.govern(command)?;
        anyhow::ensure!(outcome.code == 0, "{command:?}: {}{}", outcome.stdout, outcome.stderr);
        Ok(())
    }

    /// What the simulation of a call of the council says is wrong with it, without a signature.
    fn objection(&self, command: &[&str]) -> anyhow::Result<String> {
        let draft = self.file("refused.csp");
        let told = self.bank.run(&[&["council"], command, &["--by", TWO, "--force", "-o", &draft]].concat())?;
        let name = told["simulation"]["receipt"]["failure"]["name"].as_str();
        Ok(name.with_context(|| format!("{command:?} would not be refused: {told:#}"))?.to_string())
    }

    fn shown(&self) -> anyhow::Result<Value> {
        self.bank.run(&["council", "show"])
    }

    /// What is listed of a node.
    fn node(&self, key: &str) -> anyhow::Result<Value> {
        let shown = self.shown()?;
        let found = shown["nodes"].as_array().and_then(|nodes| nodes.iter().find(|node| node["key"] == key).cloned());
        found.with_context(|| format!("{key} is listed: {shown:#}"))
    }

    fn parameter(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let shown = self.shown()?;
        let all = shown["parameters"].as_array().context("a list of parameters")?;
        Ok(all.iter().find(|one| one["name"] == name).and_then(|one| one["value"].as_u64()))
    }
}

/// The message of a command that ends with this exit code.
#[track_caller]
fn refused(outcome: &Outcome, code: i32) -> String {
    assert_eq!(outcome.code, code, "{}{}", outcome.stdout, outcome.stderr);
    outcome.stderr.clone()
}

fn key(name: &str) -> String {
    public_key(&development_secret(name)).to_string()
}

#[test]
fn the_council_governs_by_signing_proposals_and_is_told_first_what_would_be_refused() -> anyhow::Result<()> {
    let office = Office::open()?;
    let shown = office.shown()?;
    assert_eq!(
        (&shown["council"]["threshold"], shown["council"]["members"].as_array().map(Vec::len)),
        (&2.into(), Some(3))
    );
    assert_eq!(shown["validators"][0]["runs"], true, "{shown:#}");
    assert_eq!(shown["evidence"], Value::Array(vec![]));
    assert_eq!((shown["nodes"].as_array().map(Vec::len), &shown["nodes"][0]["own"]), (Some(1), &true.into()));

    // Who will sign must be said where not everybody has to; a value out of its range is told at once.
    let draft = office.file("draft.csp");
    let unsaid = office.bank.try_run(&["council", "parameters", "timeout_vote_ms=250", "-o", &draft])?;
    assert!(refused(&unsaid, 2).contains("2 of"), "{unsaid:?}");
    let wild = office.bank.try_run(&["council", "parameters", "timeout_vote_ms=1", "--by", TWO, "-o", &draft])?;
    assert!(refused(&wild, 2).contains("must be 50 to 60000"), "{wild:?}");
    assert_eq!(office.objection(&["parameters", "no_such_parameter=1"])?, "governance.UnknownParameter");
    office.decide(&["parameters", "timeout_vote_ms=250", "timeout_propose_ms=450"])?;
    assert_eq!((office.parameter("timeout_vote_ms")?, office.parameter("timeout_propose_ms")?), (Some(250), Some(450)));

    // One validator cannot admit an equal: it could decide nothing alone until that one runs.
    let second = key("validator-2");
    assert_eq!(office.objection(&["validator", "set", &second])?, "governance.LosesTheQuorum");
    let outcome = office.govern(&["validator", "set", &second])?;
    assert!(refused(&outcome, 1).contains("governance.LosesTheQuorum"), "{outcome:?}");
    assert_eq!(office.objection(&["validator", "remove", &key("validator-1")])?, "governance.LosesTheQuorum");
    assert_eq!(office.objection(&["validator", "remove", &second])?, "governance.NoSuchValidator");
    office.decide(&["validator", "set", &key("validator-1"), "--power", "3"])?;

    let node = key("node-2");
    let address = ["--address", "/dns4/node.city-books.example/tcp/26600"];
    assert_eq!(
        office.objection(&["node", "admit", &node, "--member", BOOKS, "--address", "books:1"])?,
        "governance.BadAddress"
    );
    office.decide(&[&["node", "admit", &node, "--member", BOOKS][..], &address].concat())?;
    let listed = office.node(&node)?;
    assert_eq!(
        (&listed["member_name"], &listed["address"], &listed["status"]),
        (&BOOKS.into(), &address[1].into(), &"active".into())
    );
    only_its_member_moves(&office, &node)?;
    office.decide(&["node", "remove", &node])?;
    assert_eq!(office.node(&node)?["status"], "removed");

    office.decide(&["admit", "spa.example", &key("spa.example"), "--role", "relay", "--role", "merchant"])?;
    let spa = office.bank.run(&["member", "show", "spa.example"])?;
    assert_eq!(spa["roles"], serde_json::json!(["merchant", "relay"]));
    office.decide(&["roles", "spa.example"])?;
    assert_eq!(office.bank.run(&["member", "show", "spa.example"])?["roles"], serde_json::json!([]));
    office.decide(&["suspend", "spa.example"])?;
    office.decide(&["resume", "spa.example"])?;
    office.decide(&["suspend", BOOKS])?;
    assert_eq!(office.objection(&["suspend", HOTEL])?, "registry.LocksOutTheCouncil");
    assert_eq!(
        office.objection(&["set-council", BOOKS, "spa.example", "--threshold", "2"])?,
        "governance.LocksOutTheCouncil"
    );
    office.decide(&["set-council", BANK, HOTEL, "--threshold", "2"])?;
    // Now all of the council must sign, so nobody need be named.
    office.bank.run(&["council", "resume", BOOKS, "-o", &office.file("resume.csp")])?;
    Ok(())
}

/// The bank cannot tell where the node of the books' member is reached; that member can.
fn only_its_member_moves(office: &Office, node: &str) -> anyhow::Result<()> {
    let (books, draft) = (office.wallet(BOOKS)?, office.file("moved.csp"));
    let moved = "/dns4/new.city-books.example/tcp/26600";
    let change = ["member", "node-address", node, moved, "-o", &draft, "--force", "--sign", "--yes"];
    office.bank.run(&change)?;
    let foreign = office.bank.try_run(&["tx", "submit", &draft, "--wait"])?;
    assert!(refused(&foreign, 1).contains("governance."), "{foreign:?}");
    books.run(&change)?;
    books.run(&["tx", "submit", &draft, "--wait"])?;
    assert_eq!(office.node(node)?["address"], moved);
    Ok(())
}

#[test]
fn a_member_tells_where_its_site_is_and_which_nodes_relay_for_it() -> anyhow::Result<()> {
    let office = Office::open()?;
    let (file, answers) = (office.file("site.csp"), key("site"));
    let (node, books_node) = (key("node-1"), key("node-2"));
    office.decide(&["node", "admit", &books_node, "--member", BOOKS])?;
    let show = ["member", "site", "show", HOTEL];
    for more in [&[][..], &["--no-verify"]] {
        let none = office.bank.try_run(&[&show[..], more].concat())?;
        assert!(refused(&none, 4).contains("there is no site of harbor-hotel.example"), "{none:?}");
    }
    let set = |wallet: &Wallet, endpoint: &str, relays: &[&str]| {
        let relays: Vec<&str> = relays.iter().flat_map(|relay| ["--relay", relay]).collect();
        let told = ["member", "site", "set", "--endpoint", endpoint, "--answer-key", &answers];
        wallet.try_run(&[&told[..], &relays, &["-o", &file, "--force", "--sign", "--yes"]].concat())
    };
    let endpoint = "https://login.harbor-hotel.example:26900";
    for bad in ["http://login.harbor-hotel.example", "https://login.harbor-hotel.example/login", "https://a b"] {
        assert!(refused(&set(&office.hotel, bad, &[&node])?, 2).contains("https://host"), "{bad}");
    }
    // What the ledger would refuse is told before anybody signs, and refused.
    let strange = set(&office.hotel, endpoint, &[&node, &key("node-9")])?.json()?;
    assert_eq!(strange["simulation"]["receipt"]["failure"]["name"], "registry.NotARelay", "{strange:#}");
    let outcome = office.hotel.try_run(&["tx", "submit", &file, "--wait"])?;
    assert!(refused(&outcome, 1).contains("registry.NotARelay"), "{outcome:?}");

    let told = set(&office.hotel, endpoint, &[&node, &books_node])?.json()?;
    assert_eq!((&told["complete"], &told["simulation"]["receipt"]["ok"]), (&true.into(), &true.into()), "{told:#}");
    office.hotel.run(&["tx", "submit", &file, "--wait"])?;
    let proven = office.bank.run(&show)?;
    assert!(proven["verified"]["height"].is_u64(), "{proven:#}");
    assert_eq!((&proven["name"], &proven["endpoint"]), (&HOTEL.into(), &endpoint.into()));
    for (relay, wanted) in [(&proven["relays"][0], &node), (&proven["relays"][1], &books_node)] {
        assert_eq!((&relay["key"], &relay["can_relay"]), (&wanted.as_str().into(), &true.into()), "{proven:#}");
    }
    let told = office.bank.run(&[&show[..], &["--no-verify"]].concat())?;
    assert_eq!((&told["relays"], &told["key"]), (&proven["relays"], &answers.as_str().into()));

    // A node that is removed is still named, and may not relay.
    office.decide(&["node", "remove", &books_node])?;
    let proven = office.bank.run(&show)?;
    let relays = &proven["relays"];
    assert_eq!((&relays[0]["can_relay"], &relays[1]["can_relay"]), (&true.into(), &false.into()), "{proven:#}");
    assert_eq!(relays[1]["member"], BOOKS);
    Ok(())
}

#[test]
fn contracts_are_upgraded_and_stopped_by_the_council() -> anyhow::Result<()> {
    let office = Office::open()?;
    let genesis = office.bank.run(&["contract", "list"])?;
    let version = |list: &Value| {
        let rebate = list.as_array()?.iter().find(|contract| contract["name"] == "rebate")?;
        Some((rebate["version"].as_u64()?, rebate["status"].as_str()?.to_string()))
    };
    assert_eq!(version(&genesis), Some((1, "active".into())));
    let wasm = office.file("rebate.wasm");
    let text = PathBuf::from(&wasm).with_extension("txt").display().to_string();
    fs::write(&text, "no wasm")?;
    let no_contract = office.bank.try_run(&["council", "deploy", &text, "--by", TWO, "-o", &office.file("d.csp")])?;
    assert!(refused(&no_contract, 2).contains("is no contract"), "{no_contract:?}");

    fs::write(&wasm, countersign_artifacts::REBATE.wasm)?;
    assert_eq!(office.objection(&["deploy", &wasm])?, "code.NameTaken");
    // A custom section makes it other code of the same interface.
    fs::write(&wasm, [countersign_artifacts::REBATE.wasm, b"\x00\x05\x04note"].concat())?;
    office.decide(&["upgrade", &wasm])?;
    assert_eq!(office.objection(&["upgrade", &wasm])?, "code.SameCode");
    office.decide(&["suspend-contract", "rebate"])?;
    assert_eq!(version(&office.bank.run(&["contract", "list"])?), Some((2, "suspended".into())));
    office.decide(&["resume-contract", "rebate"])?;
    assert_eq!(version(&office.bank.run(&["contract", "list"])?), Some((2, "active".into())));
    Ok(())
}

#[test]
fn a_companys_signatories_sign_for_it_together() -> anyhow::Result<()> {
    let office = Office::open()?;
    let company = office.wallet(BOOKS)?;
    let [ann, ben, cleo] = ["ann", "ben", "cleo"];
    let (ann_wallet, ben_wallet) = (office.wallet(ann)?, office.wallet(ben)?);
    let file = office.file("authority.csp");
    let impossible = ["account", "authority", "--signatory", &key(ann), "--threshold", "2", "-o", &file];
    assert!(refused(&company.try_run(&impossible)?, 2).contains("threshold"));
    let keys = [ann, ben, cleo].map(|name| format!("{}=1", key(name)));
    let list = ["--signatory", &keys[0], "--signatory", &keys[1], "--signatory", &keys[2]];
    company
        .run(&[&["account", "authority"][..], &list, &["--threshold", "2", "-o", &file, "--sign", "--yes"]].concat())?;
    company.run(&["tx", "submit", &file, "--wait"])?;

    // Ann's key is listed by one party, so for whom she signs need not be said; with hers alone the account has not signed.
    let payment = office.file("payment.csp");
    let pay = ["tx", "propose", "assets.transfer", "--party", "payer=city-books.example"];
    let args =
        ["--arg", "asset=EUR", "--arg", "to=harbor-hotel.example", "--arg", "amount=5.00", "--arg", "reference=rent"];
    ann_wallet.run(&[&pay[..], &args, &["-o", &payment]].concat())?;
    let old = company.try_run(&["tx", "sign", &payment, "--yes"])?;
    assert!(refused(&old, 5).contains("does not sign for"), "{old:?}");
    let signed = ann_wallet.run(&["tx", "sign", &payment, "--yes"])?;
    assert_eq!((&signed["complete"], signed["missing"].as_array().map(Vec::len)), (&false.into(), Some(1)));
    let too_few = ann_wallet.try_run(&["tx", "submit", &payment, "--wait"])?;
    assert!(refused(&too_few, 4).contains("threshold"), "{too_few:?}");
    let signed = ben_wallet.run(&["tx", "sign", &payment, "--for", BOOKS, "--yes"])?;
    assert_eq!(signed["complete"], true, "{signed:#}");
    ben_wallet.run(&["tx", "submit", &payment, "--wait"])?;
    Ok(())
}
