//! `liaison review …`: the compliance desk.

use liaison_proto::common::{ReferralState, RefusalGround};
use liaison_proto::intake::{DecideReviewRequest, ReviewVerdict};
use liaison_types::Party;

use crate::cli::{Output, ReviewCommand, ReviewDecideArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::document;
use crate::proto_json::to_json;

use super::{referral, referral_state, resource};

fn desk() -> Option<Party> {
    "desk/compliance".parse().ok()
}

/// Runs the command, as `desk/compliance` unless told otherwise.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &ReviewCommand) -> Outcome {
    match command {
        ReviewCommand::List(args) => {
            referral::list(output, args, &[ReferralState::UnderReview], false, desk()).await
        }
        ReviewCommand::Decide(args) => decide(output, args).await,
    }
}

async fn decide(output: &Output, args: &ReviewDecideArgs) -> Outcome {
    let verdict = if args.refuse.is_some() {
        ReviewVerdict::NonCompliant
    } else {
        ReviewVerdict::Compliant
    };
    let request = DecideReviewRequest {
        name: resource("referrals", &args.name),
        verdict: verdict.into(),
        ground: args.refuse.unwrap_or(RefusalGround::Unspecified).into(),
        reason: args.reason.clone(),
        etag: String::new(),
    };
    let referral = Connection::open(&args.connect, desk())?
        .intake()?
        .decide_review(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .referral
        .unwrap_or_default();
    document(
        output,
        &to_json("liaison.intake.v1.Referral", &referral),
        || {
            format!(
                "{} is now {}",
                referral.reference,
                referral_state(referral.state)
            )
        },
    )?;
    Ok(())
}
