//! What a door's lock needs: it checks offline that the holder of a booking stands before it. Never a clock, a store or a network.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
