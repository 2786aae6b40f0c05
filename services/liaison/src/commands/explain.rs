//! `liaison policy explain`: what would be decided, and why.

use liaison_policy::attribute::Attribute;
use liaison_proto::intake::{
    ExplainDecisionRequest, ExplainDecisionResponse, IntendedAction, IntendedUse, PolicyFact,
    PolicyQuestion,
};

use crate::cli::{Output, PolicyExplainArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{BAD, CARE, FAINT, GOOD, STRONG, document, styled};
use crate::proto_json::to_json;

use super::resource;

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, args: &PolicyExplainArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let shares = args.question == PolicyQuestion::Share;
    // As `share create` does without them.
    let action = args
        .action
        .or_else(|| shares.then_some(IntendedAction::None));
    let usage = args.usage.or_else(|| shares.then_some(IntendedUse::Police));
    let text = |party: &Option<_>| party.as_ref().map(ToString::to_string).unwrap_or_default();
    let request = ExplainDecisionRequest {
        name: resource("referrals", &args.referral),
        question: args.question.into(),
        party: args.about.to_string(),
        by: text(&args.by),
        officer: args.acting.clone().unwrap_or_default(),
        purpose: args.purpose.map_or(0, i32::from),
        action: action.map_or(0, i32::from),
        r#use: usage.map_or(0, i32::from),
    };
    let explained = intake
        .explain_decision(request)
        .await
        .map_err(Failure::refused(&args.referral))?
        .into_inner();
    let json = to_json("liaison.intake.v1.ExplainDecisionResponse", &explained);
    document(output, &json, || told(&explained))?;
    Ok(())
}

fn told(explained: &ExplainDecisionResponse) -> String {
    let mut lines = vec![if explained.permitted {
        styled(GOOD, "It is permitted.")
    } else if explained.missing_consent.is_empty() {
        styled(BAD, "It is denied.")
    } else {
        styled(
            CARE,
            &format!("It needs the consent of {}.", explained.missing_consent),
        )
    }];
    for rule in &explained.rules {
        let (mark, id) = if rule.decisive {
            ("*", styled(STRONG, &rule.id))
        } else {
            (" ", rule.id.clone())
        };
        lines.push(format!("{mark} {id} ({})", rule.effect));
        lines.push(format!("    {}", rule.says));
        lines.push(format!("    {}", styled(FAINT, &rule.source)));
    }
    let facts = explained.facts.iter();
    let said: Vec<String> = facts
        .filter(|fact| !is_unsaid(fact))
        .map(|fact| format!("{} {}", fact.name, fact.value))
        .collect();
    lines.push(format!("Decided from: {}.", said.join(", ")));
    lines.push(styled(
        FAINT,
        &format!(
            "By {}; * marks the rules that decide, the others are outweighed.",
            explained.rule_set
        ),
    ));
    lines.join("\n")
}

/// Whether this is how the attribute stands wherever nothing was said about it: as its first value.
fn is_unsaid(fact: &PolicyFact) -> bool {
    let attribute: Option<Attribute> = fact.name.parse().ok();
    attribute.is_some_and(|attribute| attribute.values().first() == Some(&fact.value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::intake::SpokenRule;

    #[test]
    fn it_tells_the_answer_then_the_rules_then_the_facts() {
        let fact = |name: &str, value: &str| PolicyFact {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let explained = ExplainDecisionResponse {
            permitted: false,
            missing_consent: "bureau/NB-FR".into(),
            rules: vec![SpokenRule {
                id: "markings.h2.passing-on".into(),
                effect: "needs_consent".into(),
                decisive: true,
                says: "H2 information is passed on only with the provider's permission.".into(),
                source: "Council Manual 6261/18, handling code H2".into(),
            }],
            facts: vec![fact("question", "share"), fact("handling-h1", "no")],
            rule_set: "policy-2026.12".into(),
        };
        let text = anstream::adapter::strip_str(&told(&explained)).to_string();
        assert_eq!(
            text,
            "It needs the consent of bureau/NB-FR.\n\
             * markings.h2.passing-on (needs_consent)\n    \
             H2 information is passed on only with the provider's permission.\n    \
             Council Manual 6261/18, handling code H2\n\
             Decided from: question share.\n\
             By policy-2026.12; * marks the rules that decide, the others are outweighed."
        );
    }
}
