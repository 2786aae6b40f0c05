//! Pages follow each other, and a token belongs to its query.

use e2e::refusal::{invalid, refused};
use e2e::{Client, Suite, dossier};
use liaison_proto::classification::ListTriageItemsRequest;
use liaison_proto::common::ReferralState;
use liaison_proto::intake::{ListReferralsRequest, ListReferralsResponse};
use liaison_proto::routing::ListAssignmentsRequest;
use liaison_types::Reason;
use tonic::{Code, Status};

async fn list(
    client: &Client,
    request: &ListReferralsRequest,
) -> Result<ListReferralsResponse, Status> {
    Ok(client
        .intake()
        .list_referrals(request.clone())
        .await?
        .into_inner())
}

e2e::both_backends! {
    async fn pages_are_whole_and_newest_first(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let mut sent = Vec::new();
        for _ in 0..7 {
            sent.insert(0, bureau.submit(dossier::plain()).await.unwrap().name);
        }
        suite
            .client("bureau/NB-DE")
            .submit(dossier::plain())
            .await
            .unwrap();
        let mut request = ListReferralsRequest {
            page_size: 3,
            ..Default::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = list(&bureau, &request).await.unwrap();
            assert!(page.referrals.len() <= 3);
            seen.extend(page.referrals.into_iter().map(|referral| referral.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, sent);
        let none = ListReferralsRequest {
            states: vec![ReferralState::Refused.into()],
            ..Default::default()
        };
        assert!(list(&bureau, &none).await.unwrap().referrals.is_empty());
        let most = ListReferralsRequest {
            page_size: i32::MAX,
            ..Default::default()
        };
        assert_eq!(list(&bureau, &most).await.unwrap().referrals.len(), 7);
        for wrong in [
            ListReferralsRequest {
                page_size: -1,
                ..Default::default()
            },
            ListReferralsRequest {
                states: vec![99],
                ..Default::default()
            },
        ] {
            invalid(list(&bureau, &wrong).await);
        }
    }

    async fn a_token_of_another_query_is_refused(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        for _ in 0..3 {
            bureau.submit(dossier::plain()).await.unwrap();
        }
        let request = ListReferralsRequest {
            page_size: 1,
            ..Default::default()
        };
        let token = list(&bureau, &request).await.unwrap().next_page_token;
        let with = |page_token: &str| ListReferralsRequest {
            page_token: page_token.to_owned(),
            ..request.clone()
        };
        assert_eq!(
            list(&bureau, &with(&token)).await.unwrap().referrals.len(),
            1
        );
        let mut damaged = token.clone();
        damaged.pop();
        let other_filter = ListReferralsRequest {
            include_exercises: true,
            ..with(&token)
        };
        let other_states = ListReferralsRequest {
            states: vec![5],
            ..with(&token)
        };
        for wrong in [
            with(&damaged),
            with("x"),
            with("مؤشر"),
            other_filter,
            other_states,
        ] {
            refused(
                list(&bureau, &wrong).await,
                Code::InvalidArgument,
                Reason::PageTokenMismatch,
            );
        }
        for party in ["bureau/NB-DE", "desk/triage"] {
            let answer = list(&suite.client(party), &with(&token)).await;
            refused(answer, Code::InvalidArgument, Reason::PageTokenMismatch);
        }
        let assignments = ListAssignmentsRequest {
            page_token: token.clone(),
            ..Default::default()
        };
        refused(
            suite
                .client("unit/cyber")
                .routing()
                .list_assignments(assignments)
                .await,
            Code::InvalidArgument,
            Reason::PageTokenMismatch,
        );
        let items = ListTriageItemsRequest {
            page_token: token,
            ..Default::default()
        };
        refused(
            suite
                .client("desk/triage")
                .classification()
                .list_triage_items(items)
                .await,
            Code::InvalidArgument,
            Reason::PageTokenMismatch,
        );
    }
}
