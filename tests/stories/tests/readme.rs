//! The README's sections about the wallet and about messages, run as they stand there: terminals in one folder, a development network,
//! and for the messages a merchant's site.
use anyhow::Context as _;
use countersign_harness::{Binary, Node, Site, Wallet, binary};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a person does at the terminal and a test cannot: answer a question, read words.
const AT_THE_TERMINAL: &[(&str, &str)] = &[
    (" --sign", " --sign --yes"),
    ("tx sign ", "tx sign --yes "),
    ("asset transfer ", "asset transfer --yes "),
    ("keys words maria", "keys words maria -o words"),
    ("user add maria ", "user add maria --password-file password "),
    ("login maria@harbor-hotel.example ", "login maria@harbor-hotel.example --password-file password --yes "),
    ("login harbor-hotel.example ", "login harbor-hotel.example --yes "),
];

/// The blocks of the section with this title.
fn blocks_of(title: &str) -> anyhow::Result<Vec<String>> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))?;
    let section = readme.split("\n## ").find(|section| section.starts_with(&format!("{title}\n")));
    let section = section.with_context(|| format!("the README has a section `{title}`"))?;
    Ok(section.split("```").skip(1).step_by(2).map(str::to_owned).collect())
}

/// The blocks of the section about the wallet, each with the terminal it is for.
fn blocks() -> anyhow::Result<Vec<(String, String)>> {
    let blocks = blocks_of("The wallet")?;
    blocks
        .iter()
        .map(|block| {
            let (first, rest) = block.trim_start().split_once('\n').context("a block of several lines")?;
            let terminal = first.strip_prefix("# terminal ").context("each block is for a terminal")?;
            Ok((terminal.to_owned(), rest.to_owned()))
        })
        .collect()
}

/// Runs a block in a folder as it stands; what it printed.
fn run(folder: &Path, node: &str, block: &str) -> anyhow::Result<String> {
    let programs = binary(Binary::Wallet)?;
    let programs = programs.parent().context("a program lies in a folder")?.display().to_string();
    let mut script = format!("set -euo pipefail\n{block}");
    for (line, instead) in AT_THE_TERMINAL {
        script = script.replace(line, instead);
    }
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", format!("{programs}:/usr/bin:/bin"))
        .env("COUNTERSIGN_NODE", node)
        .env("COUNTERSIGN_PASSPHRASE", "a passphrase")
        .stdin(Stdio::null())
        .output()?;
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{block}\n{told}");
    anyhow::ensure!(output.status.success(), "a block failed:\n{block}\n{told}");
    Ok(told)
}

#[test]
fn the_section_about_the_wallet_works_as_it_stands() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
    let blocks = blocks()?;
    assert!(blocks.len() >= 3, "the blocks are found");
    // What is exported stays for the later blocks of the same terminal.
    let mut exported: BTreeMap<String, String> = BTreeMap::new();
    for (terminal, block) in blocks {
        let before = exported.entry(terminal.clone()).or_default();
        let script = format!("{before}{block}");
        block.lines().filter(|line| line.starts_with("export ")).for_each(|line| {
            before.push_str(line);
            before.push('\n');
        });
        eprintln!("== terminal {terminal}");
        run(folder.path(), &node.url(), &script)?;
    }
    let hotel = Wallet::of_development_key(&folder.path().join("other"), &node.url(), "harbor-hotel.example")?;
    let balance = hotel.run(&["asset", "balance", "maria@harbor-hotel.example", "EUR"])?;
    assert_eq!(balance["amount"], "6000", "100.00 given, 40.00 paid");
    Ok(())
}

#[test]
fn the_section_about_messages_works_as_it_stands() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (node, site) = Site::beside_a_node(folder.path(), "harbor-hotel.example")?;
    let relay = node.call("relay_info", &json!([]))?["key"].as_str().context("a relay tells its key")?.to_owned();
    // What stands in other sections: the site's folder, the hotel's key.
    std::os::unix::fs::symlink(site.own(""), folder.path().join("hotel"))?;
    let password = folder.path().join("password");
    fs::write(&password, "correct horse battery")?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
    let home = format!("export COUNTERSIGN_HOME={}\n", folder.path().join("home").display());
    run(folder.path(), &node.url(), &format!("{home}countersign keys dev harbor-hotel.example --no-passphrase"))?;
    let blocks = blocks_of("Messages")?;
    assert!(blocks.len() >= 3 && blocks[0].contains("countersign-node dev --relay"), "the blocks are found");
    let mut told = String::new();
    for block in &blocks[1..] {
        let block = block.replace("relay=csk1…", &format!("relay={relay}"));
        let block = block.replace("answers=csk1…", &format!("answers={}", site.key()));
        let block = block.replace("localhost:26900", &format!("localhost:{}", site.address()?.port()));
        told.push_str(&run(folder.path(), &node.url(), &format!("{home}{block}"))?);
    }
    for said in
        ["The account was enrolled", "Thank you for your stay", "Everybody has signed", "Paid. See you in spring"]
    {
        assert!(told.contains(said), "`{said}` is told: {told}");
    }
    Ok(())
}
