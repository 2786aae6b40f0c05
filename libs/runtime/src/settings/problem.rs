//! What is wrong with the settings, all of it at once.

use std::fmt;

use liaison_types::{Language, Violation};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, for example `server.listen`; empty where it concerns no single one.
    pub key: String,
    /// The rule that is broken.
    pub rule: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        f.write_str(&self.rule)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with the settings of a service. Never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// Notes that the setting `key` breaks `rule`, and what to do about it.
    pub fn add(&mut self, key: impl Into<String>, rule: impl Into<String>, fix: impl Into<String>) {
        self.found.push(Problem {
            key: key.into(),
            rule: rule.into(),
            fix: fix.into(),
        });
    }

    /// Notes that the setting `key` breaks `rule` unless `good`.
    pub fn check(&mut self, good: bool, key: &str, rule: &str, fix: &str) {
        if !good {
            self.add(key, rule, fix);
        }
    }

    /// Notes violations, whose fields are keys of `section`.
    pub fn violations(&mut self, section: &str, violations: Vec<Violation>) {
        for violation in violations {
            let text = violation.rule.text(Language::En);
            let (rule, fix) = text.split_once("; ").unwrap_or((text.as_str(), ""));
            self.add(format!("{section}.{}", violation.field), rule, fix);
        }
    }

    /// What was found, in the order it was found.
    #[must_use]
    pub fn found(&self) -> &[Problem] {
        &self.found
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are wrong:")?;
        for problem in &self.found {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
