//! The macro that declares a module, and the traits of what it makes.
use alloc::vec::Vec;
use countersign_types::AccountId;
#[cfg(feature = "std")]
use countersign_types::{Call, ModuleName};
use parity_scale_codec::Encode;

/// A module's declaration as text, and its parsed form.
pub trait Declared {
    /// The text: what stands in the `countersign.interface` section.
    const TEXT: &'static str;
}

/// The arguments of a method.
pub trait Method: Encode {
    /// The module's name.
    const MODULE: &'static str;
    /// The method's name.
    const NAME: &'static str;

    /// A call of this method with an account for each role, in the order of the declaration.
    ///
    /// # Panics
    /// If `parties` or the encoded arguments are beyond their limits, or the method is no call: the caller's bug.
    #[cfg(feature = "std")]
    fn call(&self, parties: &[AccountId]) -> Call;
}

/// An event's fields.
pub trait Event: Encode {
    /// The event's index in its module.
    const KIND: u8;
    /// The accounts it is listed under.
    fn accounts(&self) -> Vec<AccountId>;
}

/// A module's declared refusal.
pub trait Refusal: Copy {
    /// The number in a receipt.
    fn code(self) -> u16;
}

/// Why a dispatch did not run the method to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispatchFault {
    /// No method has this index.
    UnknownMethod,
    /// The number of parties is not that of the roles.
    WrongParties,
    /// The arguments do not decode.
    BadArguments,
    /// The method refused with this code.
    Refused(u16),
}

/// Makes a [`Call`] of a parsed interface. Not for use outside [`interface!`].
#[doc(hidden)]
#[cfg(feature = "std")]
pub fn make_call(interface: &countersign_types::Interface, name: &str, parties: &[AccountId], args: Vec<u8>) -> Call {
    let (index, method) = interface.method_named(name).expect("the method comes from this interface");
    assert!(
        method.takes_parties(parties.len()),
        "{}.{name} takes other parties than {}",
        interface.module,
        parties.len()
    );
    let module: ModuleName = interface.module.clone();
    let parties = parties.to_vec().try_into().expect("parties are within their limit");
    let args = args.try_into().expect("arguments are within their limit");
    Call { module, method: interface.selector(index), parties, args }
}

/// Declares a module. Sections come in this order and may be empty; see [`crate::rebate`] for one in full.
#[macro_export]
macro_rules! interface {
    (
        module $module:literal;
        types { $( $(#[doc = $tdoc:expr])* $tkind:ident $tname:ident { $($tbody:tt)* } )* }
        errors { $( $(#[doc = $edoc:expr])* $ecode:literal $ename:ident $etext:literal; )* }
        events { $( $(#[doc = $vdoc:expr])* $vname:ident { $($vfield:ident : $vty:ty),* $(,)? } )* }
        calls { $( $(#[doc = $cdoc:expr])* $cname:ident = $cfn:ident ( $($role:ident $([$many:tt])?),* ) { $($cfield:ident : $cty:ty),* $(,)? } $display:literal; )* }
        scheduled { $( $(#[doc = $sdoc:expr])* $sname:ident = $sfn:ident { $($sfield:ident : $sty:ty),* $(,)? } )* }
        queries { $( $(#[doc = $qdoc:expr])* $qname:ident = $qfn:ident { $($qfield:ident : $qty:ty),* $(,)? } -> $qret:ty; )* }
    ) => {
        $( $crate::declare_type! { $(#[doc = $tdoc])* $tkind $tname { $($tbody)* } } )*

        /// Why the module refuses a call.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u16)]
        pub enum Error {
            $( $(#[doc = $edoc])* #[doc = $etext] $ename = $ecode, )*
        }

        impl $crate::Refusal for Error {
            fn code(self) -> u16 {
                self as u16
            }
        }

        impl Error {
            /// Every refusal, in the order declared.
            pub const ALL: &'static [Self] = &[$(Self::$ename),*];

            /// The refusal with this code.
            pub fn from_code(code: u16) -> Option<Self> {
                Self::ALL.iter().copied().find(|error| *error as u16 == code)
            }
        }

        $( $crate::declare_struct! { $(#[doc = $vdoc])* $vname { $($vfield : $vty),* } } )*
        $( $crate::declare_struct! { $(#[doc = $cdoc])* $cname { $($cfield : $cty),* } } )*
        $( $crate::declare_struct! { $(#[doc = $sdoc])* $sname { $($sfield : $sty),* } } )*
        $( $crate::declare_struct! { $(#[doc = $qdoc])* $qname { $($qfield : $qty),* } } )*

        $crate::declare_events! { 0u8; $($vname { $($vfield),* })* }

        $( impl $crate::Method for $cname {
            const MODULE: &'static str = $module;
            const NAME: &'static str = stringify!($cfn);
            #[cfg(feature = "std")]
            fn call(&self, parties: &[$crate::__private::types::AccountId]) -> $crate::__private::types::Call {
                $crate::make_call(interface(), Self::NAME, parties, $crate::__private::Encode::encode(self))
            }
        } )*

        $( impl $qname {
            /// The query's name.
            pub const NAME: &'static str = stringify!($qfn);
        } )*

        /// This module's declaration.
        #[derive(Clone, Copy, Debug)]
        pub struct Declaration;

        impl $crate::Declared for Declaration {
            const TEXT: &'static str = concat!(
                "module ", $module, ";\n",
                $( stringify!($tkind), " ", stringify!($tname), " { ", stringify!($($tbody)*), " }\n", )*
                $( "error ", stringify!($ecode), " ", stringify!($ename), " \"", $etext, "\";\n", )*
                $( $( "///", $vdoc, "\n", )* "event ", stringify!($vname), " { ", $( stringify!($vfield), ": ", stringify!($vty), ", ", )* "};\n", )*
                $( $( "///", $cdoc, "\n", )* "call ", stringify!($cfn), "(", $( stringify!($role), $( stringify!($many), )? ", ", )* ") { ",
                    $( stringify!($cfield), ": ", stringify!($cty), ", ", )* "} \"", $display, "\";\n", )*
                $( $( "///", $sdoc, "\n", )* "scheduled ", stringify!($sfn), " { ", $( stringify!($sfield), ": ", stringify!($sty), ", ", )* "};\n", )*
                $( $( "///", $qdoc, "\n", )* "query ", stringify!($qfn), " { ", $( stringify!($qfield), ": ", stringify!($qty), ", ", )* "} -> ", stringify!($qret), ";\n", )*
            );
        }

        /// The parsed declaration.
        #[cfg(feature = "std")]
        pub fn interface() -> &'static $crate::__private::types::Interface {
            static PARSED: $crate::__private::OnceLock<$crate::__private::types::Interface> = $crate::__private::OnceLock::new();
            PARSED.get_or_init(|| {
                $crate::__private::types::Interface::parse(<Declaration as $crate::Declared>::TEXT)
                    .unwrap_or_else(|error| panic!("declaration of {}: {error}", $module))
            })
        }

        /// The rules: one function per method, over a host `H`.
        pub trait Rules<H> {
            $(
                $(#[doc = $cdoc])*
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = "[`Error`]: nothing was written."]
                fn $cfn(host: &mut H, $($role: $crate::role_type!($($many)?),)* args: $cname) -> Result<(), Error>;
            )*
            $(
                $(#[doc = $sdoc])*
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = "[`Error`]: nothing was written."]
                fn $sfn(host: &mut H, args: $sname) -> Result<(), Error>;
            )*
            $(
                $(#[doc = $qdoc])*
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = "[`Error`] if there is nothing to answer."]
                fn $qfn(host: &mut H, args: $qname) -> Result<$qret, Error>;
            )*
        }

        /// Runs the method at `index` of the declaration. Returns the encoded answer of a query, nothing for others.
        ///
        /// # Errors
        /// [`DispatchFault`](crate::DispatchFault).
        #[allow(unused_mut, unused_variables, unused_assignments)]
        pub fn dispatch<H, R: Rules<H>>(
            host: &mut H,
            index: u32,
            parties: &[$crate::__private::types::AccountId],
            args: &[u8],
        ) -> Result<$crate::__private::Vec<u8>, $crate::DispatchFault> {
            let mut next = 0u32;
            let mut at = 0usize;
            let outcome: Result<$crate::__private::Vec<u8>, Error> = 'run: {
                $(
                    if index == next {
                        $( let $role: $crate::role_type!($($many)?) = $crate::take_role!(parties, at $($many)?)?; )*
                        $crate::__private::check_all_taken(parties, at)?;
                        let args = $crate::__private::lean::decode::<$cname>(args).ok_or($crate::DispatchFault::BadArguments)?;
                        break 'run R::$cfn(host, $($role,)* args).map(|()| $crate::__private::Vec::new());
                    }
                    next += 1;
                )*
                $(
                    if index == next {
                        let args = $crate::__private::lean::decode::<$sname>(args).ok_or($crate::DispatchFault::BadArguments)?;
                        break 'run R::$sfn(host, args).map(|()| $crate::__private::Vec::new());
                    }
                    next += 1;
                )*
                $(
                    if index == next {
                        let args = $crate::__private::lean::decode::<$qname>(args).ok_or($crate::DispatchFault::BadArguments)?;
                        break 'run R::$qfn(host, args).map(|answer| $crate::__private::lean::encode(&answer));
                    }
                    next += 1;
                )*
                return Err($crate::DispatchFault::UnknownMethod);
            };
            outcome.map_err(|error| $crate::DispatchFault::Refused($crate::Refusal::code(error)))
        }

        $crate::declare_scheduled! { Scheduled; [$($cfn)*]; $($sname = $sfn)* }
    };
}

/// Gives each scheduled method its index in the declaration: calls are counted first.
#[doc(hidden)]
#[macro_export]
macro_rules! declare_scheduled {
    ($trait:ident; [$($cfn:ident)*]; $($sname:ident = $sfn:ident)*) => {
        /// Indices of the scheduled methods, for `schedule`.
        #[allow(non_upper_case_globals, dead_code)]
        pub mod scheduled {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Index { $($cfn,)* $($sfn,)* }
            $(
                #[doc = concat!("Index of `", stringify!($sfn), "`.")]
                pub const $sfn: u32 = Index::$sfn as u32;
            )*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! declare_events {
    ($index:expr; ) => {};
    ($index:expr; $name:ident { $($field:ident),* } $($rest:tt)*) => {
        impl $crate::Event for $name {
            const KIND: u8 = $index;
            #[allow(unused_mut)]
            fn accounts(&self) -> $crate::__private::Vec<$crate::__private::types::AccountId> {
                let mut accounts = $crate::__private::Vec::new();
                $( $crate::mention::Mention::mention(&self.$field, &mut accounts); )*
                accounts
            }
        }
        $crate::declare_events! { $index + 1; $($rest)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! declare_struct {
    ($(#[doc = $doc:expr])* $name:ident { $($field:ident : $ty:ty),* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Debug, $crate::__private::Encode, $crate::__private::Decode)]
        #[codec(crate = $crate::__private::codec)]
        #[allow(missing_docs)]
        pub struct $name { $(pub $field: $ty),* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! declare_type {
    ($(#[doc = $doc:expr])* struct $name:ident { $($field:ident : $ty:ty),* $(,)? }) => {
        $crate::declare_struct! { $(#[doc = $doc])* $name { $($field : $ty),* } }
        impl $crate::mention::Mention for $name {
            fn mention(&self, accounts: &mut $crate::__private::Vec<$crate::__private::types::AccountId>) {
                $( $crate::mention::Mention::mention(&self.$field, accounts); )*
            }
        }
    };
    ($(#[doc = $doc:expr])* choice $name:ident { $($word:ident),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, $crate::__private::Encode, $crate::__private::Decode)]
        #[codec(crate = $crate::__private::codec)]
        #[allow(missing_docs)]
        pub enum $name { $($word),* }
        impl $crate::mention::Mention for $name {
            fn mention(&self, _: &mut $crate::__private::Vec<$crate::__private::types::AccountId>) {}
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! role_type {
    () => { $crate::__private::types::AccountId };
    ($many:tt) => { $crate::__private::Vec<$crate::__private::types::AccountId> };
}

#[doc(hidden)]
#[macro_export]
macro_rules! take_role {
    ($parties:ident, $at:ident) => {
        $crate::__private::take_one($parties, &mut $at)
    };
    ($parties:ident, $at:ident $many:tt) => {
        $crate::__private::take_rest($parties, &mut $at)
    };
}

/// The next party. Not inlined: each call of each contract takes some.
///
/// # Errors
/// [`DispatchFault::WrongParties`] if there is none.
#[doc(hidden)]
#[inline(never)]
pub fn take_one(parties: &[AccountId], at: &mut usize) -> Result<AccountId, DispatchFault> {
    let party = parties.get(*at).copied().ok_or(DispatchFault::WrongParties)?;
    *at += 1;
    Ok(party)
}

/// All parties that are left.
///
/// # Errors
/// [`DispatchFault::WrongParties`] if there is none.
#[doc(hidden)]
pub fn take_rest(parties: &[AccountId], at: &mut usize) -> Result<Vec<AccountId>, DispatchFault> {
    let rest = parties.get(*at..).filter(|rest| !rest.is_empty()).ok_or(DispatchFault::WrongParties)?;
    *at = parties.len();
    Ok(rest.to_vec())
}

/// # Errors
/// [`DispatchFault::WrongParties`] if there are more parties than roles.
#[doc(hidden)]
pub fn check_all_taken(parties: &[AccountId], at: usize) -> Result<(), DispatchFault> {
    if parties.len() == at { Ok(()) } else { Err(DispatchFault::WrongParties) }
}
