//! From text to rule set. Everything that is wrong is said at once, with the rule and what to do.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use toml::Value;

use crate::attribute::{Attribute, Question};
use crate::rule_set::{Condition, Rule, RuleEffect, RuleSet};

/// The longest text of a rule set, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most rules of a rule set.
pub const MAX_RULES: usize = 1024;
/// The longest id of a rule and the longest version, in bytes.
const MAX_NAME: usize = 64;
/// More than this of a wrong name is not repeated.
const MAX_QUOTED: usize = 80;
/// Nor more than this of what TOML says.
const MAX_SAID: usize = 300;

/// One thing that is wrong with the text of a rule set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The rule, by its id or, where it has none, by its number from 1; `None` for the set as a whole.
    pub rule: Option<String>,
    /// What is wrong, and what would be right.
    pub says: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "rule {rule}: {}", self.says),
            None => f.write_str(&self.says),
        }
    }
}

/// The text is no rule set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSetError {
    /// Everything that is wrong, in the order of the text; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for RuleSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for RuleSetError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    version: Option<String>,
    #[serde(default)]
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: Option<String>,
    questions: Option<Vec<String>>,
    effect: Option<String>,
    when: Option<Value>,
    source: Option<String>,
    says: Option<String>,
}

/// What is wrong with one rule.
struct Report<'a> {
    problems: &'a mut Vec<Problem>,
    rule: Option<String>,
}

impl Report<'_> {
    fn say(&mut self, says: impl Into<String>) {
        self.problems.push(Problem {
            rule: self.rule.clone(),
            says: says.into(),
        });
    }
}

pub(crate) fn load(text: &str) -> Result<RuleSet, RuleSetError> {
    let mut problems = Vec::new();
    let mut whole = Report {
        problems: &mut problems,
        rule: None,
    };
    if text.len() > MAX_BYTES {
        let length = text.len();
        whole.say(format!(
            "the text has {length} bytes; at most {MAX_BYTES} are read"
        ));
        return Err(RuleSetError { problems });
    }
    let raw: RawSet = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            whole.say(format!(
                "not a rule set in TOML: {}",
                unreadable_toml(text, &error)
            ));
            return Err(RuleSetError { problems });
        }
    };
    if raw.rule.len() > MAX_RULES {
        let count = raw.rule.len();
        whole.say(format!(
            "there are {count} rules; at most {MAX_RULES} are taken"
        ));
        return Err(RuleSetError { problems });
    }
    let version = raw.version.unwrap_or_default();
    if !is_version(&version) {
        whole.say(format!(
            "version {} is not valid: write letters, digits, dots and hyphens, at most {MAX_NAME}, \
             for example policy-2026.1",
            quoted(&version)
        ));
    }
    let mut rules = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, raw) in raw.rule.into_iter().enumerate() {
        let name = raw.id.as_deref().filter(|id| is_id(id));
        let mut report = Report {
            rule: Some(name.map_or_else(|| format!("number {}", index + 1), str::to_owned)),
            problems: &mut problems,
        };
        if name.is_some_and(|id| !ids.insert(id.to_owned())) {
            report.say("the id stands twice: every rule has an id of its own");
        }
        rules.extend(compile(raw, &mut report));
    }
    let defaults = defaults(&rules, &mut problems);
    if problems.is_empty() {
        Ok(RuleSet::assemble(version, rules, defaults))
    } else {
        Err(RuleSetError { problems })
    }
}

/// What TOML says is wrong and where, in one line and without the text that stands there: what is given as
/// a rule set may be anything.
fn unreadable_toml(text: &str, error: &toml::de::Error) -> String {
    let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
    let said: String = lines.join("; ").chars().take(MAX_SAID).collect();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return said;
    };
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() + 1;
    format!("line {line}, column {column}: {said}")
}

/// The rule, where it can be understood at all; what is wrong with it is reported.
fn compile(raw: RawRule, report: &mut Report<'_>) -> Option<Rule> {
    let id = raw.id.unwrap_or_default();
    if !is_id(&id) {
        report.say(format!(
            "id {} is not valid: write words of small letters and digits with inner hyphens, two or \
             more, joined by dots, at most {MAX_NAME} bytes, for example markings.tlp-red.lead-only",
            quoted(&id)
        ));
    }
    let effect = effect(raw.effect.as_deref(), report);
    let questions = questions(&raw.questions.unwrap_or_default(), report);
    let alternatives = match (&raw.when, effect) {
        (Some(_), Some(RuleEffect::Default)) => {
            report.say("a default has no `when`: it speaks where nothing else allows");
            Vec::new()
        }
        (when, _) => alternatives(when.as_ref(), report),
    };
    let asked = questions
        .iter()
        .fold(0, |mask, question| mask | 1_u64 << *question as u8);
    let misses = |c: &Condition| c.attribute == Attribute::Question && c.mask & asked == 0;
    if alternatives.iter().flatten().any(misses) {
        report.say("a condition on question accepts none of the rule's `questions`: name it there");
    }
    if let Some(effect) = effect
        && (effect == RuleEffect::Flag || questions.contains(&Question::Submit))
    {
        if questions
            .iter()
            .any(|question| *question != Question::Submit)
        {
            report.say("what is flagged is a submission, and a rule about submissions is about nothing else: set `questions = [\"submit\"]`");
        }
        if !matches!(effect, RuleEffect::Flag | RuleEffect::Allow) {
            report.say(
                "screening never refuses: a rule about submissions has the effect allow or flag",
            );
        }
    }
    let sentence = |text: Option<String>, field: &str, report: &mut Report<'_>| {
        let text = text.unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            report.say(match field {
                "source" => "has no source: name the public instrument and its article, or write [D] and why it was decided so",
                _ => "says nothing: write one plain sentence for people in `says`",
            });
        }
        text
    };
    let source = sentence(raw.source, "source", report);
    if source == "[D]" {
        report.say("the source [D] gives no reason: add a sentence");
    }
    let says = sentence(raw.says, "says", report);
    Some(Rule {
        id: id.as_str().into(),
        effect: effect?,
        questions,
        alternatives,
        source,
        says,
    })
}

fn effect(name: Option<&str>, report: &mut Report<'_>) -> Option<RuleEffect> {
    let name = name.unwrap_or_default();
    let effect = name.parse().ok();
    if effect.is_none() {
        let known: Vec<&str> = RuleEffect::ALL
            .iter()
            .map(|effect| effect.as_str())
            .collect();
        report.say(format!(
            "effect {} is unknown; it is one of {}",
            quoted(name),
            known.join(", ")
        ));
    }
    effect
}

fn questions(names: &[String], report: &mut Report<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    for name in names {
        match name.parse() {
            Ok(question) if questions.contains(&question) => {
                report.say(format!("question {question} stands twice: remove one"));
            }
            Ok(question) => questions.push(question),
            Err(_) => report.say(format!(
                "question {} is unknown; the questions are {}",
                quoted(name),
                Attribute::Question.values().join(", ")
            )),
        }
    }
    if names.is_empty() {
        report.say("speaks to no question: name one or more in `questions`");
    }
    questions
}

/// A table, all of whose conditions must hold, or an array of such tables, one of which must.
fn alternatives(when: Option<&Value>, report: &mut Report<'_>) -> Vec<Vec<Condition>> {
    let tables = match when {
        None => return vec![Vec::new()],
        Some(Value::Array(tables)) => tables.as_slice(),
        Some(table) => std::slice::from_ref(table),
    };
    if tables.is_empty() {
        report.say("an empty `when` never applies: remove it where the rule always applies");
    }
    tables
        .iter()
        .map(|table| match table {
            Value::Table(table) => table
                .iter()
                .filter_map(|(name, value)| condition(name, value, report))
                .collect(),
            _ => {
                report.say("`when` is a table of conditions, or an array of such tables");
                Vec::new()
            }
        })
        .collect()
}

fn condition(name: &str, value: &Value, report: &mut Report<'_>) -> Option<Condition> {
    let Ok(attribute) = name.parse::<Attribute>() else {
        let known: Vec<&str> = Attribute::ALL.iter().map(|known| known.as_str()).collect();
        let name = quoted(name);
        report.say(format!(
            "attribute {name} is unknown; the attributes are {}",
            known.join(", ")
        ));
        return None;
    };
    let all = u64::MAX >> (64 - attribute.values().len());
    let mask = match value {
        Value::Table(sugar) => {
            let mut entries = sugar.iter();
            match (entries.next(), entries.next()) {
                (Some((word, value)), None) => match word.as_str() {
                    "not" => all & !any_of(attribute, value, report)?,
                    "at_least" => all & (u64::MAX << scale(attribute, value, report)?),
                    "at_most" => u64::MAX >> (63 - scale(attribute, value, report)?),
                    _ => return unreadable(attribute, report),
                },
                _ => return unreadable(attribute, report),
            }
        }
        value => any_of(attribute, value, report)?,
    };
    if mask == 0 || mask == all {
        let word = if mask == 0 { "no value" } else { "every value" };
        report.say(format!(
            "the condition on {attribute} accepts {word}: remove it or the rule"
        ));
        return None;
    }
    Some(Condition { attribute, mask })
}

fn unreadable<T>(attribute: Attribute, report: &mut Report<'_>) -> Option<T> {
    report.say(format!(
        "the condition on {attribute} is none: write a value, an array of values, or one of \
         {{ not = … }}, {{ at_least = … }}, {{ at_most = … }}"
    ));
    None
}

/// A value or an array of values.
fn any_of(attribute: Attribute, value: &Value, report: &mut Report<'_>) -> Option<u64> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let mut mask = 0;
    for value in values {
        mask |= 1 << place(attribute, value, report)?;
    }
    Some(mask)
}

fn scale(attribute: Attribute, value: &Value, report: &mut Report<'_>) -> Option<u8> {
    if !attribute.is_scale() {
        report.say(format!(
            "the values of {attribute} do not ascend: list those that are meant"
        ));
        return None;
    }
    place(attribute, value, report)
}

fn place(attribute: Attribute, value: &Value, report: &mut Report<'_>) -> Option<u8> {
    let Value::String(name) = value else {
        return unreadable(attribute, report);
    };
    let place = attribute.value(name);
    if place.is_none() {
        report.say(format!(
            "{attribute} has no value {}; it has {}",
            quoted(name),
            attribute.values().join(", ")
        ));
    }
    place
}

/// The place of each question's default. A question must be answered: by a rule that can allow, and
/// where none always does, by exactly one default.
fn defaults(rules: &[Rule], problems: &mut Vec<Problem>) -> Vec<usize> {
    let mut whole = Report {
        problems,
        rule: None,
    };
    let mut defaults = Vec::new();
    for question in Question::ALL {
        let of = |effect: RuleEffect| {
            let places = rules.iter().enumerate();
            places
                .filter(move |(_, rule)| rule.effect == effect && rule.questions.contains(question))
        };
        if of(RuleEffect::Allow).next().is_none() {
            whole.say(format!(
                "no rule can allow {question}: add one with the effect allow"
            ));
        }
        let always = of(RuleEffect::Allow).find(|(_, rule)| rule.is_unconditional());
        let mut own = of(RuleEffect::Default);
        match (own.next(), own.next(), always) {
            (Some((place, _)), None, None) | (None, None, Some((place, _))) => defaults.push(place),
            (Some(_), None, Some((_, rule))) => whole.say(format!(
                "{question} has a default that never speaks, for {} always allows: remove one",
                rule.id
            )),
            (None, ..) if *question == Question::Submit => whole
                .say("screening never refuses: add a rule that allows submit, without a `when`"),
            (None, ..) => whole.say(format!(
                "{question} has no default: add a rule with the effect default"
            )),
            (Some((_, one)), Some((_, other)), _) => whole.say(format!(
                "{question} has two defaults, {} and {}: remove one",
                one.id, other.id
            )),
        }
    }
    defaults
}

/// Words joined by dots, two or more; each of small letters, digits and inner hyphens.
fn is_id(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && !word.ends_with('-')
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= MAX_NAME && text.contains('.') && text.split('.').all(is_word)
}

fn is_version(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

/// For messages: in quotes, control characters escaped, cut where it is long.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{rest}")
}
