//! Values in words. Nothing a signer of the values chose can look like the words around it: texts stand in quotes.
use crate::clock;
use crate::directory::Directory;
use crate::types::interface::{Basic, Field, Interface, Method, Shape, Type};
use crate::types::{AccountId, AssetId, Hash};
use crate::value::{Value, asset_beside, role_word, show_amount, struct_fields};

/// Bytes of an argument shown digit by digit; longer ones by length and hash.
const BYTES_SHOWN_MAX: usize = 32;
/// Bytes of a line: no argument makes a screen full. What is cut stands in the arguments in full.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// An account by its name, or by its id if it has none.
pub fn account_words(account: &AccountId, directory: &Directory) -> String {
    match directory.name_of(account) {
        Some(name) => name.to_string(),
        None => account.to_string(),
    }
}

/// The display line of a call with roles and arguments filled in.
pub fn sentence(
    interface: &Interface,
    method: &Method,
    parties: &[(String, AccountId)],
    values: &[Value],
    directory: &Directory,
) -> String {
    let unit = asset_beside(&method.fields, values, None);
    let mut line = String::new();
    let mut rest = method.display.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        line.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            line.push('{');
            rest = after;
            continue;
        };
        let field = method.fields.iter().position(|field| field.name == name);
        let value = field.and_then(|i| Some((&method.fields[i], values.get(i)?)));
        match value {
            Some((field, value)) => line.push_str(&value_words(interface, &field.ty, value, unit, directory)),
            None => {
                let held = parties.iter().filter(|(role, _)| role == name);
                let names: Vec<_> = held.map(|(_, account)| account_words(account, directory)).collect();
                line.push_str(&names.join(", "));
            }
        }
        rest = after;
    }
    line.push_str(rest);
    cut(line)
}

fn cut(mut line: String) -> String {
    if line.len() > LINE_BYTES_MAX {
        let end = (0..=LINE_BYTES_MAX).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A value in words; amounts in the decimals of `unit`.
pub fn value_words(
    interface: &Interface,
    ty: &Type,
    value: &Value,
    unit: Option<AssetId>,
    directory: &Directory,
) -> String {
    match value {
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => number.to_string(),
        Value::Hash(hash) => hash.to_string(),
        Value::Account(account) => account_words(account, directory),
        Value::Asset(asset) => asset.as_str().into(),
        Value::Amount(amount) => show_amount(*amount, unit.and_then(|asset| directory.decimals(&asset))),
        Value::Time(time) => clock::to_local(*time),
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => bytes_words(bytes, matches!(ty, Type::Basic(Basic::Code))),
        Value::Name(name) => name.to_string(),
        Value::Module(name) => name.to_string(),
        Value::Key(key) => key.to_string(),
        Value::Authority(authority) => {
            let keys: Vec<_> = authority.keys.iter().map(|(key, weight)| format!("{key} (weight {weight})")).collect();
            format!("weight {} of the keys {}", authority.threshold, keys.join(", "))
        }
        Value::Role(role) => role_word(*role).into(),
        Value::Document(document) => format!("{} {}", document.kind, document_id(&document.hash())),
        Value::Signed(signed) => format!("{} {}", signed.document.kind, document_id(&signed.document.hash())),
        Value::Optional(None) => "none".into(),
        Value::Optional(Some(inner)) => match ty {
            Type::Option(ty) => value_words(interface, ty, inner, unit, directory),
            _ => String::new(),
        },
        Value::List(items) => match ty {
            Type::List(ty) if !items.is_empty() => {
                let items: Vec<_> =
                    items.iter().map(|item| value_words(interface, ty, item, unit, directory)).collect();
                cut(items.join("; "))
            }
            _ => "none".into(),
        },
        Value::Struct(values) => {
            let fields = struct_fields(interface, ty).unwrap_or_default();
            struct_words(interface, fields, values, unit, directory)
        }
        Value::Choice(index) => choice_word(interface, ty, *index),
    }
}

fn struct_words(
    interface: &Interface,
    fields: &[Field],
    values: &[Value],
    around: Option<AssetId>,
    directory: &Directory,
) -> String {
    let unit = asset_beside(fields, values, around);
    let pairs = fields.iter().zip(values);
    let words: Vec<_> = pairs
        .map(|(field, value)| format!("{} {}", field.name, value_words(interface, &field.ty, value, unit, directory)))
        .collect();
    cut(words.join(", "))
}

fn choice_word(interface: &Interface, ty: &Type, index: u8) -> String {
    match ty {
        Type::Declared(declared) => match &interface.types[*declared].shape {
            Shape::Choice(words) => words.get(usize::from(index)).cloned().unwrap_or_default(),
            Shape::Struct(_) => String::new(),
        },
        _ => String::new(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn bytes_words(bytes: &[u8], is_code: bool) -> String {
    if is_code {
        return format!("code of {} bytes with hash {}", bytes.len(), countersign_interface::code::hash(bytes));
    }
    if bytes.len() <= BYTES_SHOWN_MAX {
        return format!("0x{}", hex::encode(bytes));
    }
    format!("{} bytes beginning 0x{}", bytes.len(), hex::encode(&bytes[..BYTES_SHOWN_MAX / 2]))
}

fn document_id(hash: &Hash) -> String {
    crate::types::text::encode(crate::types::text::DOCUMENT, &hash.0)
}
