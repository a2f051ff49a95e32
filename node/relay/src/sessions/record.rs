//! A session as it lies on disk: nothing in it opens anything. Of its token there is only the hash, under which it
//! lies, and the site's token is sealed under a key that takes both the relay's secret and the session's token: who has
//! the disk, and even the relay's secret with it, cannot ask the site in a user's name before the user's wallet asks
//! again.
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use countersign_rpc_types::site::SessionToken;
use countersign_types::{Hash, Hasher, Name, PublicKey};
use parity_scale_codec::{Decode, Encode};
use zeroize::Zeroizing;

/// Bytes of a sealed token: the token and the seal's tag.
const SEALED_BYTES: usize = 48;

/// A session on disk.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Record {
    /// The user or member.
    pub user: Name,
    /// The key that signs its requests.
    pub key: PublicKey,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// Counts up to this one may have been accepted; only those ahead of the relay's clock are noted.
    pub count: u64,
    /// The token of the site's session; a member has none.
    pub site_token: Option<Sealed>,
}

/// A site's token, sealed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Sealed([u8; SEALED_BYTES]);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A token of a site's session while it is used; wiped afterwards.
pub(crate) type SiteToken = Zeroizing<[u8; 32]>;

/// Under what a session is known.
pub(crate) fn id(token: &SessionToken) -> Hash {
    Hash::of("relay-session", &token.0)
}

fn cipher(secret: &[u8; 32], token: &SessionToken) -> ChaCha20Poly1305 {
    let mut hasher = Hasher::new("relay-site-token");
    hasher.update(secret).update(&token.0);
    let key = Zeroizing::new(hasher.finish().0);
    ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
}

impl Sealed {
    /// Seals a site's token for the session with `token`.
    pub fn seal(secret: &[u8; 32], token: &SessionToken, site_token: &SessionToken) -> Self {
        // A token is random and used for one session: its key seals this once, so the nonce may be constant.
        let sealed = cipher(secret, token).encrypt(&Nonce::default(), site_token.0.as_slice());
        let sealed = sealed.expect("32 bytes are less than the cipher's bound");
        Self(sealed.try_into().expect("the tag has 16 bytes"))
    }

    /// Opens it; `None` if it was sealed under another secret, or is damaged.
    pub fn open(&self, secret: &[u8; 32], token: &SessionToken) -> Option<SiteToken> {
        let opened = cipher(secret, token).decrypt(&Nonce::default(), self.0.as_slice()).ok().map(Zeroizing::new)?;
        opened.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: SessionToken = SessionToken([1; 32]);

    fn record() -> Record {
        Record {
            user: "alice@harbor-hotel.example".parse().unwrap(),
            key: PublicKey([2; 32]),
            expires_at_ms: 3,
            count: 4,
            site_token: Some(Sealed::seal(&[5; 32], &TOKEN, &SessionToken([6; 32]))),
        }
    }

    #[test]
    fn a_sites_token_needs_the_relays_secret_and_the_sessions_token() {
        let sealed = record().site_token.unwrap();
        assert_eq!(*sealed.open(&[5; 32], &TOKEN).unwrap(), [6; 32]);
        assert_eq!(sealed.open(&[9; 32], &TOKEN), None);
        assert_eq!(sealed.open(&[5; 32], &SessionToken([9; 32])), None);
        let mut damaged = sealed.clone();
        damaged.0[0] ^= 1;
        assert_eq!(damaged.open(&[5; 32], &TOKEN), None);
    }

    #[test]
    fn nothing_on_disk_opens_anything() {
        let record = record();
        let bytes = record.encode();
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!holds(&[1; 32]) && !holds(&[6; 32]) && holds(&[2; 32]));
        assert!(format!("{record:?}").contains("Sealed(…)"));
        assert!(bytes.len() <= crate::limits::ROW_BYTES_MAX);
        assert_eq!(Record::decode(&mut bytes.as_slice()).unwrap(), record);
    }

    #[test]
    fn the_bytes_of_a_session_are_frozen() {
        let bytes = (id(&TOKEN), record()).encode();
        assert_eq!(
            Hash::of("frozen", &bytes).to_string(),
            "9cf61e0205fd635a118f7cce37ae36513d8a5f843019c5b9f3b3e9459dcfd46c"
        );
    }
}
