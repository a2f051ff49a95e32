//! The program `countersign-site` as relays and operators meet it: over TLS on loopback, on a real folder.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]

mod commands;
mod crash;
mod enrolment;
mod interface;
mod logins;
mod reading;
mod relay;
mod requests;
mod server;
