//! A proposal that came as a message, for the commands that sign.
use super::kept;
use super::message::kind;
use super::one::believed;
use crate::failure::Failure;
use crate::intake::{self, Copy, Taken, Wanted};
use crate::logged_in::Who;
use crate::session::Session;
use countersign_client::messaging::limits::LISTING_PAGE_MAX;
use countersign_client::messaging::store::{self, Kind, ProposalId, id_text};
use countersign_client::messaging::{Body, KeptMessage, MessageHead, MessageStore};
use countersign_client::types::Proposal;
use std::path::{Path, PathBuf};

/// The message that a proposal came in.
pub struct FromInbox {
    /// Its id, `csm1…`.
    pub id: String,
    store: MessageStore,
}

impl FromInbox {
    /// Remembers that nothing is left to do with the message.
    pub fn set_handled(&self) -> Result<(), Failure> {
        Ok(self.store.mark_handled(&self.id)?)
    }
}

/// The proposal of the message that is named, or else of the newest that has one, with the copy that is in the output file already.
/// Nothing is fetched: who names no message signs what `inbox` has listed last, and not what comes in between.
pub fn take(
    session: &Session,
    given: &[PathBuf],
    output: Option<&Path>,
    wanted: Wanted,
) -> Result<(Taken, FromInbox), Failure> {
    let store = kept(session, &Who { account: None })?;
    let (message, proposal) = match given {
        [] => newest(&store, wanted)?,
        [id] => named(&store, &id.display().to_string())?,
        several => {
            let given = several.iter().map(|id| id.display().to_string()).collect::<Vec<_>>().join(" ");
            return Err(Failure::BadOption { given, wanted: "the id of one message" });
        }
    };
    let id = id_text(&message.head.id);
    let from = message.head.from_name.as_ref().map(ToString::to_string).unwrap_or_default();
    session.output.note(&format!("From the message {id} of {from}:"));
    let mut copies = vec![Copy { place: format!("the message {id}"), proposal }];
    copies.iter().try_for_each(|copy| intake::check_subject(copy, wanted))?;
    if let Some(path) = output.filter(|path| path.exists()) {
        copies.extend(intake::take(&[path], wanted)?.copies);
    }
    Ok((Taken { copies, file: None }, FromInbox { id, store }))
}

fn named(store: &MessageStore, id: &str) -> Result<(KeptMessage, Proposal), Failure> {
    let message = believed(store, id)?;
    match proposal_of(&message)? {
        Some(proposal) => Ok((message, proposal)),
        None => Err(Failure::NotAProposal { id: id_text(&message.head.id), found: kind(&message.head) }),
    }
}

/// The newest message that is to be believed and has a proposal of the kind in it.
fn newest(store: &MessageStore, wanted: Wanted) -> Result<(KeptMessage, Proposal), Failure> {
    let proposals = store::Wanted { kind: Some(Kind::Proposal), aside: Some(false), ..store::Wanted::default() };
    let is_wanted = |head: &MessageHead| match head.proposal {
        Some(ProposalId::Transaction(_)) => wanted != Wanted::Document,
        Some(ProposalId::Document(_)) => wanted != Wanted::Transaction,
        // It cannot be read, as the list tells.
        None => false,
    };
    let mut before = None;
    loop {
        let page = store.list(&proposals, before, LISTING_PAGE_MAX)?;
        if let Some(head) = page.messages.iter().find(|head| is_wanted(head)) {
            return named(store, &id_text(&head.id));
        }
        before = page.next;
        if before.is_none() {
            let wanted = if wanted == Wanted::Document { "document" } else { "transaction" };
            return Err(Failure::NoProposalCame { wanted });
        }
    }
}

fn proposal_of(message: &KeptMessage) -> Result<Option<Proposal>, Failure> {
    let body = message.signed.as_ref().map(|signed| &signed.letter.body);
    Ok(body.map(Body::to_proposal).transpose()?.flatten())
}
