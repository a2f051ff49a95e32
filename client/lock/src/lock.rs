//! A lock: what it knows, what it asks, and every check before it opens.
//!
//! ```text
//! Pass ─admit: certified? on the ledger? fresh? in force? this door?→ Admission ─answer: in time? this challenge? the holder?→ open
//! ```
//! Times are compared with the lock's clock alone. Within the span nothing is rounded in anybody's favour: a lock whose clock is wrong
//! opens early or late by as much.
use crate::credential::{Answer, Challenge, Credential, Pass};
use crate::limits::{
    AHEAD_MS_DEFAULT, AHEAD_MS_MAX, CHALLENGE_MS, FRESH_MS_DEFAULT, FRESH_MS_MAX, NONCE_BYTES, OBJECTS_MAX,
};
use crate::refusal::Refusal;
use crate::trust::{Handover, LockTrust};
use countersign_interface::booking::{self, BookingRecord, Identity, Status};
use countersign_types::{AccountId, Authority, BoundedVec, Hash, Text, Timestamp, account, signature, state_key};
use parity_scale_codec::{Decode, Encode};

/// How far times may be apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Bounds {
    /// How old a certified header may be.
    pub fresh_ms: u64,
    /// How far one may be ahead of the lock's clock.
    pub ahead_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { fresh_ms: FRESH_MS_DEFAULT, ahead_ms: AHEAD_MS_DEFAULT }
    }
}

/// Everything a lock keeps. It encodes, so that it outlives a power cut: a challenge that was answered stays answered.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Lock {
    trust: LockTrust,
    merchant: AccountId,
    objects: BoundedVec<Text, OBJECTS_MAX>,
    bounds: Bounds,
    /// The challenge that waits for its answer.
    waiting: Option<Challenge>,
}

/// Settings that make no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLock {
    /// It would open nothing.
    #[error("a lock is for at least one object")]
    NoObject,
    /// The freshness bound.
    #[error("a credential's age may be limited to 1 ms up to {} h", FRESH_MS_MAX / 3_600_000)]
    Fresh,
    /// The clock's tolerance.
    #[error("a header may be allowed to be ahead by at most {} minutes", AHEAD_MS_MAX / 60_000)]
    Ahead,
}

/// Who may enter, where and when, by a pass that was found good.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Admission {
    /// The booking.
    pub booking: Hash,
    /// Its customer.
    pub holder: AccountId,
    /// Who signs for the customer.
    pub authority: Authority,
    /// The object bound to it.
    pub object: Text,
    /// From when on it opens.
    pub from: Timestamp,
    /// From when on it does not any more.
    pub until: Timestamp,
    /// By when a customer who has not checked in must have: afterwards the ledger ends the booking.
    pub come_by: Option<Timestamp>,
    /// Time of the header: what was true then.
    pub certified_at: Timestamp,
}

impl Lock {
    /// A lock for some objects of a merchant.
    ///
    /// # Errors
    /// [`BadLock`].
    pub fn new(
        trust: LockTrust,
        merchant: AccountId,
        objects: BoundedVec<Text, OBJECTS_MAX>,
        bounds: Bounds,
    ) -> Result<Self, BadLock> {
        if objects.is_empty() {
            return Err(BadLock::NoObject);
        }
        if bounds.fresh_ms == 0 || bounds.fresh_ms > FRESH_MS_MAX {
            return Err(BadLock::Fresh);
        }
        if bounds.ahead_ms > AHEAD_MS_MAX {
            return Err(BadLock::Ahead);
        }
        Ok(Self { trust, merchant, objects, bounds, waiting: None })
    }

    /// The lock that asked this, as its challenge tells: with it a wallet tries its own credential.
    pub fn asking(trust: LockTrust, challenge: Challenge) -> Self {
        let Challenge { merchant, bounds, .. } = challenge;
        Self { trust, merchant, objects: challenge.objects.clone(), bounds, waiting: Some(challenge) }
    }

    /// With a challenge that waits, as it was kept.
    #[must_use]
    pub fn waiting_for(mut self, challenge: Option<Challenge>) -> Self {
        self.waiting = challenge;
        self
    }

    /// Whom it believes.
    pub fn trust(&self) -> &LockTrust {
        &self.trust
    }

    /// Whose objects it is for.
    pub fn merchant(&self) -> &AccountId {
        &self.merchant
    }

    /// The objects it opens.
    pub fn objects(&self) -> &[Text] {
        &self.objects
    }

    /// How far times may be apart.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The challenge that waits for its answer.
    pub fn waiting(&self) -> Option<&Challenge> {
        self.waiting.as_ref()
    }

    /// Asks: the challenge replaces the one that waits. `nonce` must be random, so that no answer fits twice.
    pub fn challenge(&mut self, nonce: [u8; NONCE_BYTES], now: Timestamp) -> &Challenge {
        self.waiting.insert(Challenge {
            chain: *self.trust.chain(),
            since: self.trust.since(),
            merchant: self.merchant,
            objects: self.objects.clone(),
            bounds: self.bounds,
            nonce,
            made_at: now,
        })
    }

    /// Believes the validators that a change leads to.
    ///
    /// # Errors
    /// [`LockTrust::follow`]'s; nothing is changed.
    pub fn follow(&mut self, handover: &Handover) -> Result<(), Refusal> {
        self.trust.follow(handover)
    }

    /// Opens for a credential, once: its challenge waits no more.
    ///
    /// # Errors
    /// [`Refusal`]; the lock stays shut and the challenge waits on.
    pub fn open(&mut self, credential: &Credential, now: Timestamp) -> Result<Admission, Refusal> {
        // First, because it costs nothing: what was answered already is not looked at again.
        self.expected(&credential.answer, now)?;
        let (admission, trust) = self.judge(&credential.pass, now)?;
        self.check_answer(&admission, &credential.answer, now)?;
        self.waiting = None;
        self.trust = trust;
        Ok(admission)
    }

    /// Judges a pass that is shown ahead of time. What comes of it is for [`Self::answer`].
    ///
    /// # Errors
    /// [`Refusal`], but for those of the time and of the answer.
    pub fn admit(&self, pass: &Pass, now: Timestamp) -> Result<Admission, Refusal> {
        self.judge(pass, now).map(|(admission, _)| admission)
    }

    /// Opens for an answer to a pass that was admitted before, once.
    ///
    /// # Errors
    /// [`Refusal`]; the lock stays shut and the challenge waits on.
    pub fn answer(&mut self, admission: &Admission, answer: &Answer, now: Timestamp) -> Result<(), Refusal> {
        self.check_answer(admission, answer, now)?;
        self.waiting = None;
        Ok(())
    }

    /// What a pass shows, and whom the lock believes if it follows the changes of the validators that come with it.
    fn judge(&self, pass: &Pass, now: Timestamp) -> Result<(Admission, LockTrust), Refusal> {
        let mut trust = self.trust.clone();
        // A credential made for locks that know less brings changes that this one has followed.
        let news = pass.handovers.iter().filter(|handover| handover.header.height >= self.trust.since());
        for handover in news {
            trust.follow(handover)?;
        }
        trust.check(&pass.header, &pass.seal)?;
        check_state(pass)?;
        self.check_age(pass.header.time, now)?;
        let object = self.check_booking(&pass.record)?;
        if pass.holder.status == account::Status::Suspended {
            return Err(Refusal::HolderSuspended);
        }
        let BookingRecord { customer, from, until, status, due_at, .. } = pass.record;
        let admission = Admission {
            booking: pass.booking,
            holder: customer,
            authority: pass.holder.authority.clone(),
            object: object.clone(),
            from,
            until,
            come_by: (status == Status::Paid).then_some(due_at),
            certified_at: pass.header.time,
        };
        Ok((admission, trust))
    }

    fn check_age(&self, certified_at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        let ahead_ms = certified_at.saturating_since(now);
        if ahead_ms > self.bounds.ahead_ms {
            return Err(Refusal::FromTheFuture { ahead_ms });
        }
        let age_ms = now.saturating_since(certified_at);
        if age_ms > self.bounds.fresh_ms {
            return Err(Refusal::Stale { age_ms, limit_ms: self.bounds.fresh_ms });
        }
        Ok(())
    }

    /// Checks that a booking is in force and for this door; the object bound to it.
    fn check_booking<'a>(&self, record: &'a BookingRecord) -> Result<&'a Text, Refusal> {
        match record.status {
            Status::Paid | Status::CheckedIn => {}
            Status::Requested => return Err(Refusal::Unpaid),
            Status::CheckedOut => return Err(Refusal::CheckedOut),
            Status::Disputed => return Err(Refusal::InDispute),
            status => return Err(Refusal::Ended { status }),
        }
        if record.merchant != self.merchant {
            return Err(Refusal::OtherMerchant);
        }
        let object = record.object.as_ref().ok_or(Refusal::NoObject)?;
        if !self.objects.contains(object) {
            return Err(Refusal::OtherObject);
        }
        match record.identity {
            Identity::NotRequired | Identity::Accepted => Ok(object),
            Identity::Missing | Identity::Shown => Err(Refusal::NotIdentified),
        }
    }

    /// The challenge that waits, if this is an answer to it in time.
    fn expected(&self, answer: &Answer, now: Timestamp) -> Result<&Challenge, Refusal> {
        let challenge = self.waiting.as_ref().ok_or(Refusal::NoChallenge)?;
        if answer.nonce != challenge.nonce {
            return Err(Refusal::OtherChallenge);
        }
        let age_ms = now.saturating_since(challenge.made_at);
        if age_ms > CHALLENGE_MS { Err(Refusal::ChallengeExpired { age_ms }) } else { Ok(challenge) }
    }

    fn check_answer(&self, admission: &Admission, answer: &Answer, now: Timestamp) -> Result<(), Refusal> {
        let challenge = self.expected(answer, now)?;
        self.check_age(admission.certified_at, now)?;
        if now < admission.from {
            return Err(Refusal::TooEarly { wait_ms: admission.from.saturating_since(now) });
        }
        if now >= admission.until {
            return Err(Refusal::TooLate { since_ms: now.saturating_since(admission.until) });
        }
        if let Some(come_by) = admission.come_by.filter(|come_by| now >= *come_by) {
            return Err(Refusal::NoShow { since_ms: now.saturating_since(come_by) });
        }
        check_signatures(&admission.authority, answer, &challenge.message(&admission.booking))
    }
}

/// Checks that the records of the booking and of its customer are in the state that the header names.
fn check_state(pass: &Pass) -> Result<(), Refusal> {
    let Pass { header, booking, record, record_proof, holder, holder_proof, .. } = pass;
    let (root, key) = (&header.state_root, booking::record_key(booking));
    record_proof.verify(root, &key, Some(&record.encode())).map_err(Refusal::Booking)?;
    let key = state_key::account(&record.customer);
    holder_proof.verify(root, &key, Some(&holder.encode())).map_err(Refusal::Holder)
}

/// Checks that the keys that signed are enough for an authority.
fn check_signatures(authority: &Authority, answer: &Answer, message: &[u8; 32]) -> Result<(), Refusal> {
    let mut sum = 0_u32;
    let mut next = 0;
    for (place, signature) in &answer.signatures {
        let place = usize::from(*place);
        if place < next {
            return Err(Refusal::NotTheHolder);
        }
        next = place + 1;
        let (key, weight) = authority.keys.get(place).ok_or(Refusal::NotTheHolder)?;
        if !signature::verify(key, message, signature) {
            return Err(Refusal::Signature);
        }
        sum = sum.saturating_add(u32::from(*weight));
    }
    if sum >= authority.threshold { Ok(()) } else { Err(Refusal::NotTheHolder) }
}
