//! The border between the schema and the domain.

use liaison_grpc::event_delivery::ReceivedEvent;
use liaison_grpc::paging::Query;
use liaison_grpc::wire;
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, Event, ReferralStep};
use liaison_proto::notification::{ListNotificationsRequest, Notification};
use liaison_types::{
    BureauCode, Error, ErrorKind, Form, Party, Reason, Result, Rule, UnitCode, Violation,
};
use prost::Message as _;

use crate::domain::Fact;
use crate::store::Kept;

/// The most notifications of one page.
const MAX_PAGE: i32 = 1000;
/// Where nobody asks.
const DEFAULT_PAGE: u16 = 100;

/// What a received event is about, and whether it is training traffic.
///
/// # Errors
/// INVALID_ARGUMENT where a party in it is none, or the kind is not for this service.
pub(crate) fn fact(data: &Data) -> Result<(Fact, bool)> {
    Ok(match data {
        Data::ReferralChanged(changed) => (
            Fact::Referral {
                owner: owner(&changed.bureau)?,
                review_requested: changed.step() == ReferralStep::ReviewRequested,
                informed: changed
                    .informed
                    .iter()
                    .map(|party| {
                        party
                            .parse()
                            .map_err(|_| wrong("informed", Rule::Malformed(Form::PartyName)))
                    })
                    .collect::<Result<_>>()?,
            },
            changed.exercise,
        ),
        Data::AssignmentChanged(changed) => (
            Fact::Assignment {
                unit: unit(&changed.unit)?,
                granted: changed.step() != AssignmentStep::Created,
            },
            changed.exercise,
        ),
        Data::TriageRequested(requested) => (Fact::Triage, requested.exercise),
        Data::TaskChanged(changed) => (
            Fact::Task {
                unit: unit(&changed.unit)?,
            },
            changed.exercise,
        ),
        Data::ReferralAdmitted(_)
        | Data::CaseClassified(_)
        | Data::CaseReturned(_)
        | Data::ReferralPurged(_) => {
            return Err(wrong("data", Rule::NotAllowed));
        }
    })
}

/// Bureaus are named by their code alone; other owners by their whole short form.
fn owner(text: &str) -> Result<Party> {
    if let Ok(code) = text.parse::<BureauCode>() {
        return Ok(Party::Bureau(code));
    }
    text.parse()
        .map_err(|_| wrong("bureau", Rule::Malformed(Form::PartyName)))
}

fn unit(text: &str) -> Result<UnitCode> {
    text.parse()
        .map_err(|_| wrong("unit", Rule::Malformed(Form::UnitName)))
}

fn wrong(field: &str, rule: Rule) -> Error {
    Error::invalid(vec![Violation::new(field, rule)])
}

/// Whether `source` produces such facts: each subject has one producer.
pub(crate) fn may_send(source: &Party, data: &Data) -> bool {
    let producer = match data {
        Data::ReferralChanged(_) => "intake",
        Data::AssignmentChanged(_) | Data::TaskChanged(_) => "routing",
        Data::TriageRequested(_) => "classification",
        Data::ReferralAdmitted(_)
        | Data::CaseClassified(_)
        | Data::CaseReturned(_)
        | Data::ReferralPurged(_) => {
            return false;
        }
    };
    matches!(source, Party::Service(name) if name.as_str() == producer)
}

/// The bytes that are kept of an event: who else is told concerns nobody.
pub(crate) fn event_bytes(event: &ReceivedEvent) -> Vec<u8> {
    let mut data = event.data.clone();
    if let Data::ReferralChanged(changed) = &mut data {
        changed.informed.clear();
    }
    Event {
        id: event.id.to_string(),
        source: event.source.uri(),
        subject: event.subject.clone(),
        sequence: event.sequence,
        time: Some(wire::timestamp(event.at)),
        traceparent: event.traceparent.clone().unwrap_or_default(),
        data: Some(data),
    }
    .encode_to_vec()
}

/// A kept notification for its recipient. The trace stays inside.
///
/// # Errors
/// DATA_LOSS where the kept bytes are no event.
pub(crate) fn notification(kept: &Kept) -> Result<Notification> {
    let mut event = Event::decode(kept.event.as_slice())
        .map_err(|error| Error::new(ErrorKind::DataLoss, Reason::InconsistentData).source(error))?;
    event.traceparent.clear();
    Ok(Notification {
        position: kept.position,
        event: Some(event),
    })
}

fn query(party: &Party) -> Query {
    Query::new("liaison.notification.v1.NotificationService/cursor", party)
}

/// The cursor that resumes after `position` of `party`'s notifications.
pub(crate) fn cursor(party: &Party, position: i64) -> String {
    query(party).token(&position)
}

/// The position that `cursor` resumes after; 0 for the empty one.
///
/// # Errors
/// INVALID_ARGUMENT with reason CURSOR_INVALID where it is damaged or another party's.
pub(crate) fn read_cursor(party: &Party, cursor: &str) -> Result<i64> {
    let position = query(party)
        .position::<i64>(cursor)
        .ok()
        .map(Option::unwrap_or_default);
    position.filter(|position| *position >= 0).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, Reason::CursorInvalid).violations(vec![
            Violation::new("cursor", Rule::Malformed(Form::Cursor)),
        ])
    })
}

/// How many notifications a page of `request` holds at most.
///
/// # Errors
/// INVALID_ARGUMENT where a negative number is asked.
pub(crate) fn page_size(request: &ListNotificationsRequest) -> Result<u16> {
    match request.page_size {
        0 => Ok(DEFAULT_PAGE),
        size if size < 0 => Err(Error::invalid(vec![Violation::new(
            "page_size",
            Rule::OutOfRange(0, i64::from(MAX_PAGE)),
        )])),
        size => Ok(u16::try_from(size.min(MAX_PAGE)).unwrap_or(DEFAULT_PAGE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::event::{AssignmentChanged, ReferralChanged, TriageRequested};

    #[test]
    fn each_kind_has_one_producer() {
        let referral = Data::ReferralChanged(ReferralChanged::default());
        let triage = Data::TriageRequested(TriageRequested::default());
        let assignment = Data::AssignmentChanged(AssignmentChanged::default());
        for (data, producer) in [
            (&referral, "intake"),
            (&triage, "classification"),
            (&assignment, "routing"),
        ] {
            for service in ["intake", "classification", "routing", "notification"] {
                assert_eq!(
                    may_send(&Party::service(service), data),
                    service == producer
                );
            }
            assert!(!may_send(&"unit/intake".parse().unwrap(), data));
        }
    }

    #[test]
    fn cursors_are_bound_to_their_party() {
        let (mine, other): (Party, Party) = (
            "unit/cyber".parse().unwrap(),
            "unit/terrorism".parse().unwrap(),
        );
        let cursor = cursor(&mine, 41);
        assert_eq!(read_cursor(&mine, &cursor).unwrap(), 41);
        assert_eq!(read_cursor(&mine, "").unwrap(), 0);
        for wrong in [read_cursor(&other, &cursor), read_cursor(&mine, "x"), {
            read_cursor(&mine, &super::cursor(&mine, -1))
        }] {
            assert_eq!(wrong.unwrap_err().reason(), Reason::CursorInvalid);
        }
    }

    #[test]
    fn owners_are_bureaus_or_whole_parties() {
        let of = |bureau: &str| {
            fact(&Data::ReferralChanged(ReferralChanged {
                bureau: bureau.to_owned(),
                ..ReferralChanged::default()
            }))
        };
        assert!(matches!(
            of("NB-FR").unwrap().0,
            Fact::Referral {
                owner: Party::Bureau(_),
                ..
            }
        ));
        assert!(matches!(
            of("partner/customs").unwrap().0,
            Fact::Referral {
                owner: Party::Partner(_),
                ..
            }
        ));
        assert!(of("nobody").is_err());
    }
}
