//! What is kept is read back, never goes back, and a damaged file is told, not overlooked.
use super::super::tests::world_trust;
use super::*;
use std::os::unix::fs::PermissionsExt;

fn store() -> (tempfile::TempDir, TrustStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = TrustStore::new(folder.path().join("chains"));
    (folder, store)
}

fn at(trust: &Trust, height: u64) -> Trust {
    let (time, hash) = (Timestamp::from_millis(height), Hash([height as u8; 32]));
    Trust { newest: Some(Mark { height: Height::new(height), time, hash }), ..trust.clone() }
}

#[test]
fn what_is_kept_is_read_back_by_its_owner_only() {
    let (_folder, store) = store();
    let trust = world_trust();
    let chain = trust.chain();
    assert_eq!(store.load(&chain).unwrap(), None);
    assert_eq!((store.default_chain().unwrap(), store.list().unwrap()), (None, Vec::new()));
    store.save(&trust).unwrap();
    assert_eq!(store.load(&chain).unwrap(), Some(trust.clone()));
    store.save(&at(&trust, 9)).unwrap();
    store.set_default(&chain).unwrap();
    assert_eq!(store.list().unwrap(), [at(&trust, 9)]);
    assert_eq!(store.default_chain().unwrap(), Some(chain));
    for (path, mode) in
        [(store.path(&chain), 0o600), (store.folder.join(DEFAULT), 0o600), (store.folder.clone(), 0o700)]
    {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    assert!(store.forget(&chain).unwrap());
    assert!(!store.forget(&chain).unwrap());
    assert_eq!((store.default_chain().unwrap(), store.list().unwrap()), (None, Vec::new()));
}

#[test]
fn a_run_that_has_seen_less_takes_nothing_back() {
    let (_folder, store) = store();
    let trust = world_trust();
    store.save(&at(&trust, 9)).unwrap();
    store.save(&at(&trust, 8)).unwrap();
    store.save(&trust).unwrap();
    assert_eq!(store.load(&trust.chain()).unwrap(), Some(at(&trust, 9)));
    store.save(&at(&trust, 10)).unwrap();
    assert_eq!(store.load(&trust.chain()).unwrap(), Some(at(&trust, 10)));
}

#[test]
fn a_damaged_file_is_told_with_what_to_do() {
    let (_folder, store) = store();
    let trust = world_trust();
    store.save(&trust).unwrap();
    let (path, other) = (store.path(&trust.chain()), store.path(&Hash([3; 32])));
    let good = fs::read(&path).unwrap();
    fs::write(&other, &good).unwrap();
    assert!(matches!(store.load(&Hash([3; 32])), Err(StoreError::Damaged { .. })), "a file under another's name");
    for bad in [&b""[..], b"{}", b"\xff", &good[..good.len() / 2], &vec![b' '; FILE_BYTES_MAX + 1]] {
        fs::write(&path, bad).unwrap();
        let error = store.load(&trust.chain()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }) && error.to_string().contains("network trust"), "{error}");
    }
    fs::write(store.folder.join(DEFAULT), "no chain").unwrap();
    assert!(matches!(store.default_chain(), Err(StoreError::Damaged { .. })));
}

#[test]
fn an_interface_is_kept_by_the_hash_of_its_code() {
    let (_folder, store) = store();
    let interface = Interface::parse("module parking;").unwrap();
    assert_eq!(store.interface(&Hash([1; 32])).unwrap(), None);
    store.keep_interface(&Hash([1; 32]), &interface).unwrap();
    assert_eq!(store.interface(&Hash([1; 32])).unwrap(), Some(interface));
    fs::write(store.interface_path(&Hash([1; 32])), "module").unwrap();
    assert_eq!(store.interface(&Hash([1; 32])).unwrap(), None, "it is read from the ledger again");
}
