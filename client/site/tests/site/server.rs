//! A site in a folder of its own, its server as a process, and what its operator does.
use countersign_client::types::signature::{development_secret, public_key};
use countersign_client::types::{AccountId, PublicKey};
use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The site of every test.
pub const SITE: &str = "harbor-hotel.example";
/// The chain its enrolments are for.
pub const CHAIN: &str = "1111111111111111111111111111111111111111111111111111111111111111";
/// The name in its certificate.
pub const HOST: &str = "localhost";

/// A site's folder, with a certificate and the member's key.
pub struct Site {
    folder: tempfile::TempDir,
    /// The certificate, PEM.
    pub certificate: String,
    /// The key answers are signed with.
    pub key: PublicKey,
}

/// The account and key of a relay of the tests.
pub fn relay_identity(name: &str) -> (AccountId, [u8; 32]) {
    let secret = development_secret(name);
    (AccountId::of_key(&public_key(&secret)), secret)
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-site"));
    command.args(["--json", "--dir"]).arg(folder.join("site")).env_clear().stdin(Stdio::null());
    command
}

impl Site {
    /// Makes one with [`SITE`]'s development key for enrolments, and grants the relay `relay`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certified = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
        let certificate = certified.cert.pem();
        fs::write(folder.path().join("tls.crt"), &certificate).unwrap();
        let private = folder.path().join("tls.key");
        fs::write(&private, certified.key_pair.serialize_pem()).unwrap();
        fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
        let keystore = countersign_client::Keystore::new(folder.path().join("keys"));
        keystore.create_development(SITE, &countersign_client::keystore::Protection::None).unwrap();
        let mut site = Self { folder, certificate, key: PublicKey([0; 32]) };
        let (certificate, private, keys) = (site.path("tls.crt"), site.path("tls.key"), site.path("keys"));
        let made = site.done(
            &[
                &["init", "--site", SITE, "--listen", "127.0.0.1:0", "--chain", CHAIN, "--key", SITE][..],
                &["--tls-certificate", &certificate, "--tls-key", &private, "--keystore", &keys],
            ]
            .concat(),
        );
        site.key = made["key"].as_str().unwrap().parse().unwrap();
        site.grant("relay");
        site
    }

    /// A path in the folder around the site's.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A path in the site's folder.
    pub fn own(&self, name: &str) -> PathBuf {
        self.folder.path().join("site").join(name)
    }

    /// Grants a relay of the tests.
    pub fn grant(&self, name: &str) {
        let (_, secret) = relay_identity(name);
        self.done(&["relay", "grant", &public_key(&secret).to_string(), "--label", name]);
    }

    /// Adds a user with this password.
    pub fn add_user(&self, user: &str, password: &str) {
        self.done_with(password, &["user", "add", user]);
    }

    fn run(&self, input: &str, args: &[&str]) -> Output {
        let mut command = command(self.folder.path());
        let command = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command to success, with this line on standard input; its result.
    pub fn done_with(&self, input: &str, args: &[&str]) -> Json {
        let output = self.run(input, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command to success; its result.
    pub fn done(&self, args: &[&str]) -> Json {
        self.done_with("", args)
    }

    /// Runs a command that must end with this exit code; its error.
    pub fn refused_with(&self, input: &str, args: &[&str], exit: i32) -> Json {
        let output = self.run(input, args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?}");
        serde_json::from_str::<Json>(&errors).unwrap()["error"].take()
    }

    /// Runs a command that must end with this exit code; its error.
    pub fn refused(&self, args: &[&str], exit: i32) -> Json {
        self.refused_with("", args, exit)
    }

    /// Appends to the settings.
    pub fn set(&self, lines: &str) {
        let path = self.own("site.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}\n{lines}\n")).unwrap();
    }

    /// Starts the server and waits until it listens.
    pub fn start(&self) -> Server {
        self.start_with(&[], Stdio::null())
    }

    /// The same with these options and this standard input.
    pub fn start_with(&self, options: &[&str], input: Stdio) -> Server {
        let log = fs::File::create(self.path("site.log")).unwrap();
        let mut command = command(self.folder.path());
        command.arg("run").args(options).stdin(input).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut server = Server { child, port: 0 };
        let told: Json = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it listens: {line}{}", self.log()));
        server.port = told["listening"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        server
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("site.log")).unwrap_or_default()
    }
}

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens on loopback.
    pub port: u16,
}

impl Server {
    /// Ends it at once, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// Closes its standard input, and waits until it has ended; its exit code.
    pub fn close(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
