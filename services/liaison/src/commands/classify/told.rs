//! A decision as people read it.

use liaison_classification::domain::{Basis, Decision, Field, Outcome as Verdict, Reason, Span};

use crate::output::{CARE, FAINT, GOOD, STRONG, styled};

use super::Case;
use crate::commands::words::quote;

/// The decision for people, with the words that counted: whoever runs this has the text.
pub(super) fn told(case: &Case, decision: &Decision) -> String {
    let verdict = match decision.outcome {
        Verdict::Route => styled(GOOD, "route"),
        Verdict::Review => styled(CARE, "review"),
    };
    let lead = decision.lead.as_ref().map_or("none", |unit| unit.as_str());
    let mut text = format!("{}\n  {verdict} → {}", case.id, styled(STRONG, lead));
    if !decision.supporting.is_empty() {
        let supporting: Vec<&str> = decision
            .supporting
            .iter()
            .map(liaison_types::UnitCode::as_str)
            .collect();
        text.push_str(&format!(", supported by {}", supporting.join(", ")));
    }
    if decision.basis == Basis::Codes {
        text.push_str(&styled(
            FAINT,
            "\n  by the declared offences; the text alone:",
        ));
    }
    for unit in &decision.probabilities {
        text.push_str(&format!(
            "\n    {:.3}  {}",
            unit.probability.as_f64(),
            unit.unit
        ));
    }
    text.push_str(&format!(
        "\n    {:.3}  none",
        decision.none_probability.as_f64()
    ));
    for reason in &decision.reasons {
        text.push_str("\n  because ");
        text.push_str(&because(case, reason));
    }
    if !decision.suggestions.is_empty() {
        let offences = decision.suggestions.iter();
        let offences = offences.map(|one| format!("{} ({:.1})", one.iccs, one.weight.as_f64()));
        let offences = offences.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n  may be ICCS {offences}"));
    }
    for hint in &decision.urgency {
        let told = styled(CARE, &format!("may be urgent: {}", hint.id));
        text.push_str(&format!("\n  {told} {}", words(case, &hint.spans)));
    }
    text.push_str(&styled(
        FAINT,
        &format!(
            "\n  rule set {}, model {}",
            decision.rule_set, decision.model
        ),
    ));
    text
}

fn because(case: &Case, reason: &Reason) -> String {
    match reason {
        Reason::Rule { id } => id.clone(),
        Reason::Code { id, .. } => format!("{id} (declared)"),
        Reason::Concept(concept) => format!(
            "{} {:+.2}  {}",
            concept.id,
            concept.weight.as_f64(),
            words(case, &concept.spans)
        ),
        Reason::Wording { weight, spans, .. } => {
            format!(
                "text.wording {:+.2}  {}",
                weight.as_f64(),
                words(case, spans)
            )
        }
    }
}

/// The words at some places, quoted.
fn words(case: &Case, spans: &[Span]) -> String {
    let words: Vec<String> = spans
        .iter()
        .filter_map(|span| {
            let text = match span.field {
                Field::Title => case.title.as_deref().unwrap_or_default(),
                Field::Narrative => &case.text,
            };
            let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
            Some(quote(text.get(range)?))
        })
        .collect();
    words.join(", ")
}
