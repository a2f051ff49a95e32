//! JSON to values. Every refusal names the place in the JSON and what is expected there.
use super::fault::{ValueError, ValueFault, at, expected, too_long};
use super::{BadAmount, VALUES_MAX, Value, asset_beside, parse_amount, role_named};
use crate::clock;
use crate::directory::{Directory, Need};
use crate::types::interface::{Basic, Field, Interface, Shape, Type};
use crate::types::text::TextError;
use crate::types::{AccountId, AssetId, Authority, PublicKey, Text, limits};
use serde_json::{Map, Value as Json};

/// Reads an object of fields. `path` is where it stands, for refusals.
///
/// # Errors
/// [`ValueError`] with the first place that is wrong.
pub fn read_fields(
    interface: &Interface,
    fields: &[Field],
    json: &Json,
    path: &str,
    directory: &Directory,
) -> Result<Vec<Value>, ValueError> {
    Reader { interface, directory, values: 0 }.fields(fields, json, path, None)
}

/// Reads one value.
///
/// # Errors
/// [`ValueError`] with the first place that is wrong.
pub fn read(
    interface: &Interface,
    ty: &Type,
    json: &Json,
    path: &str,
    directory: &Directory,
) -> Result<Value, ValueError> {
    Reader { interface, directory, values: 0 }.value(ty, json, path, None)
}
pub(super) struct Reader<'a> {
    pub(super) interface: &'a Interface,
    pub(super) directory: &'a Directory,
    pub(super) values: usize,
}
impl Reader<'_> {
    fn fields(
        &mut self,
        fields: &[Field],
        json: &Json,
        path: &str,
        around: Option<AssetId>,
    ) -> Result<Vec<Value>, ValueError> {
        let object = json.as_object().ok_or_else(|| expected(path, "an object", json))?;
        if let Some(stranger) = object.keys().find(|key| fields.iter().all(|field| field.name != **key)) {
            let known: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
            let place = format!("{path}.{}", stranger.chars().take(60).collect::<String>());
            return Err(at(&place, ValueFault::Unknown { known: known.join(", ") }));
        }
        let unit = self.unit(fields, object, around);
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            let place = format!("{path}.{}", field.name);
            let value = match (object.get(&field.name), &field.ty) {
                (Some(json), ty) => self.value(ty, json, &place, unit)?,
                (None, Type::Option(_)) => Value::Optional(None),
                (None, ty) => return Err(at(&place, ValueFault::Missing { wanted: self.in_words(ty) })),
            };
            values.push(value);
        }
        Ok(values)
    }

    /// The asset beside the amounts of an object; malformed ones are told when their field is read.
    fn unit(&self, fields: &[Field], object: &Map<String, Json>, around: Option<AssetId>) -> Option<AssetId> {
        let is_asset = |field: &&Field| field.ty == Type::Basic(Basic::Asset);
        let symbols: Vec<Value> = fields
            .iter()
            .filter(is_asset)
            .filter_map(|field| object.get(&field.name)?.as_str()?.parse().ok().map(Value::Asset))
            .collect();
        let assets: Vec<Field> = fields.iter().filter(is_asset).cloned().collect();
        asset_beside(&assets, &symbols, around)
    }

    fn value(&mut self, ty: &Type, json: &Json, path: &str, unit: Option<AssetId>) -> Result<Value, ValueError> {
        self.values += 1;
        too_long(path, self.values, VALUES_MAX)?;
        match ty {
            Type::Basic(basic) => self.basic(*basic, json, path, unit),
            Type::Option(inner) => match json {
                Json::Null => Ok(Value::Optional(None)),
                some => {
                    self.value(inner, unwrap_some(inner, some), path, unit).map(|v| Value::Optional(Some(v.into())))
                }
            },
            Type::List(inner) => {
                let items = json.as_array().ok_or_else(|| expected(path, &self.in_words(ty), json))?;
                too_long(path, items.len(), limits::LIST_ITEMS_MAX)?;
                let items = items.iter().enumerate();
                items
                    .map(|(i, item)| self.value(inner, item, &format!("{path}[{i}]"), unit))
                    .collect::<Result<_, _>>()
                    .map(Value::List)
            }
            Type::Declared(index) => match &self.interface.types[*index].shape {
                Shape::Struct(fields) => self.fields(fields, json, path, unit).map(Value::Struct),
                Shape::Choice(words) => {
                    let found = json.as_str().and_then(|word| words.iter().position(|known| known == word));
                    let found = found.and_then(|index| u8::try_from(index).ok());
                    let wanted = || format!("one of {}", words.join(", "));
                    found.map(Value::Choice).ok_or_else(|| expected(path, &wanted(), json))
                }
            },
        }
    }

    fn in_words(&self, ty: &Type) -> String {
        match ty {
            Type::Basic(basic) => basic_words(*basic).into(),
            Type::Option(inner) => format!("null or {}", self.in_words(inner)),
            Type::List(inner) => format!("a list of {}", self.in_words(inner)),
            Type::Declared(_) => format!("an object {}", self.interface.type_name(ty)),
        }
    }

    fn basic(&self, basic: Basic, json: &Json, path: &str, unit: Option<AssetId>) -> Result<Value, ValueError> {
        let wrong = || expected(path, basic_words(basic), json);
        match basic {
            Basic::Bool => return read_bool(json).map(Value::Bool).ok_or_else(wrong),
            Basic::U8 | Basic::U16 | Basic::U32 | Basic::U64 | Basic::U128 => {
                return read_number(basic, json).map(Value::Number).ok_or_else(wrong);
            }
            Basic::Authority => return self.authority(json, path),
            Basic::Document => return self.document(json, path).map(|document| Value::Document(Box::new(document))),
            Basic::SignedDocument => return self.signed(json, path).map(|signed| Value::Signed(Box::new(signed))),
            _ => {}
        }
        // Amounts and times may also be written as whole numbers.
        let text = match json {
            Json::String(text) => text.clone(),
            Json::Number(n) if matches!(basic, Basic::Amount | Basic::Timestamp) => n.to_string(),
            _ => return Err(wrong()),
        };
        let text = text.as_str();
        let fault = |error: TextError| at(path, error);
        match basic {
            Basic::Hash => text.parse().map(Value::Hash).map_err(fault),
            Basic::Account => self.account(text, path).map(Value::Account),
            Basic::Asset => text.parse().map(Value::Asset).map_err(fault),
            Basic::Name => text.parse().map(Value::Name).map_err(fault),
            Basic::ModuleName => text.parse().map(Value::Module).map_err(fault),
            Basic::PublicKey => text.parse().map(Value::Key).map_err(fault),
            Basic::Amount => match parse_amount(text, unit, |asset| self.directory.decimals(asset)) {
                Ok(amount) => Ok(Value::Amount(amount)),
                Err(BadAmount::UnknownDecimals { asset }) => Err(at(path, ValueFault::Need(Need::Decimals(asset)))),
                Err(error) => Err(at(path, error)),
            },
            Basic::Timestamp => clock::parse(text, self.directory.now()).map(Value::Time).map_err(|e| at(path, e)),
            Basic::Text => match Text::new(text) {
                Ok(text) => Ok(Value::Text(text.as_str().into())),
                Err(error) => Err(at(path, ValueFault::BadText(error))),
            },
            Basic::Role => role_named(text).map(Value::Role).ok_or_else(wrong),
            _ => {
                let bytes = read_hex(text).ok_or_else(wrong)?;
                let limit = if basic == Basic::Code { limits::CODE_BYTES_MAX } else { limits::BYTES_MAX };
                too_long(path, bytes.len(), limit)?;
                Ok(Value::Bytes(bytes))
            }
        }
    }

    /// An id, or a name the directory resolves.
    pub(super) fn account(&self, text: &str, path: &str) -> Result<AccountId, ValueError> {
        if let Some(account) = self.directory.account(text) {
            return Ok(account);
        }
        // A ledger name always has a dot, an id never.
        if text.contains('.') {
            let name: crate::types::Name = text.parse().map_err(|error: TextError| at(path, error))?;
            return Err(at(path, ValueFault::Need(Need::Account(name.as_str().into()))));
        }
        text.parse().map_err(|error: TextError| at(path, error))
    }

    fn authority(&self, json: &Json, path: &str) -> Result<Value, ValueError> {
        let wrong = || expected(path, basic_words(Basic::Authority), json);
        let threshold = json.get("threshold").and_then(Json::as_u64).and_then(|t| u32::try_from(t).ok());
        let listed = json.get("keys").and_then(Json::as_array).ok_or_else(wrong)?;
        too_long(path, listed.len(), limits::AUTHORITY_KEYS_MAX)?;
        let mut keys: Vec<(PublicKey, u16)> = Vec::with_capacity(listed.len());
        for entry in listed {
            let key = entry.get("key").and_then(Json::as_str).ok_or_else(wrong)?;
            let weight = entry.get("weight").and_then(Json::as_u64).and_then(|w| u16::try_from(w).ok());
            keys.push((key.parse().map_err(|error: TextError| at(path, error))?, weight.ok_or_else(wrong)?));
        }
        keys.sort_unstable();
        let keys = keys.try_into().map_err(|_| wrong())?;
        let authority = Authority { threshold: threshold.ok_or_else(wrong)?, keys };
        authority.check().map_err(|error| at(path, error))?;
        Ok(Value::Authority(authority))
    }
}

/// `some` of an option in an option stands in `{"some": …}`, for null is taken.
fn unwrap_some<'a>(inner: &Type, json: &'a Json) -> &'a Json {
    match inner {
        Type::Option(_) => json.get("some").unwrap_or(json),
        _ => json,
    }
}

fn read_bool(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn read_number(basic: Basic, json: &Json) -> Option<u128> {
    let number: u128 = match json {
        Json::Number(number) => number.as_u64()?.into(),
        Json::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        _ => return None,
    };
    let most = match basic {
        Basic::U8 => u8::MAX.into(),
        Basic::U16 => u16::MAX.into(),
        Basic::U32 => u32::MAX.into(),
        Basic::U64 => u64::MAX.into(),
        _ => u128::MAX,
    };
    (number <= most).then_some(number)
}

pub(super) fn read_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

pub(super) fn basic_words(basic: Basic) -> &'static str {
    match basic {
        Basic::Bool => "true or false",
        Basic::U8 => "a whole number up to 255",
        Basic::U16 => "a whole number up to 65535",
        Basic::U32 => "a whole number up to 4294967295",
        Basic::U64 | Basic::U128 => "a whole number",
        Basic::Hash => "64 hexadecimal digits",
        Basic::Account => "an account (csa1…) or a name",
        Basic::Asset => "an asset's symbol such as EUR",
        Basic::Amount => "an amount such as \"12.50\"",
        Basic::Timestamp => "a time (RFC 3339, \"+10m\" or milliseconds)",
        Basic::Text => "a text",
        Basic::Bytes | Basic::Code => "0x and hexadecimal digits",
        Basic::Name => "a name such as alice@shop.example",
        Basic::ModuleName => "a module's name such as rebate",
        Basic::PublicKey => "a public key (csk1…)",
        Basic::Authority => "{\"threshold\": 1, \"keys\": [{\"key\": \"csk1…\", \"weight\": 1}]}",
        Basic::Role => "one of merchant, issuer, agent, arbiter, card_issuer, relay",
        Basic::Document => "a document (an object, or 0x and its encoding)",
        Basic::SignedDocument => "a signed document (an object, or 0x and its encoding)",
    }
}
