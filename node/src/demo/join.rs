//! What `--keep` tells: where everything runs, and the lines by which somebody joins with a wallet of their own.
use super::fault::DemoError;
use super::stage::{Person, Stage};
use std::path::Path;

/// A user of the hotel's site whose name nobody has taken on the ledger yet.
const GUEST: Person = Person("guest@harbor-hotel.example");
/// Who answers nobody, but whose messages can be read.
const ALICE: Person = Person("alice@harbor-hotel.example");

/// Tells it; `dir` is the demonstration's folder.
pub fn words(stage: &mut Stage, dir: &Path) -> Result<String, DemoError> {
    let (chain, node) = (stage.network().chain()?, stage.url_of(GUEST));
    let mut lines = vec![format!("everything stays, files in {}; interrupt to end it", dir.display())];
    lines.push(stage.network().to_string());
    let relays = stage.network().relays();
    for (site, relay) in stage.sites().iter().zip(relays) {
        let (member, endpoint) = (site.member(), &site.endpoint);
        lines.push(format!("  {member}  {endpoint}  process {}  relay of {relay}: {}", site.pid(), relay.key()));
    }
    let programs = stage.programs().wallet.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let (home, password) = (dir.join("your-wallet"), stage.folder().password(GUEST.0));
    lines.push("\nJoin with a wallet of your own, in another terminal:\n".into());
    let join = [
        format!("export PATH=\"{programs}:$PATH\" COUNTERSIGN_HOME=\"{}\" COUNTERSIGN_NODE={node}", home.display()),
        format!("countersign network trust {chain}"),
        "countersign keys new guest --no-passphrase".into(),
        format!("countersign login {} --password-file \"{}\" --yes", GUEST.0, password.display()),
        "countersign contacts".into(),
        "countersign feed".into(),
        format!("countersign send {} --text \"Hello from my own wallet\"", ALICE.0),
        format!("countersign --home \"{}\" inbox --wait 30", stage.homes().join(ALICE.0).display()),
    ];
    lines.extend(join.map(|line| format!("    {line}")));
    if let Some(site) = stage.sites().iter().find(|site| site.member() == GUEST.member()) {
        lines.push("\nThe last line reads it as Alice. A further user, with a password that you type:\n".into());
        lines.push(format!("    countersign-site --dir \"{}\" user add NAME", site.dir().display()));
    }
    Ok(lines.join("\n"))
}
