//! What is no rule set, and what is said of it.

use liaison_policy::load::{MAX_BYTES, MAX_RULES};
use liaison_policy::rule_set::BUILT_IN;
use liaison_policy::{Question, RuleSet};

fn problems(text: &str) -> Vec<String> {
    let error = RuleSet::load(text).unwrap_err();
    assert_eq!(error.to_string().is_empty(), error.problems.is_empty());
    error.problems.iter().map(ToString::to_string).collect()
}

/// What is said where one rule more stands in the rule set of this build.
fn with(rule: &str) -> Vec<String> {
    problems(&format!("{BUILT_IN}\n[[rule]]\n{rule}\n"))
}

const GOOD: &str = "id = \"test.rule\"\nquestions = [\"share\"]\neffect = \"deny\"\nwhen = { tlp = \"RED\" }\n\
                    source = \"[D] A test.\"\nsays = \"Something.\"\n";

#[test]
fn the_built_in_rule_set_is_its_text_and_has_the_version_said() {
    let rules = RuleSet::load(BUILT_IN).unwrap();
    assert_eq!(&rules, RuleSet::built_in());
    assert_eq!(rules.version(), liaison_policy::RULE_SET);
    assert_eq!(RuleSet::load(&rules.to_string()), Ok(rules.clone()));
    for question in Question::ALL {
        assert!(
            rules
                .rules()
                .iter()
                .any(|rule| rule.questions().contains(question)),
            "{question}"
        );
    }
    for rule in rules.rules() {
        assert!(rule.says().ends_with('.'), "{}: {}", rule.id(), rule.says());
        assert!(!rule.source().is_empty() && rule.source() != "[D]");
    }
}

#[test]
fn a_good_rule_more_is_a_rule_set_still() {
    let rules = RuleSet::load(&format!("{BUILT_IN}\n[[rule]]\n{GOOD}")).unwrap();
    assert_eq!(rules.rules().len(), RuleSet::built_in().rules().len() + 1);
    assert_eq!(rules.rule("test.rule").unwrap().says(), "Something.");
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_its_name_and_what_to_do() {
    for (from, to, says) in [
        (
            "tlp =",
            "colour =",
            "rule test.rule: attribute \"colour\" is unknown; the attributes are question, actor,",
        ),
        (
            "\"RED\"",
            "\"WHITE\"",
            "rule test.rule: tlp has no value \"WHITE\"; it has CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
        ),
        (
            "\"RED\"",
            "3",
            "rule test.rule: the condition on tlp is none: write a value",
        ),
        (
            "\"RED\"",
            "{ above = \"RED\" }",
            "rule test.rule: the condition on tlp is none",
        ),
        (
            "\"RED\"",
            "{ not = \"RED\", at_least = \"RED\" }",
            "rule test.rule: the condition on tlp is none",
        ),
        (
            "\"RED\"",
            "[]",
            "rule test.rule: the condition on tlp accepts no value",
        ),
        (
            "\"RED\"",
            "{ at_least = \"CLEAR\" }",
            "rule test.rule: the condition on tlp accepts every value",
        ),
        (
            "\"RED\"",
            "{ at_most = [\"RED\"] }",
            "rule test.rule: the condition on tlp is none",
        ),
        (
            "tlp = \"RED\"",
            "grant = { at_least = \"lead\" }",
            "rule test.rule: the values of grant do not ascend",
        ),
        (
            "tlp = \"RED\"",
            "question = \"export\"",
            "rule test.rule: a condition on question accepts none of the rule's `questions`",
        ),
        (
            "{ tlp = \"RED\" }",
            "[]",
            "rule test.rule: an empty `when` never applies",
        ),
        (
            "{ tlp = \"RED\" }",
            "\"RED\"",
            "rule test.rule: `when` is a table of conditions, or an array of such tables",
        ),
        (
            "[\"share\"]",
            "[\"shere\"]",
            "rule test.rule: question \"shere\" is unknown; the questions are submit,",
        ),
        ("[\"share\"]", "[]", "rule test.rule: speaks to no question"),
        (
            "[\"share\"]",
            "[\"share\", \"share\"]",
            "rule test.rule: question share stands twice",
        ),
        (
            "\"deny\"",
            "\"forbid\"",
            "rule test.rule: effect \"forbid\" is unknown; it is one of allow, deny, needs_consent, flag, default",
        ),
        (
            "\"deny\"",
            "\"flag\"",
            "rule test.rule: what is flagged is a submission",
        ),
        (
            "\"deny\"",
            "\"default\"",
            "rule test.rule: a default has no `when`",
        ),
        (
            "[\"share\"]",
            "[\"submit\"]",
            "rule test.rule: screening never refuses",
        ),
        (
            "\"[D] A test.\"",
            "\" \"",
            "rule test.rule: has no source: name the public instrument",
        ),
        (
            "\"[D] A test.\"",
            "\"[D]\"",
            "rule test.rule: the source [D] gives no reason",
        ),
        (
            "\"Something.\"",
            "\"\"",
            "rule test.rule: says nothing: write one plain sentence",
        ),
        (
            "test.rule",
            "view.owner",
            "rule view.owner: the id stands twice",
        ),
        (
            "test.rule",
            "test",
            "id \"test\" is not valid: write words of small letters",
        ),
        ("test.rule", "Test.rule", "id \"Test.rule\" is not valid"),
        ("test.rule", "test.-rule", "id \"test.-rule\" is not valid"),
        ("test.rule", "test..rule", "id \"test..rule\" is not valid"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let problems = with(&GOOD.replace(from, to));
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{to}: {problems:#?}"
        );
    }
    assert!(with(&GOOD.replace("source = \"[D] A test.\"\n", ""))[0].contains("has no source"));
}

#[test]
fn everything_is_said_at_once() {
    let problems = with(
        "id = \"Wrong\"\nquestions = [\"shere\"]\neffect = \"forbid\"\nwhen = { colour = \"RED\", tlp = \"WHITE\" }",
    );
    assert_eq!(problems.len(), 7, "{problems:#?}");
    let last = RuleSet::built_in().rules().len() + 1;
    for problem in problems {
        assert!(
            problem.starts_with(&format!("rule number {last}: ")),
            "{problem}"
        );
    }
}

#[test]
fn every_question_must_be_answered_and_by_one_default() {
    let without = |id: &str| {
        let start = BUILT_IN.find(&format!("[[rule]]\nid = \"{id}\"")).unwrap();
        let end = BUILT_IN[start + 1..]
            .find("[[rule]]")
            .map_or(BUILT_IN.len(), |end| start + 1 + end);
        format!("{}{}", &BUILT_IN[..start], &BUILT_IN[end..])
    };
    for (id, says) in [
        (
            "triage.desk",
            "no rule can allow triage: add one with the effect allow",
        ),
        (
            "triage.desk-only",
            "triage has no default: add a rule with the effect default",
        ),
        (
            "screen.complete-and-unflagged",
            "screening never refuses: add a rule that allows submit, without a `when`",
        ),
    ] {
        let problems = problems(&without(id));
        assert!(
            problems.iter().any(|problem| problem == says),
            "{id}: {problems:#?}"
        );
    }
    let rule = |effect: &str| {
        GOOD.replace("when = { tlp = \"RED\" }\n", "")
            .replace("\"share\"", "\"triage\"")
            .replace("\"deny\"", effect)
    };
    assert_eq!(
        with(&rule("\"default\"")),
        ["triage has two defaults, triage.desk-only and test.rule: remove one"]
    );
    assert_eq!(
        with(&rule("\"allow\"")),
        ["triage has a default that never speaks, for test.rule always allows: remove one"]
    );
    assert_eq!(problems("").len(), 1 + 2 * Question::ALL.len());
}

#[test]
fn the_text_as_a_whole_is_checked() {
    for (text, says) in [
        ("version = 3", "not a rule set in TOML"),
        (
            "version = \"a\"\ncolour = 1",
            "line 2, column 1: unknown field `colour`",
        ),
        (
            "version = \"a\"\n[[rule]]\nid = \"a.b\"\nunless = 1",
            "unknown field `unless`",
        ),
        ("version = \"a b\"", "version \"a b\" is not valid"),
        ("version = \"a\nb\"", "not a rule set in TOML"),
    ] {
        let problems = problems(text);
        assert!(problems[0].contains(says), "{text}: {problems:#?}");
    }
    let long = "#".repeat(MAX_BYTES + 1);
    assert_eq!(
        problems(&long),
        ["the text has 262145 bytes; at most 262144 are read"]
    );
    let many = "[[rule]]\n".repeat(MAX_RULES + 1);
    assert_eq!(
        problems(&many),
        ["there are 1025 rules; at most 1024 are taken"]
    );
    let wrong = format!("version = \"{}\"", "\u{7}".escape_default());
    assert!(problems(&wrong)[0].len() < 1_000);
}

#[test]
fn the_sugar_means_what_it_says() {
    let loaded = |condition: &str| {
        let rule = GOOD.replace("tlp = \"RED\"", condition);
        RuleSet::load(&format!("{BUILT_IN}\n[[rule]]\n{rule}")).unwrap()
    };
    for (sugar, plain) in [
        ("tlp = \"RED\"", "tlp = [\"RED\"]"),
        (
            "tlp = { not = \"RED\" }",
            "tlp = [\"CLEAR\", \"GREEN\", \"AMBER\", \"AMBER+STRICT\"]",
        ),
        (
            "tlp = { not = [\"RED\", \"CLEAR\"] }",
            "tlp = [\"GREEN\", \"AMBER\", \"AMBER+STRICT\"]",
        ),
        (
            "tlp = { at_least = \"AMBER\" }",
            "tlp = [\"AMBER\", \"AMBER+STRICT\", \"RED\"]",
        ),
        (
            "tlp = { at_most = \"GREEN\" }",
            "tlp = [\"CLEAR\", \"GREEN\"]",
        ),
        (
            "confidentiality = { at_most = \"RESTRICTED\" }",
            "confidentiality = { not = \"CONFIDENTIAL\" }",
        ),
    ] {
        assert_eq!(loaded(sugar), loaded(plain), "{sugar}");
    }
    assert_ne!(loaded("tlp = \"RED\""), loaded("pap = \"RED\""));
}
