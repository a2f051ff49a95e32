//! A lock's file without a node: what it asks, and files that are not what they should be.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use serde_json::{Value as Json, json};
use support::{Wallet, error};

/// The form of a key, mistyped.
const KEY: &str = "csk1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";

struct Door {
    wallet: Wallet,
    /// An account, and the same 32 bytes as a validator's key.
    account: String,
    key: String,
}

impl Door {
    fn new() -> Self {
        let wallet = Wallet::new();
        let made = wallet.done(&["keys", "dev", "hotel"]);
        let [account, key] = ["account", "key"].map(|name| made[name].as_str().unwrap().to_owned());
        Self { wallet, account, key }
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> Json {
        self.wallet.done(args)
    }

    /// Runs to failure with this exit code; the error.
    #[track_caller]
    fn refused(&self, args: &[&str], exit: i32) -> Json {
        error(&self.wallet.run(args), exit)
    }

    fn lock(&self) -> Json {
        json!({
            "version": 1, "chain": "11".repeat(32), "since": 1, "validators": [{ "key": self.key, "power": 1 }],
            "merchant": self.account, "objects": ["2"], "fresh_ms": 900_000, "ahead_ms": 120_000, "waiting": null
        })
    }

    fn write(&self, lock: &Json) {
        self.wallet.write("lock.json", lock.to_string());
    }

    fn kept(&self) -> Json {
        serde_json::from_str(&self.wallet.read("lock.json")).unwrap()
    }
}

#[test]
fn a_lock_asks_something_new_each_time_and_remembers_it() {
    let door = Door::new();
    door.write(&door.lock());
    let shown = door.done(&["lock", "show", "lock.json"]);
    assert_eq!((&shown["objects"], &shown["validators"], &shown["waits"]), (&json!(["2"]), &json!(1), &json!(false)));
    let first = door.done(&["lock", "challenge", "lock.json"])["challenge"].clone();
    assert_eq!(door.kept()["waiting"], first);
    let second = door.done(&["lock", "challenge", "lock.json", "--at", "1000"]);
    assert_ne!(second["challenge"], first);
    assert_eq!(second["made_at"], "1970-01-01T00:00:01.000Z");
    assert_eq!(door.done(&["lock", "show", "lock.json"])["waits"], true);
}

#[test]
fn what_is_no_key_opens_nothing_and_changes_nothing() {
    let door = Door::new();
    door.write(&door.lock());
    let asked = door.done(&["lock", "challenge", "lock.json"])["challenge"].as_str().unwrap().to_owned();
    let before = door.kept();
    door.wallet.write("nonsense", [0xff; 100]);
    for key in [&asked, "countersign:key?qqqq", "COUNTERSIGN:KEY?"] {
        let error = door.refused(&["lock", "verify", "lock.json", key], 9);
        assert_eq!((&error["kind"], &error["details"]["name"]), (&json!("refused_by_lock"), &json!("text")));
    }
    door.refused(&["lock", "verify", "lock.json", "nonsense"], 2);
    door.refused(&["lock", "verify", "lock.json", "missing"], 2);
    assert_eq!(door.kept(), before);
}

#[test]
fn a_file_that_is_no_lock_is_refused_by_its_cause() {
    let door = Door::new();
    let show = ["lock", "show", "lock.json"];
    door.refused(&show, 2);
    let with = |name: &str, value: Json| {
        let mut lock = door.lock();
        lock[name] = value;
        door.write(&lock);
        door.refused(&show, 2)["message"].as_str().unwrap().to_owned()
    };
    assert!(with("version", json!(2)).contains("version 2"));
    assert!(with("colour", json!("red")).contains("not JSON"), "a field that nobody knows");
    let twice = json!([{ "key": door.key, "power": 1 }, { "key": door.key, "power": 1 }]);
    for (name, value) in [
        ("chain", json!("12")),
        ("validators", json!([])),
        ("validators", twice),
        ("validators", json!([{ "key": KEY, "power": 1 }])),
        ("merchant", json!(door.key)),
        ("objects", json!([])),
        ("fresh_ms", json!(0)),
        ("fresh_ms", json!(u64::MAX)),
        ("ahead_ms", json!(u64::MAX)),
        ("waiting", json!("countersign:key?")),
    ] {
        assert!(with(name, value.clone()).contains("is not a lock"), "{name}: {value}");
    }
    door.wallet.write("lock.json", "x".repeat(1 << 20));
    assert!(door.refused(&show, 2)["message"].as_str().unwrap().contains("longer than"));
}
