//! Rule sets: data that decides. What a rule set is, and how it decides facts.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::attribute::{Attribute, Question};
use crate::decision::{Decision, Heard, RuleId};
use crate::facts::Facts;
use crate::load::{self, RuleSetError};

/// The text of the rule set of this build. Its parts are one file for each subject; read one after the
/// other they are one text, and their order is the order in which rules are named.
pub const BUILT_IN: &str = concat!(
    include_str!("../rules/screening.toml"),
    include_str!("../rules/markings.toml"),
    include_str!("../rules/limits.toml"),
    include_str!("../rules/hub.toml"),
    include_str!("../rules/access.toml"),
    include_str!("../rules/passing.toml"),
);

static BUILT_IN_SET: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::load(BUILT_IN).expect("a test loads the rule set of this build"));

liaison_types::names! {
    /// What follows from a rule that applies.
    RuleEffect {
        /// It may be done, unless another rule says otherwise.
        Allow = "allow",
        /// It may not be done, whatever others say.
        Deny = "deny",
        /// It may be done only with the owner's consent.
        NeedsConsent = "needs_consent",
        /// A person has to look first.
        Flag = "flag",
        /// It may not be done, because no rule allows it.
        Default = "default",
    }
}

/// The values of one attribute that a condition accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Condition {
    pub(crate) attribute: Attribute,
    /// Bit `n` stands for the value at place `n`.
    pub(crate) mask: u64,
}

impl Condition {
    fn holds(self, facts: &Facts) -> bool {
        self.mask >> facts.get(self.attribute) & 1 == 1
    }
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    pub(crate) id: RuleId,
    pub(crate) effect: RuleEffect,
    pub(crate) questions: Vec<Question>,
    /// It applies where all conditions of one of these hold; never empty.
    pub(crate) alternatives: Vec<Vec<Condition>>,
    pub(crate) source: String,
    pub(crate) says: String,
}

impl Rule {
    /// Its id, which is unique in its rule set.
    #[must_use]
    pub fn id(&self) -> &RuleId {
        &self.id
    }

    /// What follows where it applies.
    #[must_use]
    pub fn effect(&self) -> RuleEffect {
        self.effect
    }

    /// The questions that it speaks to.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The public instrument and article it is designed after, or `[D]` and why it was decided so.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it says, in one sentence for people.
    #[must_use]
    pub fn says(&self) -> &str {
        &self.says
    }

    fn holds(&self, facts: &Facts) -> bool {
        let all = |conditions: &Vec<Condition>| conditions.iter().all(|c| c.holds(facts));
        self.alternatives.iter().any(all)
    }

    pub(crate) fn is_unconditional(&self) -> bool {
        self.alternatives.iter().any(Vec::is_empty)
    }
}

/// A rule that had something to say about some facts.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// It is one of the rules that made the decision; the others were outweighed.
    pub decisive: bool,
}

/// A decision and all that was said.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The decision.
    pub decision: Decision,
    /// Every rule that spoke, in the order of the rule set.
    pub spoken: Vec<Spoken<'a>>,
}

impl fmt::Display for Explanation<'_> {
    /// A line for each rule: a mark on those that decided, its effect and id, what it says, its source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Spoken { rule, decisive } in &self.spoken {
            let mark = if *decisive { '*' } else { ' ' };
            let Rule {
                effect,
                id,
                says,
                source,
                ..
            } = rule;
            writeln!(f, "{mark} {effect} {id}: {says} ({source})")?;
        }
        match &self.decision.missing_consent {
            Some(who) => writeln!(f, "The consent of the {who} would change this."),
            None => Ok(()),
        }
    }
}

/// A versioned set of rules, compiled. It is immutable; services hold one behind an `Arc`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSet {
    version: Arc<str>,
    rules: Vec<Rule>,
    /// For each question the places of its rules, the default left out.
    asked: Vec<Vec<usize>>,
    /// For each question the place of the rule that denies where nothing allows, or of the rule that
    /// always allows.
    defaults: Vec<usize>,
}

impl RuleSet {
    /// The rule set of this build, from [`BUILT_IN`].
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN_SET
    }

    /// A rule set from its text; how to write one is said at the head of the crate. A candidate is read
    /// in the same way as the one of this build.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once; nothing of it is used then.
    pub fn load(text: &str) -> Result<Self, RuleSetError> {
        load::load(text)
    }

    /// `defaults` has the place of a rule for each question.
    pub(crate) fn assemble(version: String, rules: Vec<Rule>, defaults: Vec<usize>) -> Self {
        let speaking = |question: &Question| {
            let speaks = |rule: &Rule| {
                rule.effect != RuleEffect::Default && rule.questions.contains(question)
            };
            let places = rules.iter().enumerate();
            places
                .filter(|(_, rule)| speaks(rule))
                .map(|(place, _)| place)
                .collect()
        };
        let asked = Question::ALL.iter().map(speaking).collect();
        Self {
            version: version.into(),
            rules,
            asked,
            defaults,
        }
    }

    /// The version, which stands beside every kept decision.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version, for those who keep it.
    pub(crate) fn shared_version(&self) -> Arc<str> {
        Arc::clone(&self.version)
    }

    /// Every rule, in the order in which decisions name them.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The rules that apply, without the default.
    fn applying<'a>(&'a self, facts: &'a Facts) -> impl Iterator<Item = &'a Rule> {
        self.asked[facts.asked() as usize]
            .iter()
            .map(|place| &self.rules[*place])
            .filter(|rule| rule.holds(facts))
    }

    /// Decides. Every facts have an answer, and every answer names a rule.
    ///
    /// A denial wins over everything; what nothing allows is denied; what needs the owner's consent is
    /// denied without it.
    #[must_use]
    pub fn decide(&self, facts: &Facts) -> Decision {
        let mut heard = Heard::default();
        for rule in self.applying(facts) {
            let side = match rule.effect {
                RuleEffect::Allow => &mut heard.allowing,
                RuleEffect::NeedsConsent => &mut heard.consenting,
                RuleEffect::Flag => &mut heard.flagging,
                RuleEffect::Deny | RuleEffect::Default => &mut heard.denying,
            };
            side.push(rule.id.clone());
        }
        let default = self.defaults[facts.asked() as usize];
        heard.decision(&self.rules[default].id, facts.consented())
    }

    /// Decides, and tells every rule that spoke.
    #[must_use]
    pub fn explain(&self, facts: &Facts) -> Explanation<'_> {
        let decision = self.decide(facts);
        let default = &self.rules[self.defaults[facts.asked() as usize]];
        let mut spoken: Vec<Spoken<'_>> = self
            .rules
            .iter()
            .filter(|rule| rule.questions.contains(&facts.asked()))
            .filter(|rule| rule.effect != RuleEffect::Default && rule.holds(facts))
            .map(|rule| Spoken {
                rule,
                decisive: decision.rules.contains(&rule.id),
            })
            .collect();
        if decision.rules.contains(&default.id) && default.effect == RuleEffect::Default {
            spoken.push(Spoken {
                rule: default,
                decisive: true,
            });
        }
        Explanation { decision, spoken }
    }
}
