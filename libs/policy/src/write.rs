//! From rule set to text: the normal form, which loads as the same rule set.

use std::fmt::{self, Write as _};

use crate::rule_set::{Condition, Rule, RuleSet};

impl fmt::Display for RuleSet {
    /// As TOML. Conditions list the values they accept, whatever way they were written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version = {}", Text(self.version()))?;
        self.rules()
            .iter()
            .try_for_each(|rule| write!(f, "\n{rule}"))
    }
}

impl fmt::Display for Rule {
    /// As TOML, in the form that the whole rule set has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rule(f, self)
    }
}

fn write_rule(f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
    writeln!(f, "[[rule]]\nid = {}", Text(rule.id.as_str()))?;
    let questions = rule.questions.iter().map(|question| question.as_str());
    writeln!(f, "questions = {}", List(questions.collect()))?;
    writeln!(f, "effect = {}", Text(rule.effect.as_str()))?;
    if !rule.is_unconditional() {
        writeln!(f, "when = [")?;
        for conditions in &rule.alternatives {
            let conditions: Vec<String> = conditions.iter().map(condition).collect();
            writeln!(f, "    {{ {} }},", conditions.join(", "))?;
        }
        writeln!(f, "]")?;
    }
    writeln!(f, "source = {}", Text(&rule.source))?;
    writeln!(f, "says = {}", Text(&rule.says))
}

fn condition(condition: &Condition) -> String {
    let accepted = condition
        .attribute
        .values()
        .iter()
        .enumerate()
        .filter(|(place, _)| condition.mask >> place & 1 == 1)
        .map(|(_, value)| *value);
    format!("{} = {}", condition.attribute, List(accepted.collect()))
}

/// An array of strings in TOML.
struct List<'a>(Vec<&'a str>);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|text| Text(text).to_string()).collect();
        write!(f, "[{}]", texts.join(", "))
    }
}

/// A basic string in TOML.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
