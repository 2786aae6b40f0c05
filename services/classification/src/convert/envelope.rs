//! Envelopes: read where they arrive, kept as they came, handed on unchanged.

use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::event::event::Data;
use liaison_proto::{common, event};
use liaison_store::Inconsistency;
use liaison_types::referral::Urgency;
use liaison_types::{BureauCode, Party, Result, Rule};
use prost::Message as _;

use super::answer;
use crate::case::{Case, Decided, Envelope};
use crate::desk::TriageCause;

/// An envelope as it arrived, and what is read from it. What a later version of the sender adds
/// inside is kept as far as the schema knows it.
#[derive(Clone, Debug)]
pub struct Sealed {
    message: event::Envelope,
    /// What is decided on.
    pub facts: Envelope,
}

impl Sealed {
    /// Reads `message`, noting what is wrong below `path`. `None` only where something is.
    pub(super) fn read(
        checks: &mut Checks,
        path: Path<'_>,
        message: &event::Envelope,
    ) -> Option<Self> {
        let referral = checks.resource(path.field("referral"), &message.referral);
        checks.ensure(
            !message.reference.is_empty(),
            path.field("reference"),
            Rule::Required,
        );
        let urgency =
            checks.optional_named::<common::Urgency, _>(path.field("urgency"), message.urgency);
        checks.instant(path.field("received_at"), message.received_at.as_ref());
        let markings =
            wire::read_envelope_markings(checks, path.field("markings"), message.markings.as_ref());
        let mut message = message.clone();
        if let Some(markings) = &mut message.markings {
            // Content, which has no place here. Intake leaves it out.
            markings.handling_text.clear();
        }
        Some(Self {
            facts: Envelope {
                referral: referral?,
                reference: message.reference.clone(),
                // Not given means routine, says the schema.
                urgency: urgency.unwrap_or(Urgency::Routine),
                markings,
                exercise: message.exercise,
            },
            message,
        })
    }

    /// The envelope of a case.
    ///
    /// # Errors
    /// DATA_LOSS where the kept bytes are none.
    pub fn of(case: &Case) -> Result<Self> {
        let on = || {
            Inconsistency::on("referral_case")
                .row(case.referral)
                .column("envelope")
        };
        let message =
            event::Envelope::decode(case.envelope.as_slice()).map_err(|e| on().source(e))?;
        let mut checks = Checks::default();
        let read = Self::read(&mut checks, Path::root("envelope"), &message);
        checks.finish(read).map_err(|error| on().source(error))
    }

    /// Whose referral it is.
    ///
    /// # Errors
    /// DATA_LOSS where the envelope names no party.
    pub fn owner(&self) -> Result<Party> {
        // Bureaus stand there by their codes, others as the parties they are.
        let bureau = &self.message.bureau;
        let code = bureau.parse::<BureauCode>().map(Party::Bureau);
        code.or_else(|_| bureau.parse()).map_err(|error| {
            Inconsistency::on("referral_case")
                .row(self.facts.referral)
                .column("envelope")
                .source(error)
        })
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// The fact that the case was decided, for whom it concerns.
    pub(crate) fn classified(&self, decided: &Decided) -> Data {
        Data::CaseClassified(event::CaseClassified {
            envelope: Some(self.message.clone()),
            decision: wire::resource(decided.id),
            revision: decided.revision,
            lead: text(decided.lead.as_ref()),
            supporting: decided.supporting.iter().map(ToString::to_string).collect(),
            desk: text(decided.desk.as_ref()),
            rules: decided.rules(),
            by_person: decided.by.is_some(),
            refusal_ground: answer::ground(decided.course),
            actor: decided
                .by
                .as_ref()
                .map(|by| wire::actor(&by.party, &by.officer)),
        })
    }

    /// The fact that people have to decide.
    pub(crate) fn triage_requested(&self, cause: TriageCause) -> Data {
        Data::TriageRequested(event::TriageRequested {
            referral: self.message.referral.clone(),
            reference: self.facts.reference.clone(),
            cause: wire::number::<event::TriageCause>(cause.as_str()),
            exercise: self.facts.exercise,
            urgency: wire::number::<common::Urgency>(self.facts.urgency.as_str()),
        })
    }
}

fn text(code: Option<&impl ToString>) -> String {
    code.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_the_schemas() {
        for cause in TriageCause::ALL {
            assert_ne!(wire::number::<event::TriageCause>(cause.as_str()), 0);
        }
        for urgency in Urgency::ALL {
            assert_ne!(wire::number::<common::Urgency>(urgency.as_str()), 0);
        }
        let known = |number| event::TriageCause::try_from(number).is_ok();
        let causes = (1..64).filter(|number| known(*number)).count();
        assert_eq!(causes, TriageCause::ALL.len());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut checks = Checks::default();
        let message = event::Envelope {
            referral: "referrals/1".into(),
            urgency: 99,
            markings: Some(common::Markings {
                tlp: 77,
                ..common::Markings::default()
            }),
            ..event::Envelope::default()
        };
        assert!(Sealed::read(&mut checks, Path::root("envelope"), &message).is_none());
        let fields: Vec<&str> = checks
            .violations()
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "envelope.referral",
                "envelope.reference",
                "envelope.urgency",
                "envelope.received_at",
                "envelope.markings.tlp",
            ]
        );
    }
}
