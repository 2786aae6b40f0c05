//! Markings across the border.

use std::str::FromStr;

use liaison_proto::common;
use liaison_types::{
    Confidentiality, CountryCode, Form, Handling, Markings, Pap, Rule, Tlp, UnitCode,
};

use super::check::{Checks, Path};

const MAX_HANDLING_TEXT: usize = 500;
const MAX_COUNTRIES: usize = 250;
const MAX_UNITS: usize = 16;

/// Markings on the wire.
#[must_use]
pub fn markings(markings: &Markings) -> common::Markings {
    common::Markings {
        confidentiality: confidentiality(markings.confidentiality).into(),
        handling: markings
            .handling
            .iter()
            .map(|code| handling(*code).into())
            .collect(),
        handling_text: markings.handling_text.clone(),
        tlp: tlp(markings.tlp).into(),
        pap: pap(markings.pap).into(),
        excluded_countries: texts(&markings.excluded_countries),
        excluded_units: texts(&markings.excluded_units),
    }
}

fn texts(codes: &[impl ToString]) -> Vec<String> {
    codes.iter().map(ToString::to_string).collect()
}

/// Markings of content from the wire; what is not given is read as [`Markings::default`] says. Codes are
/// sorted and each kept once. What cannot be read is a violation; a marking is never silently weakened.
pub fn read_markings(
    checks: &mut Checks,
    path: Path<'_>,
    given: Option<&common::Markings>,
) -> Markings {
    given.map_or_else(Markings::default, |given| read(checks, path, given, true))
}

/// Markings of an envelope from the wire: as [`read_markings`] reads them, without the text of H3. That is
/// content and stays with the dossier; where one is given all the same, it is left out.
pub fn read_envelope_markings(
    checks: &mut Checks,
    path: Path<'_>,
    given: Option<&common::Markings>,
) -> Markings {
    given.map_or_else(Markings::default, |given| read(checks, path, given, false))
}

fn read(checks: &mut Checks, path: Path<'_>, given: &common::Markings, content: bool) -> Markings {
    let standard = Markings::default();
    let mut codes: Vec<Handling> = Vec::new();
    for (index, code) in given.handling.iter().enumerate() {
        let path = path.field("handling");
        match checks.enum_value::<common::HandlingCode>(path.index(index), *code) {
            Some(common::HandlingCode::H0) => codes.push(Handling::H0),
            Some(common::HandlingCode::H1) => codes.push(Handling::H1),
            Some(common::HandlingCode::H2) => codes.push(Handling::H2),
            Some(common::HandlingCode::H3) => codes.push(Handling::H3),
            Some(common::HandlingCode::Unspecified) | None => {}
        }
        if index > Handling::ALL.len() {
            checks.add(path, Rule::TooMany(Handling::ALL.len()));
            break;
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let mut handling_text = String::new();
    if content {
        handling_text.clone_from(&given.handling_text);
        let text = path.field("handling_text");
        if codes.contains(&Handling::H3) {
            if handling_text.trim().is_empty() {
                checks.add(text, Rule::RequiredBecause("handling"));
            }
        } else if !handling_text.is_empty() {
            checks.add(text, Rule::ConflictsWith("handling"));
        }
        checks.line(text, &handling_text, MAX_HANDLING_TEXT);
    }
    Markings {
        confidentiality: checks
            .optional_enum_value(path.field("confidentiality"), given.confidentiality)
            .map_or(standard.confidentiality, |value| match value {
                common::Confidentiality::Restricted => Confidentiality::Restricted,
                common::Confidentiality::Confidential => Confidentiality::Confidential,
                common::Confidentiality::OfficialUseOnly | common::Confidentiality::Unspecified => {
                    Confidentiality::OfficialUseOnly
                }
            }),
        handling: if codes.is_empty() {
            standard.handling
        } else {
            codes
        },
        handling_text,
        tlp: checks
            .optional_enum_value(path.field("tlp"), given.tlp)
            .map_or(standard.tlp, |value| match value {
                common::Tlp::Clear => Tlp::Clear,
                common::Tlp::Green => Tlp::Green,
                common::Tlp::Amber | common::Tlp::Unspecified => Tlp::Amber,
                common::Tlp::AmberStrict => Tlp::AmberStrict,
                common::Tlp::Red => Tlp::Red,
            }),
        pap: checks
            .optional_enum_value(path.field("pap"), given.pap)
            .map_or(standard.pap, |value| match value {
                common::Pap::Clear => Pap::Clear,
                common::Pap::Green => Pap::Green,
                common::Pap::Amber | common::Pap::Unspecified => Pap::Amber,
                common::Pap::Red => Pap::Red,
            }),
        excluded_countries: codes_of::<CountryCode>(
            checks,
            path.field("excluded_countries"),
            &given.excluded_countries,
            MAX_COUNTRIES,
            Form::CountryCode,
        ),
        excluded_units: codes_of::<UnitCode>(
            checks,
            path.field("excluded_units"),
            &given.excluded_units,
            MAX_UNITS,
            Form::UnitName,
        ),
    }
}

fn codes_of<T: FromStr + Ord>(
    checks: &mut Checks,
    path: Path<'_>,
    given: &[String],
    max: usize,
    form: Form,
) -> Vec<T> {
    let given = checks.at_most(path, given, max);
    let mut codes: Vec<T> = given
        .iter()
        .enumerate()
        .filter_map(|(index, text)| checks.parse(path.index(index), text, form))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

const fn confidentiality(value: Confidentiality) -> common::Confidentiality {
    match value {
        Confidentiality::OfficialUseOnly => common::Confidentiality::OfficialUseOnly,
        Confidentiality::Restricted => common::Confidentiality::Restricted,
        Confidentiality::Confidential => common::Confidentiality::Confidential,
    }
}

const fn handling(value: Handling) -> common::HandlingCode {
    match value {
        Handling::H0 => common::HandlingCode::H0,
        Handling::H1 => common::HandlingCode::H1,
        Handling::H2 => common::HandlingCode::H2,
        Handling::H3 => common::HandlingCode::H3,
    }
}

const fn tlp(value: Tlp) -> common::Tlp {
    match value {
        Tlp::Clear => common::Tlp::Clear,
        Tlp::Green => common::Tlp::Green,
        Tlp::Amber => common::Tlp::Amber,
        Tlp::AmberStrict => common::Tlp::AmberStrict,
        Tlp::Red => common::Tlp::Red,
    }
}

const fn pap(value: Pap) -> common::Pap {
    match value {
        Pap::Clear => common::Pap::Clear,
        Pap::Green => common::Pap::Green,
        Pap::Amber => common::Pap::Amber,
        Pap::Red => common::Pap::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_markings() -> impl Strategy<Value = Markings> {
        (
            prop::sample::select(Confidentiality::ALL),
            prop::sample::subsequence(Handling::ALL, 1..=4),
            prop::sample::select(Tlp::ALL),
            prop::sample::select(Pap::ALL),
            prop::sample::subsequence(vec!["AE", "DE", "FR", "US"], 0..=4),
            prop::sample::subsequence(vec!["cyber", "terrorism"], 0..=2),
        )
            .prop_map(
                |(confidentiality, handling, tlp, pap, countries, units)| Markings {
                    confidentiality,
                    handling_text: if handling.contains(&Handling::H3) {
                        "no copies".into()
                    } else {
                        String::new()
                    },
                    handling,
                    tlp,
                    pap,
                    excluded_countries: countries.iter().map(|c| c.parse().unwrap()).collect(),
                    excluded_units: units.iter().map(|u| u.parse().unwrap()).collect(),
                },
            )
    }

    proptest! {
        #[test]
        fn markings_round_trip(given in any_markings()) {
            let mut checks = Checks::default();
            let read = read_markings(&mut checks, Path::root("markings"), Some(&markings(&given)));
            prop_assert!(checks.is_clean());
            prop_assert_eq!(&read, &given);
            // An envelope has the same, but for the text, whether it came along or not.
            let envelope = Markings { handling_text: String::new(), ..given.clone() };
            for sent in [&given, &envelope] {
                let sent = markings(sent);
                let read = read_envelope_markings(&mut checks, Path::root("markings"), Some(&sent));
                prop_assert!(checks.is_clean());
                prop_assert_eq!(&read, &envelope);
            }
        }
    }

    #[test]
    fn nothing_given_is_the_default_and_nonsense_is_refused() {
        let mut checks = Checks::default();
        let path = Path::root("markings");
        assert_eq!(read_markings(&mut checks, path, None), Markings::default());
        let empty = common::Markings::default();
        assert_eq!(
            read_markings(&mut checks, path, Some(&empty)),
            Markings::default()
        );
        assert!(checks.is_clean());
        let nonsense = common::Markings {
            confidentiality: 9,
            handling: vec![0, 17, common::HandlingCode::H3.into()],
            handling_text: String::new(),
            tlp: -1,
            pap: 99,
            excluded_countries: vec!["ZZ".into(), String::new()],
            excluded_units: vec!["Cyber".into()],
        };
        read_markings(&mut checks, path, Some(&nonsense));
        let fields: Vec<_> = checks
            .violations()
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "markings.handling[0]",
                "markings.handling[1]",
                "markings.handling_text",
                "markings.confidentiality",
                "markings.tlp",
                "markings.pap",
                "markings.excluded_countries[0]",
                "markings.excluded_countries[1]",
                "markings.excluded_units[0]",
            ]
        );
    }
}
