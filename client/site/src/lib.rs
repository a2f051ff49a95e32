//! A merchant's site: it knows its users' registrations, contacts and posts, and answers the relays it grants. It trusts the relays
//! in nothing but carrying messages, knows no node and no chain's state, and never learns a password.
//!
//! ```text
//! relay ─HTTPS→ http ─signature, time, nonce→ gate ─→ api ─┬→ logins (memory: a restart ends them), sessions
//!   ▲ signed answer bound to the request                   ├→ store (redb: users, contacts, posts, relays, sessions)
//!   └──────────────────────────────────────────────────────┴→ enrol (signs one call for one user)
//! operator ─command line→ admin ─→ store, or the running server by its socket
//! ```
#![forbid(unsafe_code)]

pub mod admin;
pub mod api;
pub mod enrol;
pub mod gate;
pub mod http;
pub mod keys;
pub mod limiter;
pub mod limits;
pub mod logins;
pub mod opaque;
pub mod record;
pub mod sessions;
pub mod settings;
pub mod store;
pub mod tls;

/// The interface's OpenAPI 3.1 document, as served at `/openapi.json`.
pub const OPENAPI: &str = include_str!("../openapi.json");
