//! What each section says, taken by itself. How sections fit together is for `check.rs`.
use crate::error::{Cause, Mistakes, Place};
use crate::section::{At, Lines, Section, number, parse, parsed, text, wrong_type};
use crate::time;
use countersign_types::params::PARAMETERS;
use countersign_types::{
    AssetId, BoundedText, ModuleName, Name, Params, PublicKey, Role, Text, Timestamp, Validator, address, limits,
    signature,
};
use std::path::PathBuf;
use toml::de::DeValue;

/// Weight of a vote; more could overflow their sum.
const POWER_MAX: u64 = 1 << 32;

/// Everything a specification says, as far as it could be read.
pub(crate) struct Draft {
    /// The whole text.
    pub place: Place,
    pub title: Option<At<Text>>,
    pub time: Option<At<Timestamp>>,
    pub params: Params,
    pub council: Option<CouncilDraft>,
    pub validators: Vec<At<Validator>>,
    pub nodes: Vec<NodeDraft>,
    pub members: Vec<MemberDraft>,
    pub holders: Vec<HolderDraft>,
    pub assets: Vec<AssetDraft>,
    pub contracts: Vec<ContractDraft>,
}

pub(crate) struct CouncilDraft {
    pub place: Place,
    pub members: Vec<At<Name>>,
    pub threshold: Option<At<u16>>,
}

pub(crate) struct NodeDraft {
    pub key: Option<At<PublicKey>>,
    pub member: Option<At<Name>>,
    pub address: Option<At<BoundedText<{ limits::ADDRESS_BYTES_MAX }>>>,
}

pub(crate) struct MemberDraft {
    pub place: Place,
    pub name: Option<At<Name>>,
    /// Keys with their weights; the first names the account.
    pub keys: Vec<At<(PublicKey, u16)>>,
    pub threshold: Option<At<u32>>,
    pub roles: Vec<At<Role>>,
}

pub(crate) struct HolderDraft {
    pub name: Option<At<Name>>,
    pub key: Option<At<PublicKey>>,
}

pub(crate) struct AssetDraft {
    pub place: Place,
    pub symbol: Option<At<AssetId>>,
    pub issuer: Option<At<Name>>,
    pub decimals: Option<At<u8>>,
    pub title: Option<At<Text>>,
    /// Decimal texts: how many digits they may have depends on the asset.
    pub balances: Vec<(At<Name>, String)>,
}

pub(crate) struct ContractDraft {
    pub place: Place,
    pub name: Option<At<ModuleName>>,
    pub source: Option<At<Source>>,
}

/// Where a contract's code comes from.
pub(crate) enum Source {
    /// The program.
    Builtin(String),
    /// A file.
    File(PathBuf),
}

/// Reads every section.
pub(crate) fn read(spec: &str, mistakes: &mut Mistakes) -> Draft {
    let lines = Lines::of(spec);
    let table = parse(spec, &lines, mistakes);
    let mut root = Section::new(&table, &lines, Place { line: 1, key: String::new() });
    let draft = Draft {
        place: root.place.clone(),
        title: root.required(mistakes, "title", "a name for people, such as \"harbor consortium\"", parsed),
        time: root.required(mistakes, "time", "the time of block 0, such as 2026-01-01T00:00:00Z", moment),
        params: root.section(mistakes, "params").map_or_else(Params::default, |section| params(section, mistakes)),
        council: council(&mut root, mistakes),
        validators: each(&mut root, mistakes, "validator", validator),
        nodes: each(&mut root, mistakes, "node", node),
        members: each(&mut root, mistakes, "member", member),
        holders: each(&mut root, mistakes, "holder", holder),
        assets: each(&mut root, mistakes, "asset", asset),
        contracts: each(&mut root, mistakes, "contract", contract),
    };
    at_least_one(&mut root, mistakes, "validator");
    root.finish(mistakes);
    draft
}

/// Reports a list that is absent or empty. Items that are there but wrong are reported where they stand.
fn at_least_one(section: &mut Section<'_, '_>, mistakes: &mut Mistakes, key: &'static str) {
    let absent = section.place.inner(section.place.line, key);
    match section.take(key) {
        None => mistakes.add(&absent, Cause::NotOne),
        Some(At { value: DeValue::Array(items), place }) if items.is_empty() => mistakes.add(&place, Cause::NotOne),
        Some(_) => {}
    }
}

/// The sections `[[key]]`, each read by `read`; one that cannot be used at all is left out.
fn each<T>(
    root: &mut Section<'_, '_>,
    mistakes: &mut Mistakes,
    key: &'static str,
    read: impl Fn(&mut Section<'_, '_>, &mut Mistakes) -> Option<T>,
) -> Vec<T> {
    let sections = root.sections(mistakes, key);
    let read_one = |mut section: Section<'_, '_>| {
        let draft = read(&mut section, mistakes);
        section.finish(mistakes);
        draft
    };
    sections.into_iter().filter_map(read_one).collect()
}

fn moment(value: &DeValue<'_>) -> Result<Timestamp, Cause> {
    let moment = match value {
        DeValue::Integer(_) => return number(value, 0, u64::MAX).map(Timestamp::from_millis),
        DeValue::Datetime(datetime) => time::from_text(&datetime.to_string()),
        DeValue::String(text) => time::from_text(text),
        other => return Err(wrong_type("a time", other)),
    };
    moment.ok_or(Cause::NotATime)
}

fn params(mut section: Section<'_, '_>, mistakes: &mut Mistakes) -> Params {
    let mut params = Params::default();
    let mut places = Vec::new();
    for parameter in PARAMETERS {
        if let Some(at) = section.optional(mistakes, parameter.name, |value| number(value, 0, u64::MAX)) {
            match parameter.set(&mut params, at.value) {
                Ok(()) => places.push((parameter.name, at.place)),
                Err(error) => mistakes.add(&at.place, error),
            }
        }
    }
    if let Err(error) = params.check() {
        // The broken bound may be that of a parameter left at its default: then the section is named.
        let place = places.iter().find(|(name, _)| *name == error.name).map_or(&section.place, |(_, place)| place);
        mistakes.add(place, error);
    }
    section.finish(mistakes);
    params
}

fn council(root: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<CouncilDraft> {
    let Some(mut section) = root.section(mistakes, "council") else {
        mistakes
            .add(&root.place.inner(1, "council"), Cause::Missing { wanted: "[council] with members and threshold" });
        return None;
    };
    at_least_one(&mut section, mistakes, "members");
    let draft = CouncilDraft {
        place: section.place.clone(),
        members: items(&mut section, mistakes, "members", parsed),
        threshold: section.required(mistakes, "threshold", "how many of them must sign", |value| {
            number(value, 1, limits::PARTIES_MAX as u64).map(|n| n as u16)
        }),
    };
    section.finish(mistakes);
    Some(draft)
}

/// The items of a list, each read by `read`; none if it is absent.
fn items<T>(
    section: &mut Section<'_, '_>,
    mistakes: &mut Mistakes,
    key: &'static str,
    read: impl Fn(&DeValue<'_>) -> Result<T, Cause>,
) -> Vec<At<T>> {
    let items = section.list(mistakes, key).unwrap_or_default();
    items
        .into_iter()
        .filter_map(|item| {
            let value = mistakes.keep(&item.place, read(item.value))?;
            Some(At { value, place: item.place })
        })
        .collect()
}

const KEY: &str = "a public key `csk1...`";

fn public_key(value: &DeValue<'_>) -> Result<PublicKey, Cause> {
    let key: PublicKey = parsed(value)?;
    signature::check_key(&key)?;
    Ok(key)
}

fn validator(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<At<Validator>> {
    let key = section.required(mistakes, "key", KEY, public_key);
    let power =
        section.required(mistakes, "power", "the weight of its votes, such as 1", |value| number(value, 1, POWER_MAX));
    let key = key?;
    Some(At { value: Validator { key: key.value, power: power?.value }, place: key.place })
}

fn node(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<NodeDraft> {
    let key = section.required(mistakes, "key", "its network key `csk1...`", public_key);
    let member = section.required(mistakes, "member", "the name of the member that runs it", parsed);
    let address = section.optional(mistakes, "address", |value| {
        let address: BoundedText<{ limits::ADDRESS_BYTES_MAX }> = parsed(value)?;
        if !address.is_empty() {
            address::check(address.as_str())?;
        }
        Ok(address)
    });
    Some(NodeDraft { key, member, address })
}

fn member(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<MemberDraft> {
    let name = section.required(mistakes, "name", "the member's name, such as \"shop.example\"", parsed);
    let single = section.optional(mistakes, "key", public_key);
    let several = section.list(mistakes, "keys");
    let threshold =
        section.optional(mistakes, "threshold", |value| number(value, 1, u32::MAX.into()).map(|n| n as u32));
    let (has_key, has_keys) = (section.take("key").is_some(), section.take("keys").is_some());
    if has_key == has_keys {
        mistakes.add(&section.place.inner(section.place.line, "key"), Cause::OneOf { one: "key", other: "keys" });
    }
    match (&threshold, has_keys) {
        (None, true) => mistakes.add(
            &section.place.inner(section.place.line, "threshold"),
            Cause::Missing { wanted: "the weight that signatures must reach" },
        ),
        (Some(at), false) => mistakes.add(&at.place, Cause::Alone { other: "keys" }),
        _ => {}
    }
    let mut keys: Vec<_> = single.into_iter().map(|at| At { value: (at.value, 1), place: at.place }).collect();
    for item in several.into_iter().flatten() {
        keys.extend(weighted_key(section, &item, mistakes));
    }
    let roles = items(section, mistakes, "roles", role);
    Some(MemberDraft { place: section.place.clone(), name, keys, threshold, roles })
}

/// `"csk1..."` with weight 1, or `{ key = "csk1...", weight = 2 }`.
fn weighted_key(
    section: &Section<'_, '_>,
    item: &At<&DeValue<'_>>,
    mistakes: &mut Mistakes,
) -> Option<At<(PublicKey, u16)>> {
    let DeValue::Table(table) = item.value else {
        let key = mistakes.keep(&item.place, public_key(item.value))?;
        return Some(At { value: (key, 1), place: item.place.clone() });
    };
    let mut entry = section.below(table, item.place.clone());
    let key = entry.required(mistakes, "key", KEY, public_key);
    let weight = entry.required(mistakes, "weight", "how much its signature weighs, such as 1", |value| {
        number(value, 1, u16::MAX.into()).map(|n| n as u16)
    });
    entry.finish(mistakes);
    Some(At { value: (key?.value, weight?.value), place: item.place.clone() })
}

/// The roles with the words for them.
pub(crate) const ROLES: [(&str, Role); 6] = [
    ("merchant", Role::Merchant),
    ("issuer", Role::Issuer),
    ("agent", Role::Agent),
    ("arbiter", Role::Arbiter),
    ("card-issuer", Role::CardIssuer),
    ("relay", Role::Relay),
];

pub(crate) fn role_words() -> [&'static str; ROLES.len()] {
    ROLES.map(|(word, _)| word)
}

fn role(value: &DeValue<'_>) -> Result<Role, Cause> {
    let word = text(value)?;
    let known = ROLES.iter().find(|(known, _)| *known == word);
    known.map(|(_, role)| *role).ok_or_else(|| Cause::UnknownRole { role: word.chars().take(80).collect() })
}

fn holder(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<HolderDraft> {
    let name = section.required(mistakes, "name", "the holder's name, such as \"alice@shop.example\"", parsed);
    let key = section.required(mistakes, "key", KEY, public_key);
    Some(HolderDraft { name, key })
}

fn asset(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<AssetDraft> {
    let symbol = section.required(mistakes, "symbol", "the asset's symbol, such as \"EUR\"", parsed);
    let issuer = section.required(mistakes, "issuer", "the name of the member that issues it", parsed);
    let decimals = section.required(mistakes, "decimals", "the digits after the point, such as 2", |value| {
        number(value, 0, limits::ASSET_DECIMALS_MAX.into()).map(|n| n as u8)
    });
    let title = section.required(mistakes, "title", "the asset in words", parsed);
    let mut balances = Vec::new();
    if let Some(entries) = section.section(mistakes, "balances") {
        for (At { value: name, place }, amount) in entries.entries() {
            let name = mistakes.keep(&place, name.parse::<Name>());
            let amount = mistakes.keep(&place, text(amount));
            if let (Some(value), Some(amount)) = (name, amount) {
                balances.push((At { value, place }, amount.to_owned()));
            }
        }
    }
    Some(AssetDraft { place: section.place.clone(), symbol, issuer, decimals, title, balances })
}

fn contract(section: &mut Section<'_, '_>, mistakes: &mut Mistakes) -> Option<ContractDraft> {
    let name = section.required(mistakes, "name", "the contract's name in calls, such as \"rebate\"", parsed);
    let builtin = section.optional(mistakes, "builtin", |value| Ok(Source::Builtin(text(value)?.into())));
    let file = section.optional(mistakes, "file", |value| Ok(Source::File(text(value)?.into())));
    if section.take("builtin").is_some() == section.take("file").is_some() {
        mistakes
            .add(&section.place.inner(section.place.line, "builtin"), Cause::OneOf { one: "builtin", other: "file" });
    }
    Some(ContractDraft { place: section.place.clone(), name, source: builtin.or(file) })
}
