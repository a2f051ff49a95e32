//! Every call, role, event, error and display line of each module, declared once. Knows no rules and no state.
//!
//! From one [`interface!`] come the declaration's text (which a contract carries in its wasm and a node reads), the Rust
//! types of arguments and events, a contract's dispatch, and the client's typed calls.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
use alloc::{vec, vec::Vec};

mod declare;
pub mod mention;

pub mod assets;
pub mod booking;
pub mod card;
pub mod code;
pub mod governance;
pub mod rebate;
pub mod registry;
pub mod storage;
pub mod topup;

#[doc(hidden)]
#[cfg(feature = "std")]
pub use declare::make_call;
pub use declare::{Declared, DispatchFault, Event, Method, Refusal};

#[doc(hidden)]
pub mod __private {
    pub use crate::declare::{check_all_taken, take_one, take_rest};
    pub use alloc::{format, string::String, vec, vec::Vec};
    pub use countersign_types::{self as types, lean};
    pub use parity_scale_codec::{self as codec, Decode, Encode};
    #[cfg(feature = "std")]
    pub use std::sync::OnceLock;
}

/// The interfaces of the native modules, in the order of their names.
#[cfg(feature = "std")]
pub fn native() -> [&'static countersign_types::Interface; 4] {
    [assets::interface(), code::interface(), governance::interface(), registry::interface()]
}

/// The interfaces of this repository's contracts, in the order of their names.
#[cfg(feature = "std")]
pub fn contracts() -> Vec<&'static countersign_types::Interface> {
    vec![booking::interface(), card::interface(), rebate::interface(), topup::interface()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn declarations_parse_and_print_canonically() {
        for interface in native().into_iter().chain(contracts()) {
            let again = countersign_types::Interface::parse(&interface.to_string()).unwrap();
            assert_eq!(&again, interface);
        }
    }

    #[test]
    fn indices_of_scheduled_methods_are_those_of_the_declaration() {
        for (interface, name, declared) in [
            (rebate::interface(), "settle", rebate::scheduled::settle),
            (booking::interface(), "lapse", booking::scheduled::lapse),
            (booking::interface(), "release", booking::scheduled::release),
        ] {
            let (index, method) = interface.method_named(name).unwrap();
            assert_eq!(declared as usize, index);
            assert_eq!(method.kind, countersign_types::interface::MethodKind::Scheduled);
        }
    }
}
