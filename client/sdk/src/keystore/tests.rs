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
    assert_eq!(record.custody, Custody::Plain);
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

#[test]
fn a_backup_with_the_bare_secret_is_taken_only_if_nobody_else_can_read_it() {
    let (home, store) = store();
    store.create("alice", &Protection::None).unwrap();
    let backup = home.path().join("backup.json");
    write_private(&backup, store.export("alice").unwrap().as_bytes()).unwrap();
    let other = Keystore::new(home.path().join("other"));
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(other.import(&backup), Err(KeyError::OpenToOthers { mode: 0o640, .. })));
    assert!(other.list().unwrap().is_empty());
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o600)).unwrap();
    other.import(&backup).unwrap();
}

#[test]
fn a_key_comes_back_from_its_words() {
    let (_home, store) = store();
    let record = store.create("alice", &Protection::Passphrase("p")).unwrap();
    let paper = store.unlock("alice", Some("p")).unwrap().words();
    let secret = words::from_words(&paper).unwrap();
    let restored = store.store("again", &secret, None, &Protection::None).unwrap();
    assert_eq!((restored.account, restored.key), (record.account, record.key));
}

fn program(path: &str) -> Program {
    Program { path: path.into(), args: vec!["--slot".into(), "1".into()] }
}

#[test]
fn a_key_that_is_kept_elsewhere_has_a_program_instead_of_a_secret() {
    let (home, store) = store();
    let key = public_key(&development_secret("alice"));
    let record = store.store_external("alice", key, None, &program("/usr/bin/signer")).unwrap();
    assert_eq!((record.custody, record.account), (Custody::Program, AccountId::of_key(&key)));
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&record));
    let signer = store.signer("alice", None).unwrap();
    assert_eq!((signer.account(), signer.public_key()), (record.account, key));
    assert!(matches!(store.unlock("alice", None), Err(KeyError::KeptElsewhere { .. })));
    assert!(matches!(store.export("alice"), Err(KeyError::KeptElsewhere { .. })));
    let again = store.store_external("alice", key, None, &program("/usr/bin/signer"));
    assert!(matches!(again, Err(KeyError::Exists { .. })));
    // Somebody else's file must not make this machine run what they like.
    let planted = home.path().join("planted.json");
    fs::copy(store.path("alice").unwrap(), &planted).unwrap();
    let other = Keystore::new(home.path().join("other"));
    assert!(matches!(other.import(&planted), Err(KeyError::NamesAProgram { .. })));
}

#[test]
fn programs_are_named_by_a_whole_path_within_bounds() {
    let (_home, store) = store();
    let key = public_key(&development_secret("alice"));
    let long = Program { args: vec!["x".repeat(COMMAND_BYTES_MAX)], ..program("/bin/signer") };
    let many = Program { args: vec![String::new(); ARGUMENTS_MAX + 1], ..program("/bin/signer") };
    for bad in [program("signer"), program("./signer"), program(""), long, many] {
        assert!(matches!(store.store_external("alice", key, None, &bad), Err(KeyError::BadProgram)), "{bad:?}");
    }
    // The longest that is taken is read again.
    let room = COMMAND_BYTES_MAX - "/bin/signer".len();
    let escaped = Program { args: vec!["\u{1}".repeat(room)], ..program("/bin/signer") };
    store.store_external("alice", key, None, &escaped).unwrap();
    store.signer("alice", None).unwrap();
}

#[test]
fn an_examination_tells_what_is_wrong_with_each_file() {
    let (_home, store) = store();
    assert!(store.examine().unwrap().is_empty());
    for name in ["alice", "bob", "carol"] {
        store.create(name, &Protection::None).unwrap();
    }
    fs::write(store.path("bob").unwrap(), b"{").unwrap();
    fs::set_permissions(store.path("carol").unwrap(), fs::Permissions::from_mode(0o644)).unwrap();
    let found = store.examine().unwrap();
    let names: Vec<_> = found.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob", "carol"]);
    assert!(found[0].found.is_ok());
    assert!(matches!(found[1].found, Err(KeyError::Damaged { .. })));
    assert!(matches!(found[2].found, Err(KeyError::OpenToOthers { .. })));
    assert_eq!(store.list().unwrap().len(), 1);
}
