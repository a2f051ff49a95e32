//! A small disk of its own for a node, so that it can be full: a file system in memory, in a mount namespace that ends with
//! the process that holds it.
use anyhow::Context as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Bytes written at once to fill it.
const BLOCK: [u8; 4096] = [0; 4096];
/// File that takes up the room.
const FILLER: &str = "filler";

/// A disk mounted at a folder, seen by those it starts.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
    holder: Child,
    /// The holder ends, and the disk with it, when this is closed: also if this process is killed.
    _open: Option<ChildStdin>,
}

impl Disk {
    /// A disk of that size, mounted over the folder `at`.
    ///
    /// # Errors
    /// If this system lets neither root nor a user of a namespace mount one.
    pub fn mount(at: &Path, bytes: u64) -> anyhow::Result<Self> {
        let script = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat"#;
        let mut command = Command::new("unshare");
        // Needs no rights outside of its namespace.
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", &bytes.to_string()]).arg(at);
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting unshare")?;
        let open = holder.stdin.take();
        let mut told = String::new();
        let output = holder.stdout.take().context("its output is piped")?;
        BufReader::new(output).read_line(&mut told)?;
        let disk = Self { at: at.to_path_buf(), holder, _open: open };
        anyhow::ensure!(
            told == "mounted\n",
            "a disk in memory cannot be mounted here: run as root or allow user namespaces"
        );
        Ok(disk)
    }

    /// The same path as this process, which is outside of the namespace, can open it.
    pub fn seen_from_here(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Starts a program that sees the disk.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--preserve-credentials", "--user", "--mount", "--target", &self.holder.id().to_string(), "--"])
            .arg(program);
        command
    }

    /// Leaves no room for another block of bytes.
    ///
    /// # Errors
    /// If the file that takes up the room cannot be made.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut filler = std::fs::File::options().create(true).append(true).open(self.filler())?;
        while filler.write_all(&BLOCK).is_ok() {}
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// If it was not filled.
    pub fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.seen_from_here(&self.at).join(FILLER)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
