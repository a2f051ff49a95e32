//! What a module declares: methods with roles, arguments and display lines, events, errors, types.
//!
//! The declaration is a text. A contract carries it in the `countersign.interface` section of its wasm; native modules have one
//! too. From it come the selectors that signatures bind, the roles the node checks before any code runs, and what a
//! wallet shows. `contracts/interface` writes the text and the Rust types from one macro.
//!
//! ```text
//! module rebate;
//! struct Offer { purchase: Hash, price: Amount }
//! choice State { Pending, Locked }
//! error 1 AmountZero "The amount is zero.";
//! event Purchased { purchase: Hash, merchant: AccountId };
//! call purchase(merchant, customer) { asset: AssetId, amount: Amount } "Pay {amount} to {merchant}";
//! scheduled settle { rebate: Hash };
//! query state { rebate: Hash } -> State;
//! ```
//!
//! `///` lines document what follows and bind nothing. A role ending in `*` takes one or more accounts and is the last.
//! A type is declared before it is used, so no type contains itself.
mod parse;
mod selector;

use crate::id::{ModuleName, Selector};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A declared module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name.
    pub module: ModuleName,
    /// Its structs and choices, each before its first use.
    pub types: Vec<TypeDef>,
    /// Its refusals.
    pub errors: Vec<ErrorDef>,
    /// Its events; the index is the event's kind.
    pub events: Vec<EventDef>,
    /// Calls, then scheduled methods, then queries; the index is what the contract's entry point is given.
    pub methods: Vec<Method>,
    /// The selector of each method, in the same order.
    selectors: Vec<Selector>,
}

/// A declared type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeDef {
    /// Its name.
    pub name: String,
    /// What it is.
    pub shape: Shape,
}

/// What a declared type is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Fields one after the other.
    Struct(Vec<Field>),
    /// One of several words, encoded as its index in one byte.
    Choice(Vec<String>),
}

/// A named value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// One of the types every module knows.
    Basic(Basic),
    /// There or not.
    Option(Box<Type>),
    /// At most [`crate::limits::LIST_ITEMS_MAX`].
    List(Box<Type>),
    /// Index into [`Interface::types`].
    Declared(usize),
}

macro_rules! basics {
    ($($(#[doc = $doc:expr])+ $variant:ident = $name:literal),+ $(,)?) => {
        /// The types every module knows; the name is that of the Rust type with the same encoding.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Basic { $($(#[doc = $doc])+ $variant),+ }

        impl Basic {
            const ALL: &[(&'static str, Self)] = &[$(($name, Self::$variant)),+];

            /// The name in a declaration.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

basics! {
    /// `true` or `false`.
    Bool = "bool",
    /// 0 to 2^8-1.
    U8 = "u8",
    /// 0 to 2^16-1.
    U16 = "u16",
    /// 0 to 2^32-1.
    U32 = "u32",
    /// 0 to 2^64-1.
    U64 = "u64",
    /// 0 to 2^128-1.
    U128 = "u128",
    /// 32 bytes.
    Hash = "Hash",
    /// [`crate::AccountId`].
    Account = "AccountId",
    /// [`crate::AssetId`].
    Asset = "AssetId",
    /// [`crate::Amount`], shown with the decimals of the asset beside it.
    Amount = "Amount",
    /// [`crate::Timestamp`], shown in local time.
    Timestamp = "Timestamp",
    /// [`crate::Text`].
    Text = "Text",
    /// [`crate::Bytes`].
    Bytes = "Bytes",
    /// Wasm, at most [`crate::limits::CODE_BYTES_MAX`] bytes.
    Code = "Code",
    /// [`crate::Name`].
    Name = "Name",
    /// [`crate::ModuleName`].
    ModuleName = "ModuleName",
    /// [`crate::PublicKey`].
    PublicKey = "PublicKey",
    /// [`crate::account::Authority`].
    Authority = "Authority",
    /// [`crate::account::Role`].
    Role = "Role",
    /// [`crate::Document`].
    Document = "Document",
    /// [`crate::SignedDocument`].
    SignedDocument = "SignedDocument",
}

/// A refusal a module declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorDef {
    /// The number in a receipt.
    pub code: u16,
    /// Its name.
    pub name: String,
    /// What it means and what to do, for people.
    pub text: String,
}

/// An event a module declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventDef {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: String,
    /// What it carries.
    pub fields: Vec<Field>,
}

/// How a method is reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MethodKind {
    /// By a call in a transaction, or from another contract.
    Call,
    /// By the ledger itself, at a time.
    Scheduled,
    /// By reading.
    Query,
}

/// A role of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleDef {
    /// Its name, such as `merchant`.
    pub name: String,
    /// Takes one or more accounts instead of exactly one; only the last role may.
    pub many: bool,
}

/// A method a module declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method {
    /// How it is reached.
    pub kind: MethodKind,
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: String,
    /// Who stands in a call; empty for scheduled methods and queries.
    pub roles: Vec<RoleDef>,
    /// Its arguments.
    pub fields: Vec<Field>,
    /// What it returns; only queries do.
    pub returns: Option<Type>,
    /// What a wallet shows before signing, with `{argument}` and `{role}` in it; empty for scheduled methods and queries.
    pub display: String,
}

impl Method {
    /// True if `count` accounts can stand in its roles.
    pub fn takes_parties(&self, count: usize) -> bool {
        match self.roles.last() {
            Some(last) if last.many => count >= self.roles.len(),
            _ => count == self.roles.len(),
        }
    }
}

/// Why a declaration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interface, line {line}: {what}")]
pub struct InterfaceError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Interface {
    /// Reads a declaration.
    ///
    /// # Errors
    /// [`InterfaceError`] names the line and the rule broken. Bounded by [`crate::limits::INTERFACE_BYTES_MAX`] and
    /// [`crate::limits::TYPE_DEPTH_MAX`], so any bytes may be given.
    pub fn parse(text: &str) -> Result<Self, InterfaceError> {
        let mut interface = parse::parse(text)?;
        interface.selectors = interface.methods.iter().map(|method| selector::of(&interface, method)).collect();
        Ok(interface)
    }

    /// The method with `selector` and its index.
    pub fn method(&self, selector: Selector) -> Option<(usize, &Method)> {
        let index = self.selectors.iter().position(|s| *s == selector)?;
        Some((index, &self.methods[index]))
    }

    /// The method called `name` and its index.
    pub fn method_named(&self, name: &str) -> Option<(usize, &Method)> {
        self.methods.iter().enumerate().find(|(_, method)| method.name == name)
    }

    /// The selector of the method at `index` of [`Interface::methods`].
    ///
    /// # Panics
    /// If there is no such method.
    pub fn selector(&self, index: usize) -> Selector {
        self.selectors[index]
    }

    /// The error with `code`.
    pub fn error(&self, code: u16) -> Option<&ErrorDef> {
        self.errors.iter().find(|error| error.code == code)
    }

    /// The type in the words of a declaration.
    pub fn type_name(&self, ty: &Type) -> String {
        match ty {
            Type::Basic(basic) => basic.name().into(),
            Type::Option(inner) => alloc::format!("Option<{}>", self.type_name(inner)),
            Type::List(inner) => alloc::format!("List<{}>", self.type_name(inner)),
            Type::Declared(index) => self.types[*index].name.clone(),
        }
    }
}

/// The canonical text: parsing it gives the same interface.
impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "module {};", self.module)?;
        for def in &self.types {
            writeln!(f, "{}", selector::type_text(self, def))?;
        }
        for error in &self.errors {
            writeln!(f, "error {} {} \"{}\";", error.code, error.name, error.text)?;
        }
        for event in &self.events {
            write_doc(f, &event.doc)?;
            writeln!(f, "event {} {};", event.name, selector::fields_text(self, &event.fields))?;
        }
        for method in &self.methods {
            write_doc(f, &method.doc)?;
            writeln!(f, "{};", selector::method_text(self, method))?;
        }
        Ok(())
    }
}

fn write_doc(f: &mut fmt::Formatter<'_>, doc: &str) -> fmt::Result {
    doc.lines().try_for_each(|line| writeln!(f, "/// {line}"))
}
