//! Which words of a dossier counted.
//!
//! Decisions hold places, never words. They are shown to whoever has the dossier: to the demo, which plays the bureau as
//! well, and to an officer of the desk who reads it.

use liaison_custody::shown;
use liaison_proto::classification::{Decision, Reason};
use serde_json::Value;

use crate::output::{STRONG, styled};
use crate::proto_json::to_json;

/// Concepts named.
const MAX: usize = 3;
/// Characters shown of the words of one: signs that count together may stand far apart.
const MAX_SHOWN: usize = 48;

/// The concepts that counted most for the lead, each with the words it was found in: a line of text, empty
/// where no concept spoke for it.
pub(super) fn counted(decision: &Decision, narrative: &str) -> String {
    let mut concepts: Vec<&Reason> = decision
        .reasons
        .iter()
        .filter(|reason| reason.rule.starts_with("concept.") && reason.unit == decision.lead)
        .collect();
    concepts.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let told: Vec<String> = concepts
        .into_iter()
        .filter_map(|reason| Some((reason, quoted(reason, narrative)?)))
        .take(MAX)
        .map(|(reason, quoted)| {
            let concept = reason.rule.trim_start_matches("concept.");
            format!("{concept} {:+.1} {quoted}", reason.weight)
        })
        .collect();
    told.join(", ")
}

/// The words that a reason stands on, in quotation marks, as far as they are shown. `None` where it stands on none.
pub(super) fn quoted(reason: &Reason, narrative: &str) -> Option<String> {
    Some(quote(&short(word(reason, narrative)?)))
}

/// Words of a text in quotation marks, on one line, so that whoever wrote them cannot steer the terminal.
pub(super) fn quote(words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    format!("“{}”", styled(STRONG, &shown(&words.join(" "))))
}

/// The words that a reason stands on.
fn word<'a>(reason: &Reason, narrative: &'a str) -> Option<&'a str> {
    let from = usize::try_from(reason.start).ok()?;
    let to = usize::try_from(reason.end).ok()?;
    narrative.get(from..to).filter(|word| !word.is_empty())
}

/// The decision as the service says it, each reason with the `words` that it stands on, where it stands on any.
pub(super) fn with_words(decision: &Decision, narrative: &str) -> Value {
    let mut json = to_json("liaison.classification.v1.Decision", decision);
    add_words(&mut json, decision, narrative);
    json
}

/// Gives each reason in `json`, which says `decision`, the `words` that it stands on.
pub(super) fn add_words(json: &mut Value, decision: &Decision, narrative: &str) {
    for (at, reason) in decision.reasons.iter().enumerate() {
        if let Some(words) = word(reason, narrative) {
            json["reasons"][at]["words"] = words.into();
        }
    }
}

/// As much of `words` as is shown.
fn short(words: &str) -> String {
    match words.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{} …", words[..end].trim_end()),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(rule: &str, unit: &str, weight: f64, at: (i32, i32)) -> Reason {
        Reason {
            rule: rule.to_owned(),
            unit: unit.to_owned(),
            weight,
            start: at.0,
            end: at.1,
        }
    }

    #[test]
    fn long_runs_of_words_are_cut_between_characters() {
        assert_eq!(short("kilos de cocaïne"), "kilos de cocaïne");
        assert_eq!(short(&"é".repeat(60)), format!("{} …", "é".repeat(48)));
    }

    #[test]
    fn what_a_text_holds_stays_on_its_line_and_is_only_read() {
        let told = quote("sold\r\n two\tgirls \u{1b}[2J\u{202e}");
        let told = anstream::adapter::strip_str(&told).to_string();
        assert_eq!(told, "“sold two girls \\u{1b}[2J\\u{202e}”");
    }

    #[test]
    fn the_heaviest_concepts_for_the_lead_come_with_their_words() {
        let decision = Decision {
            lead: "cyber".to_owned(),
            reasons: vec![
                reason("text.sure", "", 0.0, (0, 0)),
                reason("concept.cyber.systems", "cyber", 0.5, (0, 7)),
                reason("concept.cyber.malware", "cyber", 3.25, (9, 19)),
                reason("concept.place", "none", 9.0, (0, 7)),
                // Not in the narrative, or not at the edge of a character.
                reason("concept.cyber.title", "cyber", 4.0, (0, 0)),
                reason("concept.cyber.broken", "cyber", 4.0, (9, 9_000)),
            ],
            ..Decision::default()
        };
        assert_eq!(
            counted(&decision, "Serveur, ransomware"),
            format!(
                "cyber.malware +3.2 “{}”, cyber.systems +0.5 “{}”",
                styled(STRONG, "ransomware"),
                styled(STRONG, "Serveur")
            )
        );
    }
}
