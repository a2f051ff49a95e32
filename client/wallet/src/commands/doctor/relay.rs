//! The sessions of this wallet: whether they are open, whether their relays answer and are still granted, and whether what is sent to
//! their accounts can be opened here. No passphrase is asked for: the session tells which key that takes.
use crate::cli::Global;
use countersign_client::messaging::login::check_relay;
use countersign_client::messaging::{Correspondent, SessionStore, StoredSession};
use countersign_client::relay::RelayClient;
use countersign_client::rpc::Patience;
use countersign_client::rpc_types::finding::Finding;
use countersign_client::types::Name;
use countersign_client::{Client, clock};

/// Whoever asks the doctor wants to know now.
const ATTEMPTS: u32 = 2;
const WHAT: &str = "messages";

pub(super) async fn examine(options: &Global, findings: &mut Vec<Finding>) {
    let home = options.home_folder();
    let sessions = SessionStore::new(home.join("sessions"));
    let users = match sessions.users() {
        Ok(users) => users,
        Err(error) => {
            findings.push(Finding::failed(WHAT, &error, "make the folder readable to you"));
            return;
        }
    };
    if users.is_empty() {
        findings.push(Finding::note(WHAT, "nobody is logged in at a relay: `countersign login NAME` does"));
        return;
    }
    let patience = Patience { attempts: ATTEMPTS, ..Patience::default() };
    let client = if options.offline { None } else { Client::new(&options.node, patience).ok() };
    for user in users {
        let again = || format!("log in again: `countersign login {user}`");
        match sessions.load(&user) {
            Ok(None) => {}
            Err(error) => findings.push(Finding::failed(WHAT, &error, again())),
            Ok(Some(stored)) => match stored.check(clock::now()) {
                Err(error) => findings.push(Finding::note(WHAT, error.to_string())),
                Ok(()) => {
                    findings.push(Finding::ok(WHAT, open(&stored)));
                    if let Some(client) = &client {
                        findings.push(relay(client, &stored, patience).await);
                        findings.push(encryption(client, &stored).await);
                    }
                }
            },
        }
    }
}

fn open(stored: &StoredSession) -> String {
    format!(
        "{} is logged in with the key {} until {}",
        stored.user,
        stored.key_name,
        clock::to_local(stored.expires_at)
    )
}

/// Whether the relay is the one of the log-in, and may still relay for the site.
async fn relay(client: &Client, stored: &StoredSession, patience: Patience) -> Finding {
    let (user, url) = (&stored.user, &stored.relay_url);
    let asked = match RelayClient::new(url, patience) {
        Ok(relay) => check_relay(client, &relay, user).await,
        Err(error) => return Finding::failed(WHAT, &error, advice(user)),
    };
    match asked {
        Ok(granted) if granted.relay != stored.relay => {
            let text = format!("{url} is another relay by now than the one {user} logged in at");
            Finding::error(WHAT, text, advice(user))
        }
        Ok(granted) if granted.is_home() => {
            Finding::ok(WHAT, format!("{url} relays for {user} and keeps the messages"))
        }
        Ok(granted) => Finding::note(
            WHAT,
            format!("{url} relays for {user}; the messages are kept at another relay, {}", granted.home),
        ),
        Err(error) => Finding::failed(WHAT, &error, advice(user)),
    }
}

fn advice(user: &Name) -> String {
    format!(
        "log in at a relay that its site grants: `countersign login {user} --relay URL`; `countersign member site show` lists them"
    )
}

/// Whether others can write to the account, and its messages can be opened with the key of the session.
async fn encryption(client: &Client, stored: &StoredSession) -> Finding {
    let user = &stored.user;
    let again = format!("log in again, which sets it: `countersign login {user}`");
    let on_ledger = match Correspondent::find(client, &stored.account.to_string()).await {
        Ok(found) => found.encryption_key,
        Err(error) => return Finding::failed(WHAT, &error, "ask another node"),
    };
    let Some(on_ledger) = on_ledger else {
        return Finding::warning(
            WHAT,
            format!("{user} has no encryption key on the ledger: nobody can write to it"),
            again,
        );
    };
    match stored.encryption_key {
        None => Finding::ok(WHAT, format!("others can write to {user}")),
        Some(own) if own == on_ledger => {
            Finding::ok(WHAT, format!("others can write to {user}, and this wallet opens it"))
        }
        Some(_) => {
            let text = format!("what is sent to {user} is sealed to another wallet's key");
            Finding::warning(WHAT, text, again)
        }
    }
}
