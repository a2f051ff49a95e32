//! What a test network is made of: its chain's spec, and which node votes with which key.
use crate::Person;
use countersign_types::signature::{development_secret, public_key};
use std::fmt::Write as _;

/// The member that sells.
pub const MERCHANT: &str = "harbor-hotel.example";
/// The members who govern; two of them must sign.
pub const COUNCIL: [&str; 3] = ["city-books.example", "harbor-bank.example", MERCHANT];
/// Minor units each holder and member has at first.
pub const BALANCE: u128 = 100_000_000_000;

/// A network before it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Validators of the genesis, `validator-1` and so on.
    pub validators: usize,
    /// Name of the validator's key each node has; a node without one follows.
    pub nodes: Vec<Option<String>>,
    /// Holders with accounts of their own, all enrolled by [`MERCHANT`].
    pub holders: u32,
    /// Parameters of the chain that are not the default.
    pub params: Vec<(&'static str, u64)>,
    /// True if every connection goes through a link that can be disturbed.
    pub links: bool,
}

impl Plan {
    /// A network of that many validators, each with a node, whose connections can be disturbed.
    pub fn of(validators: usize) -> Self {
        let nodes = (1..=validators).map(|n| Some(validator(n))).collect();
        Self { validators, nodes, holders: 24, params: Vec::new(), links: true }
    }

    /// With another node, which votes with the key of that validator once the chain lets it.
    #[must_use]
    pub fn and_node(mut self, key: Option<String>) -> Self {
        self.nodes.push(key);
        self
    }

    /// With a parameter that is not the default.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: u64) -> Self {
        self.params.push((name, value));
        self
    }

    /// Everybody with an account: the holders.
    pub fn people(&self) -> Vec<Person> {
        (0..self.holders).map(|index| Person::named(&holder(index))).collect()
    }

    /// The chain's spec, in TOML.
    pub fn spec(&self) -> String {
        let mut text = String::from("title = \"test\"\ntime = \"2026-01-01T00:00:00Z\"\n\n[params]\n");
        let mut line = |args: std::fmt::Arguments<'_>| text.write_fmt(args).expect("writing into a String cannot fail");
        self.params.iter().for_each(|(name, value)| line(format_args!("{name} = {value}\n")));
        line(format_args!("\n[council]\nmembers = {COUNCIL:?}\nthreshold = 2\n\n"));
        for n in 1..=self.validators {
            line(format_args!("[[validator]]\nkey = \"{}\"\npower = 1\n\n", key_of(&validator(n))));
        }
        for name in COUNCIL {
            let roles = r#"["merchant", "issuer", "agent", "relay"]"#;
            line(format_args!("[[member]]\nname = \"{name}\"\nkey = \"{}\"\nroles = {roles}\n\n", key_of(name)));
        }
        for name in (0..self.holders).map(holder) {
            line(format_args!("[[holder]]\nname = \"{name}\"\nkey = \"{}\"\n\n", key_of(&name)));
        }
        line(format_args!("[[asset]]\nsymbol = \"EUR\"\nissuer = \"harbor-bank.example\"\ndecimals = 2\n"));
        line(format_args!("title = \"Euro\"\n\n[asset.balances]\n"));
        for name in COUNCIL.map(String::from).into_iter().chain((0..self.holders).map(holder)) {
            line(format_args!("\"{name}\" = \"{}.00\"\n", BALANCE / 100));
        }
        line(format_args!("\n[[contract]]\nname = \"rebate\"\nbuiltin = \"rebate\"\n"));
        text
    }

    /// Minor units on the whole chain.
    pub fn supply(&self) -> u128 {
        BALANCE * (COUNCIL.len() as u128 + u128::from(self.holders))
    }
}

/// Name of the n-th validator's key, from 1.
pub fn validator(n: usize) -> String {
    format!("validator-{n}")
}

fn holder(index: u32) -> String {
    format!("holder-{index}@{MERCHANT}")
}

fn key_of(name: &str) -> String {
    public_key(&development_secret(name)).to_string()
}
