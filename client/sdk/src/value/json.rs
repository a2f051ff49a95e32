//! Values to JSON and back. Every refusal names the place in the JSON and what is expected there.
use super::{BadAmount, ROLES, VALUES_MAX, Value, asset_beside, encode_fields, parse_amount, role_word, show_amount};
use crate::clock;
use crate::directory::{Directory, Need};
use crate::types::interface::{Basic, Field, Interface, Shape, Type};
use crate::types::{
    AccountId, AssetId, Authority, BoundedVec, Document, DocumentKind, Hash, PartySignature, PublicKey, Signature,
    SignedDocument, Text, limits, text::TextError,
};
use serde_json::{Map, Value as Json, json};

/// A refusal and where in the JSON it arose, such as `args.payments[2].amount`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct ValueError {
    /// The place.
    pub path: String,
    /// Why.
    pub fault: ValueFault,
}

/// Why a JSON value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// Something of another type stands there.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// The type in words.
        wanted: String,
        /// The beginning of what stands there.
        found: String,
    },
    /// A field is absent.
    #[error("is missing; expected {wanted}")]
    Missing {
        /// The type in words.
        wanted: String,
    },
    /// A field that is not declared.
    #[error("is not declared; declared here: {known}")]
    Unknown {
        /// The fields that are.
        known: String,
    },
    /// An id, symbol or name that is none.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An amount that is none.
    #[error(transparent)]
    Amount(#[from] BadAmount),
    /// A time that is none.
    #[error(transparent)]
    Time(#[from] clock::BadTime),
    /// Beyond a limit of the ledger.
    #[error("{size} is more than the limit of {limit}")]
    TooLong {
        /// Items or bytes given.
        size: usize,
        /// Items or bytes allowed.
        limit: usize,
    },
    /// A character that does not belong in a shown text.
    #[error("{0}")]
    BadText(crate::types::bounded::BadText),
    /// An authority that breaks a rule.
    #[error(transparent)]
    Authority(#[from] crate::types::account::BadAuthority),
    /// A name or an asset the directory does not know yet.
    #[error("{}", unknown(.0))]
    Need(Need),
}

fn unknown(need: &Need) -> String {
    match need {
        Need::Account(name) => format!("nothing on the ledger is called `{name}`"),
        Need::NameOf(account) => format!("the name of {account} is not known"),
        Need::Decimals(asset) => format!("the asset {asset} is not known here; write minor units, as in `1250 minor`"),
        Need::Interface(module) => format!("the module `{module}` is not known"),
    }
}

impl ValueError {
    /// What to learn before trying again, if that would help.
    pub fn need(&self) -> Option<&Need> {
        match &self.fault {
            ValueFault::Need(need) => Some(need),
            _ => None,
        }
    }
}

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

struct Reader<'a> {
    interface: &'a Interface,
    directory: &'a Directory,
    values: usize,
}

fn at(path: &str, fault: impl Into<ValueFault>) -> ValueError {
    ValueError { path: path.into(), fault: fault.into() }
}

fn expected(path: &str, wanted: &str, found: &Json) -> ValueError {
    let found = found.to_string();
    let short: String = found.chars().take(60).collect();
    let found = if short.len() < found.len() { format!("{short}…") } else { short };
    at(path, ValueFault::Expected { wanted: wanted.into(), found })
}

fn too_long(path: &str, size: usize, limit: usize) -> Result<(), ValueError> {
    if size > limit { Err(at(path, ValueFault::TooLong { size, limit })) } else { Ok(()) }
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
            Basic::Role => ROLES.into_iter().find(|r| role_word(*r) == text).map(Value::Role).ok_or_else(wrong),
            _ => {
                let bytes = read_hex(text).ok_or_else(wrong)?;
                let limit = if basic == Basic::Code { limits::CODE_BYTES_MAX } else { limits::BYTES_MAX };
                too_long(path, bytes.len(), limit)?;
                Ok(Value::Bytes(bytes))
            }
        }
    }

    /// An id, or a name the directory resolves.
    fn account(&self, text: &str, path: &str) -> Result<AccountId, ValueError> {
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

    /// A document as [`write_document`] shows it, or its encoding as bytes.
    fn document(&self, json: &Json, path: &str) -> Result<Document, ValueError> {
        let wrong = || expected(path, basic_words(Basic::Document), json);
        if let Some(text) = json.as_str() {
            return read_encoded(text).ok_or_else(wrong);
        }
        let text = |name: &str| json.get(name).and_then(Json::as_str).ok_or_else(wrong);
        let chain: Hash = text("chain")?.parse().map_err(|error: TextError| at(path, error))?;
        let kind = DocumentKind::new(text("kind")?).map_err(|error| at(path, ValueFault::BadText(error)))?;
        let expires_at = clock::parse(text("expires_at")?, self.directory.now()).map_err(|error| at(path, error))?;
        let listed = json.get("parties").and_then(Json::as_array).ok_or_else(wrong)?;
        too_long(path, listed.len(), limits::PARTIES_MAX)?;
        let parties = listed.iter().map(|party| self.account(party.as_str().ok_or_else(wrong)?, path));
        let parties: Vec<AccountId> = parties.collect::<Result<_, _>>()?;
        let body = document_body(&kind, json.get("body").ok_or_else(wrong)?, path, self.directory)?;
        too_long(path, body.len(), limits::DOCUMENT_BYTES_MAX)?;
        Ok(Document {
            chain,
            kind,
            parties: parties.try_into().map_err(|_| wrong())?,
            body: body.try_into().map_err(|_| wrong())?,
            expires_at,
        })
    }

    /// A document with its signatures as [`write_signed`] shows it, or its encoding as bytes.
    fn signed(&self, json: &Json, path: &str) -> Result<SignedDocument, ValueError> {
        let wrong = || expected(path, basic_words(Basic::SignedDocument), json);
        if let Some(text) = json.as_str() {
            return read_encoded(text).ok_or_else(wrong);
        }
        let document = self.document(json, path)?;
        let signers = document.signers();
        let listed = json.get("signatures").and_then(Json::as_array).ok_or_else(wrong)?;
        too_long(path, listed.len(), limits::SIGNATURES_MAX)?;
        let signatures: Option<Vec<_>> = listed.iter().map(|entry| read_signature(entry, &signers)).collect();
        let signatures = BoundedVec::try_from(signatures.ok_or_else(wrong)?).map_err(|_| wrong())?;
        Ok(SignedDocument { document, signatures })
    }
}

fn read_encoded<T: parity_scale_codec::DecodeAll>(text: &str) -> Option<T> {
    crate::types::decode("document", &read_hex(text)?, limits::ARGS_BYTES_MAX).ok()
}

/// The bytes of a document's body from an object of the type its kind names, or from `0x…`.
///
/// # Errors
/// [`ValueError`] with the first place that is wrong; a need if the module's interface is not known.
pub fn document_body(
    kind: &DocumentKind,
    json: &Json,
    path: &str,
    directory: &Directory,
) -> Result<Vec<u8>, ValueError> {
    if let Some(text) = json.as_str() {
        return read_hex(text).ok_or_else(|| expected(path, "an object or 0x and hexadecimal digits", json));
    }
    let wanted = || expected(path, "a kind such as `rebate/Offer` of a declared struct", &json!(kind.as_str()));
    let (module, _) = kind.split_once('/').ok_or_else(wanted)?;
    let Some((interface, fields)) = document_fields(kind, directory) else {
        let module = module.parse().map_err(|error: TextError| at(path, error))?;
        let need = Need::Interface(module);
        return Err(if directory.has(&need) { wanted() } else { at(path, ValueFault::Need(need)) });
    };
    let values = read_fields(interface, fields, json, &format!("{path}.body"), directory)?;
    Ok(encode_fields(interface, fields, &values))
}

/// The fields of a document's kind, where its interface is known.
pub fn document_fields<'a>(kind: &str, directory: &'a Directory) -> Option<(&'a Interface, &'a [Field])> {
    let (module, name) = kind.split_once('/')?;
    let (interface, _) = directory.document_interface(module)?;
    let def = interface.types.iter().find(|def| def.name == name)?;
    match &def.shape {
        Shape::Struct(fields) => Some((interface, fields)),
        Shape::Choice(_) => None,
    }
}

fn read_signature(json: &Json, signers: &[AccountId]) -> Option<PartySignature> {
    let account: AccountId = json.get("account")?.as_str()?.parse().ok()?;
    let index = signers.binary_search(&account).ok()?;
    let key = json.get("key")?.as_str()?.parse().ok()?;
    let signature: [u8; 64] = read_hex(json.get("signature")?.as_str()?)?.try_into().ok()?;
    Some(PartySignature { account: u16::try_from(index).ok()?, key, signature: Signature(signature) })
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

fn read_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

fn basic_words(basic: Basic) -> &'static str {
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

/// Fields as an object. [`read_fields`] reads it back.
pub fn write_fields(interface: &Interface, fields: &[Field], values: &[Value], directory: &Directory) -> Json {
    object(interface, fields, values, None, directory)
}

/// One value. [`read`] reads it back.
pub fn write(interface: &Interface, ty: &Type, value: &Value, directory: &Directory) -> Json {
    write_value(interface, ty, value, None, directory)
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
        (Value::Struct(values), ty) => match super::struct_fields(interface, ty) {
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

/// A document as an object, with its body by its kind where that is known; as bytes if the object would not read back the same.
pub fn write_document(document: &Document, directory: &Directory) -> Json {
    let object = document_object(document, directory);
    match no_interface(directory).document(&object, "document") {
        Ok(again) if again == *document => object,
        _ => write_encoded(document),
    }
}

/// A document with its signatures, like [`write_document`].
pub fn write_signed(signed: &SignedDocument, directory: &Directory) -> Json {
    let signers = signed.document.signers();
    let signatures = signed.signatures.iter().map(|s| {
        let account = signers.get(usize::from(s.account)).map(ToString::to_string);
        json!({"account": account, "key": s.key.to_string(), "signature": format!("0x{}", hex::encode(s.signature.0))})
    });
    let mut object = document_object(&signed.document, directory);
    object["signatures"] = signatures.collect();
    match no_interface(directory).signed(&object, "document") {
        Ok(again) if again == *signed => object,
        _ => write_encoded(signed),
    }
}

/// Reads documents, which bring the interface of their kind along.
fn no_interface(directory: &Directory) -> Reader<'_> {
    Reader { interface: countersign_interface::assets::interface(), directory, values: 0 }
}

fn write_encoded(value: &impl parity_scale_codec::Encode) -> Json {
    json!(format!("0x{}", hex::encode(value.encode())))
}

fn document_object(document: &Document, directory: &Directory) -> Json {
    let body = document_fields(&document.kind, directory).and_then(|(interface, fields)| {
        let values = super::decode_fields(interface, fields, &document.body).ok()?;
        Some(write_fields(interface, fields, &values, directory))
    });
    json!({
        "chain": document.chain.to_string(),
        "kind": document.kind.as_str(),
        "parties": document.parties.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "body": body.unwrap_or_else(|| json!(format!("0x{}", hex::encode(&*document.body)))),
        "expires_at": clock::to_utc(document.expires_at),
    })
}
