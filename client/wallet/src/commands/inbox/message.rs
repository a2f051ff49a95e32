//! What there is to tell of a message, in a list and by itself.
use super::short;
use crate::commands::send::proposal_id;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;
use countersign_client::clock;
use countersign_client::display::Description;
use countersign_client::messaging::store::{Kind, id_text};
use countersign_client::messaging::{Body, KeptMessage, MessageHead, MessageStore};
use countersign_client::types::Proposal;
use serde_json::{Value as Json, json};

/// The name of a doubt that no sender is to blame for.
const DAMAGED: &str = "damaged";

/// A message with what a list tells of it.
pub struct Message {
    pub head: MessageHead,
    /// Why nothing in it is to be believed; then none of it is told.
    pub doubt: Option<Doubt>,
    /// The text, or the note beside a proposal or file.
    pub words: String,
    /// Its proposal.
    pub proposal: Option<Proposal>,
    /// What the proposal says, or why that cannot be told; `None` for other messages.
    pub told: Option<Result<Description, Failure>>,
    is_new: bool,
}

/// Why nothing in a message is to be believed.
pub struct Doubt {
    /// For programs.
    name: String,
    /// For people.
    pub reason: String,
}

/// Whether a message is not to be believed.
pub fn doubt(kept: &KeptMessage) -> Option<Doubt> {
    doubt_of(&kept.head).or_else(|| {
        let reason = "its file in this wallet was changed, or is damaged".into();
        (!kept.is_whole()).then(|| Doubt { name: DAMAGED.into(), reason })
    })
}

fn doubt_of(head: &MessageHead) -> Option<Doubt> {
    head.aside.as_ref().map(|aside| Doubt { name: aside.name.to_string(), reason: aside.reason.to_string() })
}

/// What a message carries, in a word.
pub fn kind(head: &MessageHead) -> &'static str {
    match head.kind {
        Some(Kind::Text) => "text",
        Some(Kind::Proposal) => "proposal",
        Some(Kind::File) => "file",
        None => "unknown",
    }
}

impl Message {
    /// What a list's entry stands for.
    pub async fn read(
        session: &mut Session,
        store: &MessageStore,
        head: MessageHead,
        is_new: bool,
    ) -> Result<Self, Failure> {
        match doubt_of(&head) {
            Some(doubt) => Ok(Self::doubted(head, doubt, is_new)),
            None => Ok(Self::of(session, &store.read(&id_text(&head.id))?, is_new).await),
        }
    }

    /// A message that was read.
    pub async fn of(session: &mut Session, kept: &KeptMessage, is_new: bool) -> Self {
        let head = kept.head.clone();
        if let Some(doubt) = doubt(kept) {
            return Self::doubted(head, doubt, is_new);
        }
        let body = kept.signed.as_ref().map(|signed| &signed.letter.body);
        let words = body.map(Body::words).unwrap_or_default().to_owned();
        let (proposal, told) = match body.map(Body::to_proposal) {
            Some(Ok(Some(proposal))) => {
                let told = describe(session, &proposal).await;
                (Some(proposal), Some(told))
            }
            Some(Err(error)) => (None, Some(Err(error.into()))),
            Some(Ok(None)) | None => (None, None),
        };
        Self { head, doubt: None, words, proposal, told, is_new }
    }

    fn doubted(head: MessageHead, doubt: Doubt, is_new: bool) -> Self {
        Self { head, doubt: Some(doubt), words: String::new(), proposal: None, told: None, is_new }
    }

    pub fn id(&self) -> String {
        id_text(&self.head.id)
    }

    pub fn short_id(&self) -> String {
        short(&self.head.id)
    }

    pub fn kind(&self) -> &'static str {
        kind(&self.head)
    }

    pub fn time(&self) -> String {
        clock::to_local(self.head.sent_at)
    }

    /// The sender's name, if it is believed.
    fn sender_name(&self) -> Option<String> {
        self.head.from_name.as_ref().filter(|_| self.doubt.is_none()).map(ToString::to_string)
    }

    /// The same for people.
    pub fn sender(&self) -> String {
        self.sender_name().unwrap_or_else(|| "?".into())
    }

    pub fn state(&self) -> &'static str {
        match (&self.doubt, self.is_new, self.head.is_handled) {
            (Some(_), _, _) => "refused",
            (None, _, true) => "handled",
            (None, true, false) => "new",
            (None, false, false) => "",
        }
    }

    /// What it is about, on one line.
    pub fn line(&self) -> String {
        if let Some(doubt) = &self.doubt {
            return doubt.reason.clone();
        }
        let note = self.head.beginning.as_str();
        let beside = if note.is_empty() { String::new() } else { format!(" — {note}") };
        match (&self.told, &self.head.file_name) {
            (Some(Ok(told)), _) => format!("{}{beside}", show::summary(told).join("; ")),
            (Some(Err(failure)), _) => format!("a proposal that cannot be told: {failure}{beside}"),
            (None, Some(name)) => format!("{} ({} bytes){beside}", name.as_str(), self.head.size),
            (None, None) => note.to_owned(),
        }
    }

    /// All of the table's row, for a list that goes on.
    pub fn on_one_line(&self) -> String {
        let (time, id, from, line) = (self.time(), self.short_id(), self.sender(), self.line());
        [&time, &id, &from, self.kind(), self.state(), &line].join("  ")
    }

    pub fn to_json(&self) -> Json {
        let (head, proposal) = (&self.head, self.proposal.as_ref());
        let subject =
            proposal.map(|proposal| if proposal.to_transaction().is_some() { "transaction" } else { "document" });
        let refused = self.doubt.as_ref().map(|doubt| json!({ "name": doubt.name, "reason": doubt.reason }));
        json!({
            "id": self.id(), "from": head.from.filter(|_| self.doubt.is_none()).map(|from| from.to_string()),
            "from_name": self.sender_name(), "kind": head.kind.map(|_| self.kind()), "subject": subject,
            "proposal_id": proposal.map(proposal_id), "summary": self.line(), "words": self.words,
            "file_name": head.file_name.as_ref().map(|name| name.as_str()), "size": head.size,
            "sent_at": clock::to_utc(head.sent_at), "sent_at_ms": head.sent_at.millis(),
            "received_at": clock::to_utc(head.relayed_at), "received_at_ms": head.relayed_at.millis(),
            "new": self.is_new, "handled": head.is_handled, "refused": refused
        })
    }
}

/// A proposal in words, if it is of this chain and can be told.
async fn describe(session: &mut Session, proposal: &Proposal) -> Result<Description, Failure> {
    session.check_chain(proposal).await?;
    session.describe(proposal).await
}
