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

impl Markings {
    /// The join of both: what satisfies it satisfies each of the two. It is at least as strict as
    /// either, and in whichever order they are given equally strict.
    ///
    /// This is what binds a piece of evidence: the markings of its referral and its own. Restrictions
    /// in words stand one a line, each once, those of `self` first.
    #[must_use]
    pub fn tighten(&self, other: &Self) -> Self {
        let mut lines: Vec<&str> = Vec::new();
        for line in self
            .handling_text
            .lines()
            .chain(other.handling_text.lines())
        {
            if !line.trim().is_empty() && !lines.contains(&line) {
                lines.push(line);
            }
        }
        Self {
            confidentiality: self.confidentiality.max(other.confidentiality),
            handling: union(&self.handling, &other.handling),
            handling_text: lines.join("\n"),
            tlp: self.tlp.max(other.tlp),
            pap: self.pap.max(other.pap),
            excluded_countries: union(&self.excluded_countries, &other.excluded_countries),
            excluded_units: union(&self.excluded_units, &other.excluded_units),
        }
    }

    /// Whether nothing in `other` is stricter than here: every scale stands as high or higher, and
    /// every handling code, restriction in words and exclusion of `other` is here too.
    #[must_use]
    pub fn is_at_least_as_strict_as(&self, other: &Self) -> bool {
        let said = |line: &str| {
            line.trim().is_empty() || self.handling_text.lines().any(|here| here == line)
        };
        self.confidentiality >= other.confidentiality
            && self.tlp >= other.tlp
            && self.pap >= other.pap
            && has_all(&self.handling, &other.handling)
            && has_all(&self.excluded_countries, &other.excluded_countries)
            && has_all(&self.excluded_units, &other.excluded_units)
            && other.handling_text.lines().all(said)
    }
}

/// Everything in either, ascending, each once.
fn union<T: Ord + Clone>(one: &[T], other: &[T]) -> Vec<T> {
    let mut all = [one, other].concat();
    all.sort_unstable();
    all.dedup();
    all
}

fn has_all<T: PartialEq>(all: &[T], some: &[T]) -> bool {
    some.iter().all(|value| all.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_markings() -> impl Strategy<Value = Markings> {
        let countries = prop::sample::subsequence(vec!["DE", "FR", "GB"], 0..=3);
        let units = prop::sample::subsequence(vec!["cyber", "terrorism"], 0..=2);
        (
            prop::sample::select(Confidentiality::ALL),
            prop::sample::subsequence(Handling::ALL.to_vec(), 0..=4),
            prop::sample::select(vec!["", "ask first", "ask first\nno copies", "no copies"]),
            prop::sample::select(Tlp::ALL),
            prop::sample::select(Pap::ALL),
            countries,
            units,
        )
            .prop_map(
                |(confidentiality, handling, text, tlp, pap, countries, units)| Markings {
                    confidentiality,
                    handling,
                    handling_text: text.to_owned(),
                    tlp,
                    pap,
                    excluded_countries: countries.into_iter().map(|c| c.parse().unwrap()).collect(),
                    excluded_units: units.into_iter().map(|u| u.parse().unwrap()).collect(),
                },
            )
    }

    proptest! {
        #[test]
        fn the_join_is_the_least_that_is_as_strict_as_both(
            a in any_markings(), b in any_markings(), c in any_markings(),
        ) {
            let join = a.tighten(&b);
            prop_assert!(join.is_at_least_as_strict_as(&a) && join.is_at_least_as_strict_as(&b));
            if c.is_at_least_as_strict_as(&a) && c.is_at_least_as_strict_as(&b) {
                prop_assert!(c.is_at_least_as_strict_as(&join));
            }
            let other = b.tighten(&a);
            prop_assert!(join.is_at_least_as_strict_as(&other) && other.is_at_least_as_strict_as(&join));
            prop_assert_eq!(join.tighten(&a), join.clone());
            prop_assert!(join.handling.is_sorted() && join.excluded_units.is_sorted());
        }
    }

    #[test]
    fn what_is_stricter_in_one_thing_only_is_seen() {
        let plain = Markings::default();
        let tightened = [
            Markings {
                confidentiality: Confidentiality::Restricted,
                ..plain.clone()
            },
            Markings {
                handling: vec![Handling::H0, Handling::H2],
                ..plain.clone()
            },
            Markings {
                handling_text: "no copies".into(),
                ..plain.clone()
            },
            Markings {
                tlp: Tlp::AmberStrict,
                ..plain.clone()
            },
            Markings {
                pap: Pap::Red,
                ..plain.clone()
            },
            Markings {
                excluded_countries: vec!["DE".parse().unwrap()],
                ..plain.clone()
            },
            Markings {
                excluded_units: vec!["cyber".parse().unwrap()],
                ..plain.clone()
            },
        ];
        for markings in tightened {
            assert!(markings.is_at_least_as_strict_as(&plain), "{markings:?}");
            assert!(!plain.is_at_least_as_strict_as(&markings), "{markings:?}");
            assert_eq!(plain.tighten(&markings), markings);
        }
    }

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
