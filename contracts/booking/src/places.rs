//! Which object a booking lies on. Every booking has a place from its request on; until an object is bound to it, the place may change.
//!
//! Two bookings' worth of time change places where both objects have a *seam*: a moment that lies inside no booking on either. All
//! that lies between two such seams can be exchanged without two bookings ever overlapping:
//!
//! ```text
//!            seam          seam                       seam          seam
//! room 1  ────┤▓▓A▓▓├────────┤──                ────────┤▒▒C▒▒▒├─────┤──
//! room 2  ────────┤▒▒C▒▒▒├───┤──      becomes   ────┤▓▓A▓▓├──────────┤──
//! ```
//!
//! A *request* takes the first object that is free for the whole time. If none is, it takes the one that stays free longest and, where
//! that is taken, exchanges what follows with an object that is free there, until there is room. A *choice* exchanges what
//! lies between the seams around the booking. What is bound, or was made under another listing, is never moved.
//!
//! So a choice never costs another booking its place, and while nobody has chosen a request succeeds whenever fewer bookings than
//! objects overlap at each moment: where the object in hand is taken, one of the others is free, and each exchange carries on
//! later than the one before. It ends early only at the bounds of [`limits`] for moves and readings.
use crate::calendar::{self, Slot};
use crate::limits;
use crate::state::PLACES;
use alloc::vec::Vec;
use countersign_contract_sdk::Host;
use countersign_interface::booking::{BookingRecord, Error};
use countersign_types::{AccountId, Hash, Text, Timestamp};

/// Objects of one type of one listing, and what may still be done to rearrange them in this call.
pub struct Floor<'a, H> {
    host: &'a mut H,
    merchant: &'a AccountId,
    listing: u32,
    reads_left: usize,
    moves_left: usize,
}

/// What changes places, on the one object and on the other.
type Exchange = [Vec<Slot>; 2];

impl<'a, H: Host> Floor<'a, H> {
    /// The objects a merchant has under a listing, for a request.
    pub fn for_request(host: &'a mut H, merchant: &'a AccountId, listing: u32) -> Self {
        let (reads_left, moves_left) = (limits::REQUEST_READS_MAX, limits::REQUEST_MOVES_MAX);
        Self { host, merchant, listing, reads_left, moves_left }
    }

    /// As [`Self::for_request`] without its bounds: tells what only they refuse.
    #[cfg(test)]
    pub fn unbounded(host: &'a mut H, merchant: &'a AccountId, listing: u32) -> Self {
        Self { host, merchant, listing, reads_left: usize::MAX, moves_left: usize::MAX }
    }

    /// The objects a merchant has under a listing, for a choice.
    pub fn for_choice(host: &'a mut H, merchant: &'a AccountId, listing: u32) -> Self {
        let (reads_left, moves_left) = (limits::CHOICE_READS_MAX, limits::CHOICE_MOVES_MAX);
        Self { host, merchant, listing, reads_left, moves_left }
    }

    /// Finds an object on which nothing lies from `from` until `until`, rearranging bookings if it must. If it returns `None`, the
    /// call is refused and what was rearranged is undone with it.
    pub fn make_room(&mut self, objects: &[Text], from: Timestamp, until: Timestamp) -> Option<Text> {
        let mut next = Vec::with_capacity(objects.len());
        for object in objects {
            let slot = calendar::first_after(self.host, self.merchant, object, from);
            if begins(&slot) >= until {
                return Some(object.clone());
            }
            next.push(slot);
        }
        let best = longest(&next, from, &[])?;
        while begins(&next[best]) < until {
            let taken = next[best].clone()?;
            for (slot, object) in next.iter_mut().zip(objects) {
                if slot.as_ref().is_some_and(|slot| slot.until <= taken.from) {
                    *slot = self.read(object, taken.from)?;
                }
            }
            let mut tried = alloc::vec![best];
            loop {
                let other = longest(&next, taken.from, &tried)?;
                let sides = [&objects[best], &objects[other]];
                if let Some(exchange) = self.plan(sides, taken.from, taken.until, None) {
                    self.exchange(sides, exchange);
                    next[best] = self.read(&objects[best], taken.from)?;
                    next[other] = self.read(&objects[other], taken.from)?;
                    break;
                }
                tried.push(other);
            }
        }
        Some(objects[best].clone())
    }

    /// Plans to bring a booking from the object `here` to the object `there`.
    ///
    /// # Errors
    /// [`Error::ObjectTaken`] if another booking is bound to it meanwhile; [`Error::ObjectNeeded`] if what lies there cannot make room.
    pub fn plan_choice(
        &mut self,
        [here, there]: [&Text; 2],
        booking: &Hash,
        record: &BookingRecord,
    ) -> Result<Exchange, Error> {
        let mut moment = record.from;
        while let Some(slot) = self.read(there, moment).ok_or(Error::ObjectNeeded)? {
            if slot.from >= record.until {
                break;
            }
            if !self.may_move(&slot) {
                return Err(Error::ObjectTaken);
            }
            moment = slot.until;
        }
        let sides = [here, there];
        let seam = self.seam_before(sides, record.from).ok_or(Error::ObjectNeeded)?;
        self.plan(sides, seam, record.until, Some(booking)).ok_or(Error::ObjectNeeded)
    }

    /// Carries a plan out.
    pub fn exchange(&mut self, sides: [&Text; 2], exchange: Exchange) {
        for (object, slots) in sides.iter().zip(&exchange) {
            for slot in slots {
                calendar::remove(self.host, self.merchant, object, slot.until);
            }
        }
        let [here, there] = exchange;
        for (object, slots) in sides.iter().zip([there, here]) {
            for slot in slots {
                calendar::put(self.host, self.merchant, object, &slot);
                PLACES.set(self.host, &slot.booking, object);
                self.moves_left = self.moves_left.saturating_sub(1);
            }
        }
    }

    /// The last moment at or before `moment` that lies inside no booking on either object. `None` if it is too far.
    fn seam_before(&mut self, sides: [&Text; 2], mut moment: Timestamp) -> Option<Timestamp> {
        let mut unchanged = 0;
        for side in [0, 1].into_iter().cycle() {
            match self.read(sides[side], moment)? {
                Some(slot) if slot.from < moment => {
                    moment = slot.from;
                    unchanged = 0;
                }
                _ => unchanged += 1,
            }
            if unchanged == 2 {
                break;
            }
        }
        Some(moment)
    }

    /// All that lies on two objects from the seam `from` to the first seam at or after `until`. `None` if some of it must not move
    /// (`own` may), or it is too much.
    fn plan(
        &mut self,
        sides: [&Text; 2],
        from: Timestamp,
        mut until: Timestamp,
        own: Option<&Hash>,
    ) -> Option<Exchange> {
        let mut exchange = [Vec::new(), Vec::new()];
        let mut read_to = [from; 2];
        let mut unchanged = 0;
        for side in [0, 1].into_iter().cycle() {
            match self.read(sides[side], read_to[side])? {
                Some(slot) if slot.from < until => {
                    let moves = exchange[0].len() + exchange[1].len();
                    if moves == self.moves_left || (Some(&slot.booking) != own && !self.may_move(&slot)) {
                        return None;
                    }
                    read_to[side] = slot.until;
                    until = until.max(slot.until);
                    exchange[side].push(slot);
                    unchanged = 0;
                }
                _ => unchanged += 1,
            }
            if unchanged == 2 {
                break;
            }
        }
        Some(exchange)
    }

    fn may_move(&self, slot: &Slot) -> bool {
        !slot.bound && slot.listing == self.listing
    }

    /// [`calendar::first_after`], counted; the outer `None` if too much was read.
    #[allow(clippy::option_option)] // what is not there differs from what is not read
    fn read(&mut self, object: &Text, moment: Timestamp) -> Option<Option<Slot>> {
        self.reads_left = self.reads_left.checked_sub(1)?;
        Some(calendar::first_after(self.host, self.merchant, object, moment))
    }
}

/// The object that is free at a moment and stays so longest, by what lies next on each; the first of equals.
fn longest(next: &[Option<Slot>], moment: Timestamp, without: &[usize]) -> Option<usize> {
    let mut longest: Option<usize> = None;
    for (index, slot) in next.iter().enumerate() {
        let stays = begins(slot);
        let is_longer = longest.is_none_or(|other| stays > begins(&next[other]));
        if stays > moment && is_longer && !without.contains(&index) {
            longest = Some(index);
        }
    }
    longest
}

fn begins(slot: &Option<Slot>) -> Timestamp {
    slot.as_ref().map_or(Timestamp::MAX, |slot| slot.from)
}

/// Binds the object a booking lies on to it.
#[inline(never)]
pub fn bind(host: &mut impl Host, booking: &Hash, record: &mut BookingRecord) -> Text {
    let object = PLACES.get(host, booking).expect("a booking that has not ended has a place");
    let BookingRecord { from, until, listing, .. } = *record;
    calendar::put(host, &record.merchant, &object, &Slot { from, until, booking: *booking, listing, bound: true });
    record.object = Some(object.clone());
    object
}

/// Frees the object a booking lies on.
#[inline(never)]
pub fn leave(host: &mut impl Host, booking: &Hash, record: &BookingRecord) {
    if let Some(object) = PLACES.get(host, booking) {
        calendar::remove(host, &record.merchant, &object, record.until);
        PLACES.remove(host, booking);
    }
}
