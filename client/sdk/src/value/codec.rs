//! Values to SCALE bytes and back, by the declaration.
use super::{VALUES_MAX, Value};
use crate::types::interface::{Basic, Field, Interface, Shape, Type};
use crate::types::{
    AccountId, Amount, AssetId, Authority, Bytes, DecodeError, Document, Hash, ModuleName, Name, PublicKey, Role,
    SignedDocument, Text, Timestamp, limits,
};
use countersign_interface::code::Code;
use parity_scale_codec::{Compact, Decode, Encode, Error, Input};

/// Decodes the fields of a method, event or struct: exactly these bytes.
///
/// # Errors
/// [`DecodeError`] if they are not the canonical encoding.
pub fn decode_fields(interface: &Interface, fields: &[Field], bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    decode_with(bytes, |reader| reader.fields(interface, fields))
}

/// Decodes one value: exactly these bytes.
///
/// # Errors
/// [`DecodeError`] if they are not the canonical encoding.
pub fn decode(interface: &Interface, ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
    decode_with(bytes, |reader| reader.value(interface, ty))
}

fn decode_with<T>(bytes: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>) -> Result<T, DecodeError> {
    let what = "value of its declared type";
    if bytes.len() > limits::ARGS_BYTES_MAX {
        return Err(DecodeError::Oversized { what, size: bytes.len(), limit: limits::ARGS_BYTES_MAX });
    }
    let mut reader = Reader { rest: bytes, values: 0 };
    let malformed = |cause: String| DecodeError::Malformed { what, cause };
    let value = read(&mut reader).map_err(|error| malformed(error.to_string()))?;
    if reader.rest.is_empty() { Ok(value) } else { Err(malformed(format!("{} bytes too many", reader.rest.len()))) }
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl Reader<'_> {
    fn fields(&mut self, interface: &Interface, fields: &[Field]) -> Result<Vec<Value>, Error> {
        fields.iter().map(|field| self.value(interface, &field.ty)).collect()
    }

    fn value(&mut self, interface: &Interface, ty: &Type) -> Result<Value, Error> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err("more values than are read at once".into());
        }
        match ty {
            Type::Basic(basic) => self.basic(*basic),
            Type::Option(inner) => match self.rest.read_byte()? {
                0 => Ok(Value::Optional(None)),
                1 => Ok(Value::Optional(Some(Box::new(self.value(interface, inner)?)))),
                _ => Err("an option begins with 0 or 1".into()),
            },
            Type::List(inner) => {
                let count = Compact::<u32>::decode(&mut self.rest)?.0 as usize;
                if count > limits::LIST_ITEMS_MAX {
                    return Err("a list is longer than its limit".into());
                }
                (0..count).map(|_| self.value(interface, inner)).collect::<Result<_, _>>().map(Value::List)
            }
            Type::Declared(index) => match &interface.types[*index].shape {
                Shape::Struct(fields) => self.fields(interface, fields).map(Value::Struct),
                Shape::Choice(words) => match self.rest.read_byte()? {
                    word if usize::from(word) < words.len() => Ok(Value::Choice(word)),
                    _ => Err("a choice has no such word".into()),
                },
            },
        }
    }

    fn basic(&mut self, basic: Basic) -> Result<Value, Error> {
        let input = &mut self.rest;
        Ok(match basic {
            Basic::Bool => Value::Bool(bool::decode(input)?),
            Basic::U8 => Value::Number(u8::decode(input)?.into()),
            Basic::U16 => Value::Number(u16::decode(input)?.into()),
            Basic::U32 => Value::Number(u32::decode(input)?.into()),
            Basic::U64 => Value::Number(u64::decode(input)?.into()),
            Basic::U128 => Value::Number(u128::decode(input)?),
            Basic::Hash => Value::Hash(Hash::decode(input)?),
            Basic::Account => Value::Account(AccountId::decode(input)?),
            Basic::Asset => Value::Asset(AssetId::decode(input)?),
            Basic::Amount => Value::Amount(Amount::decode(input)?),
            Basic::Timestamp => Value::Time(Timestamp::decode(input)?),
            Basic::Text => Value::Text(Text::decode(input)?.as_str().into()),
            Basic::Bytes => Value::Bytes(Bytes::decode(input)?.into_inner()),
            Basic::Code => Value::Bytes(Code::decode(input)?.into_inner()),
            Basic::Name => Value::Name(Name::decode(input)?),
            Basic::ModuleName => Value::Module(ModuleName::decode(input)?),
            Basic::PublicKey => Value::Key(PublicKey::decode(input)?),
            Basic::Authority => Value::Authority(Authority::decode(input)?),
            Basic::Role => Value::Role(Role::decode(input)?),
            Basic::Document => Value::Document(Box::new(Document::decode(input)?)),
            Basic::SignedDocument => Value::Signed(Box::new(SignedDocument::decode(input)?)),
        })
    }
}

/// Encodes values read by the same declaration: their widths are checked where they were read.
pub fn encode_fields(interface: &Interface, fields: &[Field], values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (field, value) in fields.iter().zip(values) {
        encode(interface, &field.ty, value, &mut bytes);
    }
    bytes
}

fn encode(interface: &Interface, ty: &Type, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => value.encode_to(out),
        Value::Number(number) => {
            let width = match ty {
                Type::Basic(Basic::U8) => 1,
                Type::Basic(Basic::U16) => 2,
                Type::Basic(Basic::U32) => 4,
                Type::Basic(Basic::U64) => 8,
                _ => 16,
            };
            out.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        Value::Hash(hash) => hash.encode_to(out),
        Value::Account(account) => account.encode_to(out),
        Value::Asset(asset) => asset.encode_to(out),
        Value::Amount(amount) => amount.encode_to(out),
        Value::Time(time) => time.encode_to(out),
        Value::Text(text) => text.encode_to(out),
        Value::Bytes(bytes) => bytes.encode_to(out),
        Value::Name(name) => name.encode_to(out),
        Value::Module(name) => name.encode_to(out),
        Value::Key(key) => key.encode_to(out),
        Value::Authority(authority) => authority.encode_to(out),
        Value::Role(role) => role.encode_to(out),
        Value::Document(document) => document.encode_to(out),
        Value::Signed(signed) => signed.encode_to(out),
        Value::Optional(None) => out.push(0),
        Value::Optional(Some(value)) => {
            out.push(1);
            if let Type::Option(inner) = ty {
                encode(interface, inner, value, out);
            }
        }
        Value::List(items) => {
            Compact(items.len() as u32).encode_to(out);
            if let Type::List(inner) = ty {
                items.iter().for_each(|item| encode(interface, inner, item, out));
            }
        }
        Value::Struct(values) => {
            let fields = super::struct_fields(interface, ty).unwrap_or_default();
            out.extend(encode_fields(interface, fields, values));
        }
        Value::Choice(word) => out.push(*word),
    }
}
