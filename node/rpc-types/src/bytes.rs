//! Bytes in JSON: `0x` and hexadecimal digits.
use parity_scale_codec::Encode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as `0x` and two hexadecimal digits each.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode)]
pub struct HexBytes(pub Vec<u8>);

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| serde::de::Error::custom("bytes begin with 0x"))?;
        hex::decode(digits)
            .map(Self)
            .map_err(|error| serde::de::Error::custom(format!("bytes are hexadecimal: {error}")))
    }
}
