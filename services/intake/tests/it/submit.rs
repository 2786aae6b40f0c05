//! Submitting.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use liaison_grpc::wire;
use liaison_proto::event::event::Data;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use liaison_types::Timestamp;

use crate::samples::{dossier, flagged, submission};
use crate::world::{World, at_once, reason};

fn due(clock: Option<&common::Clock>) -> (u64, String) {
    let clock = clock.unwrap();
    let at = |at: &Option<prost_types::Timestamp>| wire::instant(&at.unwrap()).unwrap();
    let length = at(&clock.due_at).since(at(&clock.started_at));
    (length.as_secs() / 3_600, clock.rule.clone())
}

both_backends! {
    async fn a_complete_dossier_is_admitted_and_handed_on(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.submitted(1).await;
        assert_eq!(referral.reference, "2026-FR-000001");
        assert_eq!(referral.owner, "bureau/NB-FR");
        assert_eq!(referral.state(), common::ReferralState::Admitted);
        assert_eq!(referral.rules, ["screen.complete-and-unflagged"]);
        assert_eq!(due(referral.completion.as_ref()), (7 * 24, "completion.routine".into()));
        assert_eq!(due(referral.admissibility.as_ref()), (24, "admissibility.routine".into()));
        assert_eq!((referral.last_position, referral.etag.as_str()), (2, "v1"));
        assert_eq!(world.get("bureau/NB-FR", &referral.name).await.unwrap(), referral);
        assert_eq!(world.dossier("bureau/NB-FR", &referral.name).await.unwrap(), dossier());
        assert_eq!(world.steps(&referral.name).await, ["SUBMITTED", "ADMITTED"]);

        let sent = world.outbox().await;
        let to: Vec<_> = sent.iter().map(|s| (s.destination.as_str(), s.event.sequence)).collect();
        assert_eq!(to, [("notification", 1), ("classification", 2), ("notification", 2)]);
        assert!(sent.iter().all(|sent| sent.event.subject == referral.name));
        assert!(sent.iter().all(|sent| sent.event.source == "liaison://service/intake"));
        let Some(Data::ReferralAdmitted(admitted)) = &sent[1].event.data else { panic!("{sent:?}") };
        let envelope = admitted.envelope.as_ref().unwrap();
        assert_eq!((&*envelope.bureau, &*envelope.reference), ("NB-FR", "2026-FR-000001"));
        assert_eq!(envelope.markings, referral.markings);
        assert_eq!(envelope.markings.as_ref().unwrap().excluded_units, ["terrorism"]);
        let Some(Data::ReferralChanged(changed)) = &sent[2].event.data else { panic!("{sent:?}") };
        assert_eq!(changed.state(), common::ReferralState::Admitted);

        let audit = world.audit(&referral.name).await;
        let actions: Vec<_> = audit.iter().map(|record| record.entry.action.as_str()).collect();
        assert_eq!(actions, ["intake.submit", "intake.get_dossier"]);
        assert_eq!(audit[0].entry.officer.as_deref(), Some("a.first"));
    }

    /// The text of H3 is content: it is served with the dossier and stands nowhere else.
    async fn a_restriction_in_words_stays_in_the_dossier(database: TestDatabase) {
        const WORDS: &str = "Ask Ottilie Zaunkönig first.";
        let world = World::new(database).await;
        let mut sent = dossier();
        let markings = sent.markings.get_or_insert_default();
        markings.handling = vec![common::HandlingCode::H3.into()];
        markings.handling_text = WORDS.into();
        markings.confidentiality = common::Confidentiality::Restricted.into();
        (markings.tlp, markings.pap) = (common::Tlp::Red.into(), common::Pap::Green.into());
        let request = submission(sent.clone(), 1);
        let referral = world.submit("bureau/NB-FR a.first", request).await.unwrap();
        let served = world.dossier("bureau/NB-FR", &referral.name).await.unwrap();
        assert_eq!(served.markings.as_ref().unwrap().handling_text, WORDS);
        assert_eq!(served, sent);
        let read = world.get("bureau/NB-FR", &referral.name).await.unwrap();
        let markings = sent.markings.unwrap();
        let without = common::Markings { handling_text: String::new(), ..markings };
        assert_eq!((&read.markings, &referral.markings), (&Some(without.clone()), &Some(without.clone())));
        let told = world.outbox().await;
        let Some(Data::ReferralAdmitted(admitted)) = &told[1].event.data else { panic!("{told:?}") };
        assert_eq!(admitted.envelope.as_ref().unwrap().markings, Some(without));
        let row = world.query("SELECT markings FROM referral").await;
        let row: String = row[0].try_get("", "markings").unwrap();
        assert!(row.contains("H3") && !row.contains("Ottilie"), "{row}");
    }

    async fn flagged_dossiers_wait_for_people(database: TestDatabase) {
        let world = World::new(database).await;
        let request = submission(flagged(), 1);
        let referral = world.submit("bureau/NB-FR a.first", request).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::UnderReview);
        assert_eq!(referral.rules, ["screen.care.minor-suspected"]);
        assert_eq!(world.steps(&referral.name).await, ["SUBMITTED", "REVIEW_REQUESTED"]);
        assert!(world.outbox().await.iter().all(|sent| sent.destination == "notification"));
    }

    async fn clocks_follow_urgency_and_kind(database: TestDatabase) {
        let world = World::new(database).await;
        let claim = |urgency: common::Urgency| Some(intake::UrgencyClaim {
            urgency: urgency.into(),
            ground: common::UrgencyGround::LifeOrPhysicalIntegrity.into(),
            reason: "A person is held.".into(),
        });
        let urgent = intake::Dossier { urgency: claim(common::Urgency::Urgent), ..dossier() };
        let emergency =
            intake::Dossier { urgency: claim(common::Urgency::EmergencyLife), ..dossier() };
        let unasked = intake::Dossier {
            kind: common::ReferralKind::SpontaneousInformation.into(),
            ..dossier()
        };
        for (number, dossier, admissibility, completion) in
            [(1, urgent, 8, Some(8)), (2, emergency, 1, Some(8)), (3, unasked, 24, None)]
        {
            let referral =
                world.submit("bureau/NB-FR", submission(dossier, number)).await.unwrap();
            assert_eq!(due(referral.admissibility.as_ref()).0, admissibility);
            assert_eq!(referral.completion.as_ref().map(|c| due(Some(c)).0), completion);
        }
    }

    async fn a_repetition_returns_the_first_answer(database: TestDatabase) {
        let world = World::new(database).await;
        let first = world.submitted(1).await;
        world.env.advance(Duration::from_secs(60));
        world.take(world.classified(&first.name, 1, 1)).await;
        world.grant(&first.name, "cyber").await;
        let now = world.get("bureau/NB-FR", &first.name).await.unwrap();
        assert_eq!(now.state(), common::ReferralState::Routed);
        assert_eq!(world.submitted(1).await, first);
        assert_eq!(world.count("referral").await, 1);
        // No number was lost.
        assert_eq!(world.submitted(2).await.reference, "2026-FR-000002");
    }

    async fn a_request_id_belongs_to_one_body_and_one_owner(database: TestDatabase) {
        let world = World::new(database).await;
        world.submitted(1).await;
        let other = intake::Dossier { title: "Another".into(), ..dossier() };
        let reused = world.submit("bureau/NB-FR", submission(other.clone(), 1)).await;
        assert_eq!(reason(reused), "REQUEST_ID_REUSED");
        let elsewhere = world.submit("bureau/NB-DE", submission(other, 1)).await.unwrap();
        assert_eq!(elsewhere.reference, "2026-DE-000001");
        assert_eq!(world.count("referral").await, 2);
    }

    async fn at_once_under_one_request_id_it_is_one_referral(database: TestDatabase) {
        let world = World::new(database).await;
        let calls = (0..24).map(|number| {
            // Two request ids, and one call of another body under each.
            let mut dossier = dossier();
            if number >= 22 {
                dossier.title = "Another".into();
            }
            world.submit("bureau/NB-FR", submission(dossier, number % 2))
        });
        let answers = at_once(calls).await;
        for id in 0..2 {
            let (kept, refused): (Vec<_>, Vec<_>) =
                answers.iter().skip(id).step_by(2).cloned().partition(Result::is_ok);
            let names: BTreeSet<_> = kept.iter().map(|answer| answer.as_ref().unwrap().name.clone()).collect();
            assert_eq!(names.len(), 1);
            // Whichever body came first is the one that is kept.
            assert!([(11, 1), (1, 11)].contains(&(kept.len(), refused.len())), "{kept:?}");
            for answer in refused {
                assert_eq!(reason(answer), "REQUEST_ID_REUSED");
            }
        }
        for table in ["referral", "dossier"] {
            assert_eq!(world.count(table).await, 2, "{table}");
        }
        assert_eq!(world.count("custody").await, 4);
        assert_eq!(world.count("outbox").await, 6);
        assert_eq!(world.count("audit").await, 2);
    }

    async fn references_have_no_gaps(database: TestDatabase) {
        let world = World::new(database).await;
        let bureaus = ["bureau/NB-FR", "bureau/NB-DE", "bureau/NB-FR-PJ1", "partner/customs"];
        let prefixes = ["2026-FR-", "2026-DE-", "2026-FR-PJ1-", "2026-X-CUSTOMS-"];
        // Every fifth call repeats another, every seventh is refused.
        let calls = (0..240_u128).map(|number| {
            let place = usize::try_from(number % 4).unwrap();
            let mut dossier = dossier();
            if number % 7 == 0 {
                dossier.title.clear();
            }
            let id = if number % 5 == 0 { number / 4 % 3 * 4 + number % 4 } else { number };
            world.submit(bureaus[place], submission(dossier, id))
        });
        let mut references: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for answer in at_once(calls).await {
            let Ok(referral) = answer else { continue };
            let prefix = prefixes
                .into_iter()
                .find(|prefix| {
                    referral.reference.strip_prefix(prefix).is_some_and(|n| n.len() == 6)
                })
                .unwrap();
            references.entry(prefix).or_default().insert(referral.reference);
        }
        assert_eq!(references.len(), 4);
        for (prefix, found) in references {
            let expected = (1..=found.len()).map(|number| format!("{prefix}{number:06}"));
            assert_eq!(found, expected.collect(), "{prefix}");
        }
    }

    async fn a_new_year_begins_with_one(database: TestDatabase) {
        let world = World::new(database).await;
        world.submitted(1).await;
        world.env.clock.set(Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap());
        let mut later = dossier();
        later.legal_basis = None;
        let referral = world.submit("bureau/NB-FR", submission(later, 2)).await.unwrap();
        assert_eq!(referral.reference, "2027-FR-000001");
    }

    async fn a_check_keeps_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        for (dossier, state) in [
            (dossier(), common::ReferralState::Admitted),
            (flagged(), common::ReferralState::UnderReview),
        ] {
            let request = intake::SubmitReferralRequest {
                dossier: Some(dossier),
                request_id: String::new(),
                validate_only: true,
            };
            let referral = world.submit("bureau/NB-FR a.first", request).await.unwrap();
            assert_eq!(referral.state(), state);
            assert_eq!(due(referral.completion.as_ref()).0, 7 * 24);
            assert_eq!((&*referral.name, &*referral.reference), ("", ""));
        }
        for table in ["referral", "dossier", "custody", "outbox", "audit", "bureau_counter"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
    }

    async fn many_share_one_transaction(database: TestDatabase) {
        let world = World::new(database).await;
        let calls = (0..200).map(|number| {
            world.submit("bureau/NB-FR", submission(dossier(), number))
        });
        assert!(at_once(calls).await.iter().all(Result::is_ok));
        let transactions = world.db.counts()["intake.submit"].committed;
        assert!(transactions < 20, "{transactions} transactions for 200 submissions");
    }
}
