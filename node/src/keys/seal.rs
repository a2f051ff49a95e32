//! The text of an encrypted key file: the secret under XChaCha20-Poly1305 with a key stretched by Argon2id from the passphrase, the same
//! construction as the wallet's. The lines before the secret are bound to it as associated data, so none can be exchanged.
//!
//! ```text
//! countersign-node-key 2
//! argon2id <KiB> <passes> <lanes> <salt>
//! xchacha20poly1305 <nonce>
//! <encrypted secret with its tag>
//! ```
use super::{KeyFileError, Passphrase};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::path::Path;
use zeroize::Zeroizing;

/// First line.
const MARK: &str = "countersign-node-key 2";
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// RFC 9106's second choice, for machines where 2 GiB are not at hand.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// A file may ask for no more: it must not take the machine's memory.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

/// How a passphrase becomes a key.
struct Stretch {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
}

impl Stretch {
    /// `None` if the parameters are beyond the bounds.
    fn key(&self, passphrase: &Passphrase) -> Option<Zeroizing<[u8; 32]>> {
        if self.memory_kib > MEMORY_KIB_MAX || self.passes > PASSES_MAX || self.lanes > LANES_MAX {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(passphrase.as_bytes(), &self.salt, &mut *key).ok()?;
        Some(key)
    }
}

/// True if `text` begins as an encrypted file does.
pub(super) fn is_sealed(text: &str) -> bool {
    text.lines().next() == Some(MARK)
}

/// The file of a secret.
pub(super) fn sealed(secret: &[u8; 32], passphrase: &Passphrase) -> Result<Zeroizing<String>, KeyFileError> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut nonce)).map_err(KeyFileError::Random)?;
    let stretch = Stretch { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt };
    let lead = lead(&stretch, &nonce);
    let key = stretch.key(passphrase).expect("today's parameters are within the bounds");
    let cipher = XChaCha20Poly1305::new((&*key).into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: lead.as_bytes() });
    let sealed = sealed.expect("32 bytes are within the cipher's length");
    Ok(Zeroizing::new(format!("{lead}{}\n", hex::encode(sealed))))
}

/// The secret of a file. `file` is its path, for errors.
pub(super) fn opened(text: &str, passphrase: &Passphrase, file: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let not_a_key = || KeyFileError::NotAKey { file: file.to_path_buf() };
    let (stretch, nonce, sealed) = parsed(text).ok_or_else(not_a_key)?;
    let key = stretch.key(passphrase).ok_or_else(not_a_key)?;
    let cipher = XChaCha20Poly1305::new((&*key).into());
    let lead = lead(&stretch, &nonce);
    let opened = cipher.decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: lead.as_bytes() });
    let opened = opened.map_err(|_| KeyFileError::WrongPassphrase { file: file.to_path_buf() })?;
    let opened = Zeroizing::new(opened);
    Ok(Zeroizing::new(opened.as_slice().try_into().map_err(|_| not_a_key())?))
}

/// The lines before the secret.
fn lead(stretch: &Stretch, nonce: &[u8; 24]) -> String {
    let Stretch { memory_kib, passes, lanes, salt } = stretch;
    let (salt, nonce) = (hex::encode(salt), hex::encode(nonce));
    format!("{MARK}\n{KDF} {memory_kib} {passes} {lanes} {salt}\n{CIPHER} {nonce}\n")
}

fn parsed(text: &str) -> Option<(Stretch, [u8; 24], Vec<u8>)> {
    let mut lines = text.lines();
    let (Some(MARK), Some(kdf), Some(cipher), Some(secret), None) =
        (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return None;
    };
    let mut words = kdf.strip_prefix(KDF)?.split_whitespace();
    let mut number = || words.next()?.parse::<u32>().ok();
    let (memory_kib, passes, lanes) = (number()?, number()?, number()?);
    let salt = bytes(words.next()?)?;
    let nonce = bytes(cipher.strip_prefix(CIPHER)?.trim())?;
    Some((Stretch { memory_kib, passes, lanes, salt }, nonce, hex::decode(secret).ok()?))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
