//! The keystore against wrong passphrases, open modes, foreign versions and damaged files.
use super::*;
use std::os::unix::fs::PermissionsExt;

fn store() -> (tempfile::TempDir, Keystore) {
    let home = tempfile::tempdir().unwrap();
    let store = Keystore::new(home.path().join("keys"));
    (home, store)
}

fn edit(store: &Keystore, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
    let path = store.path(name).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs::write(&path, serde_json::to_vec(&json).unwrap()).unwrap();
}

#[test]
fn a_key_opens_with_its_passphrase_only() {
    let (_home, store) = store();
    let record = store.create("alice", &Protection::Passphrase("correct horse")).unwrap();
    assert_eq!(record.account, AccountId::of_key(&record.key));
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&record));
    assert_eq!(store.unlock("alice", Some("correct horse")).unwrap().record, record);
    assert!(matches!(store.unlock("alice", Some("wrong")), Err(KeyError::WrongPassphrase { .. })));
    assert!(matches!(store.unlock("alice", None), Err(KeyError::PassphraseNeeded { .. })));
    let path = store.path("alice").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&store.folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 1, "nothing is left beside the key");
}

#[test]
fn a_key_is_never_overwritten() {
    let (_home, store) = store();
    let first = store.create("alice", &Protection::None).unwrap();
    assert!(matches!(store.create("alice", &Protection::None), Err(KeyError::Exists { .. })));
    assert_eq!(store.record("alice").unwrap(), first);
}

#[test]
fn an_unencrypted_key_says_so() {
    let (_home, store) = store();
    store.create_development("alice@shop.example", &Protection::None).unwrap();
    let record = store.create_development("alice", &Protection::None).unwrap();
    assert!(!record.encrypted);
    assert_eq!(record.key, public_key(&development_secret("alice")));
    store.unlock("alice", None).unwrap();
    assert!(matches!(store.create("bob", &Protection::Passphrase("")), Err(KeyError::EmptyPassphrase)));
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let (_home, store) = store();
    for name in ["", "../alice", "..", "Alice", ".a", "-a", "a/b", &"a".repeat(201), "a\0", "é"] {
        assert!(matches!(store.create(name, &Protection::None), Err(KeyError::BadName)), "{name}");
    }
    assert!(matches!(store.unlock("nobody", None), Err(KeyError::NotFound { .. })));
}

#[test]
fn what_others_can_read_is_refused() {
    let (_home, store) = store();
    store.create("alice", &Protection::None).unwrap();
    let path = store.path("alice").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(store.unlock("alice", None), Err(KeyError::OpenToOthers { mode: 0o644, wanted: 0o600, .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&store.folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(store.unlock("alice", None), Err(KeyError::OpenToOthers { wanted: 0o700, .. })));
}

#[test]
fn foreign_and_damaged_files_are_told_apart() {
    let (_home, store) = store();
    store.create("alice", &Protection::Passphrase("p")).unwrap();
    edit(&store, "alice", |json| json["version"] = 2.into());
    assert!(matches!(store.unlock("alice", Some("p")), Err(KeyError::ForeignVersion { found: 2, .. })));
    edit(&store, "alice", |json| json["format"] = "x".into());
    assert!(matches!(store.record("alice"), Err(KeyError::Damaged { .. })));
    for bytes in [&b""[..], b"{", b"\xff\xff", b"[]", &[b'['; 8000], &[b' '; 20_000]] {
        fs::write(store.path("alice").unwrap(), bytes).unwrap();
        assert!(matches!(store.unlock("alice", Some("p")), Err(KeyError::Damaged { .. })));
    }
}

#[test]
fn every_field_is_bound_to_the_secret() {
    let (_home, store) = store();
    store.create("alice", &Protection::Passphrase("p")).unwrap();
    let other = store.create("bob", &Protection::None).unwrap();
    edit(&store, "alice", |json| json["account"] = other.account.to_string().into());
    assert!(matches!(store.unlock("alice", Some("p")), Err(KeyError::WrongPassphrase { .. })));
    edit(&store, "bob", |json| json["secret"] = "00".repeat(32).into());
    assert!(matches!(store.unlock("bob", None), Err(KeyError::Damaged { .. })));
}

#[test]
fn a_file_cannot_ask_for_all_memory() {
    let (_home, store) = store();
    store.create("alice", &Protection::Passphrase("p")).unwrap();
    edit(&store, "alice", |json| json["protection"]["memory_kib"] = u32::MAX.into());
    assert!(matches!(store.unlock("alice", Some("p")), Err(KeyError::Damaged { .. })));
}

#[test]
fn an_exported_key_is_imported_as_it_was() {
    let (home, store) = store();
    let record = store.create("alice", &Protection::Passphrase("p")).unwrap();
    let backup = home.path().join("backup.json");
    fs::write(&backup, store.export("alice").unwrap().as_bytes()).unwrap();
    let other = Keystore::new(home.path().join("other"));
    assert_eq!(other.import(&backup).unwrap(), record);
    assert_eq!(other.unlock("alice", Some("p")).unwrap().record, record);
    assert!(matches!(other.import(&backup), Err(KeyError::Exists { .. })));
}
