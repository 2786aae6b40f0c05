//! Codes of the field: countries, offences and their tags.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not a code of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid code")]
pub struct ParseCodeError;

/// ISO 3166-1 alpha-2 country codes officially assigned, two letters each in alphabetical order,
/// and `XK`, user-assigned and in general use for Kosovo.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";

/// An ISO 3166-1 alpha-2 country code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two capital letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for CountryCode {
    type Err = ParseCodeError;
    fn from_str(text: &str) -> Result<Self, ParseCodeError> {
        let bytes: [u8; 2] = text.as_bytes().try_into().map_err(|_| ParseCodeError)?;
        let known = COUNTRIES
            .as_bytes()
            .chunks_exact(2)
            .any(|country| country == bytes);
        if known {
            Ok(Self(bytes))
        } else {
            Err(ParseCodeError)
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = ParseCodeError;
    fn try_from(text: String) -> Result<Self, ParseCodeError> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code of the International Classification of Crime for Statistical Purposes (UNODC, 2015):
/// 2, 4, 5 or 6 digits for levels 1 to 4, sections 01 to 11.
///
/// The form is checked, not membership: which codes lead where is configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IccsCode(String);

impl IccsCode {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `prefix` is this code or one above it in the tree.
    #[must_use]
    pub fn is_within(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

impl FromStr for IccsCode {
    type Err = ParseCodeError;
    fn from_str(text: &str) -> Result<Self, ParseCodeError> {
        let form = matches!(text.len(), 2 | 4 | 5 | 6) && text.bytes().all(|b| b.is_ascii_digit());
        if form && ("01"..="11").contains(&&text[..2]) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseCodeError)
        }
    }
}

impl TryFrom<String> for IccsCode {
    type Error = ParseCodeError;
    fn try_from(text: String) -> Result<Self, ParseCodeError> {
        text.parse()
    }
}

impl From<IccsCode> for String {
    fn from(code: IccsCode) -> Self {
        code.0
    }
}

impl fmt::Display for IccsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An ICCS disaggregating variable: what the code alone does not say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Tag {
    /// Cyber-related.
    #[serde(rename = "Cy")]
    Cyber,
    /// Committed by or for an organised criminal group.
    #[serde(rename = "OC")]
    OrganizedCrime,
    /// Committed in a terrorist context.
    #[serde(rename = "TR")]
    Terrorism,
    /// A minor is a victim.
    #[serde(rename = "MINOR")]
    Minor,
}

impl Tag {
    /// All tags.
    pub const ALL: [Self; 4] = [
        Self::Cyber,
        Self::OrganizedCrime,
        Self::Terrorism,
        Self::Minor,
    ];

    /// `Cy`, `OC`, `TR` or `MINOR`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cyber => "Cy",
            Self::OrganizedCrime => "OC",
            Self::Terrorism => "TR",
            Self::Minor => "MINOR",
        }
    }
}

impl FromStr for Tag {
    type Err = ParseCodeError;
    fn from_str(text: &str) -> Result<Self, ParseCodeError> {
        Self::ALL
            .into_iter()
            .find(|tag| tag.as_str() == text)
            .ok_or(ParseCodeError)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_table_is_sorted_and_complete() {
        let all: Vec<_> = COUNTRIES.as_bytes().chunks_exact(2).collect();
        assert_eq!(all.len(), 250, "249 assigned codes and XK");
        assert!(all.is_sorted());
        assert!("FR".parse::<CountryCode>().is_ok());
        for text in ["fr", "ZZ", "F", "", "FRA"] {
            assert!(text.parse::<CountryCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn offence_codes_have_the_form_of_the_standard() {
        for text in ["02", "0204", "02041", "030221", "1109"] {
            assert!(text.parse::<IccsCode>().is_ok(), "{text}");
        }
        for text in ["2", "020", "0204111", "12", "00", "02a1", ""] {
            assert!(text.parse::<IccsCode>().is_err(), "{text}");
        }
        let (child, parent): (IccsCode, IccsCode) =
            ("02041".parse().unwrap(), "0204".parse().unwrap());
        assert!(child.is_within(&parent) && !parent.is_within(&child));
    }
}
