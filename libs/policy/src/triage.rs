//! Who works at the triage desk.

use liaison_types::Party;

use crate::decision::Decision;
use crate::view::is_desk;

/// Seeing what waits for people and deciding it by hand: the triage desk and nobody else.
#[must_use]
pub fn may_triage(party: &Party) -> Decision {
    if is_desk(party, "triage") {
        Decision::allow("triage.desk")
    } else {
        Decision::deny(vec!["triage.desk-only"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_triage_desk() {
        for (party, allowed) in [
            ("desk/triage", true),
            ("desk/compliance", false),
            ("unit/triage", false),
            ("bureau/NB-FR", false),
            ("service/classification", false),
            ("operator/triage", false),
            ("auditor/triage", false),
            ("partner/triage", false),
        ] {
            let party = party.parse().unwrap();
            assert_eq!(may_triage(&party).is_allowed(), allowed, "{party}");
        }
    }
}
