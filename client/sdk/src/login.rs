//! The wallet's half of logging in at a merchant's site: OPAQUE (RFC 9807), by which a password is proved without being shown to
//! the site or to the relay in between. The site's half is in `client/site`; both use the suite and the binding of this file.
//!
//! ```text
//! password ─OpenLogin::start→ KE1 ─→ relay ─→ site ─→ KE2 ─OpenLogin::finish→ KE3 ─→ relay ─→ site: the verdict
//!                                ▲ user, wallet's key and relay are part of what both sides prove: nobody in between changes them
//! ```
use crate::rpc_types::site::{KE1_BYTES, KE2_BYTES};
use crate::types::{AccountId, Name, PublicKey};
use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::ciphersuite::CipherSuite;
use opaque_ke::errors::{InternalError, ProtocolError};
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;
use opaque_ke::rand::{CryptoRng, Error as RandomError, RngCore};
use opaque_ke::{
    ClientLogin, ClientLoginFinishParameters, ClientRegistration, ClientRegistrationFinishParameters,
    CredentialResponse, Identifiers, RegistrationResponse, Ristretto255, TripleDh,
};
use std::num::NonZeroU32;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a password: a long sentence. More is a file given by mistake.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Bytes of the first message of a registration.
pub const REGISTRATION_REQUEST_BYTES: usize = 32;
/// Bytes of the second, from the site.
pub const REGISTRATION_RESPONSE_BYTES: usize = 64;
/// Bytes of the third: what a site keeps of a user's password.
pub const REGISTRATION_BYTES: usize = 192;

/// RFC 9106's second choice, as for the keystore: what a guesser with the site's keys and database pays for each try.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// RFC 9807, section 7: the salt is fixed, since the password's OPRF already differs for each user.
const SALT: [u8; 16] = [0; 16];
/// What these proofs are for, and their version.
const DOMAIN: &[u8] = b"countersign/login/1";

/// The suite: OPAQUE-3DH with ristretto255 and SHA-512, stretched by Argon2id.
#[derive(Clone, Copy, Debug)]
pub struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_0_10::Sha512>;
    type Ksf = Stretching;
}

/// Argon2id with 64 MiB and 3 passes. A wallet does this once for each try, some tenths of a second.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stretching;

impl Ksf for Stretching {
    fn hash<L: ArrayLength<u8>>(&self, mut input: GenericArray<u8, L>) -> Result<GenericArray<u8, L>, InternalError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(L::USIZE)).map_err(|_| InternalError::KsfError)?;
        let mut output = GenericArray::default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stretched = argon2.hash_password_into(&input, &SALT, &mut output);
        input.as_mut_slice().zeroize();
        stretched.map(|()| output).map_err(|_| InternalError::KsfError)
    }
}

/// The operating system's random bytes, for OPAQUE.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("a system that has started gives random bytes");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let code = NonZeroU32::MIN.saturating_add(RandomError::CUSTOM_START);
        getrandom::fill(bytes).map_err(|_| RandomError::from(code))
    }
}

impl CryptoRng for SystemRandom {}

/// What a login is for. Part of what both sides prove: if one of them has another, the login fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Who logs in; the site is the part after `@`.
    pub user: Name,
    /// The wallet's key: the session, and an enrolment, are for it.
    pub key: PublicKey,
    /// The relay that carries the messages.
    pub relay: AccountId,
}

impl Binding {
    /// OPAQUE's context.
    pub fn context(&self) -> Vec<u8> {
        [DOMAIN, &self.key.0, &self.relay.0].concat()
    }

    /// OPAQUE's identities.
    pub fn identifiers(&self) -> Identifiers<'_> {
        identifiers(&self.user)
    }
}

/// OPAQUE's identities of a user and the site in its name.
pub fn identifiers(user: &Name) -> Identifiers<'_> {
    Identifiers { client: Some(user.as_str().as_bytes()), server: Some(user.site().as_bytes()) }
}

/// Why a login or registration does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Not a password.
    #[error("a password has 1 to {PASSWORD_BYTES_MAX} bytes")]
    BadPassword,
    /// A member's name, not a user's.
    #[error("who logs in is a user at a site, such as alice@harbor-hotel.example")]
    NotAUser,
    /// The message is not what it should be.
    #[error("the site's answer is not a message of OPAQUE ({what}): it is another version, or was changed on the way")]
    Malformed {
        /// Which message.
        what: &'static str,
    },
    /// The password is another, there is no such user, or it was not the site that answered: nobody can tell which.
    #[error("user name and password do not fit, or the relay asked another site")]
    Refused,
}

fn checked(password: &str, user: &Name) -> Result<Zeroizing<Vec<u8>>, LoginError> {
    if user.user().is_none() {
        return Err(LoginError::NotAUser);
    }
    if !(1..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        return Err(LoginError::BadPassword);
    }
    Ok(Zeroizing::new(password.as_bytes().to_vec()))
}

/// A message of exactly this length, as a fault of this message otherwise.
fn exact<T>(
    what: &'static str,
    bytes: &[u8],
    length: usize,
    read: impl FnOnce(&[u8]) -> Result<T, ProtocolError>,
) -> Result<T, LoginError> {
    let malformed = LoginError::Malformed { what };
    if bytes.len() == length { read(bytes).map_err(|_| malformed) } else { Err(malformed) }
}

/// A login between its first message and its third.
pub struct OpenLogin {
    binding: Binding,
    password: Zeroizing<Vec<u8>>,
    state: ClientLogin<Suite>,
}

impl std::fmt::Debug for OpenLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenLogin").field("binding", &self.binding).finish_non_exhaustive()
    }
}

impl OpenLogin {
    /// Begins a login; the bytes are KE1 for the site.
    ///
    /// # Errors
    /// [`LoginError::BadPassword`] or [`LoginError::NotAUser`].
    pub fn start(password: &str, binding: Binding) -> Result<(Self, Vec<u8>), LoginError> {
        let password = checked(password, &binding.user)?;
        let started = ClientLogin::<Suite>::start(&mut SystemRandom, &password).map_err(|_| LoginError::BadPassword)?;
        let ke1 = started.message.serialize().to_vec();
        debug_assert_eq!(ke1.len(), KE1_BYTES);
        Ok((Self { binding, password, state: started.state }, ke1))
    }

    /// Checks the site's KE2 and answers KE3, by which the site knows that the password was right. Takes some tenths of a second
    /// and 64 MiB.
    ///
    /// # Errors
    /// [`LoginError::Malformed`] or [`LoginError::Refused`].
    pub fn finish(self, ke2: &[u8]) -> Result<Vec<u8>, LoginError> {
        let response = exact("KE2", ke2, KE2_BYTES, CredentialResponse::deserialize)?;
        let context = self.binding.context();
        let parameters = ClientLoginFinishParameters::new(Some(&context), self.binding.identifiers(), None);
        let finished = self.state.finish(&mut SystemRandom, &self.password, response, parameters);
        finished.map(|finished| finished.message.serialize().to_vec()).map_err(|_| LoginError::Refused)
    }
}

/// A registration between its first message and its third.
pub struct OpenRegistration {
    user: Name,
    password: Zeroizing<Vec<u8>>,
    state: ClientRegistration<Suite>,
}

impl std::fmt::Debug for OpenRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenRegistration").field("user", &self.user).finish_non_exhaustive()
    }
}

impl OpenRegistration {
    /// Begins the registration of a password; the bytes are for the site.
    ///
    /// # Errors
    /// [`LoginError::BadPassword`] or [`LoginError::NotAUser`].
    pub fn start(password: &str, user: Name) -> Result<(Self, Vec<u8>), LoginError> {
        let password = checked(password, &user)?;
        let started = ClientRegistration::<Suite>::start(&mut SystemRandom, &password);
        let started = started.map_err(|_| LoginError::BadPassword)?;
        let request = started.message.serialize().to_vec();
        Ok((Self { user, password, state: started.state }, request))
    }

    /// What the site keeps of the password, from its answer. Takes some tenths of a second and 64 MiB.
    ///
    /// # Errors
    /// [`LoginError::Malformed`].
    pub fn finish(self, response: &[u8]) -> Result<Vec<u8>, LoginError> {
        const WHAT: &str = "registration";
        let response = exact(WHAT, response, REGISTRATION_RESPONSE_BYTES, RegistrationResponse::deserialize)?;
        let parameters = ClientRegistrationFinishParameters::new(identifiers(&self.user), None);
        let finished = self.state.finish(&mut SystemRandom, &self.password, response, parameters);
        finished.map(|finished| finished.message.serialize().to_vec()).map_err(|_| LoginError::Malformed { what: WHAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opaque_ke::{
        CredentialFinalization, CredentialRequest, RegistrationRequest, RegistrationUpload, ServerLogin,
        ServerLoginParameters, ServerRegistration, ServerSetup,
    };

    fn alice() -> Name {
        "alice@harbor-hotel.example".parse().unwrap()
    }

    fn binding() -> Binding {
        Binding { user: alice(), key: PublicKey([1; 32]), relay: AccountId([2; 32]) }
    }

    fn registered(setup: &ServerSetup<Suite>, password: &str) -> Vec<u8> {
        let (open, request) = OpenRegistration::start(password, alice()).unwrap();
        assert_eq!(request.len(), REGISTRATION_REQUEST_BYTES);
        let request = RegistrationRequest::deserialize(&request).unwrap();
        let answer = ServerRegistration::start(setup, request, alice().as_str().as_bytes()).unwrap();
        let record = open.finish(&answer.message.serialize()).unwrap();
        assert_eq!(record.len(), REGISTRATION_BYTES);
        record
    }

    /// The site's half with its view of the binding: true if it accepts.
    fn login(setup: &ServerSetup<Suite>, record: &[u8], password: &str, sites: &Binding) -> Result<bool, LoginError> {
        let (open, ke1) = OpenLogin::start(password, binding()).unwrap();
        let record = ServerRegistration::finish(RegistrationUpload::deserialize(record).unwrap());
        let context = sites.context();
        let parameters = || ServerLoginParameters { context: Some(&context), identifiers: sites.identifiers() };
        let request = CredentialRequest::deserialize(&ke1).unwrap();
        let user = sites.user.as_str().as_bytes();
        let begun = ServerLogin::start(&mut SystemRandom, setup, Some(record), request, user, parameters()).unwrap();
        let ke3 = open.finish(&begun.message.serialize())?;
        let ke3 = CredentialFinalization::deserialize(&ke3).unwrap();
        Ok(begun.state.finish(ke3, parameters()).is_ok())
    }

    #[test]
    fn a_password_is_proved_for_one_key_and_one_relay() {
        let setup = ServerSetup::<Suite>::new(&mut SystemRandom);
        let record = registered(&setup, "correct horse");
        assert_eq!(login(&setup, &record, "correct horse", &binding()), Ok(true));
        assert_eq!(login(&setup, &record, "correct house", &binding()), Err(LoginError::Refused));
        let other_key = Binding { key: PublicKey([9; 32]), ..binding() };
        assert_eq!(login(&setup, &record, "correct horse", &other_key), Err(LoginError::Refused));
        let other_relay = Binding { relay: AccountId([9; 32]), ..binding() };
        assert_eq!(login(&setup, &record, "correct horse", &other_relay), Err(LoginError::Refused));
    }

    #[test]
    fn what_is_no_password_user_or_message_is_refused() {
        assert_eq!(OpenLogin::start("", binding()).unwrap_err(), LoginError::BadPassword);
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert_eq!(OpenLogin::start(&long, binding()).unwrap_err(), LoginError::BadPassword);
        let site = Binding { user: "harbor-hotel.example".parse().unwrap(), ..binding() };
        assert_eq!(OpenLogin::start("x", site).unwrap_err(), LoginError::NotAUser);
        let open = || OpenLogin::start("x", binding()).unwrap().0;
        let malformed = Err(LoginError::Malformed { what: "KE2" });
        assert_eq!(open().finish(&[0; KE2_BYTES - 1]), malformed);
        assert_eq!(open().finish(&[0xff; KE2_BYTES]), malformed);
        let debug = format!("{:?}", OpenLogin::start("secret words", binding()).unwrap().0);
        assert!(!debug.contains("secret"), "{debug}");
    }
}
