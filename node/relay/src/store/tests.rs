//! The file of the relay: opened, refused, written together, and opened again after the disk was full.
use super::*;
use redb::ReadableTableMetadata;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const NUMBERS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("test-numbers");

fn insert(transaction: &WriteTransaction, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
    transaction.open_table(NUMBERS).map_err(fault)?.insert(number, bytes).map_err(fault)?;
    Ok(())
}

/// Opens a store that was just left. A test that starts a program at this moment keeps its file locked until that runs.
fn reopen(dir: &Path) -> Result<Store, StoreError> {
    loop {
        match Store::open(dir) {
            Err(StoreError::InUse { .. }) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

fn count(store: &Store) -> u64 {
    store.read_now(|transaction| transaction.open_table(NUMBERS).map_err(fault)?.len().map_err(fault)).unwrap()
}

#[test]
fn a_store_belongs_to_one_process_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("relay");
    let store = Store::open(&dir).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join(FILE))), (0o700, 0o600));
    assert!(matches!(Store::open(&dir), Err(StoreError::InUse { .. })));
    drop(store);
    reopen(&dir).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let newer = |transaction: &WriteTransaction| {
        put(&mut transaction.open_table(META).map_err(fault)?, "format", &(FORMAT + 1))
    };
    store.write_now(newer).unwrap();
    drop(store);
    let refused = reopen(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::NewerFormat { found, .. } if found == FORMAT + 1), "{refused}");
}

#[test]
fn a_damaged_file_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), vec![0x7a; 100_000]).unwrap();
    let refused = Store::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    assert!(refused.to_string().contains(FILE), "{refused}");

    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.write_now(|transaction| (0..200).try_for_each(|n| insert(transaction, n, &[0x5e; 1_000]))).unwrap();
    drop(store);
    let path = dir.path().join(FILE);
    let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(1_000).position(|window| window == [0x5e; 1_000]).unwrap() as u64;
    file.seek(SeekFrom::Start(at + 500)).unwrap();
    file.write_all(&[0x5f]).unwrap();
    drop(file);
    let refused = reopen(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
}

#[test]
fn a_damaged_row_is_an_error_that_names_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let read = store.write_now(|transaction| {
        let mut meta = transaction.open_table(META).map_err(fault)?;
        meta.insert("test", &[1, 2, 3][..]).map_err(fault)?;
        get::<_, u64>(&meta, "meta", "test")
    });
    assert!(matches!(read, Err(StoreError::BadRow { table: "meta", .. })), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_are_written_together_and_all_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path()).unwrap());
    let mut running = tokio::task::JoinSet::new();
    for number in 0..2_000 {
        let store = Arc::clone(&store);
        running.spawn(async move {
            store.write(100, move |transaction| insert(transaction, number, &[7]).map(|()| number)).await.unwrap()
        });
    }
    let mut answered = running.join_all().await;
    answered.sort_unstable();
    assert_eq!(answered, (0..2_000).collect::<Vec<_>>());
    let seen = store.read(|transaction| transaction.open_table(NUMBERS).map_err(fault)?.len().map_err(fault)).await;
    assert_eq!(seen.unwrap(), 2_000);
    // What is larger than all that may wait is let in alone.
    store.write(usize::MAX, |transaction| insert(transaction, 9_999, &[])).await.unwrap();
    drop(store);
    assert_eq!(count(&reopen(dir.path()).unwrap()), 2_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.write(0, |transaction| insert(transaction, 1, &[])).await.unwrap();
    let failed = store.write(0, |transaction| insert(transaction, 2, &[]).and(Err::<(), _>(StoreError::Stopped))).await;
    assert!(matches!(failed, Err(StoreError::Stopped)));
    assert_eq!(count(&store), 1);
}

/// Names the folder to a child whose files are kept small.
const FOLDER: &str = "COUNTERSIGN_RELAY_FULL_FOLDER";

/// The system stands in for a full disk: it lets the child's files grow to 3 MB, and then to any size.
#[test]
fn a_store_whose_disk_was_full_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 6000; exec \"$0\" \"$@\""])
        .arg(&program)
        .args(["--exact", "store::tests::child_with_a_full_disk", "--nocapture"])
        .env(FOLDER, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Vec::new();
    for line in lines.map_while(Result::ok).filter(|line| line.starts_with("store ")) {
        if line == "store full" {
            let pid = child.id().to_string();
            let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
            assert!(lifted.success());
        }
        heard.push(line);
    }
    assert!(child.wait().unwrap().success(), "{heard:?}");
    assert_eq!(heard, ["store full", "store whole"]);
}

/// Does nothing unless the test above runs it.
#[test]
fn child_with_a_full_disk() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(Path::new(&dir)).unwrap();
        const SIZE: usize = 100_000;
        let mut written = 0;
        let write = |n| store.write(SIZE, move |transaction| insert(transaction, n, &vec![0x5e; SIZE]));
        while write(written).await.is_ok() {
            written += 1;
        }
        println!("store full");
        while write(written).await.is_err() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(written > 1);
        assert_eq!(count(&store), written + 1, "what was answered before is there");
        println!("store whole");
    });
}
