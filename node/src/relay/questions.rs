//! Questions of other nodes. The first byte tells which part of this node a question is for: now there is only the relay.
use bytes::Bytes;
use countersign_consensus::Question;
use countersign_relay::Relay;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What a question for the relay begins with.
pub(super) const RELAY: u8 = 1;
/// Answers being made at a time: each may hold a large message and wait for the disk. Further questions wait in the network's queue,
/// which refuses what is too much for it.
const ANSWERS_MAX: usize = 16;
/// An answer that takes longer is not waited for by who asked.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A question without its first byte, by what it is for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Relay(Bytes),
    /// Of a newer program, or of none of ours.
    Unknown(Option<u8>),
}

impl Asked {
    fn of(bytes: &Bytes) -> Self {
        match bytes.first() {
            Some(&RELAY) => Self::Relay(bytes.slice(1..)),
            other => Self::Unknown(other.copied()),
        }
    }
}

/// Answers until the network ends or `stopped` resolves; then what is being answered is finished.
pub(super) async fn answer(
    relay: Arc<Relay>,
    mut questions: mpsc::Receiver<Question>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(ended) = answers.join_next() => tell(ended),
            question = questions.recv(), if answers.len() < ANSWERS_MAX => match question {
                Some(question) => begin(&relay, &mut answers, question),
                None => break,
            },
        }
    }
    drop(questions);
    while let Some(ended) = answers.join_next().await {
        tell(ended);
    }
}

/// Takes a question up. One that is not answered is dropped, which its sender is told.
fn begin(relay: &Arc<Relay>, answers: &mut JoinSet<()>, question: Question) {
    let Question { from, bytes, reply } = question;
    let asked = match Asked::of(&bytes) {
        Asked::Relay(asked) => asked,
        Asked::Unknown(kind) => {
            tracing::debug!(%from, kind, "a question of a kind that is not known here");
            return;
        }
    };
    let Some(key) = from.key() else {
        tracing::debug!(%from, "a question of a node without an ed25519 key");
        return;
    };
    let relay = relay.clone();
    answers.spawn(async move {
        match timeout(ANSWER_MAX, relay.answer(&key, asked)).await {
            // Who asked may be gone.
            Ok(answer) => drop(reply.send(answer)),
            Err(_) => tracing::debug!(%from, "an answer to a relay took too long"),
        }
    });
}

fn tell(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %crate::report::chain(&error), "answering another relay failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_what_a_question_is_for() {
        let of = |bytes: &'static [u8]| Asked::of(&Bytes::from_static(bytes));
        assert_eq!(of(&[RELAY, 7, 8]), Asked::Relay(Bytes::from_static(&[7, 8])));
        assert_eq!(of(&[RELAY]), Asked::Relay(Bytes::new()));
        assert_eq!(of(&[]), Asked::Unknown(None));
        assert_eq!(of(&[0, RELAY]), Asked::Unknown(Some(0)));
        assert_eq!(of(&[RELAY + 1]), Asked::Unknown(Some(RELAY + 1)));
    }
}
