//! What policy decides, and why.

use liaison_grpc::wire::{Checks, Path};
use liaison_policy::purpose::Purpose;
use liaison_proto::intake::{self, PolicyQuestion};
use liaison_types::{Form, Party, Result, Rule};

use crate::domain::{Actor, IntendedAction, IntendedUse, Terms};
use crate::ops::explain_decision::{Explained, Inquiry, Question};

const MAX_OFFICER: usize = 100;

/// What `actor` asks about which referral.
///
/// # Errors
/// INVALID_ARGUMENT with every violation; what the question does not need is one.
pub fn inquiry(request: &intake::ExplainDecisionRequest, actor: Actor) -> Result<Inquiry> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), &request.name);
    let asked = checks.enum_value::<PolicyQuestion>(Path::root("question"), request.question);
    let path = Path::root("party");
    let party: Option<Party> = checks.parse(path, &request.party, Form::PartyName);
    let shares = asked == Some(PolicyQuestion::Share);
    let by = by(&mut checks, request, shares);
    checks.line(Path::root("officer"), &request.officer, MAX_OFFICER);
    let acts = shares || asked == Some(PolicyQuestion::Purge);
    let officer = Some(&request.officer).filter(|officer| !officer.is_empty());
    checks.ensure(
        acts || officer.is_none(),
        Path::root("officer"),
        Rule::NotAllowed,
    );
    let terms = terms(&mut checks, request, shares);
    let acting = |party: Party| Actor {
        party,
        officer: officer.cloned().or_else(|| actor.officer.clone()),
    };
    let question = match (asked, party) {
        (Some(PolicyQuestion::ViewEnvelope), Some(party)) => Some(Question::Envelope(party)),
        (Some(PolicyQuestion::ViewDossier), Some(party)) => Some(Question::Dossier(party)),
        (Some(PolicyQuestion::Route), Some(Party::Unit(unit))) => Some(Question::Route(unit)),
        (Some(PolicyQuestion::Route), Some(_)) => {
            checks.add(path, Rule::NotAllowed);
            None
        }
        (Some(PolicyQuestion::Share), Some(recipient)) => terms.map(|terms| Question::Share {
            by: acting(by.unwrap_or_else(|| actor.party.clone())),
            recipient,
            terms,
        }),
        (Some(PolicyQuestion::Purge), Some(party)) => Some(Question::Purge(acting(party))),
        (Some(PolicyQuestion::Unspecified) | None, _) | (_, None) => None,
    };
    let inquiry = id.zip(question).map(|(id, question)| Inquiry {
        id,
        actor,
        question,
    });
    checks.finish(inquiry)
}

/// Who would pass it on, where that is asked.
fn by(
    checks: &mut Checks,
    request: &intake::ExplainDecisionRequest,
    shares: bool,
) -> Option<Party> {
    let path = Path::root("by");
    let by = checks.optional_parse(path, &request.by, Form::PartyName);
    checks.ensure(shares || request.by.is_empty(), path, Rule::NotAllowed);
    by
}

/// On what terms, where it would be passed on.
fn terms(
    checks: &mut Checks,
    request: &intake::ExplainDecisionRequest,
    shares: bool,
) -> Option<Terms> {
    let given = [
        (Path::root("purpose"), request.purpose),
        (Path::root("action"), request.action),
        (Path::root("use"), request.r#use),
    ];
    if !shares {
        for (path, value) in given {
            checks.ensure(value == 0, path, Rule::NotAllowed);
        }
        return None;
    }
    let [(purpose, _), (action, _), (usage, _)] = given;
    let purpose: Option<Purpose> = checks.named::<intake::Purpose, _>(purpose, request.purpose);
    let action: Option<IntendedAction> =
        checks.named::<intake::IntendedAction, _>(action, request.action);
    let usage: Option<IntendedUse> = checks.named::<intake::IntendedUse, _>(usage, request.r#use);
    Some(Terms {
        purpose: purpose?,
        action: action?,
        usage: usage?,
    })
}

/// A decision with its reasons.
#[must_use]
pub fn explained(explained: Explained) -> intake::ExplainDecisionResponse {
    let decided = &explained.decided;
    let facts = decided.facts.pairs();
    intake::ExplainDecisionResponse {
        permitted: decided.is_allowed(),
        missing_consent: explained
            .missing_consent
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        facts: facts
            .map(|(name, value)| intake::PolicyFact {
                name: name.to_owned(),
                value: value.to_owned(),
            })
            .collect(),
        rule_set: decided.rule_set.to_string(),
        rules: explained
            .spoken
            .into_iter()
            .map(|rule| intake::SpokenRule {
                id: rule.id,
                effect: rule.effect.to_owned(),
                decisive: rule.decisive,
                says: rule.says,
                source: rule.source,
            })
            .collect(),
    }
}
