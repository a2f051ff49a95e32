//! A genesis as a specification with a comment at each section: what `spec show` prints and `spec new` starts from.
use crate::draft::ROLES;
use crate::time;
use countersign_types::genesis::{GenesisAsset, GenesisContract, GenesisMember};
use countersign_types::params::PARAMETERS;
use countersign_types::{AccountId, Genesis, Name, Params, Role};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// The specification of a genesis, with comments for the one who edits it. Reading it gives the same genesis.
///
/// A contract that does not come with this program is written as `file = "<name>.wasm"`, to be put beside it.
pub fn to_toml(genesis: &Genesis) -> String {
    let mut text = String::new();
    write_spec(&mut text, genesis).expect("writing to a string does not fail");
    text
}

fn write_spec(out: &mut String, genesis: &Genesis) -> fmt::Result {
    let members = genesis.members.iter().map(|member| (member.id, &member.name));
    let holders = genesis.holders.iter().map(|holder| (holder.id, &holder.name));
    let names: BTreeMap<AccountId, &Name> = members.chain(holders).collect();
    let name = |id: &AccountId| names.get(id).map_or_else(|| id.to_string(), ToString::to_string);

    writeln!(
        out,
        "# What a chain starts from. Its id is the hash of all of this: two chains never share a signature."
    )?;
    writeln!(out, "title = {}", quoted(&genesis.title))?;
    writeln!(out, "# The time of block 0.")?;
    match time::to_text(genesis.time) {
        Some(time) => writeln!(out, "time = {time}")?,
        None => writeln!(out, "time = {}", genesis.time)?,
    }
    write_params(out, &genesis.params)?;
    writeln!(out, "\n# The members who govern, and how many of them must sign a call of the council.\n[council]")?;
    let council: Vec<_> = genesis.council.members.iter().map(|id| quoted(&name(id))).collect();
    writeln!(out, "members = [{}]\nthreshold = {}", council.join(", "), genesis.council.threshold)?;
    writeln!(out, "\n# Who agrees on the first block: the public key of each validator and the weight of its votes.")?;
    for validator in &genesis.validators.0 {
        writeln!(out, "[[validator]]\nkey = \"{}\"\npower = {}\n", validator.key, validator.power)?;
    }
    writeln!(out, "# Who may connect: each node's network key, the member that runs it, and where peers reach it.")?;
    writeln!(out, "# Without `address` it only dials. `countersign-node keys show` prints the key of a file.")?;
    for node in &genesis.nodes {
        writeln!(out, "[[node]]\nkey = \"{}\"\nmember = {}", node.key, quoted(&name(&node.member)))?;
        if !node.address.is_empty() {
            writeln!(out, "address = {}", quoted(&node.address))?;
        }
        writeln!(out)?;
    }
    if genesis.nodes.is_empty() {
        writeln!(out, "# [[node]]\n# key = \"csk1...\"\n# member = \"harbor-hotel.example\"")?;
        writeln!(out, "# address = \"/dns4/node.harbor-hotel.example/tcp/26600\"\n")?;
    }
    let roles: Vec<_> = crate::draft::role_words().to_vec();
    writeln!(
        out,
        "# Organisations with one `key`, or several `keys` (the first names the account) and a `threshold`."
    )?;
    writeln!(out, "# Roles: {}.", roles.join(", "))?;
    genesis.members.iter().try_for_each(|member| write_member(out, member))?;
    writeln!(out, "# People; each is enrolled by the member after the `@`.")?;
    for holder in &genesis.holders {
        writeln!(out, "[[holder]]\nname = \"{}\"\nkey = \"{}\"\n", holder.name, holder.key)?;
    }
    writeln!(out, "# What value is counted in, and who holds it. The issuer needs the role issuer.")?;
    genesis.assets.iter().try_for_each(|asset| write_asset(out, asset, name))?;
    writeln!(out, "# Contracts: `builtin` for one that comes with the program, `file` for wasm beside this file.")?;
    genesis.contracts.iter().try_for_each(|contract| write_contract(out, contract))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn write_params(out: &mut String, params: &Params) -> fmt::Result {
    writeln!(
        out,
        "\n# Every parameter may be left out; those in comments have their default. Times are milliseconds.\n[params]"
    )?;
    let defaults = Params::default();
    for parameter in PARAMETERS {
        let value = parameter.get(params);
        let comment = if value == parameter.get(&defaults) { "# " } else { "" };
        writeln!(out, "{comment}{} = {value}", parameter.name)?;
    }
    Ok(())
}

fn role_word(role: Role) -> &'static str {
    ROLES.iter().find(|(_, known)| *known == role).map(|(word, _)| *word).expect("every role has its word")
}

fn write_member(out: &mut String, member: &GenesisMember) -> fmt::Result {
    writeln!(out, "[[member]]\nname = \"{}\"", member.name)?;
    match &member.authority.keys[..] {
        [(key, 1)] => writeln!(out, "key = \"{key}\"")?,
        keys => {
            let (first, others): (Vec<_>, Vec<_>) =
                keys.iter().partition(|(key, _)| AccountId::of_key(key) == member.id);
            let keys = first.into_iter().chain(others).map(|(key, weight)| match weight {
                1 => format!("\"{key}\""),
                _ => format!("{{ key = \"{key}\", weight = {weight} }}"),
            });
            writeln!(
                out,
                "keys = [{}]\nthreshold = {}",
                keys.collect::<Vec<_>>().join(", "),
                member.authority.threshold
            )?;
        }
    }
    let roles: Vec<_> = member.roles.iter().map(|role| format!("\"{}\"", role_word(*role))).collect();
    writeln!(out, "roles = [{}]\n", roles.join(", "))
}

fn write_asset(out: &mut String, asset: &GenesisAsset, name: impl Fn(&AccountId) -> String) -> fmt::Result {
    writeln!(out, "[[asset]]\nsymbol = \"{}\"\nissuer = \"{}\"", asset.id, name(&asset.issuer))?;
    writeln!(out, "decimals = {}\ntitle = {}", asset.decimals, quoted(&asset.title))?;
    let mut balances: Vec<_> = asset.balances.iter().map(|(account, amount)| (name(account), amount)).collect();
    balances.sort();
    writeln!(out, "[asset.balances]")?;
    for (name, amount) in balances {
        writeln!(out, "\"{name}\" = \"{}\"", amount.to_decimal(asset.decimals))?;
    }
    writeln!(out)
}

fn write_contract(out: &mut String, contract: &GenesisContract) -> fmt::Result {
    let name = contract.name.as_str();
    let is_builtin = countersign_artifacts::by_name(name).is_some_and(|artifact| artifact.wasm == &contract.code[..]);
    let source = if is_builtin { format!("builtin = \"{name}\"") } else { format!("file = \"{name}.wasm\"") };
    writeln!(out, "[[contract]]\nname = \"{name}\"\n{source}\n")
}
