//! A chain at a height as one file: what a node needs to join without executing what was before, and a backup.
//!
//! ```text
//! stopped folder ─create.rs→ file: genesis' id, trail, header H+1, block H, its receipts, state after H, remembered ids
//!                                └─restore.rs, trusting the spec alone→ a new folder, which goes on at H+1
//! ```
//!
//! [Why it is made so](../../docs/decisions/snapshots.md). `format.rs` is the file.
mod create;
mod error;
mod format;
mod restore;

pub use create::create;
pub use error::SnapshotError;
pub use restore::restore;

use crate::folder;
use countersign_types::{Hash, Height};
use std::path::{Path, PathBuf};

/// What a snapshot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The chain's id.
    pub chain: Hash,
    /// The state is that after this block.
    pub height: Height,
    /// Root of the state.
    pub root: Hash,
    /// Entries of the state.
    pub entries: u64,
    /// Remembered transaction ids.
    pub ids: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SnapshotError {
    let path: PathBuf = path.to_path_buf();
    move |cause| SnapshotError::File { action, path, cause }
}

/// Makes the creation or renaming of `path` durable.
fn sync_parent(path: &Path) -> Result<(), SnapshotError> {
    let parent = folder::parent(path);
    folder::sync(parent).map_err(file_error("sync", parent))
}

#[cfg(test)]
mod tests;
