//! From a chain's specification, a TOML file that people write and compare, to the checked [`Genesis`] a chain starts from.
//! Knows nothing of execution or networks.
//!
//! ```text
//! text ─section.rs→ sections, values with their lines ─draft.rs→ what each section says ─check.rs→ Genesis ─write.rs→ text
//! ```
//!
//! Every mistake is named with its line, its key and what to do, as many at once as can be told apart.
#![forbid(unsafe_code)]

mod check;
mod draft;
mod error;
mod section;
mod time;
mod write;

pub use error::{Cause, LoadError, SpecError, SpecErrors};
pub use write::to_toml;

use countersign_types::{Genesis, limits};
use std::io::Read as _;
use std::path::Path;

/// The development network: keys anybody can compute (`countersign_types::signature::development_secret` of each full name).
pub const DEV: &str = include_str!("../specs/dev.toml");

/// Bytes of a specification: as many holders as a genesis has room for, written out.
const SPEC_BYTES_MAX: usize = limits::GENESIS_BYTES_MAX;

/// Reads a specification. Contract files are looked up in the folder `files`.
///
/// The same chain gives the same [`Genesis`] in whatever order its members, holders, assets and contracts are written.
///
/// # Errors
/// [`SpecErrors`]: all mistakes found, in the order of their lines.
pub fn parse(text: &str, files: &Path) -> Result<Genesis, SpecErrors> {
    let mut mistakes = error::Mistakes::default();
    if text.len() > SPEC_BYTES_MAX {
        let place = error::Place { line: 1, key: "the specification".into() };
        mistakes.add(&place, Cause::TooLarge { size: text.len(), limit: SPEC_BYTES_MAX });
        return Err(mistakes.into_errors());
    }
    let draft = draft::read(text, &mut mistakes);
    let genesis = check::genesis(draft, files, &mut mistakes);
    match genesis {
        Some(genesis) if mistakes.is_empty() => Ok(genesis),
        _ => Err(mistakes.into_errors()),
    }
}

/// Reads the specification at `path`. Contract files are looked up beside it.
///
/// # Errors
/// [`LoadError`] if it cannot be read or holds mistakes.
pub fn load(path: &Path) -> Result<Genesis, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One byte more than the limit, so that a longer file is told from one that just fits.
    file.take(SPEC_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    let files = path.parent().unwrap_or(Path::new(""));
    parse(&text, files).map_err(|source| LoadError::Mistakes { path: path.to_owned(), source })
}

/// The genesis of the development network ([`DEV`]).
///
/// # Panics
/// Never in a build whose tests pass: the specification is part of the program.
pub fn dev() -> Genesis {
    parse(DEV, Path::new("")).unwrap_or_else(|errors| panic!("the development specification: {errors}"))
}
