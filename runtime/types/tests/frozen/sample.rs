//! Generated values, the same on every machine and for ever: drawn from BLAKE3 of the type's name.
use countersign_types::account::QuotaUse;
use countersign_types::block::LastProposal;
use countersign_types::evidence::{RecordedEvidence, SignedStatement, Statement, Step};
use countersign_types::genesis::{Council, GenesisAsset, GenesisContract, GenesisHolder, GenesisMember, GenesisNode};
use countersign_types::merkle::ListProof;
use countersign_types::proposal::Subject;
use countersign_types::quantity::{Amount, Gas, Height, Timestamp};
use countersign_types::*;

/// Items of a generated list, if its bound allows: enough to see order and prefixes.
const ITEMS_MAX: u64 = 4;

/// A stream of bytes with a name.
pub struct Draw(blake3::OutputReader);

impl Draw {
    pub fn new(name: &str) -> Self {
        Self(blake3::Hasher::new_derive_key("countersign/frozen-cases/1").update(name.as_bytes()).finalize_xof())
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % bound
    }

    fn list<T: Sample>(&mut self, max: usize) -> Vec<T> {
        (0..self.below(ITEMS_MAX.min(max as u64) + 1)).map(|_| T::sample(self)).collect()
    }

    fn text(&mut self, max: usize) -> String {
        const ALPHABET: [char; 8] = ['a', 'Z', '7', ' ', '-', 'é', '字', '🛎'];
        let length = self.below(12);
        let mut text: String = (0..length).map(|_| ALPHABET[self.below(8) as usize]).collect();
        while text.len() > max {
            text.pop();
        }
        text
    }

    fn label(&mut self) -> String {
        format!("{}{}", char::from(b'a' + self.below(26) as u8), self.below(10_000))
    }
}

/// A type of which cases can be generated.
pub trait Sample {
    fn sample(draw: &mut Draw) -> Self;
}

macro_rules! numbers {
    ($($ty:ty),+) => {
        $(impl Sample for $ty {
            /// Small and huge ones alike: the number of bits is drawn first.
            fn sample(draw: &mut Draw) -> Self {
                let shift = draw.below(u64::from(<$ty>::BITS)) as u32;
                <$ty>::from_le_bytes(draw.bytes()) >> shift
            }
        })+
    };
}
numbers!(u8, u16, u32, u64, u128);

/// Structs: every field is named, so a new field does not compile here until it is drawn too.
macro_rules! structs {
    ($($ty:ident { $($field:ident),+ $(,)? })+) => {
        $(impl Sample for $ty {
            fn sample(draw: &mut Draw) -> Self {
                Self { $($field: Sample::sample(draw)),+ }
            }
        })+
    };
}

/// Wrappers of one value.
macro_rules! wrappers {
    ($($ty:ty = $make:expr),+ $(,)?) => {
        $(impl Sample for $ty {
            fn sample(draw: &mut Draw) -> Self {
                $make(Sample::sample(draw))
            }
        })+
    };
}

/// Enums: each variant is drawn as often as the others.
macro_rules! enums {
    ($($ty:ty { $($make:expr),+ $(,)? })+) => {
        $(impl Sample for $ty {
            fn sample(draw: &mut Draw) -> Self {
                let makers: &[fn(&mut Draw) -> Self] = &[$($make),+];
                makers[draw.below(makers.len() as u64) as usize](draw)
            }
        })+
    };
}

wrappers! {
    Hash = Hash, AccountId = AccountId, PublicKey = PublicKey, Selector = Selector, Signature = Signature,
    Amount = Amount::new, Timestamp = Timestamp::from_millis, Height = Height::new, Gas = Gas::new,
    ValidatorSet = ValidatorSet,
}

structs! {
    PartySignature { account, key, signature }
    Call { module, method, parties, args }
    Transaction { chain, valid_from, expires_at, salt, calls }
    SignedTransaction { transaction, signatures }
    Document { chain, kind, parties, body, expires_at }
    SignedDocument { document, signatures }
    Header {
        chain, height, parent, time, proposer, tx_root, evidence_hash, state_root, receipts_root, validators_hash, next_validators_hash,
        params_hash,
    }
    Block { header, evidence, transactions }
    Validator { key, power }
    Certificate { height, round, block, signatures }
    Event { module, kind, accounts, data }
    Receipt { subject, outcome, gas, events }
    ListProof { count, index, siblings }
    Params {
        validity_ms_max, block_time_ahead_ms_max, idle_interval_ms, block_bytes_max, block_transactions_max, block_gas_max,
        transaction_gas_max, lane_gas_max, job_gas, quota_window_ms, quota_gas, timeout_propose_ms, timeout_vote_ms,
        timeout_ms_max,
    }
    Authority { threshold, keys }
    Account { authority, member, name, status, encryption_key }
    Member { name, status, roles, admitted_at }
    Site { endpoint, key, relays }
    QuotaUse { window, gas }
    Asset { issuer, decimals, title, supply, status }
    Contract { name, code, version, status, since }
    Job { at, sequence, module, method, args, gas }
    Council { members, threshold }
    GenesisMember { id, name, roles, authority }
    GenesisHolder { id, name, key }
    GenesisAsset { id, issuer, decimals, title, balances }
    GenesisContract { name, code }
    GenesisNode { key, member, address }
    Genesis { title, time, params, council, validators, nodes, members, holders, assets, contracts }
    NodeRecord { member, address, status, since }
    LastProposal { height, working_blocks }
    SignedStatement { validator, statement, signature }
    Evidence { first, second }
    RecordedEvidence { evidence, recorded_at }
}

enums! {
    Step { |_| Self::Offer, |_| Self::Proposal, |_| Self::Prevote, |_| Self::Precommit }
    Statement {
        |draw| Self::Offer { height: Sample::sample(draw), round: Sample::sample(draw), block: Sample::sample(draw) },
        |draw| Self::Proposal {
            height: Sample::sample(draw), round: Sample::sample(draw), block: Sample::sample(draw),
            pol_round: Sample::sample(draw),
        },
        |draw| Self::Prevote { height: Sample::sample(draw), round: Sample::sample(draw), block: Sample::sample(draw) },
        |draw| Self::Precommit {
            height: Sample::sample(draw), round: Sample::sample(draw), block: Sample::sample(draw),
        },
    }
    Status { |_| Self::Active, |_| Self::Suspended }
    Role {
        |_| Self::Merchant, |_| Self::Issuer, |_| Self::Agent, |_| Self::Arbiter, |_| Self::CardIssuer, |_| Self::Relay,
    }
    receipt::Subject {
        |draw| Self::Transaction(Sample::sample(draw)), |draw| Self::Job(Sample::sample(draw)),
        |draw| Self::Evidence {
            validator: Sample::sample(draw), height: Sample::sample(draw), round: Sample::sample(draw),
            step: Sample::sample(draw),
        },
    }
    Result<(), Failure> { |_| Ok(()), |draw| Err(Sample::sample(draw)) }
    CallFault {
        |_| Self::UnknownModule, |_| Self::UnknownMethod, |_| Self::WrongParties, |_| Self::BadArguments,
        |_| Self::OutOfGas, |_| Self::StackExhausted, |_| Self::Trap, |_| Self::HostArgument, |_| Self::LimitExceeded,
        |_| Self::InsufficientBalance, |_| Self::UnknownAsset, |_| Self::AssetFrozen, |_| Self::UnknownAccount,
        |_| Self::NotAParty, |_| Self::CallDepth, |_| Self::Reentry, |_| Self::BadSchedule, |_| Self::ReadOnly,
        |_| Self::Overflow, |draw| Self::Refused(Sample::sample(draw)),
    }
    Failure {
        |_| Self::NotYetValid, |_| Self::Expired, |_| Self::Replayed, |draw| Self::UnknownAccount(Sample::sample(draw)),
        |draw| Self::Suspended(Sample::sample(draw)), |draw| Self::AuthorityNotMet(Sample::sample(draw)),
        |draw| Self::QuotaExceeded(Sample::sample(draw)), |_| Self::PutOff, |_| Self::ValidityTooLong,
        |draw| Self::Call { index: Sample::sample(draw), fault: Sample::sample(draw) },
    }
    Subject {
        |draw| Self::Transaction(Sample::sample(draw)), |draw| Self::Document(Sample::sample(draw)),
    }
}

impl<const N: usize> Sample for [u8; N] {
    fn sample(draw: &mut Draw) -> Self {
        draw.bytes()
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn sample(draw: &mut Draw) -> Self {
        (A::sample(draw), B::sample(draw))
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(draw: &mut Draw) -> Self {
        (draw.below(2) == 1).then(|| T::sample(draw))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(draw: &mut Draw) -> Self {
        draw.list(usize::MAX)
    }
}

impl<T: Sample, const MAX: usize> Sample for BoundedVec<T, MAX> {
    fn sample(draw: &mut Draw) -> Self {
        Self::try_from(draw.list(MAX)).expect("drawn within the bound")
    }
}

impl<const MAX: usize> Sample for BoundedText<MAX> {
    fn sample(draw: &mut Draw) -> Self {
        Self::new(&draw.text(MAX)).unwrap()
    }
}

impl Sample for AssetId {
    fn sample(draw: &mut Draw) -> Self {
        draw.label().to_uppercase().parse().unwrap()
    }
}

impl Sample for ModuleName {
    fn sample(draw: &mut Draw) -> Self {
        draw.label().parse().unwrap()
    }
}

impl Sample for Name {
    fn sample(draw: &mut Draw) -> Self {
        let site = format!("{}.{}.example", draw.label(), draw.label());
        let name = if draw.below(2) == 1 { format!("{}@{site}", draw.label()) } else { site };
        name.parse().unwrap()
    }
}

impl Sample for Proposal {
    /// Some of the parties have signed, one of them perhaps with two keys.
    fn sample(draw: &mut Draw) -> Self {
        let mut proposal = Self::new(Sample::sample(draw));
        for account in proposal.subject().signers() {
            for _ in 0..draw.below(3) {
                proposal.sign(&account, &draw.bytes()).unwrap();
            }
        }
        proposal
    }
}
