//! The wallet's folder and its key files: who can read and write them, and whether they are whole. No passphrase is asked for.
use crate::confirm::{PASSPHRASE_VARIABLE, PASSWORD_VARIABLE};
use countersign_client::Keystore;
use countersign_client::keystore::{Custody, Examined, KeyError, KeyRecord};
use countersign_client::rpc_types::finding::Finding;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Names that are told at once; of more, how many.
const NAMES_MAX: usize = 8;
/// Files of the keys' folder that are looked at for what was left over.
const FILES_MAX: usize = 10_000;

pub(super) fn examine(home: &Path, findings: &mut Vec<Finding>) {
    if !home.exists() {
        findings.push(Finding::note("home", format!("{} is not there yet: the first key makes it", home.display())));
        return;
    }
    findings.push(others_can_write(home));
    let keystore = Keystore::new(home.join("keys"));
    if let Err(error) = keystore.list() {
        findings.push(Finding::failed("keys", &error, advice(&error)));
        return;
    }
    match keystore.examine() {
        Ok(found) => keys(&keystore, &found, findings),
        Err(error) => findings.push(Finding::failed("keys", &error, advice(&error))),
    }
    findings.extend(left_over(keystore.folder()));
    for variable in [PASSPHRASE_VARIABLE, PASSWORD_VARIABLE].iter().filter(|name| std::env::var_os(name).is_some()) {
        let text = format!("{variable} is set: every program started from here can read it");
        findings.push(Finding::note("keys", text));
    }
}

fn others_can_write(home: &Path) -> Finding {
    match fs::metadata(home).map(|metadata| metadata.permissions().mode() & 0o777) {
        Ok(mode) if mode & 0o022 != 0 => {
            let text = format!("others can write into {} (mode {mode:03o})", home.display());
            Finding::warning("home", text, format!("chmod go-w {}", home.display()))
        }
        Ok(_) => Finding::ok("home", home.display().to_string()),
        Err(error) => Finding::failed("home", &error, format!("make {} readable to you", home.display())),
    }
}

fn keys(keystore: &Keystore, found: &[Examined], findings: &mut Vec<Finding>) {
    let whole: Vec<&KeyRecord> = found.iter().filter_map(|file| file.found.as_ref().ok()).collect();
    let kept =
        |custody| whole.iter().filter(move |record| record.custody == custody).map(|record| record.name.as_str());
    match whole.len() {
        0 => findings.push(Finding::note("keys", "there is none yet: `countersign keys new NAME` makes one")),
        number => {
            let words = names(&whole.iter().map(|record| record.name.as_str()).collect::<Vec<_>>());
            findings.push(Finding::ok("keys", format!("{number} can be read: {words}")));
        }
    }
    let plain: Vec<&str> = kept(Custody::Plain).collect();
    if !plain.is_empty() {
        let text = format!("not encrypted: {}; whoever reads the file can sign", names(&plain));
        findings.push(Finding::note("keys", text));
    }
    for (name, error) in found.iter().filter_map(|file| Some((&file.name, file.found.as_ref().err()?))) {
        findings.push(Finding::failed("keys", &Named { name, error }, advice(error)));
    }
    findings.extend(kept(Custody::Program).filter_map(|name| program(keystore, name)));
}

/// The program of a key that is kept elsewhere, if it is not there.
fn program(keystore: &Keystore, name: &str) -> Option<Finding> {
    let path = keystore.program(name).ok()??.path;
    let can_run = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let text = || format!("key {name}: {} is not a program that can be run", path.display());
    (!can_run).then(|| Finding::error("keys", text(), "put the program back where it was, or add the key anew"))
}

/// Files that a write left when it was cut off: they hold keys.
fn left_over(folder: &Path) -> Option<Finding> {
    let entries = fs::read_dir(folder).ok()?.take(FILES_MAX).filter_map(Result::ok);
    let hidden: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name.starts_with('.')).collect();
    if hidden.is_empty() {
        return None;
    }
    let text = format!("left over in {}: {}", folder.display(), names(&hidden));
    Some(Finding::warning(
        "keys",
        text,
        "a new key was being stored: if it is not listed, delete the file and make it again",
    ))
}

fn names<S: AsRef<str>>(names: &[S]) -> String {
    let told: Vec<&str> = names.iter().take(NAMES_MAX).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// An error of the key `name`, whose own words may not tell which it is.
#[derive(Debug)]
struct Named<'a> {
    name: &'a str,
    error: &'a KeyError,
}

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "key {}: {}", self.name, self.error)
    }
}

impl std::error::Error for Named<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

fn advice(error: &KeyError) -> &'static str {
    match error {
        KeyError::OpenToOthers { .. } => {
            "run the chmod it names; if others may have read it, move what the key guards to a new one"
        }
        KeyError::ForeignVersion { .. } => "use the version of the wallet that wrote it",
        KeyError::Damaged { .. } => {
            "put the file back from a backup (`keys export`), or restore the key from its words"
        }
        KeyError::BadName => "a key file is called like its key: give it back its name",
        KeyError::Io { .. } => "make the file readable to you",
        _ => "see `countersign keys list`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::keystore::Protection;
    use countersign_client::rpc_types::finding::Level;

    fn examined(home: &Path) -> Vec<Finding> {
        let mut findings = Vec::new();
        examine(home, &mut findings);
        findings
    }

    #[test]
    fn a_whole_home_has_no_warning() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        assert_eq!(examined(&home)[0].level, Level::Note, "there is none yet");
        let store = Keystore::new(home.join("keys"));
        store.create("alice", &Protection::Passphrase("p")).unwrap();
        assert!(examined(&home).iter().all(|finding| finding.level <= Level::Note), "{:?}", examined(&home));
    }

    #[test]
    fn each_damage_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let store = Keystore::new(home.join("keys"));
        for name in ["alice", "bob", "carol"] {
            store.create(name, &Protection::None).unwrap();
        }
        let file = |name: &str| home.join("keys").join(format!("{name}.key.json"));
        fs::write(file("bob"), "{}").unwrap();
        fs::set_permissions(file("carol"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(home.join("keys/.dave.0011223344556677"), "").unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
        let findings = examined(&home);
        let found = |level, words: &str, advice: &str| {
            findings.iter().any(|finding| {
                let told = finding.advice.as_deref().unwrap_or_default();
                finding.level == level && finding.text.contains(words) && told.contains(advice)
            })
        };
        assert!(found(Level::Warning, "others can write", "chmod go-w"), "{findings:?}");
        assert!(found(Level::Ok, "1 can be read: alice", ""), "{findings:?}");
        assert!(found(Level::Note, "not encrypted: alice", ""), "{findings:?}");
        assert!(found(Level::Error, "key bob: ", "backup"), "{findings:?}");
        assert!(found(Level::Error, "chmod 600", "chmod"), "{findings:?}");
        assert!(found(Level::Warning, ".dave.0011223344556677", "delete"), "{findings:?}");
        fs::set_permissions(home.join("keys"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(examined(&home).iter().any(|finding| finding.text.contains("chmod 700")));
    }
}
