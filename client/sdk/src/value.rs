//! Values of declared types: JSON as people and programs write it, a typed tree, and SCALE bytes.
//!
//! ```text
//! JSON ─read→ Value ─codec::encode→ bytes        bytes ─codec::decode→ Value ─write→ the same JSON
//! ```
//! Declarations may come from a node, so every walk counts what it visits: nesting is bounded by the types themselves, the number
//! of values by [`VALUES_MAX`].
mod amount;
mod codec;
mod document;
mod fault;
mod read;
mod write;

pub use amount::{BadAmount, parse_amount, show_amount};
pub use codec::{decode, decode_fields, encode_fields};
pub use document::{document_body, document_fields, write_document, write_signed};
pub use fault::{ValueError, ValueFault};
pub use read::{read, read_fields};
pub use write::{write, write_fields};

use crate::types::account::Role;
use crate::types::interface::{Field, Interface, Shape, Type};
use crate::types::{
    AccountId, Amount, AssetId, Authority, Document, Hash, ModuleName, Name, PublicKey, SignedDocument, Timestamp,
};

/// Values in one list of arguments, a document or an answer. Types with empty structs could announce any number in few bytes.
pub const VALUES_MAX: usize = 100_000;

/// A value of a declared type. Which type is told by the declaration beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// `u8` to `u128`.
    Number(u128),
    /// `Hash`.
    Hash(Hash),
    /// `AccountId`.
    Account(AccountId),
    /// `AssetId`.
    Asset(AssetId),
    /// `Amount`.
    Amount(Amount),
    /// `Timestamp`.
    Time(Timestamp),
    /// `Text`.
    Text(String),
    /// `Bytes` and `Code`.
    Bytes(Vec<u8>),
    /// `Name`.
    Name(Name),
    /// `ModuleName`.
    Module(ModuleName),
    /// `PublicKey`.
    Key(PublicKey),
    /// `Authority`.
    Authority(Authority),
    /// `Role`.
    Role(Role),
    /// `Document`.
    Document(Box<Document>),
    /// `SignedDocument`.
    Signed(Box<SignedDocument>),
    /// `Option`.
    Optional(Option<Box<Value>>),
    /// `List`.
    List(Vec<Value>),
    /// A struct's fields, in the order declared.
    Struct(Vec<Value>),
    /// A choice, as the index of its word.
    Choice(u8),
}

impl Value {
    /// Visits this value and all values in it.
    pub fn visit(&self, visitor: &mut impl FnMut(&Value)) {
        visitor(self);
        match self {
            Self::Optional(Some(inner)) => inner.visit(visitor),
            Self::List(items) | Self::Struct(items) => items.iter().for_each(|item| item.visit(visitor)),
            _ => {}
        }
    }
}

/// The asset that amounts among these fields are counted in: the one asset field beside them, if there is exactly one, else
/// that of the surrounding struct.
pub fn asset_beside(fields: &[Field], values: &[Value], around: Option<AssetId>) -> Option<AssetId> {
    let mut assets = fields.iter().zip(values).filter_map(|(_, value)| match value {
        Value::Asset(asset) => Some(*asset),
        _ => None,
    });
    match (assets.next(), assets.next()) {
        (Some(asset), None) => Some(asset),
        (None, _) => around,
        (Some(_), Some(_)) => None,
    }
}

/// The fields of a declared struct; `None` for any other type.
pub fn struct_fields<'a>(interface: &'a Interface, ty: &Type) -> Option<&'a [Field]> {
    match ty {
        Type::Declared(index) => match &interface.types.get(*index)?.shape {
            Shape::Struct(fields) => Some(fields),
            Shape::Choice(_) => None,
        },
        _ => None,
    }
}

/// The word of a role, as in the node's answers: `merchant`, `card_issuer` …
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Merchant => "merchant",
        Role::Issuer => "issuer",
        Role::Agent => "agent",
        Role::Arbiter => "arbiter",
        Role::CardIssuer => "card_issuer",
        Role::Relay => "relay",
    }
}

/// The role a word stands for, as [`role_word`] writes it.
pub fn role_named(word: &str) -> Option<Role> {
    ROLES.into_iter().find(|role| role_word(*role) == word)
}

const ROLES: [Role; 6] = [Role::Merchant, Role::Issuer, Role::Agent, Role::Arbiter, Role::CardIssuer, Role::Relay];

#[cfg(test)]
mod tests;
