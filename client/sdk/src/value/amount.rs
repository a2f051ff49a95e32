//! Amounts as people write them: decimals of their asset, never a bare number whose unit could be mistaken.
use crate::types::quantity::AmountError;
use crate::types::{Amount, AssetId};

/// Behind a number of minor units, where the asset or its decimals are not known.
const MINOR: &str = " minor";

/// Why an amount is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// No number.
    #[error("an amount is digits with a point, such as 12.50; `{text}` is not")]
    NotANumber {
        /// The beginning of what was given.
        text: String,
    },
    /// More digits after the point than the asset has.
    #[error("{asset} has {decimals} decimals, `{text}` has more")]
    TooFine {
        /// The asset.
        asset: AssetId,
        /// Its decimals.
        decimals: u8,
        /// What was given.
        text: String,
    },
    /// Too large.
    #[error("the amount is larger than the ledger counts")]
    TooLarge,
    /// No asset is named beside it.
    #[error(
        "name the asset, as in `12.50 EUR`, or give minor units, as in `1250 minor`: no asset stands beside this amount"
    )]
    NoAsset,
    /// It names another asset than the one beside it.
    #[error("the amount is in {found}, the asset beside it is {wanted}")]
    OtherAsset {
        /// In the amount.
        found: AssetId,
        /// Beside it.
        wanted: AssetId,
    },
    /// The asset's decimals are not known.
    #[error("how many decimals {asset} has is not known here; give minor units, as in `1250 minor`")]
    UnknownDecimals {
        /// The asset.
        asset: AssetId,
    },
}

/// Reads `12.50` in `beside`'s decimals, `12.50 EUR`, or `1250 minor`.
///
/// # Errors
/// [`BadAmount`]; with [`BadAmount::UnknownDecimals`] the caller may learn the decimals and try again.
pub fn parse_amount(
    text: &str,
    beside: Option<AssetId>,
    decimals: impl Fn(&AssetId) -> Option<u8>,
) -> Result<Amount, BadAmount> {
    let not_a_number = || BadAmount::NotANumber { text: text.chars().take(40).collect() };
    if let Some(minor) = text.strip_suffix(MINOR) {
        return Amount::from_decimal(minor, 0).map_err(|error| match error {
            AmountError::TooLarge => BadAmount::TooLarge,
            _ => not_a_number(),
        });
    }
    let (number, asset) = match text.split_once(' ') {
        None => (text, beside.ok_or(BadAmount::NoAsset)?),
        Some((number, symbol)) => {
            let named: AssetId = symbol.parse().map_err(|_| not_a_number())?;
            match beside {
                Some(wanted) if wanted != named => return Err(BadAmount::OtherAsset { found: named, wanted }),
                _ => (number, named),
            }
        }
    };
    let places = decimals(&asset).ok_or(BadAmount::UnknownDecimals { asset })?;
    Amount::from_decimal(number, places).map_err(|error| match error {
        AmountError::Malformed => not_a_number(),
        AmountError::TooFine { decimals } => {
            BadAmount::TooFine { asset, decimals, text: number.chars().take(60).collect() }
        }
        AmountError::TooLarge => BadAmount::TooLarge,
    })
}

/// `12.50` with 2 decimals; without known decimals `1250 minor`. [`parse_amount`] reads it back.
pub fn show_amount(amount: Amount, decimals: Option<u8>) -> String {
    match decimals {
        Some(decimals) => amount.to_decimal(decimals).to_string(),
        None => format!("{amount}{MINOR}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur() -> AssetId {
        "EUR".parse().unwrap()
    }

    fn read(text: &str) -> Result<u128, BadAmount> {
        parse_amount(text, Some(eur()), |_| Some(2)).map(Amount::get)
    }

    #[test]
    fn decimals_are_those_of_the_asset() {
        assert_eq!(read("12.50"), Ok(1250));
        assert_eq!(read("12.5"), Ok(1250));
        assert_eq!(read("12"), Ok(1200));
        assert_eq!(read("0.01"), Ok(1));
        assert_eq!(read("12.50 EUR"), Ok(1250));
        assert_eq!(read("1250 minor"), Ok(1250));
        assert_eq!(parse_amount("7", Some(eur()), |_| Some(0)), Ok(Amount::new(7)));
    }

    #[test]
    fn what_could_be_mistaken_is_refused() {
        assert!(matches!(read("12.505"), Err(BadAmount::TooFine { decimals: 2, .. })));
        assert!(matches!(read("1 USD"), Err(BadAmount::OtherAsset { .. })));
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1 000", "0x10", " 1", "1.-5", "minor", " minor"] {
            assert!(matches!(read(text), Err(BadAmount::NotANumber { .. })), "{text}");
        }
        assert_eq!(parse_amount("5", None, |_| Some(2)), Err(BadAmount::NoAsset));
        assert_eq!(parse_amount("5", Some(eur()), |_| None), Err(BadAmount::UnknownDecimals { asset: eur() }));
        assert_eq!(read(&u128::MAX.to_string()), Err(BadAmount::TooLarge));
        assert_eq!(read(&"9".repeat(60)), Err(BadAmount::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(minor in any::<u128>(), decimals in 0_u8..=18) {
            let shown = show_amount(Amount::new(minor), Some(decimals));
            prop_assert_eq!(parse_amount(&shown, Some(eur()), |_| Some(decimals)), Ok(Amount::new(minor)));
            let shown = show_amount(Amount::new(minor), None);
            prop_assert_eq!(parse_amount(&shown, None, |_| None), Ok(Amount::new(minor)));
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,60}") {
            let _ = parse_amount(&text, Some(eur()), |_| Some(18));
        }
    }
}
