//! The rules under test.
