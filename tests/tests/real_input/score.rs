//! How well the machine placed the texts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::cases::Cases;
use crate::way::Placed;

/// Counts over all texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    texts: usize,
    /// Texts that belong to a unit, and how many of them came to one.
    of_units: usize,
    of_units_routed: usize,
    /// Texts that came to a unit, and how many of them to one they belong to.
    routed: usize,
    right: usize,
    /// The same by unit.
    by_unit: BTreeMap<String, (usize, usize)>,
}

impl Score {
    /// The score of what happened to `cases`, whose referrals stand in the same order.
    pub(crate) fn of(
        cases: &Cases,
        referrals: &[String],
        placed: &HashMap<String, Placed>,
    ) -> Self {
        let mut score = Self {
            texts: cases.all.len(),
            ..Self::default()
        };
        for (case, referral) in cases.all.iter().zip(referrals) {
            score.of_units += usize::from(case.belongs_somewhere());
            let Placed::Unit(unit) = &placed[referral] else {
                continue;
            };
            let right = case.belongs_to(unit);
            score.of_units_routed += usize::from(case.belongs_somewhere());
            score.routed += 1;
            score.right += usize::from(right);
            let counts = score.by_unit.entry(unit.clone()).or_default();
            *counts = (counts.0 + 1, counts.1 + usize::from(right));
        }
        score
    }

    /// Of the texts that belong to a unit, the share that the machine placed.
    pub(crate) fn coverage(&self) -> f64 {
        share(self.of_units_routed, self.of_units)
    }

    /// Of the texts that the machine placed, the share placed rightly.
    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.routed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "of {} texts {} belong to a unit; the machine placed {} of these: coverage {:.3}\n\
             it placed {} in all, {} of them rightly: precision {:.3}; {} went to the triage desk",
            self.texts,
            self.of_units,
            self.of_units_routed,
            self.coverage(),
            self.routed,
            self.right,
            self.precision(),
            self.texts - self.routed,
        )?;
        for (unit, (routed, right)) in &self.by_unit {
            write!(
                f,
                "\n  {unit}: {routed} placed, {right} rightly, {:.3}",
                share(*right, *routed)
            )?;
        }
        Ok(())
    }
}
