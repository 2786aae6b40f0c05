//! Which words of a dossier counted, for an audience that wrote it.
//!
//! Decisions hold places, never words. The demo plays the bureau as well, so it has the words.

use liaison_proto::classification::{Decision, Reason};

use crate::output::{STRONG, styled};

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
        .filter_map(|reason| Some((reason, word(reason, narrative)?)))
        .take(MAX)
        .map(|(reason, word)| {
            let concept = reason.rule.trim_start_matches("concept.");
            format!(
                "{concept} {:+.1} “{}”",
                reason.weight,
                styled(STRONG, &short(word))
            )
        })
        .collect();
    told.join(", ")
}

fn word<'a>(reason: &Reason, narrative: &'a str) -> Option<&'a str> {
    let from = usize::try_from(reason.start).ok()?;
    let to = usize::try_from(reason.end).ok()?;
    narrative.get(from..to).filter(|word| !word.is_empty())
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
