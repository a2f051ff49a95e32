//! Compares what the code gives with what is written down beside this file. Included by the tests that freeze formats.
use std::path::Path;

/// Panics if `actual` is not the content of the file `name`, naming the first line that differs.
///
/// A changed line is a changed format: nodes, wallets and data of before no longer fit. Only when that is decided, run the
/// test with `COUNTERSIGN_BLESS=1` to write the new content, and commit it with the reason.
pub fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("two folders deep")
        .join("tests/vectors")
        .join(name);
    if std::env::var_os("COUNTERSIGN_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, actual).expect("the vectors can be written");
        return;
    }
    let frozen = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = actual.lines().zip(frozen.lines().map(Some).chain(std::iter::repeat(None))).enumerate();
    if let Some((at, (actual, frozen))) = lines.find(|(_, (actual, frozen))| Some(*actual) != *frozen) {
        let frozen = frozen.unwrap_or("nothing");
        panic!(
            "{name}, line {}: the format changed\n  frozen: {frozen}\n     now: {actual}\nif decided: COUNTERSIGN_BLESS=1",
            at + 1
        );
    }
    assert_eq!(actual.lines().count(), frozen.lines().count(), "{name}: something that was frozen is gone");
}
