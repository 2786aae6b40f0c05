//! Who may call: the parties of domain.md §1 and their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::code::CountryCode;

/// Why a name is no party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePartyError {
    /// The text is not `kind/name` resp. `liaison://kind/name`.
    #[error("not of the form kind/name")]
    Form,
    /// The kind is none of bureau, unit, desk, partner, service, operator, auditor.
    #[error("unknown kind of party")]
    Kind,
    /// The name breaks the rule of its kind.
    #[error("the name is not valid for its kind of party")]
    Name,
}

macro_rules! text_newtype {
    ($($(#[$doc:meta])* $name:ident, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParsePartyError;
            fn from_str(text: &str) -> Result<Self, ParsePartyError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(ParsePartyError::Name) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParsePartyError;
            fn try_from(text: String) -> Result<Self, ParsePartyError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_newtype! {
    /// A national bureau: `NB-<ISO 3166-1 alpha-2>`, optionally `-<suffix>` for a sub-bureau or an
    /// authorised national entity; the suffix is 1 to 16 capital letters and digits.
    BureauCode, is_bureau;
    /// A specialised unit, for example `children-trafficking`. Units are data; this checks the form.
    UnitCode, is_slug;
    /// A desk of the hub, for example `triage` or `compliance`.
    DeskCode, is_slug;
    /// The name of a partner agency, a service, an operator or an auditor.
    Name, is_slug;
}

/// Lower-case letters, digits and inner hyphens; 1 to 40 characters; starts with a letter.
fn is_slug(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_bureau(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("NB-") else {
        return false;
    };
    let (country, suffix) = match rest.split_once('-') {
        Some((country, suffix)) => (country, Some(suffix)),
        None => (rest, None),
    };
    country.parse::<CountryCode>().is_ok()
        && suffix.is_none_or(|suffix| {
            (1..=16).contains(&suffix.len())
                && suffix
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
}

impl BureauCode {
    /// The country the bureau speaks for.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.0[3..5]
    }
}

/// What sort of party somebody is; the first path segment of the URI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyKind {
    /// A national bureau.
    Bureau,
    /// A specialised unit.
    Unit,
    /// A desk of the hub.
    Desk,
    /// An international body that is no bureau and no unit.
    Partner,
    /// One of the four services.
    Service,
    /// Runs the system; never reads content.
    Operator,
    /// Reads the audit.
    Auditor,
}

impl PartyKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Bureau,
        Self::Unit,
        Self::Desk,
        Self::Partner,
        Self::Service,
        Self::Operator,
        Self::Auditor,
    ];

    /// The word in URIs and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bureau => "bureau",
            Self::Unit => "unit",
            Self::Desk => "desk",
            Self::Partner => "partner",
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for PartyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A party: somebody with a certificate of their own.
///
/// Its URI, the subject alternative name of the certificate, is `liaison://<kind>/<name>`; its
/// short form in tables, logs and the API is `<kind>/<name>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Party {
    /// `bureau/NB-FR`
    Bureau(BureauCode),
    /// `unit/cyber`
    Unit(UnitCode),
    /// `desk/triage`
    Desk(DeskCode),
    /// `partner/<name>`
    Partner(Name),
    /// `service/intake`
    Service(Name),
    /// `operator/<name>`
    Operator(Name),
    /// `auditor/<name>`
    Auditor(Name),
}

impl Party {
    /// The scheme of the URI form, with its separator.
    pub const SCHEME: &'static str = "liaison://";

    /// The service named `name`.
    ///
    /// # Panics
    /// Where `name` is no valid name; it is meant for the constant names of the services.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::Service(name.parse().expect("a service's name is a valid constant"))
    }

    /// What sort of party this is.
    #[must_use]
    pub const fn kind(&self) -> PartyKind {
        match self {
            Self::Bureau(_) => PartyKind::Bureau,
            Self::Unit(_) => PartyKind::Unit,
            Self::Desk(_) => PartyKind::Desk,
            Self::Partner(_) => PartyKind::Partner,
            Self::Service(_) => PartyKind::Service,
            Self::Operator(_) => PartyKind::Operator,
            Self::Auditor(_) => PartyKind::Auditor,
        }
    }

    /// The name within its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bureau(code) => code.as_str(),
            Self::Unit(code) => code.as_str(),
            Self::Desk(code) => code.as_str(),
            Self::Partner(name)
            | Self::Service(name)
            | Self::Operator(name)
            | Self::Auditor(name) => name.as_str(),
        }
    }

    /// `liaison://kind/name`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{}{self}", Self::SCHEME)
    }

    /// The party a URI names; the exact spelling only.
    ///
    /// # Errors
    /// See [`ParsePartyError`].
    pub fn from_uri(uri: &str) -> Result<Self, ParsePartyError> {
        uri.strip_prefix(Self::SCHEME)
            .ok_or(ParsePartyError::Form)?
            .parse()
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}

impl FromStr for Party {
    type Err = ParsePartyError;
    fn from_str(text: &str) -> Result<Self, ParsePartyError> {
        let (kind, name) = text.split_once('/').ok_or(ParsePartyError::Form)?;
        Ok(match kind {
            "bureau" => Self::Bureau(name.parse()?),
            "unit" => Self::Unit(name.parse()?),
            "desk" => Self::Desk(name.parse()?),
            "partner" => Self::Partner(name.parse()?),
            "service" => Self::Service(name.parse()?),
            "operator" => Self::Operator(name.parse()?),
            "auditor" => Self::Auditor(name.parse()?),
            _ => return Err(ParsePartyError::Kind),
        })
    }
}

impl TryFrom<String> for Party {
    type Error = ParsePartyError;
    fn try_from(text: String) -> Result<Self, ParsePartyError> {
        text.parse()
    }
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        party.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_round_trip() {
        for text in [
            "bureau/NB-FR",
            "bureau/NB-US-FBI1",
            "unit/cyber",
            "desk/triage",
            "partner/customs",
            "service/intake",
            "operator/ops-1",
            "auditor/court",
        ] {
            let party: Party = text.parse().unwrap();
            assert_eq!(party.to_string(), text);
            assert_eq!(Party::from_uri(&party.uri()), Ok(party));
        }
    }

    #[test]
    fn near_misses_are_refused() {
        for text in [
            "bureau/NB-fr",
            "bureau/FR",
            "bureau/NB-FR-",
            "bureau/NB-FRA",
            "unit/Cyber",
            "unit/",
            "unit/*",
            "unit/cyber/extra",
            "unit/-x",
            "king/arthur",
            "unit",
            "",
            "unit/cyber ",
            "operator/a\u{200b}b",
        ] {
            assert!(text.parse::<Party>().is_err(), "{text:?}");
        }
        assert!(Party::from_uri("spiffe://unit/cyber").is_err());
        assert!(Party::from_uri("liaison://unit/cyber?x").is_err());
    }
}
