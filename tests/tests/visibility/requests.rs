//! What a repeated request, a check without keeping, a reference or an etag could give away.

use e2e::refusal::refused;
use e2e::{Client, Suite, dossier, request_id, unit};
use liaison_proto::common::{DeclineReason, OffenceTag};
use liaison_proto::intake::{Dossier, Referral, SubmitReferralRequest};
use liaison_proto::routing::{
    CreateTaskRequest, DeclareIndirectAccessRequest, GetAssignmentRequest, Task,
};
use liaison_types::Reason;
use tonic::{Code, Status};

async fn check(client: &Client, request_id: String, dossier: Dossier) -> Referral {
    let request = SubmitReferralRequest {
        dossier: Some(dossier),
        request_id,
        validate_only: true,
    };
    let answer = client.intake().submit_referral(request).await.unwrap();
    answer.into_inner().referral.unwrap()
}

/// A receipt without what differs from submission to submission.
fn blank(receipt: Referral) -> Referral {
    Referral {
        name: String::new(),
        reference: String::new(),
        received_at: None,
        updated_at: None,
        admissibility: None,
        completion: None,
        ..receipt
    }
}

/// The number at the end of a reference.
fn number(receipt: &Referral) -> u64 {
    let (series, number) = receipt.reference.rsplit_once('-').unwrap();
    let owner = receipt.owner.split_once('/').unwrap().1;
    let owner = owner.trim_start_matches("NB-").to_uppercase();
    assert!(
        series.ends_with(&owner),
        "{} of {}",
        receipt.reference,
        receipt.owner
    );
    number.parse().unwrap()
}

/// Those that are neighbours of `bureau/NB-FR` in one way or another.
const OTHERS: [&str; 4] = [
    "bureau/NB-DE",
    "bureau/NB-FR-LYON",
    "bureau/NB-FR-PARIS",
    "partner/nb-fr",
];

async fn task(
    unit: &Client,
    assignment: &str,
    title: &str,
    request_id: &str,
) -> Result<Task, Status> {
    let request = CreateTaskRequest {
        assignment: assignment.to_owned(),
        title: title.to_owned(),
        due_at: None,
        request_id: request_id.to_owned(),
    };
    let created = unit.routing().create_task(request).await?;
    Ok(created.into_inner().task.unwrap())
}

e2e::both_backends! {
    async fn a_request_id_of_another_owner_is_free(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let taken = request_id();
        let first = bureau.submit_as(taken.clone(), dossier::flagged()).await.unwrap();
        for party in OTHERS {
            let other = suite.client(party);
            // With the body that it was used for, and with another; each again as if for the first time.
            let same = other.submit_as(taken.clone(), dossier::flagged()).await.unwrap();
            assert_eq!(same.owner, party);
            assert_ne!(same.name, first.name);
            let free = other.submit(dossier::flagged()).await.unwrap();
            assert_eq!(blank(same.clone()), blank(free), "{party}");
            let again = other.submit_as(taken.clone(), dossier::flagged()).await.unwrap();
            assert_eq!(again, same, "its own is repeated");
            let reused = other.submit_as(taken.clone(), dossier::unclear()).await;
            let failure = refused(reused, Code::AlreadyExists, Reason::RequestIdReused);
            let said = format!("{failure:?}");
            assert!(!said.contains(&first.name) && !said.contains(&same.name), "{said}");
        }
        let again = bureau.submit_as(taken, dossier::flagged()).await.unwrap();
        assert_eq!(again, first);
    }

    async fn a_check_tells_nothing_of_what_is_kept(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let taken = request_id();
        bureau.submit_as(taken.clone(), dossier::flagged()).await.unwrap();
        for party in OTHERS {
            let other = suite.client(party);
            let used = check(&other, taken.clone(), dossier::unclear()).await;
            let free = check(&other, request_id(), dossier::unclear()).await;
            assert_eq!((used.name.as_str(), used.reference.as_str()), ("", ""));
            assert_eq!(blank(used), blank(free), "{party}");
        }
        // It draws no number either.
        assert_eq!(number(&bureau.submit(dossier::flagged()).await.unwrap()), 2);
    }

    async fn references_count_the_owners_own(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let mut exercise = dossier::flagged();
        exercise.exercise = true;
        for round in 1..=3 {
            let own = bureau.submit(dossier::flagged()).await.unwrap();
            assert_eq!(number(&own), round, "{}", own.reference);
            for (count, party) in OTHERS.into_iter().enumerate() {
                let other = suite.client(party);
                for _ in 0..=count {
                    other.submit(exercise.clone()).await.unwrap();
                }
            }
        }
        for (count, party) in (1..).zip(OTHERS) {
            let last = suite.client(party).submit(dossier::flagged()).await.unwrap();
            assert_eq!(number(&last), 3 * count + 1, "{party} counts its own only");
        }
    }

    async fn a_request_id_of_another_units_task_is_free(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let (cyber, terrorism) = (suite.client("unit/cyber"), suite.client("unit/terrorism"));
        bureau.submit(dossier::plain()).await.unwrap();
        bureau.submit(dossier::coded("09062", &[])).await.unwrap();
        let mut shares = Vec::new();
        for unit in [&cyber, &terrorism] {
            let (share, token) = unit::pull_one(unit).await;
            unit::accept(unit, &share.name, &token).await.unwrap();
            shares.push(share.name);
        }
        let id = request_id();
        let first = task(&cyber, &shares[0], "Ask the provider", &id).await.unwrap();
        let second = task(&terrorism, &shares[1], "Ask the bank", &id).await.unwrap();
        assert_ne!(first.name, second.name);
        // Under the other's share it is not even asked whether it is used.
        for title in ["Ask the provider", "Ask the bank"] {
            let told = [&shares[0], "assignments/0198c0de-0000-7000-8000-000000000002"];
            let mut answers = Vec::new();
            for share in told {
                let answer = task(&terrorism, share, title, &id).await;
                answers.push(refused(answer, Code::NotFound, Reason::NotFound));
            }
            assert_eq!(answers[0], answers[1]);
        }
    }

    /// An etag counts the changes of what its reader sees, and nothing that others do.
    async fn what_a_unit_declined_stands_still(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let (lead, next) = (suite.client("unit/children-trafficking"), suite.client("unit/cyber"));
        let sent = dossier::coded("03022", &[OffenceTag::Minor, OffenceTag::Cyber]);
        let referral = bureau.submit(dossier::urgent(sent)).await.unwrap();
        let (share, token) = unit::pull_one(&lead).await;
        unit::decline(&lead, &share.name, &token, DeclineReason::NoCapacity).await.unwrap();
        suite.drained().await;
        let get = GetAssignmentRequest { name: share.name.clone() };
        let before = lead.routing().get_assignment(get.clone()).await.unwrap().into_inner();
        let told = e2e::history::notifications(&lead).await;
        let listed = unit::assignments(&lead, &[]).await;
        // Another leads now, and does everything there is to do.
        let (second, token) = unit::pull_one(&next).await;
        assert_eq!(second.referral, referral.name);
        unit::accept(&next, &second.name, &token).await.unwrap();
        let declare = DeclareIndirectAccessRequest { name: second.name.clone() };
        next.routing().declare_indirect_access(declare).await.unwrap();
        unit::work(&next, &second.name).await.unwrap();
        let outcome = liaison_proto::common::Outcome::NoTrace;
        unit::complete(&next, &second.name, outcome).await.unwrap();
        suite.drained().await;
        let after = lead.routing().get_assignment(get).await.unwrap().into_inner();
        assert_eq!(after, before);
        assert_eq!(unit::assignments(&lead, &[]).await, listed);
        assert_eq!(e2e::history::notifications(&lead).await, told);
        refused(lead.referral(&referral.name).await, Code::NotFound, Reason::NotFound);
    }
}
