//! `countersign contacts`: whom the user that is logged in knows, as its site tells.
use crate::failure::Failure;
use crate::logged_in::{LoggedIn, Who};
use crate::output::table;
use crate::session::Session;
use crate::show;
use clap::Args;
use countersign_client::rpc_types::relay::ContactsQuery;
use countersign_client::rpc_types::site::ContactView;

/// Contacts that are listed: ten thousand are no list for a person, and a site that never ends one is stopped.
const CONTACTS_MAX: usize = 10_000;

/// Whose contacts.
#[derive(Args, Debug)]
pub struct ContactsArgs {
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub async fn run(session: &Session, args: ContactsArgs) -> Result<(), Failure> {
    let logged_in = LoggedIn::open(session, &args.who)?;
    let live = logged_in.live();
    let mut contacts: Vec<ContactView> = Vec::new();
    let mut after = None;
    loop {
        let page = live.contacts(ContactsQuery { after, limit: None }).await?;
        let is_empty = page.contacts.is_empty();
        contacts.extend(page.contacts);
        after = page.next;
        if after.is_none() || is_empty {
            break;
        }
        if contacts.len() >= CONTACTS_MAX {
            session.output.warn(&format!("there are more than these {}", contacts.len()));
            break;
        }
    }
    session.output.result(&contacts, || match contacts.is_empty() {
        true => "The site tells no contacts".into(),
        false => table(
            ["NAME", "LABEL"],
            contacts.iter().map(|contact| [&contact.name, &contact.label].map(|text| show::foreign_line(text))),
        ),
    });
    Ok(())
}
