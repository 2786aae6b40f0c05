//! Who acts.

use liaison_types::{Party, UnitCode};

/// The party that its certificate names, and the officer it vouches for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The party.
    pub party: Party,
    /// The acting officer; absent where a machine acts.
    pub officer: Option<String>,
}

impl Actor {
    /// A party without an officer.
    #[must_use]
    pub const fn machine(party: Party) -> Self {
        Self {
            party,
            officer: None,
        }
    }

    /// The unit, where the party is one.
    #[must_use]
    pub const fn unit(&self) -> Option<&UnitCode> {
        match &self.party {
            Party::Unit(unit) => Some(unit),
            _ => None,
        }
    }
}
