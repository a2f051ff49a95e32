//! Draws up proposals: transactions of calls given by name, documents given by kind.
use crate::clock;
use crate::directory::{Directory, Need};
use crate::types::bounded::TooLong;
use crate::types::interface::MethodKind;
use crate::types::proposal::Subject;
use crate::types::{
    AccountId, BoundedVec, Call, Document, DocumentKind, Hash, Proposal, Timestamp, Transaction, limits,
};
use crate::value::{ValueError, document_body, encode_fields, read_fields};
use serde_json::Value as Json;

/// Validity of a transaction unless another is asked for: long enough to collect signatures at a counter, short enough that a
/// forgotten one lapses.
pub const VALIDITY_MS: u64 = 10 * 60 * 1000;
/// How much earlier than now a transaction becomes valid: blocks' time may be behind this machine's clock.
pub const CLOCK_SKEW_MS: u64 = 60 * 1000;

/// Why a proposal is not drawn up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The module's interface is not known (yet).
    #[error("there is no module `{module}`")]
    UnknownModule {
        /// The module.
        module: String,
        /// What to learn, if asking the node may help.
        need: Option<Need>,
    },
    /// No such call.
    #[error("{module} has no call `{method}`; its calls are {known}")]
    UnknownMethod {
        /// The module.
        module: String,
        /// What was asked for.
        method: String,
        /// What there is.
        known: String,
    },
    /// A role is given that the call does not have.
    #[error("{call} has no role `{role}`; its roles are {known}")]
    UnknownRole {
        /// `module.method`.
        call: String,
        /// What was given.
        role: String,
        /// What there is.
        known: String,
    },
    /// A role has no account.
    #[error("{call} needs an account as its {role}")]
    MissingRole {
        /// `module.method`.
        call: String,
        /// The role.
        role: String,
    },
    /// A role has several accounts and takes one.
    #[error("{call} takes exactly one account as its {role}")]
    OneAccount {
        /// `module.method`.
        call: String,
        /// The role.
        role: String,
    },
    /// The arguments are refused.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// More calls, parties or bytes than a transaction or document holds.
    #[error("{what}: {source}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// By how much.
        source: TooLong,
    },
    /// A document's party stands in it twice.
    #[error("{account} stands among the document's parties twice")]
    PartyTwice {
        /// The party.
        account: AccountId,
    },
    /// It would never be valid.
    #[error("it would expire at {at}, which is not later than now")]
    Expired {
        /// The time asked for.
        at: String,
    },
    /// The operating system gives no randomness.
    #[error("the system gives no random bytes for the salt")]
    Randomness,
}

impl BuildError {
    /// What to learn before trying again, if that would help.
    pub fn need(&self) -> Option<&Need> {
        match self {
            Self::Value(error) => error.need(),
            Self::UnknownModule { need, .. } => need.as_ref(),
            _ => None,
        }
    }
}

/// A call by names: what a person or program writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallDraft {
    /// The module.
    pub module: String,
    /// The method.
    pub method: String,
    /// Role and account, in any order; a role that takes several may come several times.
    pub parties: Vec<(String, AccountId)>,
    /// An object with the arguments.
    pub args: Json,
}

impl CallDraft {
    /// The call, checked against the declaration.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(&self, directory: &Directory) -> Result<Call, BuildError> {
        let unknown = || BuildError::UnknownModule { module: self.module.clone(), need: self.module_need(directory) };
        let interface = directory.interface(&self.module).ok_or_else(unknown)?;
        let calls = || interface.methods.iter().filter(|method| method.kind == MethodKind::Call);
        let found = interface.method_named(&self.method).filter(|(_, method)| method.kind == MethodKind::Call);
        let (index, method) = found.ok_or_else(|| BuildError::UnknownMethod {
            module: self.module.clone(),
            method: self.method.clone(),
            known: calls().map(|method| method.name.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let call = || format!("{}.{}", self.module, self.method);
        if let Some((role, _)) = self.parties.iter().find(|(role, _)| method.roles.iter().all(|r| r.name != *role)) {
            let known = method.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(BuildError::UnknownRole { call: call(), role: role.clone(), known });
        }
        let mut parties = Vec::new();
        for role in &method.roles {
            let accounts: Vec<_> = self.parties.iter().filter(|(name, _)| *name == role.name).collect();
            match accounts.len() {
                0 => return Err(BuildError::MissingRole { call: call(), role: role.name.clone() }),
                1 => {}
                _ if role.many => {}
                _ => return Err(BuildError::OneAccount { call: call(), role: role.name.clone() }),
            }
            parties.extend(accounts.into_iter().map(|(_, account)| *account));
        }
        let values = read_fields(interface, &method.fields, &self.args, "args", directory)?;
        let args = encode_fields(interface, &method.fields, &values);
        Ok(Call {
            module: interface.module.clone(),
            method: interface.selector(index),
            parties: bounded("parties", parties)?,
            args: bounded("arguments", args)?,
        })
    }

    fn module_need(&self, directory: &Directory) -> Option<Need> {
        let need = Need::Interface(self.module.parse().ok()?);
        (!directory.has(&need)).then_some(need)
    }
}

fn bounded<T, const MAX: usize>(what: &'static str, items: Vec<T>) -> Result<BoundedVec<T, MAX>, BuildError> {
    items.try_into().map_err(|source| BuildError::TooLong { what, source })
}

fn not_past(expires_at: Timestamp, now: Timestamp) -> Result<(), BuildError> {
    if expires_at > now { Ok(()) } else { Err(BuildError::Expired { at: clock::to_local(expires_at) }) }
}

/// A proposal of a transaction with these calls. Valid from a little before the directory's now, so that blocks behind
/// this clock take it; until `expires_at` or [`VALIDITY_MS`] from now.
///
/// # Errors
/// [`BuildError::TooLong`], [`BuildError::Expired`] or [`BuildError::Randomness`].
pub fn transaction(
    chain: Hash,
    calls: Vec<Call>,
    expires_at: Option<Timestamp>,
    directory: &Directory,
) -> Result<Proposal, BuildError> {
    let now = directory.now();
    let default = Timestamp::from_millis(now.millis().saturating_add(VALIDITY_MS));
    let expires_at = expires_at.unwrap_or(default);
    not_past(expires_at, now)?;
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|_| BuildError::Randomness)?;
    let valid_from = Timestamp::from_millis(now.millis().saturating_sub(CLOCK_SKEW_MS));
    let calls = bounded("calls", calls)?;
    Ok(Proposal::new(Subject::Transaction(Transaction { chain, valid_from, expires_at, salt, calls })))
}

/// A document by kind: what a person or program writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentDraft {
    /// `<module>/<struct>`, such as `rebate/Offer`.
    pub kind: String,
    /// Who signs, in the order of the kind.
    pub parties: Vec<AccountId>,
    /// An object with the fields of the struct.
    pub body: Json,
    /// After this time no contract accepts it.
    pub expires_at: Timestamp,
}

impl DocumentDraft {
    /// The proposal of the document.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(&self, chain: Hash, directory: &Directory) -> Result<Proposal, BuildError> {
        let kind = DocumentKind::new(&self.kind).map_err(|fault| {
            BuildError::Value(ValueError { path: "kind".into(), fault: crate::value::ValueFault::BadText(fault) })
        })?;
        not_past(self.expires_at, directory.now())?;
        let twice = self.parties.iter().enumerate().find(|(i, party)| self.parties[..*i].contains(party));
        if let Some((_, account)) = twice {
            return Err(BuildError::PartyTwice { account: *account });
        }
        let body = document_body(&kind, &self.body, "document", directory)?;
        let document = Document {
            chain,
            kind,
            parties: bounded::<_, { limits::PARTIES_MAX }>("parties", self.parties.clone())?,
            body: bounded("body", body)?,
            expires_at: self.expires_at,
        };
        Ok(Proposal::new(Subject::Document(document)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Amount;
    use countersign_interface::{Method, assets};
    use serde_json::json;

    const ALICE: AccountId = AccountId([1; 32]);
    const BOB: AccountId = AccountId([2; 32]);

    fn directory() -> Directory {
        let mut directory = Directory::new(Timestamp::from_millis(1_000_000_000));
        directory.set_decimals("EUR".parse().unwrap(), 2);
        directory
    }

    fn transfer() -> CallDraft {
        CallDraft {
            module: "assets".into(),
            method: "transfer".into(),
            parties: vec![("payer".into(), ALICE)],
            args: json!({"asset": "EUR", "to": BOB.to_string(), "amount": "12.50", "reference": "lunch"}),
        }
    }

    #[test]
    fn a_draft_gives_the_call_the_typed_builder_gives() {
        let typed = assets::Transfer {
            asset: "EUR".parse().unwrap(),
            to: BOB,
            amount: Amount::new(1250),
            reference: crate::types::Text::new("lunch").unwrap(),
        };
        assert_eq!(transfer().build(&directory()).unwrap(), typed.call(&[ALICE]));
    }

    #[test]
    fn roles_are_checked() {
        let refused = |parties: &[(&str, AccountId)]| {
            let parties = parties.iter().map(|(role, account)| (role.to_string(), *account)).collect();
            CallDraft { parties, ..transfer() }.build(&directory()).unwrap_err()
        };
        assert!(matches!(refused(&[]), BuildError::MissingRole { role, .. } if role == "payer"));
        assert!(matches!(refused(&[("payer", ALICE), ("payer", BOB)]), BuildError::OneAccount { .. }));
        assert!(matches!(refused(&[("payer", ALICE), ("payee", BOB)]), BuildError::UnknownRole { .. }));
        let draft = CallDraft { method: "nothing".into(), ..transfer() };
        assert!(matches!(draft.build(&directory()), Err(BuildError::UnknownMethod { .. })));
        let draft = CallDraft { module: "rebates".into(), ..transfer() };
        let error = draft.build(&directory()).unwrap_err();
        assert_eq!(error.need(), Some(&Need::Interface("rebates".parse().unwrap())));
    }

    #[test]
    fn a_transaction_is_valid_from_before_now_for_ten_minutes() {
        let call = transfer().build(&directory()).unwrap();
        let proposal = transaction(Hash([9; 32]), vec![call.clone()], None, &directory()).unwrap();
        let Subject::Transaction(made) = proposal.subject() else { panic!("a transaction was built") };
        assert_eq!(made.expires_at.millis(), 1_000_000_000 + VALIDITY_MS);
        assert_eq!(made.valid_from.millis(), 1_000_000_000 - CLOCK_SKEW_MS);
        assert!(proposal.to_transaction().unwrap().check_shape(&Hash([9; 32])).is_err(), "nobody has signed");
        let past = transaction(Hash([9; 32]), vec![call.clone()], Some(Timestamp::from_millis(1)), &directory());
        assert!(matches!(past, Err(BuildError::Expired { .. })));
        let many = transaction(Hash([9; 32]), vec![call; 17], None, &directory());
        assert!(matches!(many, Err(BuildError::TooLong { what: "calls", .. })));
    }

    #[test]
    fn a_document_has_the_body_its_kind_declares() {
        let draft = DocumentDraft {
            kind: "rebate/Offer".into(),
            parties: vec![ALICE, BOB, AccountId([3; 32])],
            body: json!({
                "purchase": "11".repeat(32), "asset": "EUR", "price": "80.00", "deadline": "+1h", "rebate": "10.00",
                "rebate_time": "+2h", "purchase_required": true
            }),
            expires_at: Timestamp::from_millis(2_000_000_000),
        };
        let proposal = draft.build(Hash([9; 32]), &directory()).unwrap();
        let body = proposal.to_document().unwrap().document.body;
        let offer: countersign_interface::rebate::Offer = crate::types::decode("offer", &body, 10_000).unwrap();
        assert_eq!(offer.price, Amount::new(8000));
        assert_eq!(offer.rebate_time.millis(), 1_000_000_000 + 7_200_000);
        let twice = DocumentDraft { parties: vec![ALICE, ALICE], ..draft.clone() };
        assert!(matches!(twice.build(Hash([9; 32]), &directory()), Err(BuildError::PartyTwice { .. })));
        let other = DocumentDraft { kind: "rebate/State".into(), ..draft };
        assert!(other.build(Hash([9; 32]), &directory()).is_err());
    }
}
