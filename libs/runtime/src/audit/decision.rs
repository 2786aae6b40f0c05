//! What the audit keeps of a decision of policy, and how that is read again.

use liaison_policy::{Consenter, Decided, Decision, Effect, Facts, Kept, RuleId};
use liaison_store::audit::AuditEntry;

/// It was permitted.
const PERMIT: &str = "PERMIT";
/// It was refused.
const REFUSE: &str = "REFUSE";
/// It waits for the owner's consent.
const ASK: &str = "ASK";
/// It waits for a person who looks first.
const REVIEW: &str = "REVIEW";

/// Writes into `entry` what policy decided, and what it is decided again by: the word for the decision, the
/// rules, the version of their rule set and the facts. They are set together here and nowhere else, so that
/// an entry with facts holds one decision of policy, and all of it.
pub fn record_decision(entry: &mut AuditEntry, decided: &Decided) {
    word(&decided.decision).clone_into(&mut entry.decision);
    entry.rules = decided.rules();
    entry.rule_set = Some(decided.rule_set.to_string());
    entry.facts = Some(decided.facts.encode().to_vec());
}

fn word(decision: &Decision) -> &'static str {
    match decision.effect {
        Effect::Allow => PERMIT,
        Effect::Review => REVIEW,
        Effect::Deny if decision.missing_consent.is_some() => ASK,
        Effect::Deny => REFUSE,
    }
}

/// The decision of policy that `entry` keeps: `None` where it keeps facts that this build cannot read, or
/// another word than [`record_decision`] writes.
#[must_use]
pub fn recorded_decision(entry: &AuditEntry) -> Option<Kept> {
    let facts = Facts::decode(entry.facts.as_deref()?).ok()?;
    let (effect, missing_consent) = match entry.decision.as_str() {
        PERMIT => (Effect::Allow, None),
        REVIEW => (Effect::Review, None),
        ASK => (Effect::Deny, Some(Consenter::Owner)),
        REFUSE => (Effect::Deny, None),
        _ => return None,
    };
    let rules = entry.rules.iter();
    let decision = Decision {
        effect,
        rules: rules.map(|rule| RuleId::from(rule.as_str())).collect(),
        missing_consent,
    };
    Some(Kept { facts, decision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_policy::attribute::{
        Exclusion, Grant, OfficerRelation, PartyClass, PurposeLimitation, Relation, Standing,
    };
    use liaison_policy::{Policy, Question};
    use liaison_types::{AuditId, Party, SeededRandom, Timestamp};

    fn entry() -> AuditEntry {
        let at = Timestamp::from_seconds(7);
        let id = AuditId::new(at, &SeededRandom::new(7));
        AuditEntry::new(id, at, Party::service("intake"), "sample.act", "", "")
    }

    #[test]
    fn what_is_kept_of_a_decision_is_read_as_that_decision() {
        let route = Facts::new(Question::Route).recipient(PartyClass::Unit);
        let submit = Facts::new(Question::Submit);
        // By the lead unit, to another one, of what is passed on with the owner's consent alone.
        let share = Facts::new(Question::Share)
            .actor(PartyClass::Unit)
            .relation(Relation::Other)
            .grant(Grant::Lead)
            .recipient(PartyClass::Unit)
            .recipient_standing(Standing::Stranger)
            .officer(OfficerRelation::Other)
            .purpose(PurposeLimitation::Same)
            .handling_h2(true);
        for (facts, word) in [
            (route, "PERMIT"),
            (route.exclusion(Exclusion::Unit), "REFUSE"),
            (share, "ASK"),
            (submit, "PERMIT"),
            (submit.minor_suspected(true), "REVIEW"),
        ] {
            let decided = Policy::built_in().decide(facts);
            let mut entry = entry();
            record_decision(&mut entry, &decided);
            assert_eq!(entry.decision, word, "{facts:?}");
            assert_eq!(entry.rule_set.as_deref(), Some(liaison_policy::RULE_SET));
            let kept = recorded_decision(&entry).unwrap();
            assert_eq!((kept.facts, kept.decision), (facts, decided.decision));
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_decision() {
        assert_eq!(recorded_decision(&entry()), None);
        let mut strange = entry();
        let facts = Facts::new(Question::Route);
        record_decision(&mut strange, &Policy::built_in().decide(facts));
        let mut later = strange.clone();
        later.facts = Some(vec![255; 40]);
        assert_eq!(recorded_decision(&later), None);
        "ROUTE".clone_into(&mut strange.decision);
        assert_eq!(recorded_decision(&strange), None);
    }
}
