//! Signs a user's enrolment on the ledger, and nothing else: one call, this user's name, the session's key, soon over.
use crate::limits::{ENROLMENT_BYTES_MAX, ENROLMENT_VALIDITY_MS_MAX};
use countersign_client::interface::Method as _;
use countersign_client::interface::registry::{self, Enrol};
use countersign_client::keystore::UnlockedKey;
use countersign_client::signer::{SignError, Signer as _};
use countersign_client::types::proposal::{ProposalError, Subject};
use countersign_client::types::{AccountId, Hash, Name, Proposal, PublicKey, Transaction};

/// Signs for the site's member.
#[derive(Debug)]
pub struct Enroller {
    /// The chain.
    pub chain: Hash,
    /// The member's account.
    pub account: AccountId,
    /// A key that signs for it.
    pub key: UnlockedKey,
}

/// Why a proposal is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolRefused {
    /// Longer than an enrolment.
    #[error("an enrolment has at most {ENROLMENT_BYTES_MAX} bytes")]
    TooLong,
    /// Not a proposal, or a signature in it is not valid.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// A document.
    #[error("this is a document; an enrolment is a transaction")]
    NotATransaction,
    /// For another chain.
    #[error("the proposal is for the chain {found}, this site enrols on {wanted}")]
    OtherChain {
        /// The proposal's.
        found: Hash,
        /// The site's.
        wanted: Hash,
    },
    /// Not one call `registry.enrol` with this name and these accounts.
    #[error(
        "the proposal must be exactly one call registry.enrol by {member}, of the holder {holder}, with the name {name}"
    )]
    OtherCall {
        /// The site's account.
        member: AccountId,
        /// The session's.
        holder: AccountId,
        /// The session's user.
        name: Name,
    },
    /// Over already, or valid for too long.
    #[error("the proposal must expire within {} minutes from now", ENROLMENT_VALIDITY_MS_MAX / 60_000)]
    OtherExpiry,
    /// The wallet has not signed.
    #[error("the wallet signs first: the signature of {holder} with the session's key must be there, and no other")]
    HolderFirst {
        /// The session's account.
        holder: AccountId,
    },
}

impl Enroller {
    /// Checks an enrolment of `user` with `key`: everything but the site's signature must be there.
    ///
    /// # Errors
    /// [`EnrolRefused`].
    pub fn check(&self, bytes: &[u8], user: &Name, key: &PublicKey, now_ms: u64) -> Result<Proposal, EnrolRefused> {
        if bytes.len() > ENROLMENT_BYTES_MAX {
            return Err(EnrolRefused::TooLong);
        }
        let proposal = Proposal::from_bytes(bytes)?;
        let Subject::Transaction(transaction) = proposal.subject() else {
            return Err(EnrolRefused::NotATransaction);
        };
        let holder = AccountId::of_key(key);
        self.check_transaction(transaction, user, &holder, now_ms)?;
        let signed = |signatures: &[countersign_client::types::PartySignature]| match signatures {
            [only] => only.key == *key && proposal.missing() == [self.account],
            _ => false,
        };
        if signed(proposal.signatures()) { Ok(proposal) } else { Err(EnrolRefused::HolderFirst { holder }) }
    }

    fn check_transaction(
        &self,
        transaction: &Transaction,
        user: &Name,
        holder: &AccountId,
        now_ms: u64,
    ) -> Result<(), EnrolRefused> {
        if transaction.chain != self.chain {
            return Err(EnrolRefused::OtherChain { found: transaction.chain, wanted: self.chain });
        }
        let wanted = Enrol { name: user.clone() }.call(&[self.account, *holder]);
        debug_assert_eq!(wanted.module.as_str(), registry::Enrol::MODULE);
        if transaction.calls[..] != [wanted] {
            return Err(EnrolRefused::OtherCall { member: self.account, holder: *holder, name: user.clone() });
        }
        let expires_at_ms = transaction.expires_at.millis();
        let soon = expires_at_ms > now_ms && expires_at_ms - now_ms <= ENROLMENT_VALIDITY_MS_MAX;
        if soon && transaction.valid_from < transaction.expires_at { Ok(()) } else { Err(EnrolRefused::OtherExpiry) }
    }

    /// Signs a proposal that was checked, for the member.
    ///
    /// # Errors
    /// [`SignError`]; with a key of the keystore it does not happen.
    pub fn sign(&self, mut proposal: Proposal) -> Result<Proposal, SignError> {
        self.key.sign_proposal(&mut proposal, &self.account)?;
        Ok(proposal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::Keystore;
    use countersign_client::interface::assets;
    use countersign_client::keystore::Protection;
    use countersign_client::types::signature::{development_secret, public_key};
    use countersign_client::types::{Call, Document, DocumentKind, Timestamp};

    const NOW_MS: u64 = 1_700_000_000_000;
    const CHAIN: Hash = Hash([9; 32]);

    fn enroller() -> (tempfile::TempDir, Enroller) {
        let folder = tempfile::tempdir().unwrap();
        let keystore = Keystore::new(folder.path().join("keys"));
        keystore.create_development("harbor-hotel.example", &Protection::None).unwrap();
        let key = keystore.unlock("harbor-hotel.example", None).unwrap();
        (folder, Enroller { chain: CHAIN, account: key.record.account, key })
    }

    fn alice() -> Name {
        "alice@harbor-hotel.example".parse().unwrap()
    }

    fn key(name: &str) -> PublicKey {
        public_key(&development_secret(name))
    }

    fn transaction(calls: Vec<Call>) -> Transaction {
        Transaction {
            chain: CHAIN,
            valid_from: Timestamp::from_millis(NOW_MS - 60_000),
            expires_at: Timestamp::from_millis(NOW_MS + 600_000),
            salt: [1; 8],
            calls: calls.try_into().unwrap(),
        }
    }

    fn signed(transaction: Transaction, signers: &[&str]) -> Vec<u8> {
        let mut proposal = Proposal::new(Subject::Transaction(transaction));
        for signer in signers {
            proposal.sign(&AccountId::of_key(&key(signer)), &development_secret(signer)).unwrap();
        }
        proposal.to_bytes()
    }

    fn enrol(name: &Name, enroller: &Enroller, holder: &str) -> Call {
        Enrol { name: name.clone() }.call(&[enroller.account, AccountId::of_key(&key(holder))])
    }

    #[test]
    fn the_users_own_enrolment_is_signed() {
        let (_folder, enroller) = enroller();
        let bytes = signed(transaction(vec![enrol(&alice(), &enroller, "alice")]), &["alice"]);
        let checked = enroller.check(&bytes, &alice(), &key("alice"), NOW_MS).unwrap();
        let complete = enroller.sign(checked).unwrap();
        assert!(complete.missing().is_empty());
        assert!(complete.to_transaction().unwrap().check_shape(&CHAIN).is_ok());
    }

    #[test]
    fn anything_else_is_refused() {
        let (_folder, enroller) = enroller();
        let check = |bytes: &[u8]| enroller.check(bytes, &alice(), &key("alice"), NOW_MS).map(|_| ());
        let call = || enrol(&alice(), &enroller, "alice");
        let good = transaction(vec![call()]);
        let other_call = || {
            Err(EnrolRefused::OtherCall {
                member: enroller.account,
                holder: AccountId::of_key(&key("alice")),
                name: alice(),
            })
        };
        let bob: Name = "bob@harbor-hotel.example".parse().unwrap();
        let named_bob = transaction(vec![enrol(&bob, &enroller, "alice")]);
        assert_eq!(check(&signed(named_bob, &["alice"])), other_call(), "another name");
        assert_eq!(check(&signed(transaction(vec![enrol(&alice(), &enroller, "bob")]), &["bob"])), other_call(), "key");
        assert_eq!(check(&signed(transaction(vec![call(), call()]), &["alice"])), other_call(), "two calls");
        let (asset, to) = ("EUR".parse().unwrap(), AccountId([1; 32]));
        let pay = assets::Transfer {
            asset,
            to,
            amount: countersign_client::types::Amount::new(1),
            reference: Default::default(),
        };
        assert_eq!(check(&signed(transaction(vec![pay.call(&[enroller.account])]), &[])), other_call(), "a payment");
        let elsewhere = Transaction { chain: Hash([8; 32]), ..good.clone() };
        assert!(matches!(check(&signed(elsewhere, &["alice"])), Err(EnrolRefused::OtherChain { .. })));
        for expires_ms in [NOW_MS, NOW_MS - 1, NOW_MS + ENROLMENT_VALIDITY_MS_MAX + 1] {
            let expires_at = Timestamp::from_millis(expires_ms);
            let timed = Transaction { expires_at, ..good.clone() };
            assert_eq!(check(&signed(timed, &["alice"])), Err(EnrolRefused::OtherExpiry), "{expires_ms}");
        }
        let first = Err(EnrolRefused::HolderFirst { holder: AccountId::of_key(&key("alice")) });
        assert_eq!(check(&signed(good.clone(), &[])), first, "nobody has signed");
        assert_eq!(check(&signed(good.clone(), &["alice", "harbor-hotel.example"])), first, "all have signed");
        let mut foreign = Proposal::new(Subject::Transaction(good));
        foreign.sign(&AccountId::of_key(&key("alice")), &development_secret("mallory")).unwrap();
        assert_eq!(check(&foreign.to_bytes()), first, "another key for the account");
        assert!(matches!(check(b"CSP"), Err(EnrolRefused::Proposal(_))));
        assert_eq!(check(&[0; ENROLMENT_BYTES_MAX + 1]), Err(EnrolRefused::TooLong));
        let document = Document {
            chain: CHAIN,
            kind: DocumentKind::new("rebate/Offer").unwrap(),
            parties: vec![AccountId::of_key(&key("alice"))].try_into().unwrap(),
            body: Vec::new().try_into().unwrap(),
            expires_at: Timestamp::from_millis(NOW_MS + 1),
        };
        let document = Proposal::new(Subject::Document(document)).to_bytes();
        assert_eq!(check(&document), Err(EnrolRefused::NotATransaction));
    }
}
