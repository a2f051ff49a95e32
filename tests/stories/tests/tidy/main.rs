//! What a machine can check of how this repository is kept: where files stand, how long they are, which crate knows which,
//! whether documents tell the truth. A failure names each offender and what to do.
mod documents;
mod edges;
mod errors;
mod source;
mod tree;

/// Fails with the list of offenders, if there are any.
#[track_caller]
fn assert_none(rule: &str, offenders: Vec<String>) {
    assert!(offenders.is_empty(), "{rule}\n  {}", offenders.join("\n  "));
}
