//! A merchant's site as a process: a folder with a certificate of its own, its server, and what its operator does.
use crate::{Binary, Node, Outcome, Wallet, binary, wait_for};
use anyhow::Context as _;
use countersign_types::{Hash, PublicKey};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The name in a site's certificate, by which relays on this machine reach it.
pub const SITE_HOST: &str = "localhost";
/// Takes whatever port is free.
const ANY_PORT: &str = "127.0.0.1:0";

/// The site of a member; its server ends when it is dropped.
#[derive(Debug)]
pub struct Site {
    name: String,
    folder: PathBuf,
    key: PublicKey,
    server: Option<Server>,
}

#[derive(Debug)]
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Site {
    /// Makes the site of the member `name` in `folder`. Its member's development key signs enrolments on the chain.
    ///
    /// # Errors
    /// If the site's commands refuse.
    pub fn make(folder: &Path, name: &str, chain: &Hash) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let certified = rcgen::generate_simple_self_signed([SITE_HOST.to_owned()])?;
        let mut site = Self { name: name.into(), folder: folder.into(), key: PublicKey([0; 32]), server: None };
        fs::write(site.certificate(), certified.cert.pem())?;
        let mut private = File::options().write(true).create_new(true).mode(0o600).open(site.private_key())?;
        private.write_all(certified.key_pair.serialize_pem().as_bytes())?;
        // Only its keystore is wanted; it talks to no node.
        Wallet::of_development_key(&folder.join("member"), "ws://127.0.0.1:1", name)?;
        let [certificate, private, keys] =
            [site.certificate(), site.private_key(), folder.join("member/keys")].map(|path| path.display().to_string());
        let files = ["--tls-certificate", &certificate, "--tls-key", &private, "--keystore", &keys, "--key", name];
        let chain = chain.to_string();
        let words = ["init", "--site", name, "--listen", ANY_PORT, "--chain", &chain];
        let made = site.run(&[&words[..], &files].concat())?;
        site.key = made["key"].as_str().context("`init` tells the site's key")?.parse()?;
        Ok(site)
    }

    /// A development node in `dir` with a relay, and beside it the site of the member `name`, which grants it and runs. Nothing of the
    /// site is on the ledger yet.
    ///
    /// # Errors
    /// If a program does not start.
    pub fn beside_a_node(dir: &Path, name: &str) -> anyhow::Result<(Node, Self)> {
        let folder = dir.join("node");
        // A site is of one chain, and a node learns at its start which certificates to trust.
        let node = Node::start(&folder, &["dev", "--rpc-port", "0"])?;
        let chain = node.call("chain_head", &json!([]))?["chain"].as_str().context("a chain has an id")?.parse()?;
        node.stop()?;
        let mut site = Self::make(&dir.join("site"), name, &chain)?;
        let trusted = site.certificate().display().to_string();
        let node = Node::start(&folder, &["dev", "--rpc-port", "0", "--relay", "--trusted-certificates", &trusted])?;
        let relay = node.call("relay_info", &json!([]))?["key"].as_str().context("a relay has a key")?.parse()?;
        site.grant(&relay)?;
        site.start()?;
        Ok((node, site))
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that signs its answers.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Its certificate, PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("tls.crt")
    }

    /// The certificate's key, PEM.
    pub fn private_key(&self) -> PathBuf {
        self.folder.join("tls.key")
    }

    /// A path in the site's own folder.
    pub fn own(&self, name: &str) -> PathBuf {
        self.folder.join("site").join(name)
    }

    /// Where its server listens.
    ///
    /// # Errors
    /// If it does not run.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.server.as_ref().map(|server| server.address).context("the site does not run")
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(binary(Binary::Site)?);
        command.args(["--json", "--dir"]).arg(self.folder.join("site")).env_clear();
        Ok(command)
    }

    /// Runs a command of the operator with these lines on standard input, whatever comes of it.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn try_run(&self, input: &str, args: &[&str]) -> anyhow::Result<Outcome> {
        let mut command = self.command()?;
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("starting the site's program")?;
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().context("standard input is piped")?.write_all(input.as_bytes());
        Ok(child.wait_with_output()?.into())
    }

    /// Runs a command of the operator to success; what it printed.
    ///
    /// # Errors
    /// If it exits with anything but 0 or prints no JSON.
    pub fn run(&self, args: &[&str]) -> anyhow::Result<Value> {
        self.run_with("", args)
    }

    fn run_with(&self, input: &str, args: &[&str]) -> anyhow::Result<Value> {
        let outcome = self.try_run(input, args)?;
        anyhow::ensure!(outcome.code == 0, "`countersign-site {}`: {}", args.join(" "), outcome.stderr);
        outcome.json()
    }

    /// Adds a user with this password.
    ///
    /// # Errors
    /// If the site refuses.
    pub fn add_user(&self, user: &str, password: &str) -> anyhow::Result<()> {
        self.run_with(&format!("{password}\n"), &["user", "add", user]).map(|_| ())
    }

    /// Adds users with their passwords, by a file as it comes from another system.
    ///
    /// # Errors
    /// If the site refuses.
    pub fn import_users(&self, users: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<()> {
        // Only its owner reads a temporary file.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        writeln!(file, "user,password")?;
        users.into_iter().try_for_each(|(user, password)| writeln!(file, "{user},{password}"))?;
        self.run(&["user", "import", &file.path().display().to_string()]).map(|_| ())
    }

    /// Lets the relay with this key ask.
    ///
    /// # Errors
    /// If the site refuses.
    pub fn grant(&self, relay: &PublicKey) -> anyhow::Result<()> {
        self.run(&["relay", "grant", &relay.to_string()]).map(|_| ())
    }

    /// Publishes a notice; its number.
    ///
    /// # Errors
    /// If the site refuses.
    pub fn publish(&self, title: &str) -> anyhow::Result<u64> {
        let told = self.run(&["post", "add", "--title", title])?;
        told["number"].as_u64().with_context(|| format!("a post has a number: {told}"))
    }

    /// Appends lines to the settings, for the next start.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set(&self, lines: &str) -> anyhow::Result<()> {
        let mut file = File::options().append(true).open(self.own("site.toml"))?;
        Ok(writeln!(file, "\n{lines}")?)
    }

    /// Starts the server and waits until it listens, on another port each time.
    ///
    /// # Errors
    /// With its log if it does not.
    pub fn start(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.server.is_none(), "the site runs already");
        let log = self.folder.join("site.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = self.command()?;
        let mut child = command.arg("run").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(output).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("standard output is piped")?).read_line(&mut line)?;
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let told: Value = serde_json::from_str(&line)
            .with_context(|| format!("the site does not listen: {}", crate::node::log_end(&log)))?;
        server.address = told["listening"].as_str().context("it tells where it listens")?.parse()?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends the server at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut server = self.server.take().context("the site does not run")?;
        server.child.kill()?;
        wait_for("the site to be gone", || server.child.try_wait().ok().flatten())?;
        Ok(())
    }
}
