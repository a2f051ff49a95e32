//! The key file: JSON of a version, the secret under XChaCha20-Poly1305 with a key stretched by Argon2id from the passphrase.
//! Everything else in the file is bound to the secret as associated data, so no field can be exchanged. A key that is kept elsewhere
//! has the program that signs with it in the secret's place.
use super::{ARGUMENTS_MAX, COMMAND_BYTES_MAX, Custody, FILE_BYTES_MAX, KeyError, KeyRecord, Protection};
use crate::signer::Program;
use crate::types::signature::public_key;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Version of the file this program reads and writes.
pub(super) const VERSION: u32 = 1;
const FORMAT: &str = "countersign-key";

/// RFC 9106's second choice, for machines where 2 GiB are not at hand.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// A file may ask for no more: it may come from someone else and must not take the machine's memory.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    version: u32,
    name: String,
    account: String,
    key: String,
    protection: Sealing,
    secret: String,
}

impl Fields {
    /// The fields of a key, without its secret.
    fn of(record: &KeyRecord, protection: Sealing) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            name: record.name.clone(),
            account: record.account.to_string(),
            key: record.key.to_string(),
            protection,
            secret: String::new(),
        }
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Sealing {
    /// The secret is in the file as it is.
    None {},
    /// The secret is encrypted.
    Passphrase { kdf: String, memory_kib: u32, passes: u32, lanes: u32, salt: String, cipher: String, nonce: String },
    /// There is no secret here: this program signs.
    Program { path: String, args: Vec<String> },
}

/// Read before the rest, so that a file of a later version is told as such.
#[derive(Deserialize)]
struct Lead {
    format: String,
    version: u32,
}

pub(super) struct KeyFile {
    path: String,
    fields: Fields,
}

impl KeyFile {
    /// Makes the file of a key.
    pub(super) fn seal(
        record: &KeyRecord,
        secret: &Zeroizing<[u8; 32]>,
        protection: &Protection<'_>,
    ) -> Result<Self, KeyError> {
        let (sealing, passphrase) = match protection {
            Protection::None => (Sealing::None {}, None),
            Protection::Passphrase("") => return Err(KeyError::EmptyPassphrase),
            Protection::Passphrase(passphrase) => (Sealing::fresh()?, Some(*passphrase)),
        };
        let mut file = Self { path: record.name.clone(), fields: Fields::of(record, sealing) };
        file.fields.secret = match passphrase {
            None => hex::encode(**secret),
            Some(passphrase) => {
                let (cipher, nonce) = file.cipher(passphrase)?;
                let bound = file.bound_bytes();
                let sealed = cipher.encrypt(&nonce, Payload { msg: &**secret, aad: &bound });
                hex::encode(sealed.expect("32 bytes are within the cipher's length"))
            }
        };
        Ok(file)
    }

    /// Makes the file of a key that a program signs with.
    pub(super) fn of_program(record: &KeyRecord, program: &Program) -> Result<Self, KeyError> {
        let path = program.path.to_str().filter(|_| program.path.is_absolute()).ok_or(KeyError::BadProgram)?;
        let bytes = path.len() + program.args.iter().map(String::len).sum::<usize>();
        if bytes > COMMAND_BYTES_MAX || program.args.len() > ARGUMENTS_MAX {
            return Err(KeyError::BadProgram);
        }
        let protection = Sealing::Program { path: path.into(), args: program.args.clone() };
        Ok(Self { path: record.name.clone(), fields: Fields::of(record, protection) })
    }

    /// The program that signs, if the secret is not here.
    pub(super) fn program(&self) -> Option<Program> {
        match &self.fields.protection {
            Sealing::Program { path, args } => Some(Program { path: path.into(), args: args.clone() }),
            Sealing::None {} | Sealing::Passphrase { .. } => None,
        }
    }

    /// Reads a file. Its secret is not looked at.
    pub(super) fn parse(path: String, bytes: &[u8]) -> Result<Self, KeyError> {
        let lead: Result<Lead, _> = serde_json::from_slice(bytes);
        match lead {
            Ok(lead) if lead.format != FORMAT => return Err(KeyError::Damaged { path, cause: "it is another format" }),
            Ok(lead) if lead.version != VERSION => {
                return Err(KeyError::ForeignVersion { path, found: lead.version });
            }
            Ok(_) => {}
            Err(_) => return Err(KeyError::Damaged { path, cause: "it is not JSON with a format and a version" }),
        }
        match serde_json::from_slice(bytes) {
            Ok(fields) => Ok(Self { path, fields }),
            Err(_) => Err(KeyError::Damaged { path, cause: "a field is missing, unknown or of the wrong type" }),
        }
    }

    /// What it says of the key.
    pub(super) fn record(&self) -> Result<KeyRecord, KeyError> {
        let account = self.fields.account.parse().map_err(|_| self.damaged("the account is mistyped"))?;
        let key = self.fields.key.parse().map_err(|_| self.damaged("the public key is mistyped"))?;
        let custody = match self.fields.protection {
            Sealing::None {} => Custody::Plain,
            Sealing::Passphrase { .. } => Custody::Encrypted,
            Sealing::Program { .. } => Custody::Program,
        };
        Ok(KeyRecord { name: self.fields.name.clone(), account, key, custody })
    }

    /// The secret.
    pub(super) fn open(&self, passphrase: Option<&str>) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let name = || self.fields.name.clone();
        let stored = Zeroizing::new(
            hex::decode(&self.fields.secret).map_err(|_| self.damaged("the secret is not hexadecimal"))?,
        );
        let opened = match (&self.fields.protection, passphrase) {
            (Sealing::Program { .. }, _) => return Err(KeyError::KeptElsewhere { name: name() }),
            (Sealing::None {}, _) => stored,
            (Sealing::Passphrase { .. }, None) => return Err(KeyError::PassphraseNeeded { name: name() }),
            (Sealing::Passphrase { .. }, Some(passphrase)) => {
                let (cipher, nonce) = self.cipher(passphrase)?;
                let bound = self.bound_bytes();
                let opened = cipher.decrypt(&nonce, Payload { msg: &stored, aad: &bound });
                Zeroizing::new(opened.map_err(|_| KeyError::WrongPassphrase { name: name() })?)
            }
        };
        let secret: [u8; 32] = opened.as_slice().try_into().map_err(|_| self.damaged("the secret is not 32 bytes"))?;
        let secret = Zeroizing::new(secret);
        if public_key(&secret) == self.record()?.key {
            Ok(secret)
        } else {
            Err(self.damaged("the secret is not that of the public key"))
        }
    }

    pub(super) fn to_json(&self) -> Zeroizing<String> {
        // Room for all of it: a text that grows leaves copies of the secret behind.
        let mut json = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize));
        serde_json::to_writer_pretty(&mut *json, &self.fields).expect("texts and numbers are JSON");
        json.push(b'\n');
        Zeroizing::new(String::from_utf8(std::mem::take(&mut *json)).expect("JSON is UTF-8"))
    }

    fn damaged(&self, cause: &'static str) -> KeyError {
        KeyError::Damaged { path: self.path.clone(), cause }
    }

    /// The fields besides the secret, in one order: each is text without a line break.
    fn bound_bytes(&self) -> Vec<u8> {
        let f = &self.fields;
        format!("{}\n{}\n{}\n{}\n{}", f.format, f.version, f.name, f.account, f.key).into_bytes()
    }

    fn cipher(&self, passphrase: &str) -> Result<(XChaCha20Poly1305, XNonce), KeyError> {
        let Sealing::Passphrase { kdf, memory_kib, passes, lanes, salt, cipher, nonce } = &self.fields.protection
        else {
            return Err(self.damaged("it is not encrypted"));
        };
        if kdf != "argon2id" || cipher != "xchacha20poly1305" {
            return Err(self.damaged("it names an unknown kdf or cipher"));
        }
        if *memory_kib > MEMORY_KIB_MAX || *passes > PASSES_MAX || *lanes > LANES_MAX {
            return Err(self.damaged("it asks for more memory or passes than this program grants"));
        }
        let salt: [u8; 16] = self.bytes(salt)?;
        let nonce: [u8; 24] = self.bytes(nonce)?;
        let params = Params::new(*memory_kib, *passes, *lanes, Some(32))
            .map_err(|_| self.damaged("its Argon2 parameters are out of range"))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
            .map_err(|_| self.damaged("its Argon2 parameters are out of range"))?;
        Ok((XChaCha20Poly1305::new((&*key).into()), XNonce::from(nonce)))
    }

    fn bytes<const N: usize>(&self, text: &str) -> Result<[u8; N], KeyError> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| self.damaged("salt or nonce is not hexadecimal of its length"))?;
        Ok(bytes)
    }
}

impl Sealing {
    /// Today's parameters with new salt and nonce.
    fn fresh() -> Result<Self, KeyError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut nonce)).map_err(|_| KeyError::Randomness)?;
        Ok(Self::Passphrase {
            kdf: "argon2id".into(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: hex::encode(salt),
            cipher: "xchacha20poly1305".into(),
            nonce: hex::encode(nonce),
        })
    }
}
