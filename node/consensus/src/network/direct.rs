//! The protocol by which one peer speaks to another alone: statuses, requests for blocks, questions.
//!
//! A request is one byte of kind and a body; an answer is one byte and a body, or nothing at all, which says that there is
//! none. The end of the stream ends both.
use crate::limits::{QUESTION_BYTES_MAX, SYNC_ANSWER_BYTES_MAX};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use std::io;

/// What the peers agree on when they open a stream.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/countersign/direct/1");
/// Before the body of an answer.
const ANSWERED: u8 = 1;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// "This is my last block"; the answer is empty.
    Status,
    /// "Send me these blocks."
    Blocks,
    /// For the application.
    Question,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Status, Self::Blocks, Self::Question];

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }

    fn byte(self) -> u8 {
        match self {
            Self::Status => 0,
            Self::Blocks => 1,
            Self::Question => 2,
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) body: Bytes,
}

/// `None`: the peer has no answer.
pub(super) type Answer = Option<Bytes>;

/// Reads and writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DirectCodec;

#[async_trait]
impl request_response::Codec for DirectCodec {
    type Protocol = StreamProtocol;
    type Request = Ask;
    type Response = Answer;

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Ask> {
        let mut body = read_to_end(io, QUESTION_BYTES_MAX).await?;
        let kind =
            body.first().and_then(|byte| Kind::of_byte(*byte)).ok_or_else(|| invalid("unknown kind of request"))?;
        Ok(Ask { kind, body: body.split_off(1) })
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Answer> {
        let mut body = read_to_end(io, SYNC_ANSWER_BYTES_MAX.max(QUESTION_BYTES_MAX)).await?;
        match body.first() {
            None => Ok(None),
            Some(&ANSWERED) => Ok(Some(body.split_off(1))),
            Some(_) => Err(invalid("unknown kind of answer")),
        }
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        ask: Ask,
    ) -> io::Result<()> {
        io.write_all(&[ask.kind.byte()]).await?;
        io.write_all(&ask.body).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Answer,
    ) -> io::Result<()> {
        let Some(body) = answer else { return Ok(()) };
        io.write_all(&[ANSWERED]).await?;
        io.write_all(&body).await
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads one byte of kind and a body of at most `limit`.
async fn read_to_end<T: AsyncRead + Unpin + Send>(io: &mut T, limit: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    io.take(limit as u64 + 2).read_to_end(&mut bytes).await?;
    if bytes.len() > limit + 1 { Err(invalid("longer than allowed")) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    fn read(bytes: &[u8]) -> io::Result<Ask> {
        block_on(DirectCodec.read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        let mut bytes = Vec::new();
        let ask = Ask { kind: Kind::Question, body: Bytes::from_static(b"?") };
        block_on(DirectCodec.write_request(&PROTOCOL, &mut bytes, ask)).unwrap();
        let ask = read(&bytes).unwrap();
        assert_eq!((ask.kind, &ask.body[..]), (Kind::Question, &b"?"[..]));
    }

    #[test]
    fn no_answer_differs_from_an_empty_one() {
        for answer in [None, Some(Bytes::new()), Some(Bytes::from_static(b"!"))] {
            let mut bytes = Vec::new();
            block_on(DirectCodec.write_response(&PROTOCOL, &mut bytes, answer.clone())).unwrap();
            let back = block_on(DirectCodec.read_response(&PROTOCOL, &mut Cursor::new(bytes))).unwrap();
            assert_eq!(back, answer);
        }
    }

    #[test]
    fn unknown_kinds_and_long_bodies_are_refused() {
        assert!(read(&[]).is_err());
        assert!(read(&[9]).is_err());
        let mut bytes = vec![0; QUESTION_BYTES_MAX + 1];
        assert!(read(&bytes).is_ok());
        bytes.push(0);
        assert!(read(&bytes).is_err());
    }
}
