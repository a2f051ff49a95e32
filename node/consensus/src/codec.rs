//! The codec the engine is given: SCALE for its log and for what it syncs.
use crate::context::{Address, Context, Height, Value};
use crate::limits::VOTE_BYTES_MAX;
use crate::wire::{self, WireError};
use bytes::Bytes;
use countersign_types::{self as types, Certificate, Hash, PublicKey};
use malachitebft_app_channel::app::consensus::{ProposedValue, SignedConsensusMsg};
use malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use malachitebft_app_channel::app::types::core::{self as engine, Validity};
use malachitebft_sync as sync;
use parity_scale_codec::{Decode, Encode};
use std::convert::Infallible;
use tokio::sync::mpsc;

#[derive(Encode, Decode)]
struct LoggedValue {
    height: types::Height,
    round: Option<u32>,
    valid_round: Option<u32>,
    proposer: PublicKey,
    block: Hash,
    valid: bool,
}

#[derive(Encode, Decode)]
struct SentStatus {
    peer: Vec<u8>,
    tip: types::Height,
    lowest: types::Height,
}

/// Stateless.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale;

/// A codec that shows how long its owner lives: the sender is dropped with it. The engine closes its log on a thread of
/// its own, after it has ended; only then may another engine open it.
pub(crate) struct Owned<C> {
    pub(crate) codec: C,
    pub(crate) _alive: mpsc::Sender<Infallible>,
}

impl<T, C: Codec<T>> Codec<T> for Owned<C> {
    type Error = C::Error;

    fn decode(&self, bytes: Bytes) -> Result<T, C::Error> {
        self.codec.decode(bytes)
    }

    fn encode(&self, value: &T) -> Result<Bytes, C::Error> {
        self.codec.encode(value)
    }
}

impl Codec<SignedConsensusMsg<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<SignedConsensusMsg<Context>, WireError> {
        wire::step(&types::decode("vote", &bytes, VOTE_BYTES_MAX)?)
    }

    fn encode(&self, message: &SignedConsensusMsg<Context>) -> Result<Bytes, WireError> {
        Ok(wire::signed(message)?.encode().into())
    }
}

impl Codec<engine::PolkaCertificate<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<engine::PolkaCertificate<Context>, WireError> {
        Ok(wire::engine_polka(&types::decode("certificate", &bytes, VOTE_BYTES_MAX)?))
    }

    fn encode(&self, certificate: &engine::PolkaCertificate<Context>) -> Result<Bytes, WireError> {
        Ok(wire::polka(certificate)?.encode().into())
    }
}

impl Codec<ProposedValue<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<ProposedValue<Context>, WireError> {
        let logged: LoggedValue = types::decode("proposed value", &bytes, VOTE_BYTES_MAX)?;
        Ok(ProposedValue {
            height: Height(logged.height),
            round: logged.round.into(),
            valid_round: logged.valid_round.into(),
            proposer: Address(logged.proposer),
            value: Value(logged.block),
            validity: Validity::from_bool(logged.valid),
        })
    }

    fn encode(&self, value: &ProposedValue<Context>) -> Result<Bytes, WireError> {
        let logged = LoggedValue {
            height: value.height.0,
            round: value.round.as_u32(),
            valid_round: value.valid_round.as_u32(),
            proposer: value.proposer.0,
            block: value.value.0,
            valid: value.validity.is_valid(),
        };
        Ok(logged.encode().into())
    }
}

impl Codec<sync::Status<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<sync::Status<Context>, WireError> {
        let status: SentStatus = types::decode("status", &bytes, VOTE_BYTES_MAX)?;
        Ok(sync::Status {
            peer_id: sync::PeerId::from_bytes(&status.peer).map_err(|_| WireError::PeerId)?,
            tip_height: Height(status.tip),
            history_min_height: Height(status.lowest),
        })
    }

    fn encode(&self, status: &sync::Status<Context>) -> Result<Bytes, WireError> {
        let peer = status.peer_id.to_bytes();
        let status = SentStatus { peer, tip: status.tip_height.0, lowest: status.history_min_height.0 };
        Ok(status.encode().into())
    }
}

impl Codec<sync::Request<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<sync::Request<Context>, WireError> {
        let (from, to): (types::Height, types::Height) = types::decode("block request", &bytes, VOTE_BYTES_MAX)?;
        Ok(sync::Request::ValueRequest(sync::ValueRequest::new(Height(from)..=Height(to))))
    }

    fn encode(&self, request: &sync::Request<Context>) -> Result<Bytes, WireError> {
        let sync::Request::ValueRequest(request) = request;
        Ok((request.range.start().0, request.range.end().0).encode().into())
    }
}

impl Codec<sync::Response<Context>> for Scale {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<sync::Response<Context>, WireError> {
        let values = wire::decode_blocks(&bytes)?;
        let start = values.first().map(|value| value.certificate.height).unwrap_or_default();
        Ok(sync::Response::ValueResponse(sync::ValueResponse::new(start, values)))
    }

    fn encode(&self, response: &sync::Response<Context>) -> Result<Bytes, WireError> {
        let sync::Response::ValueResponse(response) = response;
        let blocks: Result<Vec<(Certificate, Bytes)>, WireError> = response
            .values
            .iter()
            .map(|value| Ok((wire::commit(&value.certificate.trim_vote_extensions())?, value.value_bytes.clone())))
            .collect();
        Ok(wire::encode_blocks(blocks?).into())
    }
}

impl HasEncodedLen<sync::Response<Context>> for Scale {
    /// Of the blocks alone: certificates are small, and counting them all would mean encoding them.
    fn encoded_len(&self, response: &sync::Response<Context>) -> Result<usize, WireError> {
        let sync::Response::ValueResponse(response) = response;
        Ok(response.values.iter().map(|value| value.value_bytes.len()).sum())
    }
}
