//! The README's section about the wallet, run as it stands there: two terminals, one folder, a development network.
use anyhow::Context as _;
use countersign_harness::{Binary, Node, Wallet, binary};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a person does at the terminal and a test cannot: answer a question, read words.
const AT_THE_TERMINAL: &[(&str, &str)] = &[
    (" --sign", " --sign --yes"),
    ("tx sign ", "tx sign --yes "),
    ("asset transfer ", "asset transfer --yes "),
    ("keys words maria", "keys words maria -o words"),
];

/// The blocks of the section, each with the terminal it is for.
fn blocks() -> anyhow::Result<Vec<(String, String)>> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))?;
    let section = readme.split("\n## ").find(|section| section.starts_with("The wallet\n"));
    let section = section.context("the README has a section about the wallet")?;
    let blocks = section.split("```").skip(1).step_by(2);
    blocks
        .map(|block| {
            let (first, rest) = block.trim_start().split_once('\n').context("a block of several lines")?;
            let terminal = first.strip_prefix("# terminal ").context("each block is for a terminal")?;
            Ok((terminal.to_owned(), rest.to_owned()))
        })
        .collect()
}

#[test]
fn the_section_about_the_wallet_works_as_it_stands() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
    let programs = binary(Binary::Wallet)?;
    let programs = programs.parent().context("a program lies in a folder")?.display().to_string();
    let blocks = blocks()?;
    assert!(blocks.len() >= 3, "the blocks are found");
    // What is exported stays for the later blocks of the same terminal.
    let mut exported: BTreeMap<String, String> = BTreeMap::new();
    for (terminal, block) in blocks {
        let before = exported.entry(terminal.clone()).or_default();
        let mut script = format!("set -euo pipefail\n{before}{block}");
        for (line, instead) in AT_THE_TERMINAL {
            script = script.replace(line, instead);
        }
        block.lines().filter(|line| line.starts_with("export ")).for_each(|line| {
            before.push_str(line);
            before.push('\n');
        });
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("COUNTERSIGN_NODE", node.url())
            .env("COUNTERSIGN_PASSPHRASE", "a passphrase")
            .stdin(Stdio::null())
            .output()?;
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        eprintln!("== terminal {terminal}\n{block}\n{told}");
        anyhow::ensure!(output.status.success(), "terminal {terminal} failed:\n{told}");
    }
    let hotel = Wallet::of_development_key(&folder.path().join("other"), &node.url(), "harbor-hotel.example")?;
    let balance = hotel.run(&["asset", "balance", "maria@harbor-hotel.example", "EUR"])?;
    assert_eq!(balance["amount"], "6000", "100.00 given, 40.00 paid");
    Ok(())
}
