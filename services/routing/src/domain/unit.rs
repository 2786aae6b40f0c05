//! The units and their desks, as configured.

use std::collections::BTreeMap;

use liaison_types::{DeskCode, UnitCode};

/// Which units there are. Data, not code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Units(BTreeMap<UnitCode, Vec<DeskCode>>);

impl Units {
    /// These units with their desks.
    #[must_use]
    pub const fn new(units: BTreeMap<UnitCode, Vec<DeskCode>>) -> Self {
        Self(units)
    }

    /// Whether there is such a unit.
    #[must_use]
    pub fn contains(&self, unit: &UnitCode) -> bool {
        self.0.contains_key(unit)
    }

    /// Whether the unit has such a desk.
    #[must_use]
    pub fn has_desk(&self, unit: &UnitCode, desk: &DeskCode) -> bool {
        self.0.get(unit).is_some_and(|desks| desks.contains(desk))
    }
}
