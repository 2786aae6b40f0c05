//! `liaison submit`.

use std::time::Duration;

use liaison_grpc::Channel;
use liaison_proto::common::ReferralState;
use liaison_proto::event::ReferralStep;
use liaison_proto::intake::intake_service_client::IntakeServiceClient;
use liaison_proto::intake::{
    GetReferralHistoryRequest, GetReferralRequest, HistoryEntry, Referral, SubmitReferralRequest,
};
use liaison_types::{Clock as _, SystemClock, SystemRandom};
use serde_json::json;

use crate::cli::{Output, SubmitArgs};
use crate::connection::Connection;
use crate::dossier_file;
use crate::failure::{Failure, Outcome};
use crate::output::{GOOD, STRONG, due, element, styled};
use crate::proto_json::to_json;

use super::referral_state;

/// How long `--wait` waits for one referral.
const WAIT: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);

/// Submits each file. One that is refused does not keep the others from being submitted; the command
/// fails at the end then.
///
/// # Errors
/// The last refusal, after all were tried.
pub async fn run(output: &Output, args: &SubmitArgs) -> Outcome {
    let connection = Connection::open(&args.connect, None)?;
    let mut last = Ok(());
    for file in &args.files {
        let shown = file.display().to_string();
        let submitted = async {
            let dossier = dossier_file::read(file)?;
            let request = SubmitReferralRequest {
                dossier: Some(dossier),
                request_id: request_id(),
                validate_only: args.validate_only,
            };
            let answer = connection.intake()?.submit_referral(request).await;
            let referral = answer
                .map_err(Failure::refused(shown.clone()))?
                .into_inner()
                .referral
                .unwrap_or_default();
            if args.wait && !args.validate_only {
                settled(&connection, referral).await
            } else {
                Ok(referral)
            }
        }
        .await;
        match submitted {
            Ok(referral) => {
                let json = json!({
                    "file": shown,
                    "validate_only": args.validate_only,
                    "referral": to_json("liaison.intake.v1.Referral", &referral),
                });
                element(output, &json, || {
                    told(&shown, &referral, args.validate_only)
                })?;
            }
            Err(failure) => {
                failure.tell(output);
                last = Err(failure);
            }
        }
    }
    // What failed has been told above, file by file; only the exit code is left to say.
    last.map_err(|failure| match failure {
        Failure::Usage(message) => Failure::Usage(message),
        _ => Failure::Local("not every dossier was accepted".to_owned()),
    })
}

fn told(file: &str, referral: &Referral, validate_only: bool) -> String {
    if validate_only {
        return format!(
            "{} {file}: would be {}",
            styled(GOOD, "valid"),
            referral_state(referral.state)
        );
    }
    format!(
        "{} {} {}  {}  due {}",
        styled(GOOD, "accepted"),
        styled(STRONG, &referral.reference),
        referral.name,
        referral_state(referral.state),
        due(referral.completion.as_ref()),
    )
}

/// Waits until the referral is with a unit or a desk.
async fn settled(connection: &Connection, mut referral: Referral) -> Result<Referral, Failure> {
    let mut intake = connection.intake()?;
    let begun = std::time::Instant::now();
    loop {
        let on_its_way = matches!(
            referral.state(),
            ReferralState::Submitted | ReferralState::Admitted | ReferralState::Classified
        );
        // After the time given the present state is the answer.
        if !on_its_way || begun.elapsed() > WAIT || is_at_triage(&mut intake, &referral).await? {
            return Ok(referral);
        }
        tokio::time::sleep(LOOK).await;
        let request = GetReferralRequest {
            name: referral.name.clone(),
        };
        referral = intake
            .get_referral(request)
            .await
            .map_err(Failure::refused("waiting"))?
            .into_inner()
            .referral
            .unwrap_or_default();
    }
}

/// Whether the referral waits for the triage desk: its state does not say so, its history does.
async fn is_at_triage(
    intake: &mut IntakeServiceClient<Channel>,
    referral: &Referral,
) -> Result<bool, Failure> {
    let request = GetReferralHistoryRequest {
        name: referral.name.clone(),
    };
    let history = intake
        .get_referral_history(request)
        .await
        .map_err(Failure::refused("waiting"))?
        .into_inner();
    let last = history
        .entries
        .iter()
        .rev()
        .map(HistoryEntry::step)
        .find(|step| {
            matches!(
                step,
                ReferralStep::TriageRequested | ReferralStep::Classified
            )
        });
    Ok(last == Some(ReferralStep::TriageRequested))
}

/// A fresh request id.
#[must_use]
pub fn request_id() -> String {
    liaison_types::id::uuid_v7(SystemClock.now(), &SystemRandom).to_string()
}
