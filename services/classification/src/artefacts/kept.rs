//! A rule set as it is kept, and what may happen to it.

use liaison_types::{Error, ErrorKind, Party, Reason, Result, Timestamp};

use super::digest::Digest;

liaison_types::names! {
    /// Where a rule set stands.
    RuleSetState {
        /// Added, and never used.
        Candidate = "CANDIDATE",
        /// Decides beside the active one; what it says has no effect and is compared.
        Shadow = "SHADOW",
        /// Decides. There is one at most.
        Active = "ACTIVE",
        /// Was active once.
        Retired = "RETIRED",
    }
}

/// A rule set as it is kept, without its files. The files of a version never change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Its version.
    pub version: String,
    /// The digest of its files.
    pub digest: Digest,
    /// Where it stands.
    pub state: RuleSetState,
    /// When it was added.
    pub added_at: Timestamp,
    /// Who added it: an operator, or the service with a build.
    pub added_by: Party,
    /// When it last became active.
    pub activated_at: Option<Timestamp>,
    /// Who made it active last.
    pub activated_by: Option<Party>,
    /// An operator chose it: no start of a service puts another in its place.
    pub held: bool,
    /// The version that it took the place of.
    pub before: Option<String>,
    /// What was measured of it.
    pub figures: String,
}

impl Kept {
    /// Where it stands once it is neither active nor a shadow.
    const fn resting(&self) -> RuleSetState {
        match self.activated_at {
            Some(_) => RuleSetState::Retired,
            None => RuleSetState::Candidate,
        }
    }

    fn in_state(&self, state: RuleSetState) -> Self {
        Self {
            state,
            ..self.clone()
        }
    }
}

/// Who does something to a rule set, and when.
#[derive(Clone, Copy, Debug)]
pub struct Doing<'a> {
    /// Who.
    pub by: &'a Party,
    /// When.
    pub at: Timestamp,
}

/// The one in `state`, of which there is one at most.
#[must_use]
pub fn one_in(all: &[Kept], state: RuleSetState) -> Option<&Kept> {
    all.iter().find(|set| set.state == state)
}

/// The rule set of this version.
///
/// # Errors
/// NOT_FOUND where there is none.
pub fn find<'a>(all: &'a [Kept], version: &str) -> Result<&'a Kept> {
    all.iter()
        .find(|set| set.version == version)
        .ok_or_else(|| {
            Error::not_found().message(format!(
                "there is no rule set {version}; `rule-sets list` shows them"
            ))
        })
}

/// Makes `version` decide; what changes, in the order in which it has to be written. Nothing where it does
/// already.
///
/// `held` is whether starts of the service leave it alone.
///
/// # Errors
/// NOT_FOUND where there is no such rule set.
pub fn activate(all: &[Kept], version: &str, held: bool, doing: Doing<'_>) -> Result<Vec<Kept>> {
    let set = find(all, version)?;
    let active = one_in(all, RuleSetState::Active);
    if set.state == RuleSetState::Active {
        let held_anew = Kept {
            held,
            ..set.clone()
        };
        return Ok(if set.held == held {
            Vec::new()
        } else {
            vec![held_anew]
        });
    }
    let activated = Kept {
        held,
        before: active.map(|active| active.version.clone()),
        ..now_active(set, doing)
    };
    Ok(retired(active).chain([activated]).collect())
}

/// Makes the rule set decide that the active one took the place of. Done again it goes on to the one before
/// that. No start of the service undoes it.
///
/// # Errors
/// ILLEGAL_STATE where there is none to go back to.
pub fn roll_back(all: &[Kept], doing: Doing<'_>) -> Result<Vec<Kept>> {
    let active = one_in(all, RuleSetState::Active);
    let before = active.and_then(|active| active.before.as_deref());
    let Some(before) = before else {
        return Err(refused(
            "no rule set was active before: `rule-sets activate` another",
        ));
    };
    let set = find(all, before)?;
    let activated = Kept {
        held: true,
        ..now_active(set, doing)
    };
    Ok(retired(active).chain([activated]).collect())
}

/// Lets `version` decide beside the active one, instead of any other that does.
///
/// # Errors
/// NOT_FOUND where there is no such rule set; ILLEGAL_STATE where it is the active one.
pub fn shadow(all: &[Kept], version: &str) -> Result<Vec<Kept>> {
    let set = find(all, version)?;
    match set.state {
        RuleSetState::Shadow => Ok(Vec::new()),
        RuleSetState::Active => Err(refused("the active rule set cannot be its own shadow")),
        RuleSetState::Candidate | RuleSetState::Retired => {
            let changed = unshadow(all).into_iter();
            Ok(changed
                .chain([set.in_state(RuleSetState::Shadow)])
                .collect())
        }
    }
}

/// Ends the shadow; nothing where there is none.
#[must_use]
pub fn unshadow(all: &[Kept]) -> Vec<Kept> {
    let shadow = one_in(all, RuleSetState::Shadow);
    let ended = shadow.map(|shadow| shadow.in_state(shadow.resting()));
    ended.into_iter().collect()
}

fn retired(active: Option<&Kept>) -> impl Iterator<Item = Kept> {
    let active = active.map(|active| active.in_state(RuleSetState::Retired));
    active.into_iter()
}

fn now_active(set: &Kept, doing: Doing<'_>) -> Kept {
    Kept {
        activated_at: Some(doing.at),
        activated_by: Some(doing.by.clone()),
        ..set.in_state(RuleSetState::Active)
    }
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::IllegalState).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(version: &str) -> Kept {
        Kept {
            version: version.into(),
            digest: Digest::from_bytes([0; 32]),
            state: RuleSetState::Candidate,
            added_at: Timestamp::from_seconds(1),
            added_by: "service/classification".parse().unwrap(),
            activated_at: None,
            activated_by: None,
            held: false,
            before: None,
            figures: String::new(),
        }
    }

    fn apply(all: &mut [Kept], changed: Vec<Kept>) {
        for set in changed {
            let kept = all.iter_mut().find(|kept| kept.version == set.version);
            *kept.unwrap() = set;
            // As the table has it: also between two statements.
            for state in [RuleSetState::Active, RuleSetState::Shadow] {
                assert!(all.iter().filter(|kept| kept.state == state).count() <= 1);
            }
        }
    }

    fn states(all: &[Kept]) -> Vec<&str> {
        all.iter().map(|set| set.state.as_str()).collect()
    }

    #[test]
    fn going_back_goes_on_to_the_one_before() {
        let ann: Party = "operator/ann".parse().unwrap();
        let doing = Doing {
            by: &ann,
            at: Timestamp::from_seconds(5),
        };
        let mut all = ["a", "b", "c"].map(candidate);
        for version in ["a", "b", "c"] {
            let changed = activate(&all, version, version != "a", doing).unwrap();
            apply(&mut all, changed);
        }
        assert_eq!(states(&all), ["RETIRED", "RETIRED", "ACTIVE"]);
        let changed = roll_back(&all, doing).unwrap();
        apply(&mut all, changed);
        assert_eq!(states(&all), ["RETIRED", "ACTIVE", "RETIRED"]);
        let changed = roll_back(&all, doing).unwrap();
        apply(&mut all, changed);
        assert_eq!(states(&all), ["ACTIVE", "RETIRED", "RETIRED"]);
        assert!(all[0].held, "somebody chose it");
        assert_eq!(
            roll_back(&all, doing).unwrap_err().reason(),
            Reason::IllegalState
        );
        // Given back to the builds.
        let changed = activate(&all, "a", false, doing).unwrap();
        assert_eq!(changed.len(), 1);
        apply(&mut all, changed);
        assert!(!all[0].held && activate(&all, "a", false, doing).unwrap().is_empty());
    }

    #[test]
    fn a_shadow_goes_back_to_where_it_was() {
        let ann: Party = "operator/ann".parse().unwrap();
        let doing = Doing {
            by: &ann,
            at: Timestamp::from_seconds(5),
        };
        let mut all = ["a", "b", "c"].map(candidate);
        for version in ["a", "b"] {
            let changed = activate(&all, version, true, doing).unwrap();
            apply(&mut all, changed);
        }
        assert_eq!(
            shadow(&all, "b").unwrap_err().reason(),
            Reason::IllegalState
        );
        assert_eq!(shadow(&all, "d").unwrap_err().reason(), Reason::NotFound);
        for (version, expected) in [
            ("a", ["SHADOW", "ACTIVE", "CANDIDATE"]),
            ("a", ["SHADOW", "ACTIVE", "CANDIDATE"]),
            ("c", ["RETIRED", "ACTIVE", "SHADOW"]),
        ] {
            let changed = shadow(&all, version).unwrap();
            apply(&mut all, changed);
            assert_eq!(states(&all), expected);
        }
        let changed = unshadow(&all);
        apply(&mut all, changed);
        assert_eq!(states(&all), ["RETIRED", "ACTIVE", "CANDIDATE"]);
        assert!(unshadow(&all).is_empty());
    }

    proptest! {
        /// Whatever operators do: one decides at most, one is a shadow at most, and once one decides one always
        /// does.
        #[test]
        fn there_is_one_of_each_at_most(steps in prop::collection::vec((0..4_u8, 0..4_usize), 0..40)) {
            let ann: Party = "operator/ann".parse().unwrap();
            let mut all = ["a", "b", "c", "d"].map(candidate);
            let mut active = false;
            for (second, (step, which)) in (10_i64..).zip(steps) {
                let doing = Doing { by: &ann, at: Timestamp::from_seconds(second) };
                let version = all[which].version.clone();
                let changed = match step {
                    0 => activate(&all, &version, true, doing),
                    1 => roll_back(&all, doing),
                    2 => shadow(&all, &version),
                    _ => Ok(unshadow(&all)),
                };
                apply(&mut all, changed.unwrap_or_default());
                let decides = one_in(&all, RuleSetState::Active).is_some();
                prop_assert!(decides || !active);
                active = decides;
            }
        }
    }
}
