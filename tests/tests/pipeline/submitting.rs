//! What a dossier must have, and what an acknowledgement means.

use std::collections::BTreeMap;

use e2e::refusal::{fields, invalid, refused};
use e2e::{Suite, dossier, history, request_id};
use futures::future::join_all;
use liaison_proto::common::{Offence, ReferralState};
use liaison_proto::intake::{Dossier, ListReferralsRequest, SubmitReferralRequest};
use liaison_types::{Language, Reason, Rule};
use prost::Message as _;
use tonic::Code;

/// How many rows each table of intake holds.
async fn rows(suite: &Suite) -> BTreeMap<&'static str, i64> {
    let mut rows = BTreeMap::new();
    for table in ["referral", "dossier", "custody", "audit", "outbox"] {
        rows.insert(table, suite.databases().count("intake", table).await);
    }
    rows
}

/// A dossier with everything wrong that can be wrong.
fn wrong() -> Dossier {
    let mut dossier = dossier::plain();
    dossier.bureau_reference = String::new();
    dossier.kind = 99;
    dossier.authority.as_mut().unwrap().address = String::new();
    dossier.offences = vec![Offence {
        iccs: "9903".to_owned(),
        tags: vec![99],
        ..Offence::default()
    }];
    dossier.title = "line\nbreak".to_owned();
    dossier.narrative = String::new();
    dossier.language = 99;
    dossier.occurrences[0].country = "XX".to_owned();
    dossier.purpose = 0;
    dossier.persons[0].family_name = String::new();
    dossier.persons[0].nationalities = vec!["Atlantis".to_owned()];
    dossier.persons[1].purpose_link = String::new();
    dossier.identifiers[0].kind = 99;
    dossier.requested_actions = vec![0];
    dossier.objective_reasons = String::new();
    dossier.urgency.as_mut().unwrap().urgency = 2;
    dossier
        .legal_basis
        .as_mut()
        .unwrap()
        .authorisation_reference = "J-17".to_owned();
    dossier.markings.as_mut().unwrap().tlp = 99;
    dossier
}

const WRONG: [&str; 20] = [
    "dossier.bureau_reference",
    "dossier.kind",
    "dossier.authority.address",
    "dossier.offences[0].iccs",
    "dossier.offences[0].tags[0]",
    "dossier.title",
    "dossier.narrative",
    "dossier.language",
    "dossier.occurrences[0].country",
    "dossier.purpose",
    "dossier.persons[0].family_name",
    "dossier.persons[0].nationalities[0]",
    "dossier.persons[1].purpose_link",
    "dossier.identifiers[0].kind",
    "dossier.requested_actions[0]",
    "dossier.objective_reasons",
    "dossier.urgency.ground",
    "dossier.urgency.reason",
    "dossier.legal_basis.authorisation_issuer",
    "dossier.markings.tlp",
];

e2e::both_backends! {
    async fn everything_wrong_is_said_at_once_and_nothing_is_kept(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        bureau.submit(dossier::plain()).await.unwrap();
        suite.drained().await;
        let before = rows(&suite).await;
        let failure = invalid(bureau.submit(wrong()).await);
        let named = fields(&failure);
        for field in WRONG {
            assert!(named.contains(&field), "{field} is not among {named:#?}");
        }
        for language in Language::ALL {
            let failure = invalid(bureau.language(language).submit(wrong()).await);
            let title = failure
                .violations
                .iter()
                .find(|(field, _)| field == "dossier.narrative");
            assert_eq!(title.unwrap().1, Rule::Required.text(language));
            assert!(failure.localized.is_some());
        }
        invalid(
            bureau
                .submit_as("not-a-uuid".to_owned(), dossier::plain())
                .await,
        );
        invalid(bureau.submit_as(String::new(), dossier::plain()).await);
        let nothing = SubmitReferralRequest {
            request_id: request_id(),
            ..Default::default()
        };
        invalid(bureau.intake().submit_referral(nothing).await);
        assert_eq!(rows(&suite).await, before, "nothing is half written");
    }

    async fn validation_alone_keeps_nothing(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let before = rows(&suite).await;
        let check = |dossier| SubmitReferralRequest {
            dossier: Some(dossier),
            request_id: request_id(),
            validate_only: true,
        };
        let mut intake = bureau.intake();
        let said = intake
            .submit_referral(check(dossier::plain()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(said.referral.unwrap().state(), ReferralState::Admitted);
        let said = intake
            .submit_referral(check(dossier::flagged()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(said.referral.unwrap().state(), ReferralState::UnderReview);
        invalid(intake.submit_referral(check(wrong())).await);
        assert_eq!(rows(&suite).await, before);
    }

    async fn a_request_is_repeatable_and_its_id_is_not_reusable(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let id = request_id();
        // All at once, as an impatient client repeats itself.
        let answers = (0..12).map(|_| {
            let (bureau, id) = (bureau.clone(), id.clone());
            async move { bureau.submit_as(id, dossier::plain()).await.unwrap() }
        });
        let answers = join_all(answers).await;
        assert!(answers.iter().all(|answer| answer.name == answers[0].name));
        assert!(
            answers
                .iter()
                .all(|answer| answer.reference == answers[0].reference)
        );
        let again = bureau
            .submit_as(id.clone(), dossier::plain())
            .await
            .unwrap();
        assert_eq!(again.name, answers[0].name);
        let mut other = dossier::plain();
        other.title = "Another body".to_owned();
        refused(
            bureau.submit_as(id.clone(), other).await,
            Code::AlreadyExists,
            Reason::RequestIdReused,
        );
        // Request ids are each party's own.
        let elsewhere = suite
            .client("bureau/NB-DE")
            .submit_as(id, dossier::plain())
            .await
            .unwrap();
        assert_ne!(elsewhere.name, answers[0].name);
        suite.drained().await;
        let rows = rows(&suite).await;
        assert_eq!((rows["referral"], rows["dossier"]), (2, 2));
        let steps = history::read(&bureau, &answers[0].name).await;
        assert_eq!(
            history::count(&steps, liaison_proto::event::ReferralStep::Submitted),
            1
        );
    }

    async fn references_count_up_for_each_bureau(backend: Backend) {
        let suite = Suite::up(backend).await;
        let mut references = Vec::new();
        for party in ["bureau/NB-FR", "bureau/NB-ES", "partner/customs"] {
            let client = suite.client(party);
            let sent = join_all((0..8).map(|_| client.submit(dossier::plain()))).await;
            let mut own: Vec<String> = sent
                .into_iter()
                .map(|sent| sent.unwrap().reference)
                .collect();
            own.sort();
            own.dedup();
            assert_eq!(own.len(), 8, "{own:?}");
            let number = |reference: &str| {
                reference
                    .rsplit('-')
                    .next()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            };
            assert_eq!(
                own.iter().map(|own| number(own)).collect::<Vec<_>>(),
                (1..=8).collect::<Vec<_>>()
            );
            references.extend(own);
        }
        assert!(references[0].contains("-FR-") && references[8].contains("-ES-"));
        assert!(references[16].contains("-X-CUSTOMS-"), "{}", references[16]);
    }

    async fn size_has_its_limits(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        // As many characters as allowed, most of them of two bytes.
        let mut large = dossier::plain();
        large.narrative = "أحالت السلطة ".repeat(200_000 / 13);
        let referral = bureau.submit(large.clone()).await.unwrap();
        assert_eq!(
            e2e::unit::open(&bureau, &referral.name).await.unwrap(),
            large
        );
        large.narrative = "x".repeat(200_001);
        assert_eq!(
            fields(&invalid(bureau.submit(large.clone()).await)),
            ["dossier.narrative"]
        );
        suite.drained().await;
        let before = rows(&suite).await;
        // Just what a message may have is read and judged; more is not read at all.
        large.narrative = "x".repeat(4 << 20);
        assert!(large.encoded_len() > 4 << 20);
        refused(
            bureau.submit(large.clone()).await,
            Code::ResourceExhausted,
            Reason::MessageTooLarge,
        );
        large.narrative = "x".repeat((4 << 20) - 8_192);
        invalid(bureau.submit(large).await);
        assert_eq!(rows(&suite).await, before);
        let list = bureau
            .intake()
            .list_referrals(ListReferralsRequest::default())
            .await
            .unwrap();
        assert_eq!(list.into_inner().referrals.len(), 1);
        bureau.submit(dossier::plain()).await.unwrap();
    }
}
