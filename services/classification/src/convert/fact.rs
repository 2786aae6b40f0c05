//! What the other services tell.

use liaison_grpc::event_delivery::ReceivedEvent;
use liaison_grpc::wire::{Checks, Path};
use liaison_proto::event::event::Data;
use liaison_proto::event::{self, CaseReturned, ReferralAdmitted, ReferralPurged};
use liaison_types::{Form, Party, ReferralId, Result, Rule, Timestamp, UnitCode};

use super::Sealed;
use crate::case::{Case, CaseState};
use crate::desk::TriageCause;

/// More units than any suite has.
const MAX_UNITS: usize = 64;

/// Whether this service takes such a fact from `source`: each has one producer.
#[must_use]
pub fn accepts(source: &Party, data: &Data) -> bool {
    let producer = match data {
        Data::ReferralAdmitted(_) | Data::ReferralPurged(_) => "intake",
        Data::CaseReturned(_) => "routing",
        Data::ReferralChanged(_)
        | Data::CaseClassified(_)
        | Data::TriageRequested(_)
        | Data::AssignmentChanged(_)
        | Data::TaskChanged(_) => return false,
    };
    matches!(source, Party::Service(name) if name.as_str() == producer)
}

/// The case of an admitted referral.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn admission(event: &ReceivedEvent, data: &ReferralAdmitted, now: Timestamp) -> Result<Case> {
    let mut checks = Checks::default();
    let path = Path::root("envelope");
    let sealed = checks
        .required(path, data.envelope.as_ref())
        .and_then(|envelope| Sealed::read(&mut checks, path, envelope));
    let sealed = checks.finish(sealed)?;
    Ok(Case {
        referral: sealed.facts.referral,
        state: CaseState::Pending,
        revision: 0,
        sequence: 0,
        urgency: sealed.facts.urgency,
        declined: Vec::new(),
        envelope: sealed.bytes(),
        attempts: 0,
        traceparent: event.traceparent.clone(),
        created_at: now,
    })
}

/// A case that came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returned {
    /// The referral.
    pub referral: ReferralId,
    /// Why.
    pub cause: TriageCause,
    /// The decision that came to nothing.
    pub revision: i32,
    /// The unit it came back from, which need not be the one that the decision names: another may have led in
    /// its place.
    pub unit: Option<UnitCode>,
    /// Units that declined so far.
    pub declined: Vec<UnitCode>,
    /// Who says so.
    pub source: Party,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// Reads a case that came back.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn returned(event: &ReceivedEvent, data: &CaseReturned) -> Result<Returned> {
    let mut checks = Checks::default();
    let referral = checks.resource(Path::root("referral"), &data.referral);
    let cause = checks.named::<event::TriageCause, _>(Path::root("cause"), data.cause);
    checks.ensure(
        data.revision >= 1,
        Path::root("revision"),
        Rule::OutOfRange(1, i64::from(i32::MAX)),
    );
    let unit = checks.optional_parse(Path::root("unit"), &data.unit, Form::UnitName);
    let excluded = Path::root("excluded_units");
    let mut declined = Vec::new();
    let units = checks.at_most(excluded, &data.excluded_units, MAX_UNITS);
    for (index, unit) in units.iter().enumerate() {
        declined.extend(checks.parse::<UnitCode>(excluded.index(index), unit, Form::UnitName));
    }
    let read = referral.zip(cause).map(|(referral, cause)| Returned {
        referral,
        cause,
        revision: data.revision,
        unit,
        declined,
        source: Party::clone(&event.source),
        traceparent: event.traceparent.clone(),
    });
    checks.finish(read)
}

/// A referral whose content was purged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Purged {
    /// The referral.
    pub referral: ReferralId,
    /// Who says so.
    pub source: Party,
}

/// Reads that content was purged.
///
/// # Errors
/// INVALID_ARGUMENT where no referral is named.
pub fn purged(event: &ReceivedEvent, data: &ReferralPurged) -> Result<Purged> {
    let mut checks = Checks::default();
    let referral = checks.resource(Path::root("referral"), &data.referral);
    let purged = referral.map(|referral| Purged {
        referral,
        source: Party::clone(&event.source),
    });
    checks.finish(purged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::event::{CaseClassified, TaskChanged};

    #[test]
    fn each_kind_has_one_producer() {
        let services = ["intake", "classification", "routing", "notification"];
        for service in services {
            let party = Party::service(service);
            let admitted = Data::ReferralAdmitted(ReferralAdmitted::default());
            assert_eq!(accepts(&party, &admitted), service == "intake");
            let purged = Data::ReferralPurged(ReferralPurged::default());
            assert_eq!(accepts(&party, &purged), service == "intake");
            let returned = Data::CaseReturned(CaseReturned::default());
            assert_eq!(accepts(&party, &returned), service == "routing");
            for other in [
                Data::CaseClassified(CaseClassified::default()),
                Data::TaskChanged(TaskChanged::default()),
            ] {
                assert!(!accepts(&party, &other));
            }
        }
        let unit = "unit/intake".parse().unwrap();
        assert!(!accepts(
            &unit,
            &Data::ReferralAdmitted(ReferralAdmitted::default())
        ));
    }
}
