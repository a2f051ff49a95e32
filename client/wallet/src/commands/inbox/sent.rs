//! What became of messages that were sent, as the relay tells it.
use super::short;
use crate::commands::send::state_words;
use crate::failure::Failure;
use crate::logged_in::{LoggedIn, Who};
use crate::output::table;
use crate::session::Session;
use clap::Args;
use countersign_client::Need;
use countersign_client::clock;
use countersign_client::display;
use countersign_client::relay::LiveSession;
use countersign_client::rpc_types::relay::{SentQuery, SentView};
use countersign_client::types::text::{MESSAGE, decode};
use countersign_client::types::{AccountId, Hash, Timestamp};
use serde_json::{Value as Json, json};

/// Messages that are asked for: a relay takes some thousand in an hour and forgets them after a month.
const ASKED_MAX: usize = 10_000;

/// Whose messages.
#[derive(Args, Debug)]
pub struct SentArgs {
    /// Messages to list, the newest
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub async fn run(session: &mut Session, args: &SentArgs) -> Result<(), Failure> {
    let logged_in = LoggedIn::open(session, &args.who)?;
    let mut sent = all(&logged_in.live()).await?;
    let older = sent.len().saturating_sub(args.limit as usize);
    sent.drain(..older);
    let client = session.client("looking up names")?.clone();
    let receivers: Vec<AccountId> = sent.iter().filter_map(|message| message.to.parse().ok()).collect();
    client.learn_all(&mut session.directory, receivers.into_iter().map(Need::NameOf).collect()).await?;
    let result: Vec<Json> = sent.iter().map(|message| to_json(session, message)).collect();
    session.output.result(&result, || {
        let rows = sent.iter().map(|message| {
            let (state, words) = state_words(message.state);
            let time = clock::to_local(Timestamp::from_millis(message.sent_at_ms));
            let id = decode(MESSAGE, &message.id).map_or_else(|_| message.id.clone(), |bytes| short(&Hash(bytes)));
            [id, time, receiver(session, message), format!("{state}: {words}")]
        });
        if sent.is_empty() { "Nothing was sent".into() } else { table(["MESSAGE", "SENT", "TO", "STATE"], rows) }
    });
    if older > 0 {
        session.output.note("There are older ones: --limit lists more");
    }
    Ok(())
}

async fn all(live: &LiveSession<'_>) -> Result<Vec<SentView>, Failure> {
    let mut sent: Vec<SentView> = Vec::new();
    let mut after = 0;
    loop {
        let page = live.sent(SentQuery { after, limit: None }).await?;
        // One that turns in circles is stopped.
        let is_onward = page.next > after && !page.messages.is_empty();
        sent.extend(page.messages);
        after = page.next;
        if !page.more || !is_onward || sent.len() >= ASKED_MAX {
            return Ok(sent);
        }
    }
}

fn receiver(session: &Session, message: &SentView) -> String {
    message
        .to
        .parse()
        .map_or_else(|_| message.to.clone(), |id: AccountId| display::account_words(&id, &session.directory))
}

fn to_json(session: &Session, message: &SentView) -> Json {
    let at = Timestamp::from_millis(message.sent_at_ms);
    let account: Option<AccountId> = message.to.parse().ok();
    json!({
        "id": message.id, "to": message.to, "to_name": account.and_then(|id| session.directory.name_of(&id).map(str::to_owned)),
        "state": state_words(message.state).0, "sent_at": clock::to_utc(at), "sent_at_ms": message.sent_at_ms
    })
}
