//! A proposal in words, as its signers see it: what each call does by its display line, who signs as what, who has signed,
//! what the documents in it say, until when it holds. The same facts as fields for programs.
mod event;
mod words;

use crate::clock;
use crate::directory::{Directory, Need};
use crate::types::document;
use crate::types::proposal::Subject;
use crate::types::transaction::signing_bytes;
use crate::types::{AccountId, Call, DecodeError, Document, PartySignature, Proposal};
use crate::value::{self, Value, decode_fields, document_fields, write_fields};
pub use event::{EventDescription, describe_event, event_needs};
use serde::Serialize;
use serde_json::Value as Json;
pub use words::{account_words, sentence, value_words};

/// Why a proposal cannot be shown, and so must not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisplayError {
    /// No known interface has the method.
    #[error(
        "call {index}: no interface known here has the method {selector} of `{module}`; what it does cannot be told"
    )]
    UnknownMethod {
        /// Index of the call.
        index: usize,
        /// The module.
        module: String,
        /// The selector, hexadecimal.
        selector: String,
        /// What to learn, if asking the node may help.
        need: Option<Need>,
    },
    /// The parties do not fit the roles.
    #[error("call {index}: {call} takes other parties than these {given}")]
    WrongParties {
        /// Index of the call.
        index: usize,
        /// `module.method`.
        call: String,
        /// Accounts given.
        given: usize,
    },
    /// The arguments are not those of the method.
    #[error("call {index}: {source}")]
    BadArguments {
        /// Index of the call.
        index: usize,
        /// What the codec found.
        source: DecodeError,
    },
}

impl DisplayError {
    /// What to learn before trying again, if that would help.
    pub fn need(&self) -> Option<&Need> {
        match self {
            Self::UnknownMethod { need, .. } => need.as_ref(),
            _ => None,
        }
    }
}

/// A proposal as its signers see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Description {
    /// `transaction` or `document`.
    pub kind: &'static str,
    /// `cst1…` or `csd1…`.
    pub id: String,
    /// The chain it is for, hexadecimal.
    pub chain: String,
    /// From when a transaction is valid, RFC 3339.
    pub valid_from: Option<String>,
    /// The same in milliseconds since the Unix epoch.
    pub valid_from_ms: Option<u64>,
    /// Until when it counts, RFC 3339.
    pub expires_at: String,
    /// The same in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// A transaction's calls.
    pub calls: Vec<CallDescription>,
    /// The document, if it is one.
    pub document: Option<DocumentDescription>,
    /// Everybody who must sign.
    pub signers: Vec<SignerDescription>,
    /// True if everybody has.
    pub complete: bool,
}

/// A call as its signers see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallDescription {
    /// The module.
    pub module: String,
    /// The method.
    pub method: String,
    /// The display line with everything filled in.
    pub line: String,
    /// Who stands in which role.
    pub parties: Vec<PartyDescription>,
    /// The arguments, as [`crate::builder`] takes them.
    pub args: Json,
    /// The documents among the arguments.
    pub documents: Vec<DocumentDescription>,
    /// True if the declaration was built into this program; false if it is the node's, with a selector that fits.
    pub bundled: bool,
}

/// An account in a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PartyDescription {
    /// The role.
    pub role: String,
    /// `csa1…`.
    pub account: String,
    /// Its name on the ledger, where it is known.
    pub name: Option<String>,
}

/// A document as its signers see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DocumentDescription {
    /// `csd1…`.
    pub id: String,
    /// `<module>/<type>`.
    pub kind: String,
    /// Field and value in words; empty if the kind is not known.
    pub lines: Vec<(String, String)>,
    /// The body as JSON, or `0x…`.
    pub body: Json,
    /// Its parties in order, and who has signed.
    pub signers: Vec<SignerDescription>,
    /// Until when it counts, RFC 3339.
    pub expires_at: String,
    /// True if every party has a signature that verifies.
    pub complete: bool,
    /// True if it stands without signatures on purpose: what contains it is signed instead.
    pub bare: bool,
    /// True if its kind's declaration was built into this program. No selector binds a document's kind to its bytes: a
    /// document read by a node's declaration is read as that node says.
    pub bundled: bool,
}

/// One who must sign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SignerDescription {
    /// `csa1…`.
    pub account: String,
    /// Its name on the ledger, where it is known.
    pub name: Option<String>,
    /// The roles it stands in, such as `rebate.claim merchant`.
    pub roles: Vec<String>,
    /// True if a signature for it is there.
    pub signed: bool,
    /// Keys (`csk1…`) that signed for it and are not its first one: whether they are its keys only the ledger tells.
    pub other_keys: Vec<String>,
}

/// The keys that signed for the signer of this index and are not its first one.
fn other_keys(index: Option<usize>, account: &AccountId, signatures: &[PartySignature]) -> Vec<String> {
    let by = signatures.iter().filter(|s| Some(usize::from(s.account)) == index);
    by.filter(|s| AccountId::of_key(&s.key) != *account).map(|s| s.key.to_string()).collect()
}

/// The names and decimals a showing of the proposal uses, as far as the directory lacks them.
pub fn needs(proposal: &Proposal, directory: &Directory) -> Vec<Need> {
    let mut needs: Vec<Need> = proposal.subject().signers().into_iter().map(Need::NameOf).collect();
    match proposal.subject() {
        Subject::Transaction(transaction) => {
            for call in &transaction.calls {
                if let Some((interface, method, _)) = directory.method(call.module.as_str(), call.method)
                    && let Ok(values) = decode_fields(interface, &method.fields, &call.args)
                {
                    values.iter().for_each(|value| mentions(value, directory, &mut needs));
                }
            }
        }
        Subject::Document(document) => document_mentions(document, directory, &mut needs),
    }
    needs.sort();
    needs.dedup();
    needs.retain(|need| !directory.has(need));
    needs
}

/// The names and decimals a showing of a value uses.
pub fn mentions(value: &Value, directory: &Directory, needs: &mut Vec<Need>) {
    value.visit(&mut |value| match value {
        Value::Account(account) => needs.push(Need::NameOf(*account)),
        Value::Asset(asset) => needs.push(Need::Decimals(*asset)),
        Value::Document(document) => document_mentions(document, directory, needs),
        Value::Signed(signed) => document_mentions(&signed.document, directory, needs),
        _ => {}
    });
}

/// A document's own documents are shown by their id only, so this goes one level deep.
fn document_mentions(document: &Document, directory: &Directory, needs: &mut Vec<Need>) {
    needs.extend(document.parties.iter().map(|party| Need::NameOf(*party)));
    let Some((interface, fields)) = document_fields(&document.kind, directory) else {
        return;
    };
    let values = decode_fields(interface, fields, &document.body).unwrap_or_default();
    values.iter().for_each(|value| {
        value.visit(&mut |value| match value {
            Value::Account(account) => needs.push(Need::NameOf(*account)),
            Value::Asset(asset) => needs.push(Need::Decimals(*asset)),
            _ => {}
        });
    });
}

/// Describes a proposal.
///
/// # Errors
/// [`DisplayError`] if any part of it cannot be told: then it must not be signed.
pub fn describe(proposal: &Proposal, directory: &Directory) -> Result<Description, DisplayError> {
    let missing = proposal.missing();
    let mut description = match proposal.subject() {
        Subject::Transaction(transaction) => Description {
            kind: "transaction",
            id: transaction.id().to_string(),
            chain: transaction.chain.to_string(),
            valid_from: Some(clock::to_utc(transaction.valid_from)),
            valid_from_ms: Some(transaction.valid_from.millis()),
            expires_at: clock::to_utc(transaction.expires_at),
            expires_at_ms: transaction.expires_at.millis(),
            calls: Vec::new(),
            document: None,
            signers: Vec::new(),
            complete: missing.is_empty(),
        },
        Subject::Document(document) => Description {
            kind: "document",
            id: document_id(&document.hash()),
            chain: document.chain.to_string(),
            valid_from: None,
            valid_from_ms: None,
            expires_at: clock::to_utc(document.expires_at),
            expires_at_ms: document.expires_at.millis(),
            calls: Vec::new(),
            document: Some(describe_document(document, Some(proposal.signatures()), directory)),
            signers: Vec::new(),
            complete: missing.is_empty(),
        },
    };
    if let Subject::Transaction(transaction) = proposal.subject() {
        let calls = transaction.calls.iter().enumerate();
        description.calls =
            calls.map(|(index, call)| describe_call(index, call, directory)).collect::<Result<_, _>>()?;
    }
    let signers = proposal.subject().signers().into_iter().enumerate();
    description.signers = signers
        .map(|(index, account)| {
            let signed = !missing.contains(&account);
            let other_keys = other_keys(Some(index), &account, proposal.signatures());
            SignerDescription { signed, other_keys, ..signer(&account, &description, directory) }
        })
        .collect();
    Ok(description)
}

/// One who must sign and has not.
fn signer(account: &AccountId, description: &Description, directory: &Directory) -> SignerDescription {
    let text = account.to_string();
    let mut roles = Vec::new();
    for call in &description.calls {
        let held = call.parties.iter().filter(|party| party.account == text);
        roles.extend(held.map(|party| format!("{}.{} {}", call.module, call.method, party.role)));
    }
    let name = directory.name_of(account).map(str::to_string);
    SignerDescription { account: text, name, roles, signed: false, other_keys: Vec::new() }
}

fn document_id(hash: &crate::types::Hash) -> String {
    crate::types::text::encode(crate::types::text::DOCUMENT, &hash.0)
}

fn describe_call(index: usize, call: &Call, directory: &Directory) -> Result<CallDescription, DisplayError> {
    let found = directory.method(call.module.as_str(), call.method);
    let (interface, method, bundled) = found.ok_or_else(|| {
        let need = Need::Interface(call.module.clone());
        DisplayError::UnknownMethod {
            index,
            module: call.module.to_string(),
            selector: hex::encode(call.method.0),
            need: (!directory.has(&need)).then_some(need),
        }
    })?;
    let name = format!("{}.{}", call.module, method.name);
    if !method.takes_parties(call.parties.len()) {
        return Err(DisplayError::WrongParties { index, call: name, given: call.parties.len() });
    }
    let values = decode_fields(interface, &method.fields, &call.args)
        .map_err(|source| DisplayError::BadArguments { index, source })?;
    let last = method.roles.len() - 1;
    let parties: Vec<(String, AccountId)> = call
        .parties
        .iter()
        .enumerate()
        .map(|(i, account)| (method.roles[i.min(last)].name.clone(), *account))
        .collect();
    let mut documents = Vec::new();
    for value in &values {
        value.visit(&mut |value| match value {
            Value::Document(document) => documents.push(describe_document(document, None, directory)),
            Value::Signed(s) => documents.push(describe_document(&s.document, Some(&s.signatures), directory)),
            _ => {}
        });
    }
    Ok(CallDescription {
        module: call.module.to_string(),
        method: method.name.clone(),
        line: sentence(interface, method, &parties, &values, directory),
        parties: parties
            .into_iter()
            .map(|(role, account)| PartyDescription {
                role,
                account: account.to_string(),
                name: directory.name_of(&account).map(str::to_string),
            })
            .collect(),
        args: write_fields(interface, &method.fields, &values, directory),
        documents,
        bundled,
    })
}

/// Describes a document with its signatures, or one that stands without any. One of an unknown kind is shown as bytes.
pub fn describe_document(
    document: &Document,
    signatures: Option<&[PartySignature]>,
    directory: &Directory,
) -> DocumentDescription {
    let signers = document.signers();
    let message = signing_bytes(document::SIGNING, &document.chain, &document.hash());
    let has_signed = |account: &AccountId| {
        let index = signers.binary_search(account).ok();
        signatures.unwrap_or_default().iter().any(|s| {
            Some(usize::from(s.account)) == index && crate::types::signature::verify(&s.key, &message, &s.signature)
        })
    };
    let read = document_fields(&document.kind, directory).and_then(|(interface, fields)| {
        let values = decode_fields(interface, fields, &document.body).ok()?;
        let unit = value::asset_beside(fields, &values, None);
        let pairs = fields.iter().zip(&values);
        let lines = pairs
            .map(|(field, v)| (field.name.clone(), value_words(interface, &field.ty, v, unit, directory)))
            .collect();
        Some((lines, write_fields(interface, fields, &values, directory)))
    });
    let (lines, body) =
        read.unwrap_or_else(|| (Vec::new(), Json::String(format!("0x{}", hex::encode(&*document.body)))));
    let module = document.kind.split('/').next().unwrap_or_default();
    let complete = signatures.is_some() && document.parties.iter().all(has_signed);
    DocumentDescription {
        id: document_id(&document.hash()),
        kind: document.kind.to_string(),
        lines,
        body,
        signers: document
            .parties
            .iter()
            .map(|account| SignerDescription {
                account: account.to_string(),
                name: directory.name_of(account).map(str::to_string),
                roles: Vec::new(),
                signed: has_signed(account),
                other_keys: other_keys(signers.binary_search(account).ok(), account, signatures.unwrap_or_default()),
            })
            .collect(),
        expires_at: clock::to_utc(document.expires_at),
        complete,
        bare: signatures.is_none(),
        bundled: directory.document_interface(module).is_some_and(|(_, bundled)| bundled),
    }
}

#[cfg(test)]
mod tests;
