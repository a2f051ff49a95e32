//! Every mistake in a specification is named with its line, its key and what to do; several at once.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_chain_spec::{Cause, DEV, LoadError, load, parse};
use countersign_types::signature::{development_secret, public_key};
use proptest::prelude::*;
use std::path::Path;

/// The mistakes of the development specification after one change.
fn after(from: &str, to: &str) -> Vec<String> {
    assert!(DEV.contains(from), "{from}");
    mistakes(&DEV.replacen(from, to, 1))
}

fn mistakes(text: &str) -> Vec<String> {
    match parse(text, Path::new("")) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.list().iter().map(ToString::to_string).collect(),
    }
}

/// The line of the development specification that holds `text`, from 1.
fn line_of(text: &str) -> usize {
    DEV.lines().position(|line| line.contains(text)).expect("the text is in the specification") + 1
}

fn key(name: &str) -> String {
    public_key(&development_secret(name)).to_string()
}

#[test]
fn the_unchanged_specification_has_none() {
    assert_eq!(mistakes(DEV), Vec::<String>::new());
}

#[test]
fn an_empty_specification_lists_what_is_missing() {
    assert_eq!(
        mistakes(""),
        [
            "line 1, title: it is missing; add it: a name for people, such as \"harbor consortium\"",
            "line 1, time: it is missing; add it: the time of block 0, such as 2026-01-01T00:00:00Z",
            "line 1, council: it is missing; add it: [council] with members and threshold",
            "line 1, validator: at least one is needed; add it",
        ]
    );
}

#[test]
fn several_mistakes_are_named_at_once_in_the_order_of_their_lines() {
    let text = DEV
        .replacen("threshold = 2", "threshold = 4", 1)
        .replacen("power = 1", "power = 0", 1)
        .replacen("\"agent\"", "\"agnet\"", 1)
        .replacen("decimals = 2", "decimal = 2", 1);
    let lines: Vec<_> = [("threshold", 0), ("power", 0), ("agent", 0), ("[[asset]]", 0), ("decimals", 0)]
        .iter()
        .map(|(text, offset)| line_of(text) + offset)
        .collect();
    assert_eq!(
        mistakes(&text),
        [
            format!("line {}, council.threshold: 4 of 3 members can never sign; set it to 1 to 3", lines[0]),
            format!("line {}, validator.power: it must be a whole number from 1 to 4294967296", lines[1]),
            format!(
                "line {}, member.roles: `agnet` is no role; the roles are: merchant, issuer, agent, arbiter, card-issuer, relay",
                lines[2]
            ),
            format!("line {}, asset.decimals: it is missing; add it: the digits after the point, such as 2", lines[3]),
            format!(
                "line {}, asset.decimal: there is no such key here; remove it or use one of: symbol, issuer, decimals, title, balances",
                lines[4]
            ),
        ]
    );
}

/// Each change, where its mistake is named, and the words that tell what to do.
#[test]
fn each_mistake_is_named_where_it_stands() {
    // long: one flat list of cases
    let hotel = key("harbor-hotel.example");
    let hotel_key = format!("key = \"{hotel}\"");
    let small_order = format!("key = \"{}\"", countersign_types::PublicKey([0; 32]));
    let alice = key("alice@harbor-hotel.example");
    let several = |keys: &str| format!("keys = [{keys}]\nthreshold = 1");
    let node = |lines: &[&str]| format!("[[node]]\n{}\n\n[[asset]]\n", lines.join("\n"));
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str)] = &[
        ("time = 2026-01-01T00:00:00Z", "time = 2026-01-01", "time", "a time is written like"),
        ("time = 2026-01-01T00:00:00Z", "time = \"soon\"", "time", "a time is written like"),
        ("time = 2026-01-01T00:00:00Z", "time = 1.5", "time", "it is a number with a point, but should be a time"),
        ("time = 2026-01-01T00:00:00Z", "time = -1", "time", "a whole number from 0 to"),
        ("title = \"countersign development network\"", "title = \"a\\u202Eb\"", "title", "U+202E is not allowed"),
        ("title = \"countersign development network\"", "title = \"a\"\ntitle = \"b\"", "TOML", "duplicate key"),
        ("title = \"countersign development network\"", "title = 3", "title", "it is a whole number, but should be a text"),
        ("title = \"countersign development network\"", "title = ", "TOML", ""),
        ("[council]", "[params]\nblock_bytes_max = 1\n[council]", "params.block_bytes_max", "but must be 655360 to"),
        ("[council]", "[params]\njob_gas = 1\n[council]", "params.job_gas", "but must be 100000 to"),
        ("[council]", "[params]\ntimeout_vote_ms = 4294967496\n[council]", "params.timeout_vote_ms", "must be 50 to 60000"),
        ("[council]", "[params]\ngas = 1\n[council]", "params.gas", "use one of: validity_ms_max"),
        ("[council]", "council = 3\n[other]", "council", "it is a whole number, but should be a section"),
        ("\"city-books.example\", ", "\"city-books.example\", \"city-books.example\", ", "council.members", "stands in line"),
        ("\"city-books.example\", ", "\"city-book.example\", ", "council.members", "no [[member]] is called `city-book.example`"),
        ("\"city-books.example\", ", "\"alice@harbor-hotel.example\", ", "council.members", "a member's has no `@`"),
        ("\"city-books.example\", ", "\"City Books\", ", "council.members", "is not a name"),
        ("threshold = 2", "threshold = 0", "council.threshold", "from 1 to 64"),
        ("members = [", "members = []\n# [", "council.members", "at least one is needed"),
        ("members = [", "# [", "council.members", "at least one is needed"),
        ("power = 1", "", "validator.power", "it is missing"),
        ("power = 1", "power = 1\n[[validator]]\nkey = \"csk1\"\npower = 1", "validator.key", "checksum"),
        ("name = \"harbor-hotel.example\"", "name = \"city-books.example\"", "member.name", "stands in line"),
        ("name = \"harbor-hotel.example\"", "name = \"x@harbor-hotel.example\"", "member.name", "a member's has no `@`"),
        ("[[asset]]", &node(&["member = \"harbor-bank.example\""]), "node.key", "it is missing; add it: its network key"),
        ("[[asset]]", &node(&["key = \"csk1\"", "member = \"harbor-bank.example\""]), "node.key", "checksum"),
        ("[[asset]]", &node(&[&small_order, "member = \"harbor-bank.example\""]), "node.key", "small order"),
        ("[[asset]]", &node(&[&hotel_key]), "node.member", "it is missing; add it: the name of the member that runs it"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"bank.example\""]), "node.member", "no [[member]] is called `bank.example`"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"alice@harbor-hotel.example\""]), "node.member", "a member's has no `@`"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"harbor-bank.example\"", "address = \"10.0.0.7:26600\""]), "node.address", "an address is written as /dns4/<host>/tcp/<port>"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"harbor-bank.example\"", "address = \"/ip4/node/tcp/26600\""]), "node.address", "the host is not what"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"harbor-bank.example\"", "address = \"/ip4/10.0.0.7/tcp/0\""]), "node.address", "the port is a number from 1"),
        ("[[asset]]", &node(&[&hotel_key, "member = \"harbor-bank.example\"", "adress = \"\""]), "node.adress", "use one of: key, member, address"),
        ("[[asset]]", &[node(&[&hotel_key, "member = \"harbor-bank.example\""]), node(&[&hotel_key, "member = \"harbor-bank.example\""])].concat(), "node.key", "this key stands in line"),
        (&hotel_key, "", "member.key", "give either `key` or `keys`"),
        (&hotel_key, &small_order, "member.key", "small order"),
        (&hotel_key, &format!("{hotel_key}\nthreshold = 1"), "member.threshold", "it needs `keys` beside it"),
        (&hotel_key, &format!("keys = [\"{hotel}\"]"), "member.threshold", "it is missing"),
        (&hotel_key, &format!("keys = [\"{hotel}\"]\nthreshold = 2"), "member.threshold", "at most the sum of its weights"),
        (&hotel_key, &several(&format!("\"{hotel}\", \"{hotel}\"")), "member.keys", "this key stands in line"),
        (&hotel_key, &several(&format!("{{ key = \"{hotel}\", weight = 0 }}")), "member.keys.weight", "from 1 to 65535"),
        (&hotel_key, &several(&format!("{{ key = \"{hotel}\", wait = 1, weight = 1 }}")), "member.keys.wait", "no such key"),
        (&hotel_key, &format!("key = \"{alice}\""), "holder.key", "this key stands in line"),
        ("[\"issuer\", \"agent\", \"card-issuer\", \"relay\"]", "[\"issuer\", \"issuer\"]", "member.roles", "this role stands in line"),
        ("[\"issuer\", \"agent\", \"card-issuer\", \"relay\"]", "[\"agent\"]", "asset.issuer", "lacks the role issuer"),
        ("[\"issuer\", \"agent\", \"card-issuer\", \"relay\"]", "\"issuer\"", "member.roles", "it is a text, but should be a list"),
        ("name = \"bob@harbor-hotel.example\"", "name = \"bob@nowhere.example\"", "holder.name", "no [[member]] is called `nowhere.example`"),
        ("name = \"bob@harbor-hotel.example\"", "name = \"alice@harbor-hotel.example\"", "holder.name", "stands in line"),
        ("name = \"bob@harbor-hotel.example\"", "name = \"bob.example\"", "holder.name", "a holder's is `<user>@<member>`"),
        ("symbol = \"EUR\"", "symbol = \"euro\"", "asset.symbol", "upper-case letters"),
        ("issuer = \"harbor-bank.example\"", "issuer = \"bank.example\"", "asset.issuer", "no [[member]] is called"),
        ("decimals = 2", "decimals = 19", "asset.decimals", "from 0 to 18"),
        ("\"1000.00\"", "\"1000.001\"", "asset.balances.alice@harbor-hotel.example", "2 digits after the point"),
        ("\"1000.00\"", "\"1,000\"", "asset.balances.alice@harbor-hotel.example", "digits with at most one point"),
        ("\"1000.00\"", "1000", "asset.balances.alice@harbor-hotel.example", "should be a text in quotes"),
        ("\"1000.00\"", "\"0\"", "asset.balances.alice@harbor-hotel.example", "a balance of zero"),
        ("\"1000.00\"", "\"3402823669209384634633746074317682114.55\"", "asset.balances.bob@harbor-hotel.example", "sum of the balances"),
        ("\"alice@harbor-hotel.example\" =", "\"eve@harbor-hotel.example\" =", "asset.balances.eve@harbor-hotel.example", "no [[member]] or [[holder]]"),
        ("name = \"rebate\"", "name = \"assets\"", "contract.name", "is a module of every node"),
        ("name = \"rebate\"", "name = \"discount\"", "contract.name", "the contract calls itself `rebate`"),
        ("builtin = \"rebate\"", "builtin = \"rebat\"", "contract.builtin", "no contract `rebat` comes with this program"),
        ("builtin = \"rebate\"", "", "contract.builtin", "give either `builtin` or `file`"),
        ("builtin = \"rebate\"", "file = \"no-such.wasm\"", "contract.file", "cannot read `no-such.wasm`"),
    ];
    for (from, to, place, words) in cases {
        let found = after(from, to);
        let named = found.iter().any(|mistake| mistake.contains(&format!(", {place}: ")) && mistake.contains(words));
        assert!(named, "`{to}` gave {found:#?}, not {place}: …{words}…");
    }
}

#[test]
fn lines_are_those_of_the_text() {
    let found = after("\"1000.00\"", "\"1000.001\"");
    assert!(found[0].starts_with(&format!("line {}, ", line_of("\"1000.00\""))), "{found:?}");
    let found = after("name = \"carol@city-books.example\"", "name = \"carol\"");
    assert!(found[0].starts_with(&format!("line {}, holder.name", line_of("name = \"carol"))), "{found:?}");
}

#[test]
fn contract_files_are_looked_up_beside_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("chain.toml");
    let with = |code: &[u8]| {
        std::fs::write(folder.path().join("own.wasm"), code).unwrap();
        std::fs::write(&spec, DEV.replacen("builtin = \"rebate\"", "file = \"own.wasm\"", 1)).unwrap();
        load(&spec)
    };
    let code = b"\0asm\x01\0\0\0";
    let genesis = with(code).unwrap();
    let own = genesis.contracts.iter().find(|contract| contract.name.as_str() == "rebate").unwrap();
    assert_eq!(own.code[..], code[..]);

    let cause = |result: Result<_, LoadError>| match result {
        Err(LoadError::Mistakes { source, .. }) => source.list()[0].cause.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(cause(with(b"#!/bin/sh")), Cause::NotWasm { .. }));
    let huge = [&code[..], &[0; 600 * 1024]].concat();
    assert!(matches!(cause(with(&huge)), Cause::TooLarge { limit: 524_288, .. }));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load(Path::new("no-such-folder/chain.toml")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the chain specification `no-such-folder/chain.toml`");
}

#[test]
fn a_file_full_of_mistakes_gives_a_bounded_answer() {
    let text = "[[holder]]\n".repeat(10_000);
    let errors = parse(&text, Path::new("")).unwrap_err();
    assert_eq!(errors.list().len(), 100);
    assert!(errors.to_string().ends_with("more"), "the rest is counted");
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in ".{0,400}") {
        let _ = parse(&text, Path::new(""));
    }

    /// A piece of the specification cut out, doubled or overwritten.
    #[test]
    fn a_damaged_specification_is_answered_without_a_panic(at in 0..DEV.len(), length in 0..80_usize, patch in "[\\[\\]{}=\"a-z0-9.\n]{0,8}") {
        let start = (0..=at).rev().find(|at| DEV.is_char_boundary(*at)).unwrap_or(0);
        let end = (start + length..=DEV.len()).find(|at| DEV.is_char_boundary(*at)).unwrap_or(DEV.len());
        let text = format!("{}{patch}{}", &DEV[..start], &DEV[end..]);
        let _ = parse(&text, Path::new(""));
    }
}
