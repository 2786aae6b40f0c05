//! The people of the demo: reviewer, duty desk, units.

use liaison_proto::classification::DecideTriageRequest;
use liaison_proto::common::{AssignmentRole, Outcome as CaseOutcome, RefusalGround};
use liaison_proto::event::ReferralChanged;
use liaison_proto::intake::{
    DecideReviewRequest, GetDossierRequest, IntendedAction, IntendedUse, Purpose, ReviewVerdict,
    ShareReferralRequest,
};
use liaison_proto::routing::{
    AcceptAssignmentRequest, ClaimTaskRequest, CompleteAssignmentRequest, CompleteTaskRequest,
    CreateTaskRequest, PullAssignmentsRequest,
};

use serde_json::json;

use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, FAINT, styled, word};

use super::{Stage, request_id, today};

/// How long a unit waits for its assignment.
const WAIT: prost_types::Duration = prost_types::Duration {
    seconds: 10,
    nanos: 0,
};

/// The compliance reviewer refuses what was flagged: nothing in it but belief.
pub(super) async fn review(stage: &Stage<'_>, changed: &ReferralChanged) -> Outcome {
    let request = DecideReviewRequest {
        name: changed.referral.clone(),
        verdict: ReviewVerdict::NonCompliant.into(),
        ground: RefusalGround::Article3.into(),
        reason: format!(
            "Read on {}: texts of a religious character and no violence.",
            today()
        ),
        ..DecideReviewRequest::default()
    };
    stage
        .connect("desk/compliance", "c.reviewer")?
        .intake()?
        .decide_review(request)
        .await
        .map_err(Failure::refused("reviewing"))?;
    Ok(())
}

/// The duty officer gives an unclear case to the unit nearest to it.
pub(super) async fn triage(stage: &Stage<'_>, changed: &ReferralChanged) -> Outcome {
    let id = changed.referral.rsplit('/').next().unwrap_or_default();
    let request = DecideTriageRequest {
        name: format!("triageItems/{id}"),
        lead: "narcotics-organized-crime".to_owned(),
        supporting: Vec::new(),
        reason: "Checked against known groups that deal in stolen goods.".to_owned(),
        ..DecideTriageRequest::default()
    };
    stage
        .connect("desk/triage", "t.duty")?
        .classification()?
        .decide_triage(request)
        .await
        .map_err(Failure::refused("deciding at the triage desk"))?;
    Ok(())
}

/// The unit pulls its assignment, opens the dossier, commits itself, works a task and reports.
pub(super) async fn work(stage: &Stage<'_>, changed: &ReferralChanged) -> Outcome {
    let unit = stage.connect(&format!("unit/{}", changed.unit), "u.officer")?;
    let mut routing = unit.routing()?;
    let pulled = routing
        .pull_assignments(PullAssignmentsRequest {
            max_assignments: 1,
            wait: Some(WAIT),
            ..PullAssignmentsRequest::default()
        })
        .await
        .map_err(Failure::refused("pulling"))?
        .into_inner()
        .assignments
        .into_iter()
        .next()
        .ok_or_else(|| Failure::Local(format!("{} found nothing to pull", changed.unit)))?;
    let assignment = pulled.assignment.unwrap_or_default();
    let dossier = unit
        .intake()?
        .get_dossier(GetDossierRequest {
            name: assignment.referral.clone(),
            purpose: "working the assignment".to_owned(),
        })
        .await
        .map_err(Failure::refused("opening the dossier"))?
        .into_inner()
        .dossier
        .unwrap_or_default();
    stage.say(&format!(
        "  {}",
        styled(
            FAINT,
            &format!(
                "{:>22}  {} pulls it as {} and reads {} characters about {} person(s)",
                "",
                changed.unit,
                word(assignment.role().as_str_name(), "ASSIGNMENT_ROLE_"),
                dossier.narrative.chars().count(),
                dossier.persons.len()
            )
        )
    ))?;
    let lead = assignment.role() == AssignmentRole::Lead;
    if lead && !stage.shared.replace(true) {
        try_to_share(stage, &unit, &assignment.referral).await?;
    }
    let name = assignment.name.clone();
    routing
        .accept_assignment(AcceptAssignmentRequest {
            name: name.clone(),
            lease_token: pulled.lease_token,
        })
        .await
        .map_err(Failure::refused("accepting"))?;
    if lead {
        let task = routing
            .create_task(CreateTaskRequest {
                assignment: name.clone(),
                title: "Check every identifier against the unit's records".to_owned(),
                due_at: None,
                request_id: request_id(),
            })
            .await
            .map_err(Failure::refused("creating a task"))?
            .into_inner()
            .task
            .unwrap_or_default();
        routing
            .claim_task(ClaimTaskRequest {
                name: task.name.clone(),
            })
            .await
            .map_err(Failure::refused("claiming a task"))?;
        routing
            .complete_task(CompleteTaskRequest {
                name: task.name,
                result: "Two matches, both followed up.".to_owned(),
            })
            .await
            .map_err(Failure::refused("completing a task"))?;
    }
    let outcome = if lead {
        outcome_for(&changed.unit)
    } else {
        CaseOutcome::InformationProvided
    };
    routing
        .complete_assignment(CompleteAssignmentRequest {
            name,
            outcome: outcome.into(),
            note: String::new(),
        })
        .await
        .map_err(Failure::refused("completing"))?;
    Ok(())
}

/// The lead unit would pass the referral on to a partner, which its markings forbid: what is refused, and
/// by which rules, is what the audience sees.
async fn try_to_share(stage: &Stage<'_>, unit: &Connection, referral: &str) -> Outcome {
    const PARTNER: &str = "partner/customs";
    let request = ShareReferralRequest {
        name: referral.to_owned(),
        recipient: PARTNER.to_owned(),
        purpose: Purpose::InvestigationInformation.into(),
        action: IntendedAction::None.into(),
        r#use: IntendedUse::Police.into(),
        reason: "They may hold records of the route.".to_owned(),
        request_id: request_id(),
    };
    let told = match unit.intake()?.share_referral(request).await {
        Ok(answer) => {
            let share = answer.into_inner().share.unwrap_or_default();
            format!("shared with {PARTNER}: {}", share.rules.join(", "))
        }
        Err(status) => {
            let failure = liaison_grpc::Failure::read(&status);
            let Some((_, rules)) = failure.metadata.iter().find(|(key, _)| key == "rules") else {
                return Err(Failure::refused("sharing")(status));
            };
            stage.tell(&json!({
                "referral": referral,
                "share": PARTNER,
                "refused": rules.split(' ').collect::<Vec<_>>(),
            }))?;
            format!(
                "sharing with {PARTNER} is refused by {}",
                rules.replace(' ', ", ")
            )
        }
    };
    stage.say(&format!(
        "  {}",
        styled(CARE, &format!("{:>22}  {told}", ""))
    ))
}

/// What the demo's units achieve.
fn outcome_for(unit: &str) -> CaseOutcome {
    match unit {
        "children-trafficking" => CaseOutcome::VictimSafeguarded,
        "cyber" => CaseOutcome::SuspectIdentified,
        "narcotics-organized-crime" => CaseOutcome::Seizure,
        "terrorism" => CaseOutcome::SuspectArrested,
        _ => CaseOutcome::InformationProvided,
    }
}
