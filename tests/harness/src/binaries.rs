//! The programs under test, built once by cargo in the profile the tests themselves were built in.
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A program of the project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    /// `countersign-node`.
    Node,
    /// `countersign`.
    Wallet,
    /// `countersign-site`.
    Site,
}

impl Binary {
    const fn name(self) -> &'static str {
        match self {
            Self::Node => "countersign-node",
            Self::Wallet => "countersign",
            Self::Site => "countersign-site",
        }
    }
}

/// Names a folder with programs that are built already: those to hand out, or of another version.
const GIVEN: &str = "COUNTERSIGN_PROGRAMS";

/// Path of the program, built from the sources as they are now, unless `COUNTERSIGN_PROGRAMS` names the folder of others.
///
/// # Errors
/// If cargo fails to build it.
pub fn binary(binary: Binary) -> anyhow::Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let folder = folder.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(folder.join(binary.name()))
}

/// Path of an example of one of the crates, built like [`binary`].
///
/// # Errors
/// If cargo fails to build it.
pub fn example(name: &str) -> anyhow::Result<PathBuf> {
    let folder = binary(Binary::Wallet)?;
    let folder = folder.parent().context("a program lies in a folder")?;
    Ok(folder.join("examples").join(name))
}

fn build() -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os(GIVEN) {
        return Ok(given.into());
    }
    // target/<profile>/deps/<this test>, or target/<profile>/<this program>
    let me = std::env::current_exe().context("where this program lies")?;
    let folder = me.parent().context("a program lies in a folder")?;
    let folder =
        if folder.ends_with("deps") { folder.parent().context("deps lies in a profile's folder")? } else { folder };
    let target = folder.parent().context("a profile's folder lies in the target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--locked", "--quiet", "--bins"]);
    if me.parent() != Some(folder) {
        // Part of a test run: all of it again, so that features are resolved the same way and nothing is built twice.
        command.args(["--workspace", "--tests", "--examples"]);
    }
    command.arg("--target-dir").arg(target);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().context("starting cargo")?;
    anyhow::ensure!(status.success(), "cargo could not build the programs");
    Ok(folder.to_path_buf())
}
