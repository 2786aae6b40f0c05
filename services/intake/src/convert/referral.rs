//! Referrals, histories and the smaller requests.

use liaison_grpc::paging::page_size;
use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::{common, event, intake};
use liaison_types::{Error, ErrorKind, Reason, ReferralId, Result, Rule, UnitCode};
use prost::Message as _;

use crate::domain::{Deadline, Referral, ReferralState, RefusalGround, Step};
use crate::ops::{ReviewVerdict, list::ListQuery};

const MAX_PURPOSE: usize = 200;
const MAX_REVIEW_REASON: usize = 2_000;
const MAX_NAMES: usize = 256;
/// The most referrals of one page.
const MAX_PAGE: u32 = 500;
const VERDICT: Path<'static> = Path::root("verdict");

/// The name of a referral.
///
/// # Errors
/// INVALID_ARGUMENT where it is none.
pub fn referral_id(name: &str) -> Result<ReferralId> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), name);
    checks.finish(id)
}

/// A referral as its owner sees it.
#[must_use]
pub fn referral(referral: Referral) -> intake::Referral {
    let clock =
        |deadline: Deadline| wire::clock(referral.received_at, deadline.due_at, deadline.rule);
    intake::Referral {
        // A check without keeping has a reference neither.
        name: if referral.reference.is_empty() {
            String::new()
        } else {
            wire::resource(referral.id)
        },
        owner: referral.owner.to_string(),
        kind: wire::number::<common::ReferralKind>(referral.kind.as_str()),
        urgency: wire::number::<common::Urgency>(referral.urgency.as_str()),
        state: wire::number::<common::ReferralState>(referral.state.as_str()),
        markings: Some(wire::markings(&referral.markings)),
        received_at: Some(wire::timestamp(referral.received_at)),
        updated_at: Some(wire::timestamp(referral.updated_at)),
        admissibility: Some(clock(referral.admissibility)),
        completion: referral.completion.map(clock),
        lead_unit: text(referral.lead.as_ref()),
        supporting_units: referral
            .supporting
            .iter()
            .map(ToString::to_string)
            .collect(),
        outcome: referral.outcome.map_or(0, |outcome| {
            wire::number::<common::Outcome>(outcome.as_str())
        }),
        refusal_ground: referral.refusal_ground.map_or(0, |ground| {
            wire::number::<common::RefusalGround>(ground.as_str())
        }),
        etag: referral.etag(),
        reference: referral.reference,
        bureau_reference: referral.bureau_reference,
        rules: referral.rules,
        exercise: referral.exercise,
        last_position: referral.last_position,
    }
}

fn text(unit: Option<&UnitCode>) -> String {
    unit.map(ToString::to_string).unwrap_or_default()
}

/// A history.
#[must_use]
pub fn history(steps: Vec<Step>) -> Vec<intake::HistoryEntry> {
    steps
        .into_iter()
        .map(|step| intake::HistoryEntry {
            position: step.position,
            step: wire::number::<event::ReferralStep>(step.what.step.as_str()),
            state: wire::number::<common::ReferralState>(step.what.state.as_str()),
            at: Some(wire::timestamp(step.what.at)),
            actor: Some(wire::actor(
                &step.what.actor.party,
                step.what.actor.officer.as_deref().unwrap_or_default(),
            )),
            unit: text(step.what.unit.as_ref()),
            detail: step.what.detail,
            digest: step.digest.to_vec(),
            signature: step
                .signature
                .map(|signature| signature.bytes.to_vec())
                .unwrap_or_default(),
            key_id: step
                .signature
                .map(|signature| signature.key.to_string())
                .unwrap_or_default(),
            content: step
                .what
                .content
                .map(|digest| digest.to_vec())
                .unwrap_or_default(),
        })
        .collect()
}

/// Which page of which referrals.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn list_request(request: intake::ListReferralsRequest) -> Result<ListQuery> {
    let mut checks = Checks::default();
    let path = Path::root("states");
    let mut states: Vec<ReferralState> = Vec::new();
    let all = states_of_the_schema();
    for (index, state) in checks
        .at_most(path, &request.states, all)
        .iter()
        .enumerate()
    {
        // A state that no referral has yet is a right question with an empty answer.
        let known = checks.enum_value::<common::ReferralState>(path.index(index), *state);
        states.extend(known.and_then(|state| wire::name(state).parse::<ReferralState>().ok()));
    }
    let asked_for_states = !request.states.is_empty();
    states.sort_unstable();
    states.dedup();
    let size = match page_size(request.page_size) {
        Ok(size) => Some(size.min(MAX_PAGE)),
        Err(_) => {
            checks.add(
                Path::root("page_size"),
                Rule::OutOfRange(0, i64::from(MAX_PAGE)),
            );
            None
        }
    };
    checks.finish(size.map(|page_size| ListQuery {
        page_size,
        page_token: request.page_token,
        states: asked_for_states.then_some(states),
        include_exercises: request.include_exercises,
        shared: request.shared,
    }))
}

/// As many entries as there are states in the schema, each once.
const fn states_of_the_schema() -> usize {
    common::ReferralState::Purged as usize
}

/// Which dossier is opened, and what for.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn opening(request: intake::GetDossierRequest) -> Result<(ReferralId, Option<String>)> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), &request.name);
    checks.line(Path::root("purpose"), &request.purpose, MAX_PURPOSE);
    let id = checks.finish(id)?;
    Ok((
        id,
        Some(request.purpose).filter(|purpose| !purpose.trim().is_empty()),
    ))
}

/// A dossier as it was submitted.
///
/// # Errors
/// INCONSISTENT_DATA where the stored bytes are none.
pub(super) fn dossier(content: &[u8]) -> Result<intake::Dossier> {
    intake::Dossier::decode(content)
        .map_err(|error| Error::new(ErrorKind::DataLoss, Reason::InconsistentData).source(error))
}

/// What a reviewer decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReviewDecision {
    /// The referral.
    pub id: ReferralId,
    /// The verdict.
    pub verdict: ReviewVerdict,
    /// The reasoning.
    pub reason: String,
    /// The referral as the reviewer read it; not checked where absent.
    pub etag: Option<String>,
}

/// What a reviewer decides.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn review(request: intake::DecideReviewRequest) -> Result<ReviewDecision> {
    let mut checks = Checks::default();
    let id = checks.resource(Path::root("name"), &request.name);
    checks.required_block(Path::root("reason"), &request.reason, MAX_REVIEW_REASON);
    let path = Path::root("ground");
    let ground: Option<RefusalGround> =
        checks.optional_named::<common::RefusalGround, _>(path, request.ground);
    let verdict = match checks.enum_value::<intake::ReviewVerdict>(VERDICT, request.verdict) {
        Some(intake::ReviewVerdict::Compliant) => {
            checks.ensure(request.ground == 0, path, Rule::NotAllowed);
            Some(ReviewVerdict::Compliant)
        }
        Some(intake::ReviewVerdict::NonCompliant) => {
            checks.ensure(request.ground != 0, path, Rule::RequiredBecause("verdict"));
            ground.map(ReviewVerdict::NonCompliant)
        }
        Some(intake::ReviewVerdict::Unspecified) | None => None,
    };
    let decision = id.zip(verdict).map(|(id, verdict)| ReviewDecision {
        id,
        verdict,
        reason: request.reason,
        etag: Some(request.etag).filter(|etag| !etag.is_empty()),
    });
    checks.finish(decision)
}

/// Which referral is to be purged, and as the caller read it; not checked where absent.
///
/// # Errors
/// INVALID_ARGUMENT where the name is none.
pub fn purge(request: intake::PurgeReferralRequest) -> Result<(ReferralId, Option<String>)> {
    let etag = Some(request.etag).filter(|etag| !etag.is_empty());
    Ok((referral_id(&request.name)?, etag))
}

/// Whose inputs classification asks for, each once, in the order asked for.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn classification_names(names: &[String]) -> Result<Vec<ReferralId>> {
    let mut checks = Checks::default();
    let path = Path::root("names");
    checks.ensure(!names.is_empty(), path, Rule::Required);
    let mut ids: Vec<ReferralId> = Vec::with_capacity(names.len());
    for (index, name) in checks.at_most(path, names, MAX_NAMES).iter().enumerate() {
        ids.extend(checks.resource::<ReferralId>(path.index(index), name));
    }
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(*id));
    checks.finish(Some(ids))
}

/// What classification may read of these contents: no persons, no identifiers, no evidence.
///
/// # Errors
/// INCONSISTENT_DATA where stored bytes are no dossier.
pub fn classification_inputs(
    contents: Vec<(ReferralId, Vec<u8>)>,
) -> Result<Vec<intake::ClassificationInput>> {
    contents
        .into_iter()
        .map(|(id, content)| {
            let dossier = dossier(&content)?;
            Ok(intake::ClassificationInput {
                referral: wire::resource(id),
                offences: dossier.offences,
                title: dossier.title,
                narrative: dossier.narrative,
                language: dossier.language,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::{
        AssignmentState, AssignmentStep, Outcome, PersonStatus, ReferralKind, ReferralStep, Role,
        Urgency,
    };

    /// The domain's words are words of the schema, and of all those that dossiers may hold the domain
    /// has a word.
    #[test]
    fn the_vocabularies_agree() {
        fn ours_are_theirs<E: wire::Named>(ours: impl IntoIterator<Item = &'static str>) {
            for word in ours {
                assert_ne!(wire::number::<E>(word), 0, "{}{word}", E::PREFIX);
            }
        }
        fn theirs_are_ours<E: wire::Named, T: std::str::FromStr>() {
            for number in 1..64 {
                if E::try_from(number).is_ok() {
                    assert!(
                        wire::read::<E, T>(number).is_some(),
                        "{}{number}",
                        E::PREFIX
                    );
                }
            }
        }
        ours_are_theirs::<common::ReferralState>(ReferralState::ALL.iter().map(|w| w.as_str()));
        ours_are_theirs::<event::ReferralStep>(ReferralStep::ALL.iter().map(|w| w.as_str()));
        ours_are_theirs::<common::ReferralKind>(ReferralKind::ALL.iter().map(|w| w.as_str()));
        ours_are_theirs::<common::Urgency>(Urgency::ALL.iter().map(|w| w.as_str()));
        ours_are_theirs::<common::Outcome>(Outcome::ALL.iter().map(|w| w.as_str()));
        ours_are_theirs::<common::RefusalGround>(RefusalGround::ALL.iter().map(|w| w.as_str()));
        theirs_are_ours::<common::ReferralKind, ReferralKind>();
        theirs_are_ours::<common::Urgency, Urgency>();
        theirs_are_ours::<common::Outcome, Outcome>();
        theirs_are_ours::<common::RefusalGround, RefusalGround>();
        theirs_are_ours::<common::AssignmentState, AssignmentState>();
        theirs_are_ours::<common::AssignmentRole, Role>();
        theirs_are_ours::<event::AssignmentStep, AssignmentStep>();
        theirs_are_ours::<intake::PersonStatus, PersonStatus>();
    }

    #[test]
    fn a_refusal_needs_a_ground_and_an_admission_has_none() {
        let request = |verdict: intake::ReviewVerdict, ground: i32| intake::DecideReviewRequest {
            name: "referrals/01890a5d-ac96-774b-bcce-b302099a8057".into(),
            verdict: verdict.into(),
            ground,
            reason: "read".into(),
            etag: String::new(),
        };
        let ground = common::RefusalGround::Article3.into();
        assert!(review(request(intake::ReviewVerdict::NonCompliant, ground)).is_ok());
        assert!(review(request(intake::ReviewVerdict::Compliant, 0)).is_ok());
        for wrong in [
            request(intake::ReviewVerdict::NonCompliant, 0),
            request(intake::ReviewVerdict::NonCompliant, 99),
            request(intake::ReviewVerdict::Compliant, ground),
            request(intake::ReviewVerdict::Unspecified, ground),
        ] {
            let error = review(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.violation_list().len(), 1);
        }
    }
}
