//! The bytes of everything validators send each other: SCALE mirrors of the engine's types, bounded when decoded.
use crate::context::{Address, Context, Height, NoRound, Step, Value, hash_of, value_of};
use crate::limits::{SYNC_ANSWER_BYTES_MAX, SYNC_BLOCKS_MAX, VOTE_BYTES_MAX};
use bytes::Bytes;
use countersign_types::bounded::TooLong;
use countersign_types::evidence::{SignedStatement, Statement};
use countersign_types::limits::VALIDATORS_MAX;
use countersign_types::{self as types, BoundedVec, Certificate, DecodeError, Hash, Header, PublicKey, Signature};
use malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachitebft_app_channel::app::types::core::{self as engine, Round, SignedMessage, VoteType};
use malachitebft_sync as sync;
use parity_scale_codec::{Decode, Encode};

/// Bytes that are not what they should be, or something the engine made that has no bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// Not the encoding of what was expected.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// No round.
    #[error(transparent)]
    NoRound(#[from] NoRound),
    /// More votes in a certificate than there can be validators, or more blocks in an answer than may be asked for.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// An offer where the engine expects a vote or proposal.
    #[error("an offer of a block came without the block")]
    BareOffer,
    /// A block with the certificate of another.
    #[error("the certificate is for {certified}, the block is another")]
    OtherBlock {
        /// What the certificate is for.
        certified: Hash,
    },
    /// A peer id that is none.
    #[error("not a peer id")]
    PeerId,
}

/// What validators tell each other in a round.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum ConsensusMessage {
    /// A vote or proposal.
    Step(SignedStatement),
    /// Two thirds prevoted for a block: the certificate's signatures are those prevotes.
    Polka(Certificate),
    /// Enough voted that a round may be left or entered.
    Round(RoundCertificate),
}

/// Votes of a round, for whatever.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct RoundCertificate {
    height: types::Height,
    round: u32,
    /// True: two thirds precommitted. False: a third voted in a later round.
    precommitted: bool,
    votes: BoundedVec<RoundVote, VALIDATORS_MAX>,
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct RoundVote {
    precommit: bool,
    block: Option<Hash>,
    validator: PublicKey,
    signature: Signature,
}

impl ConsensusMessage {
    /// Decodes what a peer sent.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        types::decode("consensus message", bytes, VOTE_BYTES_MAX)
    }

    /// The height it is about.
    pub(crate) fn height(&self) -> types::Height {
        match self {
            Self::Step(signed) => signed.statement.height(),
            Self::Polka(certificate) => certificate.height,
            Self::Round(certificate) => certificate.height,
        }
    }
}

/// Signed votes and proposals.
pub(crate) fn signed(message: &SignedConsensusMsg<Context>) -> Result<SignedStatement, NoRound> {
    match message {
        SignedConsensusMsg::Vote(vote) => signed_vote(vote),
        SignedConsensusMsg::Proposal(proposal) => signed_proposal(proposal),
    }
}

/// A signed vote.
pub(crate) fn signed_vote(vote: &engine::SignedVote<Context>) -> Result<SignedStatement, NoRound> {
    let Address(validator) = *engine::Vote::validator_address(&vote.message);
    Ok(SignedStatement { validator, statement: Statement::try_from(&vote.message)?, signature: vote.signature })
}

/// A signed proposal.
pub(crate) fn signed_proposal(proposal: &engine::SignedProposal<Context>) -> Result<SignedStatement, NoRound> {
    let Address(validator) = *engine::Proposal::validator_address(&proposal.message);
    Ok(SignedStatement { validator, statement: Statement::try_from(&proposal.message)?, signature: proposal.signature })
}

/// The engine's form of a signed vote or proposal.
pub(crate) fn step(signed: &SignedStatement) -> Result<SignedConsensusMsg<Context>, WireError> {
    let step = Step::of(&signed.statement, signed.validator).ok_or(WireError::BareOffer)?;
    Ok(match step {
        Step::Vote(vote) => SignedConsensusMsg::Vote(SignedMessage::new(vote, signed.signature)),
        Step::Proposal(proposal) => SignedConsensusMsg::Proposal(SignedMessage::new(proposal, signed.signature)),
    })
}

/// A certificate of ours from the engine's signatures: sorted by key, without duplicates.
fn certificate(
    height: Height,
    round: Round,
    value: Value,
    signatures: impl Iterator<Item = (Address, Signature)>,
) -> Result<Certificate, WireError> {
    let mut signatures: Vec<_> = signatures.map(|(address, signature)| (address.0, signature)).collect();
    signatures.sort_by_key(|(key, _)| *key);
    signatures.dedup_by_key(|(key, _)| *key);
    Ok(Certificate {
        height: height.0,
        round: round.as_u32().ok_or(NoRound)?,
        block: value.0,
        signatures: signatures.try_into()?,
    })
}

/// A decided block's certificate.
pub(crate) fn commit(decided: &engine::CommitCertificate<Context>) -> Result<Certificate, WireError> {
    let signatures = decided.commit_signatures.iter().map(|s| (s.address, s.signature));
    certificate(decided.height, decided.round, decided.value_id, signatures)
}

fn extended(certificate: &Certificate) -> engine::ExtendedCommitCertificate<Context> {
    let signatures = certificate.signatures.iter();
    engine::ExtendedCommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: Value(certificate.block),
        commit_signatures: signatures
            .map(|(key, signature)| engine::ExtendedCommitSignature::new(Address(*key), *signature, None))
            .collect(),
    }
}

/// Two thirds' prevotes, as sent and logged.
pub(crate) fn polka(polka: &engine::PolkaCertificate<Context>) -> Result<Certificate, WireError> {
    let signatures = polka.polka_signatures.iter().map(|s| (s.address, s.signature));
    certificate(polka.height, polka.round, polka.value_id, signatures)
}

/// The engine's form of two thirds' prevotes.
pub(crate) fn engine_polka(certificate: &Certificate) -> engine::PolkaCertificate<Context> {
    let signatures = certificate.signatures.iter();
    engine::PolkaCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: Value(certificate.block),
        polka_signatures: signatures
            .map(|(key, signature)| engine::PolkaSignature::new(Address(*key), *signature))
            .collect(),
    }
}

impl RoundCertificate {
    fn of(certificate: &engine::RoundCertificate<Context>) -> Result<Self, WireError> {
        let votes = certificate.round_signatures.iter().map(|vote| RoundVote {
            precommit: vote.vote_type == VoteType::Precommit,
            block: hash_of(vote.value_id),
            validator: vote.address.0,
            signature: vote.signature,
        });
        Ok(Self {
            height: certificate.height.0,
            round: certificate.round.as_u32().ok_or(NoRound)?,
            precommitted: certificate.cert_type == engine::RoundCertificateType::Precommit,
            votes: votes.collect::<Vec<_>>().try_into()?,
        })
    }

    /// The engine's form.
    pub(crate) fn engine(&self) -> engine::RoundCertificate<Context> {
        let votes = self.votes.iter().map(|vote| {
            let kind = if vote.precommit { VoteType::Precommit } else { VoteType::Prevote };
            engine::RoundSignature::new(kind, value_of(vote.block), Address(vote.validator), vote.signature)
        });
        engine::RoundCertificate {
            height: Height(self.height),
            round: Round::new(self.round),
            cert_type: if self.precommitted {
                engine::RoundCertificateType::Precommit
            } else {
                engine::RoundCertificateType::Skip
            },
            round_signatures: votes.collect(),
        }
    }
}

impl TryFrom<&SignedConsensusMsg<Context>> for ConsensusMessage {
    type Error = WireError;
    fn try_from(message: &SignedConsensusMsg<Context>) -> Result<Self, WireError> {
        Ok(Self::Step(signed(message)?))
    }
}

impl TryFrom<&LivenessMsg<Context>> for ConsensusMessage {
    type Error = WireError;
    fn try_from(message: &LivenessMsg<Context>) -> Result<Self, WireError> {
        Ok(match message {
            LivenessMsg::Vote(vote) => Self::Step(signed_vote(vote)?),
            LivenessMsg::PolkaCertificate(certificate) => Self::Polka(polka(certificate)?),
            LivenessMsg::SkipRoundCertificate(certificate) => Self::Round(RoundCertificate::of(certificate)?),
        })
    }
}

/// A block with the signed offer in front of it.
#[derive(Clone, Debug)]
pub(crate) struct OfferedBytes {
    /// By its proposer.
    pub(crate) offer: SignedStatement,
    /// Not checked yet.
    pub(crate) block: Bytes,
}

impl OfferedBytes {
    /// The offer's encoding, then the block's.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.offer.size_hint() + self.block.len());
        self.offer.encode_to(&mut bytes);
        bytes.extend_from_slice(&self.block);
        bytes
    }

    /// Splits what a peer sent; the block stays where it is. Its length is bounded by the gossip's.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest: &[u8] = bytes;
        let offer = SignedStatement::decode(&mut rest)
            .map_err(|error| DecodeError::Malformed { what: "offer of a block", cause: error.to_string() })?;
        Ok(Self { offer, block: bytes.slice(bytes.len() - rest.len()..) })
    }
}

/// Encodes the answer to a peer that lags. Blocks beyond [`SYNC_BLOCKS_MAX`] are left out.
pub(crate) fn encode_blocks(blocks: Vec<(Certificate, Bytes)>) -> Vec<u8> {
    let blocks: Vec<(Certificate, Vec<u8>)> =
        blocks.into_iter().take(SYNC_BLOCKS_MAX).map(|(certificate, bytes)| (certificate, bytes.into())).collect();
    blocks.encode()
}

/// Decodes the answer of a peer, and checks that each certificate is for its block's header.
pub(crate) fn decode_blocks(bytes: &[u8]) -> Result<Vec<sync::RawDecidedValue<Context>>, WireError> {
    type Blocks = BoundedVec<(Certificate, Vec<u8>), SYNC_BLOCKS_MAX>;
    let blocks: Blocks = types::decode("answer with blocks", bytes, SYNC_ANSWER_BYTES_MAX)?;
    let checked = blocks.into_iter().map(|(certificate, bytes)| {
        let hash = Header::decode(&mut &bytes[..]).map(|header| header.hash()).ok();
        if hash != Some(certificate.block) {
            return Err(WireError::OtherBlock { certified: certificate.block });
        }
        Ok(sync::RawDecidedValue::new(bytes.into(), extended(&certificate)))
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Scale;
    use crate::testing::{CHAIN, block, key, signed};
    use countersign_types::{Validator, ValidatorSet, signature};
    use malachitebft_app_channel::app::types::codec::Codec;

    const HEIGHT: types::Height = types::Height::new(5);

    fn statements() -> Vec<Statement> {
        let (height, round, hash) = (HEIGHT, 3, Hash([1; 32]));
        vec![
            Statement::Proposal { height, round, block: hash, pol_round: None },
            Statement::Proposal { height, round, block: hash, pol_round: Some(2) },
            Statement::Prevote { height, round, block: Some(hash) },
            Statement::Prevote { height, round, block: None },
            Statement::Precommit { height, round, block: Some(hash) },
            Statement::Precommit { height, round, block: None },
        ]
    }

    fn commit_of(seeds: &[u8]) -> engine::CommitCertificate<Context> {
        let hash = block(HEIGHT).header.hash();
        let statement = Statement::Precommit { height: HEIGHT, round: 3, block: Some(hash) };
        let signature =
            |seed: &u8| engine::CommitSignature::new(Address(key(*seed)), signed(*seed, statement).signature);
        engine::CommitCertificate {
            height: Height(HEIGHT),
            round: Round::new(3),
            value_id: Value(hash),
            commit_signatures: seeds.iter().map(signature).collect(),
        }
    }

    #[test]
    fn votes_and_proposals_come_back_from_the_engine_as_they_were() {
        for statement in statements() {
            let before = signed(1, statement);
            let message = step(&before).unwrap();
            assert_eq!(super::signed(&message).unwrap(), before);
            let logged = Codec::<SignedConsensusMsg<Context>>::encode(&Scale, &message).unwrap();
            assert_eq!(Codec::<SignedConsensusMsg<Context>>::decode(&Scale, logged).unwrap(), message);
        }
        let offer = signed(1, Statement::Offer { height: HEIGHT, round: 0, block: Hash::ZERO });
        assert!(matches!(step(&offer), Err(WireError::BareOffer)));
    }

    #[test]
    fn the_engines_certificate_verifies_as_ours() {
        let mut validators: Vec<_> = (1..=4).map(|seed| Validator { key: key(seed), power: 1 }).collect();
        validators.sort();
        let validators = ValidatorSet(validators.try_into().unwrap());
        let header = block(HEIGHT).header;
        // In any order, and with one signature twice.
        let certificate = commit(&commit_of(&[3, 1, 4, 1])).unwrap();
        assert_eq!(certificate.verify(&header, &validators), Ok(()));
        assert!(commit(&commit_of(&[3, 1])).unwrap().verify(&header, &validators).is_err());
    }

    #[test]
    fn a_certificate_of_more_than_all_validators_is_refused() {
        let seeds: Vec<u8> = (0..=VALIDATORS_MAX as u8).collect();
        assert!(matches!(commit(&commit_of(&seeds)), Err(WireError::TooLong(_))));
    }

    #[test]
    fn blocks_are_synced_with_their_own_certificate_only() {
        let certificate = commit(&commit_of(&[1])).unwrap();
        let bytes = Bytes::from(block(HEIGHT).encode());
        let decoded = decode_blocks(&encode_blocks(vec![(certificate.clone(), bytes.clone())])).unwrap();
        assert_eq!(decoded[0].value_bytes, bytes);
        assert_eq!(commit(&decoded[0].certificate.trim_vote_extensions()).unwrap(), certificate);

        let other = Bytes::from(block(HEIGHT.next()).encode());
        let swapped = decode_blocks(&encode_blocks(vec![(certificate, other)]));
        assert!(matches!(swapped, Err(WireError::OtherBlock { .. })));
    }

    #[test]
    fn an_answer_with_too_many_blocks_is_refused() {
        let certificate = commit(&commit_of(&[1])).unwrap();
        let one = (certificate, block(HEIGHT).encode());
        assert!(decode_blocks(&vec![one.clone(); SYNC_BLOCKS_MAX].encode()).is_ok());
        assert!(decode_blocks(&vec![one; SYNC_BLOCKS_MAX + 1].encode()).is_err());
    }

    #[test]
    fn an_offer_is_split_from_its_block() {
        let offer = signed(1, Statement::Offer { height: HEIGHT, round: 0, block: Hash::ZERO });
        let offered = OfferedBytes { offer, block: Bytes::from_static(b"block") };
        let back = OfferedBytes::from_bytes(&offered.encode().into()).unwrap();
        assert_eq!((back.offer, &back.block[..]), (offer, &b"block"[..]));
        assert!(OfferedBytes::from_bytes(&Bytes::from_static(b"block")).is_err());
    }

    #[test]
    fn trailing_bytes_and_long_messages_are_refused() {
        let mut bytes = ConsensusMessage::Step(signed(1, statements()[0])).encode();
        assert!(ConsensusMessage::from_bytes(&bytes).is_ok());
        bytes.push(0);
        assert!(ConsensusMessage::from_bytes(&bytes).is_err());
        assert!(ConsensusMessage::from_bytes(&vec![0; VOTE_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn the_largest_certificates_fit_their_limit() {
        let vote = RoundVote {
            precommit: true,
            block: Some(Hash::ZERO),
            validator: key(1),
            signature: signature::sign(&[1; 32], b""),
        };
        let votes = vec![vote; VALIDATORS_MAX].try_into().unwrap();
        let round = RoundCertificate { height: HEIGHT, round: u32::MAX, precommitted: true, votes };
        assert_eq!(RoundCertificate::of(&round.engine()).unwrap(), round);
        assert!(ConsensusMessage::from_bytes(&ConsensusMessage::Round(round).encode()).is_ok());
    }

    /// A change of these means that nodes of two versions do not understand each other, or that a validator cannot read
    /// its own log.
    #[test]
    fn the_bytes_on_the_wire_and_in_the_log_are_frozen() {
        let mut bytes = Vec::new();
        for statement in statements() {
            ConsensusMessage::Step(signed(1, statement)).encode_to(&mut bytes);
            bytes.extend(statement.message(&CHAIN));
        }
        let signatures = vec![(key(1), Signature([2; 64]))].try_into().unwrap();
        let certificate = Certificate { height: HEIGHT, round: 3, block: Hash([1; 32]), signatures };
        ConsensusMessage::Polka(certificate.clone()).encode_to(&mut bytes);
        let vote = RoundVote { precommit: true, block: None, validator: key(1), signature: Signature([2; 64]) };
        let votes = vec![vote].try_into().unwrap();
        ConsensusMessage::Round(RoundCertificate { height: HEIGHT, round: 1, precommitted: false, votes })
            .encode_to(&mut bytes);
        let offer = signed(1, Statement::Offer { height: HEIGHT, round: 0, block: Hash::ZERO });
        bytes.extend(OfferedBytes { offer, block: Bytes::from_static(b"block") }.encode());
        bytes.extend(encode_blocks(vec![(certificate, Bytes::from_static(b"block"))]));
        let frozen = "a550d7dc73b8f15de6ae1db8ed04bd9c449e7d724a7f0dc3abbeb2d49b386478";
        assert_eq!(Hash::of("frozen", &bytes).to_string(), frozen);
    }
}
