//! The life of a referral in plain words.

use liaison_types::Timestamp;

use crate::receipt::Receipt;

/// What each step means, by its name in the API. `{unit}` is the unit concerned.
pub(crate) const STEPS: &[(&str, &str)] = &[
    ("SUBMITTED", "submitted the referral"),
    ("REVIEW_REQUESTED", "asked for a compliance review"),
    ("ADMITTED", "admitted the referral"),
    ("REFUSED", "refused the referral"),
    ("CLASSIFIED", "classified the referral"),
    ("TRIAGE_REQUESTED", "put the referral to the duty desk"),
    ("ROUTED", "assigned the referral to {unit}"),
    ("GRANTED", "gave {unit} access to the dossier"),
    ("GRANT_ENDED", "ended the access of {unit} to the dossier"),
    ("DOSSIER_OPENED", "opened the dossier"),
    (
        "CLASSIFICATION_READ",
        "read offences and narrative to classify them",
    ),
    ("ACCEPTED", "accepted the referral"),
    ("DECLINED", "declined the referral"),
    ("WORK_STARTED", "began to work on it"),
    ("COMPLETED", "completed its share"),
    (
        "ASSIGNMENT_ENDED",
        "ended the assignment of {unit} without a result",
    ),
    (
        "INDIRECT_ACCESS_DECLARED",
        "declared that it has only indirect access to the information",
    ),
    ("CONSENT_REQUESTED", "asked for consent"),
    ("CONSENT_GIVEN", "gave consent"),
    ("CONSENT_REFUSED", "refused consent"),
    ("CONSENT_EXPIRED", "let the request for consent expire"),
    ("SHARED", "shared the referral with {unit}"),
    ("SHARE_ENDED", "ended the sharing with {unit}"),
    ("BUNDLE_ISSUED", "issued a custody bundle"),
    ("CONTENT_PURGED", "destroyed the content of the dossier"),
];

/// One step: when, who and what, for example
/// `2026-03-01 09:14 UTC - bureau NB-FR (officer a.martin) submitted the referral`.
pub(crate) fn sentence(receipt: &Receipt) -> String {
    let known = STEPS.iter().find(|(name, _)| *name == receipt.step);
    let what = known.map_or_else(|| shown(&receipt.step), |(_, words)| (*words).to_owned());
    let mut sentence = format!("{} - {}", when(receipt.at), party(&receipt.party));
    if !receipt.officer.is_empty() {
        sentence.push_str(&format!(" (officer {})", shown(&receipt.officer)));
    }
    let unit = format!("unit {}", shown(&receipt.unit));
    let own = format!("unit/{}", receipt.unit) == receipt.party;
    let place = what.contains("{unit}");
    sentence.push(' ');
    sentence.push_str(&what.replace(
        "{unit}",
        if receipt.unit.is_empty() {
            "a unit"
        } else {
            &unit
        },
    ));
    let mut more = Vec::new();
    if !place && !own && !receipt.unit.is_empty() {
        more.push(unit);
    }
    if !receipt.detail.is_empty() {
        more.push(shown(&receipt.detail));
    }
    if !more.is_empty() {
        sentence.push_str(&format!(" [{}]", more.join(", ")));
    }
    sentence
}

/// To the minute, which is what people need; the bundle has the microseconds.
pub(crate) fn when(at: Timestamp) -> String {
    let text = Timestamp::from_seconds(at.to_seconds_and_nanos().0).to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or(time))
}

/// A party as people say it.
pub(crate) fn party(short: &str) -> String {
    match short.split_once('/') {
        Some(("service", name)) => format!("the {} service", shown(name)),
        Some(("desk", name)) => format!("the {} desk", shown(name)),
        Some((kind, name)) => format!("{} {}", shown(kind), shown(name)),
        None if short.is_empty() => "somebody".to_owned(),
        None => shown(short),
    }
}

/// `text` so that it can only be read, whoever wrote it: control characters and those that turn the
/// direction of writing or take no room are written as escapes.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        if hidden || character.is_control() {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema, so that a step that is added there is not forgotten here.
    const SCHEMA: &str = include_str!("../../../proto/liaison/event/v1/event.proto");

    #[test]
    fn every_step_of_the_schema_has_its_words() {
        let names = SCHEMA.lines().filter_map(|line| {
            let (name, number) = line.trim().split_once(" = ")?;
            (number != "0;").then_some(name.strip_prefix("REFERRAL_STEP_")?)
        });
        let mut count = 0;
        for name in names {
            assert!(STEPS.iter().any(|(known, _)| *known == name), "{name}");
            count += 1;
        }
        assert!(count >= 17);
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(
            shown("a\u{202e}b\u{1b}[2Jé\u{200b}"),
            "a\\u{202e}b\\u{1b}[2Jé\\u{200b}"
        );
    }
}
