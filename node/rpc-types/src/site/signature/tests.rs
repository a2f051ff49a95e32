//! Signatures of requests and answers: what is signed is exactly what is verified.
use super::*;
use countersign_types::signature::{development_secret, public_key};
use proptest::prelude::*;

const LINE: RequestLine<'_> = RequestLine { method: "POST", path: "/v1/contacts", site: "harbor-hotel.example" };
const BODY: &[u8] = br#"{"session":"0x00"}"#;

fn relay() -> [u8; 32] {
    development_secret("relay")
}

fn site() -> [u8; 32] {
    development_secret("site")
}

fn claim() -> Claim {
    Claim { relay: AccountId([5; 32]), created_s: 1_700_000_000, nonce: "0123456789abcdef".repeat(2) }
}

fn request() -> SignedHeaders {
    sign_request(&relay(), &claim(), &LINE, BODY)
}

#[test]
fn a_request_is_read_as_it_was_signed() {
    let headers = request();
    let read = read_request(&headers, &LINE, BODY).unwrap();
    assert_eq!(read.claim, claim());
    assert!(read.is_by(&public_key(&relay())));
    assert!(!read.is_by(&public_key(&site())), "another key");
    let account = claim().relay;
    assert_eq!(
        read.base,
        format!(
            "\"@method\": POST\n\"@path\": /v1/contacts\n\"content-digest\": {}\n\"countersign-site\": \
             harbor-hotel.example\n\"@signature-params\": (\"@method\" \"@path\" \"content-digest\" \"countersign-site\")\
             ;created=1700000000;nonce=\"0123456789abcdef0123456789abcdef\";keyid=\"{account}\";alg=\"ed25519\"\
             ;tag=\"countersign-relay\"",
            headers.content_digest
        )
    );
    assert_eq!(headers.signature_input, format!("relay={}", read.base.rsplit_once("params\": ").unwrap().1));
}

#[test]
fn the_digest_is_that_of_rfc_9530() {
    // RFC 9530, appendix D: the digest of `{"hello": "world"}` with its line break.
    let header = content_digest(b"{\"hello\": \"world\"}\n");
    assert_eq!(header, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
}

#[test]
fn any_change_of_a_request_shows() {
    let key = public_key(&relay());
    let headers = request();
    let elsewhere = [
        RequestLine { path: "/v1/posts", ..LINE },
        RequestLine { method: "PUT", ..LINE },
        RequestLine { site: "city-books.example", ..LINE },
    ];
    for line in &elsewhere {
        assert!(!read_request(&headers, line, BODY).unwrap().is_by(&key), "{line:?}");
    }
    assert_eq!(read_request(&headers, &LINE, b"{}"), Err(SignatureFault::OtherBody));
    let change = |from: &str, to: &str| {
        let input = headers.signature_input.replace(from, to);
        assert_ne!(input, headers.signature_input, "{from} is there");
        read_request(&SignedHeaders { signature_input: input, ..headers.clone() }, &LINE, BODY)
    };
    assert!(!change("created=1700000000", "created=1700000001").unwrap().is_by(&key));
    assert!(!change("0123456789abcdef\"", "0123456789abcdee\"").unwrap().is_by(&key));
    assert!(matches!(change(" \"countersign-site\"", ""), Err(SignatureFault::OtherComponents { .. })));
    assert!(matches!(
        change("\"@method\" \"@path\"", "\"@path\" \"@method\""),
        Err(SignatureFault::OtherComponents { .. })
    ));
    for (from, to, name) in [
        (";alg=\"ed25519\"", "", "alg"),
        ("countersign-relay", "countersign-site", "tag"),
        ("created=1700000000", "created=\"now\"", "created"),
        ("keyid=\"csa", "keyid=\"csk", "keyid"),
        ("0123456789abcdef\"", "\"", "nonce"),
    ] {
        assert_eq!(change(from, to), Err(SignatureFault::BadParameter { name }), "{from}");
    }
}

#[test]
fn an_answer_is_bound_to_its_request() {
    let key = public_key(&site());
    let first = request();
    let answer = sign_answer(&site(), 1_700_000_001, 200, b"{}", &LINE, &first);
    assert_eq!(check_answer(&key, 200, &answer, b"{}", &LINE, &first), Ok(()));
    let second = sign_request(&relay(), &Claim { nonce: "f".repeat(32), ..claim() }, &LINE, BODY);
    let refused = Err(SignatureFault::NotValid);
    assert_eq!(check_answer(&key, 200, &answer, b"{}", &LINE, &second), refused, "replayed for another request");
    assert_eq!(check_answer(&key, 403, &answer, b"{}", &LINE, &first), refused, "another status");
    let other = RequestLine { path: "/v1/posts", ..LINE };
    assert_eq!(check_answer(&key, 200, &answer, b"{}", &other, &first), refused, "another path");
    assert_eq!(check_answer(&key, 200, &answer, b"{ }", &LINE, &first), Err(SignatureFault::OtherBody));
    let foreign = public_key(&relay());
    let keyid = Err(SignatureFault::BadParameter { name: "keyid" });
    assert_eq!(check_answer(&foreign, 200, &answer, b"{}", &LINE, &first), keyid, "another site");
}

#[test]
fn an_answer_to_nobody_is_no_answer() {
    let unsigned = SignedHeaders::default();
    let answer = sign_answer(&site(), 1_700_000_001, 401, b"{}", &LINE, &unsigned);
    let checked = check_answer(&public_key(&site()), 401, &answer, b"{}", &LINE, &request());
    assert!(matches!(checked, Err(SignatureFault::OtherComponents { .. })), "{checked:?}");
}

#[test]
fn malformed_headers_are_named() {
    let headers = request();
    let malformed = |header| Err(SignatureFault::Malformed { header });
    let long = "a".repeat(HEADER_BYTES_MAX + 1);
    for wrong in ["", "relay", "relay=(", "relay=:AA==:", "site=(\"@method\")", "é", "a\nb", long.as_str()] {
        let with = SignedHeaders { signature_input: wrong.into(), ..headers.clone() };
        assert_eq!(read_request(&with, &LINE, BODY), malformed("signature-input"), "{wrong}");
    }
    for wrong in ["", "relay=1", "relay=:AA==:", "site=:AA==:", "relay=()"] {
        let with = SignedHeaders { signature: wrong.into(), ..headers.clone() };
        assert_eq!(read_request(&with, &LINE, BODY), malformed("signature"), "{wrong}");
    }
    let with = SignedHeaders { content_digest: String::new(), ..headers };
    assert_eq!(read_request(&with, &LINE, BODY), malformed("content-digest"));
}

/// Texts near those that are meant: a header that was made, with a part of it replaced, or anything.
fn header(made: String) -> impl Strategy<Value = String> {
    let length = made.len();
    let spoiled = (0..length, 0..24_usize, "[ -~]{0,12}").prop_map(move |(at, cut, put)| {
        let end = (at + cut).min(made.len());
        format!("{}{put}{}", &made[..at], &made[end..])
    });
    prop_oneof![spoiled, ".{0,80}", "(relay|site)=[(:;=\"a-z0-9) ]{0,40}"]
}

proptest! {
    /// Whatever comes in is read or refused; what is accepted verifies only if it is what was signed.
    #[test]
    fn any_headers_are_read_or_refused(
        content_digest in header(request().content_digest),
        signature_input in header(request().signature_input),
        signature in header(request().signature),
        which in 0..4_u8,
    ) {
        let good = request();
        let mut headers = good.clone();
        match which {
            0 => headers.content_digest = content_digest,
            1 => headers.signature_input = signature_input,
            2 => headers.signature = signature,
            _ => headers = SignedHeaders { content_digest, signature_input, signature },
        }
        if let Ok(read) = read_request(&headers, &LINE, BODY) {
            prop_assert!(read.claim == claim() || !read.is_by(&public_key(&relay())));
        }
        let answer = sign_answer(&site(), 1, 401, b"{}", &LINE, &headers);
        let checked = check_answer(&public_key(&site()), 401, &answer, b"{}", &LINE, &good);
        let same = headers.content_digest == good.content_digest && headers.signature == good.signature;
        prop_assert!(checked.is_err() || same || member(RELAY, &headers.signature) == member(RELAY, &good.signature));
    }
}
