//! A type per quantity. Arithmetic on value is checked; a missing result is the caller's refusal, never a wrap.
use core::fmt;
use parity_scale_codec::{Compact, CompactAs, Decode, Encode, MaxEncodedLen};

/// Minor units of an asset (u128). There is no `From<u128>`: a number becomes value only on purpose.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u128::MAX);

    /// `minor_units` of an asset.
    pub const fn new(minor_units: u128) -> Self {
        Self(minor_units)
    }

    /// Minor units.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `None` above [`Amount::MAX`].
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `None` below zero.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `None` above [`Amount::MAX`].
    pub const fn checked_mul(self, factor: u128) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// `self × numerator ÷ denominator`, rounded down, however large the product; `None` if the result exceeds
    /// [`Amount::MAX`] or the denominator is zero.
    pub fn checked_ratio(self, numerator: u128, denominator: u128) -> Option<Self> {
        if let Some(product) = self.0.checked_mul(numerator) {
            return product.checked_div(denominator).map(Self);
        }
        // Long multiplication, one bit of `numerator` at a time; `quotient × denominator + rest` is the product so far.
        let (whole, part) = (self.0.checked_div(denominator)?, self.0.checked_rem(denominator)?);
        let (mut quotient, mut rest) = (0_u128, 0_u128);
        for bit in (0..u128::BITS).rev() {
            let carry;
            (rest, carry) = add_modulo(rest, rest, denominator);
            quotient = quotient.checked_mul(2)?.checked_add(carry)?;
            if numerator >> bit & 1 == 1 {
                let carry;
                (rest, carry) = add_modulo(rest, part, denominator);
                quotient = quotient.checked_add(whole)?.checked_add(carry)?;
            }
        }
        Some(Self(quotient))
    }
}

/// `a + b` modulo `modulus`, both below it, and 1 if the sum reached it, else 0.
const fn add_modulo(a: u128, b: u128, modulus: u128) -> (u128, u128) {
    let room = modulus - b;
    if a >= room { (a - room, 1) } else { (a + b, 0) }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no amount of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something else than digits, or digits with one point between them.
    #[error("an amount is digits with at most one point between them, such as 1000 or 12.50")]
    Malformed,
    /// Finer than the asset's smallest unit.
    #[error("the asset has {decimals} digits after the point, the amount has more")]
    TooFine {
        /// The asset's decimals.
        decimals: u8,
    },
    /// More than [`Amount::MAX`].
    #[error("the amount is too large")]
    TooLarge,
}

impl Amount {
    /// Reads an amount as people write it, `1000` or `12.50`, for an asset with that many `decimals`.
    ///
    /// # Errors
    /// [`AmountError`]; signs, spaces, separators and exponents are malformed.
    pub fn from_decimal(text: &str, decimals: u8) -> Result<Self, AmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(AmountError::Malformed),
            None => (text, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(AmountError::Malformed);
        }
        if fraction.len() > usize::from(decimals) {
            return Err(AmountError::TooFine { decimals });
        }
        let padding = core::iter::repeat_n(b'0', usize::from(decimals) - fraction.len());
        whole
            .bytes()
            .chain(fraction.bytes())
            .chain(padding)
            .try_fold(0_u128, |sum, digit| sum.checked_mul(10)?.checked_add(u128::from(digit - b'0')))
            .map(Self)
            .ok_or(AmountError::TooLarge)
    }

    /// The amount as people read it, with `decimals` digits after the point; [`Amount::from_decimal`] reads it back.
    pub const fn to_decimal(self, decimals: u8) -> DecimalAmount {
        DecimalAmount { amount: self, decimals }
    }
}

/// An amount with the decimals of its asset: shown as `12.50`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecimalAmount {
    amount: Amount,
    decimals: u8,
}

impl fmt::Display for DecimalAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals);
        let digits = alloc::format!("{:0width$}", self.amount.0, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if fraction.is_empty() { f.pad(whole) } else { f.pad(&alloc::format!("{whole}.{fraction}")) }
    }
}

/// Milliseconds since the Unix epoch. On the ledger always the block's time, never a node's clock.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);
    /// The end of time.
    pub const MAX: Self = Self(u64::MAX);

    /// `millis` since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Minutes since the Unix epoch, rounded down: the bucket in which a transaction's id is remembered.
    pub const fn minute(self) -> u64 {
        self.0 / 60_000
    }

    /// `None` beyond [`Timestamp::MAX`].
    pub const fn checked_add_millis(self, millis: u64) -> Option<Self> {
        match self.0.checked_add(millis) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Milliseconds from `earlier` to `self`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a block; the genesis is 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Height(u64);

impl Height {
    /// The genesis.
    pub const ZERO: Self = Self(0);

    /// The `number`th block.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Blocks since the genesis.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next block.
    ///
    /// # Panics
    /// After 2^64 blocks.
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("2^64 blocks are never made"))
    }

    /// The block before; `None` for the genesis.
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Metered work: one unit is one unit of the WASM engine's fuel.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Gas(u64);

impl Gas {
    /// No work.
    pub const ZERO: Self = Self(0);
    /// More than any parameter allows.
    pub const MAX: Self = Self(u64::MAX);

    /// `units` of work.
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// Units of work.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// What is left after `cost`; `None` if it is more than there is.
    pub const fn checked_sub(self, cost: Self) -> Option<Self> {
        match self.0.checked_sub(cost.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// The sum, at most [`Gas::MAX`].
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The rest, at least [`Gas::ZERO`].
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Gas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! compact {
    ($name:ident, $inner:ty) => {
        impl CompactAs for $name {
            type As = $inner;
            fn encode_as(&self) -> &$inner {
                &self.0
            }
            fn decode_from(inner: $inner) -> Result<Self, parity_scale_codec::Error> {
                Ok(Self(inner))
            }
        }
        impl From<Compact<$name>> for $name {
            fn from(compact: Compact<$name>) -> Self {
                compact.0
            }
        }
    };
}
compact!(Amount, u128);
compact!(Height, u64);
compact!(Gas, u64);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, decimals, minor) in
            [("1000", 2, 100_000), ("12.50", 2, 1_250), ("12.5", 2, 1_250), ("0.07", 2, 7), ("7", 0, 7), ("007", 0, 7)]
        {
            assert_eq!(Amount::from_decimal(text, decimals), Ok(Amount::new(minor)), "{text}");
        }
        assert_eq!(Amount::from_decimal("340282366920938463463.374607431768211455", 18), Ok(Amount::MAX));
    }

    #[test]
    fn amounts_that_could_be_misread_are_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", "1 000", "1.2.3", "\u{661}"] {
            assert_eq!(Amount::from_decimal(text, 2), Err(AmountError::Malformed), "{text}");
        }
        assert_eq!(Amount::from_decimal("0.001", 2), Err(AmountError::TooFine { decimals: 2 }));
        assert_eq!(Amount::from_decimal("1.0", 0), Err(AmountError::TooFine { decimals: 0 }));
        assert_eq!(Amount::from_decimal("340282366920938463463.374607431768211456", 18), Err(AmountError::TooLarge));
        assert_eq!(Amount::from_decimal(&"9".repeat(60), 0), Err(AmountError::TooLarge));
    }

    #[test]
    fn amounts_are_shown_with_their_decimals() {
        for (minor, decimals, text) in
            [(1_250, 2, "12.50"), (7, 2, "0.07"), (0, 2, "0.00"), (7, 0, "7"), (1, 18, "0.000000000000000001")]
        {
            assert_eq!(Amount::new(minor).to_decimal(decimals).to_string(), text);
        }
        assert_eq!(Amount::MAX.to_decimal(18).to_string(), "340282366920938463463.374607431768211455");
    }

    #[test]
    fn a_ratio_of_large_amounts_is_exact() {
        let large = Amount::new(u128::MAX);
        assert_eq!(large.checked_ratio(u128::MAX, u128::MAX), Some(large));
        assert_eq!(large.checked_ratio(u128::MAX - 1, u128::MAX), Some(Amount::new(u128::MAX - 1)));
        assert_eq!(large.checked_ratio(3, 4), Some(Amount::new(u128::MAX / 4 * 3 + 2)));
        assert_eq!(large.checked_ratio(2, 1), None);
        assert_eq!(large.checked_ratio(2, 0), None);
        assert_eq!(Amount::ZERO.checked_ratio(2, 0), None);
    }

    proptest! {
        /// With a common factor the product exceeds u128 and the result is known.
        #[test]
        fn a_ratio_does_not_depend_on_a_common_factor(a: u64, b in 1_u64.., c in 1_u64.., factor in 1_u64..) {
            let wide = |n: u64| u128::from(n) * u128::from(factor);
            let narrow = u128::from(a) * u128::from(b) / u128::from(c);
            prop_assert_eq!(Amount::new(u128::from(a)).checked_ratio(wide(b), wide(c)), Some(Amount::new(narrow)));
        }
    }
}
