//! Who may ask: a relay that is granted, by a signature that is recent and was not used before.
//!
//! Nonces are kept in memory. A request that is replayed after a restart can only begin a login that nobody can finish: logins and
//! sessions end with the process too.
use crate::limits;
use countersign_client::rpc_types::site::signature::{RequestLine, SignatureFault, SignedHeaders, read_request};
use countersign_client::rpc_types::site::{REQUEST_AGE_MS_MAX, SiteFault};
use countersign_client::types::{AccountId, Hash, PublicKey};
use std::collections::HashMap;

/// Nonces of the relays, as long as a request with them could be accepted.
#[derive(Debug, Default)]
pub struct Nonces {
    relays: HashMap<AccountId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Nonce to the time its request stated.
    nonces: HashMap<Hash, u64>,
    swept_at_ms: u64,
}

/// A request that is not answered, and what to tell its sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No signature that could be one.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// Signed for another site.
    #[error("this is {wanted}; the request is signed for `{found}`")]
    WrongSite {
        /// The site named in the request.
        found: String,
        /// This one.
        wanted: String,
    },
    /// Not granted.
    #[error(
        "the relay {key} is not granted at this site; its operator grants it with `relay grant {key}`",
        key = PublicKey(.relay.0)
    )]
    UnknownRelay {
        /// Who claims to have signed.
        relay: AccountId,
    },
    /// Too old, or of the future.
    #[error("the request was signed at {created_s} s, this clock shows {now_s} s: set the relay's clock")]
    Stale {
        /// Time stated, seconds since the Unix epoch.
        created_s: u64,
        /// The site's.
        now_s: u64,
    },
    /// Used before.
    #[error("a request with this nonce was answered already; sign each request anew")]
    Replayed,
    /// More than are remembered.
    #[error("the relay has sent {} requests within two minutes; send fewer", limits::NONCES_MAX)]
    TooMany,
}

impl Refused {
    /// The code it is answered with.
    pub fn fault(&self) -> SiteFault {
        match self {
            Self::Signature(_) => SiteFault::BadSignature,
            Self::WrongSite { .. } => SiteFault::WrongSite,
            Self::UnknownRelay { .. } => SiteFault::UnknownRelay,
            Self::Stale { .. } => SiteFault::StaleRequest,
            Self::Replayed => SiteFault::ReplayedRequest,
            Self::TooMany => SiteFault::TooManyRequests,
        }
    }
}

/// The headers that are signed, the line they are about, and the body.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Method, path and site.
    pub line: RequestLine<'a>,
    /// Digest and signature.
    pub headers: &'a SignedHeaders,
    /// The body.
    pub body: &'a [u8],
}

impl Nonces {
    /// Which relay asks. `granted` gives the key of a relay, if it is granted.
    ///
    /// # Errors
    /// [`Refused`], or what `granted` fails with.
    pub fn check<E: From<Refused>>(
        &mut self,
        asked: &Asked<'_>,
        site: &str,
        now_ms: u64,
        granted: impl FnOnce(&AccountId) -> Result<Option<PublicKey>, E>,
    ) -> Result<AccountId, E> {
        if asked.line.site != site {
            let found = asked.line.site.chars().take(80).collect();
            return Err(Refused::WrongSite { found, wanted: site.into() }.into());
        }
        let signed = read_request(asked.headers, &asked.line, asked.body).map_err(Refused::from)?;
        let relay = signed.claim.relay;
        let key = granted(&relay)?.ok_or(Refused::UnknownRelay { relay })?;
        if !signed.is_by(&key) {
            return Err(Refused::Signature(SignatureFault::NotValid).into());
        }
        let created_s = signed.claim.created_s;
        let created_ms = created_s.saturating_mul(1_000);
        if created_ms.abs_diff(now_ms) > REQUEST_AGE_MS_MAX {
            return Err(Refused::Stale { created_s, now_s: now_ms / 1_000 }.into());
        }
        let nonce = Hash::of("site-nonce", signed.claim.nonce.as_bytes());
        self.relays.entry(relay).or_default().insert(nonce, created_ms, now_ms)?;
        Ok(relay)
    }
}

impl Seen {
    fn insert(&mut self, nonce: Hash, created_ms: u64, now_ms: u64) -> Result<(), Refused> {
        if self.nonces.contains_key(&nonce) {
            return Err(Refused::Replayed);
        }
        let due = now_ms.abs_diff(self.swept_at_ms) >= REQUEST_AGE_MS_MAX / 4;
        if due || self.nonces.len() >= limits::NONCES_MAX {
            self.nonces.retain(|_, created| created.saturating_add(REQUEST_AGE_MS_MAX) >= now_ms);
            self.swept_at_ms = now_ms;
        }
        if self.nonces.len() >= limits::NONCES_MAX {
            return Err(Refused::TooMany);
        }
        self.nonces.insert(nonce, created_ms);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_client::rpc_types::site::signature::{Claim, sign_request};
    use countersign_client::types::signature::{development_secret, public_key};

    const SITE: &str = "harbor-hotel.example";
    const NOW_MS: u64 = 1_700_000_000_000;
    const RELAY: AccountId = AccountId([4; 32]);

    fn ask(nonces: &mut Nonces, secret: &str, site: &str, created_s: u64, nonce: u64) -> Result<AccountId, Refused> {
        let line = RequestLine { method: "POST", path: "/v1/contacts", site };
        let claim = Claim { relay: RELAY, created_s, nonce: format!("{nonce:032x}") };
        let headers = sign_request(&development_secret(secret), &claim, &line, b"{}");
        let granted =
            |relay: &AccountId| Ok::<_, Refused>((*relay == RELAY).then(|| public_key(&development_secret("relay"))));
        nonces.check(&Asked { line, headers: &headers, body: b"{}" }, SITE, NOW_MS, granted)
    }

    #[test]
    fn a_request_is_answered_once() {
        let mut nonces = Nonces::default();
        let now_s = NOW_MS / 1_000;
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s, 1), Ok(RELAY));
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s, 1), Err(Refused::Replayed));
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s + 1, 1), Err(Refused::Replayed));
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s, 2), Ok(RELAY));
    }

    #[test]
    fn time_site_and_key_must_fit() {
        let mut nonces = Nonces::default();
        let now_s = NOW_MS / 1_000;
        let age_s = REQUEST_AGE_MS_MAX / 1_000;
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s - age_s, 1), Ok(RELAY));
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s + age_s, 2), Ok(RELAY));
        for created_s in [now_s - age_s - 1, now_s + age_s + 1, 0, 999_999_999_999_999] {
            let refused = ask(&mut nonces, "relay", SITE, created_s, 3);
            assert!(matches!(refused, Err(Refused::Stale { .. })), "{created_s}: {refused:?}");
        }
        let elsewhere = ask(&mut nonces, "relay", "city-books.example", now_s, 3);
        assert!(matches!(elsewhere, Err(Refused::WrongSite { .. })));
        let forged = ask(&mut nonces, "somebody", SITE, now_s, 3);
        assert_eq!(forged, Err(Refused::Signature(SignatureFault::NotValid)));
        assert_eq!(ask(&mut nonces, "relay", SITE, now_s, 3), Ok(RELAY), "a refused request uses no nonce");
    }

    #[test]
    fn nonces_are_forgotten_when_their_requests_are_too_old() {
        let mut seen = Seen::default();
        let nonce = |n: u64| Hash::of("site-nonce", &n.to_le_bytes());
        for n in 0..limits::NONCES_MAX as u64 {
            seen.insert(nonce(n), NOW_MS, NOW_MS).unwrap();
        }
        let last = limits::NONCES_MAX as u64;
        assert_eq!(seen.insert(nonce(last), NOW_MS, NOW_MS), Err(Refused::TooMany));
        assert_eq!(seen.insert(nonce(1), NOW_MS, NOW_MS), Err(Refused::Replayed));
        let later = NOW_MS + REQUEST_AGE_MS_MAX + 1;
        assert_eq!(seen.insert(nonce(last), later, later), Ok(()));
        assert_eq!(seen.nonces.len(), 1);
    }
}
