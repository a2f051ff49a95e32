//! The site's half of OPAQUE: it verifies who knows a password and never sees one. The wallet's half is `login` of the SDK.
use countersign_client::login::{
    Binding, LoginError, OpenRegistration, REGISTRATION_BYTES, REGISTRATION_REQUEST_BYTES, Suite, SystemRandom,
};
use countersign_client::rpc_types::site::{KE1_BYTES, KE3_BYTES};
use countersign_client::types::Name;
use opaque_ke::{
    CredentialFinalization, CredentialRequest, RegistrationRequest, RegistrationUpload, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup,
};
use zeroize::Zeroizing;

/// The stored keys are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSetup;

/// A message that is not what OPAQUE prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Not the first message of a login.
    #[error("`ke1` is not OPAQUE's first message ({KE1_BYTES} bytes)")]
    Ke1,
    /// Not the third.
    #[error("`ke3` is not OPAQUE's third message ({KE3_BYTES} bytes)")]
    Ke3,
    /// Not what is kept of a password.
    #[error("a registration is {REGISTRATION_BYTES} bytes of OPAQUE")]
    Registration,
}

/// Verifies passwords with the site's keys.
pub struct Verifier {
    setup: ServerSetup<Suite>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// A login between KE2 and KE3.
pub struct Begun {
    binding: Binding,
    state: ServerLogin<Suite>,
    is_user: bool,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("binding", &self.binding).finish_non_exhaustive()
    }
}

impl Verifier {
    /// New keys. Registrations made with others are worth nothing.
    pub fn random() -> Self {
        Self { setup: ServerSetup::new(&mut SystemRandom) }
    }

    /// Keys as they are stored.
    ///
    /// # Errors
    /// [`BadSetup`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSetup> {
        let setup = ServerSetup::deserialize(bytes).map_err(|_| BadSetup)?;
        let verifier = Self { setup };
        if verifier.to_bytes().as_slice() == bytes { Ok(verifier) } else { Err(BadSetup) }
    }

    /// What is stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.setup.serialize().to_vec())
    }

    /// Both halves of a registration, for the operator who is given a password: what the database keeps of it.
    ///
    /// # Errors
    /// [`LoginError::BadPassword`] or [`LoginError::NotAUser`].
    pub fn register(&self, user: &Name, password: &str) -> Result<Vec<u8>, LoginError> {
        let malformed = |_| LoginError::Malformed { what: "registration" };
        let (open, request) = OpenRegistration::start(password, user.clone())?;
        debug_assert_eq!(request.len(), REGISTRATION_REQUEST_BYTES);
        let request = RegistrationRequest::deserialize(&request).map_err(malformed)?;
        let answer = ServerRegistration::start(&self.setup, request, user.as_str().as_bytes()).map_err(malformed)?;
        open.finish(&answer.message.serialize())
    }

    /// Begins a login; the bytes are KE2. Without a registration the answer looks the same and takes the same work, made from
    /// keys that no password opens (RFC 9807, section 6.3.2.2).
    ///
    /// # Errors
    /// [`BadMessage::Ke1`], or [`BadMessage::Registration`] if the database holds none.
    pub fn start(
        &self,
        binding: Binding,
        registration: Option<&[u8]>,
        ke1: &[u8],
    ) -> Result<(Begun, Vec<u8>), BadMessage> {
        if ke1.len() != KE1_BYTES {
            return Err(BadMessage::Ke1);
        }
        let request = CredentialRequest::deserialize(ke1).map_err(|_| BadMessage::Ke1)?;
        let record = registration.map(|bytes| check_registration(bytes).map(ServerRegistration::finish)).transpose()?;
        let is_user = record.is_some();
        let context = binding.context();
        let parameters = ServerLoginParameters { context: Some(&context), identifiers: binding.identifiers() };
        let user = binding.user.as_str().as_bytes();
        let begun = ServerLogin::start(&mut SystemRandom, &self.setup, record, request, user, parameters);
        let begun = begun.map_err(|_| BadMessage::Ke1)?;
        let ke2 = begun.message.serialize().to_vec();
        Ok((Begun { binding, state: begun.state, is_user }, ke2))
    }
}

/// Checks what a database is to keep of a password.
///
/// # Errors
/// [`BadMessage::Registration`].
pub fn check_registration(bytes: &[u8]) -> Result<RegistrationUpload<Suite>, BadMessage> {
    if bytes.len() != REGISTRATION_BYTES {
        return Err(BadMessage::Registration);
    }
    RegistrationUpload::deserialize(bytes).map_err(|_| BadMessage::Registration)
}

/// Reads a wallet's third message.
///
/// # Errors
/// [`BadMessage::Ke3`].
pub fn read_ke3(bytes: &[u8]) -> Result<CredentialFinalization<Suite>, BadMessage> {
    if bytes.len() != KE3_BYTES {
        return Err(BadMessage::Ke3);
    }
    CredentialFinalization::deserialize(bytes).map_err(|_| BadMessage::Ke3)
}

impl Begun {
    /// What the login is for.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// True if the wallet knows the password, and means this key and this relay.
    pub fn verify(self, ke3: CredentialFinalization<Suite>) -> bool {
        let context = self.binding.context();
        let parameters = ServerLoginParameters { context: Some(&context), identifiers: self.binding.identifiers() };
        self.state.finish(ke3, parameters).is_ok() && self.is_user
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::login::OpenLogin;
    use countersign_client::rpc_types::site::KE2_BYTES;
    use countersign_client::types::{AccountId, PublicKey};

    fn binding() -> Binding {
        let user = "alice@harbor-hotel.example".parse().unwrap();
        Binding { user, key: PublicKey([1; 32]), relay: AccountId([2; 32]) }
    }

    #[test]
    fn an_unknown_user_looks_like_one_with_another_password() {
        let verifier = Verifier::random();
        let known = verifier.register(&binding().user, "correct horse").unwrap();
        for record in [Some(known.as_slice()), None] {
            let (open, ke1) = OpenLogin::start("wrong horse", binding()).unwrap();
            let (begun, ke2) = verifier.start(binding(), record, &ke1).unwrap();
            assert_eq!(ke2.len(), KE2_BYTES);
            assert_eq!(open.finish(&ke2), Err(LoginError::Refused));
            let forged = read_ke3(&[7; KE3_BYTES]).unwrap();
            assert!(!begun.verify(forged), "{}", record.is_some());
        }
    }

    #[test]
    fn keys_survive_storage_and_registrations_need_them() {
        let verifier = Verifier::random();
        let record = verifier.register(&binding().user, "correct horse").unwrap();
        check_registration(&record).unwrap();
        let again = Verifier::from_bytes(&verifier.to_bytes()).unwrap();
        let accepts = |verifier: &Verifier| {
            let (open, ke1) = OpenLogin::start("correct horse", binding()).unwrap();
            let (begun, ke2) = verifier.start(binding(), Some(&record), &ke1).unwrap();
            open.finish(&ke2).is_ok_and(|ke3| begun.verify(read_ke3(&ke3).unwrap()))
        };
        assert!(accepts(&again));
        assert!(!accepts(&Verifier::random()), "the database alone opens nothing");
        assert_eq!(Verifier::from_bytes(&[1; 20]).unwrap_err(), BadSetup);
        let long = [verifier.to_bytes().as_slice(), &[0]].concat();
        assert_eq!(Verifier::from_bytes(&long).unwrap_err(), BadSetup);
    }

    #[test]
    fn messages_of_another_length_or_form_are_refused() {
        let verifier = Verifier::random();
        for ke1 in [&[][..], &[0; KE1_BYTES - 1], &[0xff; KE1_BYTES], &[0; KE1_BYTES + 1]] {
            assert_eq!(verifier.start(binding(), None, ke1).unwrap_err(), BadMessage::Ke1);
        }
        assert!(read_ke3(&[0; KE3_BYTES + 1]).is_err());
        assert!(check_registration(&[0xff; REGISTRATION_BYTES]).is_err());
    }
}
