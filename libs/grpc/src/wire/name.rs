//! Names of enum values and of resources.

use std::fmt::Display;
use std::str::FromStr;

use liaison_proto::{classification, common, event, intake, routing};
use liaison_types::{AssignmentId, DecisionId, ReferralId, ShareId, TaskId};

/// An enum of the schema whose values carry a prefix that nobody but the schema needs.
pub trait Named: Copy + PartialEq + Default + TryFrom<i32> + Into<i32> + 'static {
    /// The prefix with its underscore, for example `REFERRAL_STATE_`.
    const PREFIX: &'static str;

    /// The value's name with its prefix.
    fn full_name(self) -> &'static str;

    /// The value with this full name.
    fn from_full_name(name: &str) -> Option<Self>;
}

macro_rules! named {
    ($($enum:path, $prefix:literal;)*) => {$(
        impl Named for $enum {
            const PREFIX: &'static str = $prefix;

            fn full_name(self) -> &'static str {
                self.as_str_name()
            }

            fn from_full_name(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }
        }
    )*};
}

named! {
    common::Language, "LANGUAGE_";
    common::ReferralKind, "REFERRAL_KIND_";
    common::Urgency, "URGENCY_";
    common::UrgencyGround, "URGENCY_GROUND_";
    common::OffenceTag, "OFFENCE_TAG_";
    common::Confidentiality, "CONFIDENTIALITY_";
    common::HandlingCode, "HANDLING_CODE_";
    common::Tlp, "TLP_";
    common::Pap, "PAP_";
    common::ReferralState, "REFERRAL_STATE_";
    common::AssignmentState, "ASSIGNMENT_STATE_";
    common::AssignmentRole, "ASSIGNMENT_ROLE_";
    common::DeclineReason, "DECLINE_REASON_";
    common::Outcome, "OUTCOME_";
    common::RefusalGround, "REFUSAL_GROUND_";
    event::DeliveryStatus, "DELIVERY_STATUS_";
    event::ReferralStep, "REFERRAL_STEP_";
    event::TriageCause, "TRIAGE_CAUSE_";
    event::AssignmentStep, "ASSIGNMENT_STEP_";
    intake::ReviewVerdict, "REVIEW_VERDICT_";
    intake::Purpose, "PURPOSE_";
    intake::PersonStatus, "PERSON_STATUS_";
    intake::IdentifierKind, "IDENTIFIER_KIND_";
    intake::RequestedAction, "REQUESTED_ACTION_";
    intake::ShareState, "SHARE_STATE_";
    intake::IntendedAction, "INTENDED_ACTION_";
    intake::IntendedUse, "INTENDED_USE_";
    intake::ConsentVerdict, "CONSENT_VERDICT_";
    intake::PolicyQuestion, "POLICY_QUESTION_";
    classification::DecisionOutcome, "DECISION_OUTCOME_";
    classification::CorrectionCause, "CORRECTION_CAUSE_";
    classification::Recomputation, "RECOMPUTATION_";
    routing::TaskState, "TASK_STATE_";
}

/// The public name of a value, without its prefix: what databases, logs and tables hold.
#[must_use]
pub fn name<E: Named>(value: E) -> &'static str {
    let full = value.full_name();
    full.strip_prefix(E::PREFIX).unwrap_or(full)
}

/// The value with this public name; `None` where there is none, and for `UNSPECIFIED`.
#[must_use]
pub fn value_of<E: Named>(name: &str) -> Option<E> {
    let mut full = String::with_capacity(E::PREFIX.len() + name.len());
    full.push_str(E::PREFIX);
    full.push_str(name);
    E::from_full_name(&full).filter(|value| *value != E::default())
}

/// The number on the wire of the value with this public name; 0 where there is none. Meant for names
/// that come from an enum of our own, whose test proves that the schema has each of them.
#[must_use]
pub fn number<E: Named>(name: &str) -> i32 {
    value_of::<E>(name).unwrap_or_default().into()
}

/// Our own value with the same name as the schema's value `number`; `None` where it is unspecified or
/// either side does not know it.
#[must_use]
pub fn read<E: Named, T: FromStr>(number: i32) -> Option<T> {
    let value = E::try_from(number)
        .ok()
        .filter(|value| *value != E::default())?;
    name(value).parse().ok()
}

/// A thing with a resource name, `collection/{uuid}`.
pub trait Resource: Copy + Display + FromStr {
    /// The first segment.
    const COLLECTION: &'static str;
}

macro_rules! resources {
    ($($type:ty, $collection:literal;)*) => {$(
        impl Resource for $type {
            const COLLECTION: &'static str = $collection;
        }
    )*};
}

resources! {
    ReferralId, "referrals";
    AssignmentId, "assignments";
    TaskId, "tasks";
    ShareId, "shares";
    DecisionId, "classifications";
    TriageItem, "triageItems";
}

/// A triage item; it has its referral's UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TriageItem(pub ReferralId);

impl Display for TriageItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TriageItem {
    type Err = <ReferralId as FromStr>::Err;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The resource name of `id`.
#[must_use]
pub fn resource<R: Resource>(id: R) -> String {
    format!("{}/{id}", R::COLLECTION)
}

/// The id in a resource name; `None` where it is not exactly `collection/{uuid}`.
#[must_use]
pub fn id<R: Resource>(name: &str) -> Option<R> {
    name.strip_prefix(R::COLLECTION)?
        .strip_prefix('/')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole<E: Named>() {
        assert!(E::default().full_name().ends_with("UNSPECIFIED"));
        for number in 0..64 {
            let Ok(value) = E::try_from(number) else {
                continue;
            };
            let text = name(value);
            assert!(value.full_name().starts_with(E::PREFIX), "{text}");
            assert_eq!(value_of::<E>(text).is_some(), number != 0);
            assert_eq!(super::number::<E>(text), number);
        }
        assert!(value_of::<E>("NO_SUCH_VALUE").is_none());
    }

    #[test]
    fn every_enum_of_the_schema_has_its_prefix() {
        whole::<common::Language>();
        whole::<common::ReferralKind>();
        whole::<common::Urgency>();
        whole::<common::UrgencyGround>();
        whole::<common::OffenceTag>();
        whole::<common::Confidentiality>();
        whole::<common::HandlingCode>();
        whole::<common::Tlp>();
        whole::<common::Pap>();
        whole::<common::ReferralState>();
        whole::<common::AssignmentState>();
        whole::<common::AssignmentRole>();
        whole::<common::DeclineReason>();
        whole::<common::Outcome>();
        whole::<common::RefusalGround>();
        whole::<event::DeliveryStatus>();
        whole::<event::ReferralStep>();
        whole::<event::TriageCause>();
        whole::<event::AssignmentStep>();
        whole::<intake::ReviewVerdict>();
        whole::<intake::Purpose>();
        whole::<intake::PersonStatus>();
        whole::<intake::IdentifierKind>();
        whole::<intake::RequestedAction>();
        whole::<classification::DecisionOutcome>();
        whole::<classification::CorrectionCause>();
        whole::<classification::Recomputation>();
        whole::<routing::TaskState>();
    }

    #[test]
    fn resource_names_have_one_spelling() {
        let text = "referrals/01890a5d-ac96-774b-bcce-b302099a8057";
        let referral: ReferralId = id(text).unwrap();
        assert_eq!(resource(referral), text);
        assert_eq!(
            resource(TriageItem(referral)),
            "triageItems/01890a5d-ac96-774b-bcce-b302099a8057"
        );
        for text in [
            "",
            "referrals",
            "referrals/",
            "referral/01890a5d-ac96-774b-bcce-b302099a8057",
            "referrals/01890A5D-ac96-774b-bcce-b302099a8057",
            "referrals/01890a5d-ac96-774b-bcce-b302099a8057/",
            "/referrals/01890a5d-ac96-774b-bcce-b302099a8057",
            "assignments/01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(id::<ReferralId>(text), None, "{text}");
        }
    }
}
