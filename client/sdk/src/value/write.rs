//! Values to JSON: what [`super::read`] reads back.
use super::{Value, asset_beside, role_word, show_amount, struct_fields, write_document, write_signed};
use crate::clock;
use crate::directory::Directory;
use crate::types::AssetId;
use crate::types::interface::{Basic, Field, Interface, Shape, Type};
use serde_json::{Value as Json, json};

/// Fields as an object. [`super::read_fields`] reads it back.
pub fn write_fields(interface: &Interface, fields: &[Field], values: &[Value], directory: &Directory) -> Json {
    object(interface, fields, values, None, directory)
}

/// One value, its amounts in the decimals of `unit` where no asset stands beside them. [`super::read`] reads it back.
pub fn write(interface: &Interface, ty: &Type, value: &Value, unit: Option<AssetId>, directory: &Directory) -> Json {
    write_value(interface, ty, value, unit, directory)
}

fn object(
    interface: &Interface,
    fields: &[Field],
    values: &[Value],
    around: Option<AssetId>,
    directory: &Directory,
) -> Json {
    let unit = asset_beside(fields, values, around);
    let pairs = fields.iter().zip(values);
    Json::Object(
        pairs.map(|(f, value)| (f.name.clone(), write_value(interface, &f.ty, value, unit, directory))).collect(),
    )
}

fn write_value(interface: &Interface, ty: &Type, value: &Value, unit: Option<AssetId>, directory: &Directory) -> Json {
    match (value, ty) {
        (Value::Bool(value), _) => json!(value),
        // Beyond 2^53 many readers of JSON lose digits.
        (Value::Number(number), Type::Basic(Basic::U64 | Basic::U128)) => json!(number.to_string()),
        (Value::Number(number), _) => json!(u64::try_from(*number).unwrap_or(u64::MAX)),
        (Value::Hash(hash), _) => json!(hash.to_string()),
        (Value::Account(account), _) => json!(account.to_string()),
        (Value::Asset(asset), _) => json!(asset.as_str()),
        (Value::Amount(amount), _) => {
            json!(show_amount(*amount, unit.and_then(|asset| directory.decimals(&asset))))
        }
        (Value::Time(time), _) => json!(clock::to_utc(*time)),
        (Value::Text(text), _) => json!(text),
        (Value::Bytes(bytes), _) => json!(format!("0x{}", hex::encode(bytes))),
        (Value::Name(name), _) => json!(name.as_str()),
        (Value::Module(name), _) => json!(name.as_str()),
        (Value::Key(key), _) => json!(key.to_string()),
        (Value::Authority(authority), _) => {
            let keys = authority.keys.iter().map(|(key, weight)| json!({"key": key.to_string(), "weight": weight}));
            json!({"threshold": authority.threshold, "keys": keys.collect::<Vec<_>>()})
        }
        (Value::Role(role), _) => json!(role_word(*role)),
        (Value::Document(document), _) => write_document(document, directory),
        (Value::Signed(signed), _) => write_signed(signed, directory),
        (Value::Optional(None), _) => Json::Null,
        (Value::Optional(Some(value)), Type::Option(inner)) => {
            let json = write_value(interface, inner, value, unit, directory);
            if matches!(**inner, Type::Option(_)) { json!({ "some": json }) } else { json }
        }
        (Value::List(items), Type::List(inner)) => {
            items.iter().map(|item| write_value(interface, inner, item, unit, directory)).collect()
        }
        (Value::Struct(values), ty) => match struct_fields(interface, ty) {
            Some(fields) => object(interface, fields, values, unit, directory),
            None => Json::Null,
        },
        (Value::Choice(index), Type::Declared(declared)) => match &interface.types[*declared].shape {
            Shape::Choice(words) => json!(words.get(usize::from(*index))),
            Shape::Struct(_) => Json::Null,
        },
        _ => Json::Null,
    }
}
