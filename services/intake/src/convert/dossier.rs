//! Reading a dossier: the elements that make it admissible (Directive (EU) 2023/977 Article 4).

use liaison_grpc::wire::{Checks, Path, read_markings};
use liaison_proto::{common, intake};
use liaison_types::{Form, IccsCode, Markings, Party, Result, Rule, Timestamp};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::entries;
use crate::domain::dossier::{EvaluationFault, evaluation_faults};
use crate::domain::{Submission, Urgency};

const MAX_REFERENCE: usize = 64;
const MAX_NAME: usize = 200;
const MAX_ADDRESS: usize = 500;
const MAX_OFFENCES: usize = 16;
const MAX_TAGS: usize = 4;
const MAX_PROVISION: usize = 300;
const MAX_TITLE: usize = 200;
const MAX_NARRATIVE: usize = 200_000;
const MAX_ACTIONS: usize = 16;
const MAX_REASONS: usize = 2_000;
const MAX_URGENCY_REASON: usize = 1_000;
const MAX_AUTHORISATION: usize = 100;

/// What `party` submits, and whether it is only to be checked.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub fn submission(
    party: &Party,
    officer: Option<&str>,
    request: &intake::SubmitReferralRequest,
    now: Timestamp,
) -> Result<(Submission, bool)> {
    let mut checks = Checks::default();
    let request_id = request_id(&mut checks, request);
    let Some(dossier) = checks.required(Path::root("dossier"), request.dossier.as_ref()) else {
        return checks.finish(None);
    };
    let read = read(&mut checks, Path::root("dossier"), dossier, now);
    // Not spent on what is refused.
    let content = if checks.is_clean() {
        dossier.encode_to_vec()
    } else {
        Vec::new()
    };
    let submission = read.map(|read| Submission {
        owner: party.clone(),
        officer: officer.map(str::to_owned),
        request_id,
        digest: Sha256::digest(&content).into(),
        content,
        ..read
    });
    let submission = checks.finish(submission)?;
    Ok((submission, request.validate_only))
}

fn request_id(checks: &mut Checks, request: &intake::SubmitReferralRequest) -> Option<Uuid> {
    let path = Path::root("request_id");
    if request.validate_only && request.request_id.is_empty() {
        return None;
    }
    let id: Option<Uuid> = checks.parse(path, &request.request_id, Form::Uuid);
    if id.is_some_and(|id| id.is_nil()) {
        checks.add(path, Rule::Malformed(Form::Uuid));
    }
    id
}

/// All but the owner, the request id and the content. `None` only where a violation was reported.
fn read(
    checks: &mut Checks,
    path: Path<'_>,
    dossier: &intake::Dossier,
    now: Timestamp,
) -> Option<Submission> {
    checks.required_line(
        path.field("bureau_reference"),
        &dossier.bureau_reference,
        MAX_REFERENCE,
    );
    let kind = checks.named::<common::ReferralKind, _>(path.field("kind"), dossier.kind);
    authority(checks, path.field("authority"), dossier.authority.as_ref());
    let offences = offences(checks, path.field("offences"), &dossier.offences);
    checks.required_line(path.field("title"), &dossier.title, MAX_TITLE);
    checks.required_block(path.field("narrative"), &dossier.narrative, MAX_NARRATIVE);
    checks.optional_enum_value::<common::Language>(path.field("language"), dossier.language);
    entries::occurrences(checks, path.field("occurrences"), &dossier.occurrences);
    let purpose = checks.named::<intake::Purpose, _>(path.field("purpose"), dossier.purpose);
    let persons = entries::persons(checks, path.field("persons"), &dossier.persons, now);
    entries::identifiers(checks, path.field("identifiers"), &dossier.identifiers);
    let actions = path.field("requested_actions");
    let given = checks.at_most(actions, &dossier.requested_actions, MAX_ACTIONS);
    for (index, action) in given.iter().enumerate() {
        checks.enum_value::<intake::RequestedAction>(actions.index(index), *action);
    }
    let reasons = path.field("objective_reasons");
    checks.required_block(reasons, &dossier.objective_reasons, MAX_REASONS);
    let urgency = urgency(checks, path.field("urgency"), dossier.urgency.as_ref());
    legal_basis(
        checks,
        path.field("legal_basis"),
        dossier.legal_basis.as_ref(),
        now,
    );
    let markings = read_markings(checks, path.field("markings"), dossier.markings.as_ref());
    // The text of H3 is content: it stays in the dossier and is no part of the envelope.
    let markings = Markings {
        handling_text: String::new(),
        ..markings
    };
    evaluation(
        checks,
        path.field("evaluation"),
        dossier.evaluation.as_ref(),
    );
    entries::evidence(checks, path.field("evidence"), &dossier.evidence, now);
    Some(Submission {
        owner: Party::service("intake"),
        officer: None,
        request_id: None,
        bureau_reference: dossier.bureau_reference.clone(),
        kind: kind?,
        urgency: urgency?,
        purpose: purpose?,
        offences,
        markings,
        persons,
        exercise: dossier.exercise,
        content: Vec::new(),
        digest: [0; 32],
    })
}

fn authority(checks: &mut Checks, path: Path<'_>, given: Option<&intake::RequestingAuthority>) {
    let Some(given) = checks.required(path, given) else {
        return;
    };
    checks.required_line(path.field("name"), &given.name, MAX_NAME);
    checks.required_block(path.field("address"), &given.address, MAX_ADDRESS);
    checks.required_line(
        path.field("authorising_officer"),
        &given.authorising_officer,
        MAX_NAME,
    );
}

fn offences(checks: &mut Checks, path: Path<'_>, given: &[common::Offence]) -> Vec<IccsCode> {
    checks.ensure(!given.is_empty(), path, Rule::Required);
    let mut codes = Vec::with_capacity(given.len());
    for (index, offence) in checks.at_most(path, given, MAX_OFFENCES).iter().enumerate() {
        let path = path.index(index);
        let code: Option<IccsCode> =
            checks.optional_parse(path.field("iccs"), &offence.iccs, Form::IccsCode);
        codes.extend(code);
        let provision = path.field("national_provision");
        if offence.iccs.is_empty() && offence.national_provision.trim().is_empty() {
            checks.add(path.field("iccs"), Rule::Required);
        }
        checks.line(provision, &offence.national_provision, MAX_PROVISION);
        let tags = path.field("tags");
        for (index, tag) in checks
            .at_most(tags, &offence.tags, MAX_TAGS)
            .iter()
            .enumerate()
        {
            let known = checks.enum_value::<common::OffenceTag>(tags.index(index), *tag);
            if known.is_some() && offence.tags[..index].contains(tag) {
                checks.add(tags.index(index), Rule::Duplicate);
            }
        }
    }
    codes
}

fn urgency(
    checks: &mut Checks,
    path: Path<'_>,
    given: Option<&intake::UrgencyClaim>,
) -> Option<Urgency> {
    let Some(given) = given else {
        return Some(Urgency::Routine);
    };
    let field = path.field("urgency");
    let urgency = if given.urgency == 0 {
        Some(Urgency::Routine)
    } else {
        checks.optional_named::<common::Urgency, _>(field, given.urgency)
    };
    let (ground, reason) = (path.field("ground"), path.field("reason"));
    checks.optional_enum_value::<common::UrgencyGround>(ground, given.ground);
    checks.block(reason, &given.reason, MAX_URGENCY_REASON);
    // A bare claim of urgency is not accepted, and a ground without a claim is a claim forgotten.
    match urgency {
        Some(Urgency::Routine) => {
            checks.ensure(
                given.ground == 0,
                ground,
                Rule::ConflictsWith("dossier.urgency.urgency"),
            );
        }
        Some(Urgency::Urgent | Urgency::EmergencyLife) => {
            let needed = Rule::RequiredBecause("dossier.urgency.urgency");
            checks.ensure(given.ground != 0, ground, needed.clone());
            checks.ensure(!given.reason.trim().is_empty(), reason, needed);
        }
        None => {}
    }
    urgency
}

// The fields of an authorisation document.
const REFERENCE: &str = "authorisation_reference";
const ISSUER: &str = "authorisation_issuer";
const UNTIL: &str = "authorisation_valid_until";

fn legal_basis(
    checks: &mut Checks,
    path: Path<'_>,
    given: Option<&intake::LegalBasis>,
    now: Timestamp,
) {
    let Some(given) = given else { return };
    checks.required_line(path.field("provision"), &given.provision, MAX_PROVISION);
    checks.line(
        path.field(REFERENCE),
        &given.authorisation_reference,
        MAX_AUTHORISATION,
    );
    checks.line(path.field(ISSUER), &given.authorisation_issuer, MAX_NAME);
    let until = path.field(UNTIL);
    let valid_until = checks.optional_instant(until, given.authorisation_valid_until.as_ref());
    // What an authorisation is needs all three.
    let parts = [
        (REFERENCE, !given.authorisation_reference.trim().is_empty()),
        (ISSUER, !given.authorisation_issuer.trim().is_empty()),
        (UNTIL, given.authorisation_valid_until.is_some()),
    ];
    if let Some((because, _)) = parts.into_iter().find(|(_, present)| *present) {
        for (field, present) in parts {
            let needed = Rule::RequiredBecause(because);
            checks.ensure(present, path.field(field), needed);
        }
    }
    checks.ensure(valid_until.is_none_or(|at| at > now), until, Rule::Expired);
}

fn evaluation(checks: &mut Checks, path: Path<'_>, given: Option<&intake::Evaluation>) {
    let Some(given) = given else { return };
    for fault in evaluation_faults(&given.scheme, &given.source, &given.information) {
        let (field, known) = match fault {
            EvaluationFault::Scheme => ("scheme", Form::EvaluationScheme),
            EvaluationFault::Source => ("source", Form::EvaluationSource),
            EvaluationFault::Information => ("information", Form::EvaluationInformation),
        };
        checks.add(path.field(field), Rule::NotAmong(known));
    }
}
