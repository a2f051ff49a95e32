//! Documents in JSON: the body by the type their kind names, where its interface is known, else as bytes.
use super::fault::{ValueError, ValueFault, at, expected, too_long};
use super::read::{Reader, basic_words, read_fields, read_hex};
use super::{decode_fields, encode_fields, write_fields};
use crate::clock;
use crate::directory::{Directory, Need};
use crate::types::interface::{Basic, Field, Interface, Shape};
use crate::types::text::TextError;
use crate::types::{
    AccountId, BoundedVec, Document, DocumentKind, Hash, PartySignature, Signature, SignedDocument, limits,
};
use serde_json::{Value as Json, json};

impl Reader<'_> {
    /// A document as [`write_document`] shows it, or its encoding as bytes.
    pub(super) fn document(&self, json: &Json, path: &str) -> Result<Document, ValueError> {
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
    pub(super) fn signed(&self, json: &Json, path: &str) -> Result<SignedDocument, ValueError> {
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
        let values = decode_fields(interface, fields, &document.body).ok()?;
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
