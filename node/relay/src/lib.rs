//! A node's relay: logs wallets in at their merchants' sites, and carries sealed messages between wallets, across nodes.
//!
//! It must not know the engine, libp2p, execution or the state's layout: what it needs of them is in two traits, [`Ledger`] and
//! [`Peers`], which the node implements. It never sees a password or what a message says.
//!
//! ```text
//! wallet ─relay_login_*→ login.rs ─site.rs (HTTPS, RFC 9421)→ the merchant's site      sessions.rs: token ↔ wallet's key
//! wallet ─relay_contacts, _posts, _enrol→ reading.rs ─site.rs→ the same               standing.rs: what the ledger says now
//! wallet ←notices─ subscriptions.rs ←─ posts of the site, messages of the inbox
//! wallet ─relay_send→ messages/ ─on disk─┬→ inbox, if the receiver's messages are kept here ─relay_inbox→ wallet
//!                                        └→ outbox ─forward.rs, Peers::ask→ the relay that keeps them ─answer→ its inbox
//! ```
//!
//! Nothing that was acknowledged to a sender is lost by a crash: `relay_send` answers when the message is on disk, it leaves
//! the outbox when the other relay has answered that it is on its disk, and the inbox when the receiver has acknowledged it.
#![forbid(unsafe_code)]

mod clock;
mod fault;
mod forward;
mod ledger;
mod limits;
mod login;
mod messages;
mod peers;
mod protocol;
mod reading;
mod relay;
mod sessions;
mod site;
mod standing;
mod store;
mod subscriptions;
#[cfg(test)]
mod testing;

pub use clock::{Clock, system_clock};
pub use ledger::{Ledger, SiteStanding};
pub use peers::{PeerError, Peers};
pub use relay::{Answer, OpenError, Options, Relay, RelayFigures};
pub use site::{ProbeError, SitesError, TrustError, certificates, probe};
pub use store::StoreError;
