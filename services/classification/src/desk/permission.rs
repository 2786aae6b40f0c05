//! What policy says of a unit that would get a case.

use liaison_policy::{Decided as Permission, Policy, RouteFacts};
use liaison_types::{Error, ErrorKind, Markings, Party, Reason, UnitCode};

/// What the question is put with.
#[derive(Clone, Copy, Debug)]
pub struct Routing<'a> {
    /// What is decided by.
    pub policy: &'a Policy,
    /// Markings set by the source.
    pub markings: &'a Markings,
    /// Units that declined the case.
    pub declined: &'a [UnitCode],
}

/// A unit that must not have its part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The unit.
    pub unit: UnitCode,
    /// It would lead, not support.
    pub lead: bool,
    /// Why not.
    pub permission: Permission,
}

impl Routing<'_> {
    /// Whether `unit` may have its part. That it may is kept by routing, which asks again.
    ///
    /// # Errors
    /// Why it must not.
    pub fn permits(&self, unit: &UnitCode, lead: bool) -> Result<(), Box<Refused>> {
        let mut facts = RouteFacts::new(unit, lead, self.declined, self.markings);
        facts.clearance = self.policy.clearance(&Party::Unit(unit.clone()));
        let permission = self.policy.decide(facts.facts());
        if permission.is_allowed() {
            return Ok(());
        }
        Err(Box::new(Refused {
            unit: unit.clone(),
            lead,
            permission,
        }))
    }
}

impl Refused {
    /// The part and the unit, as the audit names them.
    #[must_use]
    pub fn part(&self) -> String {
        let role = if self.lead { "LEAD" } else { "SUPPORTING" };
        format!("{role} unit/{}", self.unit)
    }

    /// UNIT_EXCLUDED, with the unit and the rules.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::new(ErrorKind::FailedPrecondition, Reason::UnitExcluded)
            .metadata("unit", self.unit.to_string())
            .metadata("rules", self.permission.rules().join(","))
    }
}
