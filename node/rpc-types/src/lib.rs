//! The node's RPC as wire types and one trait, from which the node makes its server and the client its calls; what wallets and
//! relays ([`relay`]), and relays and merchants' sites ([`site`]), say to each other.
//!
//! JSON-RPC 2.0 over HTTP and WebSocket. Ids and accounts are bech32m texts (`csa1…`), hashes hexadecimal, bytes hexadecimal with `0x`,
//! amounts decimal texts of minor units (JSON numbers lose digits), times milliseconds since the Unix epoch.
#![forbid(unsafe_code)]

#[cfg(any(feature = "server", feature = "client"))]
pub mod api;
pub mod bytes;
pub mod error;
pub mod finding;
pub mod governance;
pub mod methods;
mod outcome;
mod record;
pub mod relay;
pub mod site;
pub mod view;

#[cfg(any(feature = "server", feature = "client"))]
pub use api::*;
pub use bytes::HexBytes;
pub use error::{ErrorCode, RpcFault};
pub use governance::*;
pub use methods::{METHODS, MethodDoc, MethodKind};
pub use outcome::{step_name, subject_text};
pub use view::*;
