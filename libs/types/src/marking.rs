//! Markings: what may be done with information. Only `liaison-policy` compares them.

use serde::{Deserialize, Serialize};

use crate::code::CountryCode;
use crate::party::UnitCode;

// They are part of settings, by their names.
macro_rules! marking {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$value_doc:meta])* $variant:ident = $text:literal,)*
    })*) => {
        crate::names! {$(
            $(#[$doc])*
            #[derive(Serialize, Deserialize)]
            $name { $($(#[$value_doc])* #[serde(rename = $text)] $variant = $text,)* }
        )*}
    };
}

marking! {
    /// Confidentiality (after the RPD, Articles 112–114). A later value is stricter.
    Confidentiality {
        /// For official use only.
        OfficialUseOnly = "OFFICIAL_USE_ONLY",
        /// Restricted.
        Restricted = "RESTRICTED",
        /// Confidential.
        Confidential = "CONFIDENTIAL",
    }
    /// Handling codes (Council Manual 6261/18). They are conditions, not a scale.
    Handling {
        /// Only to prevent and combat crime.
        H0 = "H0",
        /// Not in judicial proceedings without the provider's permission.
        H1 = "H1",
        /// Not to be passed on without the provider's permission.
        H2 = "H2",
        /// Other restrictions, given as text.
        H3 = "H3",
    }
    /// Traffic Light Protocol 2.0 (FIRST). A later value is stricter.
    Tlp {
        /// No limit.
        Clear = "CLEAR",
        /// The community.
        Green = "GREEN",
        /// The organisation and its clients, need-to-know.
        Amber = "AMBER",
        /// The organisation only.
        AmberStrict = "AMBER+STRICT",
        /// The named recipients only.
        Red = "RED",
    }
    /// Permissible Actions Protocol. A later value is stricter.
    Pap {
        /// No limit.
        Clear = "CLEAR",
        /// Active actions allowed.
        Green = "GREEN",
        /// Passive cross-checking only.
        Amber = "AMBER",
        /// Non-detectable actions only.
        Red = "RED",
    }
}

/// The markings of one referral or one piece of evidence, as its source set them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Markings {
    /// How confidential it is.
    pub confidentiality: Confidentiality,
    /// Handling codes, ascending, each once.
    pub handling: Vec<Handling>,
    /// The restriction meant by H3; empty without.
    pub handling_text: String,
    /// Traffic Light Protocol.
    pub tlp: Tlp,
    /// Permissible Actions Protocol.
    pub pap: Pap,
    /// Countries that must not receive it, ascending.
    pub excluded_countries: Vec<CountryCode>,
    /// Units that must not receive it, ascending.
    pub excluded_units: Vec<UnitCode>,
}

impl Default for Markings {
    /// What is meant where a source says nothing: official use only, H0, AMBER, AMBER.
    fn default() -> Self {
        Self {
            confidentiality: Confidentiality::OfficialUseOnly,
            handling: vec![Handling::H0],
            handling_text: String::new(),
            tlp: Tlp::Amber,
            pap: Pap::Amber,
            excluded_countries: Vec::new(),
            excluded_units: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markings_round_trip_and_the_scales_ascend() {
        for value in Tlp::ALL {
            assert_eq!(value.as_str().parse(), Ok(*value));
        }
        assert!(Tlp::Red > Tlp::AmberStrict && Tlp::AmberStrict > Tlp::Amber);
        assert!(Confidentiality::Confidential > Confidentiality::OfficialUseOnly);
        assert!("WHITE".parse::<Tlp>().is_err());
    }
}
