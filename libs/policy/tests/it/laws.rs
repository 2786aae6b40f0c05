//! What holds for all facts, not only for those that somebody thought of.

use liaison_policy::attribute::{Attribute, PartyClass};
use liaison_policy::{Decision, Effect, Facts, Kept, Question, RuleSet, simulate};
use proptest::prelude::*;

use crate::examples;
use crate::story::Story;

/// Any facts at all, sense or nonsense.
fn any_facts() -> impl Strategy<Value = Facts> {
    let values: Vec<_> = Attribute::ALL
        .iter()
        .map(|attribute| prop::sample::select(attribute.values()))
        .collect();
    values.prop_map(|values| {
        let named = Attribute::ALL.iter().zip(values);
        named.fold(Facts::new(Question::Submit), |facts, (attribute, value)| {
            facts.named(attribute.as_str(), value).unwrap()
        })
    })
}

/// Facts of a worked example with a few of them changed: near the rules, where any facts seldom are.
fn near_facts() -> impl Strategy<Value = Facts> {
    let stories: Vec<Facts> = examples::all().iter().map(Story::facts).collect();
    let change = prop::sample::select(Attribute::ALL)
        .prop_flat_map(|attribute| (Just(attribute), prop::sample::select(attribute.values())));
    let changes = prop::collection::vec(change, 0..4);
    (prop::sample::select(stories), changes).prop_map(|(facts, changes)| {
        changes
            .into_iter()
            .fold(facts, |facts, (attribute, value)| {
                facts.named(attribute.as_str(), value).unwrap()
            })
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    prop_oneof![1 => any_facts(), 3 => near_facts()]
}

fn value(facts: &Facts, attribute: Attribute) -> &'static str {
    attribute.values()[usize::from(facts.get(attribute))]
}

/// What is said of a marking, stricter to the right.
const MARKINGS: [Attribute; 8] = [
    Attribute::Confidentiality,
    Attribute::HandlingH0,
    Attribute::HandlingH1,
    Attribute::HandlingH2,
    Attribute::HandlingH3,
    Attribute::Tlp,
    Attribute::Pap,
    Attribute::Exclusion,
];

/// The same facts with one marking stricter; no exclusion is stricter than another, so that one comes
/// only where there was none.
fn tightened(facts: &Facts) -> Vec<Facts> {
    let mut all = Vec::new();
    for attribute in MARKINGS {
        let from = usize::from(facts.get(attribute));
        if attribute == Attribute::Exclusion && from != 0 {
            continue;
        }
        for stricter in &attribute.values()[from + 1..] {
            all.push(facts.named(attribute.as_str(), stricter).unwrap());
        }
    }
    all
}

fn with_rule(id: &str, effect: &str, facts: &Facts, on: &[Attribute]) -> RuleSet {
    let conditions: Vec<String> = on
        .iter()
        .filter(|attribute| **attribute != Attribute::Question)
        .map(|attribute| format!("{attribute} = {:?}", value(facts, *attribute)))
        .collect();
    let question = value(facts, Attribute::Question);
    let text = format!(
        "{}\n[[rule]]\nid = {id:?}\nquestions = [{question:?}]\neffect = {effect:?}\nwhen = {{ {} }}\n\
         source = \"a test\"\nsays = \"Something.\"\n",
        liaison_policy::rule_set::BUILT_IN,
        conditions.join(", ")
    );
    RuleSet::load(&text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn every_facts_are_decided_and_every_decision_names_rules_that_exist(facts in facts()) {
        let rules = RuleSet::built_in();
        let decision = rules.decide(&facts);
        prop_assert!(!decision.rules.is_empty());
        for id in &decision.rules {
            let rule = rules.rule(id.as_str()).unwrap();
            prop_assert!(rule.questions().contains(&facts.asked()));
        }
        let never = if facts.asked() == Question::Submit { Effect::Deny } else { Effect::Review };
        prop_assert_ne!(decision.effect, never);
        let explained = rules.explain(&facts);
        let decisive = explained.spoken.iter().filter(|spoken| spoken.decisive);
        prop_assert_eq!(decisive.count(), decision.rules.len());
        prop_assert_eq!(explained.decision, decision);
    }

    #[test]
    fn a_stricter_marking_never_allows_more(facts in facts()) {
        let rules = RuleSet::built_in();
        let allowed = rules.decide(&facts).is_allowed();
        for stricter in tightened(&facts) {
            prop_assert!(allowed || !rules.decide(&stricter).is_allowed(), "{facts:?}\n{stricter:?}");
        }
    }

    #[test]
    fn consent_takes_nothing_away_and_a_missing_one_is_all_that_is_missing(facts in facts()) {
        let rules = RuleSet::built_in();
        let decide = |consent| rules.decide(&facts.named("consent", consent).unwrap());
        let (none, given, refused) = (decide("none"), decide("given"), decide("refused"));
        prop_assert!(!none.is_allowed() || given.is_allowed());
        prop_assert!(!refused.is_allowed() || none.is_allowed());
        prop_assert_eq!(none.missing_consent.is_some(), given.is_allowed() && !none.is_allowed());
        prop_assert!(given.missing_consent.is_none() && refused.missing_consent.is_none());
    }

    #[test]
    fn whoever_runs_or_watches_the_system_never_sees_content(facts in facts()) {
        for class in ["service", "operator", "auditor"] {
            for question in ["view-envelope", "view-dossier", "view-item", "share", "transfer", "export"] {
                let facts = facts.named("question", question).unwrap();
                let role = if question.starts_with("view") { "actor" } else { "recipient" };
                let decision = RuleSet::built_in().decide(&facts.named(role, class).unwrap());
                prop_assert!(!decision.is_allowed(), "{class} {question} {decision:?}");
            }
        }
    }

    #[test]
    fn an_exclusion_binds_in_every_question_about_a_recipient(facts in facts(), consent in prop::sample::select(Attribute::Consent.values())) {
        let facts = facts.consent(match consent {
            "given" => liaison_policy::attribute::Consent::Given,
            "refused" => liaison_policy::attribute::Consent::Refused,
            _ => liaison_policy::attribute::Consent::None,
        });
        for question in ["view-envelope", "view-dossier", "view-item", "route", "share", "transfer", "notify", "export"] {
            for exclusion in ["country", "unit"] {
                let facts = facts.named("question", question).unwrap().named("exclusion", exclusion).unwrap();
                prop_assert!(!RuleSet::built_in().decide(&facts).is_allowed());
            }
        }
    }

    #[test]
    fn facts_are_read_as_they_were_written(facts in facts()) {
        prop_assert_eq!(Facts::decode(&facts.encode()), Ok(facts));
        let named = facts.pairs().try_fold(Facts::new(Question::Submit), |facts, (attribute, value)| {
            facts.named(attribute, value)
        });
        prop_assert_eq!(named, Ok(facts));
    }

    #[test]
    fn no_bytes_are_too_strange_to_be_refused(bytes in prop::collection::vec(0_u8..12, 0..48)) {
        if let Ok(facts) = Facts::decode(&bytes) {
            prop_assert_eq!(&facts.encode()[..], &bytes[..]);
            prop_assert!(!RuleSet::built_in().decide(&facts).rules.is_empty());
        }
    }

    #[test]
    fn a_rule_set_written_and_loaded_decides_alike(facts in facts()) {
        let built_in = RuleSet::built_in();
        let again = WRITTEN.with(Clone::clone);
        prop_assert_eq!(built_in.decide(&facts), again.decide(&facts));
    }
}

thread_local! {
    static WRITTEN: RuleSet = RuleSet::load(&RuleSet::built_in().to_string()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn another_rule_that_denies_never_allows_and_wins_where_it_applies(
        facts in facts(),
        on in prop::sample::subsequence(Attribute::ALL.to_vec(), 0..6),
        others in prop::collection::vec(facts(), 16),
    ) {
        prop_assume!(facts.asked() != Question::Submit);
        let stricter = with_rule("test.deny", "deny", &facts, &on);
        let decision = stricter.decide(&facts);
        prop_assert!(!decision.is_allowed() && decision.rules.iter().any(|rule| *rule == "test.deny"));
        prop_assert_eq!(decision.missing_consent, None);
        for facts in others {
            let before = RuleSet::built_in().decide(&facts);
            prop_assert!(before.is_allowed() || !stricter.decide(&facts).is_allowed());
        }
    }

    #[test]
    fn another_rule_that_allows_outweighs_no_denial(
        facts in facts(),
        on in prop::sample::subsequence(Attribute::ALL[2..].to_vec(), 0..6),
    ) {
        prop_assume!(facts.asked() != Question::Submit);
        let wider = with_rule("test.allow", "allow", &facts, &[&[Attribute::Actor], &on[..]].concat());
        let rules = RuleSet::built_in();
        let (before, after) = (rules.decide(&facts), wider.decide(&facts));
        let denies = |decision: &Decision| decision.rules.iter().any(|id| {
            rules.rule(id.as_str()).is_some_and(|rule| rule.effect() == liaison_policy::RuleEffect::Deny)
        });
        prop_assert!(!denies(&before) || before == after);
    }

    #[test]
    fn a_simulation_tells_exactly_what_would_come_out_otherwise(kept in prop::collection::vec(facts(), 0..32)) {
        let rules = RuleSet::built_in();
        let candidate = RuleSet::load(
            &liaison_policy::rule_set::BUILT_IN.replace("grant = { not = \"none\" }", "grant = [\"lead\"]"),
        )
        .unwrap();
        let decided = kept.iter().map(|facts| Kept { facts: *facts, decision: rules.decide(facts) });
        prop_assert_eq!(simulate(rules, decided.clone().collect::<Vec<_>>()).count(), 0);
        let mut differences = simulate(&candidate, decided.collect::<Vec<_>>()).peekable();
        for (index, facts) in kept.iter().enumerate() {
            let (before, after) = (rules.decide(facts), candidate.decide(facts));
            if before == after {
                prop_assert!(differences.peek().is_none_or(|next| next.index > index));
            } else {
                let next = differences.next().unwrap();
                prop_assert_eq!((next.index, &next.before, &next.after), (index, &before, &after));
                prop_assert_eq!(next.changes_effect(), before.effect != after.effect);
            }
        }
    }
}

#[test]
fn one_step_stricter_never_allows_more_around_any_example() {
    // Every example with every value of who receives and how they stand, where the scales matter most.
    let rules = RuleSet::built_in();
    let received = |story: &Story| story.facts().get(Attribute::Recipient) != 0;
    for story in examples::all().into_iter().filter(received) {
        for recipient in Attribute::Recipient.values() {
            for standing in Attribute::RecipientStanding.values() {
                for tlp in Attribute::Tlp.values() {
                    let facts = [
                        ("recipient", recipient),
                        ("recipient-standing", standing),
                        ("tlp", tlp),
                    ]
                    .into_iter()
                    .fold(story.facts(), |facts, (attribute, value)| {
                        facts.named(attribute, value).unwrap()
                    });
                    let allowed = rules.decide(&facts).is_allowed();
                    for stricter in tightened(&facts) {
                        assert!(
                            allowed || !rules.decide(&stricter).is_allowed(),
                            "{facts:?}\n{stricter:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn an_explanation_is_for_people() {
    let facts = Facts::new(Question::Share)
        .actor(PartyClass::Unit)
        .recipient(PartyClass::Operator)
        .handling_h2(true);
    let text = RuleSet::built_in().explain(&facts).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("  needs_consent markings.h2.passing-on: H2 information"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("* deny purpose.undeclared: "),
        "{text}"
    );
    assert!(lines[1].contains("(RPD, Article 10"), "{text}");
    assert!(!text.contains("would change"), "{text}");
}
