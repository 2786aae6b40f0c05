//! `liaison share …` and `liaison consent …`: passing referrals on.

use liaison_proto::intake::{
    ConsentVerdict, DecideConsentRequest, EndShareRequest, ListConsentRequestsRequest,
    ListSharesRequest, Share, ShareReferralRequest, ShareState,
};
use serde_json::{Value, json};

use crate::cli::{
    ConsentArgs, ConsentCommand, ConsentListArgs, Output, ShareArgs, ShareCommand, ShareCreateArgs,
    ShareListArgs,
};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{actor, card, document, due, records, word};
use crate::proto_json::to_json;

use super::resource;
use super::submit::request_id;

const SHARE: &str = "liaison.intake.v1.Share";
/// The most of one page.
const PAGE: usize = 500;

/// Runs a command on shares.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &ShareCommand) -> Outcome {
    match command {
        ShareCommand::Create(args) => create(output, args).await,
        ShareCommand::List(args) => list(output, args).await,
        ShareCommand::End(args) => end(output, args).await,
    }
}

/// Runs a command on consent.
///
/// # Errors
/// What keeps it from being done.
pub async fn consent(output: &Output, command: &ConsentCommand) -> Outcome {
    match command {
        ConsentCommand::List(args) => requests(output, args).await,
        ConsentCommand::Give(args) => answer(output, args, ConsentVerdict::Give).await,
        ConsentCommand::Refuse(args) => answer(output, args, ConsentVerdict::Refuse).await,
    }
}

async fn create(output: &Output, args: &ShareCreateArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let request = ShareReferralRequest {
        name: resource("referrals", &args.referral),
        recipient: args.recipient.to_string(),
        purpose: args.purpose.into(),
        action: args.action.into(),
        r#use: args.usage.into(),
        reason: args.reason.clone(),
        request_id: request_id(),
    };
    let share = intake
        .share_referral(request)
        .await
        .map_err(Failure::refused(format!("sharing with {}", args.recipient)))?
        .into_inner()
        .share
        .unwrap_or_default();
    show(output, &share)
}

async fn end(output: &Output, args: &ShareArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let request = EndShareRequest {
        name: resource("shares", &args.name),
    };
    let share = intake
        .end_share(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .share
        .unwrap_or_default();
    show(output, &share)
}

async fn answer(output: &Output, args: &ConsentArgs, verdict: ConsentVerdict) -> Outcome {
    let ShareArgs { name, connect } = &args.share;
    let mut intake = Connection::open(connect, None)?.intake()?;
    let request = DecideConsentRequest {
        name: resource("shares", name),
        verdict: verdict.into(),
        reason: args.reason.clone(),
    };
    let share = intake
        .decide_consent(request)
        .await
        .map_err(Failure::refused(name))?
        .into_inner()
        .share
        .unwrap_or_default();
    show(output, &share)
}

async fn list(output: &Output, args: &ShareListArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let mut shares = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(shares.len()).min(PAGE);
        let request = ListSharesRequest {
            parent: resource("referrals", &args.referral),
            page_size: i32::try_from(wanted).unwrap_or_default(),
            page_token,
        };
        let page = intake
            .list_shares(request)
            .await
            .map_err(Failure::refused(&args.referral))?
            .into_inner();
        shares.extend(page.shares);
        page_token = page.next_page_token;
        if page_token.is_empty() || shares.len() >= args.limit {
            return listed(output, &shares, !page_token.is_empty());
        }
    }
}

async fn requests(output: &Output, args: &ConsentListArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let mut shares = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(shares.len()).min(PAGE);
        let request = ListConsentRequestsRequest {
            page_size: i32::try_from(wanted).unwrap_or_default(),
            page_token,
        };
        let page = intake
            .list_consent_requests(request)
            .await
            .map_err(Failure::refused("listing what waits for consent"))?
            .into_inner();
        shares.extend(page.shares);
        page_token = page.next_page_token;
        if page_token.is_empty() || shares.len() >= args.limit {
            return listed(output, &shares, !page_token.is_empty());
        }
    }
}

fn state(share: &Share) -> String {
    word(share.state().as_str_name(), "SHARE_STATE_")
}

fn listed(output: &Output, shares: &[Share], more: bool) -> Outcome {
    let json: Vec<Value> = shares.iter().map(|share| to_json(SHARE, share)).collect();
    document(output, &json!({ "shares": json, "more": more }), || {
        let rows = shares
            .iter()
            .map(|share| {
                vec![
                    state(share),
                    share.recipient.clone(),
                    actor(share.requested_by.as_ref()),
                    due(share.consent.as_ref()),
                    share.referral.clone(),
                    share.name.clone(),
                ]
            })
            .collect();
        records(
            &["state", "to", "asked by", "consent by", "referral", "share"],
            rows,
        )
    })?;
    Ok(())
}

fn show(output: &Output, share: &Share) -> Outcome {
    document(output, &to_json(SHARE, share), || {
        let (state, rules) = (state(share), share.rules.join(", "));
        let mut rows = vec![
            ("share", share.name.clone()),
            ("referral", share.referral.clone()),
            ("to", share.recipient.clone()),
            ("state", state),
            ("rules", rules),
        ];
        if share.state() == ShareState::AwaitingConsent {
            rows.push(("consent by", due(share.consent.as_ref())));
        }
        card(rows.iter().map(|(label, value)| (*label, value.as_str())))
    })?;
    Ok(())
}
