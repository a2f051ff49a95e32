//! Makes a site's folder, and says whether everything in it can be used.
use crate::cli::InitArgs;
use crate::failure::Failure;
use crate::output::Output;
use countersign_site::admin::socket::Access;
use countersign_site::admin::{Command, Outcome};
use countersign_site::keys::SiteKeys;
use countersign_site::settings::{self, Checked, FILE};
use countersign_site::store::Store;
use countersign_site::tls;
use serde_json::json;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, absolute};

fn quoted(path: &Path) -> Result<String, Failure> {
    // From wherever the command was given; the settings are read from elsewhere.
    let path = absolute(path).map_err(|source| Failure::Io { what: path.display().to_string(), source })?;
    Ok(toml::Value::String(path.display().to_string()).to_string())
}

fn text(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

fn settings_text(args: &InitArgs) -> Result<String, Failure> {
    let mut lines = format!(
        "# A merchant's site. Paths are resolved against this folder; `countersign-site check` explains mistakes.\n\
         site = {}\nlisten = {}\ndatabase = \"site.redb\"\nkeys = \"site.key\"\n",
        text(&args.site),
        text(&args.listen.to_string())
    );
    match (&args.tls_certificate, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            lines += &format!("tls = {{ certificate = {}, key = {} }}\n", quoted(certificate)?, quoted(key)?);
        }
        _ => {
            lines += "# A proxy on this machine encrypts; else `{ certificate = \"…\", key = \"…\" }`.\ntls = \"off\"\n"
        }
    }
    if let (Some(chain), Some(keystore), Some(key)) = (&args.chain, &args.keystore, &args.key) {
        lines += &format!("\n# Signs users' enrolments for the site's member.\n[enrol]\nchain = {}\n", text(chain));
        lines += &format!("keystore = {}\nkey = {}\n", quoted(keystore)?, text(key));
        if let Some(file) = &args.passphrase_file {
            lines += &format!("passphrase_file = {}\n", quoted(file)?);
        }
    }
    Ok(lines)
}

/// `init`.
pub fn init(folder: &Path, args: &InitArgs, output: Output) -> Result<(), Failure> {
    let io_failure = |path: &Path| {
        let what = path.display().to_string();
        move |source| Failure::Io { what, source }
    };
    let path = folder.join(FILE);
    if path.exists() {
        return Err(Failure::SiteExists { path: path.display().to_string() });
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_failure(folder))?;
    // The settings come last under their name: a folder with them is whole.
    let draft = folder.join(".site.toml.part");
    fs::write(&draft, settings_text(args)?).map_err(io_failure(&draft))?;
    let checked = settings::read_as(folder, &draft);
    let made = checked.map_err(Failure::from).and_then(|checked| {
        checked.enroller()?;
        checked.tls().as_ref().map(tls::acceptor).transpose()?;
        let keys = checked.keys();
        if !keys.exists() {
            SiteKeys::random()?.write(&keys)?;
        }
        Store::open(&checked.database(), &checked.site)?;
        fs::rename(&draft, &path).map_err(io_failure(&path))?;
        Ok((checked.site.to_string(), SiteKeys::read(&keys)?.public().to_string()))
    });
    let (site, key) = made.inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })?;
    output.result(&json!({"site": site, "key": key, "dir": folder}), || {
        let dir = folder.display();
        format!("Made the site {site} in {dir}.\nIts answer key, by which relays know its answers: {key}")
    });
    Ok(())
}

/// `check`.
pub fn check(folder: &Path, output: Output) -> Result<(), Failure> {
    let checked: Checked = settings::read(folder)?;
    let key = SiteKeys::read(&checked.keys())?.public().to_string();
    let enroller = checked.enroller()?.map(|enroller| enroller.account.to_string());
    let tls = checked.tls();
    tls.as_ref().map(tls::acceptor).transpose()?;
    let access = Access::open(&checked)?;
    let running = matches!(access, Access::Server(_));
    let outcome = access.run(Command::Status)?.map_err(Failure::Refused)?;
    let (last_post, relays) = match outcome {
        Outcome::Status { last_post, relays, .. } => (last_post, relays),
        _ => (0, 0),
    };
    let value = json!({
        "site": checked.site.as_str(), "listen": checked.settings.listen, "tls": tls.is_some(), "key": key,
        "enrols_for": enroller, "running": running, "relays": relays, "last_post": last_post
    });
    output.result(&value, || {
        let tls = if tls.is_some() { "by this server" } else { "by a proxy" };
        let enrols = enroller.as_deref().unwrap_or("nobody: no [enrol] in the settings");
        let running = if running { "yes" } else { "no" };
        format!(
            "site        {}\nlisten      {}\nencrypted   {tls}\nanswer key  {key}\nenrols for  {enrols}\nrunning     {running}\n\
             relays      {relays}\nlast post   {last_post}",
            checked.site, checked.settings.listen
        )
    });
    Ok(())
}
