//! The signatures on requests and answers: HTTP Message Signatures (RFC 9421) with ed25519 over a fixed list of components.
//!
//! A request is signed by the relay, for one site. An answer is signed by the site over the request's signature too, so that it
//! answers this request and no other. One profile: what is signed is not negotiable, and anything else is refused.
//!
//! ```text
//! POST /v1/contacts                               HTTP/1.1 200
//! countersign-site: harbor-hotel.example          content-digest: sha-256=:…:
//! content-digest: sha-256=:…:                     signature-input: site=("@status" "content-digest" "@method";req
//! signature-input: relay=("@method" "@path"           "@path";req "content-digest";req "signature";req;key="relay")
//!     "content-digest" "countersign-site")            ;created=…;keyid="csk1…";alg="ed25519";tag="countersign-site"
//!     ;created=…;nonce="…";keyid="csa1…"          signature: site=:…:
//!     ;alg="ed25519";tag="countersign-relay"
//! signature: relay=:…:
//! ```
use countersign_types::signature::{Signature, sign, verify};
use countersign_types::{AccountId, PublicKey};
use sfv::{BareItem, Dictionary, InnerList, Item, Key, KeyRef, ListEntry, Parameters, Parser};
use sha2::{Digest, Sha256};

/// The header with the site a request is for.
pub const SITE_HEADER: &str = "countersign-site";
/// Label of a relay's signature.
const RELAY: &str = "relay";
/// Label of a site's signature.
const SITE: &str = "site";
/// Says what a relay's signature is for.
const RELAY_TAG: &str = "countersign-relay";
/// Says what a site's signature is for.
const SITE_TAG: &str = "countersign-site";
/// Bytes of one of these headers: the longest in use has some 400.
pub const HEADER_BYTES_MAX: usize = 2 * 1024;
/// Characters of a nonce: at least 128 bits in hexadecimal, and no more than is worth remembering.
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 32..=64;
/// Parameters of a component that is the request's.
const REQUESTS_OWN: &[(&str, Option<&str>)] = &[("req", None)];

/// A component's name and its parameters; a parameter without text is a flag.
type Component = (&'static str, &'static [(&'static str, Option<&'static str>)]);

/// What a relay signs.
const REQUEST_COMPONENTS: &[Component] =
    &[("@method", &[]), ("@path", &[]), ("content-digest", &[]), (SITE_HEADER, &[])];
/// What a site signs when it answers a request that has a signature.
const ANSWER_COMPONENTS: &[Component] = &[
    ("@status", &[]),
    ("content-digest", &[]),
    ("@method", REQUESTS_OWN),
    ("@path", REQUESTS_OWN),
    ("content-digest", REQUESTS_OWN),
    ("signature", &[("req", None), ("key", Some(RELAY))]),
];
/// What it signs otherwise: the refusal of a request without one, which no relay takes for an answer.
const UNBOUND_COMPONENTS: &[Component] =
    &[("@status", &[]), ("content-digest", &[]), ("@method", REQUESTS_OWN), ("@path", REQUESTS_OWN)];

/// The three headers of a signed message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SignedHeaders {
    /// `content-digest` (RFC 9530).
    pub content_digest: String,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

/// Who signed a request, and what makes it this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The relay.
    pub relay: AccountId,
    /// When, seconds since the Unix epoch.
    pub created_s: u64,
    /// 32 to 64 characters that are used once.
    pub nonce: String,
}

/// The part of a request that its signature is about, beside the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestLine<'a> {
    /// `POST`.
    pub method: &'a str,
    /// `/v1/contacts`, without a query.
    pub path: &'a str,
    /// The site it is for, from the header [`SITE_HEADER`].
    pub site: &'a str,
}

/// Why a signature is not one. Whoever sent it is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// A header is missing, too long, or not the structured field it should be.
    #[error("the header `{header}` is missing or malformed; see RFC 9421 and RFC 9530")]
    Malformed {
        /// The header.
        header: &'static str,
    },
    /// The body is not the one the digest is of.
    #[error("the header `content-digest` is not the SHA-256 of the body")]
    OtherBody,
    /// Other components are signed than must be.
    #[error("the signature must cover exactly {wanted}")]
    OtherComponents {
        /// The list.
        wanted: String,
    },
    /// A parameter is missing, twice there, or of another form.
    #[error("the signature's parameter `{name}` is missing or malformed")]
    BadParameter {
        /// The parameter.
        name: &'static str,
    },
    /// It does not verify under the key.
    #[error("the signature is not valid for this message and the key of its sender")]
    NotValid,
}

/// A request whose headers are well formed and whose body is the one signed; whose key signed it is checked by
/// [`SignedRequest::is_by`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedRequest {
    /// Who claims to have signed it.
    pub claim: Claim,
    base: String,
    signature: Signature,
}

impl SignedRequest {
    /// True if `key` signed it.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        verify(key, self.base.as_bytes(), &self.signature)
    }
}

/// Signs a request.
///
/// # Panics
/// If the claim's nonce is not of printable ASCII: the caller's bug.
pub fn sign_request(secret: &[u8; 32], claim: &Claim, line: &RequestLine<'_>, body: &[u8]) -> SignedHeaders {
    let content_digest = content_digest(body);
    let parameters = [
        ("created", integer(claim.created_s)),
        ("nonce", text(&claim.nonce)),
        ("keyid", text(&claim.relay.to_string())),
        ("alg", text("ed25519")),
        ("tag", text(RELAY_TAG)),
    ];
    let covered = covered(REQUEST_COMPONENTS, parameters);
    let base = base(&covered, &[line.method, line.path, &content_digest, line.site]);
    signed(RELAY, covered, content_digest, sign(secret, base.as_bytes()))
}

/// Reads a request's signature, and checks that it is over this request and body. Who signed is claimed, not yet known.
///
/// # Errors
/// [`SignatureFault`], all but `NotValid`.
pub fn read_request(
    headers: &SignedHeaders,
    line: &RequestLine<'_>,
    body: &[u8],
) -> Result<SignedRequest, SignatureFault> {
    if !is_header(line.site) {
        return Err(SignatureFault::Malformed { header: SITE_HEADER });
    }
    check_digest(&headers.content_digest, body)?;
    let (covered, signature) = read(RELAY, REQUEST_COMPONENTS, headers)?;
    expect_text(&covered, "alg", "ed25519")?;
    expect_text(&covered, "tag", RELAY_TAG)?;
    let nonce = text_of(&covered, "nonce")?;
    let usable = |nonce: &&str| NONCE_CHARS.contains(&nonce.len());
    let claim = Claim {
        relay: text_of(&covered, "keyid")?.parse().map_err(|_| SignatureFault::BadParameter { name: "keyid" })?,
        created_s: created_of(&covered)?,
        nonce: Some(nonce).filter(usable).ok_or(SignatureFault::BadParameter { name: "nonce" })?.into(),
    };
    let base = base(&covered, &[line.method, line.path, &headers.content_digest, line.site]);
    Ok(SignedRequest { claim, base, signature })
}

/// Signs an answer to the request with these headers. If the request has no readable signature, the answer is bound to its path only.
pub fn sign_answer(
    secret: &[u8; 32],
    created_s: u64,
    status: u16,
    body: &[u8],
    line: &RequestLine<'_>,
    request: &SignedHeaders,
) -> SignedHeaders {
    let content_digest = content_digest(body);
    let key = countersign_types::signature::public_key(secret);
    let parameters = [
        ("created", integer(created_s)),
        ("keyid", text(&key.to_string())),
        ("alg", text("ed25519")),
        ("tag", text(SITE_TAG)),
    ];
    let requests = member(RELAY, &request.signature).filter(|_| is_header(&request.content_digest));
    let components = if requests.is_some() { ANSWER_COMPONENTS } else { UNBOUND_COMPONENTS };
    let covered = covered(components, parameters);
    let requests = requests.unwrap_or_default();
    let status = status.to_string();
    let values = [&status, &content_digest, line.method, line.path, &request.content_digest, &requests];
    let base = base(&covered, &values[..components.len()]);
    signed(SITE, covered, content_digest, sign(secret, base.as_bytes()))
}

/// Checks that the site with `key` has answered with this status and body to the request with these headers, and no other.
///
/// # Errors
/// [`SignatureFault`].
pub fn check_answer(
    key: &PublicKey,
    status: u16,
    answer: &SignedHeaders,
    body: &[u8],
    line: &RequestLine<'_>,
    request: &SignedHeaders,
) -> Result<(), SignatureFault> {
    check_digest(&answer.content_digest, body)?;
    let (covered, signature) = read(SITE, ANSWER_COMPONENTS, answer)?;
    expect_text(&covered, "alg", "ed25519")?;
    expect_text(&covered, "tag", SITE_TAG)?;
    expect_text(&covered, "keyid", &key.to_string())?;
    created_of(&covered)?;
    let requests = member(RELAY, &request.signature).ok_or(SignatureFault::Malformed { header: "signature" })?;
    let status = status.to_string();
    let values = [&status, &answer.content_digest, line.method, line.path, &request.content_digest, &requests];
    let base = base(&covered, &values);
    if verify(key, base.as_bytes(), &signature) { Ok(()) } else { Err(SignatureFault::NotValid) }
}

/// The header `content-digest` of a body.
pub fn content_digest(body: &[u8]) -> String {
    let digest = BareItem::ByteSequence(Sha256::digest(body).to_vec());
    dictionary("sha-256", ListEntry::Item(Item::new(digest)))
}

fn check_digest(header: &str, body: &[u8]) -> Result<(), SignatureFault> {
    if !is_header(header) {
        return Err(SignatureFault::Malformed { header: "content-digest" });
    }
    // One algorithm in one spelling: the digest is compared as it is signed.
    if header == content_digest(body) { Ok(()) } else { Err(SignatureFault::OtherBody) }
}

/// A header that may stand in a signature's base: a line break in it could forge another component.
fn is_header(value: &str) -> bool {
    (1..=HEADER_BYTES_MAX).contains(&value.len()) && value.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn integer(number: u64) -> BareItem {
    // Structured fields hold fifteen digits: seconds of the next thirty million years.
    BareItem::Integer(sfv::Integer::try_from(number).unwrap_or(sfv::Integer::MAX))
}

fn text(text: &str) -> BareItem {
    BareItem::String(sfv::String::from_string(text.into()).expect("ids, tags and nonces are printable ASCII"))
}

fn key(name: &str) -> Key {
    Key::from_string(name.into()).expect("labels and parameters are lower-case literals")
}

/// The components and parameters of a signature, as its input states them.
fn covered<const N: usize>(components: &[Component], parameters: [(&str, BareItem); N]) -> InnerList {
    let item = |(name, flags): &Component| {
        let parameter = |(name, value): &(&str, Option<&str>)| (key(name), value.map_or(BareItem::Boolean(true), text));
        Item::with_params(text(name), flags.iter().map(parameter).collect::<Parameters>())
    };
    let parameters = parameters.into_iter().map(|(name, value)| (key(name), value)).collect();
    InnerList::with_params(components.iter().map(item).collect(), parameters)
}

fn dictionary(label: &str, member: ListEntry) -> String {
    let mut serializer = sfv::DictSerializer::new();
    serializer.members([(key(label), &member)]);
    serializer.finish().expect("it has one member")
}

/// A component's identifier, or all of them with the parameters: the canonical text of a structured field.
fn list(entry: &ListEntry) -> String {
    let mut serializer = sfv::ListSerializer::new();
    serializer.members([entry]);
    serializer.finish().expect("it has one member")
}

/// The signature base (RFC 9421, section 2.5): a line for each component, and the components with the parameters.
fn base(covered: &InnerList, values: &[&str]) -> String {
    let mut base = String::new();
    for (item, value) in covered.items.iter().zip(values) {
        base.push_str(&list(&ListEntry::Item(item.clone())));
        base.push_str(": ");
        base.push_str(value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&list(&ListEntry::InnerList(covered.clone())));
    base
}

fn signed(label: &str, covered: InnerList, content_digest: String, signature: Signature) -> SignedHeaders {
    let signature = BareItem::ByteSequence(signature.0.to_vec());
    SignedHeaders {
        content_digest,
        signature_input: dictionary(label, ListEntry::InnerList(covered)),
        signature: dictionary(label, ListEntry::Item(Item::new(signature))),
    }
}

fn parse(header: &str) -> Option<Dictionary> {
    if is_header(header) { Parser::new(header).parse().ok() } else { None }
}

/// The text of a dictionary's member, for a component with the parameter `key`.
fn member(label: &str, header: &str) -> Option<String> {
    match parse(header)?.get(KeyRef::from_str(label).ok()?)? {
        entry @ ListEntry::Item(item) if item.bare_item.as_byte_sequence().is_some() => Some(list(entry)),
        _ => None,
    }
}

/// The signature under this label, if it covers exactly these components.
fn read(
    label: &'static str,
    components: &[Component],
    headers: &SignedHeaders,
) -> Result<(InnerList, Signature), SignatureFault> {
    let input = parse(&headers.signature_input).ok_or(SignatureFault::Malformed { header: "signature-input" })?;
    let signatures = parse(&headers.signature).ok_or(SignatureFault::Malformed { header: "signature" })?;
    let label = key(label);
    let Some(ListEntry::InnerList(found)) = input.get(&label) else {
        return Err(SignatureFault::Malformed { header: "signature-input" });
    };
    let wanted = covered(components, []);
    if found.items != wanted.items {
        return Err(SignatureFault::OtherComponents { wanted: list(&ListEntry::InnerList(wanted)) });
    }
    let bytes = match signatures.get(&label) {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence(),
        _ => None,
    };
    let bytes = bytes.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = bytes.map(Signature).ok_or(SignatureFault::Malformed { header: "signature" })?;
    Ok((found.clone(), signature))
}

fn text_of<'a>(covered: &'a InnerList, name: &'static str) -> Result<&'a str, SignatureFault> {
    let value = covered.params.get(&key(name)).and_then(BareItem::as_string);
    value.map(sfv::StringRef::as_str).ok_or(SignatureFault::BadParameter { name })
}

fn expect_text(covered: &InnerList, name: &'static str, wanted: &str) -> Result<(), SignatureFault> {
    if text_of(covered, name)? == wanted { Ok(()) } else { Err(SignatureFault::BadParameter { name }) }
}

fn created_of(covered: &InnerList) -> Result<u64, SignatureFault> {
    let value = covered.params.get(&key("created")).and_then(BareItem::as_integer);
    value.and_then(|value| u64::try_from(value).ok()).ok_or(SignatureFault::BadParameter { name: "created" })
}

#[cfg(test)]
mod tests;
