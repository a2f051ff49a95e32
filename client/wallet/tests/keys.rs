//! The wallet's keys as a process: words and back, programs that sign, who may read what, and that nothing secret is told anywhere.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use countersign_client::types::signature::{development_secret, public_key, sign};
use serde_json::Value as Json;
use std::fs;
use std::process::{Command, Output};
use support::{Wallet, fed, mode, set_mode};

/// Stands for every passphrase: nobody else writes this word.
const PASSPHRASE: &str = "marker-of-a-passphrase";

/// A wallet whose environment holds the passphrase.
fn new_wallet() -> Wallet {
    Wallet::with_passphrase(PASSPHRASE)
}

/// What it shows at a terminal, which `script` (of every Linux system's basic programs) makes, and what it ends with.
fn at_terminal(wallet: &Wallet, args: &[&str], typed: &str) -> (String, bool) {
    let quoted: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
    let line = format!("{} {}", env!("CARGO_BIN_EXE_countersign"), quoted.join(" "));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(wallet.path(""));
    command.env_clear().env("COUNTERSIGN_HOME", wallet.path("home")).env("PATH", "/usr/bin:/bin");
    command.env("COUNTERSIGN_PASSPHRASE", PASSPHRASE).env("SHELL", "/bin/sh");
    let output = fed(command, typed.as_bytes());
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
}

/// A proposal that the account of the key `alice` is to sign.
fn propose(wallet: &Wallet) {
    let burn = ["tx", "propose", "assets.burn", "--party", "owner=alice", "--arg", "asset=EUR", "--arg", "amount=1"];
    wallet.done(&[&burn[..], &["-o", "burn.csp", "--force"]].concat());
}

#[test]
fn a_key_comes_back_from_the_words_in_a_file() {
    let (wallet, other) = (new_wallet(), new_wallet());
    let key = wallet.done(&["keys", "new", "alice"]);
    assert_eq!(wallet.done(&["keys", "words", "alice", "-o", "words"])["account"], key["account"]);
    assert_eq!(mode(&wallet.path("words")), 0o600);
    let words = wallet.read("words");
    assert_eq!(words.split_whitespace().count(), 24);
    fs::copy(wallet.path("words"), other.path("words")).unwrap();
    let restored = other.done(&["keys", "restore", "mine", "--words-file", "words"]);
    assert_eq!((&restored["account"], &restored["key"]), (&key["account"], &key["key"]));
    assert_eq!((&restored["name"], &restored["protection"]), (&"mine".into(), &"passphrase".into()));
    // Neither a file nor a key is replaced.
    assert!(wallet.refused(&["keys", "words", "alice", "-o", "words"], 2).contains("words"));
    assert_eq!(wallet.read("words"), words);
    other.refused(&["keys", "restore", "mine", "--words-file", "words"], 5);
}

#[test]
fn words_that_give_no_key_are_told_by_their_place() {
    let wallet = new_wallet();
    wallet.done(&["keys", "new", "alice"]);
    wallet.done(&["keys", "words", "alice", "-o", "words"]);
    let words: Vec<String> = wallet.read("words").split_whitespace().map(str::to_owned).collect();
    let restore = |words: &[String]| {
        fs::write(wallet.path("wrong"), words.join(" ")).unwrap();
        set_mode(&wallet.path("wrong"), 0o600);
        wallet.refused(&["keys", "restore", "again", "--words-file", "wrong"], 2)
    };
    let mut mistyped = words.clone();
    mistyped[6] = "notaword".into();
    let told = restore(&mistyped);
    assert!(told.contains("word 7 is not on the list") && !told.contains("notaword"), "{told}");
    assert!(restore(&words[..23]).contains("23 words"));
    let mut unfitting = vec!["zoo".to_owned(); 24];
    assert!(restore(&unfitting).contains("do not fit"));
    unfitting.push("zoo".into());
    assert!(restore(&unfitting).contains("25 words"));
    set_mode(&wallet.path("words"), 0o644);
    assert!(wallet.refused(&["keys", "restore", "again", "--words-file", "words"], 5).contains("chmod 600"));
    assert!(wallet.refused(&["keys", "restore", "again"], 2).contains("--words-file"));
}

#[test]
fn words_are_shown_at_a_terminal_only() {
    let wallet = new_wallet();
    wallet.done(&["keys", "new", "alice"]);
    wallet.done(&["keys", "words", "alice", "-o", "words"]);
    assert!(wallet.refused(&["keys", "words", "alice"], 2).contains("terminal"));
    let piped = wallet.command(false, &["keys", "words", "alice"]).output().unwrap();
    assert_eq!((piped.status.code(), piped.stdout.len()), (Some(2), 0));
    let (shown, done) = at_terminal(&wallet, &["keys", "words", "alice"], "");
    let in_order = shown.split_whitespace().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let in_order: Vec<&str> = in_order.collect();
    let words = wallet.read("words");
    let words: Vec<&str> = words.split_whitespace().collect();
    assert!(done && in_order.windows(24).any(|window| window == words), "{shown}");
    let (_, json) = at_terminal(&wallet, &["--json", "keys", "words", "alice"], "");
    assert!(!json, "words are no JSON");
    let (shown, done) = at_terminal(&wallet, &["keys", "restore", "again"], &format!("{}\n", words.join(" ")));
    assert!(done, "{shown}");
    assert_eq!(wallet.done(&["keys", "show", "again"])["key"], wallet.done(&["keys", "show", "alice"])["key"]);
}

/// The signer of `alice` as a script that leaves what it is given and answers what it finds.
const SIGNER: &str = "cat > given; env > env; cat /proc/$PPID/coredump_filter > core; cat answer";

fn external(wallet: &Wallet) -> Output {
    let key = public_key(&development_secret("alice")).to_string();
    let add = ["keys", "external", "alice", "--public-key", &key, "--program", "/bin/sh", "--program-arg", "-c"];
    wallet.run(&[&add[..], &["--program-arg", SIGNER]].concat())
}

fn answer(wallet: &Wallet, name: &str) {
    let message = fs::read(wallet.path("given")).unwrap();
    let signature = sign(&development_secret(name), &message).0;
    let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(wallet.path("answer"), digits).unwrap();
}

#[test]
fn a_program_signs_with_a_key_the_wallet_never_sees() {
    let wallet = new_wallet();
    // It does not sign yet: it is not relied on.
    assert_eq!(external(&wallet).status.code(), Some(5));
    assert!(wallet.done(&["keys", "list"]).as_array().unwrap().is_empty());
    answer(&wallet, "alice");
    let added = external(&wallet);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert_eq!(serde_json::from_slice::<Json>(&added.stdout).unwrap()["protection"], "program");
    propose(&wallet);
    let before = fs::read(wallet.path("burn.csp")).unwrap();
    // The answer is still that to the trial.
    assert!(wallet.refused(&["tx", "sign", "burn.csp", "--yes"], 5).contains("no signature of"));
    answer(&wallet, "bob");
    assert!(wallet.refused(&["tx", "sign", "burn.csp", "--yes"], 5).contains("no signature of"));
    assert_eq!(fs::read(wallet.path("burn.csp")).unwrap(), before);
    answer(&wallet, "alice");
    assert_eq!(wallet.done(&["tx", "sign", "burn.csp", "--yes"])["complete"], true);
    assert_eq!(wallet.done(&["tx", "show", "burn.csp"])["proposal"]["complete"], true);
    // The wallet's own settings are none of the program's business, and neither writes its memory into core files.
    let env = wallet.read("env");
    assert!(env.contains("COUNTERSIGN_SIGNER_KEY=csk1") && !env.contains(PASSPHRASE), "{env}");
    assert_eq!(wallet.read("core").trim().trim_start_matches('0'), "", "core files hold nothing");
}

#[test]
fn a_key_that_is_kept_elsewhere_has_nothing_to_copy() {
    let wallet = new_wallet();
    external(&wallet);
    answer(&wallet, "alice");
    external(&wallet);
    for args in [&["keys", "words", "alice", "-o", "x"][..], &["keys", "export", "alice", "-o", "x"]] {
        assert!(wallet.refused(args, 5).contains("not kept here"), "{args:?}");
        assert!(!wallet.path("x").exists());
    }
    fs::copy(wallet.path("home/keys/alice.key.json"), wallet.path("planted.json")).unwrap();
    fs::remove_file(wallet.path("home/keys/alice.key.json")).unwrap();
    assert!(wallet.refused(&["keys", "import", "planted.json"], 5).contains("a program"));
}

#[test]
fn copies_are_their_owners_and_replace_nothing() {
    let (wallet, other) = (new_wallet(), new_wallet());
    wallet.done(&["keys", "new", "alice", "--no-passphrase"]);
    wallet.done(&["keys", "export", "alice", "-o", "copy.json"]);
    assert_eq!(mode(&wallet.path("copy.json")), 0o600);
    assert_eq!(mode(&wallet.path("home/keys")), 0o700);
    let copy = wallet.read("copy.json");
    assert!(wallet.refused(&["keys", "export", "alice", "-o", "copy.json"], 2).contains("copy.json"));
    assert_eq!(wallet.read("copy.json"), copy);
    // The secret lies in it as it is: others must not have read it on its way.
    fs::write(other.path("copy.json"), &copy).unwrap();
    set_mode(&other.path("copy.json"), 0o644);
    assert!(other.refused(&["keys", "import", "copy.json"], 5).contains("chmod 600"));
    set_mode(&other.path("copy.json"), 0o600);
    other.done(&["keys", "import", "copy.json"]);
    set_mode(&wallet.path("home/keys"), 0o750);
    assert!(wallet.refused(&["keys", "list"], 5).contains("chmod 700"));
}

/// Every command that handles a key, with what it prints for people, for programs, and when it fails.
#[test]
fn nothing_secret_is_told() {
    let wallet = new_wallet();
    wallet.done(&["keys", "new", "alice"]);
    wallet.done(&["keys", "words", "alice", "-o", "words"]);
    let words = wallet.read("words").trim().to_owned();
    let secret = countersign_client::keystore::words::from_words(&words).unwrap();
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{:?}", &secret[..8]);
    let secrets = [PASSPHRASE, &words, &hexadecimal, decimal.trim_end_matches(']')];
    propose(&wallet);
    fs::write(wallet.path("offer.json"), "{}").unwrap();
    let commands: &[&[&str]] = &[
        &["keys", "list"],
        &["keys", "show", "alice"],
        &["keys", "export", "alice", "-o", "export.json"],
        &["keys", "import", "export.json"],
        &["keys", "import", "words"],
        &["keys", "words", "alice"],
        &["keys", "words", "alice", "-o", "again"],
        &["keys", "restore", "bob", "--words-file", "words"],
        &["keys", "restore", "bob", "--words-file", "words"],
        &["keys", "restore", "bob", "--words-file", "offer.json"],
        &["keys", "new", "alice"],
        &["keys", "new", "carol"],
        &["keys", "dev", "dave"],
        &["tx", "sign", "burn.csp", "--yes", "--key", "alice"],
        &["tx", "sign", "burn.csp", "--key", "alice"],
        &["tx", "sign", "burn.csp", "--yes", "--key", "bob"],
        &["tx", "sign", "burn.csp", "--yes", "--key", "alice", "--passphrase-file", "words"],
        &["doc", "sign", "burn.csp", "--yes", "--key", "alice"],
        &["doctor"],
    ];
    for args in commands {
        for json in [false, true] {
            let output = wallet.command(json, args).output().unwrap();
            for told in [&output.stdout, &output.stderr] {
                let told = String::from_utf8_lossy(told);
                let given_away = secrets.iter().find(|secret| told.contains(**secret));
                assert!(given_away.is_none(), "{args:?} tells {given_away:?}:\n{told}");
            }
        }
    }
    // A wrong passphrase is not repeated either.
    let mut wrong = wallet.command(false, &["tx", "sign", "burn.csp", "--yes", "--key", "alice"]);
    let output = wrong.env("COUNTERSIGN_PASSPHRASE", "another-marker").output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("another-marker"));
    // On disk the secret stands nowhere but in the words that were asked for.
    let stored = wallet.read("home/keys/alice.key.json");
    assert!(secrets.iter().all(|secret| !stored.contains(secret)));
}

#[test]
fn the_doctor_tells_damage_by_its_exit_code() {
    let wallet = new_wallet();
    wallet.done(&["keys", "new", "alice"]);
    let levels = |findings: &Json, level: &str| {
        findings.as_array().unwrap().iter().filter(|finding| finding["level"] == level).count()
    };
    let whole = wallet.done(&["doctor"]);
    assert_eq!((levels(&whole, "error"), levels(&whole, "warning")), (0, 0), "{whole}");
    fs::write(wallet.path("home/keys/bob.key.json"), "{}").unwrap();
    set_mode(&wallet.path("home/keys/bob.key.json"), 0o600);
    let output = wallet.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(8));
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(levels(&found, "error"), 1, "{found}");
    let error: Json = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&error["error"]["kind"], &error["error"]["exit"]), (&"unhealthy".into(), &8.into()));
    let told = wallet.command(false, &["doctor"]).output().unwrap();
    assert!(String::from_utf8(told.stdout).unwrap().contains("ERROR    keys       key bob:"));
    // Whatever is wrong with a node is a finding, not the end.
    let unreachable = ["--node", "ws://127.0.0.1:1", "doctor", "--json"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = command.args(unreachable).env("COUNTERSIGN_HOME", wallet.path("home")).output().unwrap();
    assert_eq!(output.status.code(), Some(8));
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(levels(&found, "error"), 2, "{found}");
}

#[test]
fn manual_pages_are_written_into_a_folder() {
    let wallet = new_wallet();
    let made = wallet.done(&["man", "--dir", "pages/man1"]);
    let pages = made["pages"].as_array().unwrap();
    assert_eq!(pages.len(), fs::read_dir(wallet.path("pages/man1")).unwrap().count());
    assert!(wallet.read("pages/man1/countersign.1").contains("Exit codes"));
    assert!(wallet.read("pages/man1/countersign-tx-sign.1").contains("countersign\\-tx\\-sign"));
    fs::write(wallet.path("file"), "").unwrap();
    wallet.refused(&["man", "--dir", "file"], 2);
}
