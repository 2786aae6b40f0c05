//! Values that arguments take: named by the API, or within bounds.

use clap::builder::{PossibleValue, PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use liaison_classification::desk::NO_UNIT_GROUNDS;
use liaison_proto::classification::CorrectionCause;
use liaison_proto::common::{
    AssignmentState, DeclineReason, Outcome, ReferralState, RefusalGround,
};
use liaison_proto::intake::{IntendedAction, IntendedUse, PolicyQuestion, Purpose};
use liaison_types::{Party, Timestamp};

/// No enum of the API has a value beyond this one.
const HIGHEST: i32 = 255;

/// The values of an enum of the API without their `prefix`, in upper or lower case; the full name is
/// taken too.
fn named<E>(prefix: &'static str, name: fn(&E) -> &'static str) -> impl TypedValueParser<Value = E>
where
    E: TryFrom<i32> + Clone + Send + Sync + 'static,
{
    named_but(prefix, name, |_| true)
}

/// As [`named`], but only the values that are `taken`.
fn named_but<E>(
    prefix: &'static str,
    name: fn(&E) -> &'static str,
    taken: fn(&E) -> bool,
) -> impl TypedValueParser<Value = E>
where
    E: TryFrom<i32> + Clone + Send + Sync + 'static,
{
    let known: Vec<(PossibleValue, E)> = (1..=HIGHEST)
        .filter_map(|number| E::try_from(number).ok())
        .filter(taken)
        .map(|value| {
            let full = name(&value);
            let short = full.strip_prefix(prefix).unwrap_or(full);
            (PossibleValue::new(short).alias(full), value)
        })
        .collect();
    let names: Vec<PossibleValue> = known.iter().map(|(name, _)| name.clone()).collect();
    PossibleValuesParser::new(names).try_map(move |given| {
        known
            .iter()
            .find(|(name, _)| name.matches(&given, true))
            .map(|(_, value)| value.clone())
            .ok_or("not one of the possible values")
    })
}

/// What came of a case.
pub fn outcome() -> impl TypedValueParser<Value = Outcome> {
    named("OUTCOME_", Outcome::as_str_name)
}

/// Why a unit declines.
pub fn decline_reason() -> impl TypedValueParser<Value = DeclineReason> {
    named("DECLINE_REASON_", DeclineReason::as_str_name)
}

/// Why a reviewer refuses.
pub fn refusal_ground() -> impl TypedValueParser<Value = RefusalGround> {
    named("REFUSAL_GROUND_", RefusalGround::as_str_name)
}

/// Why the duty desk refuses what is no unit's business.
pub fn no_unit_ground() -> impl TypedValueParser<Value = RefusalGround> {
    named_but("REFUSAL_GROUND_", RefusalGround::as_str_name, |ground| {
        let name = ground.as_str_name().trim_start_matches("REFUSAL_GROUND_");
        NO_UNIT_GROUNDS.iter().any(|own| own.as_str() == name)
    })
}

/// Why it is known what kind of case a referral is.
pub fn label_cause() -> impl TypedValueParser<Value = CorrectionCause> {
    named_but(
        "CORRECTION_CAUSE_",
        CorrectionCause::as_str_name,
        // Never a label.
        |cause| *cause != CorrectionCause::Reassigned,
    )
}

/// Where a referral stands.
pub fn referral_state() -> impl TypedValueParser<Value = ReferralState> {
    named("REFERRAL_STATE_", ReferralState::as_str_name)
}

/// What information is for.
pub fn purpose() -> impl TypedValueParser<Value = Purpose> {
    named("PURPOSE_", Purpose::as_str_name)
}

/// How visible it is what a recipient will do.
pub fn intended_action() -> impl TypedValueParser<Value = IntendedAction> {
    named("INTENDED_ACTION_", IntendedAction::as_str_name)
}

/// In what kind of proceedings information will be used.
pub fn intended_use() -> impl TypedValueParser<Value = IntendedUse> {
    named("INTENDED_USE_", IntendedUse::as_str_name)
}

/// What policy is asked.
pub fn policy_question() -> impl TypedValueParser<Value = PolicyQuestion> {
    named("POLICY_QUESTION_", PolicyQuestion::as_str_name)
}

/// Where an assignment stands.
pub fn assignment_state() -> impl TypedValueParser<Value = AssignmentState> {
    named("ASSIGNMENT_STATE_", AssignmentState::as_str_name)
}

/// A number of things asked for: none is no question.
pub fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// How long a lease may last, in seconds.
pub fn lease_seconds() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(10..=8 * 60 * 60)
}

/// An instant as RFC 3339 writes it.
///
/// # Errors
/// A text that says how to write it.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .map_err(|_| "write an instant as 2026-03-01T08:00:00Z".to_owned())
}

/// A unit by its code, `cyber`, or as the party that it is, `unit/cyber`.
///
/// # Errors
/// A text that says which form it lacks.
pub fn unit(text: &str) -> Result<Party, String> {
    let code = text.strip_prefix("unit/").unwrap_or(text);
    format!("unit/{code}")
        .parse()
        .map_err(|_| "a unit is named by its code, for example cyber".to_owned())
}
