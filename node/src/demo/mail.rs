//! What people send to each other: sealed messages, by the relays that keep the sender's and the receiver's. The
//! sender's wallet hands a message in at its own relay; the receiver's fetches it from the relay that keeps it, which
//! may be another node's.
use super::fault::DemoError;
use super::narrate::Narrator;
use super::stage::{Person, Stage};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a message may take from wallet to wallet: the relay between them may just have been started again.
const COMES_WITHIN: Duration = Duration::from_secs(90);
/// Seconds for which a wallet waits at its relay before it looks once more.
const WAIT_SECONDS: &str = "15";
/// Messages that it lists: one was just sent.
const LISTED: &str = "5";
/// Characters of a message's id that are told.
const ID_TOLD: usize = 14;

/// A message that was handed in.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its id, `csm1…`.
    pub id: String,
    from: Person,
    to: Person,
}

impl Stage {
    /// Sends a proposal, a `tx` or a `doc`, to somebody who keeps it under the same name.
    pub fn send(&self, told: &mut Narrator, kind: &str, from: Person, to: Person, file: &str) -> Result<(), DemoError> {
        let posted = self.post(told, kind, from, to, file)?;
        self.save(&posted, file)
    }

    /// Sends a proposal, a `tx` or a `doc`, to somebody who signs it and keeps it under the same name.
    pub fn send_to_sign(
        &self,
        told: &mut Narrator,
        kind: &str,
        from: Person,
        to: Person,
        file: &str,
    ) -> Result<(), DemoError> {
        let posted = self.post(told, kind, from, to, file)?;
        self.sign_received(&posted, kind, file)
    }

    /// Sends any file to somebody who keeps it under the same name.
    pub fn send_file(&self, told: &mut Narrator, from: Person, to: Person, file: &str) -> Result<(), DemoError> {
        let posted = self.hand_in(told, from, to, &["send", to.0, "--file", file], file)?;
        self.save(&posted, file)
    }

    /// Hands a proposal in; its receiver need not be there.
    pub fn post(
        &self,
        told: &mut Narrator,
        kind: &str,
        from: Person,
        to: Person,
        file: &str,
    ) -> Result<Posted, DemoError> {
        self.hand_in(told, from, to, &[kind, "send", file, "--to", to.0], file)
    }

    /// Hands a text in.
    pub fn post_text(&self, told: &mut Narrator, from: Person, to: Person, words: &str) -> Result<Posted, DemoError> {
        self.hand_in(told, from, to, &["send", to.0, "--text", words], &format!("\"{words}\""))
    }

    fn hand_in(
        &self,
        told: &mut Narrator,
        from: Person,
        to: Person,
        args: &[&str],
        what: &str,
    ) -> Result<Posted, DemoError> {
        let sent = self.run(from, args)?;
        let id = id_of(&sent).ok_or(DemoError::Printed { wanted: "id of a message".into(), found: sent })?;
        let (first, last) = (self.home_of(from), self.home_of(to));
        let by =
            if first == last { format!("the relay of {first}") } else { format!("the relays of {first} and {last}") };
        let shown: String = id.chars().take(ID_TOLD).collect();
        told.see(format!("{what} goes from {} to {} by {by}: message {shown}…", from.0, to.0));
        Ok(Posted { id, from, to })
    }

    /// The receiver signs what a message brings, and keeps it.
    pub fn sign_received(&self, posted: &Posted, kind: &str, file: &str) -> Result<(), DemoError> {
        self.fetch(posted)?;
        self.run(posted.to, &[kind, "sign", "--from", "inbox", &posted.id, "-o", file, "--yes"]).map(drop)
    }

    /// The receiver keeps what a message brings.
    pub fn save(&self, posted: &Posted, file: &str) -> Result<(), DemoError> {
        self.fetch(posted)?;
        self.run(posted.to, &["inbox", "save", &posted.id, "-o", file, "--force"]).map(drop)
    }

    /// The receiver's wallet fetches until it has the message. Returns what it lists of it.
    pub fn fetch(&self, posted: &Posted) -> Result<Value, DemoError> {
        let begun = Instant::now();
        while begun.elapsed() < COMES_WITHIN {
            let waited = self.try_run(posted.to, &["inbox", "--wait", WAIT_SECONDS, "--limit", LISTED])?;
            // If nothing is new, it was fetched together with another.
            let nothing_came = waited.json["error"]["kind"] == "nothing_came";
            let listed = if nothing_came { self.run(posted.to, &["inbox", "--limit", LISTED])? } else { waited.json };
            if let Some(message) = rows(&listed).find(|message| message["id"] == posted.id) {
                return Ok(message.clone());
            }
            if !waited.ok && !nothing_came {
                return Err(DemoError::Printed { wanted: format!("message {}", posted.id), found: listed });
            }
        }
        Err(DemoError::NotDelivered {
            id: posted.id.clone(),
            from: posted.from.0,
            to: posted.to.0,
            within: COMES_WITHIN,
        })
    }
}

/// The rows of a list that a command has printed.
pub fn rows(printed: &Value) -> impl Iterator<Item = &Value> {
    printed.as_array().into_iter().flatten()
}

/// The id of the one message that a command has sent: a proposal may go to several.
fn id_of(sent: &Value) -> Option<String> {
    rows(&sent["sent"]).next().unwrap_or(sent)["id"].as_str().map(Into::into)
}
