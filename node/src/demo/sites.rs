//! The merchants' sites of a demonstration: a folder and a process for each, behind TLS with a certificate made for
//! this machine. They end with the process that started them.
use super::fault::{DemoError, doing};
use super::process::Outcome;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the certificates are for, and where the sites listen.
const HOST: &str = "127.0.0.1";
/// Certificates of all sites, which the relays trust.
const TRUSTED_FILE: &str = "trusted.pem";

/// A site before it runs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The member.
    pub member: &'static str,
    /// Its users without `@` and the member.
    pub users: &'static [&'static str],
    /// Whom users know: user, name, what they call them.
    pub contacts: &'static [(&'static str, &'static str, &'static str)],
    /// Title and text of what it has published before anybody comes.
    pub offer: (&'static str, &'static str),
}

/// The folder of all sites, with a certificate for each of them.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub fn make(dir: PathBuf, plans: &[Plan]) -> Result<Self, DemoError> {
        fs::create_dir_all(&dir).map_err(doing("making the sites' folder"))?;
        let folder = Self(dir);
        let mut trusted = String::new();
        for plan in plans {
            let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
            let certificate = made.cert.pem();
            fs::write(folder.certificate(plan.member), &certificate).map_err(doing("writing a certificate"))?;
            write_private(&folder.private_key(plan.member), &made.key_pair.serialize_pem())?;
            trusted.push_str(&certificate);
        }
        fs::write(folder.trusted(), trusted).map_err(doing("writing the sites' certificates"))?;
        Ok(folder)
    }

    /// The certificates that relays are to trust, PEM.
    pub fn trusted(&self) -> PathBuf {
        self.0.join(TRUSTED_FILE)
    }

    fn certificate(&self, member: &str) -> PathBuf {
        self.0.join(format!("{member}.crt"))
    }

    fn private_key(&self, member: &str) -> PathBuf {
        self.0.join(format!("{member}.tls-key"))
    }

    /// Where a user's password is kept, for the user's wallet and for the site's operator: nobody is there to type it.
    pub fn password(&self, user: &str) -> PathBuf {
        self.0.join(format!("{user}.password"))
    }

    /// Chooses a user's password.
    pub fn choose_password(&self, user: &str, password: &str) -> Result<(), DemoError> {
        write_private(&self.password(user), password)
    }
}

/// A running site; killed when dropped.
#[derive(Debug)]
pub struct Site {
    program: PathBuf,
    folder: Folder,
    plan: Plan,
    server: Child,
    /// Where it is asked, `https://host:port`.
    pub endpoint: String,
    /// The key that signs its answers, `csk1…`.
    pub key: String,
}

/// Who may sign for a site's member, and where.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The chain's id.
    pub chain: &'a str,
    /// The folder of the member's key, which has the member's name.
    pub keystore: &'a Path,
}

impl Site {
    /// Makes the site with its users, and starts it. The relays of these keys may ask it.
    pub fn start(
        program: &Path,
        folder: &Folder,
        plan: Plan,
        signing: Signing<'_>,
        relays: &[String],
    ) -> Result<Self, DemoError> {
        let operator = Operator { program, dir: folder.0.join(plan.member), site: plan.member };
        let key = operator.make(folder, signing)?;
        for user in plan.users {
            let name = format!("{user}@{}", plan.member);
            folder.choose_password(&name, &format!("what only {name} knows"))?;
            operator.run(&["user", "add", user, "--password-file", &folder.password(&name).display().to_string()])?;
        }
        for (user, name, label) in plan.contacts {
            operator.run(&["contact", "add", user, name, "--label", label])?;
        }
        let (title, text) = plan.offer;
        operator.run(&["post", "add", "--kind", "offer", "--title", title, "--text", text])?;
        for relay in relays {
            operator.run(&["relay", "grant", relay])?;
        }
        let (server, address) = operator.serve()?;
        let endpoint = format!("https://{address}");
        Ok(Self { program: program.into(), folder: folder.clone(), plan, server, endpoint, key })
    }

    /// The member whose site it is.
    pub fn member(&self) -> &'static str {
        self.plan.member
    }

    /// Its folder, for the operator's commands.
    pub fn dir(&self) -> PathBuf {
        self.folder.0.join(self.plan.member)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// Runs a command of its operator while it serves.
    pub fn run(&self, args: &[&str]) -> Result<Value, DemoError> {
        Operator { program: &self.program, dir: self.dir(), site: self.plan.member }.run(args)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Gone already if it has ended: then both fail and nothing is left to do.
        if self.server.kill().is_ok() {
            let _ = self.server.wait();
        }
    }
}

/// Who runs a site, by its program.
struct Operator<'a> {
    program: &'a Path,
    dir: PathBuf,
    site: &'static str,
}

impl Operator<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--json").arg("--dir").arg(&self.dir).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Result<Value, DemoError> {
        let failed = |output: String| {
            let command = format!("countersign-site {}", args.join(" "));
            DemoError::Command { command, who: self.site.into(), output }
        };
        let outcome = Outcome::of(&mut self.command(args))?.map_err(failed)?;
        if outcome.ok { Ok(outcome.json) } else { Err(failed(outcome.json.to_string())) }
    }

    /// Makes the folder. Returns the key of the site's answers.
    fn make(&self, folder: &Folder, signing: Signing<'_>) -> Result<String, DemoError> {
        let path = |path: &Path| path.display().to_string();
        let listen = format!("{HOST}:0");
        let made = self.run(&[
            "init",
            "--site",
            self.site,
            "--listen",
            &listen,
            "--tls-certificate",
            &path(&folder.certificate(self.site)),
            "--tls-key",
            &path(&folder.private_key(self.site)),
            "--chain",
            signing.chain,
            "--keystore",
            &path(signing.keystore),
            "--key",
            self.site,
        ])?;
        made["key"].as_str().map(Into::into).ok_or(DemoError::Printed { wanted: "key".into(), found: made })
    }

    /// Starts the server. Returns it with its address.
    fn serve(&self) -> Result<(Child, String), DemoError> {
        let path = self.dir.join("site.log");
        let log = File::options().create(true).append(true).open(&path).map_err(doing("opening a site's log"))?;
        let mut command = self.command(&["run", "--stop-with-stdin"]);
        // A group of its own: an interrupt from the terminal reaches this process, whose end closes the site's
        // standard input.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut server = command.spawn().map_err(doing("starting a site"))?;
        let mut line = String::new();
        if let Some(told) = server.stdout.take() {
            BufReader::new(told).read_line(&mut line).map_err(doing("reading what a site tells"))?;
        }
        let told: Option<Value> = serde_json::from_str(&line).ok();
        let address = told.as_ref().and_then(|told| told["listening"].as_str());
        match address {
            Some(address) => Ok((server, address.into())),
            None => {
                // It has ended, or is of no use.
                let _ = server.kill();
                let _ = server.wait();
                Err(DemoError::Site { site: self.site, log: path })
            }
        }
    }
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, text: &str) -> Result<(), DemoError> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{}", text.trim_end())).map_err(doing("writing a private file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_site_has_a_certificate_and_a_key_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let plan = |member| Plan { member, users: &[], contacts: &[], offer: ("", "") };
        let folder = Folder::make(dir.path().join("sites"), &[plan("a.example"), plan("b.example")]).unwrap();
        let trusted = fs::read_to_string(folder.trusted()).unwrap();
        let of = |member| fs::read_to_string(folder.certificate(member)).unwrap();
        assert_ne!(of("a.example"), of("b.example"));
        assert_eq!(trusted, of("a.example") + &of("b.example"));
        folder.choose_password("alice@a.example", "first").unwrap();
        folder.choose_password("alice@a.example", "other").unwrap();
        assert_eq!(fs::read_to_string(folder.password("alice@a.example")).unwrap(), "other\n");
        for path in [folder.private_key("b.example"), folder.password("alice@a.example")] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}
